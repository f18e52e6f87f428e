//! Pages that update while they are open.

use std::fmt;

use super::AddOn;
use crate::extract::LIVE_PAGE_SCRIPT;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

impl<S: Clone + Send + Sync + 'static> AddOn<S> {
    /// Serves `/live-page.js`, a script that updates open pages. A page loads it with the elements
    /// of [`SignedRequest::live_scripts`](crate::extract::SignedRequest::live_scripts) and marks
    /// its changing parts with `data-live`:
    ///
    /// - After a push to any glance of the add-on, the script loads the page again and replaces the
    ///   content of each element with `data-live="name"`. It keeps input that people are typing.
    /// - The script sends a `POST` form without an `action` itself, signed with a new token. The
    ///   response is the page, with status 200, or 422 if the handler refuses the form.
    /// - It shows each [`LocalTime`] as an age.
    ///
    /// ```
    /// use glance_sdk::addon::LocalTime;
    /// use glance_sdk::axum::response::Html;
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(request: SignedRequest) -> Result<Html<String>, Failure> {
    ///     let scripts = request.live_scripts().await?;
    ///     let url = request.absolute_url("/hooks/builds");
    ///     let delivered_at = LocalTime(1_700_000_000);
    ///     Ok(Html(format!(
    ///         r#"<!doctype html><html lang="en">{scripts}
    ///         <p data-live="delivery">Last delivery to {url}: {delivered_at}</p>"#
    ///     )))
    /// }
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds")
    ///     .live_pages()
    ///     .web_panel("builds", "Builds", get(panel));
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// Panics like [`route`](Self::route): if the add-on has a route with that path, or calls this
    /// method twice.
    #[must_use]
    pub fn live_pages(self) -> Self {
        self.asset(
            LIVE_PAGE_SCRIPT,
            "text/javascript",
            include_bytes!("live-page.js"),
        )
    }
}

/// A time in seconds since 1970, displayed as an HTML `<time>` element in UTC. A [live
/// page](AddOn::live_pages) shows it as `5 minutes ago`, or after a week as a date in the viewer's
/// time zone.
///
/// ```
/// use glance_sdk::addon::LocalTime;
///
/// assert_eq!(
///     LocalTime(1_700_000_000).to_string(),
///     r#"<time datetime="2023-11-14T22:13:20Z">2023-11-14 22:13 UTC</time>"#
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(
    /// Seconds since 1970. Times outside the years 1 to 9999 are clamped to that range.
    pub i64,
);

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const YEAR_1: i64 = -62_135_596_800;
        const YEAR_10000: i64 = 253_402_300_800;
        let at = self.0.clamp(YEAR_1, YEAR_10000 - 1);
        let (year, month, day) = date(at.div_euclid(SECONDS_PER_DAY));
        let second = at.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            r#"<time datetime="{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z">{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC</time>"#
        )
    }
}

/// Converts a number of days since 1970 to a date in the Gregorian calendar.
fn date(day: i64) -> (i64, i64, i64) {
    // In years that begin in March the leap day comes last. An era has 400 such years.
    const DAYS_PER_ERA: i64 = 146_097;
    let from_march_of_0 = day + 719_468;
    let era = from_march_of_0.div_euclid(DAYS_PER_ERA);
    let of_era = from_march_of_0.rem_euclid(DAYS_PER_ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_displays_utc() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (i64::MIN, "0001-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            let html = LocalTime(seconds).to_string();
            assert!(
                html.starts_with(&format!(r#"<time datetime="{written}">"#)),
                "{html}"
            );
        }
    }
}
