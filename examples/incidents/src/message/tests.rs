use serde_json::json;

use super::*;
use crate::Severity;

/// 2026-03-04T11:00:00Z.
const NOW: i64 = 1_772_622_000_000;

fn read_value(message: &Value) -> Message {
    read(message.to_string().as_bytes(), NOW).unwrap()
}

fn only(alert: Value) -> Option<News> {
    let message = read_value(&json!({ "receiver": "chat", "alerts": [alert] }));
    message.news.into_iter().next()
}

fn fired(alert: Value) -> (Alert, Vec<(String, String)>) {
    match only(alert) {
        Some(News::Firing { alert, labels }) => (alert, labels),
        _ => panic!("it does not fire"),
    }
}

/// Returns the time of the end, if the alert ended.
fn ended(alert: Value) -> Option<i64> {
    match only(alert) {
        Some(News::Resolved { ended_at, .. }) => Some(ended_at),
        _ => None,
    }
}

#[test]
fn messages_of_every_version_are_parsed() {
    // A message of version 0.18, without a fingerprint.
    let of_2019 = json!({
        "version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "status": "firing", "receiver": "glance",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alerts.example.com",
        "alerts": [{
            "status": "firing",
            "labels": { "alertname": "DiskFull", "instance": "db-1", "severity": "critical" },
            "annotations": { "summary": "The disk is full" },
            "startsAt": "2019-03-04T10:00:00.0Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com/g0",
        }],
    });
    // A message of the newest version, with the members and label names of Prometheus 3.
    let of_today = json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 3, "status": "firing",
        "receiver": "namespace/config/chat\\.prod", "notificationReason": "first notification",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "alerts": [{
            "status": "firing",
            "labels": { "alertname": "Φόρτος", "service.name": "żółw \"1\"", "k8s/pod": "a=b" },
            "annotations": {}, "startsAt": "2026-03-04T10:00:00.123456789+01:00",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "a1b2c3d4e5f60718",
        }],
    });
    let message = read_value(&of_2019);
    let [News::Firing { alert, .. }] = message.news.as_slice() else {
        panic!("it does not fire");
    };
    assert_eq!(alert.summary, "The disk is full");
    assert_eq!(alert.started_at, Some(1_551_693_600_000));
    assert_eq!(alert.fingerprint.len(), 16);

    let message = read_value(&of_today);
    assert_eq!((message.truncated, message.unread), (3, 0));
    let [News::Firing { alert, labels }] = message.news.as_slice() else {
        panic!("it does not fire");
    };
    assert_eq!(alert.summary, "Φόρτος");
    assert_eq!(alert.fingerprint, "a1b2c3d4e5f60718");
    assert_eq!(alert.started_at, Some(1_772_614_800_123));
    for (name, value) in [
        ("service.name", "żółw \"1\""),
        ("k8s/pod", "a=b"),
        ("receiver", "namespace/config/chat.prod"),
        ("receiver", "namespace/config/chat\\.prod"),
    ] {
        assert!(
            labels.contains(&(name.to_owned(), value.to_owned())),
            "{labels:?}"
        );
    }
}

/// The fingerprint of an alert from Alertmanager 0.21, from its issue 2447.
#[test]
fn fingerprint_matches_alertmanager() {
    let labels = json!({ "alertname": "DemoAlert", "server": "ni3", "severity": "critical" });
    let (alert, _) = fired(json!({ "status": "firing", "labels": labels }));
    assert_eq!(alert.fingerprint, "8a07086b74f3ba78");
}

#[test]
fn missing_and_null_members_are_empty() {
    for member in [
        "annotations",
        "startsAt",
        "endsAt",
        "generatorURL",
        "fingerprint",
        "status",
    ] {
        for is_null in [false, true] {
            let mut alert = json!({
                "status": "firing", "labels": { "alertname": "Down", "severity": "critical" },
                "annotations": { "summary": "Down" }, "startsAt": "2026-03-04T10:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p/", "fingerprint": "1",
            });
            match is_null {
                true => alert[member] = Value::Null,
                false => drop(alert.as_object_mut().unwrap().remove(member)),
            }
            let (alert, _) = fired(alert);
            assert_eq!(
                (alert.name.as_str(), alert.severity),
                ("Down", Severity::Critical),
                "{member}"
            );
        }
    }
    let message = read_value(&json!({ "alerts": null, "receiver": null, "truncatedAlerts": null }));
    assert!(message.news.is_empty());
}

#[test]
fn malformed_alert_does_not_affect_others() {
    let fine = json!({ "status": "firing", "labels": { "alertname": "Fine" } });
    for odd in [
        json!(null),
        json!("firing"),
        json!({}),
        json!({ "status": "firing", "labels": null }),
        json!({ "status": "firing", "labels": { "team": null }, "fingerprint": 7 }),
        json!({ "status": "pending", "labels": { "team": "x" } }),
        json!({ "status": 1, "labels": { "team": "x" } }),
    ] {
        let message = read_value(&json!({ "alerts": [fine, odd, fine] }));
        assert_eq!((message.news.len(), message.unread), (2, 1), "{odd}");
    }
    let (alert, labels) = fired(json!({
        "status": "FIRING", "fingerprint": "x".repeat(201), "generatorURL": 7,
        "labels": { "team": 7, "on": true, "none": null, "list": [], "empty": "" },
        "annotations": [], "startsAt": "yesterday", "endsAt": 0,
    }));
    assert_eq!(
        (alert.fingerprint.len(), alert.url, alert.started_at),
        (16, None, None)
    );
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        labels,
        [("on", "true"), ("team", "7"), ("receiver", "chat")]
    );
}

#[test]
fn status_or_end_decides_whether_alert_fires() {
    let alert = |status: Value, starts_at: &str, ends_at: &str| json!({ "status": status, "labels": { "team": "x" }, "startsAt": starts_at, "endsAt": ends_at });
    let (ten, half_past) = ("2026-03-04T10:00:00Z", "2026-03-04T10:30:00Z");
    let half_past_ms = NOW - 30 * 60 * 1000;
    for (status, starts_at, ends_at, ended_at) in [
        (json!("resolved"), ten, half_past, Some(half_past_ms)),
        // The alert ends before it starts, because the clocks differ.
        (json!("Resolved"), half_past, ten, Some(half_past_ms)),
        (json!("resolved"), ten, "0001-01-01T00:00:00Z", Some(NOW)),
        (json!("resolved"), "?", "?", Some(NOW)),
        (json!("firing"), ten, half_past, None),
        (json!(null), ten, half_past, Some(half_past_ms)),
        (json!(null), ten, "2026-03-04T12:00:00Z", None),
        (json!(null), ten, "0001-01-01T00:00:00Z", None),
    ] {
        let alert = alert(status, starts_at, ends_at);
        assert_eq!(ended(alert.clone()), ended_at, "{alert}");
    }
}

#[test]
fn severities_and_texts_of_common_rules_are_supported() {
    for (severity, read) in [
        ("critical", Severity::Critical),
        (" Warning", Severity::Warning),
        // `Watchdog`, which always fires, and `InfoInhibitor`, both of kube-prometheus.
        ("none", Severity::Info),
        ("page", Severity::Unknown),
    ] {
        let (alert, _) = fired(json!({
            "status": "firing", "labels": { "alertname": "A", "severity": severity },
            "annotations": { "message": "The old text." },
        }));
        assert_eq!(alert.severity, read, "{severity}");
        assert_eq!(alert.description, "The old text.");
    }
}

#[test]
fn invalid_messages_are_described() {
    for (body, words) in [
        ("", "not a message"),
        ("[]", "no `alerts`"),
        ("{}", "no `alerts`"),
        (r#"{"alerts":{}}"#, "not a list"),
    ] {
        let problem = read(body.as_bytes(), NOW).err().unwrap();
        assert!(problem.contains(words), "{problem}");
    }
}
