//! Keeps the add-on running and installed.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use glance_host::model::{Installed, Room};
use glance_host::{Host, InstallError};
use glance_sdk::egress::Timeouts;
use glance_sdk::egress::reqwest::Method;
use glance_sdk::model::Descriptor;
use serde_json::Value;
use tokio::sync::watch;

use super::add_on::AddOn;
use super::difference::differences;
use super::terminal::Terminal;
use crate::http;
use crate::style::Style;

/// The size limit, which no descriptor exceeds.
const MAX_DESCRIPTOR_BYTES: usize = 1024 * 1024;

/// Publishes the installed descriptor.
pub(super) type DescriptorSender = watch::Sender<Option<Descriptor>>;

/// The add-on and the host, with the installation.
pub(super) struct Session<'h> {
    pub(super) host: &'h Host,
    pub(super) room: Room,
    /// The add-on's port, which restarts keep.
    pub(super) port: u16,
    /// The path of the descriptor below the add-on's address.
    pub(super) descriptor: String,
    /// Arguments for the add-on's program.
    pub(super) arguments: Vec<OsString>,
    pub(super) terminal: Terminal,
    pub(super) add_on: Option<AddOn>,
    pub(super) installed: Option<Installed>,
    pub(super) installed_descriptor: DescriptorSender,
}

impl Session<'_> {
    /// Starts a program in place of the running one, and installs it or updates its installation.
    pub(super) async fn start(&mut self, program: &Path, built: Instant) {
        let is_first = self.installed.is_none();
        if let Some(old) = self.add_on.take() {
            old.stop().await;
        }
        let started = AddOn::start(program, &self.arguments, self.port, self.terminal);
        let mut add_on = match started {
            Ok(add_on) => add_on,
            Err(cause) => {
                let program = program.display();
                self.fails(&format!("cannot start {program}: {cause}"));
                return;
            }
        };
        let listens = add_on.listens(self.terminal).await;
        let url = format!("{}{}", add_on.base_url(), self.descriptor);
        self.add_on = Some(add_on);
        if !listens {
            return;
        }
        match self.introduce(&url).await {
            Ok(()) => {
                let seconds = built.elapsed().as_secs_f32();
                let what = if is_first { "runs" } else { "runs again" };
                let what = format!("The add-on {what}, {seconds:.1} s after the build.");
                self.terminal
                    .say("Ready", self.terminal.paint(Style::Green, what));
            }
            Err(error) => self.fails(&format!("{error:#}")),
        }
    }

    fn fails(&self, why: &str) {
        let why = self.terminal.paint(Style::Red, why);
        let then = "Save a file to build again.";
        self.terminal.say("Failed", format_args!("{why}. {then}"));
    }

    /// Waits until the add-on ends by itself, and reports it.
    pub(super) async fn ended(&mut self) {
        let Some(add_on) = &mut self.add_on else {
            return std::future::pending().await;
        };
        let status = add_on.ended().await;
        self.add_on = None;
        self.fails(&format!("The add-on ended by itself ({status})"));
    }

    /// Installs the add-on, or updates its installation. An add-on that keeps its installations in
    /// memory learns of this one again.
    async fn introduce(&mut self, url: &str) -> Result<(), InstallError> {
        if self.installed.is_none() {
            self.installed = self.earlier(url).await?;
        }
        let host = self.host;
        let now = match self.installed.take() {
            None => self.install(url).await?,
            Some(earlier) => match host.update(&earlier, url).await {
                Ok(updated) => {
                    self.compare(&earlier, &updated);
                    updated
                }
                Err(InstallError::OtherAddOn { found, expected }) => {
                    let text =
                        format!("The key changed from {expected} to {found}: installing again.");
                    self.terminal.say("Changed", text);
                    host.uninstall(&earlier.oauth_id).await?;
                    self.install(url).await?
                }
                Err(error) => {
                    self.installed = Some(earlier);
                    return Err(error);
                }
            },
        };
        // Before the queries, whose lines need the descriptor.
        self.installed_descriptor
            .send_replace(Some(now.descriptor.clone()));
        self.host.query_again(&now);
        self.installed = Some(now);
        Ok(())
    }

    async fn install(&self, url: &str) -> Result<Installed, InstallError> {
        match self.host.install(&self.room, url).await {
            // The descriptor is for the whole group only.
            Err(InstallError::NotAllowed(_)) => self.host.install_global(url).await,
            other => other,
        }
    }

    /// Returns the installation of an earlier start.
    async fn earlier(&self, url: &str) -> Result<Option<Installed>, InstallError> {
        let Some(key) = key_at(url).await else {
            // The host reads the same URL next, and reports errors.
            return Ok(None);
        };
        let here = self.host.state().installations_in(self.room.id).await?;
        Ok(here
            .into_iter()
            .find(|installed| installed.descriptor.key == key))
    }

    /// Shows the changes of the descriptor.
    fn compare(&self, old: &Installed, new: &Installed) {
        let json =
            |installed: &Installed| serde_json::to_value(&installed.descriptor).unwrap_or_default();
        for difference in differences(&json(old), &json(new)) {
            let style = match difference.as_bytes().first() {
                Some(b'+') => Style::Green,
                Some(b'-') => Style::Red,
                _ => Style::Yellow,
            };
            let difference = glance_sdk::printable::printable(&difference).to_string();
            self.terminal
                .say("Changed", self.terminal.paint(style, difference));
        }
    }
}

/// Returns the key in the descriptor at this URL.
async fn key_at(url: &str) -> Option<String> {
    let client = http::local().ok()?;
    let request = client
        .request(Method::GET, url.parse().ok()?)
        .build()
        .ok()?;
    let answer = client
        .send(request, Timeouts::within(http::TIMEOUT))
        .await
        .ok()?;
    let descriptor = answer.read(MAX_DESCRIPTOR_BYTES).await.ok()?;
    let descriptor: Value = glance_sdk::json::from_slice(&descriptor).ok()?;
    Some(descriptor["key"].as_str()?.to_owned())
}
