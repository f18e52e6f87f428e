//! A host that serves HTTPS, with a certificate that nobody knows.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use glance_host::Host;
use rcgen::generate_simple_self_signed;
use reqwest::{Certificate, Client};
use tempfile::TempDir;

pub(crate) struct Secure {
    pub(crate) host: Host,
    folder: TempDir,
}

impl Secure {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = folder.path().join("key.pem");
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        fs::write(certificate(&folder), made.cert.pem()).unwrap();
        let host = Host::builder().port(0).tls(certificate(&folder), key);
        let host = host.start().await.unwrap();
        Self { host, folder }
    }

    /// Lets a program know the certificate, whatever it is written in.
    pub(crate) fn introduce(&self, command: &mut Command) {
        for name in ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
            command.env(name, certificate(&self.folder));
        }
    }

    /// A client that knows the certificate.
    pub(crate) fn client(&self) -> Client {
        let known = fs::read(certificate(&self.folder)).unwrap();
        let known = [Certificate::from_pem(&known).unwrap()];
        Client::builder()
            .no_proxy()
            .tls_certs_only(known)
            .build()
            .unwrap()
    }
}

fn certificate(folder: &TempDir) -> PathBuf {
    folder.path().join("certificate.pem")
}
