//! The HTTP client of the command line. It may call any network, because the person typed the
//! address.

use std::time::Duration;

use glance_sdk::egress::reqwest::{RequestBuilder, StatusCode};
use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies, Redirects, Timeouts};

/// The timeout of an add-on of the demo.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Creates a client that follows a few redirects, and uses the environment's proxy except for this
/// machine.
pub(crate) fn client() -> Result<HttpClient, String> {
    let builder = HttpClient::builder(EgressPolicy::any_network())
        .user_agent(concat!("cargo-glance/", env!("CARGO_PKG_VERSION")))
        .redirects(Redirects::Checked)
        .proxies(Proxies::from_env());
    builder.build().map_err(|cause| format!("{cause:#}"))
}

/// Creates a client for add-ons on this machine, without a proxy and redirects.
pub(crate) fn local() -> Result<HttpClient, String> {
    let builder = HttpClient::builder(EgressPolicy::internet().allow_loopback());
    builder.build().map_err(|cause| format!("{cause:#}"))
}

/// Sends a request. Returns the status of the response, or an error that completes a sentence about
/// the server.
pub(crate) async fn status(
    client: &HttpClient,
    request: RequestBuilder,
) -> Result<StatusCode, String> {
    let request = request.build();
    let request = request.map_err(|cause| format!("cannot be called ({})", cause.without_url()))?;
    match client.send(request, Timeouts::within(TIMEOUT)).await {
        Ok(answer) => Ok(answer.status()),
        Err(cause) => Err(cause.to_string()),
    }
}
