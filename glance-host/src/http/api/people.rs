//! `GET /v2/user...`: the people of the group.

use axum::Json;
use axum::extract::{Path, State};
use glance_sdk::model::webhook::User;
use glance_sdk::model::{Page, Scope, UserDetails};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Paging;
use crate::http::state::AppState;

pub(super) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<User>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let (skip, at_most) = paging.read();
    let guests = paging.includes("include-guests");
    let users = app.storage.list_users(guests, skip, at_most).await?;
    let users = users.iter().map(|user| app.directory.person(user));
    Ok(Json(paging.part(users)))
}

pub(super) async fn read(
    State(app): State<AppState>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<UserDetails>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let user = caller.user(&*app.storage, &user).await?;
    Ok(Json(app.directory.user_details(&user)))
}
