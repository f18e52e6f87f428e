//! Decides when to ask a host whether it still knows an installation, without a clock or a store.

use std::cmp::{max, min};

use crate::store::RemovalCheck;

/// The pauses after each question, in seconds. No question follows the last pause.
const PAUSES: [i64; 4] = [60, 10 * 60, 60 * 60, 24 * 60 * 60];

/// The shortest interval between two questions about an installation, in seconds. A question takes
/// less time, so only one is running at a time.
const APART: i64 = 60;

/// Returns the check after a request without proof to remove the installation. The host is asked at
/// once, or as soon as it may be asked again, and the pauses start over.
pub(super) fn after_request(check: &RemovalCheck, now: i64) -> RemovalCheck {
    // A time in the future comes from a clock that was set back since.
    let last_question = check.asked_at.map(|last_question| min(last_question, now));
    let soonest = last_question.map_or(now, |last_question| {
        max(now, last_question.saturating_add(APART))
    });
    let due = check.due_at.map_or(soonest, |due| min(due, soonest));
    RemovalCheck::new(0, check.asked_at, Some(due))
}

/// Returns the check as of the moment of the question, or `None` if it is not due.
pub(super) fn after_question(check: &RemovalCheck, now: i64) -> Option<RemovalCheck> {
    check.due_at.filter(|due| *due <= now)?;
    let pause = PAUSES.get(usize::try_from(check.attempts).unwrap_or(usize::MAX));
    let next = pause.map(|pause| now.saturating_add(*pause));
    let attempts = check.attempts.saturating_add(1);
    Some(RemovalCheck::new(attempts, Some(now), next))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn host_is_asked_five_times() {
        let mut check = after_request(&RemovalCheck::default(), NOW);
        let mut times = Vec::new();
        while let Some(due) = check.due_at {
            assert!(
                after_question(&check, due - 1).is_none(),
                "not before it is due"
            );
            check = after_question(&check, due).unwrap();
            times.push(due - NOW);
        }
        assert_eq!(times, [0, 60, 660, 4_260, 90_660]);
        assert!(after_question(&check, i64::MAX).is_none());
    }

    #[test]
    fn another_request_brings_next_question_forward() {
        let first = after_question(&after_request(&RemovalCheck::default(), NOW), NOW).unwrap();
        let second = after_question(&first, NOW + 60).unwrap();
        assert_eq!(second.due_at, Some(NOW + 660));
        let again = after_request(&second, NOW + 61);
        assert_eq!(again, RemovalCheck::new(0, Some(NOW + 60), Some(NOW + 120)));
        assert_eq!(after_request(&again, NOW + 62), again);
        let later = after_request(&second, NOW + 300);
        assert_eq!(later.due_at, Some(NOW + 300));
    }

    #[test]
    fn clock_set_back_does_not_stop_checks() {
        let check = RemovalCheck::new(5, Some(NOW + 1_000_000), None);
        assert_eq!(after_request(&check, NOW).due_at, Some(NOW + 60));
    }

    proptest! {
        /// The host is asked at most once a minute, however many requests arrive.
        #[test]
        fn questions_are_a_minute_apart(steps in proptest::collection::vec((0..200i64, any::<bool>()), 1..100)) {
            let (mut check, mut now, mut last) = (RemovalCheck::default(), NOW, None);
            for (wait, is_request) in steps {
                now += wait;
                if is_request {
                    check = after_request(&check, now);
                }
                if let Some(next) = after_question(&check, now) {
                    prop_assert!(last.is_none_or(|last| now - last >= APART));
                    last = Some(now);
                    check = next;
                }
            }
        }
    }
}
