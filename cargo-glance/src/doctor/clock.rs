//! Compares the clock of this machine with that of another.

use glance_sdk::auth::{LEEWAY_SECONDS, now};
use glance_sdk::egress::reqwest::header::{DATE, HeaderMap};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::finding::Finding;

/// A difference in seconds that network latency explains.
const USUAL: u64 = 5;

/// Compares the `Date` of a response with the clock of this machine.
pub(super) fn check(who: &str, headers: &HeaderMap) -> Option<Finding> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let theirs = OffsetDateTime::parse(&date.replace("GMT", "+0000"), &Rfc2822).ok()?;
    Some(compare(who, theirs.unix_timestamp(), now()))
}

fn compare(who: &str, theirs: i64, ours: i64) -> Finding {
    let difference = ours.abs_diff(theirs);
    let text = format!("The clock of {who} and of this machine differ by {difference} s.");
    let help = "synchronize both clocks with NTP, for example with `timedatectl set-ntp true`";
    match difference {
        0..=USUAL => Finding::good("clock", text),
        _ if difference < LEEWAY_SECONDS.unsigned_abs() => Finding::warning("clock", text, help),
        _ => Finding::bad(
            "clock",
            format!("{text} Hosts and add-ons refuse signed requests."),
            help,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn clocks_may_differ_by_the_leeway_of_tokens() {
        assert_eq!(compare("x", 1000, 1004).level, Level::Good);
        assert_eq!(compare("x", 1000, 1030).level, Level::Warning);
        assert_eq!(compare("x", 1060, 1000).level, Level::Bad);
    }

    #[test]
    fn date_header_is_parsed() {
        let mut headers = HeaderMap::new();
        assert!(check("x", &headers).is_none());
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        assert_eq!(check("x", &headers).unwrap().level, Level::Bad);
    }
}
