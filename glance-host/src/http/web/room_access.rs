//! The person behind a request, and the room that it is about.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use glance_sdk::model::RoomId;
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::cookies::{Cookies, SESSION};
use super::pages::PageError;
use super::sign_in;
use crate::cluster::bus::Delivery;
use crate::http::body_limit;
use crate::http::state::AppState;
use crate::model::access;
use crate::model::access::Access;
use crate::model::clock::Clock;
use crate::model::event::{AccessChange, Event};
use crate::model::{Room, Session, User};
use crate::service::embed::{Embeds, Visitor};
use crate::service::sign_in::SignInMethod;
use crate::storage::{Storage, StorageError};

/// The person behind a request.
#[derive(Clone)]
pub(super) struct Person(pub(super) User);

impl Person {
    /// Returns whether they may change the integrations of all rooms.
    pub(super) fn may_manage(&self) -> bool {
        access::manages_group(&self.0)
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let authentication = Authentication::find(parts, app).await?;
        Ok(Self(authentication.user))
    }
}

/// The admin behind a request.
pub(super) struct Admin(pub(super) User);

impl FromRequestParts<AppState> for Admin {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let Person(user) = Person::from_request_parts(parts, app).await?;
        match user.is_admin {
            true => Ok(Self(user)),
            false => Err(PageError::NotAllowed("Only an admin may do this.")),
        }
    }
}

/// The room in a page's address, and a person who may enter it. Everyone else gets a 404.
pub(super) struct RoomAccess {
    pub(super) room: Room,
    pub(super) user: User,
}

impl RoomAccess {
    /// Returns whether this person may change the room and its integrations.
    pub(super) fn may_manage(&self) -> bool {
        access::manages(&self.user, &self.room)
    }
}

#[derive(Deserialize)]
struct Address {
    room: String,
}

/// Returns the room in a page's address.
async fn room_id(parts: &mut Parts, app: &AppState) -> Result<RoomId, PageError> {
    let Path(Address { room }) = Path::from_request_parts(parts, app)
        .await
        .map_err(|_| PageError::NoRoom)?;
    room.parse().map_err(|_| PageError::NoRoom)
}

impl FromRequestParts<AppState> for RoomAccess {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let Person(user) = Person::from_request_parts(parts, app).await?;
        let id = room_id(parts, app).await?;
        let authentication = Authentication::find(parts, app).await?;
        let room = app.storage.room(id).await?;
        // Read for a missing room too, so that the response time tells nothing.
        let rights = authentication.rights(&*app.storage, &user).await?;
        let room = room.filter(|room| rights.may_enter(room));
        match room {
            Some(room) => Ok(Self { room, user }),
            None => Err(PageError::NoRoom),
        }
    }
}

/// A person who may change the room and its integrations.
pub(super) struct RoomManager(pub(super) RoomAccess);

impl FromRequestParts<AppState> for RoomManager {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let access = RoomAccess::from_request_parts(parts, app).await?;
        match access.may_manage() {
            true => Ok(Self(access)),
            false => Err(PageError::NotAllowed(
                "Only the room's owner or an admin may do this.",
            )),
        }
    }
}

/// Whether the request comes from a guest of another site, who has no name.
pub(super) struct Guest(pub(super) bool);

impl FromRequestParts<AppState> for Guest {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let authentication = Authentication::find(parts, app).await?;
        Ok(Self(authentication.is_guest()))
    }
}

/// Marks a request of a sidebar on another site: a viewer token authenticates it, and cookies are ignored.
#[derive(Clone)]
pub(super) struct Embedded;

/// The authentication of a request, looked up once.
#[derive(Clone)]
struct Authentication {
    user: User,
    by: AuthMethod,
}

/// The way in which a person was authenticated.
#[derive(Clone)]
enum AuthMethod {
    /// The machine that they use, or a proxy that vouches for them with each request.
    SignInMethod,
    Session(Session),
    /// A viewer token, or a room that is open to everyone.
    Embedded(Visitor),
}

/// The rooms that a person may enter.
enum Rights<'a> {
    /// The one room of a guest of another site, whom an add-on of the room let in, or the host because it is open to
    /// everyone.
    Guest,
    Person(Access<'a>),
}

impl Rights<'_> {
    fn may_enter(&self, room: &Room) -> bool {
        match self {
            Self::Guest => true,
            Self::Person(access) => access.may_enter(room),
        }
    }
}

impl Authentication {
    async fn find(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let authentication = match parts.extensions.get::<Embedded>() {
            Some(Embedded) => Self::find_visitor(parts, app).await?,
            None => Self::find_person(parts, app).await?,
        };
        if authentication.user.is_removed {
            return Err(PageError::NotAllowed(
                "An admin removed you from this host.",
            ));
        }
        if authentication.is_proven() {
            body_limit::sender_is_known(&mut parts.extensions);
        }
        parts.extensions.insert(authentication.clone());
        Ok(authentication)
    }

    async fn find_visitor(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let room = room_id(parts, app).await?;
        let token = parts.headers.get(header::AUTHORIZATION);
        let token = token.map(|value| {
            let bearer = value
                .to_str()
                .ok()
                .and_then(|text| text.strip_prefix("Bearer "));
            bearer.unwrap_or_default()
        });
        let visitor = app.embeds.visitor(room, token).await?;
        let visitor = visitor.ok_or(PageError::SignIn(None))?;
        Ok(Self {
            user: visitor.user.clone(),
            by: AuthMethod::Embedded(visitor),
        })
    }

    async fn find_person(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        let mut by = AuthMethod::SignInMethod;
        let user = match &app.sign_in.method {
            SignInMethod::Local(user) => app.storage.user(*user).await?,
            SignInMethod::Proxy(proxy) => {
                let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
                let identity = proxy
                    .identity(peer.map(|ConnectInfo(peer)| peer.ip()), |name| {
                        let values = parts.headers.get_all(name).iter();
                        values.map(HeaderValue::as_bytes).collect()
                    })
                    .map_err(PageError::UnknownPerson)?;
                Some(app.accounts.sign_in_identity(&identity).await?)
            }
            _ => {
                let session = match Cookies::from_ref(app).find(&parts.headers, SESSION) {
                    Some(id) => app.sessions.find(&id).await?,
                    None => None,
                };
                match session {
                    Some(found) => {
                        let user = app.storage.user(found.user).await?;
                        by = AuthMethod::Session(found);
                        user
                    }
                    None => None,
                }
            }
        };
        let user = user.ok_or_else(|| PageError::SignIn(sign_in::way_back(parts, &app.info)))?;
        Ok(Self { user, by })
    }

    fn is_guest(&self) -> bool {
        matches!(&self.by, AuthMethod::Embedded(visitor) if visitor.is_guest)
    }

    /// Returns whether anything authenticates the person; nothing does if the room is open to everyone.
    fn is_proven(&self) -> bool {
        !matches!(&self.by, AuthMethod::Embedded(visitor) if visitor.pass.is_none())
    }

    /// Returns the rooms that the person may enter with their current role.
    async fn rights<'a>(
        &self,
        storage: &dyn Storage,
        user: &'a User,
    ) -> Result<Rights<'a>, StorageError> {
        Ok(match self.is_guest() {
            true => Rights::Guest,
            false => Rights::Person(Access::new(user, storage.memberships(user.id).await?)),
        })
    }

    fn session(&self) -> Option<&Session> {
        match &self.by {
            AuthMethod::Session(session) => Some(session),
            AuthMethod::SignInMethod | AuthMethod::Embedded(_) => None,
        }
    }

    fn visitor(&self) -> Option<&Visitor> {
        match &self.by {
            AuthMethod::Embedded(visitor) => Some(visitor),
            AuthMethod::SignInMethod | AuthMethod::Session(_) => None,
        }
    }

    /// Returns when the session or token expires.
    fn expires_at(&self) -> Option<i64> {
        match &self.by {
            AuthMethod::SignInMethod => None,
            AuthMethod::Session(session) => Some(session.expires_at),
            AuthMethod::Embedded(visitor) => visitor.pass.as_ref().map(|pass| pass.expires_at),
        }
    }
}

/// Watches whether a page may stay open: until the session ends, or the person may no longer enter the room.
pub(super) struct OpenPage {
    storage: Arc<dyn Storage>,
    embeds: Embeds,
    clock: Clock,
    authentication: Authentication,
    room: Room,
    changes: broadcast::Receiver<Arc<Delivery>>,
}

impl FromRequestParts<AppState> for OpenPage {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        // Subscribe before reading, so that no event in between is missed.
        let changes = app.bus.subscribe_access();
        let RoomAccess { room, .. } = RoomAccess::from_request_parts(parts, app).await?;
        let authentication = Authentication::find(parts, app).await?;
        Ok(Self {
            storage: Arc::clone(&app.storage),
            embeds: app.embeds.clone(),
            clock: app.clock.clone(),
            authentication,
            room,
            changes,
        })
    }
}

impl OpenPage {
    /// Completes when the page has to close.
    pub(super) async fn ends(mut self) {
        loop {
            let left = self.left();
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(change) if !self.concerns(&change.event) => continue,
                    Err(RecvError::Closed) => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                },
                () = self.clock.sleep(left) => {}
            }
            // Boxed: it is rare, and a waiting page should not reserve memory for it.
            match Box::pin(self.may_go_on()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(cause) => {
                    tracing::error!(
                        error = format!("{cause:#}"),
                        "cannot re-check access of an open page"
                    );
                    return;
                }
            }
        }
    }

    pub(super) fn is_guest(&self) -> bool {
        self.authentication.is_guest()
    }

    /// Returns whether another site shows the room.
    pub(super) fn is_embedded(&self) -> bool {
        self.authentication.visitor().is_some()
    }

    fn concerns(&self, event: &Event) -> bool {
        let Event::Access(change) = event else {
            return false;
        };
        match change {
            AccessChange::SessionEnded(ended) => {
                let session = self.authentication.session();
                session.is_some_and(|session| session.digest == *ended)
            }
            AccessChange::Person(person) => self.authentication.user.id == *person,
            AccessChange::Room(room) => self.room.id == *room,
            AccessChange::Installation(id) => {
                let pass = self
                    .authentication
                    .visitor()
                    .and_then(|visitor| visitor.pass.as_ref());
                pass.is_some_and(|pass| pass.issuer == *id)
            }
        }
    }

    /// Returns the remaining lifetime of the session or token; without one, only a change ends the access.
    fn left(&self) -> Duration {
        let end = self.authentication.expires_at();
        let left = end.map(|end| end - self.clock.now());
        let left = left.map_or(u64::from(u32::MAX), |left| u64::try_from(left).unwrap_or(0));
        Duration::from_secs(left.max(1))
    }

    async fn may_go_on(&mut self) -> Result<bool, StorageError> {
        let storage = &self.storage;
        match &mut self.authentication.by {
            AuthMethod::SignInMethod => {}
            AuthMethod::Session(session) => {
                let now = self.clock.now();
                match storage.session(&session.digest).await? {
                    Some(found) if found.expires_at > now => *session = found,
                    _ => return Ok(false),
                }
            }
            AuthMethod::Embedded(visitor) => {
                let token = visitor.pass.as_ref().map(|pass| pass.token.as_str());
                let found = self.embeds.visitor(self.room.id, token).await?;
                if found.is_none() {
                    return Ok(false);
                }
            }
        }
        let (Some(user), Some(room)) = (
            storage.user(self.authentication.user.id).await?,
            storage.room(self.room.id).await?,
        ) else {
            return Ok(false);
        };
        let rights = self.authentication.rights(&**storage, &user).await?;
        Ok(rights.may_enter(&room))
    }
}
