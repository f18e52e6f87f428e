//! `cargo glance dev`: runs the add-on of the current folder beside a host, and rebuilds it at each
//! save.

mod add_on;
mod browser;
mod build;
mod calls;
mod difference;
mod log;
mod package;
mod session;
mod terminal;
mod watch;

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Instant;

use glance_host::calls::CallLog;
use glance_host::model::Room;
use glance_host::{DEFAULT_PORT, Error, Host};
use glance_sdk::addon::interrupted;

use crate::error::CommandError;
use crate::style::Style;
use build::{Options, build};
use package::Package;
use session::{DescriptorSender, Session};
use terminal::Terminal;
use watch::Watch;

/// Run the add-on of this folder beside a host, and rebuild it at each save.
///
/// The host keeps its data in the target folder, separately for each add-on. The add-on receives
/// its address in HOST, PORT and BASE_URL, logs at the level `info` unless RUST_LOG is set, and
/// runs in the current folder. While a build fails, the last good one keeps running. Ctrl-C stops
/// the host, the add-on and a build.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance dev --open
  cargo glance dev --package standup --features jira -- --verbose")]
pub(crate) struct Arguments {
    /// Open the room in a browser.
    #[arg(long)]
    open: bool,
    /// The folder of the host's data. The default is glance-dev/PACKAGE in the target folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The host's port, 0 for any. The default is 4400, or another if that is in use.
    #[arg(long)]
    port: Option<u16>,
    /// The add-on's port. The default is its previous port, then 8080, or another if these are in
    /// use.
    #[arg(long, value_name = "PORT")]
    add_on_port: Option<u16>,
    /// The path of the descriptor below the add-on's address.
    #[arg(long, value_name = "PATH", default_value = "/")]
    descriptor: String,
    /// Another file or folder to watch; may be given several times.
    #[arg(long, short, value_name = "PATH")]
    watch: Vec<PathBuf>,
    #[command(flatten)]
    build: Options,
    /// Arguments for the add-on's program.
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// The room in which the add-on is installed.
const ROOM: &str = "Dev";

/// The folder in the target folder with one folder of host data per package.
const FOLDER: &str = "glance-dev";

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let ended = ended();
    tokio::pin!(ended);
    let terminal = Terminal::new();
    let package = tokio::select! {
        package = Package::find(&arguments) => package?,
        () = &mut ended => return Ok(()),
    };
    let watch = Watch::start(&package, &arguments.watch)?;
    log::start(terminal);
    let data = arguments.data.clone();
    let data = data.unwrap_or_else(|| package.target.join(FOLDER).join(&package.name));
    let log = CallLog::default();
    let host = start_host(&data, arguments.port, &log, terminal).await?;
    let room = host.open_room(ROOM).await.map_err(database_failed)?;
    let url = host.room_url(&room);
    terminal.say(
        "Host",
        format_args!("{}  (data in {})", host.base_url(), data.display()),
    );
    let descriptor = DescriptorSender::new(None);
    let shown = calls::show(log.follow(), descriptor.subscribe(), terminal);
    let calls = tokio::spawn(shown);
    let outcome = {
        let mut session = session(&host, room, descriptor, &arguments, terminal).await?;
        terminal.say("Open", &url);
        if arguments.open {
            browser::open(&url, terminal);
        }
        let outcome = tokio::select! {
            outcome = work(&mut session, &package, &arguments.build, watch) => outcome,
            () = &mut ended => Ok(()),
        };
        if let Some(add_on) = session.add_on.take() {
            add_on.stop().await;
        }
        outcome
    };
    host.shutdown().await;
    calls.abort();
    if outcome.is_ok() {
        terminal.say(
            "Stopped",
            format_args!("The data stays in {}.", data.display()),
        );
    }
    outcome
}

/// Builds and runs the add-on, and repeats after each change.
async fn work(
    session: &mut Session<'_>,
    package: &Package,
    options: &Options,
    mut watch: Watch,
) -> Result<(), CommandError> {
    let terminal = session.terminal;
    loop {
        let built = {
            let building = build(package, options, terminal);
            tokio::pin!(building);
            loop {
                tokio::select! {
                    built = &mut building => break Some(built?),
                    _ = watch.changed() => break None,
                    () = session.ended() => {}
                }
            }
        };
        match built {
            // The sources have changed since this build started; dropping it stopped it.
            None => continue,
            Some(Some(program)) => session.start(&program, Instant::now()).await,
            Some(None) => {
                let then = match session.add_on {
                    Some(_) => "The add-on of the last good build keeps running.",
                    None => "Fix the compiler's errors, and save.",
                };
                let text = format!("It does not compile. {then}");
                terminal.say("Failed", terminal.paint(Style::Red, text));
            }
        }
        let changed = loop {
            tokio::select! {
                changed = watch.changed() => break changed,
                () = session.ended() => {}
            }
        };
        let changed = changed.strip_prefix(&package.folder).unwrap_or(&changed);
        terminal.say("Saved", changed.display());
    }
}

/// Creates a session without an add-on yet, if possible at the port of an earlier session.
async fn session<'h>(
    host: &'h Host,
    room: Room,
    installed_descriptor: DescriptorSender,
    arguments: &Arguments,
    terminal: Terminal,
) -> Result<Session<'h>, CommandError> {
    let installed = host.state().installations_in(room.id).await;
    let installed = installed.map_err(database_failed)?;
    let earlier = installed.iter().filter_map(|installed| {
        let url = reqwest::Url::parse(&installed.descriptor_url).ok()?;
        (url.host_str() == Some("127.0.0.1")).then(|| url.port())?
    });
    let port = match arguments.add_on_port {
        Some(port) => port,
        None => add_on::free_port(earlier).map_err(|cause| {
            CommandError::new(
                "no-port",
                format!("no free port for the add-on: {cause}"),
                "choose one with --add-on-port",
            )
        })?,
    };
    Ok(Session {
        host,
        room,
        port,
        descriptor: format!("/{}", arguments.descriptor.trim_start_matches('/')),
        arguments: arguments.arguments.clone(),
        terminal,
        add_on: None,
        installed: None,
        installed_descriptor,
    })
}

async fn start_host(
    data: &Path,
    port: Option<u16>,
    log: &CallLog,
    terminal: Terminal,
) -> Result<Host, CommandError> {
    let builder = Host::builder().data(data).call_log(log);
    let start = |port| builder.clone().port(port).start();
    let started = match start(port.unwrap_or(DEFAULT_PORT)).await {
        Err(error) if error.is_address_in_use() && port.is_none() => {
            terminal.say(
                "Host",
                format_args!("Port {DEFAULT_PORT} is in use; the host uses another."),
            );
            start(0).await
        }
        other => other,
    };
    started.map_err(|error| match &error {
        _ if error.is_address_in_use() => CommandError::new(
            "port-taken",
            format!("{error:#}"),
            "choose another --port, or omit it to use any free port",
        ),
        Error::FolderInUse(folder) => CommandError::new(
            "data-in-use",
            format!("another host uses the data folder {}", folder.display()),
            "stop the other `cargo glance dev`, or choose another --data folder",
        ),
        _ => CommandError::new(
            "no-host",
            format!("{error:#}"),
            "choose another --data folder, or remove this one to start over",
        ),
    })
}

fn database_failed(error: impl Display) -> CommandError {
    CommandError::new(
        "no-host",
        format!("{error:#}"),
        "choose another --data folder, or remove this one to start over",
    )
}

/// Completes at Ctrl-C, at SIGTERM, or when the terminal closes.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hangup) = signal(SignalKind::hangup()) {
            tokio::select! {
                _ = hangup.recv() => {}
                () = interrupted() => {}
            }
            return;
        }
    }
    interrupted().await;
}
