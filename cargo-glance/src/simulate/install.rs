//! Installs and removes an add-on, and shows every call.

use std::time::Duration;

use super::caller::Own;
use super::exchange::{Exchange, Outcome};
use crate::error::CommandError;
use crate::fetch;

/// Install an add-on and remove it again, and show all calls in both directions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cargo glance simulate install http://127.0.0.1:8080/ --json")]
pub(super) struct Arguments {
    /// The URL of the add-on's descriptor.
    #[arg(value_name = "URL")]
    descriptor: String,
    /// Print the calls as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments) -> Result<(), CommandError> {
    fetch::parse(&arguments.descriptor)?;
    let own = Own::start().await?;
    let mut calls = own.log.follow();
    let installed = own.install(&arguments.descriptor).await;
    let mut verdicts = Vec::new();
    match installed {
        Err(error) => {
            own.host.shutdown().await;
            return Err(error);
        }
        Ok(installed) => {
            let installable = installed.descriptor.capabilities.installable.as_ref();
            let has_callback = installable.is_some_and(|one| one.callback_url.is_some());
            own.leave(&installed.oauth_id, has_callback).await?;
            verdicts.push((
                true,
                "The add-on was installed, and removed again.".to_owned(),
            ));
        }
    }
    let mut exchanges = Vec::new();
    // All calls have ended, so no more will follow.
    while let Ok(call) = tokio::time::timeout(Duration::ZERO, calls.next()).await {
        exchanges.push(Exchange::recorded(&call));
    }
    Outcome {
        exchanges,
        verdicts,
        secrets: Vec::new(),
    }
    .finish(arguments.json)
}
