//! The person who looks at a page.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::SignedRequest;
use crate::model::{RoomId, UserId};

/// The person who looks at a page, where it is for persons only.
///
/// It is what a [`SignedRequest`] says of the person; a signed request that names none is answered
/// 400. A handler that also calls the host takes the `SignedRequest` instead, or both.
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
    /// Who it is.
    pub user_id: UserId,
    /// The room they are in; `None` on a page of the whole group.
    pub room_id: Option<RoomId>,
    /// Their time zone, an IANA name such as `Europe/Berlin`.
    pub time_zone: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let signed =
            <SignedRequest as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let user_id = signed.user_id().ok_or_else(|| {
            let said = "the signed request names no person";
            (StatusCode::BAD_REQUEST, said).into_response()
        })?;
        Ok(Self {
            user_id,
            room_id: signed.room_id(),
            time_zone: signed.time_zone().map(ToOwned::to_owned),
        })
    }
}
