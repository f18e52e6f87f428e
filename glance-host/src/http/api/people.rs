//! `GET /v2/user...`: the people of the group.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use glance_sdk::model::webhook::User;
use glance_sdk::model::{Page, Scope, UserDetails};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Paging;
use crate::service::shared::Shared;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<User>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let (skip, at_most) = paging.read();
    let guests = paging.includes("include-guests");
    let users = shared.state.list_users(guests, skip, at_most).await?;
    let users = users.iter().map(|user| shared.directory.person(user));
    Ok(Json(paging.part(users)))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<UserDetails>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let user = caller.user(&shared, &user).await?;
    Ok(Json(shared.directory.user_details(&user)))
}
