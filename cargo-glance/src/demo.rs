//! `cargo glance demo`: runs a host and each example add-on in a separate process, and installs the
//! add-ons.

mod add_on;
mod alertmanager;
mod examples;
mod feed;
mod github;
mod hook;
mod jira;
mod log;
mod mastodon;

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use futures_util::future::{join_all, select_all};
use glance_host::model::{Installed, Room};
use glance_host::{DEFAULT_PORT, Error, Host};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use crate::error::CommandError;
use crate::print;
use add_on::AddOn;
use feed::Example;

/// Run a host and the example add-ons, and watch their glances change in a browser.
#[derive(clap::Args)]
#[command(after_help = "Example:
  cargo glance demo --data /tmp/glance-demo --port 0")]
pub(crate) struct Arguments {
    /// The folder for the data of host and add-ons; a second start uses it again.
    #[arg(long, value_name = "DIR", default_value = "glance-demo")]
    data: PathBuf,
    /// The host's port, 0 for any. The default is 4400, or another if that is in use.
    #[arg(long)]
    port: Option<u16>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .log_internal_errors(false)
        .event_format(log::Indented)
        .fmt_fields(glance_host::server::log_fields())
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let data = &arguments.data;
    print::line(format_args!(
        "Data    {}  (remove the folder to start over)",
        data.display()
    ));
    let host = start_host(data, arguments.port).await?;
    print::line(format_args!("Host    {}", host.base_url()));
    let room = host
        .open_room("Demo")
        .await
        .map_err(|error| no_data(format!("{error:#}")))?;

    let mut running = Vec::new();
    let ended = match start_all(data, &host, &room, &mut running).await {
        Ok(()) => wait(&mut running).await,
        Err(problem) => Err(problem),
    };
    join_all(running.into_iter().map(|(_, add_on)| add_on.stop())).await;
    host.shutdown().await;
    if ended.is_ok() {
        print::line(format_args!(
            "Stopped. The data stays in {}.",
            data.display()
        ));
    }
    ended
}

/// An example, with the process that serves it.
type Running = (Example, AddOn);

/// Starts and installs the add-ons. `running` contains the started ones, even if another one fails.
async fn start_all(
    data: &Path,
    host: &Host,
    room: &Room,
    running: &mut Vec<Running>,
) -> Result<(), CommandError> {
    let here = host.state().installations_in(room.id).await;
    let here = here.map_err(|error| no_data(format!("{error:#}")))?;
    let mut found = 0;
    for example in examples::all(data).await.map_err(no_data)? {
        let mut earlier = here.iter();
        let earlier = earlier.find(|installed| installed.descriptor.key == example.key);
        let add_on = AddOn::start(&example, data, host.base_url(), earlier).await;
        let add_on = add_on.map_err(|problem| {
            let help = "read its output above; choose another --data folder, or fix this one";
            CommandError::new("add-on-failed", problem, help)
        })?;
        print::line(format_args!(
            "Add-on  {}  ({}, process {})",
            add_on.base_url,
            example.name,
            add_on.id()
        ));
        prepare(host, room, &example, &add_on, earlier).await?;
        running.push((example, add_on));
        found += usize::from(earlier.is_some());
    }
    if found > 0 {
        print::line("Found   the installations and data of an earlier start");
    }
    let hooks = running
        .iter()
        .filter_map(|(example, add_on)| example.feed.hook(&add_on.base_url));
    hooks.for_each(|hook| print::line(format_args!("Hook    {hook}")));
    print::line(format_args!("\nOpen    {}", host.room_url(room)));
    Ok(())
}

async fn start_host(data: &Path, port: Option<u16>) -> Result<Host, CommandError> {
    let start = |port| Host::builder().port(port).data(data).start();
    let started = match start(port.unwrap_or(DEFAULT_PORT)).await {
        Err(error) if error.is_address_in_use() && port.is_none() => {
            print::line(format_args!(
                "Port {DEFAULT_PORT} is in use; the host uses another."
            ));
            start(0).await
        }
        other => other,
    };
    started.map_err(|error| match &error {
        _ if error.is_address_in_use() => CommandError::new(
            "port-taken",
            error.to_string(),
            "choose another --port, or omit it to use any free port",
        ),
        Error::FolderInUse(folder) => CommandError::new(
            "data-in-use",
            format!("another host uses the data folder {}", folder.display()),
            "stop it first, or choose another --data folder",
        ),
        _ => no_data(format!("{error:#}")),
    })
}

/// Returns the error for an unusable data folder.
fn no_data(problem: String) -> CommandError {
    let help = "choose another --data folder, or fix this one";
    CommandError::new("no-data", problem, help)
}

/// Returns the error for an add-on that does not behave as the demo needs.
fn no_answer(problem: String) -> CommandError {
    let help = "read its output above, and start the demo again";
    CommandError::new("no-answer", problem, help)
}

/// Installs the add-on at the first start, and later updates the addresses of host and add-on: the
/// port of either may have changed.
async fn prepare(
    host: &Host,
    room: &Room,
    example: &Example,
    add_on: &AddOn,
    earlier: Option<&Installed>,
) -> Result<(), CommandError> {
    let descriptor = format!("{}/", add_on.base_url);
    let failed = |error: glance_host::InstallError| {
        let help = "read the output of the add-on above, and start the demo again";
        CommandError::new("not-installed", format!("{error:#}"), help)
    };
    if let Some(installed) = earlier {
        let updated = host.update(installed, &descriptor).await;
        return updated.map(drop).map_err(failed);
    }
    let installed = host.install(room, &descriptor).await.map_err(failed)?;
    let panel = host.panel_url(room, &installed, example.panel).await;
    let panel = panel.map_err(|error| no_answer(format!("{error:#}")))?;
    let chosen = add_on.choose(&panel, example.form).await;
    chosen.map_err(no_answer)?;
    let started_feed = example.feed.begin(&add_on.base_url).await;
    started_feed.map_err(no_answer)
}

/// Waits for Ctrl-C. On a terminal, each press of Enter delivers one more event, to one add-on
/// after the other.
async fn wait(running: &mut [Running]) -> Result<(), CommandError> {
    let mut enter = None;
    if std::io::stdin().is_terminal() {
        print::line("\nPress Enter for one more event and watch the page. Ctrl-C ends.");
        enter = Some(lines());
    } else {
        print::line("\nCtrl-C ends.");
    }
    let interrupted = glance_sdk::addon::interrupted();
    tokio::pin!(interrupted);
    let mut turns = (0..running.len()).cycle();
    loop {
        let ended = select_all(
            running
                .iter_mut()
                .map(|(_, add_on)| Box::pin(add_on.ended())),
        );
        tokio::select! {
            () = &mut interrupted => {
                print::line("");
                return Ok(());
            }
            (said, ..) = ended => {
                let help = "read its output above, and start the demo again";
                return Err(CommandError::new("add-on-ended", said, help));
            }
            Some(()) = next(&mut enter) => {}
        }
        if let Some((example, add_on)) = turns.next().and_then(|turn| running.get(turn)) {
            let more = example.feed.more(&add_on.base_url).await;
            print::line(more.map_err(no_answer)?);
        }
    }
}

async fn next(enter: &mut Option<mpsc::UnboundedReceiver<()>>) -> Option<()> {
    match enter {
        Some(enter) => enter.recv().await,
        None => std::future::pending().await,
    }
}

/// Returns a channel with one message per line of standard input.
fn lines() -> mpsc::UnboundedReceiver<()> {
    let (entered, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || entered.send(()).is_err() {
                return;
            }
        }
    });
    lines
}
