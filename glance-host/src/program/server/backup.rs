//! `glance-host backup` and `glance-host restored`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::Subcommand;
use glance_sdk::addon::interrupted;

use super::describe_error;
use crate::model::clock::Clock;
use crate::program::host::folder;
use crate::program::server::config::Config;
use crate::storage::backup::{self, Backup, BackupError};

/// The pause between two reports of progress, and before the first.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);

const MEGABYTE: u64 = 1_000_000;

/// A task of the program other than serving.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Copies the database to a new file, also while the host runs.
    ///
    /// The copy contains every change that the host acknowledged before the command began. The command checks it before
    /// it gives it its name. Only the owner of the file can read it, because it contains the secrets of installations.
    /// An existing file is not replaced.
    ///
    /// The data folder is that of the settings: GLANCE_HOST_DATA=/var/lib/glance-host glance-host backup FILE
    ///
    /// To restore the copy, stop the host, remove host.sqlite, host.sqlite-wal and host.sqlite-shm from the data folder,
    /// put the copy there as host.sqlite, make the host's user its owner, and start the host. It drops the webhook calls
    /// in the copy, because they were made after it, and logs how many.
    #[command(verbatim_doc_comment)]
    Backup {
        /// The new file. Its folder must exist.
        file: PathBuf,
    },
    /// Prepares a database that was restored from another copy than one of `backup`.
    ///
    /// A host cannot tell a copy by sqlite3 or a snapshot of the file system from its own database. It would make the
    /// webhook calls that waited in the copy again, and assign numbers that others have seen. Run this once after you
    /// put the copy into the data folder, and before you start the host: it drops the calls and prints how many. A copy
    /// of `backup` needs it not.
    #[command(verbatim_doc_comment)]
    Restored,
}

/// Runs the command. Returns what to print.
pub(super) async fn run(command: &Command, config: &Config) -> Result<String, String> {
    let database = config.data.join(folder::DATABASE);
    match command {
        Command::Backup { file } => copy(&database, file)
            .await
            .map_err(|error| error.to_string()),
        Command::Restored => {
            // Taking the folder creates it.
            let is_there = database.try_exists().unwrap_or(true);
            if !is_there {
                return Err(BackupError::NoDatabase(database).to_string());
            }
            let lock = folder::take(&config.data).map_err(|error| describe_error(config, error))?;
            let dropped = backup::restored(&database).map_err(|error| error.to_string())?;
            drop(lock);
            Ok(format!(
                "The database is ready for its first start: {} webhook calls of {} installations were dropped.\n",
                dropped.total(),
                dropped.calls.len()
            ))
        }
    }
}

/// Copies the database, and reports progress on standard error. SIGINT and SIGTERM interrupt it.
async fn copy(database: &Path, target: &Path) -> Result<String, BackupError> {
    let mut backup = Backup::begin(database, target)?;
    let size = backup.size()?;
    let partial = backup.partial().to_owned();
    let handle = backup.interrupt_handle();
    let mut copying = tokio::task::spawn_blocking(move || backup.run());
    let mut interruption = pin!(interrupted());
    let mut is_interrupted = false;
    let clock = Clock::default();
    let copied = loop {
        tokio::select! {
            copied = &mut copying => break copied,
            () = &mut interruption, if !is_interrupted => {
                is_interrupted = true;
                handle.interrupt();
            }
            () = clock.sleep(PROGRESS_PERIOD) => {
                let done = fs::metadata(&partial).map_or(0, |file| file.len());
                let (done, size) = (done / MEGABYTE, size / MEGABYTE);
                let _ = writeln!(io::stderr(), "copied {done} of at most {size} MB");
            }
        }
    };
    copied.map_err(|panic| BackupError::Write(target.to_owned(), io::Error::other(panic)))??;
    Ok(format!("Copied the database to {}.\n", target.display()))
}
