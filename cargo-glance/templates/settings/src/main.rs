//! Serves the add-on until it is interrupted.

mod log;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use {{ crate }}::{Notes, add_on};

#[tokio::main]
async fn main() -> ExitCode {
    log::start();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{{ name }}: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let file = Path::new("notes.sqlite");
    let notes = Notes::open(file).map_err(|cause| format!("cannot use {}: {cause}", file.display()))?;
    add_on(notes).serve().await.map_err(|error| format!("{error}. {}", error.help()))?;
    Ok(())
}
