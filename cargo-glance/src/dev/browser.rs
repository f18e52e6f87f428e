//! Opens a URL in the person's browser.

use std::process::{Command, Stdio};

use super::terminal::Terminal;

/// Opens the URL with `BROWSER`, or with the system's default command, and does not wait.
pub(super) fn open(url: &str, terminal: Terminal) {
    let named = std::env::var_os("BROWSER").filter(|name| !name.is_empty());
    let mut command = match named {
        Some(browser) => Command::new(browser),
        None if cfg!(target_os = "macos") => Command::new("open"),
        None if cfg!(windows) => {
            let mut command = Command::new("cmd");
            command.args(["/C", "start", ""]);
            command
        }
        None => Command::new("xdg-open"),
    };
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let program = command.get_program().to_owned();
    match command.spawn() {
        // A thread waits for the process, so that it does not become a zombie.
        Ok(mut browser) => drop(std::thread::spawn(move || browser.wait())),
        Err(cause) => terminal.say(
            "Open",
            format_args!("cannot start {}: {cause}. Set BROWSER.", program.display()),
        ),
    }
}
