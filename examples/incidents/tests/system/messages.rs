//! Tests messages, with the glances and the timeline of the room.

use std::slice::from_ref;

use ::incidents::{incidents, set_up};
use glance_sdk::ErrorKind;
use glance_sdk::glance::Glance;
use glance_sdk::model::notification::AttributeStyle;
use glance_sdk::model::{Color, Notification, Scope};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::setting::{SECRET, Setting, firing, message, resolved};

#[tokio::test]
async fn firing_alerts_show_highest_severity_until_resolved() {
    let setting = Setting::new().await;
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());

    let info = firing("Deployed", "info", 0);
    let warning = firing("Slow", "Warning", 1);
    let critical = firing("Down", "critical", 2);
    let odd = firing("Odd", "page", 3);
    setting.deliver(from_ref(&info)).await;
    let data = setting.page().await;
    assert!(data.contains("1 open"), "{data}");
    assert!(viewer.settled().await.lines.is_empty(), "for information");

    for (alert, label, lozenge) in [
        (&odd, "2 open incidents", ("current", "FIRING")),
        (&warning, "3 open incidents", ("current", "WARNING")),
        (&critical, "4 open incidents", ("error", "CRITICAL")),
        (
            &resolved(&critical, 9),
            "3 open incidents",
            ("current", "WARNING"),
        ),
        (
            &resolved(&warning, 9),
            "2 open incidents",
            ("current", "FIRING"),
        ),
    ] {
        setting.deliver(from_ref(alert)).await;
        let sidebar = viewer.label(incidents::KEY, label).await;
        assert_eq!(
            sidebar.line(incidents::KEY).unwrap().lozenge(),
            Some(lozenge)
        );
    }
    setting
        .deliver(&[resolved(&odd, 9), resolved(&info, 9)])
        .await;
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    let mut second = setting.room.viewer("other").await;
    assert!(
        second.settled().await.lines.is_empty(),
        "a query says the same"
    );
}

#[tokio::test]
async fn duplicate_and_late_messages_change_nothing() {
    let setting = Setting::new().await;
    let earlier = firing("Down", "critical", 0);
    let later = firing("Down", "critical", 20);
    let other = firing("Slow", "warning", 0);
    for (alerts, label) in [
        (vec![resolved(&earlier, 5)], None),
        (vec![later.clone(), later.clone()], Some("1 open incident")),
        // The alert ended before it fired again.
        (vec![resolved(&earlier, 10)], Some("1 open incident")),
        (vec![earlier.clone()], Some("1 open incident")),
        // An alert that is missing from a message keeps its state.
        (vec![other.clone()], Some("2 open incidents")),
        (vec![resolved(&later, 30)], Some("1 open incident")),
        (vec![earlier.clone()], Some("1 open incident")),
        // The alert's Prometheus was unavailable for a while.
        (vec![later.clone()], Some("2 open incidents")),
        // Another Prometheus saw the alert earlier, so Alertmanager sends the earlier start.
        (vec![resolved(&earlier, 40)], Some("1 open incident")),
        (vec![resolved(&other, 40)], None),
    ] {
        setting.deliver(&alerts).await;
        let sidebar = setting.room.viewer("member").await.settled().await;
        let shown = sidebar.line(incidents::KEY).map(|line| line.label_text());
        assert_eq!(shown.as_deref(), label, "{alerts:#?}");
    }
}

#[tokio::test]
async fn new_critical_alert_is_announced_once() {
    let mut setting = Setting::new().await;
    let down = firing("Down", "critical", 0);
    setting
        .deliver(&[down.clone(), firing("Slow", "warning", 0)])
        .await;
    let told = setting.room.notification("Down").await;
    assert_eq!(told.message, "Critical: Down is &lt;b&gt;wrong&lt;/b&gt;");
    assert_eq!((told.color, told.notify), (Some(Color::Red), Some(true)));
    let card = told.card.unwrap();
    assert_eq!(card.title.as_deref(), Some("Down is <b>wrong</b>"));
    assert_eq!(card.url.as_deref(), down["generatorURL"].as_str());
    let severity = &card.attributes.as_ref().unwrap()[1].value;
    assert_eq!(severity.style, Some(AttributeStyle::LozengeError));

    // Repeated, late, and after a restart.
    setting.deliver(from_ref(&down)).await;
    setting.deliver(from_ref(&down)).await;
    setting.restart().await;
    setting.deliver(from_ref(&down)).await;
    // The person who chooses labels sees the alerts that fire already.
    let mut unwatched = firing("Unwatched", "critical", 0);
    unwatched["labels"]["team"] = "other".into();
    setting.deliver(from_ref(&unwatched)).await;
    setting.watch("receiver=chat").await;
    setting.deliver(&[down.clone(), unwatched]).await;
    assert_eq!(setting.room.notifications().await.len(), 1);

    // The alert fires again, together with others: one notification announces all.
    let again = firing("Down", "critical", 30);
    let lost = firing("Lost", "critical", 20);
    setting
        .deliver(&[lost, again, firing("Late", "critical", 10)])
        .await;
    let told = setting.room.notification("and 2 more").await;
    assert!(
        told.message.starts_with("Critical: Down is"),
        "{}",
        told.message
    );
    assert_ne!(told.card.unwrap().id, card.id);
    assert_eq!(setting.room.notifications().await.len(), 2);
}

#[tokio::test]
async fn refused_notification_delays_nothing() {
    let setting = Setting::with_scopes([Scope::ViewRoom]).await;
    let refused = setting.notify(&Notification::text("x")).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    let mut viewer = setting.room.viewer("member").await;
    setting.deliver(&[firing("Down", "critical", 0)]).await;
    viewer.label(incidents::KEY, "1 open incident").await;
    setting.deliver(&[firing("Lost", "critical", 0)]).await;
    viewer.label(incidents::KEY, "2 open incidents").await;
    assert!(setting.room.notifications().await.is_empty());
}

#[tokio::test]
async fn wrong_secret_is_refused() {
    let setting = Setting::new().await;
    let body = message(&[firing("Down", "critical", 0)]).to_string();
    let longer = format!("{SECRET}x");
    for secret in [
        None,
        Some(""),
        Some("guessed"),
        Some(&SECRET[1..]),
        Some(&*longer),
    ] {
        let (status, _) = setting.send(secret, body.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{secret:?}");
    }
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());
}

#[tokio::test]
async fn secret_may_be_a_password() {
    let setting = Setting::new().await;
    let body = || message(&[firing("Down", "critical", 0)]).to_string();
    for (password, status) in [
        (SECRET, StatusCode::NO_CONTENT),
        ("guessed", StatusCode::UNAUTHORIZED),
    ] {
        let request = glance_host::testing::http_client().post(setting.hook());
        let request = request.basic_auth("alertmanager", Some(password));
        let answer = request.body(body()).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(incidents::KEY, "1 open incident").await;
}

#[tokio::test]
async fn malformed_alert_does_not_affect_others() {
    let setting = Setting::new().await;
    let down = firing("Down", "critical", 0);
    let with = |name: &str, value: Value| {
        let mut odd = down.clone();
        odd[name] = value;
        odd
    };
    let (fine, other) = (firing("Fine", "critical", 0), firing("Other", "warning", 0));
    let odd = with("status", json!("pending"));
    setting
        .deliver(&[fine, json!(null), odd, json!("x"), other])
        .await;
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(incidents::KEY, "2 open incidents").await;

    // An alert without a fingerprint, as before Alertmanager 0.19, is identified by its labels.
    for (name, value) in [
        ("endsAt", json!(null)),
        ("annotations", json!(null)),
        ("generatorURL", json!(7)),
        ("fingerprint", json!(null)),
        // The alert starts with its first message.
        ("startsAt", json!("yesterday")),
    ] {
        setting.deliver(&[with(name, value.clone())]).await;
        viewer.label(incidents::KEY, "3 open incidents").await;
        let mut over = resolved(&with(name, value), 59);
        // The alert ends before it starts, because the clocks differ.
        over["startsAt"] = json!("2100-01-02T03:04:05Z");
        setting.deliver(&[over]).await;
        viewer.label(incidents::KEY, "2 open incidents").await;
    }
}

#[tokio::test]
async fn invalid_message_is_refused() {
    let setting = Setting::new().await;
    for (body, words) in [
        ("", "not a message of Alertmanager"),
        ("{}", "no `alerts`"),
        (r#"{"receiver":"x","alerts":{}}"#, "`alerts` is not a list"),
    ] {
        let (status, said) = setting.send(Some(SECRET), body.to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(said.contains(words), "{words}: {said}");
    }
    let (status, _) = setting.send(Some(SECRET), "x".repeat(25_000_001)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut viewer = setting.room.viewer("member").await;
    assert!(viewer.settled().await.lines.is_empty());
}

#[tokio::test]
async fn truncated_message_with_thousands_of_alerts_is_accepted() {
    let setting = Setting::new().await;
    let alerts: Vec<_> = (0..3000)
        .map(|n| firing(&format!("Alert{n}"), "critical", n % 60))
        .collect();
    let mut message = message(&alerts);
    message["truncatedAlerts"] = json!(17);
    let (status, said) = setting.send(Some(SECRET), message.to_string()).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{said}");
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(incidents::KEY, "3000 open incidents").await;
    setting.room.notification("and 2999 more").await;
    let page = setting.page().await;
    assert!(page.contains("3000 open, the worst 100 of them"), "{page}");
    assert_eq!(page.matches("<li>").count(), 100);
}

#[tokio::test]
async fn panel_escapes_and_links_to_web_pages_only() {
    let setting = Setting::new().await;
    let mut hostile = firing("<script>1</script>", "critical", 1);
    hostile["annotations"] = json!({
        "summary": format!("</a><script>{}", "x".repeat(20_000)),
        "description": "\"'&<>",
    });
    hostile["generatorURL"] = json!("javascript:alert(1)");
    let mut bare = firing("Bare", "critical", 0);
    bare["annotations"] = json!({});
    bare["generatorURL"] = json!("");
    bare["startsAt"] = json!("0001-01-01T00:00:00Z");
    let mut nameless = bare.clone();
    nameless["labels"] = json!({ "team": "payments" });
    nameless["fingerprint"] = json!("nameless");
    let linked = firing("Linked", "warning", 7);
    setting.deliver(&[hostile, linked, bare, nameless]).await;
    let page = setting.page().await;
    assert!(
        !page.contains("<script>") && !page.contains("javascript:"),
        "{page}"
    );
    assert!(page.contains("&lt;/a&gt;&lt;script&gt;xxx") && page.len() < 10_000);
    assert!(
        page.contains(r#"href="https://prometheus.example.com/graph?g0.expr=Linked&amp;g0.tab=1""#),
        "{page}"
    );
    assert!(
        page.contains(
            r#"warning, Linked, started <time datetime="2026-01-02T03:07:05Z">2026-01-02 03:07 UTC</time>"#
        ),
        "{page}"
    );
    assert!(page.contains("<li>Bare<br>"), "{page}");
    assert!(
        page.contains("<li>An alert<br><small>unknown, An alert"),
        "{page}"
    );
    let told = setting.room.notification("more").await;
    assert!(!told.message.contains('<'), "{}", told.message);
    assert_eq!(told.card.unwrap().url, None);
}

#[tokio::test]
async fn room_shows_watched_alerts() {
    let setting = Setting::new().await;
    for (labels, problem) in [
        ("payments", "&quot;payments&quot; is not a label"),
        ("team=payments\n=x", "&quot;=x&quot; is not a label"),
        ("team=", "is not a label"),
        ("team!=payments", "is not a label"),
        ("team=~pay.*", "is not a label"),
        ("<script>=1", "&quot;&lt;script&gt;=1&quot; is not a label"),
    ] {
        let (status, page) = setting.watch(labels).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{labels}");
        assert!(page.contains(problem), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }
    setting.deliver(&[firing("Down", "critical", 0)]).await;
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(incidents::KEY, "1 open incident").await;

    let (_, page) = setting.watch("team = other\r\n\r\nreceiver=mail").await;
    assert!(
        page.contains(">receiver=mail\nteam=other</textarea>"),
        "{page}"
    );
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
    // Prometheus 3 allows any name.
    let mut named = firing("Named", "warning", 0);
    named["labels"] = json!({ "service.name": "pay", "\u{2764} \"x\"": "~1" });
    setting.deliver(from_ref(&named)).await;
    for label in ["service.name=pay", "\"\u{2764} \\\"x\\\"\" = \"~1\""] {
        let (status, page) = setting.watch(label).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        viewer.label(incidents::KEY, "1 open incident").await;
    }
    setting.deliver(&[resolved(&named, 59)]).await;
    // Alerts from before a room watched them count afterwards, but only once.
    setting.watch("team=\"payments\"\nreceiver=chat").await;
    viewer.label(incidents::KEY, "1 open incident").await;
    let (_, page) = setting.watch("").await;
    assert!(
        page.contains("Choose the labels that this room watches."),
        "{page}"
    );
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn owner_is_asked_to_choose_labels() {
    let setting = Setting::new().await;
    let mut owner = setting.room.viewer("owner").await;
    assert!(owner.settled().await.lines.is_empty());
    setting.watch("").await;
    owner.label(set_up::KEY, "Choose alerts to watch").await;
    let mut member = setting.room.viewer("member").await;
    assert!(member.settled().await.lines.is_empty());
    setting.watch("team=payments").await;
    owner.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn panel_shows_webhook_url_and_last_delivery() {
    let setting = Setting::new().await;
    let page = setting.page().await;
    let address = format!("<code>{}</code>", setting.hook());
    assert!(page.contains(&address), "{page}");
    assert!(page.contains("No delivery yet."), "{page}");
    setting.deliver(&[firing("Other", "warning", 1)]).await;
    let page = setting.page().await;
    assert!(page.contains("Last delivery: <time datetime="), "{page}");
}

/// Another process is changing the database. Alertmanager retries after the response 503.
#[tokio::test]
async fn locked_database_causes_503() {
    let setting = Setting::new().await;
    let other = setting.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = message(&[firing("Down", "critical", 0)]).to_string();
    let (status, _) = setting.send(Some(SECRET), body.clone()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("COMMIT").unwrap();
    let (status, _) = setting.send(Some(SECRET), body).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let mut viewer = setting.room.viewer("member").await;
    viewer.label(incidents::KEY, "1 open incident").await;
    setting.room.notification("Critical: Down").await;
    assert_eq!(setting.room.notifications().await.len(), 1);
}
