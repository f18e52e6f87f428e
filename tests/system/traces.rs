//! Tests recorded calls of other add-ons and clients against this host.

use glance_host::Host;
use glance_host::model::{Installed, Room};
use glance_host::storage::Effects;
use glance_sdk::auth::now;
use glance_sdk::model::{Descriptor, HipchatApiConsumer, Scope};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::corpus::{corpus, documents};

#[tokio::test]
async fn recorded_calls_get_expected_responses() {
    let Some(folder) = corpus() else {
        return;
    };
    let mut calls = 0;
    for (path, trace) in documents(&folder, ["traces"].into_iter()) {
        let peer = Peer::new(&trace).await;
        let all = trace["calls_to_host"].as_array().unwrap();
        // A peer that requests tokens has only the tokens that it requested.
        let mut tokens = Vec::new();
        if !all.iter().any(is_for_token) {
            tokens.push(peer.token().await);
        }
        for call in all {
            let (status, answer) = peer.try_with(call, &tokens).await;
            let what = format!("{}: {call}: {answer}", path.display());
            assert_eq!(status, expected(call), "{what}");
            if is_for_token(call) {
                tokens.push(answer["access_token"].as_str().unwrap().to_owned());
            }
            calls += 1;
        }
    }
    assert!(calls > 50, "{calls} calls are too few to show anything");
}

fn is_for_token(call: &Value) -> bool {
    path_of(call).contains("/oauth/token")
}

fn path_of(call: &Value) -> &str {
    call["path"].as_str().unwrap()
}

/// Returns the status that the peer received; a missing room was not checked.
fn expected(call: &Value) -> StatusCode {
    if path_of(call).contains("/undefined/") {
        return StatusCode::NOT_FOUND;
    }
    let code = call["host_answered"].as_u64().unwrap();
    StatusCode::from_u16(u16::try_from(code).unwrap()).unwrap()
}

struct Peer {
    host: Host,
    installed: Installed,
    room: Room,
    user: String,
    client: Client,
}

impl Peer {
    /// Starts a host for one peer, which is installed with its own descriptor.
    async fn new(trace: &Value) -> Self {
        let host = Host::start().await;
        let room = host.room("ops").await.room;
        let olive = host.user("olive", |_| {}).await;
        let mut answers = trace["answers_to_host"].as_array().unwrap().iter();
        let served = answers.find(|answer| answer["what"] == "descriptor");
        let descriptor = match served {
            Some(answer) => serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(),
            None => of_a_client(),
        };
        let installed = Installed {
            oauth_id: "peer".into(),
            oauth_secret: "secret".into(),
            // A client that creates rooms does not belong to one.
            room_id: served.map(|_| room.id),
            descriptor_url: "http://peer.example/".to_owned(),
            descriptor,
        };
        assert!(
            host.state()
                .begin_installation(&installed, now())
                .await
                .unwrap()
        );
        let id = &installed.oauth_id;
        host.state()
            .finish_installation(id, Effects::none())
            .await
            .unwrap();
        Self {
            user: olive.id.to_string(),
            host,
            installed,
            room,
            client: glance_host::testing::http_client(),
        }
    }

    /// Requests a token with all scopes of the descriptor.
    async fn token(&self) -> String {
        let url = format!("{}/v2/oauth/token", self.host.base_url());
        let form = [("grant_type", "client_credentials")];
        let request = self.client.post(url).basic_auth("peer", Some("secret"));
        let answer = request.form(&form).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes the call with the newest token that may make it: a trace does not contain the token.
    async fn try_with(&self, call: &Value, tokens: &[String]) -> (StatusCode, Value) {
        let mut answered = self.call(call, "none").await;
        for token in tokens.iter().rev() {
            if !matches!(answered.0.as_u16(), 401 | 403) {
                break;
            }
            answered = self.call(call, token).await;
        }
        answered
    }

    async fn call(&self, call: &Value, token: &str) -> (StatusCode, Value) {
        let path = path_of(call)
            .replace("/room/42", &format!("/room/{}", self.room.id))
            .replace("/user/7", &format!("/user/{}", self.user));
        let path = ["<token>", "TOKEN123", "ROOMTOK"]
            .iter()
            .fold(path, |path, masked| path.replace(masked, token));
        let method: Method = call["method"].as_str().unwrap().parse().unwrap();
        let url = format!("{}{path}", self.host.base_url());
        let mut request = self.client.request(method, url);
        let headers = &call["headers"];
        if let Some(content_type) = headers["content-type"].as_str() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let secret = self.installed.oauth_secret.expose();
        request = match headers["authorization"].as_str() {
            Some(basic) if basic.starts_with("Basic ") => request.basic_auth("peer", Some(secret)),
            Some(bearer) => {
                let (scheme, _) = bearer.split_once(' ').unwrap();
                request.header(AUTHORIZATION, format!("{scheme} {token}"))
            }
            None => request,
        };
        let body = call["body"].as_str().unwrap().to_owned();
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }
}

fn of_a_client() -> Descriptor {
    let mut descriptor = Descriptor::new("client", "Client", "http://peer.example/");
    let scopes = [
        Scope::SendNotification,
        Scope::SendMessage,
        Scope::ViewRoom,
        Scope::AdminRoom,
        Scope::ViewGroup,
        Scope::ManageRooms,
        Scope::ViewMessages,
    ];
    descriptor.capabilities.hipchat_api_consumer = Some(HipchatApiConsumer::new(scopes));
    descriptor
}
