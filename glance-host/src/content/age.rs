//! The age of what a glance shows, in words.

/// Returns when something changed: "changed 5 min ago". Both times are in milliseconds since 1970.
///
/// `assets/room/age.js` has the same words.
pub(crate) fn changed(at: i64, now: i64) -> String {
    let minutes = now.saturating_sub(at) / 60_000;
    match minutes {
        ..1 => "changed just now".to_owned(),
        1..60 => format!("changed {minutes} min ago"),
        60..1440 => format!("changed {} h ago", minutes / 60),
        _ => format!("changed {} d ago", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_has_one_number_and_its_unit() {
        for (milliseconds, words) in [
            (-5_000, "changed just now"),
            (59_999, "changed just now"),
            (60_000, "changed 1 min ago"),
            (3_599_999, "changed 59 min ago"),
            (3_600_000, "changed 1 h ago"),
            (86_399_999, "changed 23 h ago"),
            (86_400_000, "changed 1 d ago"),
            (1_000 * 86_400_000, "changed 1000 d ago"),
        ] {
            assert_eq!(changed(0, milliseconds), words);
        }
        assert_eq!(changed(i64::MIN, i64::MAX), "changed 106751991167 d ago");
    }
}
