//! The command line of Glance.

mod completions;
mod demo;
mod descriptor_source;
mod dev;
mod doctor;
mod error;
mod example;
mod fetch;
mod host_client;
mod http;
mod install;
mod lifeline;
mod list;
mod new;
mod print;
#[cfg(feature = "recordings")]
mod record;
mod remove;
#[cfg(feature = "recordings")]
mod replay;
mod schema;
mod simulate;
mod store_file;
mod style;
mod supervise;
mod token;
mod validate;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::CommandError;

/// Write chat add-ons that show glances, and see them live.
#[derive(Parser)]
#[command(
    name = "cargo glance",
    bin_name = "cargo glance",
    version,
    arg_required_else_help = true,
    after_help = "Example:
  cargo glance new standup && cd standup && cargo glance dev --open"
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Dev(dev::Arguments),
    New(new::Arguments),
    Validate(validate::Arguments),
    Simulate(simulate::Arguments),
    Token(token::Arguments),
    Doctor(doctor::Arguments),
    Install(install::Arguments),
    Remove(remove::Arguments),
    List(list::Arguments),
    Schema(schema::Arguments),
    #[cfg(feature = "recordings")]
    Record(record::Arguments),
    #[cfg(feature = "recordings")]
    Replay(replay::Arguments),
    Completions(completions::Arguments),
    /// Run a host for people and their add-ons, until Ctrl-C; see `cargo glance host --help`.
    #[command(disable_help_flag = true)]
    Host {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run an example add-on; the demo starts itself with this command.
    #[command(hide = true)]
    Example(example::Arguments),
    /// Run a program that ends together with this process.
    #[command(hide = true, disable_help_flag = true)]
    Supervise(supervise::Arguments),
}

fn main() -> ExitCode {
    // Cargo passes its subcommand's name on: `cargo glance demo` runs `cargo-glance glance demo`.
    let arguments = std::env::args_os().enumerate();
    let arguments = arguments
        .filter(|(at, word)| !(*at == 1 && word == "glance"))
        .map(|(_, word)| word);
    let outcome = match CommandLine::parse_from(arguments).command {
        Command::Demo(arguments) => completed(demo::run(arguments)),
        Command::Dev(arguments) => completed(dev::run(arguments)),
        Command::New(arguments) => completed(new::run(arguments)),
        Command::Validate(arguments) => completed(validate::run(arguments)),
        Command::Simulate(arguments) => completed(simulate::run(arguments)),
        Command::Token(arguments) => completed(token::run(arguments)),
        Command::Doctor(arguments) => completed(doctor::run(arguments)),
        Command::Install(arguments) => completed(install::run(arguments)),
        Command::Remove(arguments) => completed(remove::run(arguments)),
        Command::List(arguments) => completed(list::run(arguments)),
        Command::Schema(arguments) => {
            schema::run(&arguments);
            Ok(())
        }
        #[cfg(feature = "recordings")]
        Command::Record(arguments) => completed(record::run(arguments)),
        #[cfg(feature = "recordings")]
        Command::Replay(arguments) => completed(replay::run(arguments)),
        Command::Completions(arguments) => {
            completions::run(&arguments, CommandLine::command());
            Ok(())
        }
        Command::Host { arguments } => {
            let name = OsString::from("cargo glance host");
            return glance_host::server::run([name].into_iter().chain(arguments));
        }
        Command::Example(arguments) => completed(example::run(arguments)),
        Command::Supervise(arguments) => return supervise::run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&error);
            error.exit_code()
        }
    }
}

#[tokio::main]
async fn completed(
    work: impl Future<Output = Result<(), CommandError>>,
) -> Result<(), CommandError> {
    work.await
}
