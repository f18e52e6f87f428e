//! Page tokens in requests to the routes of an add-on: read from plain forms, and renewed with each answer.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::extract::{PAGE_TOKEN, SignedRequest, brings_page_token};

/// The largest form in which a page token is looked for, in bytes.
const MAX_FORM_BYTES: usize = 256 * 1024;

/// Puts a new page token into the answer to each request that brings one.
pub(super) async fn renew(request: Request, next: Next) -> Response {
    let request = match take_from_form(request).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let (mut parts, body) = request.into_parts();
    let mut signed = None;
    if brings_page_token(&parts) {
        // Whether a token that does not hold is refused is the handler's decision.
        signed = SignedRequest::of(&mut parts).await.ok();
    }
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(signed) = signed {
        add(&mut response, &signed);
    }
    response
}

/// Adds a new page token to an answer, unless others may get the same answer from a cache.
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

/// Copies the page token of a plain form into the header where scripts send theirs. What the handler reads
/// stays the same.
async fn take_from_form(request: Request) -> Result<Request, Response> {
    if *request.method() != Method::POST
        || request.headers().contains_key(PAGE_TOKEN)
        || !is_small_form(request.headers())
    {
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_FORM_BYTES).await.map_err(|cause| {
        tracing::debug!("cannot read a form: {cause}");
        (StatusCode::BAD_REQUEST, "the form cannot be read").into_response()
    })?;
    let token = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == PAGE_TOKEN.as_str())
        .and_then(|(_, token)| HeaderValue::from_str(&token).ok());
    if let Some(token) = token {
        parts.headers.insert(PAGE_TOKEN, token);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Browsers send the length of a form; what has none is a script's.
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
