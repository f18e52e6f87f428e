//! Tests who may sign in, and the duration of sessions.

use std::time::Duration;

use glance_host::sign_in::SignIn;
use glance_host::{Builder, Clock, Host};
use reqwest::header::{HOST, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use reqwest::{Client, Method, Response, StatusCode};

use crate::browser::Browser;

pub(crate) fn by_name() -> Builder {
    Host::builder().port(0).sign_in(SignIn::Name)
}

/// Returns whether somebody is signed in in this browser.
async fn is_in(browser: &Browser) -> bool {
    browser.status("/").await == StatusCode::OK
}

#[tokio::test]
async fn pages_need_sign_in() {
    let host = by_name().start().await.unwrap();
    host.user("Ann", |user| user.is_admin = true).await;
    let room = host.room("ops").await.room;
    let stranger = Browser::of(&host);
    let page = format!("/rooms/{}", room.id);
    for path in [
        "/",
        "/people",
        &page,
        &format!("{page}/integrations"),
        "/rooms/99",
    ] {
        let answer = stranger.open(path).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        let to = answer.headers()[LOCATION].to_str().unwrap();
        assert_eq!(to, format!("/sign-in?to={}", path.replace('/', "%2F")));
    }
    // Other resources respond with an error instead of the sign-in page.
    let events = stranger.request(Method::GET, &format!("{page}/events"));
    assert_eq!(
        events.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    for path in [
        "/rooms",
        &format!("{page}/open"),
        &format!("{page}/remove"),
        &format!("{page}/pages/any/retry"),
        &format!("{page}/pages/any/frames"),
    ] {
        let answer = stranger
            .request(Method::POST, path)
            .header(ORIGIN, host.base_url())
            .send();
        assert_eq!(
            answer.await.unwrap().status(),
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
    assert_eq!(stranger.status("/sign-in").await, StatusCode::OK);
    assert_eq!(stranger.status("/assets/host.css").await, StatusCode::OK);
}

#[tokio::test]
async fn form_of_ended_session_redirects_to_sign_in_and_back() {
    let host = by_name().start().await.unwrap();
    let stranger = Browser::of(&host);
    let own = host.base_url();
    let page = "/rooms/1/settings";
    let to_page = "/sign-in?to=%2Frooms%2F1%2Fsettings";
    let form_of_a_page = [("sec-fetch-mode", "navigate"), ("accept", "*/*")];
    let old_browser = [("accept", "application/xhtml+xml,text/html")];
    let script = [("sec-fetch-mode", "cors"), ("accept", "text/html")];
    let sent = async |headers: &[(&str, &str)], referer: Option<String>| {
        let mut request = stranger
            .request(Method::POST, "/rooms")
            .header(ORIGIN, own)
            .form(&[("name", "x")]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(referer) = referer {
            request = request.header(REFERER, referer);
        }
        let answer = request.send().await.unwrap();
        let to = answer.headers().get(LOCATION);
        let to = to.map(|to| to.to_str().unwrap().to_owned());
        (answer.status(), to)
    };
    let with = || Some(format!("{own}{page}?saved"));
    for (headers, referer, to) in [
        (form_of_a_page.as_slice(), with(), to_page),
        (&old_browser, with(), to_page),
        (&form_of_a_page, None, "/sign-in?to=%2F"),
        (
            &form_of_a_page,
            Some(format!("https://evil.example{page}")),
            "/sign-in?to=%2F",
        ),
        (
            &form_of_a_page,
            Some("no address".to_owned()),
            "/sign-in?to=%2F",
        ),
    ] {
        let answer = sent(headers, referer).await;
        assert_eq!(answer, (StatusCode::SEE_OTHER, Some(to.to_owned())));
    }
    for headers in [script.as_slice(), &[("accept", "*/*")], &[]] {
        let answer = sent(headers, with()).await;
        assert_eq!(answer, (StatusCode::UNAUTHORIZED, None), "{headers:?}");
    }
}

#[tokio::test]
async fn first_person_is_admin_and_returns_to_page() {
    let host = by_name().start().await.unwrap();
    let mut ann = Browser::of(&host);
    let next = ann
        .submits("/sign-in", &[("name", "  Ann   Lee "), ("to", "/people")])
        .await;
    assert_eq!(next, "/people");
    assert!(ann.text("/people").await.contains("Ann Lee"));
    let bo = Browser::signed_in(&host, "Bo").await;
    assert_eq!(bo.status("/people").await, StatusCode::FORBIDDEN);
    assert!(!bo.text("/").await.contains("/people"));

    let mut elsewhere = Browser::of(&host);
    let form = [("name", "Bo"), ("to", "//evil.example/")];
    assert_eq!(elsewhere.submits("/sign-in", &form).await, "/");
    for name in ["", "   ", &"x".repeat(51), "a\u{0}b"] {
        let refused = Browser::of(&host)
            .submit("/sign-in", &[("name", name)])
            .await;
        assert_eq!(
            refused.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name:?}"
        );
        assert!(refused.headers().get(SET_COOKIE).is_none());
    }
    let page = Browser::of(&host).text("/sign-in").await;
    assert!(page.contains("value=\"Ann Lee\"") && page.contains("value=\"Bo\""));
}

#[tokio::test]
async fn cookie_is_host_only_and_http_only() {
    let host = by_name().start().await.unwrap();
    let port = host.address().port();
    let sign_in = async |client: &Client, base: &str, origin: &str, requested_host: &str| {
        let request = client
            .post(format!("{base}/sign-in"))
            .form(&[("name", "Ann")]);
        let request = request.header(ORIGIN, origin).header(HOST, requested_host);
        request.send().await.unwrap()
    };
    let cookie = |answer: &Response| answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    let client = Browser::of(&host).client;
    let own = host.base_url();
    let plain = cookie(&sign_in(&client, own, own, &own["http://".len()..]).await);
    assert!(plain.starts_with(&format!("glance-{port}=")), "{plain}");
    assert!(
        plain.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax"),
        "{plain}"
    );

    let public = by_name().public_url("https://chat.example.com/");
    let host = public.start().await.unwrap();
    assert_eq!(host.base_url(), "https://chat.example.com");
    let base = format!("http://{}", host.address());
    let origin = "https://chat.example.com";
    // Requests of a proxy that passes the name on, and of one that does not.
    for requested_host in ["chat.example.com".to_owned(), host.address().to_string()] {
        let secure = cookie(&sign_in(&client, &base, origin, &requested_host).await);
        assert!(secure.starts_with("__Host-glance="), "{secure}");
        assert!(secure.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure"));
        assert!(!secure.contains("Domain"));
    }
    let other = sign_in(&client, &base, origin, "evil.example").await;
    assert_eq!(other.status(), StatusCode::MISDIRECTED_REQUEST);
    let said = other.text().await.unwrap();
    assert!(said.contains("are at https://chat.example.com/"), "{said}");
    let other = sign_in(
        &client,
        &base,
        "http://chat.example.com",
        "chat.example.com",
    )
    .await;
    assert_eq!(
        other.status(),
        StatusCode::FORBIDDEN,
        "another scheme is another origin"
    );
}

#[tokio::test]
async fn sign_in_replaces_session() {
    let host = by_name().start().await.unwrap();
    let mallory = Browser::signed_in(&host, "Mallory").await;
    let mut victim = Browser::of(&host);
    victim.cookies = mallory.cookies.clone();
    victim.submits("/sign-in", &[("name", "Ann")]).await;
    assert_ne!(victim.cookie(), mallory.cookie());
    assert!(victim.text("/").await.contains("Signed in as Ann"));
    assert!(
        !is_in(&mallory).await,
        "what was known before is worth nothing"
    );

    let name = format!("glance-{}", host.address().port());
    let mut fixed = Browser::of(&host);
    fixed.cookies.insert(name, "chosen-by-another.x".to_owned());
    let before = fixed.cookie();
    fixed.submits("/sign-in", &[("name", "Ann")]).await;
    assert_ne!(fixed.cookie(), before);
    assert!(
        is_in(&victim).await && is_in(&fixed).await,
        "two browsers of one person"
    );
}

#[tokio::test]
async fn forged_cookie_is_refused() {
    let host = by_name().start().await.unwrap();
    let ann = Browser::signed_in(&host, "Ann").await;
    let (name, value) = ann.cookies.first_key_value().unwrap();
    let (id, tag) = value.split_once('.').unwrap();
    let mut other_id = id.to_owned();
    other_id.replace_range(..1, if id.starts_with('a') { "b" } else { "a" });
    let mut other_tag = tag.to_owned();
    other_tag.replace_range(..1, if tag.starts_with('a') { "b" } else { "a" });
    let another = by_name().start().await.unwrap();
    let foreign = Browser::signed_in(&another, "Ann").await;
    let foreign = foreign.cookies.first_key_value().unwrap().1;
    for forged in [
        "",
        ".",
        id,
        &format!("{id}."),
        &format!("{id}.{id}"),
        &format!("{other_id}.{tag}"),
        &format!("{id}.{other_tag}"),
        &format!("{id}.{tag}x"),
        foreign,
    ] {
        let mut browser = Browser::of(&host);
        browser.cookies.insert(name.clone(), forged.to_owned());
        assert!(!is_in(&browser).await, "{forged}");
    }
    let mut under_another_name = Browser::of(&host);
    let value = value.clone();
    under_another_name
        .cookies
        .insert("glance".to_owned(), value);
    assert!(!is_in(&under_another_name).await);
    assert!(is_in(&ann).await);
}

#[tokio::test]
async fn session_lasts_while_used() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let clock = Clock::standing_at(1_700_000_000);
    let host = by_name().clock(clock.clone()).start().await.unwrap();
    let idle = Browser::signed_in(&host, "Ann").await;
    clock.advance(14 * DAY - Duration::from_secs(1));
    let used = Browser::signed_in(&host, "Bo").await;
    clock.advance(Duration::from_secs(1));
    assert!(!is_in(&idle).await, "14 days without a look");
    for _ in 0..6 {
        clock.advance(13 * DAY);
        assert!(is_in(&used).await);
    }
    clock.advance(12 * DAY);
    assert!(!is_in(&used).await, "after 90 days everyone signs in again");
}

#[tokio::test]
async fn sessions_survive_restart_and_end_with_sign_out() {
    let folder = tempfile::tempdir().unwrap();
    let start = |port| by_name().port(port).data(folder.path()).start();
    let host = start(0).await.unwrap();
    let port = host.address().port();
    let mut ann = Browser::signed_in(&host, "Ann").await;
    let copy = ann.cookies.clone();
    host.shutdown().await;
    let host = start(port).await.unwrap();
    assert!(is_in(&ann).await);

    assert_eq!(ann.submits("/sign-out", &[]).await, "/sign-in");
    assert!(ann.cookies.is_empty());
    let mut stolen = Browser::of(&host);
    stolen.cookies = copy;
    assert!(!is_in(&stolen).await);
    host.shutdown().await;
    let host = start(port).await.unwrap();
    assert!(!is_in(&stolen).await);
    host.shutdown().await;
}

#[tokio::test]
async fn changes_need_origin_of_host() {
    let host = by_name().start().await.unwrap();
    let ann = Browser::signed_in(&host, "Ann").await;
    let room = host.room("ops").await.room;
    let own = host.base_url().to_owned();
    let port = host.address().port();
    let localhost = format!("http://localhost:{port}");
    for (headers, allowed) in [
        (vec![], false),
        (vec![("origin", "null")], false),
        (vec![("origin", "https://evil.example")], false),
        (vec![("origin", localhost.as_str())], false),
        (vec![("origin", &own[..own.len() - 1])], false),
        (vec![("sec-fetch-site", "cross-site")], false),
        (vec![("sec-fetch-site", "same-site")], false),
        (
            vec![("sec-fetch-site", "cross-site"), ("origin", &own)],
            false,
        ),
        (vec![("origin", &own)], true),
        (vec![("sec-fetch-site", "same-origin")], true),
    ] {
        let path = format!("/rooms/{}/settings", room.id);
        let topic = format!("{headers:?}");
        let mut request = ann.request(Method::POST, &path).form(&[
            ("name", "ops"),
            ("topic", &topic),
            ("privacy", "public"),
        ]);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let status = request.send().await.unwrap().status();
        let known = host.state().room(room.id).await.unwrap().unwrap();
        assert_eq!(known.topic == topic, allowed, "{topic}");
        let expected = if allowed {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(status, expected, "{topic}");
    }
    // Signing in as another person and signing out are changes too.
    for path in ["/sign-in", "/sign-out"] {
        let forged = ann
            .request(Method::POST, path)
            .header(ORIGIN, "https://evil.example")
            .form(&[("name", "Mallory")]);
        let forged = forged.send().await.unwrap();
        assert_eq!(forged.status(), StatusCode::FORBIDDEN);
        assert!(forged.headers().get(SET_COOKIE).is_none());
    }
    let followed = ann.request(Method::GET, "/sign-out").send().await.unwrap();
    assert_eq!(followed.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(is_in(&ann).await);
}

#[tokio::test]
async fn event_stream_ends_with_session() {
    let host = by_name().start().await.unwrap();
    let mut ann = Browser::signed_in(&host, "Ann").await;
    let mut other = Browser::signed_in(&host, "Ann").await;
    let room = host.room("ops").await.room;
    let path = format!("/rooms/{}/events", room.id);
    let mut events = ann.request(Method::GET, &path).send().await.unwrap();
    let mut others = other.request(Method::GET, &path).send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());
    assert!(others.chunk().await.unwrap().is_some());
    ann.submits("/sign-out", &[]).await;
    while events.chunk().await.unwrap().is_some() {}
    let again = ann.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);

    // The event stream of the other session continues, even if it had to check.
    let form = [("name", "renamed"), ("privacy", "public")];
    other
        .submits(&format!("/rooms/{}/settings", room.id), &form)
        .await;
    assert!(other.text("/people").await.contains("here now"));
    other.submits("/sign-out", &[]).await;
    while others.chunk().await.unwrap().is_some() {}
}
