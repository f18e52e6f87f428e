//! `cargo glance replay`: holds an add-on to what it did when it was recorded.

use std::path::PathBuf;
use std::time::Duration;

use glance_host::testing::{Replay, Report};
use serde_json::{Value, json};

use crate::error::CommandError;
use crate::{fetch, print};

/// Play a recording to an add-on, and say what it does differently now.
///
/// Plays the host's side to the add-on at an address, in any language. Fails where an answer, or a call of the
/// add-on, is not as it was recorded.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance replay standup.jsonl http://127.0.0.1:8080
  cargo glance replay standup.jsonl http://127.0.0.1:8080 --ignore /answer/label --json")]
pub(crate) struct Arguments {
    /// The recording.
    file: PathBuf,
    /// Where the add-on is: http://NAME:PORT, without a path.
    #[arg(value_name = "BASE_URL")]
    base_url: String,
    /// What may differ, as a JSON pointer into a line of the recording, `*` for any one part; may be given
    /// several times.
    #[arg(long, value_name = "POINTER")]
    ignore: Vec<String>,
    /// Compare what the add-on answers, not what it calls.
    #[arg(long)]
    answers_only: bool,
    /// How many seconds to wait for a recorded call of the add-on.
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
        CommandError::new("no-recording", what, "make one with `cargo glance record`")
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
    let help = "repair the add-on, allow a place with --ignore, or record again";
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
