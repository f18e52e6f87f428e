//! Signing in by OpenID Connect, with a provider of the test's own.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    reason = "browsers and providers of tests have clients and clocks of their own"
)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/provider.rs"]
mod provider;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use glance_host::sign_in::{Admins, OpenId, SignIn};
use glance_host::{Clock, Host};
use glance_sdk::auth::now;
use serde_json::{Value, json};

use browser::Browser;
use provider::{CLIENT, Key, Provider, SECRET, description, keys};

fn settings(provider: &Provider) -> OpenId {
    OpenId::new(&provider.issuer, CLIENT, SECRET.into())
}

/// Put over the claims that are right.
fn says(provider: &Provider, claims: Value) {
    *provider.claims.lock().unwrap() = claims;
}

async fn host_of(settings: OpenId) -> Host {
    let host = Host::builder().port(0).sign_in(SignIn::OpenId(settings));
    host.start().await.unwrap()
}

fn fresh(host: &Host) -> Browser {
    Browser::at(host.base_url())
}

async fn sign_in(browser: &mut Browser) -> (u16, String, String) {
    let back = browser.go().await;
    browser.open(&back).await
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.open("/").await.0 == 200
}

#[tokio::test]
async fn a_person_signs_in_and_is_the_same_one_again() {
    let provider = Provider::start().await;
    let host = host_of(settings(&provider)).await;
    let mut ann = fresh(&host);
    let (_, to, _) = ann.open("/people").await;
    assert_eq!(to, "/sign-in?to=%2Fpeople");
    let (_, _, page) = ann.open(&to).await;
    assert!(page.contains("Sign in with 127.0.0.1"), "{page}");
    assert!(page.contains("href=\"/sign-in/begin?to="), "{page}");

    let (status, to, _) = sign_in(&mut ann).await;
    assert_eq!((status, to.as_str()), (303, "/people"));
    assert!(is_in(&mut ann).await);
    assert_eq!(ann.cookies.len(), 1, "nothing is left of the way");
    let known = host.state().users().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].name, "Ann Lee");
    assert_eq!(known[0].email.as_deref(), Some("ann@example.com"));
    assert!(known[0].is_admin, "the first");

    // Her name changes; she does not. Another of her name is another.
    says(
        &provider,
        json!({ "name": "Ann Roe", "email": "roe@example.com" }),
    );
    assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
    says(&provider, json!({ "sub": "2", "email_verified": false }));
    assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
    says(
        &provider,
        json!({ "sub": "3", "name": null, "email": null }),
    );
    assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
    let known = host.state().users().await.unwrap();
    let known = known.iter().map(|user| {
        let email = user.email.as_deref().unwrap_or_default();
        (user.name.as_str(), email, user.is_admin)
    });
    assert_eq!(
        known.collect::<Vec<_>>(),
        [
            ("Ann Lee", "roe@example.com", true),
            ("Ann Lee 2", "", false),
            ("3", "", false)
        ]
    );
}

#[tokio::test]
async fn names_and_subjects_of_the_provider_have_limits() {
    let provider = Provider::start().await;
    let host = host_of(settings(&provider)).await;
    let name = format!(" Ann\u{202e}\u{7}\n{}", "e".repeat(300));
    let email = format!("{}@example.com", "a".repeat(300));
    says(&provider, json!({ "name": name, "email": email }));
    assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
    let known = host.state().users().await.unwrap();
    assert_eq!(known[0].name, format!("Ann {}", "e".repeat(46)));
    assert_eq!(known[0].email, None);

    says(&provider, json!({ "sub": "x".repeat(256) }));
    let (status, _, page) = sign_in(&mut fresh(&host)).await;
    assert!(status >= 400, "{status}: {page}");
    assert_eq!(host.state().users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_is_where_the_provider_says() {
    let provider = Provider::start().await;
    let host = host_of(settings(&provider)).await;
    for (said, expected) in [
        (json!(null), "UTC"),
        (json!("Europe/Paris"), "Europe/Paris"),
        (json!("Paris, I think"), "Europe/Paris"),
        (json!(null), "Europe/Paris"),
    ] {
        says(&provider, json!({ "zoneinfo": said }));
        assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
        let known = host.state().users().await.unwrap();
        assert_eq!(known[0].timezone, expected, "{said}");
    }
}

#[tokio::test]
async fn nobody_is_let_in_by_a_token_that_is_wrong() {
    let provider = Provider::start().await;
    let host = host_of(settings(&provider)).await;
    for wrong in [
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "aud": "another" }),
        json!({ "aud": [CLIENT, "another"] }),
        json!({ "iss": "https://evil.example" }),
        json!({ "exp": now() - 1000 }),
    ] {
        says(&provider, wrong.clone());
        let mut browser = fresh(&host);
        let (status, _, page) = sign_in(&mut browser).await;
        assert_eq!(status, 403, "{wrong}");
        assert!(page.contains("did not confirm who you are"), "{page}");
        assert!(
            !is_in(&mut browser).await && browser.cookies.is_empty(),
            "{wrong}"
        );
    }
    says(&provider, json!({}));
    *provider.cheats.lock().unwrap() = true;
    let mut browser = fresh(&host);
    assert_eq!(
        sign_in(&mut browser).await.0,
        403,
        "a signature of another key"
    );
    *provider.cheats.lock().unwrap() = false;
    assert!(host.state().users().await.unwrap().is_empty());
    assert_eq!(sign_in(&mut browser).await.0, 303, "it was only that");

    // The provider has a new key, as it may at any time.
    *provider.key.lock().unwrap() = Key::new("second");
    assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
}

#[tokio::test]
async fn only_the_browser_that_began_ends_it_and_once() {
    let provider = Provider::start().await;
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.sign_in(SignIn::OpenId(settings(&provider)));
    let host = host.start().await.unwrap();
    let (mut ann, mut mallory) = (fresh(&host), fresh(&host));
    let hers = ann.go().await;
    let (status, _, page) = fresh(&host).open(&hers).await;
    assert_eq!(status, 400, "a browser that began nothing");
    assert!(page.contains("began no sign-in"), "{page}");
    let his = mallory.go().await;
    assert_eq!(ann.open(&his).await.0, 400, "another's state");
    for changed in [
        hers.replace("state=", "state=x"),
        hers.split("&state").next().unwrap().to_owned(),
    ] {
        assert_eq!(ann.open(&changed).await.0, 400, "{changed}");
    }
    assert!(!is_in(&mut ann).await);
    assert_eq!(ann.open(&hers).await.0, 303);
    assert!(is_in(&mut ann).await);
    assert_eq!(ann.open(&hers).await.0, 400, "it is over");

    let mut forged = fresh(&host);
    let late = forged.go().await;
    let flow = forged.cookies.values_mut().next().unwrap();
    let right = flow.clone();
    flow.insert(0, 'e');
    assert_eq!(forged.open(&late).await.0, 400, "a cookie that was changed");
    *forged.cookies.values_mut().next().unwrap() = right;
    clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(forged.open(&late).await.0, 400, "too late");

    let mut refused = fresh(&host);
    let back = refused.go().await;
    let state = back.split("state=").nth(1).unwrap();
    let back = format!("/sign-in/callback?error=access_denied&state={state}");
    let (status, _, page) = refused.open(&back).await;
    assert_eq!(status, 403);
    assert!(page.contains("access_denied"), "{page}");
}

#[tokio::test]
async fn domains_and_admins_are_those_that_were_said() {
    let provider = Provider::start().await;
    let rules = settings(&provider)
        .allowed_domains(["example.com"])
        .admins(Admins::Group("chat-admins".to_owned()));
    let host = host_of(rules).await;
    for (claims, allowed) in [
        (json!({ "email": "ann@example.org" }), false),
        (json!({ "email": "ann@example.com.evil.example" }), false),
        (json!({ "email": "ann@evil.example@example.org" }), false),
        (json!({ "email_verified": false }), false),
        (json!({ "email_verified": null }), false),
        (json!({ "email": null }), false),
        (json!({ "email": "ann@EXAMPLE.com" }), true),
    ] {
        says(&provider, claims.clone());
        let (status, _, page) = sign_in(&mut fresh(&host)).await;
        assert_eq!(status, if allowed { 303 } else { 403 }, "{claims}");
        assert_eq!(
            page.contains("verified address of example.com"),
            !allowed,
            "{page}"
        );
    }
    let admin = async |claims: Value| {
        says(&provider, claims);
        assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
        let mut users = host.state().users().await.unwrap();
        users.remove(0).is_admin
    };
    assert!(
        !admin(json!({})).await,
        "a rule says who is, also of the first"
    );
    assert!(admin(json!({ "groups": ["staff", "chat-admins"] })).await);
    assert!(!admin(json!({ "groups": ["staff"] })).await, "no longer");

    let rules = settings(&provider).admins(Admins::Emails(vec!["Ann@example.com".to_owned()]));
    let host = host_of(rules).await;
    for (claims, is_admin) in [
        (json!({ "sub": "1", "email_verified": false }), false),
        (json!({ "sub": "2" }), true),
        (json!({ "sub": "3", "email": "bo@example.com" }), false),
    ] {
        says(&provider, claims.clone());
        assert_eq!(sign_in(&mut fresh(&host)).await.0, 303);
        let users = host.state().users().await.unwrap();
        assert_eq!(users.last().unwrap().is_admin, is_admin, "{claims}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_used_is_named_in_one_sentence() {
    let start = async |issuer: &str| {
        let settings = OpenId::new(issuer, CLIENT, SECRET.into());
        let host = Host::builder().port(0).sign_in(SignIn::OpenId(settings));
        host.start().await.unwrap_err().to_string()
    };
    let provider = Provider::start().await;
    for (issuer, words) in [
        ("nothing".to_owned(), "it is no address"),
        (
            "http://accounts.example.com".to_owned(),
            "must begin with https://",
        ),
        (format!("{}/elsewhere", provider.issuer), "status 404"),
        (
            provider.issuer.replace("127.0.0.1", "localhost"),
            "unexpected issuer",
        ),
    ] {
        let said = start(&issuer).await;
        assert!(
            said.starts_with(&format!("people cannot sign in with {issuer}: ")),
            "{said}"
        );
        assert!(said.contains(words) && !said.contains('\n'), "{said}");
    }

    // One that is not there yet is asked again.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let late = Provider {
        issuer: issuer.clone(),
        ..provider
    };
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let described = late.clone();
    let router = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(move || async move {
                *count.lock().unwrap() += 1;
                if *count.lock().unwrap() < 3 {
                    return StatusCode::SERVICE_UNAVAILABLE.into_response();
                }
                description(State(described)).await.into_response()
            }),
        )
        .route("/keys", get(keys))
        .with_state(late.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    host_of(settings(&late)).await;
    assert_eq!(*asked.lock().unwrap(), 3);
}
