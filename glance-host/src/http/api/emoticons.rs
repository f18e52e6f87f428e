//! `GET /v2/emoticon`: clients read the list when they start; this host has no emoticons.

use axum::Json;
use glance_sdk::model::{Page, Scope};
use serde_json::Value;

use super::caller::Caller;
use super::error::ApiError;
use super::page::Paging;

pub(super) async fn list(caller: Caller, paging: Paging) -> Result<Json<Page<Value>>, ApiError> {
    caller.needs(&[Scope::ViewGroup])?;
    Ok(Json(paging.page([])))
}
