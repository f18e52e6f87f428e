//! Fetches URLs that a person typed.

use std::net::IpAddr;
use std::time::Duration;

use glance_sdk::egress::reqwest::Method;
use glance_sdk::egress::reqwest::header::ACCEPT;
use glance_sdk::egress::{CallError, Timeouts};

use crate::error::CommandError;
use crate::http;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the body at a URL, limited to `max_bytes`.
pub(crate) async fn get(
    url: &str,
    accept: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, CommandError> {
    let failed = |cause: CallError| unreachable(url, &cause);
    let parsed = parse(url)?;
    let client = http::client().map_err(no_client)?;
    let request = client.request(Method::GET, parsed).header(ACCEPT, accept);
    let request = request.build();
    let request = request.map_err(|cause| no_client(cause.without_url().to_string()))?;
    let answer = client.send(request, Timeouts::within(TIMEOUT)).await;
    let answer = answer.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(CommandError::new(
            "bad-status",
            format!("{url} responds with {}", answer.status()),
            "check the path of the URL",
        ));
    }
    answer.read(max_bytes).await.map_err(failed)
}

/// Parses a URL, which must be http or https.
pub(crate) fn parse(url: &str) -> Result<reqwest::Url, CommandError> {
    let help = "use a URL like https://standup.example.com/";
    let wrong = |why: String| {
        CommandError::new("bad-url", format!("{url} is not a valid URL: {why}"), help)
    };
    let parsed: reqwest::Url = url.parse().map_err(|cause| wrong(format!("{cause}")))?;
    match parsed.scheme() {
        "http" | "https" => Ok(parsed),
        scheme => Err(wrong(format!("its scheme is {scheme}"))),
    }
}

/// Returns whether a URL leads to this machine, judging by the URL alone.
pub(crate) fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Returns the error for a URL without a response.
pub(crate) fn unreachable(url: &str, cause: &CallError) -> CommandError {
    let help = "check that the program there runs, and the address";
    CommandError::new("no-answer", format!("{url} {cause}"), help)
}

/// Returns the error for a client that cannot be created.
pub(crate) fn no_client(cause: String) -> CommandError {
    let help = "check SSL_CERT_FILE and the proxy variables of the environment";
    CommandError::new("no-client", cause, help)
}

/// Returns the error for content that is too large.
pub(crate) fn too_large(source: &str, max_bytes: usize) -> CommandError {
    let help = "check that this is the right file or address";
    CommandError::new(
        "too-large",
        format!("{source} has more than {max_bytes} bytes"),
        help,
    )
}
