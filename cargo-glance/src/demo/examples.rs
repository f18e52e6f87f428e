//! The examples that the demo runs: to add one, write its feed and name it in [`all`].

use std::path::Path;

use async_trait::async_trait;

use super::{alertmanager, github, jira, mastodon};

/// An example add-on, and what feeds it.
pub(super) struct Example {
    /// What the `example` subcommand calls it.
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) panel: &'static str,
    /// What a person would choose on its panel.
    pub(super) form: &'static [(&'static str, &'static str)],
    /// The port it takes the first time, where it is free.
    pub(super) port: u16,
    /// The environment of its process.
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) feed: Box<dyn Feed>,
}

/// The part of the outside world that an example listens to.
#[async_trait]
pub(super) trait Feed: Send + Sync {
    /// What happens once the add-on is installed for the first time.
    async fn begin(&self, add_on: &str) -> Result<(), String>;

    /// Lets one more thing happen, and says what.
    async fn more(&self, add_on: &str) -> Result<String, String>;

    /// Where others may deliver too, and how.
    fn hook(&self, add_on: &str) -> Option<String>;
}

/// All of them, in the order of their lines.
pub(super) async fn all(data: &Path) -> Result<Vec<Example>, String> {
    Ok(vec![
        github::example(data)?,
        jira::example(data)?,
        mastodon::example().await?,
        alertmanager::example(data)?,
    ])
}
