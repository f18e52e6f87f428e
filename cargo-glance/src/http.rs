//! The HTTP client of the command line. Whoever types an address may call it, in any network.

use std::time::Duration;

use glance_sdk::egress::reqwest::{RequestBuilder, StatusCode};
use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies, Redirects, Timeouts};

/// How long an add-on of the demo may take to answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Follows a few redirects, and uses the environment's proxy but for this machine.
pub(crate) fn client() -> Result<HttpClient, String> {
    let builder = HttpClient::builder(EgressPolicy::any_network())
        .user_agent(concat!("cargo-glance/", env!("CARGO_PKG_VERSION")))
        .redirects(Redirects::Checked)
        .proxies(Proxies::from_env());
    builder.build().map_err(|cause| format!("{cause:#}"))
}

/// A client for add-ons of this machine, which needs no proxy and follows no redirects.
pub(crate) fn local() -> Result<HttpClient, String> {
    let builder = HttpClient::builder(EgressPolicy::internet().allow_loopback());
    builder.build().map_err(|cause| format!("{cause:#}"))
}

/// Sends a request; the status of its answer, or a predicate that says why there is none.
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
