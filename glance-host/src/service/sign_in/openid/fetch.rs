//! HTTP requests to a provider.

use std::time::Duration;

use futures_util::future::BoxFuture;
use glance_sdk::egress::Redirects;
use openidconnect::core::CoreProviderMetadata;
use openidconnect::{DiscoveryError, HttpRequest, HttpResponse, IssuerUrl};
use reqwest::Url;

use crate::net::outbound::Outbound;

/// The timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest response, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// Fetches the provider's metadata. The error says whether a retry may help.
pub(super) fn fetch_metadata<'a>(
    http: &'a Outbound,
    issuer: &'a IssuerUrl,
) -> BoxFuture<'a, Result<CoreProviderMetadata, (String, bool)>> {
    Box::pin(async move {
        let http = fetching(http);
        let found = CoreProviderMetadata::discover_async(issuer.clone(), &http).await;
        found.map_err(|cause| match &cause {
            DiscoveryError::Request(why) => (why.to_string(), true),
            DiscoveryError::Response(status, ..) => {
                let why = format!("its description could not be read, with status {status}");
                (why, status.is_server_error() || status.as_u16() == 429)
            }
            _ => (in_full(&cause), false),
        })
    })
}

type Fetched = BoxFuture<'static, Result<HttpResponse, std::io::Error>>;

/// The HTTP client, in the form that the OpenID Connect library takes.
pub(super) fn fetching(http: &Outbound) -> impl Fn(HttpRequest) -> Fetched + Send + Sync + 'static {
    let http = http.clone();
    move |request| Box::pin(send(http.clone(), request))
}

async fn send(http: Outbound, request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).map_err(std::io::Error::other)?;
    // Requests contain secrets, so redirects are not followed.
    let mut call = http.request(parts.method, url, Redirects::None);
    for (name, value) in &parts.headers {
        let value = value.to_str().map_err(std::io::Error::other)?;
        call = call.header(name.clone(), value);
    }
    let answer = call
        .body(body)
        .send(TIMEOUT, MAX_BYTES)
        .await
        .map_err(|cause| std::io::Error::other(format!("it {cause}")))?;
    let mut response = HttpResponse::new(answer.body);
    *response.status_mut() = answer.status;
    Ok(response)
}

/// Formats an error with all its causes on one line.
pub(super) fn in_full(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        said = format!("{said}: {source}");
        cause = source.source();
    }
    said
}
