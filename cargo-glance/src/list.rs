//! `cargo glance list`: lists the installations on a running host.

use glance_sdk::printable::printable;
use serde_json::Value;

use crate::error::CommandError;
use crate::host_client::{HostArguments, HostClient, place};
use crate::print;
use crate::style::{Style, has_colours, paint};

/// The maximum length of a text in a column, in characters.
const LONGEST: usize = 60;

/// List the add-ons that are installed on a running host.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance list
  cargo glance list --room ops --json")]
pub(crate) struct Arguments {
    /// The name or the id of a room: lists only the add-ons that are installed in it.
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    #[command(flatten)]
    host: HostArguments,
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    let client = HostClient::new(&arguments.host)?;
    let listing = client.list(None, arguments.room.as_deref());
    let listed = CommandError::unless_interrupted(listing).await?;
    let mut listed = listed.map_err(|refusal| client.failed(refusal))?;
    listed.sort_by_key(|one| {
        let name = one["name"].as_str().unwrap_or_default().to_lowercase();
        (name, place(one))
    });
    if arguments.json {
        print::line(format_args!("{:#}", Value::Array(listed)));
        return Ok(());
    }
    if listed.is_empty() {
        print::line(format_args!("No add-on is installed on {}.", client.base()));
        return Ok(());
    }
    let head = ["NAME", "KEY", "IN", "STATE", "SINCE", "ID"].map(str::to_owned);
    let rows: Vec<_> = listed.iter().map(row).collect();
    let widths: Vec<_> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().chain([&head]);
            cells
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    print::line(paint(has_colours(), Style::Dim, line(&head)));
    rows.iter().for_each(|row| print::line(line(row)));
    Ok(())
}

fn row(installation: &Value) -> [String; 6] {
    let shown = |text: &str| printable(text).at_most(LONGEST).to_string();
    let text = |member: &str| shown(installation[member].as_str().unwrap_or("-"));
    [
        text("name"),
        text("key"),
        shown(&place(installation)),
        text("state"),
        text("installed_at"),
        text("id"),
    ]
}
