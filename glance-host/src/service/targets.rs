//! Opens a panel, a dialog or an external page by its key, at a newly signed address.

mod template;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{Extra, Target};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::model::host_info::HostInfo;
use crate::model::module::{Kind, Module};
use crate::model::{Installed, Room, User};
use crate::service::actions::{Actions, OfferedAction};
use crate::service::addon_calls::AddOnCalls;
use crate::service::directory::Directory;
use crate::storage::{Storage, StorageError};

/// The target that a page wants to open: a module or a glance of an add-on by its key, the target of a glance even if
/// a module has its key, or the target of an action.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenRequest {
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

/// The reason why a target was not opened.
#[derive(Debug)]
pub(crate) enum TargetError {
    /// The request has no key.
    NoKey,
    /// The add-on is not installed in the room.
    NoAddOn,
    /// The message is not in the room.
    NoMessage,
    /// The add-on has no such target, as this sentence says.
    NotFound(String),
    /// The address of the target cannot be used, for this reason.
    Unusable(String),
    Storage(StorageError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("A key of what is to be opened is required"),
            Self::NoAddOn => f.write_str("The add-on is not installed in this room"),
            Self::NoMessage => f.write_str("The message is not in this room"),
            Self::NotFound(why) | Self::Unusable(why) => f.write_str(why),
            Self::Storage(cause) => cause.fmt(f),
        }
    }
}

impl Error for TargetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<StorageError> for TargetError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

/// Finds targets and signs their addresses.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    storage: Arc<dyn Storage>,
    directory: Directory,
    actions: Actions,
    addon_calls: AddOnCalls,
    info: Arc<HostInfo>,
}

impl Targets {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        directory: Directory,
        actions: Actions,
        addon_calls: AddOnCalls,
        info: Arc<HostInfo>,
    ) -> Self {
        Self {
            storage,
            directory,
            actions,
            addon_calls,
            info,
        }
    }

    /// Finds the target and signs its address. Returns what the page needs to open it.
    pub(crate) async fn open(
        &self,
        room: &Room,
        user: &User,
        request: OpenRequest,
        is_embedded: bool,
    ) -> Result<Value, TargetError> {
        let mut message = None;
        let mut line = None;
        let (installed, target) = match (&request.action, &request.glance, request.key) {
            // The message would leave the room.
            (Some(action), ..) if is_embedded => {
                return Err(TargetError::NotFound(format!(
                    "There is no action {action} on another site"
                )));
            }
            (Some(action), ..) => {
                if let Some(id) = &request.message {
                    let found = self.actions.find_message(room, id).await?;
                    message = Some(Arc::new(found.ok_or(TargetError::NoMessage)?));
                }
                let offered = self.actions.offered(room, user, message.as_ref()).await?;
                let found = offered.into_iter().find(|offered| {
                    offered.action.key == *action
                        && offered.installed.descriptor.key == request.add_on
                });
                let Some(OfferedAction { installed, action }) = found else {
                    return Err(TargetError::NotFound(format!(
                        "There is no action {action} here"
                    )));
                };
                (installed, action.target)
            }
            (None, Some(glance), _) => {
                let installed = installed(&self.directory, room, &request.add_on).await?;
                let own = self.target_of(&installed, room, glance).await?;
                line = Some(format!("{}:{glance}", request.add_on));
                (
                    Arc::new(installed),
                    own.unwrap_or(Target::Key(String::new())),
                )
            }
            (None, None, Some(key)) => {
                let installed = installed(&self.directory, room, &request.add_on).await?;
                (Arc::new(installed), Target::Key(key))
            }
            (None, None, None) => {
                return Err(TargetError::NoKey);
            }
        };

        let mut target = target;
        let key = target.key().unwrap_or_default();
        if line.is_none()
            && Module::find(&installed.descriptor, key).is_none()
            && let Some(own) = self.target_of(&installed, room, key).await?
        {
            // A glance opens its own target and stands above it.
            line = Some(format!("{}:{key}", request.add_on));
            target = own;
        }
        let key = target.key().unwrap_or_default();
        let module = Module::find(&installed.descriptor, key).ok_or_else(|| {
            TargetError::NotFound(format!("The add-on has no panel, dialog or page {key:?}"))
        })?;
        let message = message.map(|message| message.json());
        let mut values = request.values;
        if let Some(message) = &message {
            values.insert("message".to_owned(), message.clone());
        }
        let cannot = |why: String| {
            tracing::warn!(add_on = request.add_on, module = key, "cannot open: {why}");
            TargetError::Unusable(why)
        };
        let filled = template::fill(module.url, &values.into()).map_err(cannot)?;
        if filled.is_truncated {
            tracing::warn!(
                add_on = request.add_on,
                module = key,
                "values in the page's URL truncated: it would be longer than 16 KB"
            );
        }
        let authentication = module.authentication;
        let mut url = self
            .addon_calls
            .page_url(&installed, &filled.url, authentication, Some(room.id), user)
            .map_err(|error| cannot(error.to_string()))?;
        if let (Some(theme), Kind::Panel | Kind::Dialog) = (request.theme, module.kind) {
            let theme = match theme {
                Theme::Light => "light",
                Theme::Dark => "dark",
            };
            url.query_pairs_mut().append_pair("theme", theme);
        }
        Ok(json!({
            "kind": module.kind,
            "addOn": request.add_on,
            "key": key,
            "name": module.name,
            "url": url.as_str(),
            "isOwn": self.info.is_own(&url),
            "line": line,
            "options": merged(module.options, options(&target)),
            "message": message,
        }))
    }

    /// Returns the target of a declared or runtime glance.
    async fn target_of(
        &self,
        installed: &Installed,
        room: &Room,
        glance: &str,
    ) -> Result<Option<Target>, StorageError> {
        if let Some(declared) = installed.descriptor.glance(glance) {
            return Ok(declared.target.clone());
        }
        let id = &installed.oauth_id;
        let mut runtime = self.storage.glances_in(id, room.id).await?.into_iter();
        let created = runtime.find(|created| created.glance.key == glance);
        Ok(created.and_then(|created| created.glance.target))
    }
}

/// Returns the installation of an add-on that shows in a room.
pub(crate) async fn installed(
    directory: &Directory,
    room: &Room,
    add_on: &str,
) -> Result<Installed, TargetError> {
    let found = directory.find_add_on(room.id, add_on).await?;
    found.ok_or(TargetError::NoAddOn)
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
