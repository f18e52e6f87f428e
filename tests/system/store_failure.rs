//! Tests an add-on's queries of its installation store, and failures of the store: no data is lost
//! permanently.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use glance_host::Host;
use glance_sdk::client::Installations;
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{Claims, Context, GroupId, Notification, OauthId, RoomId, Secret};
use glance_sdk::prelude::*;
use glance_sdk::store::{Installation, InstallationStore, MemoryStore, RemovalCheck};
use glance_sdk::{auth, axum};
use reqwest::StatusCode;
use tokio::sync::watch;

use crate::answers::{said, status};

/// A store that a test can disable, and that counts its reads and failures.
#[derive(Debug, Clone, Default)]
struct Switched {
    store: Arc<MemoryStore>,
    is_off: Arc<AtomicBool>,
    /// Whether the next write succeeds, but returns an error.
    loses_answer: Arc<AtomicBool>,
    /// The number of reads of installations.
    reads: Arc<AtomicUsize>,
    failures: Arc<watch::Sender<usize>>,
}

impl Switched {
    fn switch(&self, off: bool) {
        self.is_off.store(off, Ordering::SeqCst);
    }

    fn check(&self) -> glance_sdk::Result<()> {
        if !self.is_off.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.failures.send_modify(|failures| *failures += 1);
        Err(glance_sdk::Error::storage(
            "no store",
            "the server restarts",
        ))
    }

    /// Completes after this number of failures.
    async fn failed(&self, times: usize) {
        let mut failures = self.failures.subscribe();
        failures
            .wait_for(|failures| *failures >= times)
            .await
            .unwrap();
    }
}

#[async_trait::async_trait]
impl InstallationStore for Switched {
    async fn put(&self, installation: &Installation) -> glance_sdk::Result<()> {
        self.check()?;
        self.store.put(installation).await?;
        match self.loses_answer.swap(false, Ordering::SeqCst) {
            true => Err(glance_sdk::Error::storage(
                "no answer",
                "the server stopped",
            )),
            false => Ok(()),
        }
    }

    async fn get(&self, id: &OauthId) -> glance_sdk::Result<Option<Installation>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.store.get(id).await
    }

    async fn remove(&self, id: &OauthId) -> glance_sdk::Result<bool> {
        self.check()?;
        self.store.remove(id).await
    }

    async fn replace(&self, stored: &Secret, new: &Installation) -> glance_sdk::Result<bool> {
        self.check()?;
        self.store.replace(stored, new).await
    }

    async fn page(
        &self,
        after: Option<&OauthId>,
        limit: usize,
    ) -> glance_sdk::Result<Vec<Installation>> {
        self.check()?;
        self.store.page(after, limit).await
    }

    async fn in_room(&self, room: RoomId) -> glance_sdk::Result<Vec<Installation>> {
        self.check()?;
        self.store.in_room(room).await
    }

    async fn in_group(&self, group: GroupId) -> glance_sdk::Result<Vec<Installation>> {
        self.check()?;
        self.store.in_group(group).await
    }

    async fn count(&self, origin: Option<&str>) -> glance_sdk::Result<u64> {
        self.check()?;
        self.store.count(origin).await
    }

    async fn removal_check(&self, id: &OauthId) -> glance_sdk::Result<Option<RemovalCheck>> {
        self.check()?;
        self.store.removal_check(id).await
    }

    async fn set_removal_check(
        &self,
        id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> glance_sdk::Result<bool> {
        self.check()?;
        self.store.set_removal_check(id, expected, new).await
    }

    /// The add-on reads these by itself, so a failure here must not count.
    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> glance_sdk::Result<Vec<(OauthId, RemovalCheck)>> {
        self.store.due_removal_checks(until, limit).await
    }
}

#[glance(key = "rooms", name = "Rooms", icon = "/rooms.svg")]
async fn rooms(installations: Installations) -> Result<GlanceData, Failure> {
    let rooms = installations.list().await?.len();
    Ok(GlanceData::new(label!("<b>{rooms}</b> rooms")))
}

#[webhook(event = RoomMessage)]
async fn count(
    _: WebhookRequest<RoomMessage>,
    installations: Installations,
) -> Result<Notification, Failure> {
    let rooms = installations.list().await?.len();
    Ok(Notification::text(format!("{rooms} rooms")))
}

async fn panel(_: SignedRequest, installations: Installations) -> Result<String, Failure> {
    Ok(installations.list().await?.len().to_string())
}

fn add_on(store: &Switched) -> AddOn {
    AddOn::new("com.example.rooms", "Rooms")
        .store(store.clone())
        .glance::<rooms>()
        .webhook::<count>()
        .web_panel("panel", "Panel", axum::routing::get(panel))
}

#[tokio::test]
async fn forged_tokens_cause_few_reads_of_store() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let store = Switched::default();
    let installed = room.install(add_on(&store)).await;
    let key = auth::SigningKey::new(&"forged".into());
    let client = glance_host::testing::http_client();
    let now = auth::now();
    for issuer in ["unknown", installed.oauth_id().as_str()] {
        let token = key.sign(&Claims::new(issuer.into(), now, now + 60));
        let url = format!(
            "{}/panel/panel?signed_request={token}",
            installed.base_url()
        );
        let before = store.reads.load(Ordering::SeqCst);
        for _ in 0..20 {
            let answer = client.get(&url).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
        let reads = store.reads.load(Ordering::SeqCst) - before;
        // One more every five seconds.
        assert!((1..10).contains(&reads), "{reads} reads for {issuer}");
    }
}

#[tokio::test]
async fn failed_operations_succeed_after_store_recovers() {
    let host = Host::start().await;
    let (room, other) = (host.room("ops").await, host.room("dev").await);
    let store = Switched::default();
    let installed = room.install(add_on(&store)).await;
    let key = auth::SigningKey::new(&installed.installed().oauth_secret);
    let signed = |path: &str| {
        let now = auth::now();
        let mut claims = Claims::new(installed.oauth_id().clone(), now, now + 60);
        let mut context = Context::default();
        context.room_id = Some(room.room.id);
        claims.context = Some(context);
        format!(
            "{}{path}?signed_request={}",
            installed.base_url(),
            key.sign(&claims)
        )
    };

    store.switch(true);
    for path in ["/glance/rooms", "/panel/panel"] {
        let answer = glance_host::testing::http_client()
            .get(signed(path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers()["retry-after"], "5", "{path}");
    }
    let refused = glance_host::testing::http_client()
        .post(format!("{}/updated", installed.base_url()))
        .json(&serde_json::json!({
            "oauthId": "x", "capabilitiesUrl": "http://127.0.0.1:1/", "groupId": 1
        }));
    let answer = refused.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);

    // The host retries the webhook call and the installation.
    let before = *store.failures.borrow();
    room.says("ann", "hi").await;
    let descriptor = format!("{}/", installed.base_url());
    let (second, ()) = tokio::join!(other.install_url(&descriptor), async {
        store.failed(before + 2).await;
        store.switch(false);
    });
    second.unwrap();
    let delivery = room.delivery(said("hi")).await;
    assert_eq!((delivery.attempts, status(&delivery)), (2, Some(200)));
    for path in ["/glance/rooms", "/panel/panel"] {
        let answer = glance_host::testing::http_client()
            .get(signed(path))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(store.list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn repeated_installation_after_store_failure_is_new() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let store = Switched::default();
    store.loses_answer.store(true, Ordering::SeqCst);
    let journal = Arc::new(Mutex::new(Vec::new()));
    let add_on = AddOn::new("com.example.rooms", "Rooms")
        .state(Arc::clone(&journal))
        .store(store.clone())
        .on_install(async |journal: Arc<Mutex<Vec<&str>>>, _| {
            journal.lock().unwrap().push("installed");
            Ok::<(), String>(())
        })
        .on_update(async |journal: Arc<Mutex<Vec<&str>>>, _| {
            journal.lock().unwrap().push("updated");
            Ok::<(), String>(())
        });
    room.install(add_on).await;
    assert_eq!(*journal.lock().unwrap(), ["installed"]);
    assert_eq!(store.list().await.unwrap().len(), 1);
}
