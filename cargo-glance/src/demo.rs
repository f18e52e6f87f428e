//! `cargo glance demo`: a host, an example add-on in its own process, and a first installation.

mod add_on;
mod github;
mod log;

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use glance_host::state::{Installed, Room};
use glance_host::{DEFAULT_PORT, Host};
use tokio::sync::mpsc;
use tracing_subscriber::EnvFilter;

use add_on::AddOn;
use github::GitHub;

/// The repository of which the demo delivers pull requests.
const REPOSITORY: &str = "example/widgets";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder in which host and add-on keep their data; a second start finds it again.
    #[arg(long, value_name = "DIR", default_value = "glance-demo")]
    data: PathBuf,
    /// The host's port, 0 for any. Without this, 4400 or, where that is taken, another.
    #[arg(long)]
    port: Option<u16>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), String> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,glance_host::steps=info"));
    tracing_subscriber::fmt()
        .event_format(log::Indented)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let data = &arguments.data;
    println!(
        "Data    {}  (kept; remove the folder to start over)",
        data.display()
    );
    let host = start_host(data, arguments.port).await?;
    println!("Host    {}", host.base_url());
    let room = host
        .open_room("Demo")
        .await
        .map_err(|cause| cause.to_string())?;

    let installed = find(&host, &room).await?;
    let secret = github::secret(data)?;
    let mut add_on = AddOn::start(data, host.base_url(), &secret, installed.as_ref()).await?;
    println!(
        "Add-on  {}  (pull-requests, process {})",
        add_on.base_url,
        add_on.id()
    );

    let github = GitHub::new(&add_on.base_url, &secret)?;
    let prepared = prepare(&host, &room, installed, &add_on, &github).await;
    if prepared.is_ok() {
        println!("\nOpen    {}\n", host.room_url(&room));
        println!("GitHub webhooks go to {} and are signed", github.address());
        println!(
            "with the secret in {}.",
            github::secret_file(data).display()
        );
    }
    let ended = match prepared {
        Ok(()) => wait(&mut add_on, &github).await,
        Err(problem) => Err(problem),
    };
    add_on.stop().await;
    host.shutdown().await;
    if ended.is_ok() {
        println!("Stopped. The data stays in {}.", data.display());
    }
    ended
}

async fn start_host(data: &Path, port: Option<u16>) -> Result<Host, String> {
    let start = |port| Host::builder().port(port).data(data).start();
    let started = match start(port.unwrap_or(DEFAULT_PORT)).await {
        Err(error) if error.is_address_in_use() && port.is_none() => {
            println!("Port {DEFAULT_PORT} is taken; the host uses another.");
            start(0).await
        }
        other => other,
    };
    started.map_err(|error| match error.is_address_in_use() {
        true => format!("{error}. Choose another --port, or leave it out to have one chosen"),
        false => format!("{error}. Choose another --data folder, or repair this one"),
    })
}

/// The installation of an earlier start.
async fn find(host: &Host, room: &Room) -> Result<Option<Installed>, String> {
    let here = host
        .state()
        .installations_in(room.id)
        .await
        .map_err(|cause| cause.to_string())?;
    Ok(here
        .into_iter()
        .find(|installed| installed.descriptor.key == add_on::KEY))
}

/// Installs the add-on the first time, and lets the two find each other again later: either may
/// have another port now.
async fn prepare(
    host: &Host,
    room: &Room,
    installed: Option<Installed>,
    add_on: &AddOn,
    github: &GitHub,
) -> Result<(), String> {
    let descriptor = format!("{}/", add_on.base_url);
    if let Some(installed) = installed {
        host.update(&installed, &descriptor)
            .await
            .map_err(|error| error.to_string())?;
        println!("Found   the installation of an earlier start, with everything it knew");
        return Ok(());
    }
    let installed = host
        .install(room, &descriptor)
        .await
        .map_err(|error| error.to_string())?;
    println!(
        "Asking  the add-on's panel to watch {REPOSITORY}, signed as a person's browser would"
    );
    let panel = host.panel_url(room, &installed, add_on::PANEL).await?;
    add_on.choose(&panel, REPOSITORY).await?;
    println!("Playing GitHub: four pull requests and a draft, as signed webhook deliveries");
    for (days, draft) in [(3, false), (2, false), (1, true), (1, false), (0, false)] {
        github.open(REPOSITORY, days, draft).await?;
    }
    Ok(())
}

/// Until Ctrl-C. On a terminal, Enter delivers one more pull request.
async fn wait(add_on: &mut AddOn, github: &GitHub) -> Result<(), String> {
    let mut enter = None;
    if std::io::stdin().is_terminal() {
        println!("\nPress Enter for one more pull request and watch the page. Ctrl-C ends.");
        enter = Some(lines());
    } else {
        println!("\nCtrl-C ends.");
    }
    let interrupted = glance_sdk::addon::interrupted();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            () = &mut interrupted => {
                println!();
                return Ok(());
            }
            status = add_on.ended() => {
                return Err(format!("the add-on ended by itself ({status})"));
            }
            Some(()) = next(&mut enter) => {
                let number = github.open(REPOSITORY, 0, false).await?;
                println!("Delivered: {REPOSITORY} #{number} was opened.");
            }
        }
    }
}

async fn next(enter: &mut Option<mpsc::UnboundedReceiver<()>>) -> Option<()> {
    match enter {
        Some(enter) => enter.recv().await,
        None => std::future::pending().await,
    }
}

/// One message for each line of standard input.
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
