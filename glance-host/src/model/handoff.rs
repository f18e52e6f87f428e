//! Visits of people's browsers to pages of add-ons.

use glance_sdk::model::{InstallationData, OauthId};

/// A visit of a person's browser to a page of an add-on, until the person is back.
#[derive(Debug, Clone, PartialEq)]
pub struct Handoff {
    /// Its random name, in the URLs of the host.
    pub name: String,
    /// The installation that is complete once the person is back; `None` if the page is about something that happened
    /// already.
    pub completes: Option<OauthId>,
    /// The name of the add-on.
    pub add_on_name: String,
    /// The URL of the page.
    pub page: String,
    /// The random name of the installation data in its URL.
    pub data_name: String,
    /// The installation data.
    pub data: InstallationData,
    /// Whether the add-on fetched the data, which it can do once.
    pub is_data_taken: bool,
    /// The time at which it ends, in seconds since 1970.
    pub expires_at: i64,
}
