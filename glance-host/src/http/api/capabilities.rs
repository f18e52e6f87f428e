//! `GET /v2/capabilities`: the description of the host for add-ons.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use glance_sdk::model::{Extra, HostDocument, Scope};
use glance_sdk::schema;
use serde_json::{Value, json};

use crate::model::host_info::HostInfo;
use crate::service::install::STEPS;

/// Describes what a scope permits on this host.
pub(crate) fn describe(scope: &Scope) -> Option<&'static str> {
    let found = SCOPES.iter().find(|(known, _)| known == scope);
    found.map(|(_, what)| *what)
}

/// The scopes that permit something on this host.
const SCOPES: [(Scope, &str); 8] = [
    (Scope::SendNotification, "Write notifications into rooms"),
    (
        Scope::SendMessage,
        "Write messages into rooms and to people",
    ),
    (Scope::ViewRoom, "See a room and who is in it"),
    (Scope::AdminRoom, "Administer a room"),
    (Scope::ViewGroup, "See the rooms and people of the group"),
    (Scope::ManageRooms, "Create and delete rooms"),
    (Scope::ViewMessages, "Read what was written into rooms"),
    (
        Scope::ViewerToken,
        "Show the glances of a room on other sites, to whom it vouches for",
    ),
];

pub(super) async fn read(State(info): State<Arc<HostInfo>>) -> Json<HostDocument> {
    tracing::info!(target: STEPS, "the add-on reads the host's capabilities");
    let mut document = HostDocument::new(&info.api_url(), &info.base_url);
    document.extra = Extra::from_iter([
        ("key".to_owned(), json!("glance-host")),
        ("name".to_owned(), json!(info.product)),
        (
            "description".to_owned(),
            json!("A host for add-ons that show glances"),
        ),
        ("connect_server_api_version".to_owned(), json!(1)),
    ]);
    let scopes = SCOPES.map(|(scope, what)| {
        let id = scope.as_str().to_owned();
        let described = json!({ "id": id, "name": what, "description": what });
        (id, described)
    });
    let provider = &mut document.capabilities.hipchat_api_provider;
    provider.extra =
        Extra::from_iter([("availableScopes".to_owned(), json!(BTreeMap::from(scopes)))]);
    Json(document)
}

/// `GET /v2/capabilities/addon/schema`: the JSON Schema of descriptors.
pub(super) async fn descriptor_schema() -> Json<Value> {
    Json(schema::descriptor())
}
