//! HTTPS: a certificate that can be read again when it is renewed, and connections that use it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use glance_sdk::serve::Handshake;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::program::host::Error;

/// Where a certificate and its key stand.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    fn read(&self) -> Result<CertifiedKey, Error> {
        let provider = aws_lc_rs::default_provider();
        let wrong = |path: &Path, problem: String| Error::Certificate {
            path: path.to_owned(),
            problem,
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|cause| wrong(&self.certificate, describe_error(cause, "certificate")))?;
        if chain.is_empty() {
            let none = describe_error(pem::Error::NoItemsFound, "certificate");
            return Err(wrong(&self.certificate, none));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|cause| {
            wrong(
                &self.key,
                describe_error(cause, "private key without a passphrase"),
            )
        })?;
        CertifiedKey::from_der(chain, key, &provider).map_err(|cause| match cause {
            rustls::Error::InconsistentKeys(_) => {
                let certificate = self.certificate.display();
                wrong(
                    &self.key,
                    format!("it does not belong to the certificate in {certificate}"),
                )
            }
            rustls::Error::InvalidCertificate(cause) => wrong(
                &self.certificate,
                format!("its certificate is broken: {cause}"),
            ),
            other => wrong(&self.key, format!("its key cannot be used: {other}")),
        })
    }
}

/// What is wrong with a file that should have this in it.
fn describe_error(cause: pem::Error, wanted: &str) -> String {
    match cause {
        pem::Error::NoItemsFound => format!("there is no {wanted} in it"),
        pem::Error::Io(cause) => cause.to_string(),
        _ => "it is no PEM file".to_owned(),
    }
}

/// The certificate that new connections get.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: Files,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    pub(crate) fn read(files: Files) -> Result<Arc<Self>, Error> {
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Arc::new(Self { files, current }))
    }

    /// Reads the files again. What was read before stays in use where they cannot be used.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        let new = Arc::new(self.files.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

/// Begins with a key that both agreed on, and the first byte under it.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    pub(crate) fn new(certificate: Arc<Certificate>) -> Result<Self, Error> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|cause| Error::Http(format!("TLS cannot be used here: {cause}")))?
                .with_no_client_auth()
                .with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl Handshake for Tls {
    type Stream = TlsStream<TcpStream>;
    type Peer = SocketAddr;

    async fn handshake(
        self,
        stream: TcpStream,
        address: SocketAddr,
    ) -> io::Result<(Self::Stream, SocketAddr)> {
        let mut stream = self.0.accept(stream).await?;
        stream.fill_buf().await?;
        Ok((stream, address))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use axum::Router;
    use glance_sdk::serve::HttpServer;
    use rcgen::generate_simple_self_signed;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio::time::Instant;
    use tokio_rustls::TlsConnector;

    use super::*;

    #[tokio::test]
    async fn a_client_that_is_silent_after_the_handshake_is_disconnected() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let tls = Tls::new(Certificate::read(files).unwrap()).unwrap();
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let server = HttpServer::new(tcp).handshake(tls);
        tokio::spawn(server.run(Router::new(), std::future::pending()));

        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        let mut silent = connector.connect(name, stream).await.unwrap();
        tokio::time::pause();
        let began = Instant::now();
        let read = silent.read(&mut [0]).await;
        assert!(!matches!(read, Ok(1..)), "{read:?}");
        assert!(began.elapsed() < Duration::from_secs(11));
    }
}
