//! `cargo glance completions`: prints a script for shell completions.

use clap_complete::{Shell, generate};

use crate::print;

/// Print a script that completes `cargo-glance` in a shell.
///
/// Shells complete the program `cargo-glance`, which has the same arguments as `cargo glance`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo glance completions bash >~/.local/share/bash-completion/completions/cargo-glance
  cargo glance completions zsh >~/.zfunc/_cargo-glance
  cargo glance completions fish >~/.config/fish/completions/cargo-glance.fish")]
pub(crate) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, mut command: clap::Command) {
    // Into memory first: the generator panics if it cannot write, for example to a closed pipe.
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "cargo-glance", &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end());
}
