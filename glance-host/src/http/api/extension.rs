//! The common part of all runtime extensions: place, caller and body.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path, RawPathParams};
use axum::http::request::Parts;
use glance_sdk::json;
use glance_sdk::validate::{Problem, Severity};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::caller::Caller;
use super::error::ApiError;
use crate::http::state::AppState;
use crate::model::Place;

/// A runtime extension in one place, and the caller.
pub(super) struct ExtensionPath {
    pub(super) caller: Caller,
    pub(super) place: Place,
    pub(super) key: String,
}

impl FromRequestParts<AppState> for ExtensionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        // No source says which scope HipChat required, and add-ons request various ones.
        caller.needs(&[])?;
        let path = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|cause| {
                ApiError::bad_request(format!("Invalid URL: {}", cause.body_text()))
            })?;
        let named = |name| path.iter().find(|(found, _)| *found == name);
        let place = match named("room") {
            Some((_, room)) => Place::Room(caller.room(&app.directory, room).await?.id),
            None => Place::Global,
        };
        let key = named("key").map_or("", |(_, key)| key).to_owned();
        Ok(Self { caller, place, key })
    }
}

impl ExtensionPath {
    /// Reads the body of a new extension. Its key must equal the key in the address.
    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        body: &[u8],
        what: &str,
        check: fn(&Value) -> Vec<Problem>,
    ) -> Result<T, ApiError> {
        let document: Value = json::from_slice(body)
            .map_err(|cause| ApiError::bad_request(format!("The body is no JSON: {cause}")))?;
        let key = document["key"].as_str().unwrap_or_default().to_owned();
        let new = checked(document, what, check)?;
        if key != self.key {
            return Err(ApiError::bad_request(format!(
                "/key: the {what} has the key {key}, the address {}; they must be the same",
                self.key
            )));
        }
        Ok(new)
    }
}

/// Reads a document that the validator accepts.
pub(super) fn checked<T: DeserializeOwned>(
    document: Value,
    what: &str,
    check: fn(&Value) -> Vec<Problem>,
) -> Result<T, ApiError> {
    let mut problems = check(&document).into_iter();
    if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
        return Err(ApiError::bad_request(problem.to_string()));
    }
    serde_json::from_value(document)
        .map_err(|cause| ApiError::bad_request(format!("The body is no {what}: {cause}")))
}

/// Answers `.../extension/{kind}/{key}` for all other kinds.
pub(super) async fn unknown(Path(path): Path<HashMap<String, String>>) -> ApiError {
    let kind = path.get("kind").map_or("", String::as_str);
    ApiError::not_found(format!(
        "This host creates glances, actions and webhooks at runtime, and knows no {kind}"
    ))
}
