//! The host as a program: `glance-host`, and `cargo glance host`.

mod backup;
mod config;
mod environment;
mod log;
mod metrics;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use glance_sdk::addon::interrupted;
use glance_sdk::printable::printable;
use tokio::runtime::Runtime;

use crate::program::host::{Error, Host};
use backup::Command;
use config::{Config, EXAMPLE};
use metrics::Endpoint;

pub use log::log_fields;

/// The paths of the settings file; the first existing one counts.
const FILES: [&str; 2] = ["glance-host.toml", "/etc/glance-host.toml"];

/// How long what nobody waits for any more may take at the end: enough to close the database. Looking
/// for an add-on's patterns, which nothing interrupts, may take longer and is given up.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// The longest problem that is printed, in characters.
const LONGEST: usize = 10_000;

/// A chat host for a team, with rooms and add-ons that show glances in them.
///
/// Settings come from a TOML file and from environment variables, which win. Without any, the host
/// listens on this machine only, at 127.0.0.1:4400, and keeps its data in ./glance-host-data.
///
/// Ctrl-C or SIGTERM lets what is under way come to its end; a second one does not wait. SIGHUP reads
/// the certificate for HTTPS again.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The file with the settings. Without this: ./glance-host.toml or else /etc/glance-host.toml,
    /// where there is one.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Checks the settings and exits.
    #[arg(long)]
    check: bool,
    /// Prints a file with every setting and its meaning, and exits.
    #[arg(long)]
    example_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Runs the program with its name and its arguments. Returns when it was asked to stop.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse_from(arguments);
    if arguments.example_config {
        return print(EXAMPLE);
    }
    let (config, source) = match settings(arguments.config) {
        Ok(settings) => settings,
        Err(problem) => return failed(&problem),
    };
    if arguments.check {
        return match check(&config) {
            Ok(()) => print(&format!("The settings are good: {source}.\n")),
            Err(problem) => failed(&problem),
        };
    }
    if let Some(command) = &arguments.command {
        let run = completed(backup::run(command, &config));
        return match run.and_then(|outcome| outcome) {
            Ok(text) => print(&text),
            Err(problem) => failed(&problem),
        };
    }
    if let Err(problem) = log::start(&config.log) {
        return failed(&problem);
    }
    match completed(serve(&config, &source)).and_then(|served| served) {
        Ok(()) => ExitCode::SUCCESS,
        // Why it ends is said whatever the filter keeps out.
        Err(problem) if !tracing::enabled!(tracing::Level::ERROR) => failed(&problem),
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What comes of it, on a runtime of its own, with whatever it began and left.
fn completed<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let runtime = Runtime::new().map_err(|cause| format!("it cannot start: {cause}"))?;
    let completed = runtime.block_on(work);
    runtime.shutdown_timeout(LEFTOVERS);
    Ok(completed)
}

/// Writes to standard output. A reader that left early, such as `head`, is no failure.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            failed(&format!("cannot write to standard output: {cause}"))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Prints to standard error. Unlike `eprintln!`, does not panic if that fails.
fn failed(problem: &str) -> ExitCode {
    let problem = printable(problem).with_lines().at_most(LONGEST);
    let _ = writeln!(io::stderr(), "glance-host: {problem}");
    ExitCode::FAILURE
}

/// The settings, and their source.
fn settings(given: Option<PathBuf>) -> Result<(Config, String), String> {
    let named = std::env::var_os(environment::FILE).filter(|name| !name.is_empty());
    let file = given.or(named.map(PathBuf::from)).or_else(|| {
        let found = FILES.iter().map(Path::new).find(|file| file.exists());
        found.map(Path::to_owned)
    });
    let (mut config, source) = match &file {
        Some(file) => (Config::read(file)?, file.display().to_string()),
        None => (Config::default(), "no file".to_owned()),
    };
    let set = environment::apply(&mut config, std::env::vars_os())?;
    let source = match set {
        0 => source,
        set => format!("{source}, and {set} from the environment"),
    };
    Ok((config, source))
}

fn check(config: &Config) -> Result<(), String> {
    log::filter(&config.log)?;
    Endpoint::new(&config.metrics)?;
    let checked = config.builder()?.check();
    checked
        .map(drop)
        .map_err(|error| describe_error(config, error))
}

/// Returns the error, and the setting to change.
fn describe_error(config: &Config, error: Error) -> String {
    match error {
        Error::Listen { .. } if error.is_address_in_use() => {
            format!("{error}. Set `listen` to another")
        }
        Error::NotLoopback(_) | Error::NobodySignsIn { .. } => format!(
            "{error}: set sign_in.way, or {}SIGN_IN_WAY",
            environment::PREFIX
        ),
        Error::PublicUrl { .. } if config.public_url.is_none() => {
            format!(
                "{error}: set public_url, or {}PUBLIC_URL",
                environment::PREFIX
            )
        }
        _ => format!("{error:#}"),
    }
}

/// Serves until the process is asked to end.
async fn serve(config: &Config, source: &str) -> Result<(), String> {
    let endpoint = Endpoint::new(&config.metrics)?;
    let started = config.builder()?.start().await;
    let host = started.map_err(|error| describe_error(config, error))?;
    let metrics = match endpoint {
        Some(endpoint) => Some(endpoint.serve(&host).await?),
        None => None,
    };
    if let Some(rule) = config.sign_in.rule() {
        warn_without_admin(&host, rule).await?;
    }
    let listening = async {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            settings = source,
            data = %config.data.display(),
            address = %host.address(),
            "listening at {}",
            host.base_url()
        );
        std::future::pending().await
    };
    tokio::select! {
        // Signals are handled first: a program that reads the address may send one.
        biased;
        () = interrupted() => {}
        () = reload_when_told(&host) => {}
        () = listening => {}
    }
    tracing::info!("ending; a second signal does not wait for what is under way");
    tokio::select! {
        () = host.shutdown() => tracing::info!("ended"),
        () = interrupted() => {
            tracing::warn!("ended at once");
            // Not by a return: what cannot be interrupted has a moment then.
            std::process::exit(130);
        }
    }
    drop(metrics);
    Ok(())
}

async fn warn_without_admin(host: &Host, rule: &str) -> Result<(), String> {
    let admin = host.state().first_admin().await;
    if admin.map_err(|error| format!("{error:#}"))?.is_none() {
        tracing::warn!(
            "nobody is an admin yet: nobody can manage people or install add-ons for the group, and a new host has no Lobby, until somebody signs in whom {rule} names"
        );
    }
    Ok(())
}

/// Reads the certificate again at each SIGHUP.
async fn reload_when_told(host: &Host) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hangup) = signal(SignalKind::hangup()) {
            while hangup.recv().await.is_some() {
                match host.reload_certificate() {
                    Ok(()) => tracing::info!("the certificate was read again"),
                    Err(cause) => tracing::error!("the old certificate stays in use: {cause}"),
                }
            }
        }
    }
    #[cfg(not(unix))]
    let _ = host;
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_cannot_be_interrupted_holds_up_no_end() {
        let (never, waits) = mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let ended = completed(async {
            tokio::task::spawn_blocking(move || {
                begin.send(()).unwrap();
                waits.recv()
            });
            begun.await.unwrap();
        });
        assert_eq!(ended, Ok(()));
        drop(never);
    }
}
