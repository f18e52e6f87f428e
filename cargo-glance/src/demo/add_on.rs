//! An example add-on in a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use glance_host::model::Installed;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::feed::Example;
use crate::example::PORT_TAKEN;
use crate::http;
use crate::print;

/// The time in which the add-on must end after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct AddOn {
    pub(super) name: &'static str,
    process: Child,
    /// The add-on ends when this closes. Stored separately from the process, whose `wait` would
    /// close it.
    lifeline: Option<ChildStdin>,
    pub(super) base_url: String,
}

impl AddOn {
    /// Starts the add-on, if possible at the port of an earlier start, and waits until it listens.
    pub(super) async fn start(
        example: &Example,
        data: &Path,
        host: &str,
        earlier: Option<&Installed>,
    ) -> Result<Self, String> {
        let port = earlier
            .and_then(|installed| reqwest::Url::parse(&installed.descriptor_url).ok()?.port())
            .unwrap_or(example.port);
        if let Some(add_on) = Self::start_at(example, data, host, port).await? {
            return Ok(add_on);
        }
        let name = example.name;
        print::line(format_args!(
            "Port {port} is in use; the add-on {name} uses another."
        ));
        Self::start_at(example, data, host, 0)
            .await?
            .ok_or_else(|| format!("the add-on {name} finds no free port"))
    }

    /// Returns `None` if the port is in use.
    async fn start_at(
        example: &Example,
        data: &Path,
        host: &str,
        port: u16,
    ) -> Result<Option<Self>, String> {
        let name = example.name;
        let failed = |cause: std::io::Error| format!("cannot start the add-on {name}: {cause}");
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        // Ctrl-C is for the demo, which then stops the add-on.
        #[cfg(unix)]
        command.process_group(0);
        let mut process = command
            .arg("example")
            .arg(name)
            .arg("--data")
            .arg(data)
            .arg("--port")
            .arg(port.to_string())
            .arg("--host")
            .arg(host)
            .envs(example.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let output = process
            .stdout
            .take()
            .ok_or_else(|| format!("the add-on {name} has no output"))?;
        match BufReader::new(output)
            .lines()
            .next_line()
            .await
            .map_err(failed)?
        {
            Some(base_url) => {
                let lifeline = process.stdin.take();
                Ok(Some(Self {
                    name,
                    process,
                    lifeline,
                    base_url,
                }))
            }
            None => {
                let status = process.wait().await.map_err(failed)?;
                match status.code() {
                    Some(code) if code == i32::from(PORT_TAKEN) => Ok(None),
                    _ => Err(format!(
                        "the add-on {name} did not start; its output contains the reason"
                    )),
                }
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id().unwrap_or_default()
    }

    /// Submits the form on the add-on's panel, like a person's browser.
    pub(super) async fn choose(&self, panel: &str, form: &[(&str, &str)]) -> Result<(), String> {
        let name = self.name;
        let url = panel.parse();
        let url =
            url.map_err(|cause| format!("the panel of {name} has an invalid URL: {cause}"))?;
        let client = http::local()?;
        let request = client.request(reqwest::Method::POST, url).form(form);
        let status = http::status(&client, request).await;
        let status = status.map_err(|cause| format!("the panel of {name} {cause}"))?;
        match status.is_success() {
            true => Ok(()),
            false => Err(format!("the panel of {name} responded with {status}")),
        }
    }

    /// Completes when the add-on ends by itself. Returns a sentence about it.
    pub(super) async fn ended(&mut self) -> String {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(cause) => cause.to_string(),
        };
        format!("the add-on {} ended by itself ({status})", self.name)
    }

    /// Asks the add-on to end by closing its standard input, and kills it if it does not end.
    pub(super) async fn stop(mut self) {
        drop(self.lifeline.take());
        if tokio::time::timeout(STOP_TIMEOUT, self.process.wait())
            .await
            .is_err()
        {
            let _ = self.process.kill().await;
        }
    }
}
