//! Serves the add-on until it is interrupted.

mod log;

use std::process::ExitCode;

use {{ crate }}::{Builds, add_on};

#[tokio::main]
async fn main() -> ExitCode {
    log::start();
    let secret = std::env::var("WEBHOOK_SECRET").ok().filter(|secret| !secret.is_empty());
    if secret.is_none() {
        tracing::warn!("WEBHOOK_SECRET is not set: set it to the secret of the build server's webhook; until then \
                        every delivery is refused");
    }
    match add_on(Builds::new(secret.as_deref())).serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{{ name }}: {error}. {}", error.help());
            ExitCode::FAILURE
        }
    }
}
