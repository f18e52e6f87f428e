//! Imitates Alertmanager: delivers alerts of a team in Alertmanager's documented format.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::feed::{Example, Feed};
use super::hook::{Hook, Proof};

/// The name, the severity and the summary of each alert.
const ALERTS: [(&str, &str, &str); 3] = [
    ("CheckoutDown", "critical", "Nobody can pay"),
    (
        "DiskFillsUp",
        "warning",
        "The disk of db-2 is full by tonight",
    ),
    (
        "SlowReplies",
        "warning",
        "One reply in twenty takes over a second",
    ),
];

pub(super) fn example(data: &Path) -> Result<Example, String> {
    let secret_file = data.join("alertmanager-webhook-secret");
    let hook = Hook::new("/hooks/alertmanager", Proof::Bearer, secret_file)?;
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
    Ok(Example {
        name: "incidents",
        key: "glance.example.incidents",
        panel: "incidents-panel",
        form: &[("watched", "team=payments")],
        port: 4404,
        variables: vec![("ALERTMANAGER_WEBHOOK_SECRET", hook.secret().to_owned())],
        feed: Box::new(Alertmanager {
            hook,
            // Numbers of an earlier start must not repeat, and a critical alert comes first.
            fired: AtomicU64::new(now * ALERTS.len() as u64),
        }),
    })
}

struct Alertmanager {
    hook: Hook,
    fired: AtomicU64,
}

#[async_trait]
impl Feed for Alertmanager {
    async fn begin(&self, add_on: &str) -> Result<(), String> {
        for _ in ALERTS {
            self.fire(add_on).await?;
        }
        Ok(())
    }

    async fn more(&self, add_on: &str) -> Result<String, String> {
        let (name, severity) = self.fire(add_on).await?;
        Ok(format!("Alertmanager: {name} fires, {severity}."))
    }

    fn hook(&self, add_on: &str) -> Option<String> {
        Some(self.hook.says(add_on))
    }
}

impl Alertmanager {
    /// Delivers a firing alert. Returns its name and severity.
    async fn fire(&self, add_on: &str) -> Result<(&'static str, &'static str), String> {
        let number = self.fired.fetch_add(1, Ordering::Relaxed);
        let (name, severity, summary) =
            ALERTS[usize::try_from(number).unwrap_or_default() % ALERTS.len()];
        let started_at = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .map_err(|cause| format!("cannot format the date: {cause}"))?;
        let body = json!({
            "version": "4",
            "groupKey": "{}:{team=\"payments\"}",
            "truncatedAlerts": 0,
            "receiver": "chat",
            "status": "firing",
            "groupLabels": { "team": "payments" },
            "commonLabels": { "team": "payments" },
            "commonAnnotations": {},
            "externalURL": "https://alerts.example.com",
            "alerts": [{
                "status": "firing",
                "labels": {
                    "alertname": name,
                    "severity": severity,
                    "team": "payments",
                    "instance": format!("server-{number}"),
                },
                "annotations": { "summary": summary },
                "startsAt": started_at,
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://prometheus.example.com/graph?g0.expr=up&g0.tab=1",
                "fingerprint": format!("{number:016x}"),
            }],
        });
        self.hook.deliver(add_on, &[], &body).await?;
        Ok((name, severity))
    }
}
