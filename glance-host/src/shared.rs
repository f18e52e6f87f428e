//! What every part of a running host has in common.

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::UserId;
use tokio::sync::watch;

use crate::attendance::Attendance;
use crate::clock::Clock;
use crate::embed::Embed;
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::presence::Presence;
use crate::state::{Group, State};
use crate::webhooks::Webhooks;

#[derive(Debug)]
pub(crate) struct Shared {
    /// Where people and add-ons reach the host, without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) group: Group,
    /// The person at this machine: who opens a page of a host without sign-in.
    pub(crate) local_user: UserId,
    pub(crate) token_life: Duration,
    pub(crate) clock: Clock,
    pub(crate) embed: Embed,
    pub(crate) limits: Limits,
    pub(crate) attendance: Attendance,
    pub(crate) state: Arc<dyn State>,
    pub(crate) hub: Arc<dyn Hub>,
    pub(crate) http: reqwest::Client,
    /// Follows no redirects: what is posted to a webhook is for its address only.
    pub(crate) posting: reqwest::Client,
    pub(crate) webhooks: Webhooks,
    pub(crate) presence: Presence,
    pub(crate) metrics: Metrics,
    /// Changes when the host ends.
    pub(crate) ending: watch::Receiver<bool>,
}

impl Shared {
    /// The REST API's address, without a slash at the end.
    pub(crate) fn api_url(&self) -> String {
        format!("{}/v2", self.base_url)
    }

    pub(crate) fn has_ended(&self) -> bool {
        *self.ending.borrow()
    }

    /// Completes when the host ends.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ending = self.ending.clone();
        async move {
            // An error means that the host is gone, which is the same.
            let _ = ending.wait_for(|ended| *ended).await;
        }
    }
}
