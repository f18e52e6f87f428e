//! Serves the add-on; `README.md` lists its environment variables.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use blockers::Blockers;
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
            let _ = writeln!(std::io::stderr(), "blockers: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let secret = std::env::var("JIRA_WEBHOOK_SECRET").unwrap_or_default();
    if secret.is_empty() {
        return Err("set JIRA_WEBHOOK_SECRET to the secret of the webhook in Jira".to_owned());
    }
    let data = std::env::var_os("DATA_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let blockers = Blockers::open(&data, &secret)?;
    let describe = |error: glance_sdk::Error| format!("{error:#}. {}", error.help());
    let server = blockers
        .add_on()?
        .listen_from_env()
        .await
        .map_err(describe)?;
    tracing::info!(base_url = server.base_url(), "listening");
    let add_on = server.add_on();
    tokio::spawn(blockers.keep_up(add_on.installations().clone(), add_on.pusher().clone()));
    let served = server.run(glance_sdk::addon::interrupted()).await;
    served.map_err(describe)
}
