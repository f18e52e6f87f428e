//! The JSON body of a request.

use std::fmt;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::json;

/// The JSON body of a request, parsed with [`json::from_slice`]. Prefer it to [`axum::Json`], which
/// refuses documents that browsers accept.
///
/// ```
/// use glance_sdk::extract::JsonBody;
///
/// async fn deployed(JsonBody(deployment): JsonBody<serde_json::Value>) {
///     println!("{deployment}");
/// }
/// # let _: glance_sdk::axum::Router = glance_sdk::axum::Router::new()
/// #     .route("/", glance_sdk::axum::routing::post(deployed));
/// ```
///
/// It responds with 415 to a body of another type, 400 to invalid JSON, 422 to JSON that does not
/// match `T`, and 413 to a body that is too large.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonBody<T>(pub T);

/// The reason why a request has no valid JSON body.
///
/// ```
/// use glance_sdk::axum::http::StatusCode;
/// use glance_sdk::extract::{JsonBody, JsonRejection};
///
/// /// Accepts requests with and without a body.
/// async fn deployed(
///     body: Result<JsonBody<serde_json::Value>, JsonRejection>,
/// ) -> Result<StatusCode, JsonRejection> {
///     match body {
///         Ok(JsonBody(deployment)) => println!("{deployment}"),
///         Err(JsonRejection::ContentType) => println!("no JSON"),
///         Err(rejection) => return Err(rejection),
///     }
///     Ok(StatusCode::NO_CONTENT)
/// }
/// # let _: glance_sdk::axum::Router = glance_sdk::axum::Router::new()
/// #     .route("/", glance_sdk::axum::routing::post(deployed));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum JsonRejection {
    /// The content type is not `application/json`.
    ContentType,
    /// The body could not be read completely.
    Bytes(BytesRejection),
    /// The body is not valid JSON, or does not match the type.
    Json(json::Error),
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = JsonRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(JsonRejection::ContentType);
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(JsonRejection::Bytes)?;
        json::from_slice(&body)
            .map(Self)
            .map_err(JsonRejection::Json)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|it| it.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next();
    let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = media_type.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}

impl fmt::Display for JsonRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType => f.write_str("the body must have the type application/json"),
            Self::Bytes(cause) => write!(f, "cannot read the body: {}", cause.body_text()),
            Self::Json(cause) => write!(f, "invalid body: {cause}"),
        }
    }
}

impl std::error::Error for JsonRejection {}

impl IntoResponse for JsonRejection {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Bytes(cause) => cause.status(),
            Self::Json(cause) if cause.kind() == json::ErrorKind::Data => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Json(_) => StatusCode::BAD_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Deployment {
        name: String,
    }

    async fn read(content_type: &str, body: &str) -> Result<String, StatusCode> {
        let request = axum::http::Request::post("/")
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let body = JsonBody::<Deployment>::from_request(request, &()).await;
        body.map(|JsonBody(body)| body.name)
            .map_err(|rejection| rejection.into_response().status())
    }

    #[tokio::test]
    async fn body_is_parsed_like_in_browsers() {
        let unusual = "\u{feff}{\"name\": 1, \"name\": \"half \\ud83d\"}";
        let half = Ok("half \u{fffd}".to_owned());
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            assert_eq!(read(content_type, unusual).await, half);
        }
        for (content_type, body, status) in [
            ("text/plain", unusual, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("text/json+x", unusual, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            ("application/json", "{", StatusCode::BAD_REQUEST),
            ("application/json", "{}", StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            assert_eq!(read(content_type, body).await, Err(status), "{body}");
        }
    }
}
