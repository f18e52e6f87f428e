//! The person who views a page.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::SignedRequest;
use crate::model::{RoomId, UserId};

/// The person who views a page, for pages that need one.
///
/// Its values come from the [`SignedRequest`]. The add-on responds with 400 to signed requests that
/// name no person. A handler that also calls the host takes the `SignedRequest` instead, or both.
///
/// ```
/// use glance_sdk::extract::Viewer;
///
/// async fn panel(viewer: Viewer) -> String {
///     let zone = viewer.time_zone.as_deref().unwrap_or("UTC");
///     format!("The day of user {} in {zone}", viewer.user_id)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Viewer {
    /// The person's id.
    pub user_id: UserId,
    /// The person's room, or `None` on a page of the whole group.
    pub room_id: Option<RoomId>,
    /// The person's time zone, an IANA name such as `Europe/Berlin`.
    pub time_zone: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let signed =
            <SignedRequest as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let user_id = signed.user_id().ok_or_else(|| {
            let message = "the signed request names no person";
            (StatusCode::BAD_REQUEST, message).into_response()
        })?;
        Ok(Self {
            user_id,
            room_id: signed.room_id(),
            time_zone: signed.time_zone().map(ToOwned::to_owned),
        })
    }
}
