//! `POST /v2/user/{user}/message`: an add-on sends a private message.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use glance_sdk::model::{MessageFormat, Scope};

use super::caller::Caller;
use super::error::ApiError;
use super::notifications;
use crate::cluster::rate_limits::Allowance;
use crate::http::state::AppState;
use crate::model::PrivateMessage;

pub(super) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<(Allowance, StatusCode), ApiError> {
    caller.needs(&[Scope::SendMessage])?;
    let user = caller.user(&*app.storage, &name).await?;
    if user.is_removed {
        return Err(ApiError::not_found(format!("User {name} not found")));
    }
    let read = notifications::read(request).await?;
    let allowance = app.limits.message(&caller.installed.oauth_id, user.id)?;
    // The default format of private messages differs from that of notifications.
    let format = read.message_format.unwrap_or(MessageFormat::Text);
    let notify = read.notify.unwrap_or(false);
    let message = PrivateMessage::new(user.id, &caller.installed, read.message, format, notify);
    app.storage.put_private_message(&message).await?;
    Ok((allowance, StatusCode::NO_CONTENT))
}
