//! The add-on as a process of its own.

use std::ffi::OsStr;
use std::io::{self, pipe};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use super::terminal::{Source, Terminal};
use crate::supervise::Supervised;

/// The interval between two checks whether the add-on listens.
const BETWEEN_LOOKS: Duration = Duration::from_millis(15);

/// The time after which the command reports that the add-on does not listen yet.
const SLOW: Duration = Duration::from_secs(10);

/// The default port of the SDK's add-ons.
const USUAL_PORT: u16 = 8080;

/// A running add-on, which ends when this is dropped.
pub(super) struct AddOn {
    process: Supervised,
    address: SocketAddr,
}

impl AddOn {
    /// Starts the program with its address in `HOST`, `PORT` and `BASE_URL`.
    pub(super) fn start(
        program: &Path,
        arguments: &[std::ffi::OsString],
        port: u16,
        terminal: Terminal,
    ) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // One pipe for both outputs, so that lines keep their order.
        let (reader, writer) = pipe()?;
        let errors = writer.try_clone()?;
        let process = Supervised::start(program.as_os_str(), arguments.to_vec(), |command| {
            command
                .env("HOST", address.ip().to_string())
                .env("PORT", port.to_string())
                .env("BASE_URL", format!("http://{address}"))
                .stdout(writer)
                .stderr(errors);
            if !terminal.has_colours() {
                command.env("NO_COLOR", "1");
            }
            if std::env::var_os("RUST_LOG").is_none_or(|level| level == *OsStr::new("")) {
                command.env("RUST_LOG", "info");
            }
        })?;
        terminal.copy(Source::AddOn, reader);
        Ok(Self { process, address })
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the add-on listens. Returns false if it ends instead.
    pub(super) async fn listens(&mut self, terminal: Terminal) -> bool {
        let address = self.address;
        let look = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        let hint = async {
            tokio::time::sleep(SLOW).await;
            terminal.say(
                "Waiting",
                format_args!(
                    "The add-on does not listen at {address} yet. It must listen at HOST and PORT, as \
                     AddOn::serve does."
                ),
            );
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = look => true,
            _ = self.process.ended() => false,
            () = hint => false,
        }
    }

    /// Waits until the add-on ends by itself. Returns a description of its exit.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.ended().await {
            Ok(status) => status.to_string(),
            Err(cause) => cause.to_string(),
        }
    }

    /// Stops the add-on and everything that it started.
    pub(super) async fn stop(self) {
        self.process.stop().await;
    }
}

/// Returns a port without a listener: the first free one of these, otherwise any.
pub(super) fn free_port(preferred: impl IntoIterator<Item = u16>) -> io::Result<u16> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let mut preferred = preferred.into_iter().chain([USUAL_PORT]);
    let listener = match preferred.find_map(|port| listen(port).ok()) {
        Some(listener) => listener,
        None => listen(0)?,
    };
    Ok(listener.local_addr()?.port())
}
