//! `POST /v2/user/{user}/message`: an add-on sends a private message.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use glance_sdk::model::Scope;

use super::caller::Caller;
use super::error::ApiError;
use super::notifications;
use crate::cluster::rate_limits::Allowance;
use crate::service::directory::Directory;
use crate::service::private_messages::{PrivateMessageError, PrivateMessages};

pub(super) async fn create(
    State(directory): State<Directory>,
    State(messages): State<PrivateMessages>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<(Allowance, StatusCode), ApiError> {
    caller.needs(&[Scope::SendMessage])?;
    let user = caller.user(&directory, &name).await?;
    let refused = |error| match error {
        PrivateMessageError::Removed => ApiError::not_found(format!("User {name} not found")),
        PrivateMessageError::TooMany(exceeded) => exceeded.into(),
        PrivateMessageError::Storage(error) => error.into(),
    };
    let message = notifications::read(request).await?;
    let sent = messages.send(caller.installed(), &user, message).await;
    Ok((sent.map_err(refused)?, StatusCode::NO_CONTENT))
}
