//! The calls between a host and its add-ons, without secrets and tokens, for tools that show them.
//!
//! A host records calls only for a [`CallLog`]: bodies are read into memory whole, and the event streams of pages are
//! left out.

pub(crate) mod exchange;
pub(crate) mod incoming;
mod log;
mod outgoing;
mod secrets;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::middleware;

use crate::net::outbound::Transport;
use crate::program::host::{Builder, Wrap};
use outgoing::RecordingTransport;

pub use exchange::{Exchange, Party, Purpose};
pub(crate) use log::Calls;
pub use stream::CallStream;

/// Records the calls between a host and its add-ons: the latest 10,000. Cheap to clone; clones record the same.
///
/// ```
/// use glance_host::Host;
/// use glance_host::calls::{CallLog, Purpose};
/// use glance_sdk::AddOn;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let log = CallLog::default();
/// let host = Host::builder().port(0).call_log(&log).start().await.unwrap();
/// let mut calls = log.follow();
/// # let room = host.room("ops").await;
/// # let _add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// // An add-on is installed.
/// let call = calls.next().await;
/// assert_eq!((call.purpose, call.status), (Purpose::Descriptor, Some(200)));
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct CallLog(pub(crate) Arc<Calls>);

impl CallLog {
    /// Follows the calls that end from now on, of add-ons and of the host.
    pub fn follow(&self) -> CallStream {
        CallStream::new(Arc::clone(&self.0))
    }
}

impl Builder {
    /// Records the calls between the host and its add-ons in this log.
    #[must_use]
    pub fn call_log(mut self, log: &CallLog) -> Self {
        self.wrap = Some(Arc::new(log.clone()));
        self
    }
}

impl Wrap for CallLog {
    fn transport(&self, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
        let calls = Arc::clone(&self.0);
        Arc::new(RecordingTransport { calls, inner })
    }

    fn router(&self, inner: Router) -> Router {
        let calls = Arc::clone(&self.0);
        inner.layer(middleware::from_fn_with_state(calls, incoming::record))
    }
}
