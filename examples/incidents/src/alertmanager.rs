//! Alertmanager's webhook.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::{DefaultBodyLimit, FromRequestParts};
use glance_sdk::axum::http::request::Parts;
use glance_sdk::axum::http::{StatusCode, header};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::MethodRouter;
use glance_sdk::prelude::*;
use time::OffsetDateTime;

use crate::message::Message;
use crate::{App, announce, message, push};

/// The size limit of a message, which suffices for about ten thousand alerts; Alertmanager's
/// `max_alerts` limits its messages further.
const MAX_MESSAGE_BYTES: usize = 25 * 1000 * 1000;

pub(crate) fn route() -> MethodRouter<App> {
    post(receive).layer(DefaultBodyLimit::max(MAX_MESSAGE_BYTES))
}

/// Receives a message. Responds with 204 after storing it. Alertmanager retries only after a 5xx.
async fn receive(
    _: Authorized,
    State(app): State<App>,
    installations: Installations,
    pusher: Pusher,
    body: Bytes,
) -> Result<Response, Failure> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let message = match message::read(&body, now * 1000) {
        Ok(message) => message,
        Err(problem) => return Ok((StatusCode::BAD_REQUEST, problem).into_response()),
    };
    warn_of_gaps(&message);
    // A separate task, so that glances are pushed even if Alertmanager disconnects.
    let store = async move {
        for place in app.alerts.record(message.news, now).await? {
            push(&app, &pusher, &place).await?;
        }
        announce::tell_rooms(&app, &installations).await
    };
    tokio::spawn(store).await??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn warn_of_gaps(message: &Message) {
    let (unread, truncated) = (message.unread, message.truncated);
    if unread > 0 {
        tracing::warn!(unread, "message contains entries that are not alerts");
    }
    if truncated > 0 {
        tracing::warn!(
            truncated,
            "Alertmanager omitted alerts: increase its max_alerts"
        );
    }
}

/// A request with Alertmanager's secret. This extractor refuses other requests before the body is
/// read.
struct Authorized;

impl FromRequestParts<App> for Authorized {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let secret = app.alertmanager.expose().as_bytes();
        let given = parts.headers.get(header::AUTHORIZATION);
        given
            .and_then(|value| secret_in(value.as_bytes()))
            .and_then(|given| verify_slices_are_equal(&given, secret).ok())
            .map(|()| Self)
            .ok_or((StatusCode::UNAUTHORIZED, "wrong or missing secret"))
    }
}

/// Returns the secret in the header: the password of `basic_auth`, or the credentials of
/// `authorization`, which may have a custom type, or of the older `bearer_token`.
fn secret_in(header: &[u8]) -> Option<Vec<u8>> {
    let space = header.iter().position(|byte| *byte == b' ')?;
    let (scheme, given) = header.split_at(space);
    let given = given.trim_ascii();
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Some(given.to_owned());
    }
    let pair = STANDARD.decode(given).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_found_in_all_headers_of_alertmanager() {
        for (header, secret) in [
            ("Bearer s:1", Some("s:1")),
            ("bearer  s:1 ", Some("s:1")),
            ("Token s:1", Some("s:1")),
            ("Basic YW55Ym9keTpzOjE=", Some("s:1")),
            ("basic OnM6MQ==", Some("s:1")),
            ("Basic s:1", None),
            ("Basic c3M=", None),
            ("Bearer", None),
            ("", None),
        ] {
            let found = secret_in(header.as_bytes());
            assert_eq!(found.as_deref(), secret.map(str::as_bytes), "{header}");
        }
    }
}
