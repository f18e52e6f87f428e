//! Detects in a child process that its parent process has ended.

use std::io::Read;

use tokio::sync::oneshot;

/// Completes when the parent's end of standard input closes, because the parent closed it or was
/// killed.
pub(crate) fn parent_is_gone() -> oneshot::Receiver<()> {
    let (gone, orphaned) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = gone.send(());
    });
    orphaned
}
