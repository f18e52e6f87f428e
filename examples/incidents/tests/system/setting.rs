//! Sets up a host, a room that watches a team's alerts, the add-on, and Alertmanager's messages.

use std::time::Duration;

use glance_host::Host;
use glance_host::model::{Content, Installed};
use glance_host::testing::{TestAddOn, TestRoom};
use glance_sdk::model::{Notification, Scope};
use glance_sdk::prelude::Pusher;
use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "only-alertmanager-knows";

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Setting {
    pub(crate) host: Host,
    pub(crate) room: TestRoom,
    installed: Installed,
    base_url: String,
    pusher: Pusher,
    data: tempfile::TempDir,
    first: TestAddOn,
}

impl Setting {
    /// Creates a room that watches `team=payments`.
    pub(crate) async fn new() -> Self {
        Self::with_scopes([Scope::SendNotification, Scope::ViewRoom]).await
    }

    pub(crate) async fn with_scopes(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let host = Host::start().await;
        let owner = host.user("owner", |_| {}).await;
        let mut room = host.room("payments").await;
        room.change(|room| room.owner = owner.id).await;
        let add_on = incidents::add_on(data.path(), SECRET).unwrap();
        let add_on = room.install(add_on.scopes(scopes)).await;
        let setting = Self {
            host,
            room,
            installed: add_on.installed().clone(),
            base_url: add_on.base_url().to_owned(),
            pusher: add_on.pusher().clone(),
            data,
            first: add_on,
        };
        assert_eq!(setting.watch("team=payments").await.0, StatusCode::OK);
        setting
    }

    /// Serves the same installation and data from another process.
    pub(crate) async fn restart(&mut self) {
        let add_on = incidents::add_on(self.data.path(), SECRET).unwrap();
        let server = add_on.listen("127.0.0.1", 0, None).await.unwrap();
        self.base_url = server.base_url().to_owned();
        self.pusher = server.add_on().pusher().clone();
        tokio::spawn(server.run(std::future::pending()));
        let descriptor = format!("{}/", self.base_url);
        let updated = self.host.update(&self.installed, &descriptor).await;
        self.installed = updated.unwrap();
    }

    /// Sends a notification to the room, like the add-on.
    pub(crate) async fn notify(&self, notification: &Notification) -> glance_sdk::Result<()> {
        let client = self.first.client().await;
        client.room(self.room.room.id).notify(notification).await
    }

    /// Submits the panel's form, like a person.
    pub(crate) async fn watch(&self, labels: &str) -> (StatusCode, String) {
        let form = [("watched", labels)];
        let answer = glance_host::testing::http_client()
            .post(self.panel().await)
            .form(&form)
            .send();
        let answer = answer.await.unwrap();
        self.pusher.flush().await;
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

    /// Opens a connection like another process.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.data.path().join("incidents.sqlite")).unwrap()
    }

    /// Returns the host's id of a notification with this text.
    pub(crate) async fn id_of(&self, words: &str) -> String {
        let entries = self.room.timeline().await;
        let found = entries.into_iter().find(|entry| match &entry.content {
            Content::Notification(notification) => notification.message.contains(words),
            _ => false,
        });
        found.unwrap().id
    }

    /// Waits until the add-on has stored the host's id of a notification.
    pub(crate) async fn known_as(&self, id: &str) {
        let database = self.database();
        let is_known = || -> bool {
            let query = "SELECT EXISTS (SELECT 1 FROM notice WHERE message_id = ?1)";
            database.query_row(query, [id], |row| row.get(0)).unwrap()
        };
        let known = async {
            while !is_known() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, known).await.unwrap();
    }

    async fn panel(&self) -> String {
        let panel = self
            .host
            .panel_url(&self.room.room, &self.installed, "incidents-panel");
        panel.await.unwrap()
    }

    pub(crate) fn hook(&self) -> String {
        format!("{}/hooks/alertmanager", self.base_url)
    }

    /// Sends a message about these alerts, and waits until the add-on's pushes for it were sent.
    pub(crate) async fn deliver(&self, alerts: &[Value]) {
        let (status, said) = self.send(Some(SECRET), message(alerts).to_string()).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{said}");
    }

    pub(crate) async fn send(&self, secret: Option<&str>, body: String) -> (StatusCode, String) {
        let mut request = glance_host::testing::http_client().post(self.hook());
        if let Some(secret) = secret {
            request = request.bearer_auth(secret);
        }
        let request = request.header("Content-Type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        self.pusher.flush().await;
        (answer.status(), answer.text().await.unwrap())
    }
}

/// Returns a message of version 4, according to Alertmanager's documentation.
pub(crate) fn message(alerts: &[Value]) -> Value {
    let is_firing = alerts.iter().any(|alert| alert["status"] == "firing");
    json!({
        "version": "4",
        "groupKey": "{}:{team=\"payments\"}",
        "truncatedAlerts": 0,
        "receiver": "chat",
        "status": if is_firing { "firing" } else { "resolved" },
        "groupLabels": { "team": "payments" },
        "commonLabels": { "team": "payments" },
        "commonAnnotations": {},
        "externalURL": "https://alerts.example.com",
        "alerts": alerts,
    })
}

/// Returns an alert that has fired since that minute.
pub(crate) fn firing(name: &str, severity: &str, minute: u32) -> Value {
    json!({
        "status": "firing",
        "labels": { "alertname": name, "severity": severity, "team": "payments" },
        "annotations": { "summary": format!("{name} is <b>wrong</b>"), "description": "Look at it." },
        "startsAt": format!("2026-01-02T03:{minute:02}:05.678Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": format!("https://prometheus.example.com/graph?g0.expr={name}&g0.tab=1"),
        "fingerprint": format!("fingerprint of {name} {severity}"),
    })
}

/// Returns the same alert, resolved since that minute.
pub(crate) fn resolved(firing: &Value, minute: u32) -> Value {
    let mut resolved = firing.clone();
    resolved["status"] = "resolved".into();
    resolved["endsAt"] = format!("2026-01-02T05:{minute:02}:06+02:00").into();
    resolved
}
