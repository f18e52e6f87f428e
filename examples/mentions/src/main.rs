//! Serves the add-on; `README.md` lists its environment variables.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use mentions::{Mentions, Source};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // If a log line cannot be written, it is lost; without this, it would cause a panic.
        .log_internal_errors(false)
        .init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "mentions: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let source = Source::from_env()?;
    let data = std::env::var_os("DATA_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mentions = Mentions::open(&data)?;
    let describe = |error: glance_sdk::Error| format!("{error:#}. {}", error.help());
    let server = mentions
        .add_on()?
        .listen_from_env()
        .await
        .map_err(describe)?;
    tracing::info!(base_url = server.base_url(), "listening");
    tokio::spawn(mentions.follow(source, server.add_on().pusher().clone()));
    let served = server.run(glance_sdk::addon::interrupted()).await;
    served.map_err(describe)
}
