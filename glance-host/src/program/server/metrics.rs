//! `/metrics` for Prometheus, at an address of its own: what it tells is not for everyone who can
//! reach the host, and a proxy on the same machine makes strangers look like neighbours.

use std::net::SocketAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use glance_sdk::model::Secret;
use glance_sdk::serve::{HttpServer, Limits};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::config::{self, secret};
use crate::http::state::AppState;
use crate::program::host::Host;

/// How many connections it takes at once, of one address half of them: few read the numbers.
const CONNECTIONS: usize = 32;

/// The address of the metrics, and who may read them.
pub(super) struct Endpoint {
    address: SocketAddr,
    token: Option<Secret>,
}

impl Endpoint {
    /// Returns `None` if no address is set.
    pub(super) fn new(settings: &config::Metrics) -> Result<Option<Self>, String> {
        let file = settings.token_file.as_deref();
        let token = secret("metrics.token", settings.token.as_ref(), file)?;
        match settings.listen {
            None if token.is_some() => Err(
                "metrics.token and metrics.token_file need metrics.listen too, as in \"127.0.0.1:9464\""
                    .to_owned(),
            ),
            None => Ok(None),
            Some(address) if token.is_none() && !address.ip().is_loopback() => Err(format!(
                "metrics.listen is {address}, which others can reach: set metrics.token too"
            )),
            Some(address) => Ok(Some(Self { address, token })),
        }
    }

    /// Serves until the returned value is dropped.
    pub(super) async fn serve(self, host: &Host) -> Result<JoinSet<()>, String> {
        let listener = TcpListener::bind(self.address).await;
        let (address, listener) = listener
            .and_then(|listener| Ok((listener.local_addr()?, listener)))
            .map_err(|cause| format!("metrics.listen: {} cannot be used: {cause}", self.address))?;
        let state = (host.app.clone(), self.token);
        let router = Router::new().route("/metrics", get(read)).with_state(state);
        let mut server = JoinSet::new();
        let limits = Limits::default().connections(CONNECTIONS);
        let served = HttpServer::new(listener).limits(limits);
        server.spawn(served.run(router, std::future::pending()));
        tracing::info!("metrics at http://{address}/metrics");
        Ok(server)
    }
}

async fn read(
    State((app, token)): State<(AppState, Option<Secret>)>,
    headers: HeaderMap,
) -> Response {
    if token.is_some_and(|token| !is_sent(&token, &headers)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match app.metrics_reader.text().await {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(cause) => {
            tracing::error!("no metrics: {cause:#}");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn is_sent(token: &Secret, headers: &HeaderMap) -> bool {
    let sent = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let sent = sent.and_then(|value| value.strip_prefix(b"Bearer "));
    sent.is_some_and(|sent| verify_slices_are_equal(sent, token.expose().as_bytes()).is_ok())
}
