//! An example add-on of the demo, and the trait of its feed.

use async_trait::async_trait;

/// An example add-on with the feed that supplies it.
pub(super) struct Example {
    /// The name that the `example` subcommand takes.
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) panel: &'static str,
    /// The settings to submit on its panel.
    pub(super) form: &'static [(&'static str, &'static str)],
    /// The port for the first start, if it is free.
    pub(super) port: u16,
    /// The environment variables of its process.
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) feed: Box<dyn Feed>,
}

/// Imitates the service that an example listens to.
#[async_trait]
pub(super) trait Feed: Send + Sync {
    /// Delivers the first events, after the add-on is installed for the first time.
    async fn begin(&self, add_on: &str) -> Result<(), String>;

    /// Delivers one more event and returns its description.
    async fn more(&self, add_on: &str) -> Result<String, String>;

    /// Returns a command with which other programs may deliver events too.
    fn hook(&self, add_on: &str) -> Option<String>;
}
