//! Tests `cargo glance doctor` against servers with invalid certificates.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use glance_host::Host;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use serde_json::Value;
use tokio::process::Command;

/// A certificate for one name, in a file beside its key.
struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn new(
        folder: &Path,
        file: &str,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        // Each certificate has a different issuer.
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, file);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let written = Self {
            certificate: folder.join(format!("{file}.pem")),
            key: folder.join(format!("{file}-key.pem")),
        };
        std::fs::write(&written.certificate, certificate.pem()).unwrap();
        std::fs::write(&written.key, key.serialize_pem()).unwrap();
        written
    }

    /// Starts a host that serves HTTPS with the certificate.
    async fn serve(&self) -> Host {
        let host = Host::builder().port(0).tls(&self.certificate, &self.key);
        host.start().await.unwrap()
    }
}

/// Returns doctor's finding about a host, with these trusted certificates.
async fn finding(host: &str, trusted: &Certificate) -> Value {
    let ended = Command::new(env!("CARGO_BIN_EXE_cargo-glance"))
        .args(["doctor", "http://127.0.0.1:1", "--json", "--host", host])
        .env("SSL_CERT_FILE", &trusted.certificate)
        .env_remove("SSL_CERT_DIR")
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    // No add-on listens there.
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let findings: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let findings = findings.as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["subject"] == "host");
    finding.cloned().unwrap_or_else(|| panic!("{findings:?}"))
}

#[tokio::test]
async fn invalid_certificates_have_separate_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = |file, name, change: fn(&mut CertificateParams)| {
        Certificate::new(folder.path(), file, name, change)
    };
    let good = certificate("good", "127.0.0.1", |_| {});
    let other = certificate("other", "other.example", |_| {});
    let expired = certificate("expired", "127.0.0.1", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let early = certificate("early", "127.0.0.1", |params| {
        params.not_before = date_time_ymd(2200, 1, 1);
        params.not_after = date_time_ymd(2201, 1, 1);
    });
    for (served, trusted, text, help) in [
        (&good, &other, "UnknownIssuer", "SSL_CERT_FILE"),
        (&expired, &expired, "expired", "renew the certificate"),
        (&early, &early, "not valid yet", "set the clock"),
        (
            &other,
            &other,
            "not valid for name",
            "a certificate for this name",
        ),
    ] {
        let host = served.serve().await;
        let found = finding(host.base_url(), trusted).await;
        assert_eq!(found["level"], "bad", "{found}");
        assert!(
            found["text"].as_str().unwrap().contains(text),
            "{text}: {found}"
        );
        assert!(
            found["help"].as_str().unwrap().contains(help),
            "{help}: {found}"
        );
        host.shutdown().await;
    }
    let host = good.serve().await;
    let found = finding(host.base_url(), &good).await;
    assert_eq!(found["level"], "good", "{found}");
    host.shutdown().await;
}
