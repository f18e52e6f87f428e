//! What `#[webhook]` implements, for those who would rather do it by hand.
//!
//! ```
//! use glance_sdk::model::Event;
//! use glance_sdk::model::webhook::RoomEnter;
//! use glance_sdk::prelude::*;
//! use glance_sdk::webhook::Webhook;
//!
//! #[webhook(event = RoomEnter)]
//! async fn entered(request: WebhookRequest<RoomEnter>) {
//!     println!("user {} entered", request.item().sender.id);
//! }
//!
//! assert_eq!(entered::KEY, "entered");
//! assert_eq!(entered::descriptor().event, Event::RoomEnter);
//! ```

use crate::model::webhook::{RoomEvent, RoomMessage, RoomNotification};
use crate::model::{self, Notification};

#[cfg(feature = "server")]
use crate::extract::WebhookRequest;

/// The static half of a webhook: its key, its event and its descriptor entry.
///
/// `#[webhook]` implements it for a struct named like the function.
///
/// ```
/// use glance_sdk::model;
/// use glance_sdk::model::webhook::{RoomEnter, RoomEvent};
/// use glance_sdk::webhook::Webhook;
///
/// struct Greeting;
///
/// impl Webhook for Greeting {
///     const KEY: &'static str = "greeting";
///     type Event = RoomEnter;
///
///     fn descriptor() -> model::Webhook {
///         model::Webhook::new(RoomEnter::EVENT, "").key(Self::KEY)
///     }
/// }
/// ```
pub trait Webhook: 'static {
    /// The webhook's key.
    const KEY: &'static str;

    /// What happens.
    type Event: RoomEvent;

    /// Its descriptor entry. The add-on fills in the address, and has every call signed.
    fn descriptor() -> model::Webhook;
}

/// The dynamic half of a webhook: it is called when its event happens, in an add-on with state `S`.
///
/// ```
/// use glance_sdk::AddOn;
/// use glance_sdk::axum::http::request::Parts;
/// use glance_sdk::axum::response::Response;
/// use glance_sdk::extract::WebhookRequest;
/// use glance_sdk::model::Notification;
/// use glance_sdk::model::webhook::RoomEnter;
/// use glance_sdk::webhook::{Webhook, WebhookHandler};
/// # use glance_sdk::model::{self, webhook::RoomEvent};
/// # struct Greeting;
/// # impl Webhook for Greeting {
/// #     const KEY: &'static str = "greeting";
/// #     type Event = RoomEnter;
/// #     fn descriptor() -> model::Webhook { model::Webhook::new(RoomEnter::EVENT, "").key(Self::KEY) }
/// # }
///
/// impl<S: Send + Sync> WebhookHandler<S> for Greeting {
///     async fn call(
///         entered: WebhookRequest<RoomEnter>,
///         _: &mut Parts,
///         _: &S,
///     ) -> Result<Option<Notification>, Response> {
///         let name = entered.item().sender.name.as_deref();
///         Ok(name.map(|name| Notification::text(format!("Welcome, {name}!"))))
///     }
/// }
///
/// let add_on = AddOn::new("com.example.greeting", "Greeting").webhook::<Greeting>();
/// # add_on.build("https://greeting.example.com").unwrap();
/// ```
#[cfg(feature = "server")]
#[diagnostic::on_unimplemented(
    message = "the webhook `{Self}` cannot be answered by an add-on with state `{S}`",
    note = "each argument after the first must be an extractor: `State<T>`, `Installations`, or \
            another `FromRequestParts<{S}>`"
)]
pub trait WebhookHandler<S>: Webhook {
    /// Answers a call whose signature was verified.
    fn call(
        request: WebhookRequest<Self::Event>,
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> impl Future<Output = std::result::Result<Option<Notification>, axum::response::Response>> + Send;
}

/// An event of which a webhook's `pattern` can choose some: it has a text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no text that a pattern could match",
    label = "a pattern goes with `RoomMessage` or `RoomNotification`"
)]
pub trait TextEvent: RoomEvent {}

impl TextEvent for RoomMessage {}
impl TextEvent for RoomNotification {}

/// What a `#[webhook]` function may return: nothing, a [`Notification`] that the host writes into
/// the room as the answer, or an `Option` or `Result` of these.
///
/// ```
/// use glance_sdk::model::Notification;
/// use glance_sdk::model::webhook::RoomMessage;
/// use glance_sdk::prelude::*;
///
/// #[webhook(event = RoomMessage)]
/// async fn count(said: WebhookRequest<RoomMessage>) {
///     println!("a message in room {}", said.room_id());
/// }
///
/// #[webhook(event = RoomMessage, pattern = r"^/add \d+ \d+$")]
/// async fn add(said: WebhookRequest<RoomMessage>) -> Result<Option<Notification>, Failure> {
///     let text = &said.item().message.message;
///     let numbers: Vec<u32> = text.split(' ').skip(1).map(str::parse).collect::<Result<_, _>>()?;
///     let sum = numbers.into_iter().try_fold(0, u32::checked_add);
///     Ok(sum.map(|sum| Notification::text(sum.to_string())))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a webhook cannot answer with `{Self}`",
    label = "return nothing, a `Notification`, or an `Option` or `Result` of these"
)]
pub trait WebhookAnswer {
    /// What it fails with; on a server this must be an `IntoResponse`.
    type Error;

    /// The notification, nothing, or the failure.
    ///
    /// # Errors
    ///
    /// The function's own.
    fn into_result(self) -> std::result::Result<Option<Notification>, Self::Error>;
}

impl WebhookAnswer for () {
    type Error = std::convert::Infallible;

    fn into_result(self) -> std::result::Result<Option<Notification>, Self::Error> {
        Ok(None)
    }
}

impl WebhookAnswer for Notification {
    type Error = std::convert::Infallible;

    fn into_result(self) -> std::result::Result<Option<Notification>, Self::Error> {
        Ok(Some(self))
    }
}

impl<A: WebhookAnswer> WebhookAnswer for Option<A> {
    type Error = A::Error;

    fn into_result(self) -> std::result::Result<Option<Notification>, Self::Error> {
        self.map_or(Ok(None), A::into_result)
    }
}

impl<A: WebhookAnswer<Error = std::convert::Infallible>, E> WebhookAnswer
    for std::result::Result<A, E>
{
    type Error = E;

    fn into_result(self) -> std::result::Result<Option<Notification>, E> {
        self.map(|answer| match answer.into_result() {
            Ok(answer) => answer,
        })
    }
}
