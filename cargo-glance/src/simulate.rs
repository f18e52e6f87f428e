//! `cargo glance simulate`: makes one request of a host to an add-on, and shows the result.

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

/// Send an add-on a request like a host, and see its response and how a host treats it.
///
/// Acts as a temporary host: installs the add-on, makes the request, and removes the add-on, which
/// must be able to call this machine. With --store it acts as a host that has installed the add-on,
/// with the secret in the add-on's own file.
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

/// The arguments of every simulation.
#[derive(Debug, clap::Args)]
struct Common {
    /// The URL of the add-on's descriptor.
    #[arg(value_name = "URL")]
    descriptor: String,
    /// The file with the add-on's installations.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The installation in the store; required if it has several.
    #[arg(long, value_name = "ID", requires = "store")]
    installation: Option<String>,
    /// The room of the request. The default is the room of the installation.
    #[arg(long, value_name = "ID", requires = "store")]
    room: Option<u64>,
    /// The person who makes the request.
    #[arg(long, value_name = "ID", default_value_t = 1)]
    user: u64,
    /// The person's time zone.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Print request, response and verdicts as JSON.
    #[arg(long)]
    json: bool,
}

/// The state of the person and the room, for conditions.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Person {
    /// The person is an administrator of the group.
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

/// Acts for a host, and leaves it in every case, also at Ctrl-C.
async fn act(
    common: &Common,
    action: impl AsyncFnOnce(&Caller) -> Result<Outcome, CommandError>,
) -> Result<(), CommandError> {
    // Ctrl-C counts from here on, but takes effect after the installation is complete.
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
