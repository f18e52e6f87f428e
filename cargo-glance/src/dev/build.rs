//! Builds the add-on, and shows the compiler's output.

use std::ffi::OsString;
use std::io::pipe;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::package::{Package, cargo};
use super::terminal::{Source, Terminal};
use crate::error::CommandError;
use crate::supervise::Supervised;

/// The target and features to build, as for `cargo build`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Options {
    /// The package of the workspace. The default is the one of the current folder.
    #[arg(long, short, value_name = "NAME")]
    pub(super) package: Option<String>,
    /// The binary of the package, if it has several.
    #[arg(long, value_name = "NAME")]
    pub(super) bin: Option<String>,
    /// Features of the package, separated by commas.
    #[arg(long, short = 'F', value_name = "FEATURES")]
    features: Vec<String>,
    /// Disable the default features.
    #[arg(long)]
    no_default_features: bool,
    /// Build with optimizations.
    #[arg(long, short)]
    release: bool,
}

impl Options {
    /// Returns the arguments that select features.
    pub(super) fn features(&self) -> impl Iterator<Item = OsString> {
        let features = self
            .features
            .iter()
            .map(|features| format!("--features={features}"));
        let none = self
            .no_default_features
            .then(|| "--no-default-features".to_owned());
        features.chain(none).map(OsString::from)
    }
}

/// Builds the program. Returns its path, or `None` if it does not compile. Dropping the future
/// stops cargo and the compiler.
pub(super) async fn build(
    package: &Package,
    options: &Options,
    terminal: Terminal,
) -> Result<Option<PathBuf>, CommandError> {
    let failed = |cause: std::io::Error| {
        CommandError::new(
            "no-cargo",
            format!("cannot start cargo: {cause}"),
            "install Rust from rustup.rs, or set CARGO to the program",
        )
    };
    let mut arguments: Vec<OsString> = ["build", "--package", &package.id, "--bin"]
        .map(OsString::from)
        .into();
    arguments.push(package.program.clone().into());
    arguments.push("--message-format=json-render-diagnostics".into());
    let colour = match terminal.has_colours() {
        true => "--color=always",
        false => "--color=never",
    };
    arguments.push(colour.into());
    arguments.extend(options.release.then(|| "--release".into()));
    arguments.extend(options.features());
    let (reader, writer) = pipe().map_err(failed)?;
    let mut cargo = Supervised::start(&cargo(), arguments, |command| {
        command.stdout(Stdio::piped()).stderr(writer);
    })
    .map_err(failed)?;
    terminal.copy(Source::Build, reader);
    let mut executable = None;
    if let Some(output) = cargo.take_output() {
        let mut messages = BufReader::new(output).lines();
        while let Some(message) = messages.next_line().await.map_err(failed)? {
            executable = program_of(&message, package).or(executable);
        }
    }
    let status = cargo.ended().await.map_err(failed)?;
    Ok(executable.filter(|_| status.success()))
}

/// Returns the path of the program if this message of cargo contains it.
fn program_of(message: &str, package: &Package) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let is_bin = target["kind"].as_array()?.iter().any(|kind| kind == "bin");
    let is_it = is_bin
        && message["reason"] == "compiler-artifact"
        && target["name"] == *package.program
        && message["package_id"] == *package.id;
    is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
}
