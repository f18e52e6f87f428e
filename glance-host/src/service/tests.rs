//! Tests of services that use each other, without sockets: storage is in memory, and a transport stands for all
//! add-ons.

mod add_on_calls;
mod extensions;
mod install;
mod messages;
mod presence;
mod private_messages;
mod roles;
mod rooms;
mod timeline;
mod webhooks;

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{Descriptor, Event, Installable, OauthId, RoomId, Webhook};
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::watch;

use crate::cluster::attendance::Attendance;
use crate::cluster::bus::{Bus, LocalBus};
use crate::cluster::rate_limits::Limits;
use crate::content::image_urls::ImageUrls;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::model::{Entry, Group, Installed, Message, NewRoom, Room, User};
use crate::net::outbound::{Answer, AnswerLimits, NoAnswer, Outbound, OutboundRequest, Transport};
use crate::service::addon_calls::AddOnCalls;
use crate::service::directory::Directory;
use crate::service::entry_renderer::EntryRenderer;
use crate::service::extensions::Extensions;
use crate::service::install::Installer;
use crate::service::install::removal::Removals;
use crate::service::messages::Messages;
use crate::service::presence::Presence;
use crate::service::private_messages::PrivateMessages;
use crate::service::rooms::Rooms;
use crate::service::timeline::Timeline;
use crate::service::webhooks::Webhooks;
use crate::storage::{Effects, SqliteState, Storage};

/// The messages that an installation may post to a room per minute.
const MESSAGE_LIMIT: u32 = 2;

/// Records requests, and answers each of them in the same way.
#[derive(Debug, Default)]
struct AddOns {
    requests: Mutex<Vec<OutboundRequest>>,
    /// Notified of each request.
    requested: watch::Sender<()>,
    answer: Mutex<TestAnswer>,
    /// The statuses of the next answers; 200 comes after them.
    statuses: Mutex<VecDeque<StatusCode>>,
}

#[derive(Debug, Clone, Default)]
struct TestAnswer {
    allowed_origin: Option<String>,
    content_type: Option<String>,
    body: Vec<u8>,
}

#[async_trait]
impl Transport for AddOns {
    async fn send(&self, request: OutboundRequest, _: AnswerLimits) -> Result<Answer, NoAnswer> {
        self.requests.lock().push(request);
        self.requested.send_replace(());
        let answer = self.answer.lock().clone();
        let status = self.statuses.lock().pop_front();
        Ok(Answer {
            status: status.unwrap_or(StatusCode::OK),
            allowed_origin: answer.allowed_origin,
            content_type: answer.content_type,
            retry_after: None,
            body: answer.body,
        })
    }
}

impl AddOns {
    /// Completes once there are this many requests.
    async fn requested(&self, number: usize) {
        let mut requested = self.requested.subscribe();
        while self.requests.lock().len() < number {
            requested.changed().await.unwrap();
        }
    }

    fn answer_with(&self, body: &str) {
        self.answer.lock().body = body.as_bytes().to_vec();
    }
}

struct Services {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    clock: Clock,
    attendance: Attendance,
    add_ons: Arc<AddOns>,
    addon_calls: AddOnCalls,
    timeline: Timeline,
    webhooks: Webhooks,
    installer: Installer,
    removals: Removals,
    rooms: Rooms,
    messages: Messages,
    private_messages: PrivateMessages,
    extensions: Extensions,
    presence: Presence,
    /// Dropping this shuts the services down.
    shutdown: watch::Sender<bool>,
}

impl Services {
    fn new() -> Self {
        let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
        let bus = Arc::new(LocalBus::default());
        storage.add_receiver(Arc::downgrade(&bus) as _);
        let bus: Arc<dyn Bus> = bus;
        let clock = Clock::standing_at(1_700_000_000);
        let attendance = Attendance::default();
        let add_ons = Arc::<AddOns>::default();
        let (begin_shutdown, shutdown) = Shutdown::channel();
        let info = Arc::new(HostInfo {
            base_url: "http://127.0.0.1:4400".to_owned(),
            origins: Vec::new(),
            address: ([127, 0, 0, 1], 4400).into(),
            group: Group {
                id: 1.into(),
                name: "Group".to_owned(),
            },
            product: "HipChat".to_owned(),
        });
        let directory = Directory::new(Arc::clone(&storage), attendance.clone(), info.api_url());
        let image_urls = Arc::new(ImageUrls::new(b"key"));
        let renderer = EntryRenderer::new(Arc::clone(&storage), directory.clone(), image_urls);
        let timeline = Timeline::new(Arc::clone(&storage), renderer);
        let limits = Arc::new(Limits::new(clock.clone(), 100, MESSAGE_LIMIT));
        let transport = Arc::clone(&add_ons) as Arc<dyn Transport>;
        let outbound = Outbound::new(transport);
        let addon_calls = AddOnCalls::new(
            Arc::clone(&info),
            outbound.clone(),
            Arc::default(),
            clock.clone(),
        );
        let webhooks = Webhooks::new(
            Arc::clone(&storage),
            directory.clone(),
            timeline.clone(),
            addon_calls.clone(),
            Arc::clone(&limits),
            Arc::default(),
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
            info,
            clock.clone(),
            shutdown,
        );
        Self {
            installer,
            rooms: Rooms::new(
                Arc::clone(&storage),
                webhooks.clone(),
                removals.clone(),
                clock.clone(),
            ),
            removals,
            private_messages: PrivateMessages::new(Arc::clone(&storage), Arc::clone(&limits)),
            extensions: Extensions::new(Arc::clone(&storage), Arc::default(), clock.clone()),
            messages: Messages::new(Arc::clone(&storage), directory, webhooks.clone(), limits),
            presence: Presence::new(Arc::clone(&storage), attendance.clone(), webhooks.clone()),
            storage,
            bus,
            clock,
            attendance,
            add_ons,
            addon_calls,
            timeline,
            webhooks,
            shutdown: begin_shutdown,
        }
    }

    fn shut_down(&self) {
        self.shutdown.send_replace(true);
    }

    async fn user(&self, name: &str) -> User {
        self.storage.get_or_create_user(name).await.unwrap()
    }

    /// Creates a public room of the person "Owner".
    async fn room(&self, name: &str) -> Room {
        let new = self.new_room(name, "").await;
        self.rooms.create(&new).await.unwrap()
    }

    async fn new_room(&self, name: &str, topic: &str) -> NewRoom {
        NewRoom {
            name: name.to_owned(),
            is_public: true,
            owner: self.user("Owner").await.id,
            topic: topic.to_owned(),
        }
    }

    async fn archived_room(&self, name: &str) -> Room {
        let (room, owner) = (self.room(name).await, self.user("Owner").await);
        let archive = |room: &mut Room| room.is_archived = true;
        self.rooms.change(room.id, &owner, archive).await.unwrap()
    }

    /// Installs an add-on in a room, with a webhook for each of these events.
    async fn install(&self, id: &str, room: RoomId, events: &[Event]) -> Installed {
        let mut descriptor = Descriptor::new(id, id, "https://a.example/");
        descriptor.capabilities.installable = Some(Installable::new("https://a.example/installed"));
        let installed = Installed {
            oauth_id: id.into(),
            oauth_secret: "secret".into(),
            room_id: Some(room),
            descriptor_url: "https://a.example/".to_owned(),
            descriptor,
        };
        assert!(
            self.storage
                .begin_installation(&installed, 1)
                .await
                .unwrap()
        );
        self.storage
            .finish_installation(&installed.oauth_id, Effects::none())
            .await
            .unwrap();
        for event in events {
            let webhook = Webhook::new(event.clone(), "https://a.example/hook");
            let put = self
                .storage
                .put_webhook(&installed.oauth_id, room, &webhook);
            put.await.unwrap().unwrap();
        }
        installed
    }

    /// Waits for the webhook calls of an add-on. Returns the events of all calls so far.
    async fn webhook_events(&self, id: &OauthId) -> Vec<String> {
        self.webhooks.idle(id).await;
        let requests = self.add_ons.requests.lock();
        // Removal calls have no body.
        let bodies = requests.iter().filter_map(|request| {
            let body = request.body.as_deref()?;
            Some(serde_json::from_slice::<Value>(body).unwrap())
        });
        bodies
            .filter(|body| body["oauth_client_id"] == id.as_str())
            .map(|body| body["event"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn texts(&self, room: RoomId) -> Vec<String> {
        let entries = self.storage.timeline(room, 100).await.unwrap();
        entries.iter().map(text).collect()
    }
}

fn text(entry: &Entry) -> String {
    match &entry.content {
        crate::model::Content::Message(Message { text, .. }) => text.clone(),
        crate::model::Content::Notification(notification) => notification.message.clone(),
    }
}
