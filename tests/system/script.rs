//! A script that calls `/admin/v1`, and add-ons that it installs.

use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_sdk::axum::Router;
use glance_sdk::axum::http::StatusCode as Status;
use glance_sdk::axum::routing::{delete, get, post};
use reqwest::header::CACHE_CONTROL;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::by_hand::serve;
use crate::integrations::between;

/// A script that calls a host.
pub(crate) struct Script {
    pub(crate) client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Script {
    pub(crate) fn of(host: &Host, token: Option<&str>) -> Self {
        Self {
            client: glance_host::testing::http_client(),
            base: format!("{}/admin/v1", host.base_url()),
            token: token.map(str::to_owned),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn install(&self, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, "/installations", Some(body)).await
    }

    pub(crate) async fn list(&self, query: &str) -> Vec<Value> {
        let path = format!("/installations{query}");
        let (status, mut answer) = self.call(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        match answer["installations"].take() {
            Value::Array(installations) => installations,
            other => panic!("{other}"),
        }
    }

    /// Returns the error code of a refused call.
    pub(crate) async fn refused(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, String) {
        let (status, answer) = self.call(method, path, body).await;
        let error = &answer["error"];
        for member in ["message", "help"] {
            let text = error[member].as_str().unwrap();
            assert!(!text.is_empty() && !text.ends_with('.'), "{answer}");
        }
        (status.as_u16(), error["code"].as_str().unwrap().to_owned())
    }
}

/// Creates a token on the page, like an admin.
pub(crate) async fn create_token(admin: &mut Browser, name: &str, days: &str) -> String {
    let answer = admin
        .submit("/tokens", &[("name", name), ("days", days)])
        .await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    let html = answer.text().await.unwrap();
    between(
        &html,
        "readonly autocomplete=\"off\" spellcheck=\"false\" value=\"",
        "\"",
    )
    .to_owned()
}

/// Starts an add-on at its own address, whose descriptor a test can change.
pub(crate) async fn changing(document: Value) -> (String, Arc<Mutex<Value>>) {
    let shown = Arc::new(Mutex::new(document));
    let document = Arc::clone(&shown);
    let base = serve(|base| {
        let base = base.to_owned();
        let read = get(async move || {
            let text = document.lock().unwrap().to_string();
            text.replace("BASE", &base)
        });
        Router::new()
            .route("/", read)
            .route("/installed", post(async || Status::NO_CONTENT))
            .route("/installed/{id}", delete(async || Status::NO_CONTENT))
    })
    .await;
    (format!("{base}/"), shown)
}

pub(crate) const LIST: &str = "/installations";

/// Returns a descriptor of an add-on without callbacks.
pub(crate) fn plain(key: &str) -> Value {
    json!({ "key": key, "name": "Plain", "description": "Plain.", "links": { "self": "https://a.example/" },
            "capabilities": {} })
}
