//! Sets up a host, a room with its owner, the add-on, and a Jira with a secret.

use std::path::Path;

use aws_lc_rs::hmac;
use blockers::Blockers;
use glance_host::Host;
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::model::{Glance, Icon};
use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub(crate) const SECRET: &str = "It's a Secret to Everybody";

/// The time of the first event, in milliseconds.
const START: i64 = 1_768_000_000_000;

pub(crate) struct Setting {
    pub(crate) host: Host,
    pub(crate) room: TestRoom,
    pub(crate) add_on: TestAddOn,
    pub(crate) keeping_up: JoinHandle<()>,
    data: tempfile::TempDir,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let host = Host::start().await;
        let owner = host.user("owner", |_| {}).await;
        let mut room = host.room("widgets").await;
        room.change(|room| room.owner = owner.id).await;
        let app = open(data.path());
        let add_on = room.install(app.add_on().unwrap()).await;
        let keeping_up = app.keep_up(add_on.installations().clone(), add_on.pusher().clone());
        Self {
            host,
            room,
            add_on,
            keeping_up: tokio::spawn(keeping_up),
            data,
        }
    }

    pub(crate) async fn choosing(project: &str) -> Self {
        let setting = Self::new().await;
        assert_eq!(setting.choose(project).await.0, StatusCode::OK);
        setting
    }

    /// Opens the same data folder like another process.
    pub(crate) fn reopened(&self) -> Blockers {
        open(self.data.path())
    }

    /// Locks the database like another process during a change.
    pub(crate) fn lock_database(&self) -> Connection {
        let file = self.data.path().join("blockers.sqlite");
        let other = Connection::open(file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    }

    /// Submits the panel's form, like a person.
    pub(crate) async fn choose(&self, project: &str) -> (StatusCode, String) {
        let answer = glance_host::testing::http_client().post(self.panel().await);
        let answer = answer.form(&[("project", project)]).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub(crate) async fn page(&self) -> String {
        let page = glance_host::testing::http_client()
            .get(self.panel().await)
            .send()
            .await
            .unwrap();
        page.text().await.unwrap()
    }

    async fn panel(&self) -> String {
        let installed = self.add_on.installed();
        let panel = self
            .host
            .panel_url(&self.room.room, installed, "blockers-panel");
        panel.await.unwrap()
    }

    pub(crate) async fn deliver(&self, body: &Value) -> StatusCode {
        self.send(&sign(SECRET, &body.to_string()), body).await
    }

    /// Sends a delivery, and waits until the add-on's pushes for it were sent.
    pub(crate) async fn send(&self, signature: &str, body: &Value) -> StatusCode {
        let answer = glance_host::testing::http_client()
            .post(format!("{}/hooks/jira", self.add_on.base_url()))
            .header("X-Hub-Signature", signature)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        self.add_on.pusher().flush().await;
        answer.status()
    }

    /// Creates as many other glances as the host accepts in a room, so that it refuses one more.
    pub(crate) async fn fill_the_room(&self) {
        let client = self.add_on.client().await;
        let glances = client.room(self.room.room.id).glances();
        for n in 0..10 {
            let icon = Icon::new("https://example.com/icon.png");
            let other = Glance::new(format!("other-{n}"), "Other", icon);
            glances.create(&other).await.unwrap();
        }
    }

    /// Removes one of these glances.
    pub(crate) async fn make_room(&self) {
        let client = self.add_on.client().await;
        let glances = client.room(self.room.room.id).glances();
        glances.remove("other-0").await.unwrap();
    }

    /// Returns whether the host has the glance of the blockers.
    pub(crate) async fn has_line(&self) -> bool {
        let client = self.add_on.client().await;
        let glances = client.room(self.room.room.id).glances();
        glances.get("blockers").await.is_ok()
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        self.keeping_up.abort();
    }
}

fn open(data: &Path) -> Blockers {
    Blockers::open(data, SECRET).unwrap()
}

pub(crate) fn sign(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body.as_bytes())))
}

/// Returns an event about a blocker in sprint 7, according to Jira Cloud's documentation, with the
/// relevant members.
pub(crate) fn event(event: &str, number: u32, at: i64, sprint: &str) -> Value {
    json!({
        "timestamp": START + at,
        "webhookEvent": format!("jira:issue_{event}"),
        "issue": {
            "id": format!("{}", 10_000 + number),
            "key": format!("WID-{number}"),
            "self": format!("https://jira.example.com/rest/api/2/issue/{}", 10_000 + number),
            "fields": {
                "summary": format!("Crash <b>{number}</b>"),
                "project": { "id": "1", "key": "WID" },
                "issuetype": { "name": "Bug" },
                "priority": { "name": "Highest" },
                "status": { "name": "To Do", "statusCategory": { "key": "new" } },
                "customfield_10001": null,
                "customfield_10020": [
                    { "id": 6, "name": "Sprint 6", "state": "closed", "boardId": 1 },
                    { "id": 7, "name": "Sprint 7", "state": sprint, "boardId": 1 },
                ],
            },
        },
    })
}

pub(crate) fn sprint(event: &str, state: &str, at: i64) -> Value {
    json!({
        "timestamp": START + at,
        "webhookEvent": format!("sprint_{event}"),
        "sprint": { "id": 7, "state": state, "name": "Sprint 7", "originBoardId": 1 },
    })
}
