//! `cargo glance install`: installs an add-on on a running host, or updates it.

use std::pin::pin;

use glance_sdk::addon::interrupted;
use glance_sdk::printable::printable;
use serde_json::Value;

use crate::error::CommandError;
use crate::host_client::{HostArguments, HostClient, place};
use crate::style::{Style, has_colours, paint};
use crate::{fetch, print};

/// The maximum length of a shown text of a descriptor, in characters.
const LONGEST: usize = 200;

/// Install an add-on on a running host, for all rooms or for one.
///
/// Waits until the add-on has accepted the installation, and shows its permissions. Updates an
/// installed add-on with the current descriptor; if that needs more permissions, or has another
/// address, it must be approved first. A host without sign-in accepts this from its own machine;
/// any other host needs a token for scripts.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance install http://127.0.0.1:8080/ --room ops
  GLANCE_HOST_TOKEN=$(cat token) cargo glance install https://standup.example.com/ --host https://chat.example.com")]
pub(crate) struct Arguments {
    /// The URL of the add-on's descriptor, as the host reaches it.
    #[arg(value_name = "URL")]
    descriptor: String,
    /// The name or the id of a room. The default is all rooms.
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// Approve only the descriptor with this digest. A refusal prints the digest.
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,
    #[command(flatten)]
    host: HostArguments,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let url = arguments.descriptor.trim();
    if !url.starts_with("data:") {
        fetch::parse(url)?;
    }
    let client = HostClient::new(&arguments.host)?;
    let room = arguments.room.as_deref();
    let mut ended = pin!(interrupted());
    let mut call = pin!(client.install(url, room, arguments.approve.as_deref()));
    // Ctrl-C counts from here on, before anything is sent.
    let answer = tokio::select! {
        biased;
        () = &mut ended => None,
        answer = &mut call => Some(answer),
    };
    let answer = match answer {
        Some(answer) => answer.map_err(|refusal| client.failed(refusal))?,
        None => {
            // The host continues without this command, so it must complete its work. A second
            // Ctrl-C counts from before the message about it.
            let ended = interrupted();
            print::error("Waiting for the host, to undo the installation. Ctrl-C exits at once.");
            let answer = tokio::select! {
                answer = &mut call => answer,
                () = ended => return Err(left()),
            };
            return Err(undo(&client, answer.ok()).await);
        }
    };
    if arguments.json {
        print::line(format_args!("{answer:#}"));
        return Ok(());
    }
    show(&client, &answer);
    Ok(())
}

/// Returns the error of a command that exited before the host was done.
fn left() -> CommandError {
    CommandError::interrupted_after(
        "interrupted while the host installs the add-on",
        "`cargo glance list` shows the result",
    )
}

/// Removes a new installation after Ctrl-C; an update stays. Returns the result as an error.
async fn undo(client: &HostClient, answer: Option<Value>) -> CommandError {
    let answer = answer.unwrap_or_default();
    let id = answer["installation"]["id"].as_str();
    match (answer["outcome"].as_str(), id) {
        (Some("installed"), Some(id)) => match client.remove(id).await {
            Ok(_) => CommandError::interrupted_after(
                "interrupted, and the add-on is removed again",
                "start it again",
            ),
            Err(refusal) => client.failed(refusal),
        },
        (Some("updated"), _) => CommandError::interrupted_after(
            "interrupted, but the add-on is updated already",
            "`cargo glance list` shows it",
        ),
        _ => CommandError::interrupted(),
    }
}

fn show(client: &HostClient, answer: &Value) {
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        printable(text).at_most(LONGEST).to_string()
    };
    let warnings = answer["warnings"].as_array();
    for warning in warnings.into_iter().flatten() {
        print::error(format_args!("warning: {}", text(warning)));
    }
    let installation = &answer["installation"];
    let outcome = match answer["outcome"].as_str() {
        Some("installed") => "Installed",
        Some("updated") => "Updated",
        _ => "Installed already, with this descriptor:",
    };
    let outcome = paint(has_colours(), Style::Green, outcome);
    let (name, key) = (text(&installation["name"]), text(&installation["key"]));
    print::line(format_args!("{outcome} {name} ({key})"));
    let place = printable(&place(installation)).at_most(LONGEST).to_string();
    print::line(format_args!("in      {place} of {}", client.base()));
    print::line(format_args!("id      {}", text(&installation["id"])));
    let scopes = installation["scopes"].as_array();
    let scopes = scopes
        .into_iter()
        .flatten()
        .map(|scope| format!("{} ({})", text(&scope["id"]), text(&scope["what"])));
    let scopes: Vec<_> = scopes.collect();
    let scopes = match scopes.is_empty() {
        true => "nothing except showing its glances and pages".to_owned(),
        false => scopes.join("\n        "),
    };
    print::line(format_args!("may     {scopes}"));
    print::line(format_args!("digest  {}", text(&answer["digest"])));
    print::line(format_args!("page    {}", text(&installation["page"])));
}
