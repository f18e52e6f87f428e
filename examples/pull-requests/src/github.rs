//! GitHub's webhook deliveries.

use aws_lc_rs::hmac;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::DefaultBodyLimit;
use glance_sdk::axum::http::{HeaderMap, StatusCode};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::MethodRouter;
use glance_sdk::prelude::*;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::pulls::PullRequest;
use crate::{App, push};

/// GitHub caps a delivery at 25 MB.
const MAX_DELIVERY_BYTES: usize = 25 * 1000 * 1000;

pub(crate) fn route() -> MethodRouter<App> {
    post(deliver).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES))
}

/// Takes a delivery: 204 once it is stored, and for events that do not matter here.
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
    if text("X-GitHub-Event") != Some("pull_request") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let pull_request = match parse(&body) {
        Ok(pull_request) => pull_request,
        Err(problem) => return Ok((StatusCode::BAD_REQUEST, problem).into_response()),
    };
    let repository = pull_request.repository.clone();
    if app.pulls.record(pull_request).await? {
        for (oauth_id, room) in app.pulls.rooms_of(&repository).await? {
            push(&app, &pusher, &oauth_id, room).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether `signature` is the HMAC of the raw body, compared in constant time.
fn is_signed(key: &hmac::Key, signature: Option<&str>, body: &[u8]) -> bool {
    signature
        .and_then(|signature| signature.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok())
        .is_some_and(|tag| hmac::verify(key, body, &tag).is_ok())
}

#[derive(Deserialize)]
struct Delivery {
    pull_request: Payload,
    repository: Repository,
}

#[derive(Deserialize)]
struct Payload {
    number: u32,
    title: String,
    html_url: String,
    state: String,
    #[serde(default)]
    draft: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

/// Every action carries the pull request as it is now: whether it is open is read from there, so
/// opening, closing, reopening, drafting and whatever comes later need no list of actions.
fn parse(body: &[u8]) -> Result<PullRequest, String> {
    let Delivery {
        pull_request,
        repository,
    } = serde_json::from_slice(body).map_err(|cause| format!("no pull_request event: {cause}"))?;
    let seconds = |text: &str| {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(OffsetDateTime::unix_timestamp)
            .map_err(|cause| format!("{text:?} is no date: {cause}"))
    };
    Ok(PullRequest {
        repository: repository.full_name,
        number: pull_request.number,
        title: pull_request.title,
        url: pull_request.html_url,
        is_open: pull_request.state == "open",
        is_draft: pull_request.draft,
        opened_at: seconds(&pull_request.created_at)?,
        updated_at: seconds(&pull_request.updated_at)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_signature_over_the_raw_body_passes() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"It's a Secret to Everybody");
        // The value of GitHub's own documentation.
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
