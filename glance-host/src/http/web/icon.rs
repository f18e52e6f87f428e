//! The images of add-ons, by way of the host. Their addresses are signed, so only a page that received one can load
//! it; a page on another site has no cookie.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use glance_sdk::model::OauthId;

use crate::content::image_urls::ImageUrls;
use crate::service::images::Images;

/// An SVG that is opened as a page has no origin and runs no script.
const HARMLESS: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) async fn serve(
    State(image_urls): State<Arc<ImageUrls>>,
    State(images): State<Images>,
    Path((oauth_id, signed)): Path<(String, String)>,
) -> Response {
    let oauth_id = OauthId::from(oauth_id);
    let Some(url) = image_urls.original(&oauth_id, &signed) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match images.get(&oauth_id, url).await {
        Ok(image) => (
            [
                (header::CONTENT_TYPE, image.content_type),
                (header::CONTENT_SECURITY_POLICY, HARMLESS),
                (header::CACHE_CONTROL, "private, max-age=3600"),
            ],
            image.bytes.clone(),
        )
            .into_response(),
        Err(_) => {
            let for_now = [(header::CACHE_CONTROL, "private, max-age=60")];
            (StatusCode::NOT_FOUND, for_now).into_response()
        }
    }
}
