//! A client of the REST API without the SDK.

use glance_host::Host;
use glance_host::model::Installed;
use glance_host::testing::TestAddOn;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::add_on::{Pager, add_on};

/// A client of one installation.
pub(crate) struct Rest {
    pub(crate) client: Client,
    api: String,
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Rest {
    pub(crate) fn of(host: &Host, add_on: &TestAddOn) -> Self {
        Self::of_installed(host, add_on.installed())
    }

    pub(crate) fn of_installed(host: &Host, installed: &Installed) -> Self {
        Self {
            client: glance_host::testing::http_client(),
            api: format!("{}/v2", host.base_url()),
            id: installed.oauth_id.to_string(),
            secret: installed.oauth_secret.expose().to_owned(),
        }
    }

    /// Installs the tests' add-on in the room with this name. The add-on may be unreachable
    /// afterwards.
    pub(crate) async fn in_room(host: &Host, room: &str) -> Self {
        let room = host.room(room).await;
        Self::of(host, &room.install(add_on(&Pager::new(1))).await)
    }

    /// Returns the URL of this path of the API.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.api)
    }

    /// Builds a token request without scopes.
    pub(crate) fn ask_token(&self, query: &str) -> RequestBuilder {
        let request = self.client.post(self.at(&format!("oauth/token{query}")));
        request.basic_auth(&self.id, Some(&self.secret))
    }

    /// Requests a token with these scopes, separated by spaces; an empty string means all scopes.
    pub(crate) async fn token(&self, scope: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let (status, answer) = json(self.ask_token("").form(&form)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Builds a call with a token.
    pub(crate) fn call(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, self.at(path))
            .bearer_auth(token)
    }
}

pub(crate) async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

/// Returns the status and the JSON of a response.
pub(crate) async fn json(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}
