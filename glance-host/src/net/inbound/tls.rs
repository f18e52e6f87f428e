//! HTTPS: a certificate that can be read again when it is renewed, and connections that use it.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glance_sdk::serve::Handshake;
use parking_lot::RwLock;
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

/// The paths of a certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    fn read(&self) -> Result<CertifiedKey, CertificateError> {
        let provider = aws_lc_rs::default_provider();
        let unreadable = |path: &Path, expected, source| CertificateError::Unreadable {
            path: path.to_owned(),
            expected,
            source,
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .and_then(|chain| match chain.is_empty() {
                true => Err(pem::Error::NoItemsFound),
                false => Ok(chain),
            })
            .map_err(|source| unreadable(&self.certificate, "certificate", source))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|source| unreadable(&self.key, "private key without a passphrase", source))?;
        CertifiedKey::from_der(chain, key, &provider).map_err(|source| match source {
            rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch {
                key: self.key.clone(),
                certificate: self.certificate.clone(),
            },
            rustls::Error::InvalidCertificate(problem) => CertificateError::Broken {
                path: self.certificate.clone(),
                problem,
            },
            source => CertificateError::Key {
                path: self.key.clone(),
                source,
            },
        })
    }
}

/// Why a certificate and its key cannot be used.
#[derive(Debug)]
pub(crate) enum CertificateError {
    /// The file cannot be read, or does not contain what is expected.
    Unreadable {
        path: PathBuf,
        expected: &'static str,
        source: pem::Error,
    },
    /// The key belongs to another certificate.
    Mismatch { key: PathBuf, certificate: PathBuf },
    /// The certificate is not valid.
    Broken {
        path: PathBuf,
        problem: rustls::CertificateError,
    },
    /// The key is not supported.
    Key {
        path: PathBuf,
        source: rustls::Error,
    },
}

impl CertificateError {
    /// Returns the file with the problem.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Broken { path, .. } | Self::Key { path, .. } => {
                path
            }
            Self::Mismatch { key, .. } => key,
        }
    }
}

/// Says what is wrong with the file at [`path`](CertificateError::path).
impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable {
                expected, source, ..
            } => match source {
                pem::Error::NoItemsFound => write!(f, "there is no {expected} in it"),
                pem::Error::Io(cause) => cause.fmt(f),
                _ => f.write_str("it is no PEM file"),
            },
            Self::Mismatch { certificate, .. } => {
                let certificate = certificate.display();
                write!(f, "it does not belong to the certificate in {certificate}")
            }
            Self::Broken { problem, .. } => write!(f, "its certificate is broken: {problem}"),
            Self::Key { source, .. } => write!(f, "its key cannot be used: {source}"),
        }
    }
}

impl Error for CertificateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            // rustls has no `Error` for what is wrong with a certificate.
            Self::Mismatch { .. } | Self::Broken { .. } => None,
            Self::Key { source, .. } => Some(source),
        }
    }
}

/// The certificate that new connections get.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: Files,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    pub(crate) fn read(files: Files) -> Result<Arc<Self>, CertificateError> {
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Arc::new(Self { files, current }))
    }

    /// Reads the files again. What was read before stays in use where they cannot be used.
    pub(crate) fn reload(&self) -> Result<(), CertificateError> {
        let new = Arc::new(self.files.read()?);
        *self.current.write() = new;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read();
        Some(Arc::clone(&current))
    }
}

/// Begins with a key that both agreed on, and the first byte under it.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    pub(crate) fn new(certificate: Arc<Certificate>) -> Result<Self, rustls::Error> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
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
    async fn silent_client_is_disconnected_after_the_handshake() {
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
