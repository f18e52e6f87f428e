//! Serves the add-on, with its background task, until it is interrupted.

mod log;

use std::process::ExitCode;
use std::time::Duration;

use glance_sdk::addon::interrupted;
use {{ crate }}::{Monitor, add_on};

/// The interval between two checks of the service.
const INTERVAL: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    log::start();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{{ name }}: {error}. {}", error.help());
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> glance_sdk::Result<()> {
    let service = std::env::var("SERVICE").unwrap_or_else(|_| "localhost:5432".to_owned());
    let monitor = Monitor::new(&service);
    let server = add_on(monitor.clone()).listen_from_env().await?;
    tracing::info!(base_url = server.base_url(), service, "listening");
    let installations = server.add_on().installations().clone();
    let pusher = server.add_on().pusher().clone();
    tokio::spawn(monitor.watch(INTERVAL, installations, pusher));
    server.run(interrupted()).await
}
