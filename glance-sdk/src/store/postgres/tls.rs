//! The encrypted connection to the server.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, Result};

/// Returns whether to use TLS. A Unix socket is never encrypted, and works even if the system has
/// no certificates.
pub(super) fn is_required(config: &Config) -> bool {
    let is_remote = config
        .get_hosts()
        .iter()
        .any(|host| matches!(host, Host::Tcp(_)));
    is_remote && config.get_ssl_mode() != SslMode::Disable
}

/// Creates a connector that trusts the system's certificates.
pub(super) fn connector() -> Result<MakeRustlsConnect> {
    let failed = |cause| Error::storage("cannot encrypt connections to PostgreSQL", cause);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(failed)?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
