//! The program `glance-host`: a host for a team. `glance-host --help` says how it is used.

use std::process::ExitCode;

fn main() -> ExitCode {
    glance_host::server::run(std::env::args_os())
}
