//! `cargo glance replay`: compares an add-on with a recording.

use std::path::PathBuf;
use std::time::Duration;

use glance_host::testing::{Replay, Report};
use serde_json::{Value, json};

use crate::error::CommandError;
use crate::{fetch, print};

/// Replay a recording against an add-on, and show the differences.
///
/// Plays the host's side to the add-on at a URL; the add-on may be written in any language. Fails
/// if a response or a call of the add-on differs from the recording.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance replay standup.jsonl http://127.0.0.1:8080
  cargo glance replay standup.jsonl http://127.0.0.1:8080 --ignore /answer/label --json")]
pub(crate) struct Arguments {
    /// The recording.
    file: PathBuf,
    /// The base URL of the add-on: http://NAME:PORT, without a path.
    #[arg(value_name = "BASE_URL")]
    base_url: String,
    /// A place that may differ, as a JSON pointer into a line of the recording, with `*` for any
    /// part; may be given several times.
    #[arg(long, value_name = "POINTER")]
    ignore: Vec<String>,
    /// Compare only the add-on's responses, not its calls.
    #[arg(long)]
    answers_only: bool,
    /// The timeout of a recorded call of the add-on, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    timeout: u64,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), CommandError> {
    fetch::parse(&arguments.base_url)?;
    let replay = Replay::read(&arguments.file).map_err(|error| {
        let what = format!("{}: {error}", arguments.file.display());
        CommandError::new(
            "no-recording",
            what,
            "create one with `cargo glance record`",
        )
    })?;
    let mut replay = replay.timeout(Duration::from_secs(arguments.timeout));
    for pointer in arguments.ignore {
        replay = replay.ignore(pointer);
    }
    if arguments.answers_only {
        replay = replay.answers_only();
    }
    let replaying = replay.run_url(&arguments.base_url);
    let report = CommandError::unless_interrupted(replaying).await?;
    match arguments.json {
        true => print::line(format_args!("{:#}", differences(&report))),
        false => print::line(&report),
    }
    let what = match report.differences.len() {
        0 => return Ok(()),
        1 => "the add-on differs from its recording in one place".to_owned(),
        many => format!("the add-on differs from its recording in {many} places"),
    };
    let help = "fix the add-on, allow a place with --ignore, or record again";
    Err(CommandError::new("differs", what, help))
}

fn differences(report: &Report) -> Value {
    let differences = report.differences.iter().map(|one| {
        json!({
            "call": one.call,
            "pointer": one.pointer,
            "recorded": one.recorded,
            "now": one.now,
        })
    });
    differences.collect()
}
