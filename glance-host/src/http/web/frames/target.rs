//! Opens a panel, a dialog or an external page by its key, at a newly signed address.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use glance_sdk::extract::JsonBody;
use glance_sdk::model::{Extra, Target};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::actions::{self, Offered};
use super::{Refusal, installed, template};
use crate::http::state::AppState;
use crate::http::web::room_access::{Embedded, RoomAccess};
use crate::model::module::{Kind, Module};
use crate::model::{Installed, Room, User};
use crate::storage::StorageError;

/// The target that a page wants to open: a module or a glance of an add-on by its key, the target of a glance even if
/// a module has its key, or the target of an action.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    add_on: String,
    key: Option<String>,
    glance: Option<String>,
    action: Option<String>,
    /// The message that the action belongs to.
    message: Option<String>,
    /// The values for the variables of the address.
    #[serde(default)]
    values: Map<String, Value>,
    theme: Option<Theme>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Theme {
    Light,
    Dark,
}

pub(super) async fn open(
    State(app): State<AppState>,
    embedded: Option<Extension<Embedded>>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Value>, Refusal> {
    let opened = find(&app, &room, &user, wanted, embedded.is_some()).await?;
    Ok(Json(opened))
}

/// Finds the target and signs its address.
pub(crate) async fn find(
    app: &AppState,
    room: &Room,
    user: &User,
    wanted: Wanted,
    is_embedded: bool,
) -> Result<Value, Refusal> {
    let mut message = None;
    let mut line = None;
    let (installed, target) = match (&wanted.action, &wanted.glance, wanted.key) {
        // The message would leave the room.
        (Some(action), ..) if is_embedded => {
            return Err(Refusal::not_found(format!(
                "There is no action {action} on another site"
            )));
        }
        (Some(action), ..) => {
            if let Some(id) = &wanted.message {
                let found = actions::find_message(app, room, id).await?;
                message = Some(Arc::new(found));
            }
            let offered = actions::offered(app, room, user, message.as_ref()).await?;
            let found = offered.into_iter().find(|offered| {
                offered.action.key == *action && offered.installed.descriptor.key == wanted.add_on
            });
            let Some(Offered { installed, action }) = found else {
                return Err(Refusal::not_found(format!(
                    "There is no action {action} here"
                )));
            };
            (installed, action.target)
        }
        (None, Some(glance), _) => {
            let installed = installed(app, room, &wanted.add_on).await?;
            let own = target_of(app, &installed, room, glance).await?;
            line = Some(format!("{}:{glance}", wanted.add_on));
            (
                Arc::new(installed),
                own.unwrap_or(Target::Key(String::new())),
            )
        }
        (None, None, Some(key)) => {
            let installed = installed(app, room, &wanted.add_on).await?;
            (Arc::new(installed), Target::Key(key))
        }
        (None, None, None) => {
            let why = "A key of what is to be opened is required";
            return Err(Refusal(StatusCode::BAD_REQUEST, why.to_owned()));
        }
    };

    let mut target = target;
    let key = target.key().unwrap_or_default();
    if line.is_none()
        && Module::find(&installed.descriptor, key).is_none()
        && let Some(own) = target_of(app, &installed, room, key).await?
    {
        // A glance opens its own target and stands above it.
        line = Some(format!("{}:{key}", wanted.add_on));
        target = own;
    }
    let key = target.key().unwrap_or_default();
    let module = Module::find(&installed.descriptor, key).ok_or_else(|| {
        Refusal::not_found(format!("The add-on has no panel, dialog or page {key:?}"))
    })?;
    let message = message.map(|message| message.written());
    let mut values = wanted.values;
    if let Some(message) = &message {
        values.insert("message".to_owned(), message.clone());
    }
    let cannot = |why: String| {
        tracing::warn!(add_on = wanted.add_on, module = key, "cannot open: {why}");
        Refusal(StatusCode::BAD_GATEWAY, why)
    };
    let filled = template::fill(module.url, &values.into()).map_err(cannot)?;
    if filled.is_truncated {
        tracing::warn!(
            add_on = wanted.add_on,
            module = key,
            "values in the page's URL truncated: it would be longer than 16 KB"
        );
    }
    let authentication = module.authentication;
    let mut url = app
        .addon_calls
        .page_url(&installed, &filled.url, authentication, Some(room.id), user)
        .map_err(|error| cannot(error.to_string()))?;
    if let (Some(theme), Kind::Panel | Kind::Dialog) = (wanted.theme, module.kind) {
        let theme = match theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        url.query_pairs_mut().append_pair("theme", theme);
    }
    Ok(json!({
        "kind": module.kind,
        "addOn": wanted.add_on,
        "key": key,
        "name": module.name,
        "url": url.as_str(),
        "isOwn": app.info.is_own(&url),
        "line": line,
        "options": merged(module.options, options(&target)),
        "message": message,
    }))
}

/// Returns the target of a declared or runtime glance.
async fn target_of(
    app: &AppState,
    installed: &Installed,
    room: &Room,
    glance: &str,
) -> Result<Option<Target>, StorageError> {
    if let Some(declared) = installed.descriptor.glance(glance) {
        return Ok(declared.target.clone());
    }
    let runtime = app.storage.glances_in(&installed.oauth_id, room.id).await?;
    let created = runtime
        .into_iter()
        .find(|created| created.glance.key == glance);
    Ok(created.and_then(|created| created.glance.target))
}

fn options(target: &Target) -> Option<&Extra> {
    match target {
        Target::Object(object) => object.options.as_ref(),
        _ => None,
    }
}

/// Merges the options of the target into the declared ones.
fn merged(declared: Value, given: Option<&Extra>) -> Value {
    let mut merged = match declared {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, value) in given.into_iter().flatten() {
        merged.insert(name.clone(), value.clone());
    }
    merged.into()
}
