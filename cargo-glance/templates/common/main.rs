//! Serves the add-on until it is interrupted.

mod log;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    log::start();
    match {{ crate }}::add_on().serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{{ name }}: {error}. {}", error.help());
            ExitCode::FAILURE
        }
    }
}
