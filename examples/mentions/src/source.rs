//! A Mastodon server's stream of statuses, which is read as long as the add-on runs.

use std::time::{Duration, Instant};

use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::egress::{
    CallError, EgressPolicy, HttpClient, Proxies, Redirects, Response, Timeouts,
};
use glance_sdk::event_stream::{Event, Reader};
use glance_sdk::json;
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::feed::Change;
use crate::html;

/// The longest silence of the stream: Mastodon sends data at least every 15 seconds.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The first backoff after an interrupted stream. It doubles each time the stream delivered nothing
/// and was open for less than the longest backoff.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The longest wait that an overloaded server may request.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// The source of statuses.
#[derive(Debug, Clone)]
pub struct Source {
    url: Url,
    /// Marked as sensitive, so that `Debug` hides it.
    authorization: Option<HeaderValue>,
}

/// The relevant members of a status.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    /// HTML.
    content: String,
    /// The content warning before the content; plain text.
    spoiler_text: Option<String>,
    /// Hashtags, which other servers may list without including them in the content.
    tags: Option<Vec<Tag>>,
    /// The shared status.
    reblog: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    name: String,
}

impl Status {
    /// Returns all text that a reader sees.
    pub(crate) fn text(&self) -> String {
        let mut text = html::text(&self.content);
        if let Some(warning) = &self.spoiler_text {
            text.push('\n');
            text.push_str(warning);
        }
        for tag in self.tags.iter().flatten() {
            text.push_str("\n#");
            text.push_str(&tag.name);
        }
        text
    }
}

/// The reason why a stream is not read.
#[derive(Debug, PartialEq)]
struct Cut {
    why: String,
    /// The time after which the server accepts another attempt.
    retry_after: Option<Duration>,
}

impl From<String> for Cut {
    fn from(why: String) -> Self {
        Self {
            why,
            retry_after: None,
        }
    }
}

impl Source {
    /// Creates the source of a stream, for example
    /// `https://mastodon.example.com/api/v1/streaming/public`, with an access token if the server
    /// requires one.
    ///
    /// # Errors
    ///
    /// Returns a sentence if one of them is invalid.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, String> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or("the stream's address is not an http or https URL")?;
        let authorization = token.map(str::trim);
        let authorization =
            authorization.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let mut authorization = authorization
            .transpose()
            .map_err(|_| "the access token contains invalid characters")?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Ok(Self { url, authorization })
    }

    /// Creates the source from `MASTODON_STREAM` and `MASTODON_TOKEN`.
    ///
    /// # Errors
    ///
    /// Returns a sentence if the first is not set, or if one of them is invalid.
    pub fn from_env() -> Result<Self, String> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = variable("MASTODON_STREAM").ok_or(
            "set MASTODON_STREAM to a stream, such as https://mastodon.example.com/api/v1/streaming/public",
        )?;
        Self::new(&url, variable("MASTODON_TOKEN").as_deref())
    }

    /// Returns the URL without its confidential parts.
    pub(crate) fn shown(&self) -> String {
        shown(&self.url)
    }

    /// Passes every new status to `on_status`, and changes of the connection to `on_change`; never
    /// completes. After an interruption it continues at the last event, if the server numbers its
    /// events.
    pub(crate) async fn read(self, mut on_status: impl FnMut(Status), on_change: impl Fn(Change)) {
        let http = match client() {
            Ok(http) => http,
            Err(error) => return tracing::error!(%error, "reading statuses failed"),
        };
        let mut last_id = None;
        let mut wait = Wait(FIRST_WAIT);
        loop {
            let mut reader = Reader::new();
            let mut take = |event| {
                wait = Wait(FIRST_WAIT);
                if let Some(status) = status(&event) {
                    on_change(Change::Status);
                    on_status(status);
                }
            };
            let started_at = Instant::now();
            let ended = self
                .stream(
                    &http,
                    last_id.as_deref(),
                    &mut reader,
                    &on_change,
                    &mut take,
                )
                .await;
            let Cut { why, retry_after } = match ended {
                Ok(()) => "the server ended the stream".to_owned().into(),
                Err(cut) => cut,
            };
            if reader.skipped() > 0 {
                tracing::warn!(events = reader.skipped(), "skipped too large events");
            }
            last_id = reader.last_id().map(ToOwned::to_owned).or(last_id);
            // A stream without events also counts as successful if it lasted.
            if started_at.elapsed() >= LONGEST_WAIT {
                wait = Wait(FIRST_WAIT);
            }
            let next = wait.next().max(retry_after.unwrap_or_default());
            tracing::warn!(reason = %why, wait = ?next, "the stream of statuses was interrupted; retrying");
            on_change(Change::Cut(why));
            tokio::time::sleep(next).await;
        }
    }

    /// Reads until the stream is interrupted.
    async fn stream(
        &self,
        http: &HttpClient,
        last_id: Option<&str>,
        reader: &mut Reader,
        on_change: &impl Fn(Change),
        event: &mut impl FnMut(Event),
    ) -> Result<(), Cut> {
        let mut request = http
            .request(Method::GET, self.url.clone())
            .header(header::ACCEPT, "text/event-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let request = request.build();
        let request = request.map_err(|cause| cause.without_url().to_string())?;
        let timeouts = Timeouts::stream(LONGEST_SILENCE, LONGEST_SILENCE);
        let mut answer = http.send(request, timeouts).await.map_err(sentence)?;
        self.check(&answer)?;
        tracing::info!("reading statuses");
        on_change(Change::Connected);
        while let Some(chunk) = answer.chunk().await.map_err(sentence)? {
            reader
                .read(chunk.as_ref())
                .into_iter()
                .for_each(&mut *event);
        }
        Ok(())
    }

    fn check(&self, answer: &Response) -> Result<(), Cut> {
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let kind = header(header::CONTENT_TYPE).unwrap_or_default();
        let status = answer.status();
        if status.is_success() {
            let media_type = kind.split(';').next().unwrap_or_default().trim();
            return match media_type.eq_ignore_ascii_case("text/event-stream") {
                true => Ok(()),
                false => {
                    Err(format!("the server responded with {kind:?} instead of events").into())
                }
            };
        }
        let seconds = header(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        Err(Cut {
            why: self.refusal(status, answer.url()),
            retry_after: seconds
                .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER)),
        })
    }

    /// Explains a status, with a remedy.
    fn refusal(&self, status: StatusCode, answered: &Url) -> String {
        let is_elsewhere = answered.origin() != self.url.origin();
        match status {
            // The client does not send the token to another site.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
                if is_elsewhere && self.authorization.is_some() =>
            {
                format!(
                    "the stream has moved; set MASTODON_STREAM to {}",
                    shown(answered)
                )
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.authorization.is_none() => {
                format!("the server responded with {status}; set MASTODON_TOKEN to an access token")
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                format!("the server responded with {status} to the access token; create a new one")
            }
            StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::UPGRADE_REQUIRED => format!(
                "the server responded with {status}; check the address, and whether the server has server-sent \
                 events: Pleroma, Akkoma and GoToSocial only have WebSockets"
            ),
            _ => format!("the server responded with {status}"),
        }
    }
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // Neither fails for a URL with a host.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    let public: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| name != "access_token")
        .collect();
    shown.set_query(None);
    if !public.is_empty() {
        shown.query_pairs_mut().extend_pairs(public);
    }
    shown.into()
}

/// Returns the new status in an event. Changed and deleted statuses (`status.update`, `delete`)
/// were already counted as mentions, and stay so. Sharing a status again, which streams of a person
/// or a list report, is not a new mention.
fn status(event: &Event) -> Option<Status> {
    if event.name != "update" {
        return None;
    }
    json::from_str(&event.data)
        .inspect_err(
            |cause| tracing::warn!(error = %cause, "skipped an event that is not a status"),
        )
        .ok()
        .filter(|status: &Status| status.reblog.is_none())
}

fn sentence(error: CallError) -> String {
    format!("the server {error}")
}

/// Creates the HTTP client. The operator chose the server, so it may be in any network, and behind
/// the environment's proxy. The client follows a redirect to another origin without the token.
fn client() -> Result<HttpClient, String> {
    let builder = HttpClient::builder(EgressPolicy::any_network())
        .user_agent(concat!("glance-mentions/", env!("CARGO_PKG_VERSION")))
        .redirects(Redirects::Checked)
        .proxies(Proxies::from_env());
    builder.build().map_err(|error| format!("{error:#}"))
}

/// The wait before the next attempt.
struct Wait(Duration);

impl Wait {
    /// Returns a random time between half of the wait and all of it, so that many readers of an
    /// unavailable server do not retry together.
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
    fn backoff_grows_with_jitter() {
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
    fn only_new_statuses_count() {
        let status = |name: &str, data: &str| {
            let stream = format!("event: {name}\ndata: {data}\n\n");
            let events = Reader::new().read(stream.as_bytes());
            status(&events[0]).map(|status| status.content)
        };
        let data = r#"{"id":"1","content":"<p>x</p>","account":{"acct":"a"}}"#;
        assert_eq!(status("update", data).as_deref(), Some("<p>x</p>"));
        let shared = r#"{"id":"2","content":"<p>x</p>","reblog":{"id":"1","content":"<p>x</p>"}}"#;
        assert_eq!(status("update", shared), None);
        assert_eq!(status("status.update", data), None);
        assert_eq!(status("delete", "1"), None);
        for broken in ["", "1", "{", "{}", r#"{"content":7}"#, "null"] {
            assert_eq!(status("update", broken), None, "{broken}");
        }
    }

    #[test]
    fn text_includes_all_visible_parts_of_status() {
        let status: Status = json::from_str(
            r#"{"content":"<p>one</p>","spoiler_text":"two","tags":[{"name":"three"}],"reblog":null}"#,
        )
        .unwrap();
        assert_eq!(status.text(), "\none\n\ntwo\n#three");
        let old: Status = json::from_str(r#"{"content":"one","tags":null}"#).unwrap();
        assert_eq!(old.text(), "one");
    }

    #[test]
    fn refusals_have_remedies() {
        let with_token = Source::new("https://example.com/stream", Some("x")).unwrap();
        let without = Source::new("https://example.com/stream", None).unwrap();
        let same = Url::parse("https://example.com/stream").unwrap();
        let moved = Url::parse("https://streaming.example.com/stream").unwrap();
        for (source, status, answered, words) in [
            (&without, 401, &same, "set MASTODON_TOKEN"),
            (&without, 401, &moved, "set MASTODON_TOKEN"),
            (&with_token, 401, &same, "create a new one"),
            (
                &with_token,
                401,
                &moved,
                "set MASTODON_STREAM to https://streaming.example.com/stream",
            ),
            (&with_token, 404, &same, "only have WebSockets"),
            (&with_token, 500, &same, "responded with 500"),
        ] {
            let said = source.refusal(StatusCode::from_u16(status).unwrap(), answered);
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn debug_hides_token() {
        let source = Source::new("https://example.com/stream", Some("secret")).unwrap();
        assert!(!format!("{source:?}").contains("secret"));
        let url = "https://me:secret@example.com/hashtag?access_token=secret&tag=rust#x";
        let source = Source::new(url, Some(" token\n")).unwrap();
        assert_eq!(source.shown(), "https://example.com/hashtag?tag=rust");
        for (url, token) in [
            ("ftp://example.com", None),
            ("x", None),
            ("http://a.example", Some("a\nb")),
        ] {
            assert!(Source::new(url, token).is_err(), "{url}");
        }
    }
}
