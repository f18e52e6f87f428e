//! `cargo glance remove`: removes an add-on from a running host.

use glance_sdk::addon::interrupted;
use glance_sdk::printable::printable;
use serde_json::Value;

use crate::error::CommandError;
use crate::host_client::{HostArguments, HostClient, place};
use crate::print;
use crate::style::{Style, has_colours, paint};

/// The maximum length of a shown name, in characters.
const LONGEST: usize = 200;

/// The limit on the installations in a message.
const MAX_NAMED: usize = 20;

/// Remove an add-on from a running host, by the id of its installation or by its key.
///
/// If a key is installed in several places, give --room, or an id; the message lists them. The host
/// notifies the add-on; if the add-on does not respond, the host retries for 24 hours.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance remove com.example.standup --room ops
  cargo glance remove com.example.standup --host https://chat.example.com --token-file token")]
pub(crate) struct Arguments {
    /// The id of an installation, or the key of an add-on.
    #[arg(value_name = "ID|KEY")]
    installation: String,
    /// The name or the id of the room in which it is installed.
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    #[command(flatten)]
    host: HostArguments,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let client = HostClient::new(&arguments.host)?;
    let found = CommandError::unless_interrupted(find(&client, &arguments)).await??;
    let id = found["id"].as_str().unwrap_or_default();
    let answer = tokio::select! {
        biased;
        () = interrupted() => return Err(CommandError::interrupted_after(
        "interrupted while the host removes the add-on, which it continues",
        "`cargo glance list` shows the result",
        )),
        answer = client.remove(id) => answer.map_err(|refusal| client.failed(refusal))?,
    };
    if arguments.json {
        print::line(format_args!("{answer:#}"));
        return Ok(());
    }
    let removed = paint(has_colours(), Style::Green, "Removed");
    let name = printable(found["name"].as_str().unwrap_or_default()).at_most(LONGEST);
    let place = place(&found);
    let place = printable(&place).at_most(LONGEST);
    print::line(format_args!(
        "{removed} {name} from {place} of {}",
        client.base()
    ));
    if answer["told"] == Value::Bool(false) {
        print::line("The add-on has not responded yet. The host retries for 24 hours.");
    }
    Ok(())
}

/// Returns the only matching installation.
async fn find(client: &HostClient, arguments: &Arguments) -> Result<Value, CommandError> {
    let (named, room) = (arguments.installation.as_str(), arguments.room.as_deref());
    let of_key = client.list(Some(named), room).await;
    let mut of_key = of_key.map_err(|refusal| client.failed(refusal))?;
    if of_key.len() > 1 {
        return Err(ambiguous(named, &of_key));
    }
    if let Some(found) = of_key.pop() {
        return Ok(found);
    }
    match client.read(named).await {
        Ok(found) if room.is_none() => Ok(found),
        Ok(found) => Err(CommandError::new(
            "no-installation",
            format!("the installation {named} is in {}", place(&found)),
            "omit --room: an id identifies one installation",
        )),
        Err(refusal) if refusal.is("no-installation") => {
            let place = room.map_or(String::new(), |room| format!(" in the room {room}"));
            Err(CommandError::new(
                "no-installation",
                format!("nothing with the id or key {named} is installed{place}"),
                "`cargo glance list` shows the installations",
            ))
        }
        Err(refusal) => Err(client.failed(refusal)),
    }
}

fn ambiguous(key: &str, found: &[Value]) -> CommandError {
    let mut lines: Vec<_> = found
        .iter()
        .take(MAX_NAMED)
        .map(|one| {
            format!(
                "  {}  in {}",
                one["id"].as_str().unwrap_or_default(),
                place(one)
            )
        })
        .collect();
    if found.len() > MAX_NAMED {
        lines.push(format!("  and {} more", found.len() - MAX_NAMED));
    }
    let count = found.len();
    CommandError::new(
        "ambiguous",
        format!(
            "{key} is installed in {count} places:\n{}",
            lines.join("\n")
        ),
        "choose one by its id, or its room with --room",
    )
}
