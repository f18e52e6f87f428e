//! HTTPS: a certificate that can be read again when it is renewed, and connections that use it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::host::Error;
use crate::tcp::Prompt;

/// How long a client may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);

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
            .map_err(|cause| wrong(&self.certificate, in_words(cause, "certificate")))?;
        if chain.is_empty() {
            let none = in_words(pem::Error::NoItemsFound, "certificate");
            return Err(wrong(&self.certificate, none));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|cause| {
            wrong(
                &self.key,
                in_words(cause, "private key without a passphrase"),
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
fn in_words(cause: pem::Error, wanted: &str) -> String {
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

/// Gives connections that agreed on a key; those that do not hold up no other.
pub(crate) struct TlsListener {
    tcp: Prompt,
    acceptor: TlsAcceptor,
    agreeing: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    pub(crate) fn new(tcp: Prompt, certificate: Arc<Certificate>) -> Result<Self, Error> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|cause| Error::Http(format!("TLS cannot be used here: {cause}")))?
                .with_no_client_auth()
                .with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tcp,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            agreeing: JoinSet::new(),
        })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                (stream, address) = Listener::accept(&mut self.tcp) => {
                    let agree = timeout(HANDSHAKE, self.acceptor.accept(stream));
                    self.agreeing.spawn(async move {
                        match agree.await {
                            Ok(Ok(stream)) => return Some((stream, address)),
                            Ok(Err(cause)) => tracing::debug!(%address, "no TLS connection: {cause}"),
                            Err(_) => tracing::debug!(%address, "no TLS connection in time"),
                        }
                        None
                    });
                }
                Some(agreed) = self.agreeing.join_next() => {
                    if let Ok(Some(connection)) = agreed {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
