use super::*;

const DAY: i64 = 24 * 60 * 60;

/// The alert fires since this time.
fn firing(started_at: i64) -> Vec<News> {
    let alert = Alert {
        fingerprint: "1".to_owned(),
        name: "Down".to_owned(),
        severity: Severity::Critical,
        summary: String::new(),
        description: String::new(),
        url: None,
        started_at,
    };
    let labels = vec![("team".to_owned(), "payments".to_owned())];
    vec![News::Firing { alert, labels }]
}

async fn open(data: &tempfile::TempDir) -> (Alerts, Place) {
    let alerts = Alerts::open(&data.path().join("test.sqlite")).unwrap();
    let place = (OauthId::from("room"), RoomId::from(1));
    let watched = vec![("team".to_owned(), "payments".to_owned())];
    alerts.watch(&place, watched).await.unwrap();
    (alerts, place)
}

#[tokio::test]
async fn an_alert_of_which_nothing_is_heard_is_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = open(&data).await;
    alerts.record(firing(10), 0).await.unwrap();
    for (day, left) in [(3, 1), (5, 1), (6, 0)] {
        alerts.record(Vec::new(), day * DAY).await.unwrap();
        let firing = alerts.firing_in(&place).await.unwrap();
        assert_eq!(firing.len(), left, "day {day}");
    }
}

/// Another Prometheus saw it earlier, so Alertmanager gives the earlier start.
#[tokio::test]
async fn an_alert_that_began_earlier_than_was_said_is_heard_and_no_news() {
    let data = tempfile::tempdir().unwrap();
    let (alerts, place) = open(&data).await;
    alerts.record(firing(20), 0).await.unwrap();
    assert_eq!(alerts.tell(&place).await.unwrap().len(), 1);
    for (day, started_at) in [(4, 10), (8, 10), (9, 20)] {
        alerts.record(firing(started_at), day * DAY).await.unwrap();
        assert_eq!(alerts.firing_in(&place).await.unwrap().len(), 1);
        assert!(alerts.tell(&place).await.unwrap().is_empty(), "day {day}");
    }
}
