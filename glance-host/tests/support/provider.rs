//! A small provider of OpenID Connect on this machine.

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
use glance_sdk::auth::{now, random_alphanumeric};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Url;
use serde_json::{Value, json};

pub(crate) const CLIENT: &str = "glance";
pub(crate) const SECRET: &str = "a secret of the client";

/// What the provider is asked for at its page, by the code it gave.
pub(crate) type Codes = HashMap<String, HashMap<String, String>>;

/// A provider with one person. A test says what it says of them, and what is wrong with it.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) key: Arc<Mutex<Key>>,
    pub(crate) codes: Arc<Mutex<Codes>>,
    /// Put over the claims that are right.
    pub(crate) claims: Arc<Mutex<Value>>,
    /// Signs with a key that it does not publish.
    pub(crate) cheats: Arc<Mutex<bool>>,
    /// The codes and tokens that it gave, and what it was given for them.
    pub(crate) secrets: Arc<Mutex<Vec<String>>>,
}

pub(crate) struct Key {
    id: String,
    private: Vec<u8>,
    public: Vec<u8>,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
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
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: Arc::new(Mutex::new(Key::new("first"))),
            codes: Arc::default(),
            claims: Arc::new(Mutex::new(json!({}))),
            cheats: Arc::default(),
            secrets: Arc::default(),
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
}

pub(crate) async fn description(State(provider): State<Provider>) -> Json<Value> {
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

pub(crate) async fn keys(State(provider): State<Provider>) -> Json<Value> {
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
    let code = random_alphanumeric(20).unwrap();
    let secrets = [&code, &asked["state"], &asked["nonce"]].map(String::clone);
    provider.secrets.lock().unwrap().extend(secrets);
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
    let access = random_alphanumeric(20).unwrap();
    let secrets = [
        form["code_verifier"].clone(),
        access.clone(),
        signed.clone(),
    ];
    provider.secrets.lock().unwrap().extend(secrets);
    Json(json!({
        "access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": signed,
    }))
    .into_response()
}
