//! Tests that the pages of a host without sign-in are for the person at this machine only.

use glance_host::Host;

#[tokio::test]
async fn pages_without_sign_in_are_for_this_machine_only() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let page = host.room_url(&room.room);
    let integrations = format!("{page}/integrations");
    let client = glance_host::testing::http_client();

    let rebound = client
        .get(&page)
        .header("Host", "evil.example:80")
        .send()
        .await
        .unwrap();
    assert_eq!(rebound.status().as_u16(), 421);
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let forged = client
            .post(&integrations)
            .header(name, value)
            .form(&[("url", "http://x/")])
            .send()
            .await
            .unwrap();
        assert_eq!(forged.status().as_u16(), 403, "{name}: {value}");
    }
    let own = client.get(&page).send().await.unwrap();
    assert_eq!(own.status().as_u16(), 200);
    let policy = own.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}
