//! `cargo glance simulate`: does what a host does to an add-on, once, and says what came of it.

mod action;
mod caller;
mod exchange;
mod install;
mod push;
mod query;
mod webhook;

use std::path::PathBuf;

use glance_sdk::addon::interrupted;

use crate::error::CommandError;
use caller::Caller;
use exchange::Outcome;

/// Send an add-on what a host would send, and see its answer and what a host makes of it.
///
/// Acts as a host of its own: installs the add-on, acts, and removes it. The add-on must be able to call this
/// machine then. With --store it acts as a host that has installed the add-on, with the secret in the
/// add-on's own file.
#[derive(clap::Args)]
#[command(after_help = "Example:
  cargo glance simulate install http://127.0.0.1:8080/")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Query(query::Arguments),
    Push(push::Arguments),
    Webhook(webhook::Arguments),
    Action(action::Arguments),
    Install(install::Arguments),
}

/// What every simulation takes.
#[derive(Debug, clap::Args)]
struct Common {
    /// The address of the add-on's descriptor.
    #[arg(value_name = "URL")]
    descriptor: String,
    /// The file in which the add-on keeps its installations.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Which installation in the store; needed where it has several.
    #[arg(long, value_name = "ID", requires = "store")]
    installation: Option<String>,
    /// The room where it happens; without this, the room of the installation.
    #[arg(long, value_name = "ID", requires = "store")]
    room: Option<u64>,
    /// The person who does it.
    #[arg(long, value_name = "ID", default_value_t = 1)]
    user: u64,
    /// The person's time zone.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Print request, answer and verdict as JSON.
    #[arg(long)]
    json: bool,
}

/// What conditions know of the person and the room.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Person {
    /// The person administers the group.
    #[arg(long)]
    admin: bool,
    /// The person is a guest.
    #[arg(long)]
    guest: bool,
    /// The person owns the room.
    #[arg(long)]
    owner: bool,
    /// The room is private.
    #[arg(long)]
    private: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    match arguments.command {
        Command::Query(arguments) => {
            act(&arguments.common, async |caller| {
                query::run(caller, &arguments).await
            })
            .await
        }
        Command::Push(arguments) => {
            let data = push::read(&arguments)?;
            act(&arguments.common, async |caller| {
                push::run(caller, &arguments, &data).await
            })
            .await
        }
        Command::Webhook(arguments) => {
            let body = webhook::read(&arguments)?;
            act(&arguments.common, async |caller| {
                webhook::run(caller, &arguments, body).await
            })
            .await
        }
        Command::Action(arguments) => {
            act(&arguments.common, async |caller| {
                action::run(caller, &arguments).await
            })
            .await
        }
        Command::Install(arguments) => install::run(&arguments).await,
    }
}

/// Acts in the place of a host, which leaves again whatever comes of it, also at Ctrl-C.
async fn act(
    common: &Common,
    action: impl AsyncFnOnce(&Caller) -> Result<Outcome, CommandError>,
) -> Result<(), CommandError> {
    // Ctrl-C counts from here on, and takes effect once the installation is whole.
    let ended = interrupted();
    tokio::pin!(ended);
    let caller = Caller::new(common).await?;
    let outcome = tokio::select! {
        outcome = action(&caller) => outcome,
        () = &mut ended => Err(CommandError::interrupted()),
    };
    caller.leave().await?;
    outcome?.finish(common.json)
}
