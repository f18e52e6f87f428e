//! The build server's webhook.
//!
//! It posts JSON such as `{"project": "site", "status": "failed"}`, and signs the body with
//! HMAC-SHA256: the header `X-Signature-256` contains `sha256=` and the signature in hexadecimal.
//! GitHub and many others sign this way.

use aws_lc_rs::hmac;
use glance_sdk::axum::body::Bytes;
use glance_sdk::axum::http::{HeaderMap, StatusCode};
use glance_sdk::axum::response::{IntoResponse, Response};
use glance_sdk::prelude::*;
use serde::Deserialize;

use crate::{Builds, {{ glance }}};

/// The limit on the stored broken projects.
const MAX_PROJECTS: usize = 1_000;

#[derive(Deserialize)]
struct Delivery {
    project: String,
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Passed,
    Failed,
}

/// Accepts a delivery and pushes the new state to all installations.
///
/// The response to a failure is 500, or 503 if it may be temporary, so that the build server
/// retries.
pub(crate) async fn receive(
    State(builds): State<Builds>,
    installations: Installations,
    pusher: Pusher,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let Some(key) = &builds.key else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "WEBHOOK_SECRET is not set").into_response());
    };
    let signature = headers.get("X-Signature-256");
    let signature = signature.and_then(|value| value.to_str().ok());
    if !is_signed(key, signature, &body) {
        return Ok((StatusCode::UNAUTHORIZED, "wrong or missing signature").into_response());
    }
    let delivery: Delivery = match serde_json::from_slice(&body) {
        Ok(delivery) => delivery,
        Err(cause) => {
            return Ok((StatusCode::BAD_REQUEST, format!("{cause}")).into_response());
        }
    };
    builds.record(delivery);
    for installation in installations.list().await? {
        let to = match installation.room_id() {
            Some(room) => To::Room(room),
            None => To::Group,
        };
        pusher.push::<{{ glance }}>(installation.oauth_id(), to, builds.data())?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Builds {
    fn record(&self, delivery: Delivery) {
        let mut reports = self.reports();
        reports.has_any = true;
        match delivery.status {
            Status::Passed => {
                reports.broken.remove(&delivery.project);
            }
            Status::Failed if reports.broken.len() < MAX_PROJECTS => {
                reports.broken.insert(delivery.project);
            }
            Status::Failed => {
                tracing::warn!(project = delivery.project, "too many broken projects");
            }
        }
    }
}

/// Returns whether `signature` is the HMAC of the raw body, compared in constant time.
fn is_signed(key: &hmac::Key, signature: Option<&str>, body: &[u8]) -> bool {
    signature
        .and_then(|signature| signature.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok())
        .is_some_and(|tag| hmac::verify(key, body, &tag).is_ok())
}
