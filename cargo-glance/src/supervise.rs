//! Runs a program that ends with its supervising process, even if that is killed.
//!
//! A killed process cannot stop its children, so a small process stands between: it reads a pipe
//! from its parent, and when the pipe closes, it stops the program's whole process group.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};

use crate::lifeline::parent_is_gone;
use crate::print;

/// The time in which a program must end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The exit code of a program that cannot be started, like in shells.
const NOT_STARTED: u8 = 127;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The program.
    program: OsString,
    /// The arguments of the program.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the program in its own process group. Returns its exit code.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    let mut command = Command::new(&arguments.program);
    command.args(&arguments.arguments).stdin(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    let mut program = match command.spawn() {
        Ok(program) => program,
        Err(cause) => {
            let program = arguments.program.display();
            print::error(format_args!("cannot start {program}: {cause}"));
            return ExitCode::from(NOT_STARTED);
        }
    };
    let id = program.id();
    let status = tokio::select! {
        status = program.wait() => status,
        _ = parent_is_gone() => end(&mut program).await,
        () = glance_sdk::addon::interrupted() => end(&mut program).await,
    };
    // Processes that the program started and left behind end with it.
    signal_group(id, Force::Kill);
    status.map_or(ExitCode::FAILURE, |status| ExitCode::from(code(status)))
}

/// Asks the program to end, and kills it if it does not end within [`GRACE`].
async fn end(program: &mut Child) -> io::Result<ExitStatus> {
    signal_group(program.id(), Force::Ask);
    match tokio::time::timeout(GRACE, program.wait()).await {
        Ok(status) => status,
        Err(_) => {
            signal_group(program.id(), Force::Kill);
            program.kill().await?;
            program.wait().await
        }
    }
}

#[derive(Clone, Copy)]
enum Force {
    Ask,
    Kill,
}

#[cfg(unix)]
fn signal_group(id: Option<u32>, force: Force) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let id = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let signal = match force {
        Force::Ask => Signal::TERM,
        Force::Kill => Signal::KILL,
    };
    if let Some(group) = id {
        // The group may be empty already.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
fn signal_group(_: Option<u32>, _: Force) {}

/// Returns the exit code for this status, like shells.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    let code = status.code().unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// A program under supervision. It ends when this is dropped; [`stop`](Self::stop) also waits for
/// its end.
pub(crate) struct Supervised {
    process: Child,
    /// Stored separately from the process, whose `wait` would close it.
    lifeline: Option<ChildStdin>,
}

impl Supervised {
    /// Starts the program. `configure` sets its environment, folder and output.
    pub(crate) fn start(
        program: &OsStr,
        arguments: impl IntoIterator<Item = OsString>,
        configure: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("supervise").arg(program).args(arguments);
        configure(&mut command);
        // Ctrl-C is for this process alone, which then stops the program.
        #[cfg(unix)]
        command.process_group(0);
        let mut process = command.stdin(Stdio::piped()).spawn()?;
        let lifeline = process.stdin.take();
        Ok(Self { process, lifeline })
    }

    /// Takes the standard output, if that is a pipe and was not taken.
    pub(crate) fn take_output(&mut self) -> Option<tokio::process::ChildStdout> {
        self.process.stdout.take()
    }

    /// Waits until the program ends by itself. Dropping the future loses nothing.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Stops the program and waits for its end, which takes at most a moment longer than the
    /// program's grace period.
    pub(crate) async fn stop(mut self) {
        drop(self.lifeline.take());
        let _ = self.process.wait().await;
    }
}
