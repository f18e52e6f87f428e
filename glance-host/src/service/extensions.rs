//! Runtime extensions: the glances, actions and webhooks that an add-on creates, and the data that it pushes to its
//! glances.

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{Action, Glance, OauthId, RoomId, UserId, Webhook};

use crate::model::clock::Clock;
use crate::model::event::{Event, Topic};
use crate::model::{
    Data, Installed, MAX_EXTENSION_BYTES, MAX_RUNTIME_ACTIONS, MAX_RUNTIME_GLANCES,
    MAX_RUNTIME_WEBHOOKS, Place, Push, RegisteredWebhook, Restriction, RuntimeAction,
    RuntimeGlance, is_shared_by_room,
};
use crate::service::metrics::Metrics;
use crate::storage::{Effects, Storage, StorageError};

/// Creates and removes runtime extensions, and takes pushes.
#[derive(Debug, Clone)]
pub(crate) struct Extensions {
    storage: Arc<dyn Storage>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

/// The kind of an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Glance,
    Action,
    Webhook,
}

/// The key or the number of a webhook, as an address has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WebhookName<'a> {
    Key(&'a str),
    Id(&'a str),
}

/// Why an extension was not found, created or removed, or data not pushed.
#[derive(Debug)]
pub(crate) enum ExtensionError {
    /// The descriptor declares the extension, so it cannot be replaced or removed.
    Declared {
        kind: Kind,
        key: String,
        change: &'static str,
    },
    /// An installation in one room creates nothing for the group.
    OnlyInRoom(Kind),
    /// The place has the maximum of them.
    TooMany(Kind, Place),
    /// The installation would have too much.
    TooLarge(Kind),
    /// The key belongs to a glance of the other kind of place.
    KeyElsewhere(Place, String),
    /// Everyone in a room sees the same data of the glance with this key, so one person gets none.
    SharedByRoom(String),
    NotFound(Kind, String),
    Storage(StorageError),
}

impl From<StorageError> for ExtensionError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

impl Extensions {
    pub(crate) fn new(storage: Arc<dyn Storage>, metrics: Arc<Metrics>, clock: Clock) -> Self {
        Self {
            storage,
            metrics,
            clock,
        }
    }

    /// Finds a glance that the descriptor declares, or that the add-on created in this place.
    pub(crate) async fn glance(
        &self,
        installed: &Installed,
        place: Place,
        key: &str,
    ) -> Result<Glance, ExtensionError> {
        if let Some(declared) = installed.descriptor.glance(key) {
            return Ok(declared.clone());
        }
        let id = &installed.oauth_id;
        let created = self.storage.glance(id, place, key).await?;
        created.ok_or_else(|| ExtensionError::NotFound(Kind::Glance, key.to_owned()))
    }

    /// Creates or replaces a glance.
    pub(crate) async fn put_glance(
        &self,
        installed: &Installed,
        place: Place,
        glance: Glance,
    ) -> Result<(), ExtensionError> {
        check_place(installed, place, Kind::Glance)?;
        let is_declared = installed.descriptor.glance(&glance.key).is_some();
        refuse_declared(is_declared, Kind::Glance, &glance.key, "replaced")?;
        let key = glance.key.clone();
        let created = RuntimeGlance {
            oauth_id: installed.oauth_id.clone(),
            place,
            glance,
        };
        let put = self.storage.put_glance(&created, changed(place)).await?;
        put.map_err(|restriction| restricted(restriction, Kind::Glance, place, key))
    }

    pub(crate) async fn remove_glance(
        &self,
        installed: &Installed,
        place: Place,
        key: &str,
    ) -> Result<(), ExtensionError> {
        let is_declared = installed.descriptor.glance(key).is_some();
        refuse_declared(is_declared, Kind::Glance, key, "removed")?;
        let id = &installed.oauth_id;
        let removed = self.storage.remove_glance(id, place, key, changed(place));
        if !removed.await? {
            return Err(ExtensionError::NotFound(Kind::Glance, key.to_owned()));
        }
        Ok(())
    }

    /// Finds an action that the descriptor declares, or that the add-on created in this place.
    pub(crate) async fn action(
        &self,
        installed: &Installed,
        place: Place,
        key: &str,
    ) -> Result<Action, ExtensionError> {
        if let Some(declared) = declared_action(installed, key) {
            return Ok(declared.clone());
        }
        let id = &installed.oauth_id;
        let created = self.storage.action(id, place, key).await?;
        created.ok_or_else(|| ExtensionError::NotFound(Kind::Action, key.to_owned()))
    }

    /// Creates or replaces an action.
    pub(crate) async fn put_action(
        &self,
        installed: &Installed,
        place: Place,
        action: Action,
    ) -> Result<(), ExtensionError> {
        check_place(installed, place, Kind::Action)?;
        let is_declared = declared_action(installed, &action.key).is_some();
        refuse_declared(is_declared, Kind::Action, &action.key, "replaced")?;
        let key = action.key.clone();
        let created = RuntimeAction {
            oauth_id: installed.oauth_id.clone(),
            place,
            action,
        };
        let put = self.storage.put_action(&created, changed(place)).await?;
        put.map_err(|restriction| restricted(restriction, Kind::Action, place, key))
    }

    pub(crate) async fn remove_action(
        &self,
        installed: &Installed,
        place: Place,
        key: &str,
    ) -> Result<(), ExtensionError> {
        let is_declared = declared_action(installed, key).is_some();
        refuse_declared(is_declared, Kind::Action, key, "removed")?;
        let id = &installed.oauth_id;
        let removed = self.storage.remove_action(id, place, key, changed(place));
        if !removed.await? {
            return Err(ExtensionError::NotFound(Kind::Action, key.to_owned()));
        }
        Ok(())
    }

    /// Lists the webhooks of an installation for a room: those that its descriptor declares, and those that it created.
    pub(crate) async fn webhooks(
        &self,
        installed: &Installed,
        room: RoomId,
    ) -> Result<Vec<RegisteredWebhook>, ExtensionError> {
        Ok(self.storage.webhooks_of(&installed.oauth_id, room).await?)
    }

    pub(crate) async fn webhook(
        &self,
        installed: &Installed,
        room: RoomId,
        name: WebhookName<'_>,
    ) -> Result<RegisteredWebhook, ExtensionError> {
        let mut all = self.webhooks(installed, room).await?.into_iter();
        let found = match name {
            WebhookName::Key(key) => all.find(|one| one.webhook.key.as_deref() == Some(key)),
            WebhookName::Id(id) => {
                let id = id.parse().ok();
                all.find(|one| Some(one.id) == id)
            }
        };
        found.ok_or_else(|| name.not_found())
    }

    /// Creates a webhook, or replaces the one with its key. Returns its id.
    pub(crate) async fn put_webhook(
        &self,
        installed: &Installed,
        room: RoomId,
        webhook: &Webhook,
    ) -> Result<u64, ExtensionError> {
        let all = self.webhooks(installed, room).await?;
        let same_key = |one: &&RegisteredWebhook| {
            one.room_id.is_none() && webhook.key.is_some() && one.webhook.key == webhook.key
        };
        if let Some(declared) = all.iter().find(same_key) {
            refuse_declared(true, Kind::Webhook, &name_of(declared), "replaced")?;
        }
        let put = self.storage.put_webhook(&installed.oauth_id, room, webhook);
        let place = Place::Room(room);
        put.await?.map_err(|restriction| {
            let key = webhook.key.clone().unwrap_or_default();
            restricted(restriction, Kind::Webhook, place, key)
        })
    }

    pub(crate) async fn remove_webhook(
        &self,
        installed: &Installed,
        room: RoomId,
        name: WebhookName<'_>,
    ) -> Result<(), ExtensionError> {
        let found = self.webhook(installed, room, name).await?;
        let is_declared = found.room_id.is_none();
        refuse_declared(is_declared, Kind::Webhook, &name_of(&found), "removed")?;
        let id = &installed.oauth_id;
        match self.storage.remove_webhook(id, found.id).await? {
            true => Ok(()),
            false => Err(name.not_found()),
        }
    }

    /// Stores new data of glances and shows it: to this room or to all rooms of the installation, and to everyone
    /// or to one person. Changes nothing if one of the glances is unknown, or if the data is for one person although
    /// everyone in a room sees the same.
    pub(crate) async fn push(
        &self,
        installed: &Installed,
        room: Option<RoomId>,
        user: Option<UserId>,
        glances: Vec<(String, Data)>,
    ) -> Result<(), ExtensionError> {
        let id = &installed.oauth_id;
        let room = room.or(installed.room_id);
        for (key, _) in &glances {
            let declared = installed.descriptor.glance(key);
            if declared.is_none() && !self.storage.has_glance(id, key).await? {
                return Err(ExtensionError::NotFound(Kind::Glance, key.clone()));
            }
            if user.is_none() {
                continue;
            }
            let is_shared = match declared {
                Some(glance) => is_shared_by_room(glance),
                None => self.runtime_glance_is_shared(id, room, key).await?,
            };
            if is_shared {
                return Err(ExtensionError::SharedByRoom(key.clone()));
            }
        }
        let place = room.map_or(Place::Global, Place::Room);
        let push = Push::new(id.clone(), place, user, self.clock.now_millis(), glances);
        // Nothing is stored if the installation, the room or the person was removed meanwhile: nobody sees it.
        self.storage.push(push).await?;
        self.metrics.pushed();
        Ok(())
    }

    /// Returns whether everyone in a room sees the same data of the runtime glance with this key: of the one that this
    /// room shows, or of any if the data is for all rooms.
    async fn runtime_glance_is_shared(
        &self,
        id: &OauthId,
        room: Option<RoomId>,
        key: &str,
    ) -> Result<bool, StorageError> {
        let Some(room) = room else {
            return self.storage.has_glance_shared_by_room(id, key).await;
        };
        // A room and the group never have a glance with the same key.
        let mut glance = self.storage.glance(id, Place::Global, key).await?;
        if glance.is_none() {
            glance = self.storage.glance(id, Place::Room(room), key).await?;
        }
        Ok(glance.as_ref().is_some_and(is_shared_by_room))
    }
}

/// Refuses an extension for the whole group of an installation in one room.
fn check_place(installed: &Installed, place: Place, kind: Kind) -> Result<(), ExtensionError> {
    match place == Place::Global && installed.room_id.is_some() {
        true => Err(ExtensionError::OnlyInRoom(kind)),
        false => Ok(()),
    }
}

/// Refuses the change of an extension that the descriptor declares.
fn refuse_declared(
    is_declared: bool,
    kind: Kind,
    key: &str,
    change: &'static str,
) -> Result<(), ExtensionError> {
    match is_declared {
        true => Err(ExtensionError::Declared {
            kind,
            key: key.to_owned(),
            change,
        }),
        false => Ok(()),
    }
}

fn declared_action<'i>(installed: &'i Installed, key: &str) -> Option<&'i Action> {
    let mut declared = installed.descriptor.capabilities.actions().iter();
    declared.find(|action| action.key == key)
}

/// Returns the effects of a change to an extension: the rooms in which it shows reload.
fn changed(place: Place) -> Effects {
    Effects::none().event(Topic::of(place.room()), Event::Changed)
}

/// Returns the key of a webhook, or its number if it has none.
fn name_of(webhook: &RegisteredWebhook) -> String {
    let key = webhook.webhook.key.clone();
    key.unwrap_or_else(|| webhook.id.to_string())
}

impl WebhookName<'_> {
    fn not_found(self) -> ExtensionError {
        let (Self::Key(name) | Self::Id(name)) = self;
        ExtensionError::NotFound(Kind::Webhook, name.to_owned())
    }
}

impl Kind {
    fn max(self) -> u32 {
        match self {
            Self::Glance => MAX_RUNTIME_GLANCES,
            Self::Action => MAX_RUNTIME_ACTIONS,
            Self::Webhook => MAX_RUNTIME_WEBHOOKS,
        }
    }
}

fn restricted(restriction: Restriction, kind: Kind, place: Place, key: String) -> ExtensionError {
    match restriction {
        Restriction::TooMany => ExtensionError::TooMany(kind, place),
        Restriction::TooLarge => ExtensionError::TooLarge(kind),
        Restriction::KeyElsewhere => ExtensionError::KeyElsewhere(place, key),
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Glance => "glance",
            Self::Action => "action",
            Self::Webhook => "webhook",
        })
    }
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared { kind, key, change } => write!(
                f,
                "The {kind} {key} is declared in the descriptor and cannot be {change}"
            ),
            Self::OnlyInRoom(kind) => write!(
                f,
                "This integration is installed in one room and cannot create a global {kind}"
            ),
            Self::TooMany(kind, Place::Room(_)) => write!(
                f,
                "There are {} {kind}s in this room, which is the maximum",
                kind.max()
            ),
            Self::TooMany(kind, Place::Global) => write!(
                f,
                "There are {} global {kind}s, which is the maximum",
                kind.max()
            ),
            Self::TooLarge(kind) => write!(
                f,
                "The {kind} does not fit: the glances, actions and webhooks that this integration created have {} MB, \
                 which is the maximum; delete some first",
                MAX_EXTENSION_BYTES / 1_000_000
            ),
            Self::KeyElsewhere(Place::Global, key) => write!(
                f,
                "A room has a glance with the key {key}; a global glance needs another"
            ),
            Self::KeyElsewhere(Place::Room(_), key) => write!(
                f,
                "A global glance has the key {key}; a room's glance needs another"
            ),
            Self::SharedByRoom(key) => write!(
                f,
                "Glance {key} cannot be pushed to one person, because its audience is room: everyone in a room sees \
                 the same data; push it to addon/ui/room/{{room}} or addon/ui"
            ),
            Self::NotFound(Kind::Glance, key) => write!(f, "Glance {key} not found"),
            Self::NotFound(Kind::Action, key) => write!(f, "Action {key} not found"),
            Self::NotFound(Kind::Webhook, name) => write!(f, "Webhook {name} not found"),
            Self::Storage(cause) => cause.fmt(f),
        }
    }
}
