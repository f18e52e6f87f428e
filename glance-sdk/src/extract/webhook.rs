//! The argument of a webhook's function.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::SignedRequest;
use crate::client::Client;
use crate::model::webhook::{RoomEvent, User, WebhookPayload};
use crate::model::{OauthId, RoomId};
use crate::{Result, json};

/// A webhook call: an event that the host posted and signed. `E` is the type of the event, for
/// example
/// [`RoomMessage`](crate::model::webhook::RoomMessage).
///
/// The signature does not cover the body, so the body must match the token: the same installation,
/// the same room, the same person. Otherwise anybody who may open a panel, and thus has a token,
/// could act for others.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::model::Notification;
/// use glance_sdk::model::webhook::RoomMessage;
/// use glance_sdk::prelude::*;
///
/// #[webhook(event = RoomMessage, pattern = "^/echo ")]
/// async fn echo(said: WebhookRequest<RoomMessage>) -> Notification {
///     let name = said.sender().and_then(|sender| sender.name.as_deref()).unwrap_or("Somebody");
///     let text = said.item().message.message.trim_start_matches("/echo ");
///     Notification::text(format!("{name} said: {text}"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let host = Host::start().await;
/// let room = host.room("ops").await;
/// let _add_on = room.install(AddOn::new("com.example.echo", "Echo").webhook::<echo>()).await;
/// room.says("ann", "/echo hello").await;
/// assert_eq!(room.notification("said").await.message, "ann said: hello");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct WebhookRequest<E> {
    signed: SignedRequest,
    payload: WebhookPayload<E>,
}

impl<E: RoomEvent> WebhookRequest<E> {
    /// Parses the body of a signed request.
    #[allow(clippy::result_large_err)]
    pub(crate) fn read(signed: SignedRequest, body: &[u8]) -> Result<Self, Response> {
        let payload = json::from_slice::<WebhookPayload<E>>(body).map_err(|cause| {
            refuse(
                &signed,
                &format!("the body is not a {} payload: {cause}", E::EVENT),
            )
        })?;
        if let Some(problem) = disagreement(&signed, &payload) {
            return Err(refuse(&signed, problem));
        }
        Ok(Self { signed, payload })
    }

    /// Returns the event.
    ///
    /// ```
    /// use glance_sdk::model::webhook::RoomTopicChange;
    /// use glance_sdk::prelude::*;
    ///
    /// #[webhook(event = RoomTopicChange)]
    /// async fn topic(change: WebhookRequest<RoomTopicChange>) {
    ///     println!("room {} is about {}", change.room_id(), change.item().topic);
    /// }
    /// ```
    pub fn item(&self) -> &E {
        &self.payload.item
    }

    /// Returns the room of the event.
    pub fn room_id(&self) -> RoomId {
        self.item().room().id
    }

    /// Returns the person who caused the event, if the event names one.
    pub fn sender(&self) -> Option<&User> {
        self.item().sender()
    }

    /// Returns the installation that received the call.
    pub fn oauth_id(&self) -> &OauthId {
        self.signed.oauth_id()
    }

    /// Returns the whole payload.
    pub fn payload(&self) -> &WebhookPayload<E> {
        &self.payload
    }

    /// Returns the verified token of the call.
    pub fn signed_request(&self) -> &SignedRequest {
        &self.signed
    }

    /// Creates a client that acts for the installation.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::model::webhook::RoomMessage;
    /// use glance_sdk::prelude::*;
    ///
    /// #[webhook(event = RoomMessage, pattern = "^/build$")]
    /// async fn build(said: WebhookRequest<RoomMessage>) -> Result<(), Failure> {
    ///     let (client, room) = (said.client().await?, said.room_id());
    ///     tokio::spawn(async move {
    ///         // The build takes longer than the host waits for the response.
    ///         client.room(room).notify(&Notification::text("The build is green.")).await
    ///     });
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Installations::client`](crate::client::Installations::client).
    pub async fn client(&self) -> Result<Client> {
        self.signed.client().await
    }
}

/// Returns the contradiction between body and token, if there is one.
fn disagreement<E: RoomEvent>(
    signed: &SignedRequest,
    payload: &WebhookPayload<E>,
) -> Option<&'static str> {
    fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
        matches!((one, other), (Some(one), Some(other)) if one != other)
    }
    let item = &payload.item;
    if differ(payload.event.as_ref(), Some(&E::EVENT)) {
        Some("the body is for another event than the webhook")
    } else if differ(payload.oauth_client_id.as_ref(), Some(signed.oauth_id())) {
        Some("the body names another installation than the token")
    } else if differ(signed.room_id(), Some(item.room().id)) {
        Some("the body names another room than the token")
    } else if differ(signed.user_id(), item.sender().map(|sender| sender.id)) {
        Some("the body names another sender than the token")
    } else {
        None
    }
}

fn refuse(signed: &SignedRequest, problem: &str) -> Response {
    tracing::warn!(oauth_id = %signed.oauth_id(), problem, "refused a webhook call");
    (StatusCode::BAD_REQUEST, problem.to_owned()).into_response()
}
