use rusqlite::Connection;

use super::*;

const DAY: i64 = 24 * 60 * 60;

/// Returns an alert that has fired since this time.
fn firing(fingerprint: &str, started_at: i64) -> News {
    let alert = Alert {
        fingerprint: fingerprint.to_owned(),
        name: "Down".to_owned(),
        severity: Severity::Critical,
        summary: format!("{fingerprint} is down"),
        description: String::new(),
        url: None,
        started_at: Some(started_at),
    };
    let labels = vec![("team".to_owned(), "payments".to_owned())];
    News::Firing { alert, labels }
}

fn resolved(fingerprint: &str, ended_at: i64) -> News {
    News::Resolved {
        fingerprint: fingerprint.to_owned(),
        ended_at,
    }
}

fn room() -> Place {
    (OauthId::from("room"), RoomId::from(1))
}

fn open(data: &tempfile::TempDir) -> Alerts {
    Alerts::open(&data.path().join("test.sqlite")).unwrap()
}

async fn watching_room(data: &tempfile::TempDir) -> (Alerts, Place) {
    let (alerts, place) = (open(data), room());
    let watched = vec![("team".to_owned(), "payments".to_owned())];
    alerts.watch(&place, watched).await.unwrap();
    (alerts, place)
}

async fn record(alerts: &Alerts, news: impl IntoIterator<Item = News>) {
    let news = news.into_iter().collect();
    alerts.record(news, 0).await.unwrap();
}

/// Returns the next notification to the room, and its attachment. The mock host uses its number as
/// the id.
async fn next_message(alerts: &Alerts) -> Option<(String, Option<String>)> {
    let notice = alerts.next_notice(&room(), 0).await.unwrap()?;
    let sent = Outcome::Sent(Some(format!("message {}", notice.id)));
    alerts.finish_notice(notice.id, sent, 0).await.unwrap();
    Some((notice.notification.message, notice.notification.attach_to))
}

fn some(message: &str, attached_to: Option<&str>) -> Option<(String, Option<String>)> {
    Some((message.to_owned(), attached_to.map(str::to_owned)))
}

#[tokio::test]
async fn silent_alert_is_removed() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = watching_room(&data).await;
    record(&alerts, [firing("1", 10)]).await;
    for (day, left) in [(3, 1), (5, 1), (6, 0)] {
        alerts.record(Vec::new(), day * DAY).await.unwrap();
        let firing = alerts.firing_in(&place).await.unwrap();
        assert_eq!(firing.len(), left, "day {day}");
    }
}

/// Another Prometheus saw the alert earlier, so Alertmanager sends the earlier start.
#[tokio::test]
async fn earlier_start_of_known_alert_is_not_announced() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = watching_room(&data).await;
    record(&alerts, [firing("1", 20)]).await;
    assert_eq!(
        next_message(&alerts).await,
        some("Critical: 1 is down", None)
    );
    for (day, started_at) in [(4, 10), (8, 10), (9, 20)] {
        let news = vec![firing("1", started_at)];
        alerts.record(news, day * DAY).await.unwrap();
        assert_eq!(alerts.firing_in(&place).await.unwrap().len(), 1);
        assert_eq!(next_message(&alerts).await, None, "day {day}");
    }
    // The first notice is still stored for the follow-up, however long it took.
    let news = vec![resolved("1", 30)];
    alerts.record(news, 9 * DAY).await.unwrap();
    let followed = next_message(&alerts).await;
    assert_eq!(followed, some("Resolved: 1 is down", Some("message 1")));
}

#[tokio::test]
async fn alert_without_start_starts_at_first_message() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = watching_room(&data).await;
    let firing = || match firing("1", 0) {
        News::Firing { mut alert, labels } => {
            alert.started_at = None;
            News::Firing { alert, labels }
        }
        other => other,
    };
    for (now, started_at, is_news) in [(5, 5000, true), (7, 5000, false)] {
        alerts.record(vec![firing()], now).await.unwrap();
        let alert = alerts.firing_in(&place).await.unwrap().remove(0);
        assert_eq!(alert.started_at, Some(started_at));
        assert_eq!(next_message(&alerts).await.is_some(), is_news);
    }
    alerts.record(vec![resolved("1", 8000)], 8).await.unwrap();
    assert!(next_message(&alerts).await.is_some());
    alerts.record(vec![firing()], 9).await.unwrap();
    assert_eq!(
        next_message(&alerts).await,
        some("Critical: 1 is down", None)
    );
}

#[tokio::test]
async fn resolved_alert_is_announced_once_across_restarts() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, _) = watching_room(&data).await;
    record(&alerts, [firing("1", 10), firing("1", 10)]).await;
    drop(alerts);
    let alerts = open(&data);
    assert_eq!(
        next_message(&alerts).await,
        some("Critical: 1 is down", None)
    );
    drop(alerts);
    let alerts = open(&data);
    record(&alerts, [resolved("1", 20), resolved("1", 20)]).await;
    drop(alerts);
    let alerts = open(&data);
    let followed = next_message(&alerts).await;
    assert_eq!(followed, some("Resolved: 1 is down", Some("message 1")));
    // Repeated, late or unknown messages.
    record(&alerts, [resolved("1", 20)]).await;
    record(&alerts, [firing("1", 10)]).await;
    record(&alerts, [resolved("1", 25), resolved("unknown", 25)]).await;
    assert_eq!(next_message(&alerts).await, None);
    // The alert fires again.
    record(&alerts, [firing("1", 30), resolved("1", 20)]).await;
    assert_eq!(
        next_message(&alerts).await,
        some("Critical: 1 is down", None)
    );
    record(&alerts, [resolved("1", 40)]).await;
    let followed = next_message(&alerts).await;
    assert_eq!(followed, some("Resolved: 1 is down", Some("message 3")));
}

#[tokio::test]
async fn follow_ups_attach_to_their_notice_and_are_limited() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, _) = watching_room(&data).await;
    record(&alerts, [firing("a", 12), firing("b", 11)]).await;
    record(&alerts, [firing("c", 10)]).await;
    for message in ["Critical: a is down, and 1 more", "Critical: c is down"] {
        assert_eq!(next_message(&alerts).await, some(message, None));
    }
    record(
        &alerts,
        [resolved("c", 20), resolved("a", 20), resolved("b", 20)],
    )
    .await;
    for (message, attached_to) in [
        ("Resolved: a is down, and 1 more", "message 1"),
        ("Resolved: c is down", "message 2"),
    ] {
        assert_eq!(
            next_message(&alerts).await,
            some(message, Some(attached_to))
        );
    }
    let names: Vec<_> = (0..9).map(|n| format!("x{n}")).collect();
    for name in &names {
        record(&alerts, [firing(name, 30)]).await;
        assert!(next_message(&alerts).await.is_some());
    }
    record(&alerts, names.iter().map(|name| resolved(name, 40))).await;
    for _ in 0..5 {
        assert!(next_message(&alerts).await.unwrap().1.is_some());
    }
    let rest = next_message(&alerts).await;
    assert_eq!(rest, some("Resolved: x5 is down, and 3 more", None));
    assert_eq!(next_message(&alerts).await, None);
}

#[tokio::test]
async fn unannounced_alert_has_no_follow_up() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = (open(&data), room());
    record(&alerts, [firing("before", 10)]).await;
    let watched = vec![("team".to_owned(), "payments".to_owned())];
    alerts.watch(&place, watched).await.unwrap();
    record(&alerts, [resolved("before", 20)]).await;
    assert_eq!(next_message(&alerts).await, None);

    // The host refuses the first notice.
    record(&alerts, [firing("refused", 10)]).await;
    let notice = alerts.next_notice(&place, 0).await.unwrap().unwrap();
    let failed = Outcome::Failed;
    alerts.finish_notice(notice.id, failed, 0).await.unwrap();
    record(&alerts, [resolved("refused", 20)]).await;
    assert_eq!(next_message(&alerts).await, None);

    // The room no longer watches the alert.
    record(&alerts, [firing("unwatched", 10)]).await;
    assert!(next_message(&alerts).await.is_some());
    alerts.watch(&place, Vec::new()).await.unwrap();
    record(&alerts, [resolved("unwatched", 20)]).await;
    assert_eq!(next_message(&alerts).await, None);
}

#[tokio::test]
async fn processes_send_notices_once_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let (one, place) = watching_room(&data).await;
    let other = open(&data);
    record(&one, [firing("1", 10)]).await;
    record(&other, [resolved("1", 20)]).await;
    let sending = one.next_notice(&place, 0).await.unwrap().unwrap();
    assert!(other.next_notice(&place, 59).await.unwrap().is_none());
    let postponed = Outcome::Postponed;
    one.finish_notice(sending.id, postponed, 60).await.unwrap();
    let again = other.next_notice(&place, 60).await.unwrap().unwrap();
    assert_eq!(again.id, sending.id);
    // That process ended without storing the outcome.
    let answer = one.next_notice(&place, 121).await.unwrap().unwrap();
    assert!(answer.is_answer);
    assert_eq!(answer.notification.attach_to, None);
    assert!(other.next_notice(&place, 121).await.unwrap().is_none());
}

#[tokio::test]
async fn notices_are_removed_with_installation_and_age() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = watching_room(&data).await;
    record(&alerts, [firing("1", 10), firing("2", 10)]).await;
    let due = alerts.places_to_tell().await.unwrap();
    assert_eq!(due.as_slice(), std::slice::from_ref(&place));
    alerts.forget(&place.0).await.unwrap();
    assert!(alerts.places_to_tell().await.unwrap().is_empty());

    let count = Connection::open(data.path().join("test.sqlite")).unwrap();
    let count = || -> i64 {
        count
            .query_row("SELECT count(*) FROM notice", [], |row| row.get(0))
            .unwrap()
    };
    let (alerts, _) = watching_room(&data).await;
    record(&alerts, [firing("3", 10)]).await;
    record(&alerts, [resolved("3", 20)]).await;
    while next_message(&alerts).await.is_some() {}
    assert_eq!(count(), 2);
    alerts.record(Vec::new(), 6 * DAY).await.unwrap();
    assert_eq!(count(), 0);
}

#[tokio::test]
async fn first_schema_version_is_migrated() {
    let data = tempfile::tempdir().unwrap();
    let before = Connection::open(data.path().join("test.sqlite")).unwrap();
    before.execute_batch(schema::STEPS[0]).unwrap();
    before
        .execute_batch(
            "INSERT INTO alert VALUES ('1', 'Down', 'critical', 'Down', '', NULL, 10, 1, 0);
             INSERT INTO label VALUES ('team', 'payments', '1');
             INSERT INTO watched VALUES ('room', 1, 'team', 'payments');
             INSERT INTO told VALUES ('1', 'room', 1, 10)",
        )
        .unwrap();
    let alerts = open(&data);
    assert_eq!(alerts.firing_in(&room()).await.unwrap().len(), 1);
    record(&alerts, [firing("1", 10)]).await;
    assert_eq!(next_message(&alerts).await, None);
    record(&alerts, [resolved("1", 20), firing("1", 30)]).await;
    assert_eq!(
        next_message(&alerts).await,
        some("Critical: 1 is down", None)
    );
}
