//! Webhook deliveries, proved with a secret that is made at the first start.

use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::egress::HttpClient;
use glance_sdk::egress::reqwest::Method;
use serde_json::Value;

use crate::http;

/// How a delivery shows that its sender knows the secret.
#[derive(Clone, Copy)]
pub(super) enum Proof {
    /// This header has the body's signature.
    Signature(&'static str),
    /// The secret itself comes along.
    Bearer,
}

/// One service's webhook.
pub(super) struct Hook {
    http: HttpClient,
    path: &'static str,
    proof: Proof,
    secret_file: PathBuf,
    secret: String,
}

impl Hook {
    /// The webhook at this path of the add-on. Its secret is kept in a file of the data folder.
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

    /// Where it is, and how to be believed there.
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
        let url = url.map_err(|cause| format!("the add-on's address is no URL: {cause}"))?;
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
        let status = status.map_err(|cause| format!("the add-on took no delivery: it {cause}"))?;
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("the add-on answered a delivery with {status}")),
        }
    }
}

fn secret(file: &Path) -> Result<String, String> {
    let failed = |cause: std::io::Error| format!("{} cannot be used: {cause}", file.display());
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
