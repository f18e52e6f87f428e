//! Tests `/admin/v1`: which scripts may call it, and their tokens.

use std::fs;
use std::time::Duration;

use glance_host::model::User;
use glance_host::sign_in::{Proxy, SignIn};
use glance_host::{Clock, Host};
use reqwest::header::{HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::log::Log;
use crate::script::{LIST, Script, create_token, plain};
use crate::sign_in::by_name;

#[tokio::test]
async fn without_sign_in_only_local_scripts_are_accepted() {
    let host = Host::start().await;
    let script = Script::of(&host, None);
    let own = host.base_url();
    let body = json!({ "url": format!("data:,{}", plain("com.example.a")) });
    for (name, value, status, code) in [
        ("origin", "https://evil.example", 403, "from-browser"),
        ("origin", "null", 403, "from-browser"),
        ("origin", own, 403, "from-browser"),
        ("sec-fetch-site", "cross-site", 403, "from-browser"),
        ("sec-fetch-site", "same-origin", 403, "from-browser"),
        ("x-forwarded-for", "127.0.0.1", 403, "not-local"),
        ("x-forwarded-proto", "https", 403, "not-local"),
        ("x-real-ip", "192.0.2.1", 403, "not-local"),
        ("forwarded", "for=192.0.2.1", 403, "not-local"),
        ("via", "1.1 proxy", 403, "not-local"),
        (HOST.as_str(), "evil.example", 421, "wrong-name"),
        (HOST.as_str(), "evil.example:4400", 421, "wrong-name"),
    ] {
        for method in [Method::POST, Method::GET] {
            let request = script.request(method, LIST).header(name, value);
            let answer = request.json(&body).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{name}: {value}");
            assert!(
                answer
                    .headers()
                    .get("access-control-allow-origin")
                    .is_none()
            );
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["error"]["code"], code, "{name}: {value}");
        }
    }
    assert_eq!(host.state().count_installations().await.unwrap(), 0);
    // A form of another site, which browsers send without a preflight, is not JSON.
    let form = script
        .request(Method::POST, LIST)
        .form(&[("url", "data:,{}")]);
    let answer = form.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let named = format!("localhost:{}", host.address().port());
    let request = script.request(Method::GET, LIST).header(HOST, named);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn with_sign_in_token_is_required_and_limited_to_scripts() {
    let host = by_name().start().await.unwrap();
    let mut admin = Browser::signed_in(&host, "Ann").await;
    let token = create_token(&mut admin, "deploy", "90").await;
    assert!(
        token.starts_with("glance_admin_1_") && token.len() == 55,
        "{token}"
    );

    let stranger = Script::of(&host, None);
    let refused = stranger.refused(Method::GET, LIST, None).await;
    assert_eq!(refused, (401, "no-token".to_owned()));
    let answer = stranger.request(Method::GET, LIST).send().await.unwrap();
    assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer");
    // A session is not a token.
    let with_session = stranger
        .request(Method::GET, LIST)
        .header("cookie", admin.cookie());
    assert_eq!(
        with_session.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let other_id = token.replace("admin_1_", "admin_2_");
    let (start, last) = token.split_at(token.len() - 1);
    let other_secret = format!("{start}{}", if last == "a" { "b" } else { "a" });
    for wrong in ["", "x", &token[1..], &token[..54], &other_id, &other_secret] {
        let script = Script::of(&host, Some(wrong));
        let refused = script.refused(Method::GET, LIST, None).await;
        assert_eq!(refused, (401, "wrong-token".to_owned()), "{wrong}");
    }

    let script = Script::of(&host, Some(&token));
    let url = format!("data:,{}", plain("com.example.a"));
    let (status, _) = script.install(json!({ "url": url })).await;
    assert_eq!(status, StatusCode::CREATED);
    // A token is not a session either.
    let request = script
        .request(Method::GET, LIST)
        .header("sec-fetch-site", "none");
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    // A proxy that signs people in.
    let request = script
        .request(Method::GET, LIST)
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    for path in ["/v2/room", "/", "/tokens", "/rooms/1", "/integrations"] {
        let request = stranger.client.get(format!("{}{path}", host.base_url()));
        let request = request.bearer_auth(&token).header("accept", "text/html");
        let answer = request.send().await.unwrap();
        let is_refused = match path.starts_with("/v2") {
            true => answer.status() == StatusCode::UNAUTHORIZED,
            false => answer.url().path() == "/sign-in",
        };
        assert!(is_refused, "{path}: {}", answer.status());
    }
    let (id, secret) = token.rsplit_once('_').unwrap();
    let answer = stranger
        .client
        .post(format!("{}/v2/oauth/token", host.base_url()));
    let answer = answer.basic_auth(id, Some(secret)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tokens_end_with_time_revocation_and_creators_role() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let clock = Clock::standing_at(1_700_000_000);
    let host = by_name().clock(clock.clone()).start().await.unwrap();
    let mut ann = Browser::signed_in(&host, "Ann").await;
    host.user("Bo", |user| user.is_admin = true).await;
    let mut bo = Browser::signed_in(&host, "Bo").await;
    let short = create_token(&mut ann, "short", "1").await;
    let long = create_token(&mut ann, "long", "365").await;
    let of_bo = create_token(&mut bo, "of Bo", "365").await;
    let state = async |token: &str| {
        let script = Script::of(&host, Some(token));
        match script.request(Method::GET, LIST).send().await.unwrap() {
            answer if answer.status() == StatusCode::OK => "holds".to_owned(),
            answer => {
                assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
                let answer: Value = answer.json().await.unwrap();
                answer["error"]["code"].as_str().unwrap().to_owned()
            }
        }
    };
    clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(state(&short).await, "holds");
    clock.advance(Duration::from_secs(1));
    assert_eq!(state(&short).await, "token-expired");
    assert_eq!(state(&long).await, "holds");
    let used = host.state().admin_tokens().await.unwrap();
    assert_eq!(used[1].last_used_at, Some(clock.now()));

    assert_eq!(bo.submits("/tokens/2/revoke", &[]).await, "/tokens");
    assert_eq!(state(&long).await, "token-revoked");
    assert_eq!(state(&of_bo).await, "holds");
    for change in [
        |user: &mut User| user.is_admin = false,
        |user: &mut User| (user.is_admin, user.is_guest) = (true, true),
        |user: &mut User| (user.is_guest, user.is_removed) = (false, true),
    ] {
        host.user("Bo", change).await;
        assert_eq!(state(&of_bo).await, "token-without-admin");
    }
    assert!(
        ann.text("/tokens")
            .await
            .contains("Does not work while Bo is no admin")
    );
    host.user("Bo", |user| user.is_removed = false).await;
    assert_eq!(state(&of_bo).await, "holds");
}

#[tokio::test]
async fn tokens_survive_a_restart_and_no_secret_is_stored() {
    let log = Log::record();
    let folder = tempfile::tempdir().unwrap();
    let start = || by_name().data(folder.path()).start();
    let host = start().await.unwrap();
    let mut admin = Browser::signed_in(&host, "Ann").await;
    let holds = create_token(&mut admin, "holds", "90").await;
    let revoked = create_token(&mut admin, "revoked", "90").await;
    admin.submits("/tokens/2/revoke", &[]).await;
    host.shutdown().await;
    let host = start().await.unwrap();
    assert!(Script::of(&host, Some(&holds)).list("").await.is_empty());
    let script = Script::of(&host, Some(&revoked));
    let refused = script.refused(Method::GET, LIST, None).await;
    assert_eq!(refused, (401, "token-revoked".to_owned()));
    host.shutdown().await;

    let mut stored = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        stored.extend(fs::read(file.unwrap().path()).unwrap());
    }
    let logged = log.text();
    assert!(logged.contains("token for scripts revoked"), "{logged}");
    let is_stored = |text: &str| {
        stored
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(is_stored("revoked"), "the name is");
    for token in [&holds, &revoked] {
        let secret = token.rsplit_once('_').unwrap().1;
        assert!(!logged.contains(secret), "{logged}");
        assert!(!is_stored(token) && !is_stored(secret) && !is_stored(&secret[..20]));
    }
}

#[tokio::test]
async fn wrong_tokens_are_rate_limited_and_right_one_is_accepted() {
    let clock = Clock::standing_at(1_700_000_000);
    let host = by_name().clock(clock.clone()).start().await.unwrap();
    let mut admin = Browser::signed_in(&host, "Ann").await;
    let token = create_token(&mut admin, "deploy", "90").await;
    let wrong = Script::of(&host, Some("glance_admin_1_guess"));
    let right = Script::of(&host, Some(&token));
    for _ in 0..20 {
        assert_eq!(wrong.refused(Method::GET, LIST, None).await.0, 401);
    }
    let answer = wrong.request(Method::GET, LIST).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()[RETRY_AFTER], "300");
    // The address is this machine's, where a proxy may stand for many people.
    assert!(right.list("").await.is_empty());
    clock.advance(Duration::from_secs(300));
    assert_eq!(wrong.refused(Method::GET, LIST, None).await.0, 401);
}

#[tokio::test]
async fn large_body_is_read_with_token_only() {
    let host = by_name().start().await.unwrap();
    let mut admin = Browser::signed_in(&host, "Ann").await;
    let token = create_token(&mut admin, "deploy", "90").await;
    let mut large = plain("com.example.large");
    large["description"] = "x".repeat(100_000).into();
    let body = json!({ "url": format!("data:,{large}") });
    let script = Script::of(&host, Some(&token));
    assert_eq!(script.install(body.clone()).await.0, StatusCode::CREATED);
    let huge = json!({ "url": "x".repeat(1024 * 1024) });
    let refused = script.refused(Method::POST, LIST, Some(huge)).await;
    assert_eq!(refused, (413, "bad-request".to_owned()));
    let stranger = Script::of(&host, None)
        .request(Method::POST, LIST)
        .json(&body);
    let status = stranger.send().await.unwrap().status();
    assert!(matches!(status.as_u16(), 401 | 413), "{status}");
}

#[tokio::test]
async fn token_page_is_for_admins_and_shows_token_once() {
    let host = by_name().start().await.unwrap();
    let mut ann = Browser::signed_in(&host, "Ann").await;
    let mut bo = Browser::signed_in(&host, "Bo").await;
    assert_eq!(bo.status("/tokens").await, StatusCode::FORBIDDEN);
    let form = [("name", "x"), ("days", "90")];
    assert_eq!(
        bo.submit("/tokens", &form).await.status(),
        StatusCode::FORBIDDEN
    );
    let stranger = Browser::of(&host);
    assert_eq!(stranger.status("/tokens").await, StatusCode::SEE_OTHER);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("x", "y"),
    ] {
        let forged = ann
            .request(Method::POST, "/tokens")
            .form(&form)
            .header(name, value);
        assert_eq!(forged.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    for (name, days, why) in [
        ("", "90", "1 to 50 characters"),
        (&"x".repeat(51), "90", "1 to 50 characters"),
        ("a\u{202e}b", "90", "1 to 50 characters"),
        ("x", "0", "1 to 365 days"),
        ("x", "366", "1 to 365 days"),
        ("x", "-1", "1 to 365 days"),
        ("x", "soon", "1 to 365 days"),
    ] {
        let answer = ann
            .submit("/tokens", &[("name", name), ("days", days)])
            .await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let html = answer.text().await.unwrap();
        assert!(html.contains(why), "{name} {days}: {html}");
    }
    assert!(host.state().admin_tokens().await.unwrap().is_empty());
    assert!(ann.text("/people").await.contains("href=\"/tokens\""));
    assert!(ann.text("/integrations").await.contains("href=\"/tokens\""));

    let token = create_token(&mut ann, " <b>de  ploy</b> ", "30").await;
    let html = ann.text("/tokens").await;
    assert!(html.contains("&lt;b&gt;de ploy&lt;&#x2f;b&gt;"), "{html}");
    assert!(
        html.contains("Never used.") && !html.contains("glance_admin_"),
        "{html}"
    );
    Script::of(&host, Some(&token)).list("").await;
    let html = ann.text("/tokens").await;
    assert!(html.contains("Last used on <time datetime=\"20"), "{html}");
    assert_eq!(
        bo.submit("/tokens/1/revoke", &[]).await.status(),
        StatusCode::FORBIDDEN
    );
    for _ in 0..2 {
        assert_eq!(ann.submits("/tokens/1/revoke", &[]).await, "/tokens");
        assert!(ann.text("/tokens").await.contains("Revoked on"));
    }
    ann.submits("/tokens/99/revoke", &[]).await;

    for n in 0..50 {
        create_token(&mut ann, &n.to_string(), "1").await;
    }
    let full = ann.submit("/tokens", &form).await;
    assert_eq!(full.status(), StatusCode::CONFLICT);
    assert!(
        full.text()
            .await
            .unwrap()
            .contains("There are 50 tokens already.")
    );
    assert!(ann.text("/tokens").await.contains("tokens, the maximum"));
}

#[tokio::test]
async fn without_sign_in_there_are_no_tokens() {
    let host = Host::start().await;
    let mut person = Browser::of(&host);
    assert!(person.text("/tokens").await.contains("without a token"));
    let answer = person
        .submit("/tokens", &[("name", "x"), ("days", "1")])
        .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(!person.text("/people").await.contains("/tokens"));
    // If people sign in later, a header that was always sent does no harm.
    let request = Script::of(&host, Some("glance_admin_1_x")).request(Method::GET, LIST);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn people_behind_proxy_are_not_scripts() {
    let proxy = Proxy::new(["127.0.0.1/32".parse().unwrap()]);
    let host = Host::builder()
        .port(0)
        .sign_in(SignIn::Proxy(proxy))
        .start()
        .await
        .unwrap();
    let script = Script::of(&host, None);
    let request = script
        .request(Method::GET, LIST)
        .header("x-forwarded-user", "ann");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(host.state().users().await.unwrap().is_empty());
}
