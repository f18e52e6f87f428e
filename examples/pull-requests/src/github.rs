//! GitHub's webhook deliveries.

mod payload;

use std::borrow::Cow;

use aws_lc_rs::hmac;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::DefaultBodyLimit;
use glance_sdk::axum::http::{HeaderMap, StatusCode};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::MethodRouter;
use glance_sdk::prelude::*;
use time::OffsetDateTime;
use url::form_urlencoded;

use crate::{App, push};

/// GitHub limits payloads to 25 MB.
const MAX_DELIVERY_BYTES: usize = 25 * 1000 * 1000;

pub(crate) fn route() -> MethodRouter<App> {
    post(deliver).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES))
}

/// Receives a delivery. Responds with 204 after storing it, and to irrelevant events.
async fn deliver(
    State(app): State<App>,
    pusher: Pusher,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if !is_signed(&app.github, text("X-Hub-Signature-256"), &body) {
        return Ok((StatusCode::UNAUTHORIZED, "wrong or missing signature").into_response());
    }
    let event = text("X-GitHub-Event").unwrap_or_default();
    let delivery = json(text("Content-Type"), &body)
        .map_err(ToOwned::to_owned)
        .and_then(|json| payload::read(event, &json));
    let delivery = match delivery {
        Ok(delivery) => delivery,
        Err(problem) => return Ok((StatusCode::BAD_REQUEST, problem).into_response()),
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for (oauth_id, room) in app.pulls.record(delivery, now).await? {
        push(&app, &pusher, &oauth_id, room).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns whether `signature` is the HMAC of the raw body, compared in constant time.
fn is_signed(key: &hmac::Key, signature: Option<&str>, body: &[u8]) -> bool {
    signature
        .and_then(|signature| signature.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok())
        .is_some_and(|tag| hmac::verify(key, body, &tag).is_ok())
}

/// Returns the JSON of a delivery, which is the body itself or, by default, the field `payload` of
/// a form.
fn json<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, &'static str> {
    let is_form = content_type.is_some_and(|content_type| {
        let media_type = content_type.split(';').next().unwrap_or_default();
        let media_type = media_type.trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if !is_form {
        return Ok(Cow::Borrowed(body));
    }
    form_urlencoded::parse(body)
        .find(|(name, _)| name == "payload")
        .map(|(_, payload)| Cow::Owned(payload.into_owned().into_bytes()))
        .ok_or("the form has no field `payload`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_contains_same_json() {
        let written = r#"{"title":"50% & 1+1=2 ä"}"#;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", written)
            .finish();
        for (content_type, body) in [
            (None, written),
            (Some("application/json"), written),
            (Some("application/x-www-form-urlencoded"), &form),
            (
                Some("Application/X-WWW-Form-Urlencoded; charset=utf-8"),
                &form,
            ),
        ] {
            let read = json(content_type, body.as_bytes()).unwrap();
            assert_eq!(read.as_ref(), written.as_bytes(), "{content_type:?}");
        }
        let empty = json(Some("application/x-www-form-urlencoded"), b"other=1");
        assert_eq!(empty, Err("the form has no field `payload`"));
    }

    #[test]
    fn only_correct_signature_of_raw_body_is_accepted() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"It's a Secret to Everybody");
        // The value from GitHub's documentation.
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(&key, Some(right), b"Hello, World!"));
        for (signature, body) in [
            (Some(right), "Hello, World"),
            (Some(&right[7..]), "Hello, World!"),
            (Some(&right[..40]), "Hello, World!"),
            (Some("sha256="), "Hello, World!"),
            (Some("sha256=zz"), "Hello, World!"),
            (None, "Hello, World!"),
        ] {
            assert!(
                !is_signed(&key, signature, body.as_bytes()),
                "{signature:?} {body}"
            );
        }
    }
}
