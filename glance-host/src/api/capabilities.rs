//! `GET /v2/capabilities`: what the host says of itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use glance_sdk::model::{Extra, HostDocument};
use serde_json::json;

use crate::install::STEPS;
use crate::shared::Shared;

pub(super) async fn read(State(shared): State<Arc<Shared>>) -> Json<HostDocument> {
    tracing::info!(target: STEPS, "the add-on reads the host's capabilities");
    let mut document = HostDocument::new(&shared.api_url(), &shared.base_url);
    document.extra = Extra::from_iter([
        ("key".to_owned(), json!("glance-host")),
        ("name".to_owned(), json!("Glance host")),
        (
            "description".to_owned(),
            json!("A host for add-ons that show glances"),
        ),
        ("connect_server_api_version".to_owned(), json!(1)),
    ]);
    Json(document)
}
