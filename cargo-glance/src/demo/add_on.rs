//! The example add-on, in a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use glance_host::state::Installed;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::example::{PORT_TAKEN, SECRET};

pub(super) const KEY: &str = "glance.example.pull-requests";
pub(super) const PANEL: &str = "pull-requests-panel";

/// The port it takes the first time, where it is free.
const PORT: u16 = 4401;

/// How long it may take to end once it is asked to.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct AddOn {
    process: Child,
    /// It ends when this is closed. Held apart from the process, whose `wait` would close it.
    lifeline: Option<ChildStdin>,
    pub(super) base_url: String,
}

impl AddOn {
    /// Starts it, at the port of an earlier start where there was one, and waits until it listens.
    pub(super) async fn start(
        data: &Path,
        host: &str,
        secret: &str,
        earlier: Option<&Installed>,
    ) -> Result<Self, String> {
        let port = earlier
            .and_then(|installed| reqwest::Url::parse(&installed.descriptor_url).ok()?.port())
            .unwrap_or(PORT);
        if let Some(add_on) = Self::start_at(data, host, secret, port).await? {
            return Ok(add_on);
        }
        println!("Port {port} is taken; the add-on uses another.");
        Self::start_at(data, host, secret, 0)
            .await?
            .ok_or_else(|| "the add-on finds no free port".to_owned())
    }

    /// `None` where the port is taken.
    async fn start_at(
        data: &Path,
        host: &str,
        secret: &str,
        port: u16,
    ) -> Result<Option<Self>, String> {
        let failed = |cause: std::io::Error| format!("the add-on cannot be started: {cause}");
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        // Ctrl-C is for the demo, which then ends the add-on.
        #[cfg(unix)]
        command.process_group(0);
        let mut process = command
            .arg("example")
            .arg("--data")
            .arg(data)
            .arg("--port")
            .arg(port.to_string())
            .arg("--host")
            .arg(host)
            .env(SECRET, secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let output = process.stdout.take().ok_or("the add-on has no output")?;
        match BufReader::new(output)
            .lines()
            .next_line()
            .await
            .map_err(failed)?
        {
            Some(base_url) => {
                let lifeline = process.stdin.take();
                Ok(Some(Self {
                    process,
                    lifeline,
                    base_url,
                }))
            }
            None => {
                let status = process.wait().await.map_err(failed)?;
                match status.code() {
                    Some(code) if code == i32::from(PORT_TAKEN) => Ok(None),
                    _ => Err("the add-on did not start; what it printed says why".to_owned()),
                }
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }

    /// Chooses the room's repository on the add-on's own panel.
    pub(super) async fn choose(&self, panel: &str, repository: &str) -> Result<(), String> {
        let form = [("repositories", repository), ("stale_days", "7")];
        let answer = reqwest::Client::new().post(panel).form(&form).send().await;
        let answer =
            answer.map_err(|cause| format!("the panel gave no answer: {}", cause.without_url()))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("the panel answered {}", answer.status())),
        }
    }

    /// Completes when it ends by itself.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(cause) => cause.to_string(),
        }
    }

    /// Asks it to end by closing its standard input, and kills it where it does not.
    pub(super) async fn stop(mut self) {
        drop(self.lifeline.take());
        if tokio::time::timeout(PATIENCE, self.process.wait())
            .await
            .is_err()
        {
            let _ = self.process.kill().await;
        }
    }
}
