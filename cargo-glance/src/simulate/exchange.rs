//! A request with its response and the verdicts of a host.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use glance_host::calls::Exchange as Recorded;
use glance_sdk::egress::reqwest::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, HeaderName, HeaderValue,
};
use glance_sdk::egress::reqwest::{Request, StatusCode};
use glance_sdk::egress::{HttpClient, Timeouts};
use glance_sdk::printable::printable;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::error::CommandError;
use crate::style::{Style, has_colours, paint};
use crate::{fetch, print};

/// The timeout of a response, as on a host.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The size limit of a response, as on a host.
const MAX_BYTES: usize = 256 * 1024;

/// The maximum length of a body shown as text, in characters.
const LONGEST_BODY: usize = 4000;

/// The maximum length of an exchange shown as text, in characters.
const LONGEST_EXCHANGE: usize = 20_000;

/// The response headers that matter to the protocol.
const SHOWN_HEADERS: [&str; 7] = [
    "access-control-allow-origin",
    "content-security-policy",
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
    "x-frame-options",
];

/// A signed token by any signer, such as the token of a page: three parts of base64url, the first a
/// JSON object.
static JWT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"ey[AJ][\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}").ok());

/// Texts that are not printed, with their replacements.
pub(super) type Secrets = Vec<(String, &'static str)>;

/// A request and its response.
pub(super) struct Exchange {
    method: String,
    url: String,
    request_headers: HeaderMap,
    request_body: Vec<u8>,
    /// `None` if there was no response.
    status: Option<StatusCode>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    took: Option<Duration>,
}

impl Exchange {
    /// Sends a request and reads the response.
    pub(super) async fn send(client: &HttpClient, request: Request) -> Result<Self, CommandError> {
        let method = request.method().to_string();
        let url = request.url().clone();
        let request_headers = request.headers().clone();
        let body = request.body().and_then(|body| body.as_bytes());
        let request_body = body.unwrap_or_default().to_vec();
        let shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let began = Instant::now();
        let answer = client.send(request, Timeouts::within(TIMEOUT)).await;
        let answer = answer.map_err(|cause| fetch::unreachable(&shown, &cause))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.read(MAX_BYTES).await;
        Ok(Self {
            method,
            url: url.into(),
            request_headers,
            request_body,
            status: Some(status),
            headers,
            body: body.map_err(|cause| fetch::unreachable(&shown, &cause))?,
            took: Some(began.elapsed()),
        })
    }

    /// Converts a recorded call of a temporary host, without its secrets. Its duration is not
    /// known.
    pub(super) fn recorded(call: &Recorded) -> Self {
        let headers = |headers: &BTreeMap<String, String>| {
            let pairs = headers.iter().filter_map(|(name, value)| {
                Some((
                    name.parse::<HeaderName>().ok()?,
                    value.parse::<HeaderValue>().ok()?,
                ))
            });
            pairs.collect::<HeaderMap>()
        };
        let bytes = |body: &Value| match body {
            Value::Null => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        };
        Self {
            method: call.method.clone(),
            url: call.url.clone(),
            request_headers: headers(&call.headers),
            request_body: bytes(&call.body),
            status: call
                .status
                .and_then(|status| StatusCode::from_u16(status).ok()),
            headers: headers(&call.answer_headers),
            body: bytes(&call.answer),
            took: None,
        }
    }

    /// Returns `Access-Control-Allow-Origin`; several values are joined, as in a browser.
    pub(super) fn allowed_origin(&self) -> Option<String> {
        let all = self.headers.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
        let all: Vec<_> = all
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Returns the status of the response.
    pub(super) fn status(&self) -> StatusCode {
        self.status.unwrap_or_default()
    }

    fn json(&self) -> Value {
        json!({
            "request": {
                "method": self.method,
                "url": self.url,
                "headers": headers(&self.request_headers, None),
                "body": readable(&self.request_body),
            },
            "answer": {
                "status": self.status.map(|status| status.as_u16()),
                "headers": headers(&self.headers, Some(&SHOWN_HEADERS)),
                "body": readable(&self.body),
                "milliseconds": self.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            },
        })
    }

    /// Formats the exchange as text. Masks each body with `mask` before cutting it, because a part
    /// of a token is a secret too.
    fn text(&self, mask: impl Fn(&str) -> String) -> String {
        let body = |bytes: &[u8]| body(bytes, &mask);
        let mut text = format!("> {} {}\n", self.method, self.url);
        for (name, value) in headers(&self.request_headers, None) {
            let _ = writeln!(text, "> {name}: {}", value.as_str().unwrap_or_default());
        }
        text += &body(&self.request_body);
        let status = self.status.map(|status| status.to_string());
        let status = status.unwrap_or_else(|| "no response".to_owned());
        let took = self.took.map(|took| format!("  ({} ms)", took.as_millis()));
        let _ = writeln!(text, "< {status}{}", took.unwrap_or_default());
        for (name, value) in headers(&self.headers, Some(&SHOWN_HEADERS)) {
            let _ = writeln!(text, "< {name}: {}", value.as_str().unwrap_or_default());
        }
        text + &body(&self.body)
    }
}

fn headers(headers: &HeaderMap, shown: Option<&[&str]>) -> Map<String, Value> {
    let names = headers.keys().map(|name| name.as_str());
    let names = names.filter(|name| shown.is_none_or(|shown| shown.contains(name)));
    let line = |name: &str| {
        let values = headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        (name.to_owned(), values.join(", ").into())
    };
    names.map(line).collect()
}

/// Returns JSON if the body is JSON, otherwise text, and null for an empty body.
fn readable(body: &[u8]) -> Value {
    match body.is_empty() {
        true => Value::Null,
        false => glance_sdk::json::from_slice(body)
            .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into()),
    }
}

fn body(bytes: &[u8], mask: impl Fn(&str) -> String) -> String {
    let text = match readable(bytes) {
        Value::Null => return String::new(),
        Value::String(text) => text,
        json => format!("{json:#}"),
    };
    let text = mask(&text);
    let shown: String = text.chars().take(LONGEST_BODY).collect();
    match shown.len() < text.len() {
        true => format!("\n{shown}…\n\n"),
        false => format!("\n{shown}\n\n"),
    }
}

/// The result of a simulation.
pub(super) struct Outcome {
    pub(super) exchanges: Vec<Exchange>,
    /// The verdicts of a host: whether each is good, with a sentence.
    pub(super) verdicts: Vec<(bool, String)>,
    pub(super) secrets: Secrets,
}

impl Outcome {
    /// Prints the result. Fails if a verdict is bad.
    pub(super) fn finish(self, is_json: bool) -> Result<(), CommandError> {
        let bad: Vec<_> = self
            .verdicts
            .iter()
            .filter(|(is_good, _)| !is_good)
            .collect();
        let failure = bad.first().map(|(_, first)| self.mask(first));
        if is_json {
            let verdicts = self
                .verdicts
                .iter()
                .map(|(is_good, text)| json!({"ok": is_good, "text": text}));
            let whole = json!({
                "exchanges": self.exchanges.iter().map(Exchange::json).collect::<Vec<_>>(),
                "verdicts": verdicts.collect::<Vec<_>>(),
                "ok": failure.is_none(),
            });
            print::line(self.mask(&format!("{whole:#}")));
        } else {
            let has_colours = has_colours();
            for exchange in &self.exchanges {
                let text = self.mask(&exchange.text(|body| self.mask(body)));
                print::line(printable(&text).with_lines().at_most(LONGEST_EXCHANGE));
            }
            for (is_good, text) in &self.verdicts {
                let (word, style) = match is_good {
                    true => ("good", Style::Green),
                    false => ("bad ", Style::Red),
                };
                let text = self.mask(text);
                print::line(format!(
                    "{} {}",
                    paint(has_colours, style, word),
                    printable(&text).at_most(LONGEST_BODY)
                ));
            }
        }
        let help = "fix the add-on; its log may have the details";
        failure.map_or(Ok(()), |why| {
            Err(CommandError::new("bad-answer", why, help))
        })
    }

    fn mask(&self, text: &str) -> String {
        let secrets = self.secrets.iter().filter(|(secret, _)| !secret.is_empty());
        let text = secrets.fold(text.to_owned(), |text, (secret, shown)| {
            text.replace(secret, shown)
        });
        match &*JWT {
            Some(jwt) => jwt.replace_all(&text, "{{token}}").into_owned(),
            None => text,
        }
    }
}
