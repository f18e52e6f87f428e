//! Tells background tasks that the host shuts down.

use tokio::sync::watch;

/// Receives the beginning of the shutdown. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Creates a sender, which begins the shutdown by sending true, and a receiver.
    pub(crate) fn channel() -> (watch::Sender<bool>, Self) {
        let (begin, receiver) = watch::channel(false);
        (begin, Self(receiver))
    }

    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when the shutdown begins.
    pub(crate) fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.clone();
        async move {
            // An error means that the sender, the host, was dropped; that ends the tasks too.
            let _ = receiver.wait_for(|begun| *begun).await;
        }
    }
}
