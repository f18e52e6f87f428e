//! Webhook deliveries, authenticated with a secret that the first start creates.

use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::egress::HttpClient;
use glance_sdk::egress::reqwest::Method;
use serde_json::Value;

use crate::http;

/// The way in which a delivery proves that its sender knows the secret.
#[derive(Clone, Copy)]
pub(super) enum Proof {
    /// This header contains the signature of the body.
    Signature(&'static str),
    /// The delivery contains the secret itself.
    Bearer,
}

/// The webhook of one service.
pub(super) struct Hook {
    http: HttpClient,
    path: &'static str,
    proof: Proof,
    secret_file: PathBuf,
    secret: String,
}

impl Hook {
    /// Creates the webhook at this path of the add-on. A file in the data folder stores its secret.
    pub(super) fn new(
        path: &'static str,
        proof: Proof,
        secret_file: PathBuf,
    ) -> Result<Self, String> {
        Ok(Self {
            http: http::local()?,
            path,
            proof,
            secret: secret(&secret_file)?,
            secret_file,
        })
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Describes the address of the webhook and its authentication.
    pub(super) fn says(&self, add_on: &str) -> String {
        let proof = match self.proof {
            Proof::Signature(_) => "signed with the secret",
            Proof::Bearer => "with the bearer token",
        };
        format!(
            "{add_on}{}, {proof} in {}",
            self.path,
            self.secret_file.display()
        )
    }

    pub(super) async fn deliver(
        &self,
        add_on: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<(), String> {
        let body = body.to_string();
        let url = format!("{add_on}{}", self.path).parse();
        let url = url.map_err(|cause| format!("the add-on's address is not a URL: {cause}"))?;
        let mut request = self
            .http
            .request(Method::POST, url)
            .header("Content-Type", "application/json");
        request = match self.proof {
            Proof::Signature(header) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
                let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
                request.header(header, format!("sha256={signature}"))
            }
            Proof::Bearer => request.bearer_auth(&self.secret),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let status = http::status(&self.http, request.body(body)).await;
        let status =
            status.map_err(|cause| format!("the add-on did not accept a delivery: it {cause}"))?;
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("the add-on responded to a delivery with {status}")),
        }
    }
}

fn secret(file: &Path) -> Result<String, String> {
    let failed = |cause: std::io::Error| format!("cannot use {}: {cause}", file.display());
    match std::fs::read_to_string(file) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(secret.trim().to_owned()),
        Ok(_) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
        Err(cause) => return Err(failed(cause)),
    }
    let secret = random_alphanumeric(40).map_err(|cause| format!("{cause:#}"))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .and_then(|mut file| std::io::Write::write_all(&mut file, secret.as_bytes()))
        .map_err(failed)?;
    Ok(secret)
}
