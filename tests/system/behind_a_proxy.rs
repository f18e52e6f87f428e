//! Tests a proxy that signs people in: when the host trusts it, and how it reports admins.

use glance_host::sign_in::{Admins, Proxy, SignIn};
use glance_host::{Builder, Host};
use reqwest::header::{ACCEPT, COOKIE, SET_COOKIE};
use reqwest::{Method, StatusCode};

use crate::browser::Browser;
use crate::sign_in::by_name;

fn proxied(from: &str) -> Builder {
    let proxy = Proxy::new([from.parse().unwrap()]).admins(Admins::Group("admins".to_owned()));
    Host::builder().port(0).sign_in(SignIn::Proxy(proxy))
}

async fn ask(host: &Host, headers: &[(&'static str, &str)]) -> (StatusCode, String) {
    let mut request = Browser::of(host).request(Method::GET, "/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.header(ACCEPT, "text/html").send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn proxy_headers_are_trusted_from_its_address_only() {
    let host = proxied("127.0.0.1/32").start().await.unwrap();
    let ann = [
        ("x-forwarded-user", "ann"),
        ("x-forwarded-email", "ann@example.com"),
    ];
    let (status, page) = ask(&host, &ann).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Signed in as ann") && !page.contains("Sign out"));
    let user = host.state().find_user("ann").await.unwrap().unwrap();
    assert_eq!(user.email.as_deref(), Some("ann@example.com"));
    assert!(!user.is_admin, "a rule says who is");

    for refused in [
        vec![],
        vec![("x-forwarded-user", "")],
        vec![("x-forwarded-email", "ann@example.com")],
        // One of the values is the caller's own, which the proxy passed on.
        vec![("x-forwarded-user", "admin"), ("x-forwarded-user", "ann")],
        vec![
            ("x-forwarded-user", "ann"),
            ("x-forwarded-groups", "admins"),
            ("x-forwarded-groups", "a"),
        ],
    ] {
        assert_eq!(
            ask(&host, &refused).await.0,
            StatusCode::UNAUTHORIZED,
            "{refused:?}"
        );
    }
    let elsewhere = proxied("10.0.0.0/8").start().await.unwrap();
    let (status, page) = ask(&elsewhere, &ann).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(page.contains("through its proxy only"));
    assert!(elsewhere.state().users().await.unwrap().is_empty());
    // A host with another kind of sign-in ignores proxy headers.
    let named = by_name().start().await.unwrap();
    assert_ne!(ask(&named, &ann).await.0, StatusCode::OK);
    assert!(named.state().users().await.unwrap().is_empty());
}

#[tokio::test]
async fn leaving_admins_group_removes_role() {
    let host = proxied("127.0.0.0/8").start().await.unwrap();
    let is_admin = async |groups: &str| {
        let headers = [("x-forwarded-user", "ann"), ("x-forwarded-groups", groups)];
        assert_eq!(ask(&host, &headers).await.0, StatusCode::OK);
        host.state()
            .find_user("ann")
            .await
            .unwrap()
            .unwrap()
            .is_admin
    };
    assert!(!is_admin("adminsx, staff").await);
    assert!(is_admin("staff, admins").await);
    assert!(!is_admin("staff").await);
    // There is no session: each request must contain the proxy's headers.
    let answer = glance_host::testing::http_client()
        .get(format!("{}/", host.base_url()))
        .header("x-forwarded-user", "ann")
        .header(COOKIE, "glance=x.y")
        .send()
        .await
        .unwrap();
    assert!(answer.headers().get(SET_COOKIE).is_none());
}

#[tokio::test]
async fn losing_admin_role_closes_private_rooms() {
    let host = proxied("127.0.0.0/8").start().await.unwrap();
    let named = |name, groups| [("x-forwarded-user", name), ("x-forwarded-groups", groups)];
    ask(&host, &named("bo", "admins")).await;
    let mut room = host.room("ops").await;
    room.change(|room| room.is_public = false).await;
    let path = format!("/rooms/{}/events", room.room.id);
    let mut events = Browser::of(&host).request(Method::GET, &path);
    for (name, value) in named("ann", "admins") {
        events = events.header(name, value);
    }
    let mut events = events.send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());

    ask(&host, &named("ann", "staff")).await;
    while events.chunk().await.unwrap().is_some() {}
}
