//! `cargo glance record`: records the calls between a host and an add-on.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use glance_host::testing::{FaultHost, Recording};
use glance_host::{Host, InstallError};
use glance_sdk::addon::interrupted;

use crate::error::CommandError;
use crate::{fetch, print};

/// Record the calls between a host and an add-on, for `cargo glance replay` and for tests.
///
/// Starts a temporary host, installs the add-on in a room, and prints the room's URL. Use the
/// add-on there; Ctrl-C removes it and ends the recording. The file contains no secrets and tokens,
/// but the add-on's own data about people and systems, so read the file before you publish it.
#[derive(clap::Args)]
#[command(after_help = "Example:
  cargo glance record standup.jsonl http://127.0.0.1:8080/")]
pub(crate) struct Arguments {
    /// The file; it must not exist.
    file: PathBuf,
    /// The URL of the add-on's descriptor.
    #[arg(value_name = "URL")]
    descriptor: String,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
    /// The host's port, 0 for any.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments {
        file,
        descriptor,
        force,
        port,
    } = arguments;
    // Ctrl-C counts from here on, but takes effect after the installation is complete.
    let ended = interrupted();
    fetch::parse(&descriptor)?;
    if !force && file.exists() {
        return Err(CommandError::new(
            "file-exists",
            format!("{} exists", file.display()),
            "choose another file, or replace it with --force",
        ));
    }
    let host = Host::builder()
        .port(port)
        .start_with_faults()
        .await
        .map_err(|error| {
            let help = "choose another --port, or omit it";
            CommandError::new("no-host", format!("{error:#}"), help)
        })?;
    // A separate file, so that the existing one is unchanged until the recording is complete.
    let partial = PathBuf::from(format!("{}.partial", file.display()));
    let recording = host
        .record_to(&partial)
        .map_err(|cause| unwritable(&partial, &cause))?;
    let recorded = install(&host, &descriptor).await;
    if recorded.is_ok() {
        ended.await;
    }
    let finished = match recorded {
        Ok(()) => finish(&host, recording, &partial, &file).await,
        Err(error) => Err(error),
    };
    // After a success there is nothing to remove.
    let _ = std::fs::remove_file(&partial);
    host.shutdown().await;
    finished
}

/// Installs the add-on in a room, and prints the room's URL.
async fn install(host: &FaultHost, descriptor: &str) -> Result<(), CommandError> {
    let room = host.open_room("Recording").await;
    let room = room.map_err(|error| {
        CommandError::new("no-host", format!("{error:#}"), "start the command again")
    })?;
    let refused = |error: InstallError| {
        let help = "check that the add-on is running, and its log";
        CommandError::new("not-installed", format!("{error:#}"), help)
    };
    match host.install(&room, descriptor).await {
        Err(InstallError::NotAllowed(_)) => host.install_global(descriptor).await,
        other => other,
    }
    .map_err(refused)?;
    print::line(format_args!("Open    {}", host.room_url(&room)));
    print::line("Ctrl-C ends the recording.");
    Ok(())
}

/// Removes the add-on, which ends the recording, and renames the file.
async fn finish(
    host: &FaultHost,
    recording: Recording,
    partial: &Path,
    file: &Path,
) -> Result<(), CommandError> {
    let failed = |cause: &dyn std::fmt::Display| {
        CommandError::new("no-host", format!("{cause:#}"), "start the command again")
    };
    let room = host
        .open_room("Recording")
        .await
        .map_err(|error| failed(&error))?;
    let installed = host.state().installations_in(room.id).await;
    for installed in installed.map_err(|error| failed(&error))? {
        let removed = host.uninstall(&installed.oauth_id).await;
        removed.map_err(|error| failed(&error))?;
    }
    let calls = host.calls().len();
    let finished = recording
        .finish()
        .and_then(|()| std::fs::rename(partial, file));
    finished.map_err(|cause| unwritable(file, &cause))?;
    let file = file.display();
    print::line(format_args!(
        "Recorded {calls} calls in {file}. `cargo glance replay {file} BASE_URL` replays them."
    ));
    Ok(())
}

fn unwritable(file: &Path, cause: &io::Error) -> CommandError {
    let help = match cause.kind() {
        ErrorKind::NotFound => "create its folder, or choose another file",
        _ => "choose another file",
    };
    CommandError::new(
        "no-file",
        format!("cannot write {}: {cause}", file.display()),
        help,
    )
}
