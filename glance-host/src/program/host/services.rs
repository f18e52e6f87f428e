//! Puts the services of a host together.

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::serve;

use crate::cluster::attendance::Attendance;
use crate::cluster::bus::{Bus, LocalBus};
use crate::cluster::rate_limits::Limits;
use crate::content::image_urls::ImageUrls;
use crate::http::state::{AppState, Services};
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::net::outbound::Outbound;
use crate::service::access_tokens::AccessTokens;
use crate::service::actions::Actions;
use crate::service::addon_calls::AddOnCalls;
use crate::service::admin_tokens::AdminTokens;
use crate::service::directory::Directory;
use crate::service::embed::{Embed, Embeds};
use crate::service::entry_renderer::EntryRenderer;
use crate::service::extensions::Extensions;
use crate::service::glance_queries::GlanceQueries;
use crate::service::health::Health;
use crate::service::images::Images;
use crate::service::install::Installer;
use crate::service::install::removal::Removals;
use crate::service::messages::Messages;
use crate::service::metrics::{Metrics, MetricsReader};
use crate::service::people::People;
use crate::service::presence::Presence;
use crate::service::private_messages::PrivateMessages;
use crate::service::rooms::Rooms;
use crate::service::sign_in::SignInState;
use crate::service::sign_in::accounts::Accounts;
use crate::service::sign_in::session::Sessions;
use crate::service::targets::Targets;
use crate::service::timeline::Timeline;
use crate::service::viewer::Viewers;
use crate::service::webhooks::Webhooks;
use crate::storage::{Storage, StorageError};

/// The settings and parts from which [`assemble`] creates the services of a host.
pub(super) struct Parts {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) outbound: Outbound,
    pub(super) info: Arc<HostInfo>,
    pub(super) sign_in: Arc<SignInState>,
    /// The key of image URLs.
    pub(super) signing_key: Vec<u8>,
    pub(super) inbound: serve::Limits,
    pub(super) clock: Clock,
    pub(super) shutdown: Shutdown,
    pub(super) embed: Embed,
    /// The number of requests of an installation in 5 minutes.
    pub(super) requests: u32,
    /// The number of messages of an installation to a room in a minute.
    pub(super) messages: u32,
    pub(super) token_life: Duration,
    pub(super) first_room: Option<String>,
}

/// Creates the services from the bottom to the top.
pub(super) async fn assemble(parts: Parts) -> Result<AppState, StorageError> {
    let Parts {
        storage,
        outbound,
        info,
        sign_in,
        signing_key,
        inbound,
        clock,
        shutdown,
        ..
    } = parts;
    let bus = Arc::new(LocalBus::default());
    storage.add_receiver(Arc::downgrade(&bus) as _);
    let bus: Arc<dyn Bus> = bus;
    let attendance = Attendance::default();
    let limits = Arc::new(Limits::new(clock.clone(), parts.requests, parts.messages));
    let metrics = Arc::<Metrics>::default();
    let image_urls = Arc::new(ImageUrls::new(&signing_key));

    let addon_calls = AddOnCalls::new(
        Arc::clone(&info),
        outbound.clone(),
        Arc::clone(&metrics),
        clock.clone(),
    );
    let directory = Directory::new(Arc::clone(&storage), attendance.clone(), info.api_url());
    let renderer = EntryRenderer::new(
        Arc::clone(&storage),
        directory.clone(),
        Arc::clone(&image_urls),
    );
    let timeline = Timeline::new(Arc::clone(&storage), renderer.clone());
    let webhooks = Webhooks::new(
        Arc::clone(&storage),
        directory.clone(),
        timeline.clone(),
        addon_calls.clone(),
        Arc::clone(&limits),
        Arc::clone(&metrics),
        clock.clone(),
        shutdown.clone(),
    );
    let removals = Removals::new(
        Arc::clone(&storage),
        webhooks.clone(),
        addon_calls.clone(),
        clock.clone(),
        shutdown.clone(),
    );
    let installer = Installer::new(
        Arc::clone(&storage),
        Arc::clone(&bus),
        outbound,
        removals.clone(),
        Arc::clone(&info),
        clock.clone(),
        shutdown.clone(),
    );
    let rooms = Rooms::new(
        Arc::clone(&storage),
        webhooks.clone(),
        removals.clone(),
        clock.clone(),
    );
    let people = People::new(Arc::clone(&storage));
    let viewers = Viewers::new(
        Arc::clone(&storage),
        Arc::clone(&bus),
        attendance.clone(),
        Presence::new(Arc::clone(&storage), attendance.clone(), webhooks.clone()),
        GlanceQueries::new(
            Arc::clone(&storage),
            Arc::clone(&bus),
            addon_calls.clone(),
            clock.clone(),
            shutdown.clone(),
        ),
        webhooks.clone(),
        Arc::clone(&image_urls),
        Arc::clone(&info),
        clock.clone(),
        shutdown.clone(),
    );
    let actions = Actions::new(Arc::clone(&storage));
    Ok(AppState::new(Services {
        access_tokens: AccessTokens::new(Arc::clone(&storage), clock.clone(), parts.token_life),
        accounts: Accounts::new(
            Arc::clone(&storage),
            Arc::clone(&sign_in),
            people.clone(),
            rooms.clone(),
            parts.first_room,
        ),
        admin_tokens: AdminTokens::new(
            Arc::clone(&storage),
            Arc::clone(&sign_in),
            Arc::clone(&limits),
            clock.clone(),
        ),
        extensions: Extensions::new(Arc::clone(&storage), Arc::clone(&metrics), clock.clone()),
        embeds: Embeds::new(parts.embed, Arc::clone(&storage), clock.clone()).await?,
        health: Health::new(Arc::clone(&storage), clock.clone()),
        images: Images::new(addon_calls.clone(), clock.clone()),
        messages: Messages::new(
            Arc::clone(&storage),
            directory.clone(),
            webhooks.clone(),
            Arc::clone(&limits),
        ),
        metrics_reader: MetricsReader::new(Arc::clone(&metrics), attendance, Arc::clone(&storage)),
        private_messages: PrivateMessages::new(Arc::clone(&storage), Arc::clone(&limits)),
        sessions: Sessions::new(Arc::clone(&storage), clock.clone()),
        targets: Targets::new(
            Arc::clone(&storage),
            directory.clone(),
            actions.clone(),
            addon_calls.clone(),
            Arc::clone(&info),
        ),
        viewers: Arc::new(viewers),
        actions,
        addon_calls,
        bus,
        clock,
        directory,
        image_urls,
        inbound,
        info,
        installer,
        limits,
        metrics,
        people,
        removals,
        renderer,
        rooms,
        shutdown,
        sign_in,
        storage,
        timeline,
        webhooks,
    }))
}
