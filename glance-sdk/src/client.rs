//! Calls hosts: pushes, notifications, glances created at run time, rooms and people. Manages the
//! access tokens.
//!
//! A [`Client`] acts for one installation. [`Installations`] creates a client for any installation
//! in the store; the handlers of an add-on extract it.
//!
//! ```no_run
//! use glance_sdk::client::Installations;
//! use glance_sdk::prelude::*;
//!
//! #[derive(Serialize, GlanceMetadata)]
//! struct Incidents { open: u32 }
//!
//! #[glance(key = "incidents", name = "Incidents", icon = "/siren.svg", when(open > 0))]
//! async fn incidents() -> GlanceData<Incidents> {
//!     GlanceData::new(label!("<b>0</b> incidents")).metadata(Incidents { open: 0 })
//! }
//!
//! # async fn example(installations: Installations, oauth_id: OauthId) -> glance_sdk::Result<()> {
//! let data = GlanceData::new(label!("<b>1</b> incident")).metadata(Incidents { open: 1 });
//! installations.client(&oauth_id).await?.room(42).push::<incidents>(data).await?;
//! # Ok(()) }
//! ```
//!
//! | call | effect | scope |
//! |---|---|---|
//! | [`room(r).push::<G>(data)`](Room::push), also of a [`group`](Client::group), a [`user`](Client::user), a [user in a room](Room::user) | pushes new glance data; a [`Pusher`] does so in the background | `view_room`, `view_group` |
//! | [`room(r).notify(notification)`](Room::notify) | posts a notification into a room | `send_notification` |
//! | [`room(r).glances()`](Room::glances), [`group().glances()`](Group::glances) | creates, reads and removes glances at run time | |
//! | [`room(r).actions()`](Room::actions), [`group().actions()`](Group::actions) | creates, reads and removes actions at run time | |
//! | [`room(r).webhooks()`](Room::webhooks) | creates, lists, reads and removes webhooks at run time | `admin_room` |
//! | [`rooms()`](Client::rooms), [`room(r).get()`](Room::get) | reads rooms | `view_group`, `view_room` |
//! | [`room(r).participants()`](Room::participants), [`room(r).members()`](Room::members) | lists the people in a room, and the people who may enter it | `view_group`, `view_room` |
//! | [`users()`](Client::users), [`user(u).get()`](User::get) | reads people | `view_group` |
//! | [`request(method, path)`](Client::request) | makes any other call | |
//!
//! Each call uses an access token, which the client requests once and renews before it expires. A
//! call waits up to a minute for a rate limit. If the host does not respond or is temporarily
//! unavailable, the client retries up to three times: GET, PUT and DELETE always, and POST only if
//! the request certainly did not arrive. The backoff grows and is random, so that many clients do
//! not retry together.
//!
//! # Spans
//!
//! Pushes, REST calls and token requests have `tracing` spans of level DEBUG, without secrets and
//! tokens. The manual's page on OpenTelemetry lists them and their fields.
//!
//! # Metrics
//!
//! With the feature `metrics`, the client reports the following to the recorder of the `metrics`
//! crate. Without the feature, [`Pusher::pushed`] has the same counts of pushes:
//!
//! | name | kind | value |
//! |---|---|---|
//! | `glance_calls_total` | counter | calls by `outcome`: `ok`, or the [code](crate::Error::code) of the error |
//! | `glance_call_seconds` | histogram | duration of a call, with its attempts and waits |
//! | `glance_retries_total` | counter | attempts after the first |
//! | `glance_tokens_total` | counter | token requests by `outcome`; the outcome `shared` counts tokens from the store that another process had requested |
//! | `glance_pushes_total` | counter | pushed values by `outcome`: `sent`, `merged`, `unchanged`, `failed`, `dropped` |
//! | `glance_pushes_waiting` | gauge | pushed values that wait |

mod call_headers;
mod created;
mod directory;
mod extensions;
#[cfg(feature = "server")]
mod handshake;
mod http;
mod installations;
mod instance;
#[cfg(feature = "server")]
mod keys;
mod limits;
mod list;
mod meter;
mod notify;
mod push;
mod pusher;
mod request;
mod retry;
mod token;
mod viewer_token;

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use reqwest::{StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

#[cfg(feature = "server")]
pub(crate) use call_headers::CallHeaders;
pub use extensions::{Extension, Extensions};
pub use installations::Installations;
#[cfg(feature = "server")]
pub(crate) use installations::{Limits as InstallationLimits, NotAdded, host_origin};
pub use instance::Instance;
#[cfg(feature = "server")]
pub(crate) use keys::placeholder_key;
pub use limits::RateLimit;
pub use list::{Include, List, Stream};
pub use push::{Group, Room, RoomUser, User};
pub use pusher::{Pushed, Pusher, To};
pub use request::{Method, Request};
pub use viewer_token::ViewerToken;

use http::Http;
use limits::Limits;
use retry::RetryBudget;
use token::{Scopes, Tokens};

use crate::auth::now;
use crate::base_url::BaseUrl;
use crate::model::{Glance, Scope};
use crate::store::Installation;
use crate::{Error, ErrorKind, Result};

/// A client that calls the host for one installation. Cloning is cheap; the clones share the access
/// tokens.
///
/// ```
/// use glance_sdk::model::Notification;
///
/// # use glance_host::Host;
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// let rooms = client.rooms().all().await?;
/// for room in rooms {
///     client.room(room.id).notify(&Notification::text("All builds are green.")).await?;
/// }
/// # assert_eq!(room.notification("green").await.message, "All builds are green.");
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    scopes: Scopes,
}

#[derive(Debug)]
struct Shared {
    http: Http,
    installation: Installation,
    /// The base URL of the host's API, parsed once.
    api_url: OnceLock<Url>,
    tokens: Tokens,
    limits: Limits,
    base_url: Arc<OnceLock<BaseUrl>>,
    /// `None` in a process that does not serve the add-on.
    runtime_glances: Option<Arc<[Glance]>>,
    created: created::Created,
}

impl Client {
    fn new(
        http: Http,
        installation: Installation,
        tokens: Tokens,
        base_url: Arc<OnceLock<BaseUrl>>,
        runtime_glances: Option<Arc<[Glance]>>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                http,
                installation,
                api_url: OnceLock::new(),
                tokens,
                limits: Limits::default(),
                base_url,
                runtime_glances,
                created: created::Created::default(),
            }),
            scopes: Scopes::default(),
        }
    }

    /// Returns the installation.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// let installation = client.installation();
    /// assert_eq!(installation.room_id(), Some(room_id));
    /// assert_eq!(installation.origin().as_deref(), Some(host.base_url()));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn installation(&self) -> &Installation {
        &self.shared.installation
    }

    /// Returns the base URL of the add-on. It is `None` in a process that does not serve the
    /// add-on, unless [`Installations::with_base_url`] sets it.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// if let Some(base_url) = client.base_url() {
    ///     println!("The report is at {}", base_url.join("/report"));
    /// }
    /// # assert!(client.base_url().is_some());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn base_url(&self) -> Option<&BaseUrl> {
        self.shared.base_url.get()
    }

    /// Returns a client of the same installation with tokens for these scopes only, even if the
    /// descriptor declares more. Without scopes, the tokens have all scopes of the descriptor,
    /// which is the default. The client caches one token per set of scopes, whatever their order.
    ///
    /// ```no_run
    /// use glance_sdk::client::Client;
    /// use glance_sdk::model::{Notification, Scope};
    ///
    /// # async fn example(client: Client) -> glance_sdk::Result<()> {
    /// let writer = client.with_scopes([Scope::SendNotification]);
    /// writer.room(42).notify(&Notification::text("Good morning")).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_scopes(&self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            scopes: scopes.into_iter().collect(),
        }
    }

    /// Returns whether the host recently refused the installation's secret, as hosts do after a
    /// removal. Calls then fail at once with [`ErrorKind::Unauthorized`]; every ten minutes one
    /// call asks the host again.
    ///
    /// ```
    /// use glance_sdk::ErrorKind;
    /// use glance_sdk::model::Notification;
    ///
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// host.uninstall(client.installation().oauth_id()).await.unwrap();
    /// # // Other scopes, so that the client asks for a token.
    /// # let client = client.with_scopes([glance_sdk::model::Scope::SendNotification]);
    /// let notification = Notification::text("Is anybody there?");
    /// let error = client.room(room_id).notify(&notification).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unauthorized);
    /// assert!(client.is_gone());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn is_gone(&self) -> bool {
        self.shared.tokens.is_refused()
    }

    /// Returns the rate limit of the host's last response.
    ///
    /// ```
    /// # use glance_host::Host;
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// # let room_id = room.room.id;
    /// client.room(room_id).get().await?;
    /// if let Some(limit) = client.rate_limit() {
    ///     println!("{} of {} requests are left", limit.remaining, limit.limit);
    /// }
    /// # assert!(client.rate_limit().is_some());
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.shared.limits.get()
    }

    fn is_of(&self, installation: &Installation) -> bool {
        let own = &self.shared.installation;
        own.endpoints == installation.endpoints
            && own.data.oauth_secret == installation.data.oauth_secret
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Url,
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<Option<T>> {
        let span = tracing::debug_span!(
            "glance.call",
            otel.kind = "client",
            http.request.method = method.as_str(),
            server.address = url.host_str(),
            url.path = url.path(),
            glance.oauth_id = self.shared.installation.oauth_id().as_str(),
            http.response.status_code = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        );
        let began = Instant::now();
        let exchange = pin!(self.exchange(method, url, body, &span));
        let answer = exchange.instrument(span.clone()).await;
        meter::call(meter::outcome(&answer), began.elapsed());
        note_failure(&span, &answer);
        answer
    }

    /// Sends a request and reads the response. If the host refuses the token, the client drops it
    /// and requests a new one, once. Waits for rate limits and retries temporary failures.
    async fn exchange<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &Url,
        body: Option<&(impl Serialize + ?Sized)>,
        span: &Span,
    ) -> Result<Option<T>> {
        let Shared {
            http,
            installation,
            tokens,
            limits,
            ..
        } = &*self.shared;
        let mut budget = RetryBudget::new(method);
        let mut renewed = false;
        loop {
            if !budget.wait(limits.wait()).await {
                return Err(Error::new(
                    ErrorKind::RateLimited,
                    format!(
                        "{} accepts no more requests for {} s",
                        installation.endpoints.api_url,
                        limits.wait().as_secs()
                    ),
                ));
            }
            let token = tokens.get(&self.scopes, http, installation).await?;
            let mut request = http.request(method.into(), url).bearer_auth(token.expose());
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = match http.send(request, url).await {
                Ok(answer) => answer,
                Err(failure) if budget.again(failure.arrived, None).await => continue,
                Err(failure) => return Err(failure.error),
            };
            limits.note(&answer.headers);
            span.record(
                "http.response.status_code",
                i64::from(answer.status.as_u16()),
            );
            match answer.status {
                StatusCode::UNAUTHORIZED if !renewed => {
                    tokens.drop_if(&self.scopes, installation, &token).await;
                    renewed = true;
                }
                StatusCode::TOO_MANY_REQUESTS => {
                    if !budget
                        .wait(retry::rate_limit_delay(&answer.headers, now()))
                        .await
                    {
                        return Err(answer.refusal());
                    }
                }
                status if retry::is_passing(status) => {
                    let retry_after = retry::retry_after(&answer.headers);
                    if !budget.again(true, retry_after).await {
                        return Err(answer.refusal());
                    }
                }
                status if status.is_success() && answer.body.is_empty() => return Ok(None),
                status if status.is_success() => return answer.json().map(Some),
                _ => return Err(answer.refusal()),
            }
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url> {
        let base = match self.shared.api_url.get() {
            Some(base) => base,
            None => {
                let base = http::parse_base(&self.shared.installation.endpoints.api_url)?;
                self.shared.api_url.get_or_init(|| base)
            }
        };
        http::join(base, path)
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&(impl Serialize + ?Sized)>,
    ) -> Result<()> {
        self.call::<serde::de::IgnoredAny>(method, &self.url(path)?, body)
            .await
            .map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        self.read_at(&self.url(path)?).await
    }

    async fn read_at<T: DeserializeOwned>(&self, url: &Url) -> Result<T> {
        let answer = self.call(Method::Get, url, None::<&()>).await?;
        answer.ok_or_else(|| empty_response(url))
    }
}

/// Records the error of a call in its span.
fn note_failure<T>(span: &Span, answer: &Result<T>) {
    if let Err(error) = answer
        && !span.is_disabled()
    {
        span.record("error.type", error.code());
        span.record("otel.status_code", "ERROR");
    }
}

fn empty_response(url: &Url) -> Error {
    let mut shown = url.clone();
    shown.set_query(None);
    Error::new(
        ErrorKind::BadAnswer,
        format!("{shown} sent an empty response"),
    )
}

#[cfg(test)]
mod tests;
