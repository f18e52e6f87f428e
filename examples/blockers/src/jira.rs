//! Jira's webhook.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::extract::DefaultBodyLimit;
use glance_sdk::axum::http::{HeaderMap, StatusCode};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::axum::routing::MethodRouter;
use glance_sdk::prelude::*;

use crate::Blockers;
use crate::delivery::{self, News};

/// Jira limits deliveries to 25 MB.
const MAX_DELIVERY_BYTES: usize = 25 * 1000 * 1000;

pub(crate) fn route() -> MethodRouter<Blockers> {
    post(receive).layer(DefaultBodyLimit::max(MAX_DELIVERY_BYTES))
}

/// Receives a delivery. Responds with 204 after storing it, and to irrelevant events. Jira retries
/// after a 5xx.
async fn receive(
    State(app): State<Blockers>,
    pusher: Pusher,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let signature = headers.get("X-Hub-Signature");
    let signature = signature.and_then(|value| value.to_str().ok());
    if !is_signed(&app.jira, signature, &body) {
        return Ok((StatusCode::UNAUTHORIZED, "wrong or missing signature").into_response());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    app.issues.delivered(i64::try_from(now)?).await?;
    let (at, news) = match delivery::read(&body) {
        Ok(read) => read,
        Err(problem) => return Ok((StatusCode::BAD_REQUEST, problem).into_response()),
    };
    // A separate task, so that glances are pushed even if Jira disconnects.
    let store = async move {
        let projects = match news {
            News::Issue(issue) => app.issues.record(issue, at).await?,
            News::IssueDeleted(id) => app.issues.delete(id, at).await?,
            News::Sprint(sprint) => app.issues.record_sprint(sprint, at).await?,
            News::SprintDeleted(id) => app.issues.delete_sprint(id, at).await?,
            News::Project(project) => app.issues.record_project(project, at).await?,
            News::Other => HashSet::new(),
        };
        for project in projects {
            for (oauth_id, room) in app.rooms.showing(&project).await? {
                app.push(&pusher, &oauth_id, room).await?;
            }
        }
        Ok::<_, Failure>(())
    };
    tokio::spawn(store).await??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns whether `signature` is the HMAC of the raw body, compared in constant time.
fn is_signed(key: &hmac::Key, signature: Option<&str>, body: &[u8]) -> bool {
    signature
        .and_then(|signature| signature.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok())
        .is_some_and(|tag| hmac::verify(key, body, &tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_correct_signature_of_raw_body_is_accepted() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"It's a Secret to Everybody");
        // The value from GitHub's documentation, whose scheme Jira uses.
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_signed(&key, Some(right), b"Hello, World!"));
        for (signature, body) in [
            (Some(right), "Hello, World"),
            (Some(&right[7..]), "Hello, World!"),
            (Some(&right[..40]), "Hello, World!"),
            (Some("sha256="), "Hello, World!"),
            (Some("sha1=zz"), "Hello, World!"),
            (None, "Hello, World!"),
        ] {
            assert!(
                !is_signed(&key, signature, body.as_bytes()),
                "{signature:?}"
            );
        }
    }
}
