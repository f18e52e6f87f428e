//! `GET /v2/user...`: the people of the group.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use glance_sdk::model::webhook::User;
use glance_sdk::model::{Page, Scope, UserDetails};

use super::caller::Caller;
use super::error::ApiError;
use super::page::Paging;
use crate::service::directory::Directory;
use crate::storage::Storage;

pub(super) async fn list(
    State(directory): State<Directory>,
    State(storage): State<Arc<dyn Storage>>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<User>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let (skip, at_most) = paging.read();
    let guests = paging.includes("include-guests");
    let users = storage.list_users(guests, skip, at_most).await?;
    let users = users.iter().map(|user| directory.person(user));
    Ok(Json(paging.part(users)))
}

pub(super) async fn read(
    State(directory): State<Directory>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<UserDetails>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    let user = caller.user(&directory, &user).await?;
    Ok(Json(directory.user_details(&user)))
}
