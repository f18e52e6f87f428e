//! Tests a real Alertmanager, from a Prometheus alert to a viewer's glance.

use std::process::Stdio;
use std::slice::from_ref;
use std::time::Duration;

use ::incidents::incidents;
use glance_sdk::glance::Glance;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::setting::{SECRET, Setting};
use crate::skipped::skipped;

/// The longest wait for a state before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Alertmanager {
    base_url: String,
    _process: Child,
    _data: tempfile::TempDir,
}

impl Alertmanager {
    /// Starts this program with the add-on's webhook as its receiver, and waits until it listens.
    async fn start(program: &str, hook: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("alertmanager.yml");
        let written = format!(
            "
route:
  receiver: chat.prod
  group_by: [team]
  group_wait: 100ms
  group_interval: 1s
receivers:
  - name: chat.prod
    webhook_configs:
      - url: {hook}
        http_config:
          authorization:
            credentials: {SECRET}
"
        );
        std::fs::write(&config, written).unwrap();
        let mut process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", data.path().display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .arg("--cluster.listen-address=")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let listening = async {
            while let Some(line) = log.next_line().await.unwrap() {
                if let Some((_, address)) = line.split_once("msg=\"Listening on\" address=") {
                    return format!("http://{address}");
                }
                said = format!("{said}{line}\n");
            }
            panic!("{program} ended:\n{said}");
        };
        let base_url = tokio::time::timeout(PATIENCE, listening).await.unwrap();
        // The program continues writing, and would block if nobody read its output.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self {
            base_url,
            _process: process,
            _data: data,
        }
    }

    async fn post(&self, alerts: &[Value]) {
        let url = format!("{}/api/v2/alerts", self.base_url);
        let answer = glance_host::testing::http_client()
            .post(url)
            .json(alerts)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        assert!(
            status.is_success(),
            "{status} {}",
            answer.text().await.unwrap()
        );
    }
}

fn alert(name: &str, severity: &str, started_at: &str) -> Value {
    json!({
        "labels": { "alertname": name, "severity": severity, "team": "payments" },
        "annotations": { "summary": format!("{name} is wrong") },
        "startsAt": started_at,
        "generatorURL": "https://prometheus.example.com/graph?g0.expr=up&g0.tab=1",
    })
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap()
}

#[tokio::test]
async fn alerts_of_alertmanager_show_and_hide_glance() {
    let Ok(program) = std::env::var("ALERTMANAGER") else {
        skipped("ALERTMANAGER is not set, so there is no Alertmanager");
        return;
    };
    let setting = Setting::new().await;
    let alertmanager = Alertmanager::start(&program, &setting.hook()).await;
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());

    let started_at = now();
    let mut slow = alert("Slow", "warning", &started_at);
    alertmanager.post(from_ref(&slow)).await;
    let sidebar = viewer.label(incidents::KEY, "1 open incident").await;
    let line = sidebar.line(incidents::KEY).unwrap();
    assert_eq!(line.lozenge(), Some(("current", "WARNING")));

    // The next message contains both.
    let mut down = alert("Down", "critical", &started_at);
    alertmanager.post(from_ref(&down)).await;
    let sidebar = viewer.label(incidents::KEY, "2 open incidents").await;
    let line = sidebar.line(incidents::KEY).unwrap();
    assert_eq!(line.lozenge(), Some(("error", "CRITICAL")));
    setting.room.notification("Critical: Down is wrong").await;
    let page = setting.page().await;
    assert!(page.contains("graph?g0.expr=up&amp;g0.tab=1"), "{page}");

    // Alertmanager escapes the name of the receiver.
    setting.watch("receiver=chat.prod").await;
    viewer.label(incidents::KEY, "2 open incidents").await;

    down["endsAt"] = now().into();
    alertmanager.post(&[down]).await;
    viewer.label(incidents::KEY, "1 open incident").await;
    slow["endsAt"] = now().into();
    alertmanager.post(&[slow]).await;
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    setting.room.notification("Resolved: Down is wrong").await;
    assert_eq!(setting.room.notifications().await.len(), 2);
}
