//! GitHub's part of the demo: signed webhook deliveries, in GitHub's documented shape.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;
use glance_sdk::auth::random_alphanumeric;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const TITLES: [&str; 5] = [
    "Retry an upload that was cut off",
    "Say which file is missing",
    "Draw the chart in local time",
    "Keep the search when the page reloads",
    "Remove the old importer",
];

pub(super) struct GitHub {
    http: reqwest::Client,
    address: String,
    key: hmac::Key,
    opened: AtomicU64,
}

impl GitHub {
    pub(super) fn new(add_on: &str, secret: &str) -> Result<Self, String> {
        let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
        Ok(Self {
            http: reqwest::Client::new(),
            address: format!("{add_on}/hooks/github"),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            // Numbers of an earlier start must not come again.
            opened: AtomicU64::new(now % 100_000),
        })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Delivers that a pull request was opened some days ago, and says its number.
    pub(super) async fn open(
        &self,
        repository: &str,
        days: i64,
        draft: bool,
    ) -> Result<u64, String> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let title = TITLES[usize::try_from(number).unwrap_or_default() % TITLES.len()];
        let opened_at = (OffsetDateTime::now_utc() - Duration::days(days))
            .format(&Rfc3339)
            .map_err(|cause| format!("the date cannot be written: {cause}"))?;
        let body = json!({
            "action": "opened",
            "number": number,
            "pull_request": {
                "number": number,
                "title": title,
                "html_url": format!("https://github.com/{repository}/pull/{number}"),
                "state": "open",
                "draft": draft,
                "created_at": opened_at,
                "updated_at": opened_at,
            },
            "repository": { "full_name": repository },
        })
        .to_string();
        let signature = hex::encode(hmac::sign(&self.key, body.as_bytes()));
        let answer = self
            .http
            .post(&self.address)
            .header("Content-Type", "application/json")
            .header("X-GitHub-Event", "pull_request")
            .header("X-Hub-Signature-256", format!("sha256={signature}"))
            .body(body)
            .send()
            .await
            .map_err(|cause| format!("the add-on took no delivery: {cause}"))?;
        match answer.status().is_success() {
            true => Ok(number),
            false => Err(format!(
                "the add-on answered a delivery with {}",
                answer.status()
            )),
        }
    }
}

pub(super) fn secret_file(data: &Path) -> PathBuf {
    data.join("github-webhook-secret")
}

/// The webhook's secret, made at the first start.
pub(super) fn secret(data: &Path) -> Result<String, String> {
    let file = secret_file(data);
    let failed = |cause: std::io::Error| format!("{} cannot be used: {cause}", file.display());
    match std::fs::read_to_string(&file) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(secret.trim().to_owned()),
        Ok(_) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
        Err(cause) => return Err(failed(cause)),
    }
    let secret = random_alphanumeric(40).map_err(|cause| cause.to_string())?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&file)
        .and_then(|mut file| std::io::Write::write_all(&mut file, secret.as_bytes()))
        .map_err(failed)?;
    Ok(secret)
}
