//! Messages, and what a viewer and the timeline of the room then show.

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
async fn what_fires_shows_by_its_worst_and_what_is_resolved_hides() {
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
async fn what_comes_twice_or_late_changes_nothing() {
    let setting = Setting::new().await;
    let earlier = firing("Down", "critical", 0);
    let later = firing("Down", "critical", 20);
    let other = firing("Slow", "warning", 0);
    for (alerts, label) in [
        (vec![resolved(&earlier, 5)], None),
        (vec![later.clone(), later.clone()], Some("1 open incident")),
        // It ended before it fired anew.
        (vec![resolved(&earlier, 10)], Some("1 open incident")),
        (vec![earlier.clone()], Some("1 open incident")),
        // Of what a message does not name nothing is known.
        (vec![other.clone()], Some("2 open incidents")),
        (vec![resolved(&later, 30)], Some("1 open incident")),
        (vec![earlier.clone()], Some("1 open incident")),
        // Its Prometheus was away for a while.
        (vec![later.clone()], Some("2 open incidents")),
        // Another Prometheus saw it earlier, so Alertmanager gives the earlier start.
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
async fn the_room_is_told_of_a_new_critical_alert_once() {
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
    // Who chooses sees what fires already.
    let mut unwatched = firing("Unwatched", "critical", 0);
    unwatched["labels"]["team"] = "other".into();
    setting.deliver(from_ref(&unwatched)).await;
    setting.watch("receiver=chat").await;
    setting.deliver(&[down.clone(), unwatched]).await;
    assert_eq!(setting.room.notifications().await.len(), 1);

    // It fires anew, with others: one notification for all.
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
async fn a_notification_that_the_host_does_not_take_holds_nothing_up() {
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
async fn only_alertmanager_is_believed() {
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
async fn the_secret_may_come_as_a_password_too() {
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
async fn an_odd_alert_costs_its_neighbours_nothing() {
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

    // An alert is known by its labels where it has no fingerprint, as before Alertmanager 0.19.
    for (name, value) in [
        ("endsAt", json!(null)),
        ("annotations", json!(null)),
        ("generatorURL", json!(7)),
        ("fingerprint", json!(null)),
        // It starts when it is heard of.
        ("startsAt", json!("yesterday")),
    ] {
        setting.deliver(&[with(name, value.clone())]).await;
        viewer.label(incidents::KEY, "3 open incidents").await;
        let mut over = resolved(&with(name, value), 59);
        // The clocks differ: it ends before it starts.
        over["startsAt"] = json!("2100-01-02T03:04:05Z");
        setting.deliver(&[over]).await;
        viewer.label(incidents::KEY, "2 open incidents").await;
    }
}

#[tokio::test]
async fn a_message_that_is_none_changes_nothing_and_is_said() {
    let setting = Setting::new().await;
    for (body, words) in [
        ("", "no message of Alertmanager"),
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
async fn thousands_of_alerts_in_a_truncated_message_are_taken() {
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
async fn the_panel_escapes_and_links_to_web_pages_only() {
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
async fn a_room_sees_what_it_watches() {
    let setting = Setting::new().await;
    for (labels, problem) in [
        ("payments", "&quot;payments&quot; is no label"),
        ("team=payments\n=x", "&quot;=x&quot; is no label"),
        ("team=", "is no label"),
        ("team!=payments", "is no label"),
        ("team=~pay.*", "is no label"),
        ("<script>=1", "&quot;&lt;script&gt;=1&quot; is no label"),
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
    // Prometheus 3 allows every name.
    let mut named = firing("Named", "warning", 0);
    named["labels"] = json!({ "service.name": "pay", "\u{2764} \"x\"": "~1" });
    setting.deliver(from_ref(&named)).await;
    for label in ["service.name=pay", "\"\u{2764} \\\"x\\\"\" = \"~1\""] {
        let (status, page) = setting.watch(label).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        viewer.label(incidents::KEY, "1 open incident").await;
    }
    setting.deliver(&[resolved(&named, 59)]).await;
    // What came before a room watches it counts once it does, and once only.
    setting.watch("team=\"payments\"\nreceiver=chat").await;
    viewer.label(incidents::KEY, "1 open incident").await;
    let (_, page) = setting.watch("").await;
    assert!(page.contains("Choose what this room watches."), "{page}");
    viewer.wait_for(|sidebar| sidebar.lines.is_empty()).await;
}

#[tokio::test]
async fn the_owner_is_asked_to_set_it_up_until_it_is() {
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
async fn the_panel_says_where_to_deliver_and_when_something_was_delivered() {
    let setting = Setting::new().await;
    let page = setting.page().await;
    let address = format!("<code>{}</code>", setting.hook());
    assert!(page.contains(&address), "{page}");
    assert!(page.contains("No delivery yet."), "{page}");
    setting.deliver(&[firing("Other", "warning", 1)]).await;
    let page = setting.page().await;
    assert!(page.contains("Last delivery: <time datetime="), "{page}");
}

/// Another process is in the middle of a change. Alertmanager sends again what is answered with 503.
#[tokio::test]
async fn a_database_that_stays_locked_is_a_reason_to_send_again() {
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
