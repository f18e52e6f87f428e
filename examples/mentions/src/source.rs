//! A Mastodon server's stream of statuses, read for as long as the add-on runs.

use std::time::Duration;

use glance_sdk::axum::http::header;
use glance_sdk::event_stream::{Event, Reader};
use glance_sdk::json;
use reqwest::header::HeaderValue;
use reqwest::{Client, Response, Url};
use serde::Deserialize;

/// Mastodon says something at least every 15 seconds.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The wait after a stream was cut; it doubles each time nothing came in between.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Where statuses come from.
#[derive(Debug, Clone)]
pub struct Source {
    url: Url,
    /// Marked as sensitive: `Debug` does not show it.
    authorization: Option<HeaderValue>,
}

/// What of a status matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    /// HTML.
    pub(crate) content: String,
}

impl Source {
    /// A stream, for example `https://mastodon.example.com/api/v1/streaming/public`, and the
    /// access token where the server wants one.
    ///
    /// # Errors
    ///
    /// A sentence, where one of them cannot be used.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, String> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or("the stream's address is no http or https URL")?;
        let authorization = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let mut authorization = authorization
            .transpose()
            .map_err(|_| "the access token has characters that no token has")?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Ok(Self { url, authorization })
    }

    /// The stream that `MASTODON_STREAM` and `MASTODON_TOKEN` name.
    ///
    /// # Errors
    ///
    /// A sentence, where the first is not set or one of them cannot be used.
    pub fn from_env() -> Result<Self, String> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = variable("MASTODON_STREAM").ok_or(
            "set MASTODON_STREAM to a stream, such as https://mastodon.example.com/api/v1/streaming/public",
        )?;
        Self::new(&url, variable("MASTODON_TOKEN").as_deref())
    }

    /// Hands every new status on; never completes. After a cut it goes on where it was, if the
    /// server numbers its events.
    pub(crate) async fn read(self, mut heard: impl FnMut(Status)) {
        let builder = Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(LONGEST_SILENCE);
        let http = match builder.build() {
            Ok(http) => http,
            Err(cause) => return tracing::error!("statuses cannot be read: {cause}"),
        };
        let mut last_id = None;
        let mut wait = Wait(FIRST_WAIT);
        loop {
            let mut reader = Reader::new();
            let mut take = |event| {
                wait = Wait(FIRST_WAIT);
                if let Some(status) = status(&event) {
                    heard(status);
                }
            };
            let ended = self
                .stream(&http, last_id.as_deref(), &mut reader, &mut take)
                .await;
            let why = match ended {
                Ok(()) => "the server ended it".to_owned(),
                Err(problem) => problem,
            };
            if reader.skipped() > 0 {
                tracing::warn!(
                    events = reader.skipped(),
                    "skipped events that are too large"
                );
            }
            last_id = reader.last_id().map(ToOwned::to_owned).or(last_id);
            let next = wait.next();
            tracing::warn!("the stream of statuses was cut: {why}; again in {next:.1?}");
            tokio::time::sleep(next).await;
        }
    }

    /// Reads until the stream is cut.
    async fn stream(
        &self,
        http: &Client,
        last_id: Option<&str>,
        reader: &mut Reader,
        event: &mut impl FnMut(Event),
    ) -> Result<(), String> {
        let mut request = http
            .get(self.url.clone())
            .header(header::ACCEPT, "text/event-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let mut answer = request.send().await.map_err(sentence)?;
        check(&answer)?;
        tracing::info!("reading statuses");
        while let Some(chunk) = answer.chunk().await.map_err(sentence)? {
            reader.read(&chunk).into_iter().for_each(&mut *event);
        }
        Ok(())
    }
}

fn check(answer: &Response) -> Result<(), String> {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match answer.status() {
        status if !status.is_success() => Err(format!("the server answered {status}")),
        _ if kind.starts_with("text/event-stream") => Ok(()),
        _ => Err(format!(
            "the server answered with {kind:?}, not with events"
        )),
    }
}

/// The new status in an event. Changed and deleted ones were mentions once, and stay so.
fn status(event: &Event) -> Option<Status> {
    if event.name != "update" {
        return None;
    }
    json::from_str(&event.data)
        .inspect_err(|cause| tracing::warn!("skipped an event that is no status: {cause}"))
        .ok()
}

/// Without the address, which may hold a token.
fn sentence(error: reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = &error.without_url();
    let mut text = cause.to_string();
    while let Some(deeper) = cause.source() {
        text = format!("{text}: {deeper}");
        cause = deeper;
    }
    text
}

/// How long to wait before the next attempt.
struct Wait(Duration);

impl Wait {
    /// Somewhere between half of the wait and all of it, so that many readers of a server that was
    /// away do not come back together.
    fn next(&mut self) -> Duration {
        let mut random = [0];
        let share = match aws_lc_rs::rand::fill(&mut random) {
            Ok(()) => u32::from(random[0]),
            Err(_) => 255,
        };
        let half = self.0 / 2;
        self.0 = (self.0 * 2).min(LONGEST_WAIT);
        half + half * share / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_differ() {
        let mut wait = Wait(FIRST_WAIT);
        for longest in [1, 2, 4, 8, 16, 32, 60, 60] {
            let longest = Duration::from_secs(longest);
            let next = wait.next();
            assert!((longest / 2..=longest).contains(&next), "{next:?}");
        }
        let first = || Wait(LONGEST_WAIT).next();
        assert!((0..50).any(|_| first() != first()));
    }

    #[test]
    fn only_new_statuses_count_and_what_is_none_is_skipped() {
        let status = |name: &str, data: &str| {
            let stream = format!("event: {name}\ndata: {data}\n\n");
            let events = Reader::new().read(stream.as_bytes());
            status(&events[0]).map(|status| status.content)
        };
        let data = r#"{"id":"1","content":"<p>x</p>","account":{"acct":"a"}}"#;
        assert_eq!(status("update", data).as_deref(), Some("<p>x</p>"));
        assert_eq!(status("status.update", data), None);
        assert_eq!(status("delete", "1"), None);
        for broken in ["", "1", "{", "{}", r#"{"content":7}"#, "null"] {
            assert_eq!(status("update", broken), None, "{broken}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let source = Source::new("https://example.com/stream", Some("secret")).unwrap();
        assert!(!format!("{source:?}").contains("secret"));
        for (url, token) in [
            ("ftp://example.com", None),
            ("x", None),
            ("http://a.example", Some("\n")),
        ] {
            assert!(Source::new(url, token).is_err(), "{url}");
        }
    }
}
