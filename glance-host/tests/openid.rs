//! Signing in by OpenID Connect, with a small provider of the test's own on this machine.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glance_host::sign_in::{Admins, OpenId, SignIn};
use glance_host::{Clock, Host};
use glance_sdk::auth::now;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Url};
use serde_json::{Value, json};

const CLIENT: &str = "glance";
const SECRET: &str = "a secret of the client";

/// What the provider is asked for at its page, by the code it gave.
type Codes = HashMap<String, HashMap<String, String>>;

/// A provider with one person. A test says what it says of them, and what is wrong with it.
#[derive(Clone)]
struct Provider {
    issuer: String,
    key: Arc<Mutex<Key>>,
    codes: Arc<Mutex<Codes>>,
    /// Put over the claims that are right.
    claims: Arc<Mutex<Value>>,
    /// Signs with a key that it does not publish.
    cheats: Arc<Mutex<bool>>,
}

struct Key {
    id: String,
    private: Vec<u8>,
    public: Vec<u8>,
}

impl Key {
    fn new(id: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        Self {
            id: id.to_owned(),
            private: pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            public: pair.public_key().as_ref().to_vec(),
        }
    }
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: Arc::new(Mutex::new(Key::new("first"))),
            codes: Arc::default(),
            claims: Arc::new(Mutex::new(json!({}))),
            cheats: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(description))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn says(&self, claims: Value) {
        *self.claims.lock().unwrap() = claims;
    }

    fn settings(&self) -> OpenId {
        OpenId::new(&self.issuer, CLIENT, SECRET.into())
    }

    async fn host(&self, settings: OpenId) -> Host {
        let host = Host::builder().port(0).sign_in(SignIn::OpenId(settings));
        host.start().await.unwrap()
    }
}

async fn description(State(provider): State<Provider>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let key = provider.key.lock().unwrap();
    let [x, y] = [1..33, 33..65].map(|part| URL_SAFE_NO_PAD.encode(&key.public[part]));
    Json(json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key.id, "x": x, "y": y }
    ] }))
}

/// The page on which people sign in: this one does so at once.
async fn authorize(
    State(provider): State<Provider>,
    Query(asked): Query<HashMap<String, String>>,
) -> Redirect {
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], CLIENT);
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["scope"], "openid email profile");
    let code = format!("code-{}", provider.codes.lock().unwrap().len());
    let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &asked["state"]);
    provider.codes.lock().unwrap().insert(code, asked);
    Redirect::to(back.as_str())
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refused = |error: &str| {
        let body = Json(json!({ "error": error }));
        (StatusCode::BAD_REQUEST, body).into_response()
    };
    let basic = base64::engine::general_purpose::STANDARD
        .encode(format!("{CLIENT}:{}", SECRET.replace(' ', "+")));
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    if authorization != Some(&format!("Basic {basic}")) {
        return refused("invalid_client");
    }
    let Some(asked) = provider.codes.lock().unwrap().remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let digest = digest(&SHA256, form["code_verifier"].as_bytes());
    if URL_SAFE_NO_PAD.encode(digest) != asked["code_challenge"]
        || form["redirect_uri"] != asked["redirect_uri"]
    {
        return refused("invalid_grant");
    }
    let mut claims = json!({
        "iss": provider.issuer, "sub": "248289761001", "aud": CLIENT, "nonce": asked["nonce"],
        "iat": now(), "exp": now() + 300,
        "name": "Ann Lee", "email": "ann@example.com", "email_verified": true,
    });
    for (name, value) in provider.claims.lock().unwrap().as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = provider.key.lock().unwrap();
    let private = match *provider.cheats.lock().unwrap() {
        true => Key::new("unpublished").private,
        false => key.private.clone(),
    };
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(key.id.clone());
    let signed =
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&private)).unwrap();
    Json(json!({
        "access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": signed,
    }))
    .into_response()
}

/// A browser that follows nothing by itself.
struct Browser {
    client: Client,
    host: String,
    cookies: HashMap<String, String>,
}

impl Browser {
    fn of(host: &Host) -> Self {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        Self {
            client: client.build().unwrap(),
            host: host.base_url().to_owned(),
            cookies: HashMap::new(),
        }
    }

    async fn open(&mut self, url: &str) -> (u16, String, String) {
        let url = if url.starts_with('/') {
            format!("{}{url}", self.host)
        } else {
            url.to_owned()
        };
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<_> = cookies.collect();
        let mut request = self.client.get(&url).header(ACCEPT, "text/html");
        if url.starts_with(&self.host) {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0;") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let to = answer.headers().get(LOCATION);
        let to = to
            .map(|to| to.to_str().unwrap().to_owned())
            .unwrap_or_default();
        (answer.status().as_u16(), to, answer.text().await.unwrap())
    }

    /// Goes to the provider and back; gives the address to come back to.
    async fn go(&mut self) -> String {
        let (status, provider, _) = self.open("/sign-in/begin?to=/people").await;
        assert_eq!(status, 303);
        let (status, back, _) = self.open(&provider).await;
        assert_eq!(status, 303);
        back
    }

    async fn sign_in(&mut self) -> (u16, String, String) {
        let back = self.go().await;
        self.open(&back).await
    }

    async fn is_in(&mut self) -> bool {
        self.open("/").await.0 == 200
    }
}

#[tokio::test]
async fn a_person_signs_in_and_is_the_same_one_again() {
    let provider = Provider::start().await;
    let host = provider.host(provider.settings()).await;
    let mut ann = Browser::of(&host);
    let (_, to, _) = ann.open("/people").await;
    assert_eq!(to, "/sign-in?to=%2Fpeople");
    let (_, _, page) = ann.open(&to).await;
    assert!(page.contains("Sign in with 127.0.0.1"), "{page}");
    assert!(page.contains("href=\"/sign-in/begin?to="), "{page}");

    let (status, to, _) = ann.sign_in().await;
    assert_eq!((status, to.as_str()), (303, "/people"));
    assert!(ann.is_in().await);
    assert_eq!(ann.cookies.len(), 1, "nothing is left of the way");
    let known = host.state().users().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].name, "Ann Lee");
    assert_eq!(known[0].email.as_deref(), Some("ann@example.com"));
    assert!(known[0].is_admin, "the first");

    // Her name changes; she does not. Another of her name is another.
    provider.says(json!({ "name": "Ann Roe", "email": "roe@example.com" }));
    assert_eq!(Browser::of(&host).sign_in().await.0, 303);
    provider.says(json!({ "sub": "2", "email_verified": false }));
    assert_eq!(Browser::of(&host).sign_in().await.0, 303);
    provider.says(json!({ "sub": "3", "name": null, "email": null }));
    assert_eq!(Browser::of(&host).sign_in().await.0, 303);
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
async fn nobody_is_let_in_by_a_token_that_is_wrong() {
    let provider = Provider::start().await;
    let host = provider.host(provider.settings()).await;
    for wrong in [
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "aud": "another" }),
        json!({ "aud": [CLIENT, "another"] }),
        json!({ "iss": "https://evil.example" }),
        json!({ "exp": now() - 1000 }),
    ] {
        provider.says(wrong.clone());
        let mut browser = Browser::of(&host);
        let (status, _, page) = browser.sign_in().await;
        assert_eq!(status, 403, "{wrong}");
        assert!(page.contains("did not confirm who you are"), "{page}");
        assert!(
            !browser.is_in().await && browser.cookies.is_empty(),
            "{wrong}"
        );
    }
    provider.says(json!({}));
    *provider.cheats.lock().unwrap() = true;
    let mut browser = Browser::of(&host);
    assert_eq!(browser.sign_in().await.0, 403, "a signature of another key");
    *provider.cheats.lock().unwrap() = false;
    assert!(host.state().users().await.unwrap().is_empty());
    assert_eq!(browser.sign_in().await.0, 303, "it was only that");

    // The provider has a new key, as it may at any time.
    *provider.key.lock().unwrap() = Key::new("second");
    assert_eq!(Browser::of(&host).sign_in().await.0, 303);
}

#[tokio::test]
async fn only_the_browser_that_began_ends_it_and_once() {
    let provider = Provider::start().await;
    let clock = Clock::standing_at(now());
    let host = Host::builder().port(0).clock(clock.clone());
    let host = host.sign_in(SignIn::OpenId(provider.settings()));
    let host = host.start().await.unwrap();
    let (mut ann, mut mallory) = (Browser::of(&host), Browser::of(&host));
    let hers = ann.go().await;
    let (status, _, page) = Browser::of(&host).open(&hers).await;
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
    assert!(!ann.is_in().await);
    assert_eq!(ann.open(&hers).await.0, 303);
    assert!(ann.is_in().await);
    assert_eq!(ann.open(&hers).await.0, 400, "it is over");

    let mut forged = Browser::of(&host);
    let late = forged.go().await;
    let flow = forged.cookies.values_mut().next().unwrap();
    let right = flow.clone();
    flow.insert(0, 'e');
    assert_eq!(forged.open(&late).await.0, 400, "a cookie that was changed");
    *forged.cookies.values_mut().next().unwrap() = right;
    clock.advance(std::time::Duration::from_secs(600));
    assert_eq!(forged.open(&late).await.0, 400, "too late");

    let mut refused = Browser::of(&host);
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
    let settings = provider
        .settings()
        .allowed_domains(["example.com"])
        .admins(Admins::Group("chat-admins".to_owned()));
    let host = provider.host(settings).await;
    for (claims, allowed) in [
        (json!({ "email": "ann@example.org" }), false),
        (json!({ "email": "ann@example.com.evil.example" }), false),
        (json!({ "email": "ann@evil.example@example.org" }), false),
        (json!({ "email_verified": false }), false),
        (json!({ "email_verified": null }), false),
        (json!({ "email": null }), false),
        (json!({ "email": "ann@EXAMPLE.com" }), true),
    ] {
        provider.says(claims.clone());
        let (status, _, page) = Browser::of(&host).sign_in().await;
        assert_eq!(status, if allowed { 303 } else { 403 }, "{claims}");
        assert_eq!(
            page.contains("verified address of example.com"),
            !allowed,
            "{page}"
        );
    }
    let admin = async |claims: Value| {
        provider.says(claims);
        assert_eq!(Browser::of(&host).sign_in().await.0, 303);
        let mut users = host.state().users().await.unwrap();
        users.remove(0).is_admin
    };
    assert!(
        !admin(json!({})).await,
        "a rule says who is, also of the first"
    );
    assert!(admin(json!({ "groups": ["staff", "chat-admins"] })).await);
    assert!(!admin(json!({ "groups": ["staff"] })).await, "no longer");

    let settings = provider
        .settings()
        .admins(Admins::Emails(vec!["Ann@example.com".to_owned()]));
    let host = provider.host(settings).await;
    for (claims, is_admin) in [
        (json!({ "sub": "1", "email_verified": false }), false),
        (json!({ "sub": "2" }), true),
        (json!({ "sub": "3", "email": "bo@example.com" }), false),
    ] {
        provider.says(claims.clone());
        assert_eq!(Browser::of(&host).sign_in().await.0, 303);
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
    late.host(late.settings()).await;
    assert_eq!(*asked.lock().unwrap(), 3);
}
