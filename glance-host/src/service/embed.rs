//! Sidebars on other sites: which sites may show them, and the tokens that open them.

use std::fmt;
use std::sync::Arc;

use glance_sdk::auth::{SigningKey, Token};
use glance_sdk::model::{Claims, Context, OauthId, RoomId, Scope, UserId};
use reqwest::Url;

use crate::model::clock::Clock;
use crate::model::{Installed, Room, User};
use crate::storage::{Storage, StorageError};

/// The lifetime of a viewer token, in seconds. A connection ends with its token; the page gets a new token
/// before that.
pub(crate) const TOKEN_SECONDS: i64 = 15 * 60;

/// Configures which other sites may show a room's sidebar, and to whom; see
/// [`Builder::embed`](crate::Builder::embed). By default no site may.
///
/// ```
/// use glance_host::Embed;
///
/// let wiki = Embed::on(["https://wiki.example.com"])?;
/// # Ok::<(), glance_host::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Embed {
    origins: Vec<String>,
    is_open: bool,
}

impl Embed {
    /// Allows the sites with these origins, each such as `https://wiki.example.com`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidOrigin`] if one is invalid: an origin consists of a scheme (http or https), a name and an optional
    /// port.
    pub fn on<O: Into<String>>(
        origins: impl IntoIterator<Item = O>,
    ) -> Result<Self, InvalidOrigin> {
        let origins = origins.into_iter().map(|text| origin(text.into()));
        Ok(Self {
            origins: origins.collect::<Result<_, _>>()?,
            is_open: false,
        })
    }

    /// Shows public rooms without a token to everyone whose browser can reach the host, with the rights of a guest:
    /// for a widget of a Matrix client, or a dashboard in a trusted network.
    #[must_use]
    pub fn to_everyone(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Returns whether any site may show rooms, or everyone may see them.
    pub(crate) fn is_used(&self) -> bool {
        self.is_open || !self.origins.is_empty()
    }

    pub(crate) fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Returns whether this room is shown without a token.
    pub(crate) fn is_open(&self, room: &Room) -> bool {
        self.is_open && room.is_public && !room.is_archived
    }
}

fn origin(text: String) -> Result<String, InvalidOrigin> {
    let url = Url::parse(&text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.map(|url| url.origin().ascii_serialization()) {
        Some(origin) if text.trim_end_matches('/') == origin => Ok(origin),
        _ => Err(InvalidOrigin(text)),
    }
}

/// An error: this text is no origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOrigin(String);

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no origin; give the scheme, the name and maybe the port of a site, such as https://wiki.example.com",
            self.0
        )
    }
}

impl std::error::Error for InvalidOrigin {}

/// Issues and verifies the tokens with which people look at rooms on other sites.
#[derive(Debug, Clone)]
pub(crate) struct Embeds {
    pub(crate) config: Embed,
    storage: Arc<dyn Storage>,
    clock: Clock,
    /// The account for people without a name; `None` if no site may show rooms.
    guest: Option<UserId>,
}

/// The reason why an add-on gets no viewer token.
#[derive(Debug)]
pub(crate) enum ViewerTokenRefused {
    /// The configuration names no site that may show rooms.
    NoSites,
    /// An installation in one room vouches for no person.
    NamesPerson,
}

impl fmt::Display for ViewerTokenRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSites => {
                "This host shows its rooms on no other site: its configuration names no origins"
            }
            Self::NamesPerson => {
                "Only an add-on that an admin installed for all rooms may name a `user_id`; without one, \
                 whoever looks is a guest"
            }
        })
    }
}

/// A person who looks at a room on another site.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) user: User,
    /// Whether they have no name.
    pub(crate) is_guest: bool,
    /// The viewer token that let them in; `None` for a room that is open to everyone.
    pub(crate) pass: Option<Pass>,
}

/// A viewer token that was valid when the host checked it.
#[derive(Clone)]
pub(crate) struct Pass {
    pub(crate) token: String,
    pub(crate) issuer: OauthId,
    pub(crate) expires_at: i64,
}

impl Embeds {
    pub(crate) async fn new(
        config: Embed,
        storage: Arc<dyn Storage>,
        clock: Clock,
    ) -> Result<Self, StorageError> {
        let guest = match config.is_used() {
            true => Some(storage.embed_guest().await?.id),
            false => None,
        };
        Ok(Self {
            config,
            storage,
            clock,
            guest,
        })
    }

    /// Checks that other sites may show rooms.
    pub(crate) fn check_sites(&self) -> Result<(), ViewerTokenRefused> {
        match self.config.origins() {
            [] => Err(ViewerTokenRefused::NoSites),
            _ => Ok(()),
        }
    }

    /// Checks that the tokens of an installation may name a person.
    pub(crate) fn check_names_person(
        &self,
        installed: &Installed,
    ) -> Result<(), ViewerTokenRefused> {
        match installed.room_id {
            Some(_) => Err(ViewerTokenRefused::NamesPerson),
            None => Ok(()),
        }
    }

    /// Creates a viewer token that opens a room for a person, or for a guest without a name.
    pub(crate) fn token(
        &self,
        installed: &Installed,
        room: RoomId,
        user: Option<UserId>,
    ) -> String {
        let issued_at = self.clock.now();
        let mut claims = Claims::new(
            installed.oauth_id.clone(),
            issued_at,
            issued_at + TOKEN_SECONDS,
        );
        claims.sub = user.map(|user| user.to_string());
        let mut context = Context::default();
        context.room_id = Some(room);
        claims.context = Some(context);
        key(installed).sign(&claims)
    }

    /// Returns the person whom this token lets see the room; without a token the guest, if the room is open
    /// to everyone. Returns `None` if the token is invalid or its installation may no longer issue any.
    pub(crate) async fn visitor(
        &self,
        room: RoomId,
        token: Option<&str>,
    ) -> Result<Option<Visitor>, StorageError> {
        let Some(token) = token else {
            let room = self.storage.room(room).await?;
            return match room.is_some_and(|room| self.config.is_open(&room)) {
                true => self.guest(None).await,
                false => Ok(None),
            };
        };
        let Some((pass, user)) = self.verify(room, token).await? else {
            return Ok(None);
        };
        let Some(user) = user else {
            return self.guest(Some(pass)).await;
        };
        let user = self.storage.user(user).await?;
        Ok(user.map(|user| Visitor {
            user,
            is_guest: false,
            pass: Some(pass),
        }))
    }

    /// Verifies a viewer token for a room. Returns the person it names, if any.
    async fn verify(
        &self,
        room: RoomId,
        text: &str,
    ) -> Result<Option<(Pass, Option<UserId>)>, StorageError> {
        let Ok(token) = Token::parse(text) else {
            return Ok(None);
        };
        let issuer = token.issuer().clone();
        let Some(installed) = self.storage.installation(&issuer).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let Ok(claims) = token.verify(&key(&installed), now) else {
            return Ok(None);
        };
        // The host issued the token by its own clock, so it needs no leeway.
        let Some(expires_at) = claims.exp.filter(|end| *end > now) else {
            return Ok(None);
        };
        let may_issue = installed.asks_for(&Scope::ViewerToken)
            && (claims.user_id().is_none() || installed.room_id.is_none());
        if !may_issue || claims.room_id() != Some(room) || !installed.is_in(room) {
            return Ok(None);
        }
        let pass = Pass {
            token: text.to_owned(),
            issuer,
            expires_at,
        };
        Ok(Some((pass, claims.user_id())))
    }

    /// Returns the account that all people without a name share.
    async fn guest(&self, pass: Option<Pass>) -> Result<Option<Visitor>, StorageError> {
        let Some(guest) = self.guest else {
            return Ok(None);
        };
        let user = self.storage.user(guest).await?;
        Ok(user.map(|user| Visitor {
            user,
            is_guest: true,
            pass,
        }))
    }
}

/// Derives the key of an installation's viewer tokens. It differs from the key that signs requests to the
/// add-on: browsers hold viewer tokens, which must prove nothing to the add-on.
fn key(installed: &Installed) -> SigningKey {
    let secret = format!("viewer token of {}", installed.oauth_secret.expose());
    SigningKey::new(&secret.into())
}

#[cfg(test)]
mod tests {
    use glance_sdk::model::{Descriptor, HipchatApiConsumer};

    use super::*;
    use crate::model::NewRoom;
    use crate::storage::{Effects, SqliteState};

    struct Fixture {
        storage: Arc<dyn Storage>,
        clock: Clock,
        embeds: Embeds,
        room: Room,
        user: User,
    }

    impl Fixture {
        async fn new(config: Embed) -> Self {
            let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
            let clock = Clock::standing_at(1_700_000_000);
            let embeds = Embeds::new(config, Arc::clone(&storage), clock.clone());
            let user = storage.get_or_create_user("Ann").await.unwrap();
            let room = storage.get_or_create_room("ops", user.id).await.unwrap();
            Self {
                embeds: embeds.await.unwrap(),
                storage,
                clock,
                room,
                user,
            }
        }

        async fn install(&self, room: Option<RoomId>, scopes: &[Scope]) -> Installed {
            let mut descriptor = Descriptor::new("key", "Name", "https://a.example/");
            let consumer = HipchatApiConsumer::new(scopes.iter().cloned());
            descriptor.capabilities.hipchat_api_consumer = Some(consumer);
            let installed = Installed {
                oauth_id: "id".into(),
                oauth_secret: "secret".into(),
                room_id: room,
                descriptor_url: "https://a.example/".to_owned(),
                descriptor,
            };
            assert!(
                self.storage
                    .begin_installation(&installed, 1)
                    .await
                    .unwrap()
            );
            self.storage
                .finish_installation(&installed.oauth_id, Effects::none())
                .await
                .unwrap();
            installed
        }

        async fn visitor(&self, room: RoomId, token: Option<&str>) -> Option<Visitor> {
            self.embeds.visitor(room, token).await.unwrap()
        }
    }

    fn wiki() -> Embed {
        Embed::on(["https://wiki.example.com"]).unwrap()
    }

    #[tokio::test]
    async fn token_opens_its_room_for_its_person_until_it_expires() {
        let fixture = Fixture::new(wiki()).await;
        let (room, user) = (fixture.room.id, &fixture.user);
        let installed = fixture.install(None, &[Scope::ViewerToken]).await;
        let token = fixture.embeds.token(&installed, room, Some(user.id));
        let visitor = fixture.visitor(room, Some(&token)).await.unwrap();
        assert_eq!((visitor.user.id, visitor.is_guest), (user.id, false));
        assert!(fixture.visitor(2.into(), Some(&token)).await.is_none());
        assert!(fixture.visitor(room, Some("no token")).await.is_none());
        let guest = fixture.embeds.token(&installed, room, None);
        assert!(fixture.visitor(room, Some(&guest)).await.unwrap().is_guest);

        let seconds = u64::try_from(TOKEN_SECONDS).unwrap();
        fixture
            .clock
            .advance(std::time::Duration::from_secs(seconds - 1));
        assert!(fixture.visitor(room, Some(&token)).await.is_some());
        fixture.clock.advance(std::time::Duration::from_secs(1));
        assert!(fixture.visitor(room, Some(&token)).await.is_none());
    }

    #[tokio::test]
    async fn token_needs_an_installation_that_may_issue_it() {
        for (is_global, scopes, for_guest, for_person) in [
            (true, &[Scope::ViewerToken][..], true, true),
            (false, &[Scope::ViewerToken], true, false),
            (true, &[Scope::ViewRoom], false, false),
        ] {
            let fixture = Fixture::new(wiki()).await;
            let room = fixture.room.id;
            let installed = fixture.install((!is_global).then_some(room), scopes).await;
            let guest = fixture.embeds.token(&installed, room, None);
            let person = fixture
                .embeds
                .token(&installed, room, Some(fixture.user.id));
            let is_let_in = async |token: &str| fixture.visitor(room, Some(token)).await.is_some();
            assert_eq!(is_let_in(&guest).await, for_guest, "{is_global} {scopes:?}");
            assert_eq!(
                is_let_in(&person).await,
                for_person,
                "{is_global} {scopes:?}"
            );
        }
    }

    #[tokio::test]
    async fn only_open_public_rooms_are_shown_without_a_token() {
        let closed = Fixture::new(wiki()).await;
        assert!(closed.visitor(closed.room.id, None).await.is_none());
        let open = Fixture::new(Embed::default().to_everyone()).await;
        let (storage, room) = (&open.storage, &open.room);
        assert!(open.visitor(room.id, None).await.unwrap().is_guest);
        let private = NewRoom {
            name: "private".to_owned(),
            is_public: false,
            owner: open.user.id,
            topic: String::new(),
        };
        let private = storage
            .create_room(&private, Box::new(|_| Effects::none()))
            .await
            .unwrap()
            .unwrap();
        assert!(open.visitor(private.id, None).await.is_none());
        let archived = Room {
            is_archived: true,
            ..room.clone()
        };
        let _ = storage
            .change_room(room, &archived, Effects::none())
            .await
            .unwrap();
        assert!(open.visitor(room.id, None).await.is_none());
        assert!(open.visitor(77.into(), None).await.is_none());
    }

    #[test]
    fn origin_has_scheme_name_and_optional_port() {
        for good in [
            "https://wiki.example.com",
            "http://localhost:8080",
            "https://[::1]:1",
        ] {
            assert_eq!(origin(good.to_owned()), Ok(good.to_owned()));
        }
        assert_eq!(
            origin("https://a.example/".into()),
            Ok("https://a.example".into())
        );
        for bad in [
            "",
            "*",
            "wiki.example.com",
            "https://a.example/wiki",
            "ftp://a.example",
            "https://a.example https://b.example",
            "https://a.example;script-src *",
            "https://me@a.example",
            "data:text/html,x",
            "null",
        ] {
            assert_eq!(origin(bad.to_owned()), Err(InvalidOrigin(bad.to_owned())));
        }
    }
}
