//! Tests a host that serves HTTPS with a given certificate.

use std::fs;
use std::path::{Path, PathBuf};

use glance_host::{Error, Host};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, StatusCode};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

struct Files {
    folder: TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = Self {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
            folder,
        };
        files.renew();
        files
    }

    /// Replaces the certificate and its key.
    fn renew(&self) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        fs::write(&self.certificate, cert.pem()).unwrap();
        fs::write(&self.key, signing_key.serialize_pem()).unwrap();
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns the current certificate.
    fn trusted(&self) -> Certificate {
        Certificate::from_pem(&fs::read(&self.certificate).unwrap()).unwrap()
    }
}

fn client(trusted: &Certificate) -> Client {
    let trusted = [trusted.clone()];
    Client::builder()
        .no_proxy()
        .tls_certs_only(trusted)
        .build()
        .unwrap()
}

async fn start(certificate: &Path, key: &Path) -> Result<Host, Error> {
    Host::builder().port(0).tls(certificate, key).start().await
}

/// Uses a new client, because an existing connection would continue with the old keys.
async fn capabilities(host: &Host, trusted: &Certificate) -> reqwest::Result<StatusCode> {
    let url = format!("{}/v2/capabilities", host.base_url());
    let answer = client(trusted).get(url).send().await?;
    Ok(answer.status())
}

#[tokio::test]
async fn host_uses_tls_only_and_https_urls() {
    let files = Files::new();
    let host = start(&files.certificate, &files.key).await.unwrap();
    let address = host.base_url().strip_prefix("https://").unwrap();
    let client = client(&files.trusted());

    let url = format!("{}/v2/capabilities", host.base_url());
    let answer = client.get(&url).send().await.unwrap();
    let document: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(document["links"]["self"], url);
    let room = host.open_room("ops").await.unwrap();
    let page = client.get(host.room_url(&room)).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);

    let by_address = client.get(&url).send().await.unwrap();
    assert_eq!(by_address.headers().get("strict-transport-security"), None);
    let by_name = client.get(&url).header("host", "chat.example.com");
    let by_name = by_name.send().await.unwrap();
    let strict = &by_name.headers()["strict-transport-security"];
    assert_eq!(strict, "max-age=31536000");

    let untrusting = glance_host::testing::http_client().get(&url).send().await;
    assert!(untrusting.is_err());
    let plain = glance_host::testing::http_client()
        .get(format!("http://{address}/"))
        .send()
        .await;
    assert!(plain.is_err());
}

#[tokio::test]
async fn silent_client_delays_nobody() {
    let files = Files::new();
    let host = start(&files.certificate, &files.key).await.unwrap();
    let address = host.base_url().strip_prefix("https://").unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let answered = capabilities(&host, &files.trusted()).await;
    assert_eq!(answered.unwrap(), StatusCode::OK);

    host.shutdown().await;
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn renewed_certificate_is_used() {
    let files = Files::new();
    let host = start(&files.certificate, &files.key).await.unwrap();
    let before = files.trusted();
    files.renew();
    let after = files.trusted();
    assert!(capabilities(&host, &before).await.is_ok());
    assert!(capabilities(&host, &after).await.is_err());

    host.reload_certificate().unwrap();
    assert!(capabilities(&host, &before).await.is_err());
    assert!(capabilities(&host, &after).await.is_ok());

    files.write("key.pem", "no key");
    let problem = host.reload_certificate().unwrap_err().to_string();
    assert!(problem.contains("key.pem: there is no private key"));
    assert!(capabilities(&host, &after).await.is_ok());
}

#[tokio::test]
async fn invalid_certificate_file_is_one_sentence() {
    let files = Files::new();
    let other = Files::new();
    let missing = files.folder.path().join("missing.pem");
    let empty = files.write("empty.pem", "");
    let torn = files.write("torn.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    let broken = files.write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    );
    for (certificate, key, named, problem) in [
        (&missing, &files.key, &missing, "No such file or directory"),
        (&files.certificate, &missing, &missing, "No such file or"),
        (&empty, &files.key, &empty, "there is no certificate in it"),
        (
            &files.key,
            &files.key,
            &files.key,
            "there is no certificate",
        ),
        (&torn, &files.key, &torn, "it is no PEM file"),
        (&broken, &files.key, &broken, "its certificate is broken"),
        (
            &files.certificate,
            &files.certificate,
            &files.certificate,
            "there is no private key without a passphrase in it",
        ),
        (
            &files.certificate,
            &other.key,
            &other.key,
            "it does not belong to the certificate in",
        ),
    ] {
        let said = start(certificate, key).await.unwrap_err().to_string();
        let expected = format!("HTTPS is not possible with {}: {problem}", named.display());
        assert!(said.starts_with(&expected), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
}
