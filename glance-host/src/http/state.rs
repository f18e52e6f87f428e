//! The state of the router: one handle for each service, from which a handler takes those that it needs.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use glance_sdk::serve;

use crate::cluster::bus::Bus;
use crate::cluster::rate_limits::Limits;
use crate::content::image_urls::ImageUrls;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::service::access_tokens::AccessTokens;
use crate::service::actions::Actions;
use crate::service::addon_calls::AddOnCalls;
use crate::service::admin_tokens::AdminTokens;
use crate::service::directory::Directory;
use crate::service::embed::Embeds;
use crate::service::entry_renderer::EntryRenderer;
use crate::service::extensions::Extensions;
use crate::service::health::Health;
use crate::service::images::Images;
use crate::service::install::Installer;
use crate::service::install::removal::Removals;
use crate::service::messages::Messages;
use crate::service::metrics::{Metrics, MetricsReader};
use crate::service::people::People;
use crate::service::private_messages::PrivateMessages;
use crate::service::rooms::Rooms;
use crate::service::sign_in::SignInState;
use crate::service::sign_in::accounts::Accounts;
use crate::service::sign_in::session::Sessions;
use crate::service::targets::Targets;
use crate::service::timeline::Timeline;
use crate::service::viewer::Viewers;
use crate::service::webhooks::Webhooks;
use crate::storage::Storage;

/// The services of a running host. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct AppState(Arc<Services>);

impl AppState {
    pub(crate) fn new(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// Declares the services, and lets handlers extract each as `State`.
macro_rules! services {
    ($($name:ident: $service:ty,)*) => {
        #[derive(Debug)]
        pub(crate) struct Services {
            $(pub(crate) $name: $service,)*
        }

        $(impl FromRef<AppState> for $service {
            fn from_ref(app: &AppState) -> Self {
                app.0.$name.clone()
            }
        })*
    };
}

services! {
    access_tokens: AccessTokens,
    accounts: Accounts,
    actions: Actions,
    addon_calls: AddOnCalls,
    admin_tokens: AdminTokens,
    bus: Arc<dyn Bus>,
    clock: Clock,
    directory: Directory,
    embeds: Embeds,
    extensions: Extensions,
    health: Health,
    image_urls: Arc<ImageUrls>,
    images: Images,
    inbound: serve::Limits,
    info: Arc<HostInfo>,
    installer: Installer,
    limits: Arc<Limits>,
    messages: Messages,
    metrics: Arc<Metrics>,
    metrics_reader: MetricsReader,
    people: People,
    private_messages: PrivateMessages,
    removals: Removals,
    renderer: EntryRenderer,
    rooms: Rooms,
    sessions: Sessions,
    shutdown: Shutdown,
    sign_in: Arc<SignInState>,
    storage: Arc<dyn Storage>,
    targets: Targets,
    timeline: Timeline,
    viewers: Arc<Viewers>,
    webhooks: Webhooks,
}
