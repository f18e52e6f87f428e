//! `cargo glance record`: keeps what a host and an add-on say to each other.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use glance_host::testing::{FaultHost, Recording};
use glance_host::{Host, InstallError};
use glance_sdk::addon::interrupted;

use crate::error::CommandError;
use crate::{fetch, print};

/// Record what a host and an add-on say to each other, for `cargo glance replay` and for tests.
///
/// Starts a host of its own, installs the add-on in a room, and prints the room's address. Use the add-on
/// there; Ctrl-C removes it and ends the recording. Secrets and tokens are not in the file; what the add-on
/// itself says of people and systems is, so read the file before you publish it.
#[derive(clap::Args)]
#[command(after_help = "Example:
  cargo glance record standup.jsonl http://127.0.0.1:8080/")]
pub(crate) struct Arguments {
    /// The file; it must not exist.
    file: PathBuf,
    /// The address of the add-on's descriptor.
    #[arg(value_name = "URL")]
    descriptor: String,
    /// Replace the file where it exists.
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
    // Ctrl-C counts from here on, and takes effect once the installation is whole.
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
            let help = "choose another --port, or leave it out";
            CommandError::new("no-host", format!("{error:#}"), help)
        })?;
    // Beside the file, which stays as it is until the recording is whole.
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
    // There is nothing to remove after a success.
    let _ = std::fs::remove_file(&partial);
    host.shutdown().await;
    finished
}

/// Installs the add-on in a room, and prints where that is.
async fn install(host: &FaultHost, descriptor: &str) -> Result<(), CommandError> {
    let room = host.open_room("Recording").await;
    let room = room.map_err(|error| {
        CommandError::new("no-host", format!("{error:#}"), "start the command again")
    })?;
    let refused = |error: InstallError| {
        let help = "check that the add-on runs, and what it logs";
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

/// Removes the add-on, which is the recording's end, and gives the file its name.
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
        "Recorded {calls} calls in {file}. `cargo glance replay {file} BASE_URL` plays them."
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
        format!("{} cannot be written: {cause}", file.display()),
        help,
    )
}
