//! Serves the add-on until it is interrupted.

mod log;

use std::process::ExitCode;

use {{ crate }}::{Builds, add_on};

#[tokio::main]
async fn main() -> ExitCode {
    log::start();
    let Some(secret) = std::env::var("WEBHOOK_SECRET").ok().filter(|secret| !secret.is_empty())
    else {
        eprintln!("{{ name }}: WEBHOOK_SECRET is not set; set it to the secret of the build server's webhook");
        return ExitCode::FAILURE;
    };
    match add_on(Builds::new(&secret)).serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{{ name }}: {error}. {}", error.help());
            ExitCode::FAILURE
        }
    }
}
