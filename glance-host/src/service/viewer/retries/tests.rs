use std::ops::RangeInclusive;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;

fn place() -> Place {
    Place {
        room: 1.into(),
        oauth_id: "a".into(),
        glance: "g".to_owned(),
    }
}

fn retries() -> Retries {
    Retries::new(Clock::default())
}

/// A viewer whose line failed.
struct FailedViewer {
    commanded: mpsc::Receiver<Box<Command>>,
    waiting: Option<Waiting>,
}

impl FailedViewer {
    fn of(retries: &Retries) -> Self {
        let (commands, commanded) = mpsc::channel(1);
        let waiting = retries.wait(place(), "a:g".to_owned(), commands);
        Self {
            commanded,
            waiting: Some(waiting),
        }
    }

    /// The outcome to be told of the next attempt, and after how many seconds it was wanted.
    async fn next(&mut self) -> (oneshot::Sender<bool>, f64) {
        let began = Instant::now();
        match *self.commanded.recv().await.unwrap() {
            Command::RetryQuietly(line, outcome) => {
                assert_eq!(line, "a:g");
                (outcome, began.elapsed().as_secs_f64())
            }
            other => panic!("{other:?}"),
        }
    }

    async fn fails_after(&mut self, seconds: RangeInclusive<f64>) {
        let (outcome, after) = self.next().await;
        assert!(seconds.contains(&after), "{after}");
        outcome.send(false).unwrap();
    }

    async fn loads(&mut self) {
        let (outcome, _) = self.next().await;
        self.waiting = None;
        outcome.send(true).unwrap();
    }
}

#[test]
fn pauses_grow_to_a_minute_and_vary_by_a_fifth() {
    let seconds = |attempts, chance| pause(attempts, chance).as_secs_f64();
    for (attempts, shortest, longest) in [
        (0, 4.0, 6.0),
        (1, 12.0, 18.0),
        (2, 48.0, 72.0),
        (99, 48.0, 72.0),
    ] {
        assert!((seconds(attempts, 0.0) - shortest).abs() < 1e-6);
        assert!((seconds(attempts, 1.0) - longest).abs() < 1e-6);
    }
    for _ in 0..1000 {
        assert!((0.0..=1.0).contains(&chance()));
    }
}

#[tokio::test(start_paused = true)]
async fn one_viewer_tries_and_the_others_follow_within_two_seconds() {
    let retries = retries();
    let mut first = FailedViewer::of(&retries);
    let mut others: Vec<_> = (0..200).map(|_| FailedViewer::of(&retries)).collect();
    first.fails_after(4.0..=6.0).await;
    for other in &mut others {
        assert!(other.commanded.try_recv().is_err(), "one at a time");
    }
    // The next one tries, as the first may fail for reasons of its own.
    others[0].fails_after(12.0..=18.0).await;
    others[1].loads().await;
    let began = Instant::now();
    first.loads().await;
    for (number, other) in others.iter_mut().enumerate() {
        if number != 1 {
            other.loads().await;
        }
    }
    assert!(
        began.elapsed() <= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(retries.schedules.0.lock().is_empty());
}

#[tokio::test(start_paused = true)]
#[expect(
    clippy::disallowed_methods,
    reason = "advances the paused time of tokio"
)]
async fn nothing_is_tried_while_nobody_looks() {
    let retries = retries();
    let mut viewer = FailedViewer::of(&retries);
    viewer.fails_after(4.0..=6.0).await;
    drop(viewer);
    assert!(retries.schedules.0.lock().is_empty());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    // Who comes later begins anew.
    FailedViewer::of(&retries).fails_after(4.0..=6.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_leaves_or_reads_nothing_holds_up_nobody() {
    let retries = retries();
    let mut leaves = FailedViewer::of(&retries);
    let full = FailedViewer::of(&retries);
    let mut tries = FailedViewer::of(&retries);
    let schedule = retries.schedules.all(&place());
    assert!(schedule[1].attempt().is_some(), "its channel is full now");
    let (outcome, _) = leaves.next().await;
    drop((outcome, leaves));
    tries.fails_after(0.0..=0.1).await;
    tries.fails_after(12.0..=18.0).await;
    drop(full);
}

#[tokio::test(start_paused = true)]
async fn data_that_another_query_brought_ends_the_pause_unless_the_add_on_is_flaky() {
    let retries = retries();
    let mut viewer = FailedViewer::of(&retries);
    viewer.fails_after(4.0..=6.0).await;
    retries.loaded(&place());
    let (outcome, after) = viewer.next().await;
    assert!(after < 2.0, "{after}");
    outcome.send(false).unwrap();
    retries.loaded(&place());
    viewer.fails_after(48.0..=72.0).await;
    viewer.loads().await;
    retries.loaded(&place());
}
