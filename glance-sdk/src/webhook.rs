//! The traits that `#[webhook]` implements.
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
/// `#[webhook]` implements this trait for a struct with the name of the function.
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

    /// The event that calls the webhook.
    type Event: RoomEvent;

    /// Returns the descriptor entry. The add-on fills in the URL and requires that every call is
    /// signed.
    fn descriptor() -> model::Webhook;
}

/// The dynamic half of a webhook: it handles calls, in an add-on with state `S`.
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
    message = "the webhook `{Self}` cannot be handled by an add-on with state `{S}`",
    note = "each argument after the first must be an extractor: `State<T>`, `Installations`, or \
            another `FromRequestParts<{S}>`"
)]
pub trait WebhookHandler<S>: Webhook {
    /// Handles a call whose signature was verified.
    fn call(
        request: WebhookRequest<Self::Event>,
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> impl Future<Output = std::result::Result<Option<Notification>, axum::response::Response>> + Send;
}

/// An event with a text, which a webhook's `pattern` can match.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no text that a pattern could match",
    label = "use a pattern with `RoomMessage` or `RoomNotification`"
)]
pub trait TextEvent: RoomEvent {}

impl TextEvent for RoomMessage {}
impl TextEvent for RoomNotification {}

/// The return type of a `#[webhook]` function: `()`, a [`Notification`] that the host posts into
/// the room in response, or an `Option` or `Result` of these.
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
    label = "return `()`, a `Notification`, or an `Option` or `Result` of these"
)]
pub trait WebhookAnswer {
    /// The error type; in an add-on with a server it must implement `IntoResponse`.
    type Error;

    /// Returns the notification, `None`, or the error.
    ///
    /// # Errors
    ///
    /// Returns the error of the function.
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
