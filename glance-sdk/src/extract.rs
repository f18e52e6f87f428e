//! Extractors for the handlers of an add-on.
//!
//! | extractor | value | available in |
//! |---|---|---|
//! | [`GlanceQuery`] | the person and the room of a glance's query | `#[glance]` |
//! | [`RoomQuery`] | the room of a query, without a person | `#[glance]`, also with `audience = "room"` |
//! | [`WebhookRequest`] | the event in a room | `#[webhook]`, as the first argument |
//! | [`SignedRequest`] | the verified claims, a client for the installation, page tokens | every handler of a signed request |
//! | [`Viewer`] | the person who views a page | the same, if the request names a person |
//! | [`InstanceId`] | the instance of a runtime glance | `#[glance]` of a runtime glance |
//! | [`JsonBody`] | the JSON body of a request | routes that you add |
//! | [`BaseUrl`] | the URL at which hosts reach the add-on | all |
//! | [`Installations`], [`Pusher`] | clients of all installations; pushes in the background | all |
//!
//! axum's extractors work too: [`State`](axum::extract::State), [`Form`](axum::Form), and in
//! glances and webhooks all extractors that do not consume the body.
//!
//! ```
//! use glance_sdk::prelude::*;
//!
//! #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
//! async fn builds(query: GlanceQuery, State(broken): State<u32>) -> GlanceData {
//!     GlanceData::new(label!("<b>{broken}</b> broken builds in room {}", query.room_id()))
//! }
//!
//! /// The build server calls this.
//! async fn finished(installations: Installations, pusher: Pusher) -> Result<(), Failure> {
//!     for installation in installations.list().await? {
//!         let data = GlanceData::new(label!("<b>0</b> broken builds"));
//!         pusher.push::<builds>(installation.oauth_id(), To::Group, data)?;
//!     }
//!     Ok(())
//! }
//!
//! let add_on = AddOn::new("com.example.builds", "Builds")
//!     .state(2)
//!     .glance::<builds>()
//!     .route("/hooks/finished", post(finished));
//! # add_on.build("https://builds.example.com").unwrap();
//! ```

mod address;
mod instance;
mod json_body;
mod room_query;
mod viewer;
mod webhook;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::auth::{Rejection, SigningKey, Token, acts_uninstall, is_page_token, now, page_claims};
use crate::base_url::BaseUrl;
use crate::client::{Client, Installations, Pusher, placeholder_key};
use crate::label::Escaped;
use crate::model::{Claims, OauthId, RoomId, UserId};
use crate::{Error, Result};

pub use instance::InstanceId;
pub(crate) use instance::PARAMETER as INSTANCE_PARAMETER;
pub use json_body::{JsonBody, JsonRejection};
pub use room_query::RoomQuery;
pub use viewer::Viewer;
pub use webhook::WebhookRequest;

/// The header in which a page sends its page token and receives the next one.
pub(crate) const PAGE_TOKEN: HeaderName = HeaderName::from_static("x-acpt");

/// The path of the script of live pages.
pub(crate) const LIVE_PAGE_SCRIPT: &str = "/live-page.js";

/// The services of an add-on that handlers reach beside their own state.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) base_url: BaseUrl,
    pub(crate) installations: Installations,
    pub(crate) pusher: Pusher,
    pub(crate) background: Background,
    #[cfg(feature = "replay-cache")]
    pub(crate) replays: Option<Arc<crate::auth::Replays>>,
}

/// Starts the add-on's background tasks, unless they run already.
pub(crate) struct Background(Box<dyn Fn() + Send + Sync>);

impl Background {
    pub(crate) fn new(start: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(start))
    }

    fn start(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

/// Holds the services of an add-on after [`AddOn::build`](crate::AddOn::build) has made them. Each
/// route of the add-on has a clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<OnceLock<Arc<Services>>>);

impl Slot {
    pub(crate) fn fill(&self, services: Services) {
        // There is only one value to store, because building an add-on consumes it.
        let _ = self.0.set(Arc::new(services));
    }

    #[allow(clippy::result_large_err)]
    fn get(&self) -> Result<&Arc<Services>, Response> {
        self.0.get().ok_or_else(outside)
    }
}

impl Services {
    /// Returns the services of the add-on that received a request.
    #[allow(clippy::result_large_err)]
    fn of(parts: &Parts) -> Result<&Arc<Self>, Response> {
        match parts.extensions.get::<SignedRequest>() {
            Some(signed) => Ok(&signed.verified.services),
            None => parts.extensions.get::<Slot>().ok_or_else(outside)?.get(),
        }
    }
}

fn outside() -> Response {
    tracing::error!("an extractor of glance-sdk is used outside an AddOn's router");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// A verified request of a host: its person, its room and its installation.
///
/// The token is the query parameter `signed_request` or the header `Authorization: JWT ...`. The
/// add-on responds with 401 to requests without a valid token, and logs the reason.
///
/// The scripts of a page send a [`page_token`](Self::page_token) instead, in the header `x-acpt` or
/// `Authorization: JWT ...`. Page tokens authenticate requests to pages and to routes that you add,
/// but not requests that only a host may make, such as a [`GlanceQuery`].
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// async fn panel(request: SignedRequest) -> String {
///     let zone = request.time_zone().unwrap_or("UTC");
///     format!("{:?} in {:?}, {zone}", request.user_id(), request.room_id())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let host = Host::start().await;
/// let room = host.room("ops").await;
/// let add_on = AddOn::new("com.example.hello", "Hello").web_panel("hello", "Hello", get(panel));
/// let _add_on = room.install(add_on).await;
/// let page = room.viewer("ann").await.open("hello").await;
/// assert!(page.text().ends_with("UTC"));
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct SignedRequest {
    verified: Arc<Verified>,
}

#[derive(Debug)]
struct Verified {
    claims: Claims,
    key: Arc<SigningKey>,
    services: Arc<Services>,
}

impl SignedRequest {
    /// Returns the claims of the token.
    pub fn claims(&self) -> &Claims {
        &self.verified.claims
    }

    /// Returns the installation that signed the request.
    pub fn oauth_id(&self) -> &OauthId {
        &self.claims().iss
    }

    /// Returns the room of the request, or `None` on a page of the whole group.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(request: SignedRequest) -> String {
    ///     match request.room_id() {
    ///         Some(room) => format!("The builds of room {room}"),
    ///         None => "The builds of all rooms".to_owned(),
    ///     }
    /// }
    /// ```
    pub fn room_id(&self) -> Option<RoomId> {
        self.claims().room_id()
    }

    /// Returns the person who made the request.
    pub fn user_id(&self) -> Option<UserId> {
        self.claims().user_id()
    }

    /// Returns the person's time zone, an IANA name such as `Europe/Berlin`.
    pub fn time_zone(&self) -> Option<&str> {
        self.claims().context.as_ref()?.user_tz.as_deref()
    }

    /// Creates a client that acts for the installation.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::prelude::*;
    ///
    /// async fn wave(request: SignedRequest) -> Result<&'static str, Failure> {
    ///     let room = request.room_id().ok_or("open this page in a room")?;
    ///     request.client().await?.room(room).notify(&Notification::text("Hello, all!")).await?;
    ///     Ok("You waved.")
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.wave", "Wave").web_panel("wave", "Wave", get(wave));
    /// # let _add_on = room.install(add_on).await;
    /// # assert_eq!(room.viewer("ann").await.open("wave").await.text(), "You waved.");
    /// # assert_eq!(room.notification("Hello").await.message, "Hello, all!");
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Installations::client`].
    pub async fn client(&self) -> Result<Client> {
        let installations = &self.verified.services.installations;
        installations.client(self.oauth_id()).await
    }

    /// Creates a token for later requests of the page's scripts, as the same person in the same
    /// room. It expires after 15 minutes ([`PAGE_TOKEN_SECONDS`](crate::auth::PAGE_TOKEN_SECONDS)).
    ///
    /// Write the token into the page. The response to each request with a page token has a new one
    /// in its header `x-acpt`, which scripts can read. A page can renew its token for 12 hours
    /// ([`PAGE_SECONDS`](crate::auth::PAGE_SECONDS)) after the host opened it; then the host must
    /// open it again. If the installation is removed, its tokens become invalid at once.
    ///
    /// ```
    /// use glance_sdk::axum::response::Html;
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(request: SignedRequest) -> Html<String> {
    ///     let token = request.page_token();
    ///     // The page's script: fetch("../votes", { method: "POST", headers: { "x-acpt": token } })
    ///     Html(format!("<meta name='token' content='{token}'><script src='../panel.js'></script>"))
    /// }
    ///
    /// async fn vote(request: SignedRequest) -> String {
    ///     format!("user {:?} voted", request.user_id())
    /// }
    ///
    /// let add_on = AddOn::new("com.example.votes", "Votes")
    ///     .web_panel("votes", "Votes", get(panel))
    ///     .route("/votes", post(vote));
    /// ```
    pub fn page_token(&self) -> String {
        self.verified.key.sign(&page_claims(self.claims(), now()))
    }

    /// Returns the hidden field with which a plain form sends the page token, without any script:
    /// `<input type="hidden" name="x-acpt" value="...">`. The form must use `method="post"` and no
    /// `enctype`. The handler takes a [`SignedRequest`] and responds with a page that contains a
    /// new field.
    ///
    /// ```
    /// use glance_sdk::axum::response::Html;
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(request: SignedRequest) -> Html<String> {
    ///     let token = request.page_token_field();
    ///     Html(format!("<form method='post' action='../votes'>{token}<button>Vote</button></form>"))
    /// }
    /// ```
    pub fn page_token_field(&self) -> String {
        let token = self.page_token();
        format!(r#"<input type="hidden" name="{PAGE_TOKEN}" value="{token}">"#)
    }

    /// Returns the absolute URL of one of the add-on's paths, such as `/hooks/builds`. It starts
    /// with the add-on's base URL, which may have a path itself behind a proxy.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// async fn settings(request: SignedRequest) -> String {
    ///     // "... https://builds.example.com/hooks/builds" if the base URL is https://builds.example.com.
    ///     format!("Post your builds to {}", request.absolute_url("/hooks/builds"))
    /// }
    /// ```
    pub fn absolute_url(&self, path: &str) -> String {
        self.base_url().join(path)
    }

    /// Returns the base URL of the add-on.
    pub(crate) fn base_url(&self) -> &BaseUrl {
        &self.verified.services.base_url
    }

    /// Returns the `<script>` elements of a page that updates while it is open: the JavaScript API
    /// of the host that opened it, and the script of
    /// [`AddOn::live_pages`](crate::AddOn::live_pages), whose documentation describes the markup of
    /// the page.
    ///
    /// ```
    /// use glance_sdk::axum::response::Html;
    /// use glance_sdk::prelude::*;
    ///
    /// async fn panel(request: SignedRequest) -> Result<Html<String>, Failure> {
    ///     let scripts = request.live_scripts().await?;
    ///     Ok(Html(format!("<!doctype html><p data-live='broken'>2 broken builds</p>{scripts}")))
    /// }
    ///
    /// let add_on = AddOn::new("com.example.builds", "Builds")
    ///     .live_pages()
    ///     .web_panel("builds", "Builds", get(panel));
    /// # add_on.build("https://builds.example.com").unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Installations::client`].
    pub async fn live_scripts(&self) -> Result<String> {
        let of_host = self.client().await?.installation().script_url();
        let of_add_on = self.absolute_url(LIVE_PAGE_SCRIPT);
        Ok(format!(
            r#"<script src="{}"></script><script src="{}" defer></script>"#,
            Escaped(&of_host),
            Escaped(&of_add_on)
        ))
    }

    /// The verified request is stored in the extensions, so that each request is verified once.
    pub(crate) async fn of(parts: &mut Parts) -> Result<Self, Response> {
        if let Some(verified) = parts.extensions.get::<Self>() {
            return Ok(verified.clone());
        }
        let services = Arc::clone(Services::of(parts)?);
        Self::verify(parts, &services).await
    }

    async fn verify(parts: &mut Parts, services: &Arc<Services>) -> Result<Self, Response> {
        match verify(parts, services).await {
            Ok(signed) => {
                parts.extensions.insert(signed.clone());
                Ok(signed)
            }
            Err(Refusal::Token(rejection)) => Err(refuse(parts, &rejection)),
            Err(Refusal::Failed(error)) => Err(error.into_response()),
        }
    }

    /// Extracts a request that the host itself signed; a page token is not enough.
    async fn of_host(parts: &mut Parts) -> Result<Self, Response> {
        Self::of(parts).await?.only_of_host(parts)
    }

    /// Like [`of_host`](Self::of_host), for a route that knows its services.
    pub(crate) async fn of_host_with(parts: &mut Parts, slot: &Slot) -> Result<Self, Response> {
        let services = slot.get()?;
        Self::verify(parts, services).await?.only_of_host(parts)
    }

    #[allow(clippy::result_large_err)]
    fn only_of_host(self, parts: &Parts) -> Result<Self, Response> {
        match is_page_token(self.claims()) {
            true => Err(refuse(parts, &Rejection::PageToken)),
            false => Ok(self),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Self::of(parts).await
    }
}

/// The response to every invalid token, which tells a stranger nothing about the reason.
fn refuse(parts: &Parts, rejection: &Rejection) -> Response {
    tracing::warn!(path = parts.uri.path(), %rejection, "refused a request");
    let challenge = [(header::WWW_AUTHENTICATE, "JWT")];
    (StatusCode::UNAUTHORIZED, challenge, "not a signed request").into_response()
}

/// The reason why a request was refused.
enum Refusal {
    Token(Rejection),
    Failed(Error),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Token(rejection)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Verifies a request. The key is nearly always cached; the query of the store is a separate
/// future, so that the common case does not need memory for it.
///
/// Requests of unknown issuers and requests with a wrong signature take the same steps, so that
/// timing does not reveal which installations exist: the signature is verified with the cached key
/// or with the [placeholder](placeholder_key), the store is queried, and the signature is verified
/// once more.
async fn verify(parts: &Parts, services: &Arc<Services>) -> Result<SignedRequest, Refusal> {
    services.background.start();
    let installations = &services.installations;
    let signed = match judge(parts, services, |issuer| installations.known_key(issuer)) {
        Ok(signed) => signed,
        Err(Rejection::Signature | Rejection::UnknownIssuer(_)) => {
            Box::pin(async {
                let (text, _) = token(parts)?;
                let issuer = Token::parse(&text)?.issuer().clone();
                let key = installations.stored_key(&issuer).await?;
                Ok::<_, Refusal>(judge(parts, services, |_| key)?)
            })
            .await?
        }
        Err(rejection) => return Err(rejection.into()),
    };
    #[cfg(feature = "replay-cache")]
    if let Some(replays) = &services.replays
        && !parts.method.is_safe()
        && !is_page_token(signed.claims())
    {
        Box::pin(async {
            let (text, _) = token(parts)?;
            let once = replays.once(installations.store(), &text, signed.claims(), now());
            Ok::<_, Refusal>(once.await??)
        })
        .await?;
    }
    Ok(signed)
}

fn judge(
    parts: &Parts,
    services: &Arc<Services>,
    key: impl FnOnce(&OauthId) -> Option<Arc<SigningKey>>,
) -> Result<SignedRequest, Rejection> {
    let (text, is_in_address) = token(parts)?;
    let token = Token::parse(&text)?;
    let Some(key) = key(token.issuer()) else {
        let issuer = token.issuer().clone();
        // Nobody has this key: only the duration of the verification matters.
        let _ = token.verify(placeholder_key(), now());
        return Err(Rejection::UnknownIssuer(issuer));
    };
    let claims = token.verify(&key, now())?;
    // An uninstall token may only be used to remove the installation.
    if acts_uninstall(&claims) {
        return Err(Rejection::UninstallToken);
    }
    // URLs end up in logs and histories. The protocol requires a host's token there, but page
    // tokens must not appear.
    if is_in_address && is_page_token(&claims) {
        return Err(Rejection::PageToken);
    }
    let services = Arc::clone(services);
    Ok(SignedRequest {
        verified: Arc::new(Verified {
            claims,
            key,
            services,
        }),
    })
}

/// Returns whether a request contains a token that claims to be a page token.
pub(crate) fn brings_page_token(parts: &Parts) -> bool {
    token(parts)
        .is_ok_and(|(text, _)| Token::parse(&text).is_ok_and(|token| token.claims_to_be_of_page()))
}

/// Returns the token of a request, and whether it is in the URL. A page token takes precedence: the
/// host's token in the URL of the same page is older.
fn token(parts: &Parts) -> Result<(Cow<'_, str>, bool), Rejection> {
    if let Some(token) = parts.headers.get(PAGE_TOKEN)
        && let Ok(token) = token.to_str()
    {
        return Ok((token.into(), false));
    }
    if let Some(token) = address::token(parts.uri.query().unwrap_or_default())? {
        return Ok((token, true));
    }
    let in_authorization = parts.headers.get_all(header::AUTHORIZATION);
    let token = in_authorization.iter().find_map(|credentials| {
        let (scheme, token) = credentials.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        scheme
            .eq_ignore_ascii_case("JWT")
            .then(|| token.strip_prefix("token=").unwrap_or(token))
    });
    Ok((token.ok_or(Rejection::Missing)?.into(), false))
}

/// The query of a glance: a request that the host itself signed, from a room.
///
/// A glance with `audience = "room"` takes a [`RoomQuery`], which names no person.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "whoami", name = "Who am I", icon = "https://example.com/who.svg")]
/// async fn whoami(query: GlanceQuery) -> GlanceData {
///     let user = query.user_id().map_or(0, UserId::get);
///     GlanceData::new(label!("User <b>{user}</b> in room {}", query.room_id()))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let host = Host::start().await;
/// let room = host.room("ops").await;
/// let _add_on = room.install(AddOn::new("com.example.who", "Who").glance::<whoami>()).await;
/// let line = room.viewer("ann").await.glance::<whoami>().await;
/// assert!(line.label_text().ends_with(&format!("in room {}", room.room.id)));
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct GlanceQuery {
    signed: SignedRequest,
    room_id: RoomId,
}

impl GlanceQuery {
    /// Returns the room in which the glance is shown.
    pub fn room_id(&self) -> RoomId {
        self.room_id
    }

    /// Returns the person to whom the glance is shown.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "reviews", name = "Reviews", icon = "/reviews.svg")]
    /// async fn reviews(query: GlanceQuery) -> GlanceData {
    ///     let waiting = match query.user_id() {
    ///         Some(user) => waiting_for(user).await,
    ///         None => 0,
    ///     };
    ///     GlanceData::new(label!("<b>{waiting}</b> reviews wait for you"))
    /// }
    /// # async fn waiting_for(_: UserId) -> u32 { 3 }
    /// ```
    pub fn user_id(&self) -> Option<UserId> {
        self.signed.user_id()
    }

    /// Returns the time zone of that person, an IANA name such as `Europe/Berlin`.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "on-call", name = "On call", icon = "/phone.svg")]
    /// async fn on_call(query: GlanceQuery) -> GlanceData {
    ///     let zone = query.time_zone().unwrap_or("UTC");
    ///     GlanceData::new(label!("On call until 18:00 {zone}"))
    /// }
    /// ```
    pub fn time_zone(&self) -> Option<&str> {
        self.signed.time_zone()
    }

    /// Returns the installation that queries.
    pub fn oauth_id(&self) -> &OauthId {
        self.signed.oauth_id()
    }

    /// Returns the verified request.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "rooms", name = "Rooms", icon = "/rooms.svg")]
    /// async fn rooms(query: GlanceQuery) -> Result<GlanceData, Failure> {
    ///     let client = query.signed_request().client().await?;
    ///     let rooms = client.rooms().all().await?.len();
    ///     Ok(GlanceData::new(label!("<b>{rooms}</b> rooms")))
    /// }
    /// ```
    pub fn signed_request(&self) -> &SignedRequest {
        &self.signed
    }
}

impl<S: Send + Sync> FromRequestParts<S> for GlanceQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let signed = SignedRequest::of_host(parts).await?;
        match signed.room_id() {
            Some(room_id) => Ok(Self { signed, room_id }),
            None => {
                Err((StatusCode::BAD_REQUEST, "the signed request names no room").into_response())
            }
        }
    }
}

/// Extracts the base URL of the add-on, in any of its handlers.
impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Services::of(parts)?.base_url.clone())
    }
}

/// Extracts all installations of the add-on, in any of its handlers.
impl<S: Send + Sync> FromRequestParts<S> for Installations {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Services::of(parts)?.installations.clone())
    }
}

/// Extracts the add-on's pusher, in any of its handlers.
impl<S: Send + Sync> FromRequestParts<S> for Pusher {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Services::of(parts)?.pusher.clone())
    }
}

#[cfg(test)]
mod tests;
