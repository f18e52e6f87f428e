//! The signed query of a glance, and the signature a panel asks for.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, RequestPartsExt};
use tower_http::cors::{Any, CorsLayer};

use crate::extract::SignedRequest;
use crate::glance::GlanceHandler;

/// `GET queryUrl`. The browser of a chat client asks from another origin, hence CORS; the token
/// is the protection, so any origin may ask.
pub(super) fn route<G, S>() -> MethodRouter<S>
where
    G: GlanceHandler<S>,
    S: Clone + Send + Sync + 'static,
{
    get(answer::<G, S>).layer(
        CorsLayer::new()
            .allow_origin(Any)
            .allow_methods([Method::GET])
            .allow_headers(Any),
    )
}

async fn answer<G, S>(State(state): State<S>, request: Request) -> Response
where
    G: GlanceHandler<S>,
    S: Send + Sync + 'static,
{
    let (mut parts, _) = request.into_parts();
    match parts.extract::<SignedRequest>().await {
        Ok(signed) => parts.extensions.insert(signed),
        Err(rejection) => return rejection,
    };
    match G::query(parts, state).await {
        Ok(data) => ([(header::CACHE_CONTROL, "no-store")], Json(data)).into_response(),
        Err(response) if response.status().is_success() => {
            // Data that is no data would show as an empty glance instead of an error.
            (StatusCode::INTERNAL_SERVER_ERROR, response).into_response()
        }
        Err(response) => response,
    }
}

/// Lets a request through that is signed. What the page then shows is for one person.
pub(super) async fn require_signature(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match parts.extract::<SignedRequest>().await {
        Ok(signed) => parts.extensions.insert(signed),
        Err(rejection) => return rejection,
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(header::HeaderValue::from_static("no-store"));
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(header::HeaderValue::from_static("no-referrer"));
    response
}
