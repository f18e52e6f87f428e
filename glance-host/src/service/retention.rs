//! Forgets what was written longer ago than the host keeps it.

use std::sync::Arc;
use std::time::Duration;

use crate::service::shared::Shared;
use crate::storage::StorageError;

/// How often the host looks for what is too old.
const PAUSE: Duration = Duration::from_secs(60 * 60);

/// How much of each kind is forgotten at once: the database is not held up for longer than that takes.
const BATCH: u32 = 500;

/// Forgets in the background, until the host ends.
pub(crate) fn begin(shared: &Arc<Shared>, kept: Duration) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let forgetting = async {
            loop {
                let (forgotten, ()) =
                    tokio::join!(forget(&shared, kept), shared.clock.sleep(PAUSE));
                if let Err(cause) = forgotten {
                    tracing::error!("what is too old stays: {cause:#}");
                }
            }
        };
        tokio::select! {
            () = shared.shutdown.begun() => {}
            () = forgetting => {}
        }
    });
}

async fn forget(shared: &Shared, kept: Duration) -> Result<(), StorageError> {
    let kept = i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
    let before = shared.clock.now().saturating_sub(kept);
    let before = before.saturating_mul(1_000_000);
    let mut forgotten = 0;
    loop {
        match shared.state.forget_messages(before, BATCH).await? {
            0 => break,
            some => forgotten += some,
        }
    }
    if forgotten > 0 {
        tracing::info!(forgotten, "forgot messages that were kept long enough");
    }
    Ok(())
}
