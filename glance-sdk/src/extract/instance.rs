//! Which of many runtime glances of a kind is asked for.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

/// The name of the parameter in the path of an instance's query.
pub(crate) const PARAMETER: &str = "glance_instance";

/// The id of the runtime glance that is asked for, where its kind has many; see
/// [`Instance`](crate::client::Instance). A query of the kind itself, without an id, is answered 404.
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
    /// The id, as [`Instance::new`](crate::client::Instance::new) got it.
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
                Err((StatusCode::NOT_FOUND, "the address names no instance").into_response())
            }
        }
    }
}
