//! Serves the add-on; `README.md` lists its environment variables.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

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
            let _ = writeln!(std::io::stderr(), "pull-requests: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let secret = std::env::var("GITHUB_WEBHOOK_SECRET").unwrap_or_default();
    if secret.is_empty() {
        return Err("set GITHUB_WEBHOOK_SECRET to the secret of the webhook on GitHub".to_owned());
    }
    let data = std::env::var_os("DATA_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let add_on = pull_requests::add_on(&data, &secret)?;
    add_on
        .serve()
        .await
        .map_err(|error| format!("{error:#}. {}", error.help()))
}
