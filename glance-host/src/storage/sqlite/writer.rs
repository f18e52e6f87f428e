//! The thread that makes all changes, several in one commit.
//!
//! A commit waits for the disk. While it waits, the next changes collect, and the next commit stores them together: a
//! busy host makes few commits, an idle one commits each change at once. A commit costs as much CPU time as several
//! changes, so while several callers write, the thread pauses before a commit as long as that brings more changes.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, ffi};
use tokio::sync::{mpsc, oneshot};

use super::error::change_error;
use super::rows;
use super::writes::{WriteLog, is_disk_failure};
use crate::storage::{Result, StorageError};

/// The number of changes that wait for the thread. More wait in their own tasks.
const MAX_WAITING: usize = 1024;

/// The largest number of changes in one commit.
const MAX_GROUP: usize = 256;

/// The pause in which more changes are expected while several callers write: shorter than most disks take to commit.
const PAUSE: Duration = Duration::from_micros(100);

/// The largest number of pauses before a commit.
const MAX_PAUSES: u32 = 8;

/// The number of changes for which a commit is cheap enough: it does not wait for more.
const ENOUGH: usize = 32;

/// Runs after the commit of a change, on the thread that writes.
pub(super) type OnCommit = Box<dyn FnOnce() + Send>;

/// Makes changes in the order in which they come.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` while the thread is being stopped.
    changes: Option<mpsc::Sender<Box<dyn Change>>>,
    thread: Option<JoinHandle<()>>,
}

/// A change that waits, and the task that waits for it.
trait Change: Send {
    /// Makes the change within a transaction, and keeps its outcome.
    fn make(&mut self, connection: &Connection) -> Made;

    /// Tells the waiting task the outcome: its own, or why the transaction was not committed.
    fn finish(self: Box<Self>, uncommitted: Option<StorageError>);
}

/// The outcome of a change within its transaction.
#[derive(Debug, Clone, Copy)]
enum Made {
    Done,
    /// The change is refused, or cannot be made.
    Refused,
    /// The disk or the database does not work.
    NotStored(ffi::Error),
}

struct Waiting<T, F> {
    query: Option<F>,
    outcome: Option<Result<(T, OnCommit)>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Change for Waiting<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> rusqlite::Result<(T, OnCommit)> + Send,
{
    fn make(&mut self, connection: &Connection) -> Made {
        let Some(query) = self.query.take() else {
            return Made::Refused;
        };
        let (made, outcome) = match catch_unwind(AssertUnwindSafe(|| query(connection))) {
            Ok(Ok(value)) => (Made::Done, Ok(value)),
            Ok(Err(error)) => {
                let failure = error.sqlite_error().filter(|_| is_disk_failure(&error));
                let made = failure.copied().map_or(Made::Refused, Made::NotStored);
                (made, Err(change_error(error)))
            }
            Err(panic) => (Made::Refused, Err(panicked(&*panic))),
        };
        self.outcome = Some(outcome);
        made
    }

    fn finish(self: Box<Self>, uncommitted: Option<StorageError>) {
        let outcome = match (self.outcome, uncommitted) {
            (Some(Ok(_)) | None, Some(error)) => Err(error),
            (Some(Ok((value, on_commit))), None) => {
                run_caught(on_commit);
                Ok(value)
            }
            (Some(Err(error)), _) => Err(error),
            (None, None) => Err(StorageError::other("the change was not made")),
        };
        // The task may have been dropped; the change is made all the same.
        let _ = self.reply.send(outcome);
    }
}

/// Runs what follows a commit. A panic there must not end the thread, and the change is stored all the same.
fn run_caught(on_commit: OnCommit) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(on_commit)) {
        let error = panic_message(&*panic);
        tracing::error!(error, "the effects of a stored change panicked");
    }
}

fn panicked(panic: &(dyn Any + Send)) -> StorageError {
    StorageError::other(format!("a change panicked: {}", panic_message(panic)))
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    message.unwrap_or("?")
}

impl Writer {
    /// Starts the thread. It ends, and the last changes are committed, when the writer is dropped.
    pub(super) fn start(
        connection: Arc<Mutex<Connection>>,
        writes: Arc<WriteLog>,
    ) -> std::io::Result<Self> {
        let (changes, waiting) = mpsc::channel(MAX_WAITING);
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || run(&connection, waiting, &writes))?;
        Ok(Self {
            changes: Some(changes),
            thread: Some(thread),
        })
    }

    /// Makes a change. It is stored when this returns. Once the change waits, dropping the future does not stop it.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let nothing: fn() = || ();
        self.change_then(move |connection| Ok((query(connection)?, Box::new(nothing) as OnCommit)))
            .await
    }

    /// Makes a change, and runs a function after its commit. The functions run in the order of the changes, each before
    /// the task of its change continues, and also if that task was dropped.
    pub(super) async fn change_then<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<(T, OnCommit)> + Send + 'static,
    ) -> Result<T> {
        let (reply, outcome) = oneshot::channel();
        let change = Box::new(Waiting {
            query: Some(query),
            outcome: None,
            reply,
        });
        let ended = || StorageError::other("the thread that writes has ended");
        let changes = self.changes.as_ref().ok_or_else(ended)?;
        changes.send(change).await.map_err(|_| ended())?;
        outcome.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.changes = None;
        if let Some(thread) = self.thread.take()
            // The effects of a commit may hold the last handle of the storage, and a thread cannot wait for itself.
            && thread.thread().id() != thread::current().id()
        {
            // The thread does not panic: changes that do are caught.
            let _ = thread.join();
        }
    }
}

fn run(
    connection: &Mutex<Connection>,
    mut waiting: mpsc::Receiver<Box<dyn Change>>,
    writes: &WriteLog,
) {
    let mut is_busy = false;
    while let Some(first) = waiting.blocking_recv() {
        let connection = connection.lock();
        let mut next = Next::new(&mut waiting, is_busy);
        let mut group = Vec::new();
        let stored = store(&connection, first, &mut next, &mut group, writes);
        drop(connection);
        is_busy = group.len() > 1;
        let mut error = stored.err().map(change_error);
        for change in group {
            // The first gets the error itself; the others get one of its kind.
            let copy = error.as_ref().map(again);
            change.finish(std::mem::replace(&mut error, copy));
        }
    }
}

/// The changes that join a group.
struct Next<'a> {
    waiting: &'a mut mpsc::Receiver<Box<dyn Change>>,
    /// The number of pauses that are left.
    pauses: u32,
}

impl<'a> Next<'a> {
    fn new(waiting: &'a mut mpsc::Receiver<Box<dyn Change>>, is_busy: bool) -> Self {
        let pauses = if is_busy { MAX_PAUSES } else { 0 };
        Self { waiting, pauses }
    }

    /// Returns a change that waits, after a pause if there is none.
    fn get(&mut self, taken: usize) -> Option<Box<dyn Change>> {
        if taken >= MAX_GROUP {
            return None;
        }
        let next = self.waiting.try_recv().ok();
        if next.is_some() || taken >= ENOUGH || self.pauses == 0 {
            return next;
        }
        self.pauses -= 1;
        thread::sleep(PAUSE);
        self.waiting.try_recv().ok()
    }
}

/// Returns another error of the same kind, for the other changes of an uncommitted transaction.
fn again(error: &StorageError) -> StorageError {
    let message = error.source().map(ToString::to_string).unwrap_or_default();
    match error {
        StorageError::NotWritable(_) => StorageError::NotWritable(message.into()),
        StorageError::DiskFull(_) => StorageError::DiskFull(message.into()),
        _ => StorageError::other(message),
    }
}

/// Makes a change, and those that come meanwhile, in one transaction. A change that fails leaves the others as they
/// are. All changes that were taken are in `group` afterwards, also if the transaction was not committed.
fn store(
    connection: &Connection,
    first: Box<dyn Change>,
    others: &mut Next<'_>,
    group: &mut Vec<Box<dyn Change>>,
    writes: &WriteLog,
) -> rusqlite::Result<()> {
    let mut written = 0;
    let mut has_failed = false;
    let stored = match execute(connection, "BEGIN IMMEDIATE") {
        Ok(()) => {
            let mut next = Some(first);
            let mut made = Ok(());
            while let Some(mut change) = next.take() {
                made = make(connection, &mut *change, &mut written, &mut has_failed);
                group.push(change);
                if made.is_ok() {
                    next = others.get(group.len());
                }
            }
            made.and_then(|()| execute(connection, "COMMIT"))
        }
        Err(error) => {
            // The others would wait for the same lock, one after the other.
            group.push(first);
            group.extend(std::iter::from_fn(|| others.waiting.try_recv().ok()));
            Err(error)
        }
    };
    if stored.is_err() && !connection.is_autocommit() {
        // If this fails, too, the next transaction cannot begin, and its error is told.
        let _ = execute(connection, "ROLLBACK");
    }
    match &stored {
        Ok(()) if has_failed && written == 0 => writes.failed(),
        Ok(()) => writes.wrote(written),
        Err(error) if is_disk_failure(error) => writes.failed(),
        Err(_) => {}
    }
    stored
}

/// Makes one change within the transaction, all of it or nothing.
fn make(
    connection: &Connection,
    change: &mut dyn Change,
    written: &mut u64,
    has_failed: &mut bool,
) -> rusqlite::Result<()> {
    execute(connection, "SAVEPOINT change")?;
    let before = connection.total_changes();
    match change.make(connection) {
        Made::Done => *written += u64::from(connection.total_changes() != before),
        Made::Refused => execute(connection, "ROLLBACK TO change")?,
        Made::NotStored(error) => {
            *has_failed = true;
            // SQLite ends the whole transaction after some of these failures.
            if connection.is_autocommit() {
                return Err(rusqlite::Error::SqliteFailure(error, None));
            }
            execute(connection, "ROLLBACK TO change")?;
        }
    }
    execute(connection, "RELEASE change")
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    rows::execute(connection, sql, []).map(drop)
}

#[cfg(test)]
mod tests;
