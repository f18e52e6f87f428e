//! Reads page tokens from plain forms and renews them with each response.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::extract::{PAGE_TOKEN, SignedRequest, brings_page_token};

/// The size limit of a form with a page token, in bytes.
const MAX_FORM_BYTES: usize = 256 * 1024;

/// Adds a new page token to the response to each request with one.
pub(super) async fn renew(request: Request, next: Next) -> Response {
    let request = match take_from_form(request).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let (mut parts, body) = request.into_parts();
    let mut signed = None;
    if brings_page_token(&parts) {
        // The handler decides whether to refuse an invalid token.
        signed = SignedRequest::of(&mut parts).await.ok();
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(signed) = signed {
        add(&mut response, &signed);
    }
    response
}

/// Adds a new page token to a response, unless shared caches may store the response.
pub(super) fn add(response: &mut Response, signed: &SignedRequest) {
    let headers = response.headers_mut();
    let cache = headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let is_private = cache
        .to_str()
        .is_ok_and(|cache| cache.contains("no-store") || cache.contains("private"));
    if !is_private || headers.contains_key(PAGE_TOKEN) {
        return;
    }
    if let Ok(token) = HeaderValue::try_from(signed.page_token()) {
        headers.insert(PAGE_TOKEN, token);
    }
}

/// Copies the page token of a plain form into the header that scripts use. The handler still reads
/// the whole form.
async fn take_from_form(request: Request) -> Result<Request, Response> {
    if *request.method() != Method::POST
        || request.headers().contains_key(PAGE_TOKEN)
        || !is_small_form(request.headers())
    {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_FORM_BYTES).await.map_err(|cause| {
        tracing::debug!(error = %cause, "reading a form failed");
        (StatusCode::BAD_REQUEST, "cannot read the form").into_response()
    })?;
    let token = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == PAGE_TOKEN.as_str())
        .and_then(|(_, token)| HeaderValue::from_str(&token).ok());
    if let Some(token) = token {
        parts.headers.insert(PAGE_TOKEN, token);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Returns whether the request is a small form. Browsers send the length of a form, so a request
/// without a length comes from a script.
fn is_small_form(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).and_then(|value| value.split(';').next());
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    content_type.is_some_and(|content_type| {
        content_type
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }) && length.is_some_and(|length| length <= MAX_FORM_BYTES)
}
