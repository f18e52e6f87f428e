//! A store of one's own: this one wraps another and keeps count of what it writes. One that speaks to a
//! database has the same methods; `glance_sdk::store::conformance` tests it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use glance_sdk::model::{GroupId, Secret};
use glance_sdk::prelude::*;
use glance_sdk::store::{Installation, InstallationStore, MemoryStore, RemovalCheck, async_trait};
use glance_sdk::{Error, Result};

/// Counts writes.
#[derive(Debug, Default)]
struct CountingStore {
    inner: MemoryStore,
    /// How many writes there were.
    writes: AtomicU64,
}

impl CountingStore {
    fn write(&self) -> Result<()> {
        match self.writes.fetch_add(1, Ordering::Relaxed) {
            u64::MAX => Err(Error::storage(
                "cannot count a write",
                "the counter is full",
            )),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl InstallationStore for CountingStore {
    async fn put(&self, installation: &Installation) -> Result<()> {
        self.write()?;
        self.inner.put(installation).await
    }

    async fn get(&self, oauth_id: &OauthId) -> Result<Option<Installation>> {
        self.inner.get(oauth_id).await
    }

    async fn remove(&self, oauth_id: &OauthId) -> Result<bool> {
        self.write()?;
        self.inner.remove(oauth_id).await
    }

    async fn replace(&self, stored: &Secret, installation: &Installation) -> Result<bool> {
        self.write()?;
        self.inner.replace(stored, installation).await
    }

    async fn page(&self, after: Option<&OauthId>, limit: usize) -> Result<Vec<Installation>> {
        self.inner.page(after, limit).await
    }

    async fn in_room(&self, room: RoomId) -> Result<Vec<Installation>> {
        self.inner.in_room(room).await
    }

    async fn in_group(&self, group: GroupId) -> Result<Vec<Installation>> {
        self.inner.in_group(group).await
    }

    async fn count(&self, origin: Option<&str>) -> Result<u64> {
        self.inner.count(origin).await
    }

    async fn removal_check(&self, oauth_id: &OauthId) -> Result<Option<RemovalCheck>> {
        self.inner.removal_check(oauth_id).await
    }

    async fn set_removal_check(
        &self,
        oauth_id: &OauthId,
        expected: &RemovalCheck,
        new: &RemovalCheck,
    ) -> Result<bool> {
        self.inner.set_removal_check(oauth_id, expected, new).await
    }

    async fn due_removal_checks(
        &self,
        until: i64,
        limit: usize,
    ) -> Result<Vec<(OauthId, RemovalCheck)>> {
        self.inner.due_removal_checks(until, limit).await
    }

    /// Access tokens and used requests go to the store inside, without a method of their own here.
    fn inner(&self) -> Option<&dyn InstallationStore> {
        Some(&self.inner)
    }
}

#[glance(key = "hello", name = "Hello", icon = "/hello.svg", audience = "room")]
async fn hello() -> GlanceData {
    GlanceData::new(label!("Hello <b>world</b>"))
}

fn add_on(store: Arc<CountingStore>) -> AddOn {
    AddOn::new("com.example.hello", "Hello")
        .store(store)
        .glance::<hello>()
        .asset(
            "/hello.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        )
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = add_on(Arc::default()).listen_from_env().await?;
    server.run(glance_sdk::addon::interrupted()).await
}

#[cfg(test)]
mod tests {
    use glance_host::Host;
    use glance_sdk::store::conformance;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_store_conforms() {
        let make = async || CountingStore::default();
        conformance::check(make).await;
        conformance::check_sharing(make).await;
    }

    #[tokio::test]
    async fn the_add_on_works_with_it() {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let store = Arc::new(CountingStore::default());
        let _add_on = room.install(add_on(Arc::clone(&store))).await;
        assert!(store.writes.load(Ordering::Relaxed) > 0);
        let line = room.viewer("ann").await.glance::<hello>().await;
        assert_eq!(line.label_text(), "Hello world");
    }
}
