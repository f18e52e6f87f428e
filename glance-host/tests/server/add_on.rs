//! An add-on of another make, at as many addresses as a test wants: `/{name}/` is the descriptor of
//! `com.example.{name}`, with ten glances, and a webhook unless its name begins with `quiet`.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use glance_sdk::auth::{SigningKey, Token, is_uninstall, now};
use glance_sdk::axum::extract::{Path, Request, State};
use glance_sdk::axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION};
use glance_sdk::axum::http::{HeaderMap, StatusCode, Uri};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::{delete, get, post};
use glance_sdk::axum::{Json, Router, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

#[derive(Clone, Default)]
struct App {
    base_url: String,
    installed: Arc<Mutex<Vec<Value>>>,
    signed: Arc<Mutex<Vec<String>>>,
    hooks: Arc<watch::Sender<usize>>,
    /// The texts that its webhooks were called for.
    heard: Arc<Mutex<Vec<String>>>,
    /// The OAuth ids of the installations that it was told are removed.
    removed: Arc<watch::Sender<HashSet<String>>>,
    held: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

pub(crate) struct AddOn {
    app: App,
    server: JoinHandle<()>,
}

impl AddOn {
    pub(crate) async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = App {
            base_url: format!("http://{}", listener.local_addr().unwrap()),
            ..App::default()
        };
        let router = Router::new()
            .route("/{name}/", get(descriptor))
            .route("/{name}/installed", post(installed))
            .route("/{name}/installed/{id}", delete(removed))
            .route("/{name}/query", get(query))
            .route("/{name}/hook", post(hook))
            .with_state(app.clone());
        let server = tokio::spawn(async move { serve(listener, router).await.unwrap() });
        Self { app, server }
    }

    /// Where it listens.
    pub(crate) fn origin(&self) -> &str {
        &self.app.base_url
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{name}/", self.app.base_url)
    }

    /// The OAuth id and the secret of the installation that was posted to this name.
    pub(crate) fn installation(&self, name: &str) -> (String, String) {
        self.find_installation(name).unwrap()
    }

    /// The same, if there is one.
    pub(crate) fn find_installation(&self, name: &str) -> Option<(String, String)> {
        let all = self.app.installed.lock().unwrap();
        let found = all.iter().find(|data| data["name"] == name)?;
        let text = |member: &str| found[member].as_str().unwrap().to_owned();
        Some((text("oauthId"), text("oauthSecret")))
    }

    /// The tokens that came with queries and webhooks.
    pub(crate) fn signed(&self) -> Vec<String> {
        self.app.signed.lock().unwrap().clone()
    }

    /// Completes once webhooks were called so often.
    pub(crate) async fn called(&self, times: usize) {
        let mut hooks = self.app.hooks.subscribe();
        hooks.wait_for(|hooks| *hooks >= times).await.unwrap();
    }

    /// The texts that its webhooks were called for, in that order.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.app.heard.lock().unwrap().clone()
    }

    /// The OAuth ids of the installations that it was told are removed, as they become known.
    pub(crate) fn removed(&self) -> watch::Receiver<HashSet<String>> {
        self.app.removed.subscribe()
    }

    /// The next webhook is not answered before this is sent, or dropped.
    pub(crate) fn hold(&self) -> oneshot::Sender<()> {
        let (answer, held) = oneshot::channel();
        *self.app.held.lock().unwrap() = Some(held);
        answer
    }
}

impl Drop for AddOn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn descriptor(State(app): State<App>, Path(name): Path<String>, uri: Uri) -> Json<Value> {
    let own = format!("{}/{name}", app.base_url);
    // What was asked for with a secret is called with it too.
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut descriptor = json!({
        "key": format!("com.example.{name}"),
        "name": name,
        "description": "What a test installs.",
        "links": { "self": format!("{own}/") },
        "capabilities": {
            "installable": { "callbackUrl": format!("{own}/installed{query}"), "allowGlobal": true },
            "hipchatApiConsumer": {
                "scopes": ["send_notification", "send_message", "view_room", "view_messages",
                           "admin_room", "manage_rooms", "view_group"],
            },
            "glance": (0..10).map(|n| json!({
                "key": format!("declared-{n}"),
                "name": { "value": "Declared" },
                "icon": { "url": format!("{own}/icon.svg"), "url@2x": format!("{own}/icon.svg") },
                "queryUrl": format!("{own}/query{query}"),
                "target": "panel",
            })).collect::<Vec<_>>(),
            "webPanel": [{
                "key": "panel",
                "name": { "value": "Panel" },
                "url": format!("{own}/panel"),
                "location": "hipchat.sidebar.right",
            }],
        },
    });
    if !name.starts_with("quiet") {
        descriptor["capabilities"]["webhook"] = json!([{
            "event": "room_notification",
            "url": format!("{own}/hook{query}"),
            "authentication": "jwt",
        }]);
    }
    Json(descriptor)
}

async fn installed(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(mut data): Json<Value>,
) -> StatusCode {
    data["name"] = name.into();
    app.installed.lock().unwrap().push(data);
    StatusCode::NO_CONTENT
}

/// Takes the word of a host that signed for it.
async fn removed(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> StatusCode {
    let header = headers.get(AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("JWT "));
    let key = {
        let all = app.installed.lock().unwrap();
        let mut own = all.iter().filter(|data| data["name"] == *name);
        let Some(found) = own.find(|data| data["oauthId"] == *id) else {
            // The host ended before it could tell of this installation.
            return StatusCode::NO_CONTENT;
        };
        SigningKey::new(&found["oauthSecret"].as_str().unwrap().into())
    };
    let claims = Token::parse(token.unwrap_or_default());
    let claims = claims.and_then(|token| token.verify(&key, now()));
    if !claims.is_ok_and(|claims| is_uninstall(&claims)) {
        return StatusCode::UNAUTHORIZED;
    }
    app.removed.send_modify(|removed| {
        removed.insert(id);
    });
    StatusCode::NO_CONTENT
}

impl App {
    fn keep(&self, uri: &Uri, headers: &HeaderMap) {
        let mut signed = self.signed.lock().unwrap();
        let pairs = uri.query().unwrap_or_default().split('&');
        let in_query = pairs.filter_map(|pair| pair.strip_prefix("signed_request="));
        signed.extend(in_query.map(ToOwned::to_owned));
        let header = headers.get(AUTHORIZATION);
        let in_header = header.and_then(|value| value.to_str().ok()?.strip_prefix("JWT "));
        signed.extend(in_header.map(ToOwned::to_owned));
    }
}

async fn query(State(app): State<App>, request: Request) -> Response {
    app.keep(request.uri(), request.headers());
    let data = json!({ "label": { "type": "html", "value": "<b>4</b> things" } });
    ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(data)).into_response()
}

async fn hook(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Json<Value>) -> Response {
    app.keep(&uri, &headers);
    let text = &body["item"]["message"]["message"];
    let text = text.as_str().unwrap_or_default().to_owned();
    app.heard.lock().unwrap().push(text);
    app.hooks.send_modify(|hooks| *hooks += 1);
    let held = app.held.lock().unwrap().take();
    if let Some(held) = held {
        let _ = held.await;
    }
    Json(json!({ "message": "heard", "message_format": "text" })).into_response()
}
