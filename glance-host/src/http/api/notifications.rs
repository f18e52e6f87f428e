//! `POST /v2/room/{room}/notification`: an add-on posts a notification.

use axum::Form;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use glance_sdk::json;
use glance_sdk::model::{Notification, Scope};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::ApiError;
use crate::cluster::rate_limits::Allowance;
use crate::content::notification;
use crate::service::directory::Directory;
use crate::service::messages::Messages;

pub(super) async fn create(
    State(directory): State<Directory>,
    State(messages): State<Messages>,
    caller: Caller,
    Path(room): Path<String>,
    request: Request,
) -> Result<(Allowance, StatusCode), ApiError> {
    caller.needs(&[Scope::SendNotification])?;
    let room = caller.room(&directory, &room).await?;
    let notification = read(request).await?;
    let posted = messages.notify(&room, caller.installed(), notification);
    let (_, allowance) = posted.await?;
    Ok((allowance, StatusCode::NO_CONTENT))
}

/// Reads a notification in any of the four content types.
pub(super) async fn read(request: Request) -> Result<Notification, ApiError> {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("None");
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let members: Map<String, Value> = match media_type.to_ascii_lowercase().as_str() {
        "application/json" => {
            let body = bytes(request).await?;
            json::from_slice(&body).map_err(|cause| {
                ApiError::bad_request(format!("The body is no JSON object: {cause}"))
            })?
        }
        "application/x-www-form-urlencoded" => {
            let form = Form::from_request(request, &()).await;
            form.map_err(|cause| ApiError::new(cause.status(), cause.body_text()))?
                .0
        }
        "text/plain" => text(request, "text").await?,
        "text/html" => text(request, "html").await?,
        _ => {
            let message = format!("Invalid content type: {content_type}");
            return Err(ApiError::bad_request(message));
        }
    };
    notification::read(members).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Reads a body that is the message itself.
async fn text(request: Request, format: &str) -> Result<Map<String, Value>, ApiError> {
    let body = bytes(request).await?;
    let message =
        str::from_utf8(&body).map_err(|_| ApiError::bad_request("The body is no text in UTF-8"))?;
    let members = [("message", message), ("message_format", format)];
    Ok(members
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into_iter()
        .collect())
}

async fn bytes(request: Request) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, &())
        .await
        .map_err(|cause| ApiError::new(cause.into_response().status(), "The body cannot be read"))
}
