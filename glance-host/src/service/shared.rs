//! The parts of a running host.

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::serve;

use crate::cluster::attendance::Attendance;
use crate::cluster::bus::Bus;
use crate::cluster::rate_limits::Limits;
use crate::content::image_urls::ImageUrls;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::model::{Identity, User};
use crate::net::outbound::Outbound;
use crate::service::addon_calls::AddOnCalls;
use crate::service::directory::Directory;
use crate::service::embed::Embeds;
use crate::service::entry_renderer::EntryRenderer;
use crate::service::first_room::FirstRoom;
use crate::service::health::Health;
use crate::service::images::Images;
use crate::service::install::browser_handoff::Visits;
use crate::service::install::removal::Removals;
use crate::service::messages::Messages;
use crate::service::metrics::{Gauges, Metrics};
use crate::service::people::People;
use crate::service::presence::Presence;
use crate::service::rooms::Rooms;
use crate::service::sign_in::{Entrance, Way};
use crate::service::viewer::{Lineups, Retries};
use crate::service::webhooks::Webhooks;
use crate::storage::{SignedIn, Storage, StorageError};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) info: Arc<HostInfo>,
    pub(crate) entrance: Entrance,
    pub(crate) first_room: FirstRoom,
    pub(crate) token_life: Duration,
    pub(crate) clock: Clock,
    pub(crate) embeds: Embeds,
    pub(crate) limits: Arc<Limits>,
    /// How many connections, and bytes of requests, the host takes.
    pub(crate) inbound: serve::Limits,
    pub(crate) attendance: Attendance,
    pub(crate) directory: Directory,
    pub(crate) state: Arc<dyn Storage>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) lineups: Lineups,
    pub(crate) retries: Retries,
    pub(crate) outbound: Outbound,
    pub(crate) renderer: EntryRenderer,
    pub(crate) messages: Messages,
    pub(crate) webhooks: Webhooks,
    pub(crate) presence: Presence,
    pub(crate) addon_calls: AddOnCalls,
    pub(crate) images: Images,
    pub(crate) image_urls: Arc<ImageUrls>,
    pub(crate) visits: Visits,
    pub(crate) removals: Removals,
    pub(crate) rooms: Rooms,
    pub(crate) people: People,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Health,
    pub(crate) shutdown: Shutdown,
}

impl Shared {
    /// Returns the metrics in the text format of Prometheus.
    pub(crate) async fn metrics_text(&self) -> Result<String, StorageError> {
        let (viewers, rooms) = self.attendance.count();
        let installations = self.state.count_installations().await?;
        Ok(self.metrics.text(&Gauges {
            viewers,
            rooms,
            installations,
        }))
    }

    /// Returns the person for what the host does by itself: the person at this machine, or the first admin. Returns
    /// `None` on a host without people.
    pub(crate) async fn steward(&self) -> Result<Option<User>, StorageError> {
        if let Way::Local(user) = self.entrance.way {
            return self.state.user(user).await;
        }
        self.state.first_admin().await
    }

    /// Signs a person in, who is created if necessary. For the first admin the first room is created.
    pub(crate) async fn welcome(
        self: &Arc<Self>,
        identity: &Identity,
    ) -> Result<User, StorageError> {
        let SignedIn { before, after } = self.state.sign_in(identity).await?;
        self.people.publish(&before, &after);
        self.first_room.open(self).await?;
        Ok(after)
    }
}
