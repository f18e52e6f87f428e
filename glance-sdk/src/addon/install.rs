//! The installation handshake, the add-on's side.

use axum::extract::Path;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use crate::ErrorKind;
use crate::client::Installations;
use crate::model::{InstallationData, OauthId};

pub(super) const PATH: &str = "/installed";

/// `POST callbackUrl`. It is answered once the host gave its capabilities and a token, and the
/// installation is stored.
pub(super) async fn installed(
    Extension(installations): Extension<Installations>,
    data: Result<Json<InstallationData>, JsonRejection>,
) -> Response {
    let data = match data {
        Ok(Json(data)) => data,
        Err(rejection) => {
            tracing::warn!("refused an installation: {rejection}");
            return (StatusCode::BAD_REQUEST, "this is no installation data").into_response();
        }
    };
    let room = data.room_id;
    match installations.add(data).await {
        Ok(oauth_id) => {
            tracing::info!(%oauth_id, ?room, "installed");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) if error.kind() == ErrorKind::Unauthorized => {
            tracing::warn!("refused an installation: {error}");
            (
                StatusCode::FORBIDDEN,
                "the host gives no token for this secret",
            )
                .into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// `DELETE callbackUrl/{oauthId}`: answered 204 whether it was known or not, so that a host can
/// try again.
pub(super) async fn removed(
    Extension(installations): Extension<Installations>,
    Path(oauth_id): Path<String>,
) -> Response {
    let oauth_id = OauthId::from(oauth_id);
    match installations.remove(&oauth_id).await {
        Ok(removed) => {
            if removed {
                tracing::info!(%oauth_id, "removed");
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => error.into_response(),
    }
}
