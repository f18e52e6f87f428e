//! The id of an instance of a runtime glance.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

/// The name of the path parameter in the query URL of an instance.
pub(crate) const PARAMETER: &str = "glance_instance";

/// The id of the queried instance of a runtime glance; see [`Instance`](crate::client::Instance).
/// The add-on responds with 404 to a query of the glance itself, without an id.
///
/// ```
/// use glance_sdk::extract::InstanceId;
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "ticket", name = "Ticket", icon = "/ticket.svg")]
/// async fn ticket(InstanceId(id): InstanceId) -> GlanceData {
///     GlanceData::new(label!("Ticket {id}"))
/// }
///
/// let add_on = AddOn::new("com.example.tickets", "Tickets").runtime_glance::<ticket>();
/// # add_on.build("https://tickets.example.com").unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceId(
    /// The id that [`Instance::new`](crate::client::Instance::new) received.
    pub String,
);

impl<S: Send + Sync> FromRequestParts<S> for InstanceId {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let id = parameters.iter().find(|(name, _)| *name == PARAMETER);
        match id {
            Some((_, id)) => Ok(Self(id.to_owned())),
            None => {
                tracing::warn!(
                    path = parts.uri.path(),
                    "this glance has instances only; create them with create_instance"
                );
                Err((StatusCode::NOT_FOUND, "the URL names no instance").into_response())
            }
        }
    }
}
