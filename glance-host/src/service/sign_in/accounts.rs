//! Signs people in, and finds the person in whose name the host acts by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glance_sdk::model::UserId;

use super::{SignInMethod, SignInState, name};
use crate::model::{Identity, NewRoom, User};
use crate::service::people::{self, People, Role};
use crate::service::rooms::{self, RoomError, Rooms};
use crate::storage::{PersonChange, SignedIn, Storage, StorageError};

/// Finds or creates the people who sign in. Clones share the state of the first room.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    storage: Arc<dyn Storage>,
    sign_in: Arc<SignInState>,
    people: People,
    rooms: Rooms,
    first_room: Arc<FirstRoom>,
}

/// The reason why nobody was signed in by a name.
#[derive(Debug)]
pub(crate) enum NameError {
    /// People sign in to this host in another way.
    OtherMethod,
    /// The text is no name.
    Invalid,
    Storage(StorageError),
}

impl From<StorageError> for NameError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

/// The reason why the role of a person was not changed.
#[derive(Debug)]
pub(crate) enum RoleError {
    /// A rule decides at sign-in who is an admin.
    DecidedAtSignIn,
    /// Nobody else is an admin.
    LastAdmin,
    /// Others change the person at the same time.
    Busy,
    Storage(StorageError),
}

impl From<StorageError> for RoleError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

/// The room that a host without rooms gets.
#[derive(Debug)]
struct FirstRoom {
    name: Option<String>,
    /// Whether the host had a room: later it may have none, and gets no other.
    is_settled: AtomicBool,
}

impl Accounts {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        sign_in: Arc<SignInState>,
        people: People,
        rooms: Rooms,
        first_room: Option<String>,
    ) -> Self {
        Self {
            storage,
            sign_in,
            people,
            rooms,
            first_room: Arc::new(FirstRoom {
                is_settled: AtomicBool::new(first_room.is_none()),
                name: first_room,
            }),
        }
    }

    /// Returns the person for what the host does by itself: the person at this machine, or the first admin. Returns
    /// `None` on a host without people.
    pub(crate) async fn default_owner(&self) -> Result<Option<User>, StorageError> {
        if let SignInMethod::Local(user) = self.sign_in.method {
            return self.storage.user(user).await;
        }
        self.storage.first_admin().await
    }

    /// Makes a person an admin, a member or a guest. Does nothing if there is no such person.
    pub(crate) async fn set_role(&self, id: UserId, role: Role) -> Result<(), RoleError> {
        if self.sign_in.decides_admins()
            && let Some(user) = self.storage.user(id).await?
            && user.is_admin != (role == Role::Admin)
        {
            return Err(RoleError::DecidedAtSignIn);
        }
        match self.people.set_role(id, role).await? {
            PersonChange::LastAdmin => Err(RoleError::LastAdmin),
            PersonChange::Stale => Err(RoleError::Busy),
            _ => Ok(()),
        }
    }

    /// Finds or creates the person with this identity. Creates the first room after the first admin signed in.
    pub(crate) async fn sign_in_identity(&self, identity: &Identity) -> Result<User, StorageError> {
        let effects = |signed_in: &SignedIn| people::effects(&signed_in.before, &signed_in.after);
        let signed_in = self.storage.sign_in(identity, Box::new(effects)).await?;
        self.open_first_room().await?;
        Ok(signed_in.after)
    }

    /// Finds or creates the person who typed this name.
    pub(crate) async fn sign_in_by_name(&self, typed: &str) -> Result<User, NameError> {
        if !matches!(self.sign_in.method, SignInMethod::Name) {
            return Err(NameError::OtherMethod);
        }
        let name = name::typed(typed).ok_or(NameError::Invalid)?;
        let identity = Identity {
            provider: None,
            subject: name.clone(),
            name,
            email: None,
            timezone: None,
            is_admin: None,
        };
        Ok(self.sign_in_identity(&identity).await?)
    }

    /// Creates the first room if the host has none, and somebody who can own it.
    pub(crate) async fn open_first_room(&self) -> Result<(), StorageError> {
        let FirstRoom { name, is_settled } = &*self.first_room;
        let Some(name) = name
            .as_ref()
            .filter(|_| !is_settled.load(Ordering::Relaxed))
        else {
            return Ok(());
        };
        let Some(owner) = self.default_owner().await? else {
            return Ok(());
        };
        let new = NewRoom {
            name: name.clone(),
            is_public: true,
            owner: owner.id,
            topic: String::new(),
        };
        self.rooms.create_first(&new).await?;
        is_settled.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Returns why the first room cannot have this name.
pub(crate) fn check_first_room(name: &str) -> Result<(), RoomError> {
    rooms::check(name, "")
}
