//! Tests the start of a host, its failures, and that dropping a host stops it.

use std::time::Duration;

use glance_host::Host;

use crate::sign_in::by_name;

#[tokio::test]
async fn start_failure_is_one_sentence() {
    let running = Host::start().await;
    let port: u16 = running
        .base_url()
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let taken = Host::builder().port(port).start().await.unwrap_err();
    assert!(taken.is_address_in_use());
    assert!(taken.to_string().contains(&port.to_string()), "{taken}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.sqlite");
    std::fs::write(&file, "not a database, whatever its name says".repeat(10)).unwrap();
    let broken = Host::builder()
        .port(0)
        .data(folder.path())
        .start()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        broken.contains("host.sqlite") && !broken.contains('\n'),
        "{broken}"
    );
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("not a database"),
        "left alone"
    );

    let inside_a_file = Host::builder()
        .port(0)
        .data(file.join("x"))
        .start()
        .await
        .unwrap_err();
    assert!(
        inside_a_file.to_string().contains("data folder"),
        "{inside_a_file}"
    );

    let outside = Host::builder()
        .port(0)
        .ip([0, 0, 0, 0].into())
        .start()
        .await
        .unwrap_err();
    assert!(
        outside.to_string().contains("this machine only"),
        "{outside}"
    );
}

#[tokio::test]
async fn data_folder_is_for_one_host_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Host::builder().port(0).data(folder.path()).start();
    let first = start().await.unwrap();
    let refused = start().await.unwrap_err().to_string();
    let expected = format!(
        "another host uses the data folder {}: stop it first, or set `data` to another",
        folder.path().display()
    );
    assert_eq!(refused, expected);
    first.shutdown().await;
    drop(start().await.unwrap());
    start().await.unwrap();
}

#[tokio::test]
async fn host_without_sign_in_is_for_this_machine_only() {
    let open = "0.0.0.0".parse().unwrap();
    let refused = Host::builder().port(0).ip(open).start().await.unwrap_err();
    assert!(
        refused.to_string().contains("choose how people sign in"),
        "{refused}"
    );
    let refused = Host::builder()
        .port(0)
        .public_url("https://chat.example.com");
    let refused = refused.start().await.unwrap_err().to_string();
    assert!(refused.contains("nobody signs in"), "{refused}");
    let refused = by_name().ip(open).start().await.unwrap_err().to_string();
    assert!(
        refused.contains("every address of this machine"),
        "{refused}"
    );
    for url in [
        "chat.example.com",
        "ftp://chat.example.com",
        "https://a.example/chat",
        "https://a:b@c.example",
    ] {
        let refused = by_name()
            .public_url(url)
            .start()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("cannot be the host's public URL"),
            "{refused}"
        );
    }
    let host = by_name()
        .ip(open)
        .public_url("http://chat.example.com:80")
        .start()
        .await
        .unwrap();
    assert_eq!(host.base_url(), "http://chat.example.com");
}

#[tokio::test]
async fn dropped_host_stops() {
    let host = Host::start().await;
    let address = host.base_url().to_owned();
    drop(host);
    let gone = async {
        while glance_host::testing::http_client()
            .get(&address)
            .send()
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .unwrap();
}
