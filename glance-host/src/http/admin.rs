//! The admin API for scripts, under `/admin/v1`: lists, installs and removes add-ons. HipChat had no such API.

mod caller;
mod entry;
mod error;
mod installations;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, middleware};

use crate::http::body_limit;
use crate::http::state::AppState;
use error::AdminError;

/// The largest body: a descriptor of 512 KB in a `data:` URL, as Base64.
const MAX_BODY_BYTES: usize = 1024 * 1024;

pub(crate) fn router(app: &AppState) -> Router {
    let routes = Router::new()
        .route(
            "/installations",
            get(installations::list).post(installations::install),
        )
        .route(
            "/installations/{id}",
            get(installations::read).delete(installations::remove),
        )
        .fallback(|| async {
            AdminError::new(
                StatusCode::NOT_FOUND,
                "no-method",
                "this host has no such call",
                "check the path; a newer host may have it",
            )
        })
        .method_not_allowed_fallback(|| async {
            AdminError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "no-method",
                "this address has no such method",
                "use GET, POST or DELETE",
            )
        })
        .layer(middleware::from_fn_with_state(app.clone(), caller::admit))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    body_limit::limited(routes, app).with_state(app.clone())
}
