//! HTTPS by the program's settings.

use std::fs;
use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client};

use crate::process::Server;

/// Writes a new certificate and its key, and gives a client that trusts it.
fn renew(folder: &Path) -> Client {
    let names = ["127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    fs::write(folder.join("certificate.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    let trusted = Certificate::from_pem(cert.pem().as_bytes()).unwrap();
    Client::builder()
        .no_proxy()
        .tls_certs_only([trusted])
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_is_read_at_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let before = renew(folder.path());
    let settings = "[tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"";
    let mut server = Server::start(folder.path(), settings).await;
    let url = server.url("/healthz");
    assert!(url.starts_with("https://"));
    assert!(before.get(&url).send().await.unwrap().status().is_success());

    let after = renew(folder.path());
    server.signal("HUP").await;
    server.logged("the certificate was read again").await;
    assert!(after.get(&url).send().await.unwrap().status().is_success());

    fs::write(folder.path().join("key.pem"), "").unwrap();
    server.signal("HUP").await;
    let line = server.logged("the old certificate stays in use").await;
    assert_eq!(line["level"], "ERROR");
    assert!(after.get(&url).send().await.unwrap().status().is_success());
    server.stop().await;
}
