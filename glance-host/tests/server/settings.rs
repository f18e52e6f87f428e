//! What the program is told: by a file, by the environment, by its arguments.

use std::fs;
use std::path::Path;

use crate::add_on::AddOn;
use crate::process::{Server, program, said};

async fn check(folder: &Path, settings: &str) -> (String, String, bool) {
    fs::write(folder.join("glance-host.toml"), settings).unwrap();
    said(program(folder).arg("--check")).await
}

#[tokio::test]
async fn the_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "listen = \"127.0.0.1:0\"\ngroup = \"Of the file\"\ndata = \"kept\"\n";
    fs::write(folder.path().join("own.toml"), settings).unwrap();
    let mut command = program(folder.path());
    command
        .env("GLANCE_HOST_CONFIG", "own.toml")
        .env("GLANCE_HOST_GROUP", "Of the environment");
    let server = Server::run(command).await;
    let page = glance_host::testing::http_client()
        .get(&server.base_url)
        .send()
        .await
        .unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("Of the environment"), "{page}");
    assert!(page.contains("Lobby"), "{page}");
    assert!(folder.path().join("kept/host.sqlite").exists());
    server.stop().await;
}

#[tokio::test]
async fn the_capabilities_document_has_the_configured_product_name() {
    let folder = tempfile::tempdir().unwrap();
    let name = async |server: Server| {
        let url = format!("{}/v2/capabilities", server.base_url);
        let answer = server.client.get(url).send().await.unwrap();
        let document: serde_json::Value = answer.json().await.unwrap();
        server.stop().await;
        document["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        name(Server::start(folder.path(), "").await).await,
        "HipChat"
    );
    let settings = "product = \"Of the file\"";
    let server = Server::start(folder.path(), settings).await;
    assert_eq!(name(server).await, "Of the file");
    let mut command = program(folder.path());
    command.env("GLANCE_HOST_PRODUCT", "Of the environment");
    let server = Server::run(command).await;
    assert_eq!(name(server).await, "Of the environment");
}

#[tokio::test]
async fn add_ons_are_called_through_the_configured_proxy() {
    let folder = tempfile::tempdir().unwrap();
    // Takes requests for any host, as a proxy does. The name resolves nowhere, so only a proxy has it.
    let proxy = AddOn::serve().await;
    let settings = format!("[egress]\nproxy = \"{}\"", proxy.origin());
    let server = Server::start(folder.path(), &settings).await;
    let status = server
        .install("http://add-on.example/quiet/")
        .await
        .unwrap();
    assert!(status.is_success(), "{status}");
    assert_eq!(proxy.installation("quiet").0.len(), 36);
    server.stop().await;
}

#[tokio::test]
async fn good_settings_pass_the_check_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (out, err, content) = check(folder.path(), "").await;
    assert_eq!(out, "The settings are good: glance-host.toml.\n");
    assert!(content && err.is_empty());
    assert!(!folder.path().join("glance-host-data").exists());

    let mut command = program(folder.path());
    command.arg("--check").env("GLANCE_HOST_GROUP", "Example");
    let (out, ..) = said(&mut command).await;
    assert_eq!(
        out,
        "The settings are good: glance-host.toml, and 1 from the environment.\n"
    );
}

#[tokio::test]
async fn bad_settings_are_one_sentence_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lost")).unwrap();
    fs::write(folder.path().join("lost/host.sqlite"), "").unwrap();
    for (settings, expected) in [
        (
            "data = \"x\"\n\n[tls]\ncertifcate = \"a.pem\"",
            "glance-host.toml, line 4: unknown setting `certifcate`, expected `certificate` or `key`",
        ),
        (
            "[tls]\ncertificate = \"none.pem\"\nkey = \"none.pem\"",
            "HTTPS is not possible with none.pem: No such file or directory",
        ),
        (
            "[metrics]\nlisten = \"0.0.0.0:9464\"",
            "metrics.listen is 0.0.0.0:9464, which others can reach: set metrics.token too",
        ),
        (
            "listen = \"0.0.0.0:4400\"",
            "or choose how people sign in: set sign_in.way, or GLANCE_HOST_SIGN_IN_WAY",
        ),
        (
            "listen = \"0.0.0.0:4400\"\nsign_in.way = \"name\"",
            "say by which one people reach the host: set public_url, or GLANCE_HOST_PUBLIC_URL",
        ),
        (
            "public_url = \"https://chat.example.com/rooms\"\nsign_in.way = \"name\"",
            "it must end behind the host and port",
        ),
        (
            "public_url = \"https://chat.example.com\"",
            "at this machine; choose how people sign in: set sign_in.way, or GLANCE_HOST_SIGN_IN_WAY",
        ),
        (
            "public_url = \"chat.example.com\"\nsign_in.way = \"name\"",
            "it is no address; give one like https://chat.example.com",
        ),
        ("listen = \"4400\"", "give one like 127.0.0.1:4400"),
        (
            "group = \" \"",
            "group is empty: name the team, or leave it out",
        ),
        (
            "data = \"glance-host.toml\"",
            "the data folder glance-host.toml cannot be used: not a directory",
        ),
        (
            "data = \"/dev/null/data\"",
            "the data folder /dev/null/data cannot be used: Not a directory",
        ),
        (
            "data = \"data\\u0000\"",
            "cannot be used: file name contained an unexpected NUL byte",
        ),
        (
            "data = \"lost\"",
            "lost/host.sqlite cannot be used: it is empty (0 bytes), so its data is lost: restore it from a backup",
        ),
        (
            "data = \"\"",
            "data is empty: name a folder, or leave it out",
        ),
        (
            "listen = \"127.0.0.1:4400\"\nmetrics.listen = \"127.0.0.1:4400\"",
            "listen and metrics.listen are both 127.0.0.1:4400: give each a port of its own",
        ),
        (
            "metrics.token = \"s3cret\"",
            "metrics.token and metrics.token_file need metrics.listen too, as in",
        ),
        (
            "limits.messages = 0",
            "limits.messages is 0: give 1 at least",
        ),
        (
            "sign_in.way = \"openid\"\nopenid.issuer = \"https://accounts.example.com\"",
            ": set openid.client_id too",
        ),
        (
            "[log]\nfilter = \"glance_host=loudly\"",
            "log.filter is \"glance_host=loudly\", which cannot be used",
        ),
        (
            "log.filter = \"\"",
            "log.filter is empty: give a level, as in \"info\", or leave it out",
        ),
        (
            "log.filter = \"warning\"",
            "log.filter has \"warning\", which is no level: give off, error, warn, info, debug or trace",
        ),
        (
            "log.filter = \"info, glance_hosts\"",
            "log.filter has \"glance_hosts\", which is no level",
        ),
    ] {
        for argument in [Some("--check"), None] {
            fs::write(folder.path().join("glance-host.toml"), settings).unwrap();
            let (out, err, content) = said(program(folder.path()).args(argument)).await;
            assert!(!content && out.is_empty(), "{out}");
            assert!(err.contains(expected), "{err}");
            assert_eq!(err.lines().count(), 1, "{err}");
        }
    }
    for (group, expected) in [
        (
            "g".repeat(300),
            "the name of the group has 300 characters; give 1 to 100",
        ),
        (
            "a\\nb".to_owned(),
            "the name of the group has control characters",
        ),
    ] {
        let (_, err, content) = check(folder.path(), &format!("group = \"{group}\"")).await;
        assert!(!content && err.contains(expected), "{err}");
    }
    let mut command = program(folder.path());
    let (_, err, content) = said(command.args(["--config", "none.toml"])).await;
    assert!(!content && err.starts_with("glance-host: the settings in none.toml cannot be read"));
}

#[tokio::test]
async fn the_example_is_a_file_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (example, ..) = said(program(folder.path()).arg("--example-config")).await;
    let (_, err, content) = check(folder.path(), &example).await;
    assert!(content, "{err}");
    let (help, ..) = said(program(folder.path()).arg("--help")).await;
    for word in ["--config", "--check", "--example-config", "SIGHUP", "TOML"] {
        assert!(help.contains(word), "{help}");
    }
}

#[tokio::test]
async fn what_is_logged_has_a_level_for_each_part() {
    let folder = tempfile::tempdir().unwrap();
    for filter in [
        "off",
        "WARN",
        "debug, hyper=off",
        "glance_host::server",
        "glance_host,glance_sdk=warn,",
    ] {
        let (_, err, content) = check(folder.path(), &format!("log.filter = \"{filter}\"")).await;
        assert!(content, "{filter}: {err}");
    }
}

#[tokio::test]
async fn a_taken_port_is_said_whatever_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(folder.path(), "").await;
    let address = first.base_url.strip_prefix("http://").unwrap();
    for filter in ["info", "off", "glance_sdk=trace"] {
        let mut second = program(folder.path());
        second
            .env("GLANCE_HOST_LISTEN", address)
            .env("GLANCE_HOST_DATA", "another")
            .env("GLANCE_HOST_LOG_FILTER", filter);
        let (_, err, content) = said(&mut second).await;
        assert!(!content);
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("Address already in use"), "{err}");
        assert!(err.contains("Set `listen` to another"), "{err}");
    }
}

#[tokio::test]
async fn a_data_folder_in_use_is_said_and_is_free_once_its_host_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Server::start(folder.path(), "").await;
    let (_, err, content) = said(&mut program(folder.path())).await;
    assert!(!content && err.lines().count() == 1, "{err}");
    let sentence = "another host uses the data folder glance-host-data: stop it first, or set `data` to another";
    assert!(err.contains(sentence), "{err}");
    let (_, err, content) = said(program(folder.path()).arg("--check")).await;
    assert!(content, "an update is checked while the host runs: {err}");
    first.signal("KILL").await;
    assert!(!first.ended().await.success());
    Server::run(program(folder.path())).await.stop().await;
}
