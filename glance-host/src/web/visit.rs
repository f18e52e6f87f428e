//! Who asks for a page, and the room it is about.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{Method, header};
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::pages::PageError;
use crate::access::{self, Access};
use crate::peer::Peer;
use crate::shared::Shared;
use crate::sign_in::{Change, Way, session};
use crate::state::{Room, Session, StateError, User};

/// The person who asks.
#[derive(Clone)]
pub(super) struct Person(pub(super) User);

impl Person {
    /// Whether they may change what is installed for all rooms.
    pub(super) fn may_manage(&self) -> bool {
        self.0.is_admin && !self.0.is_guest
    }
}

impl FromRequestParts<Arc<Shared>> for Person {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, PageError> {
        Asking::find(parts, shared)
            .await
            .map(|asking| Self(asking.user))
    }
}

/// An admin who asks.
pub(super) struct Admin(pub(super) User);

impl FromRequestParts<Arc<Shared>> for Admin {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, PageError> {
        let Person(user) = Person::from_request_parts(parts, shared).await?;
        match user.is_admin {
            true => Ok(Self(user)),
            false => Err(PageError::NotAllowed("Only an admin may do this.")),
        }
    }
}

/// The room in a page's address, and the person who is let into it. For everyone else there is no
/// such room.
pub(super) struct Visit {
    pub(super) room: Room,
    pub(super) user: User,
}

impl Visit {
    /// Whether this person may change the room and its integrations.
    pub(super) fn may_manage(&self) -> bool {
        access::manages(&self.user, &self.room)
    }
}

#[derive(Deserialize)]
struct Address {
    room: String,
}

impl FromRequestParts<Arc<Shared>> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, PageError> {
        let Person(user) = Person::from_request_parts(parts, shared).await?;
        let Path(Address { room }) = Path::from_request_parts(parts, shared)
            .await
            .map_err(|_| PageError::NoRoom)?;
        let id = room.parse().map_err(|_| PageError::NoRoom)?;
        let room = shared.state.room(id).await?.ok_or(PageError::NoRoom)?;
        match Access::of(shared, &user).await?.may_enter(&room) {
            true => Ok(Self { room, user }),
            false => Err(PageError::NoRoom),
        }
    }
}

/// A visit of a person who may change the room and its integrations.
pub(super) struct Manage(pub(super) Visit);

impl FromRequestParts<Arc<Shared>> for Manage {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, PageError> {
        let visit = Visit::from_request_parts(parts, shared).await?;
        match visit.may_manage() {
            true => Ok(Self(visit)),
            false => Err(PageError::NotAllowed(
                "Only the room's owner or an admin may do this.",
            )),
        }
    }
}

/// What a request says of who asks, looked up once.
#[derive(Clone)]
struct Asking {
    user: User,
    session: Option<Session>,
}

impl Asking {
    async fn find(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, PageError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let mut session = None;
        let user = match &shared.entrance.way {
            Way::Local(user) => shared.state.user(*user).await?,
            Way::Proxy(proxy) => {
                let peer = parts.extensions.get::<ConnectInfo<Peer>>();
                let identity = proxy
                    .identity(peer.map(|ConnectInfo(Peer(peer))| *peer), &parts.headers)
                    .map_err(PageError::NotVouchedFor)?;
                Some(shared.state.user_of(&identity).await?)
            }
            _ => match session::find(shared, &parts.headers).await? {
                Some(found) => {
                    let user = shared.state.user(found.user).await?;
                    session = Some(found);
                    user
                }
                None => None,
            },
        };
        let user = user.ok_or_else(|| PageError::SignIn(page_address(parts)))?;
        if user.is_removed {
            return Err(PageError::NotAllowed(
                "An admin removed you from this host.",
            ));
        }
        let asking = Self { user, session };
        parts.extensions.insert(asking.clone());
        Ok(asking)
    }
}

/// Where a browser that asks for a page shall come back to once its person signed in; whatever else
/// asks is told with a status alone.
fn page_address(parts: &Parts) -> Option<String> {
    let accepted = parts.headers.get(header::ACCEPT);
    let is_page = parts.method == Method::GET
        && accepted.is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    is_page.then(|| parts.uri.path().to_owned())
}

/// How long a visit lasts: until the session ends, or the person may not enter the room any more.
pub(super) struct Stay {
    shared: Arc<Shared>,
    asking: Asking,
    room: Room,
    changes: broadcast::Receiver<Change>,
}

impl FromRequestParts<Arc<Shared>> for Stay {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, PageError> {
        // First listen, then look: nothing that happens in between is missed.
        let changes = shared.entrance.changes();
        let Visit { room, .. } = Visit::from_request_parts(parts, shared).await?;
        let asking = Asking::find(parts, shared).await?;
        Ok(Self {
            shared: Arc::clone(shared),
            asking,
            room,
            changes,
        })
    }
}

impl Stay {
    /// Completes when the visit ends.
    pub(super) async fn ends(mut self) {
        loop {
            let left = self.left();
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(change) if !self.concerns(&change) => continue,
                    Err(RecvError::Closed) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                },
                () = tokio::time::sleep(left) => {}
            }
            match self.may_go_on().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(cause) => {
                    tracing::error!("nobody knows whether a visit may go on: {cause}");
                    return;
                }
            }
        }
    }

    fn concerns(&self, change: &Change) -> bool {
        match change {
            Change::Session(ended) => {
                let session = self.asking.session.as_ref();
                session.is_some_and(|session| session.digest == *ended)
            }
            Change::Person(person) => self.asking.user.id == *person,
            Change::Room(room) => self.room.id == *room,
        }
    }

    /// How long the session holds; what has none ends by a change only.
    fn left(&self) -> Duration {
        let session = self.asking.session.as_ref();
        let left = session.map(|session| session.expires_at - self.shared.clock.now());
        let left = left.map_or(u64::from(u32::MAX), |left| u64::try_from(left).unwrap_or(0));
        Duration::from_secs(left.max(1))
    }

    async fn may_go_on(&mut self) -> Result<bool, StateError> {
        let state = &self.shared.state;
        if let Some(session) = &mut self.asking.session {
            let now = self.shared.clock.now();
            match state.session(&session.digest).await? {
                Some(found) if found.expires_at > now => *session = found,
                _ => return Ok(false),
            }
        }
        let (Some(user), Some(room)) = (
            state.user(self.asking.user.id).await?,
            state.room(self.room.id).await?,
        ) else {
            return Ok(false);
        };
        Ok(Access::of(&self.shared, &user).await?.may_enter(&room))
    }
}
