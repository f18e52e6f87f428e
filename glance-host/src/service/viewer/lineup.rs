//! The glances of each room in their order: read and prepared once for all viewers, and again after a change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use glance_sdk::model::{Glance, OauthId, RoomId};
use parking_lot::Mutex;
use tokio::sync;

use super::prepared::Prepared;
use crate::cluster::bus::Bus;
use crate::content::image_urls::ImageUrls;
use crate::model::bounded_map::evict_unused;
use crate::model::{Installed, RuntimeGlance};
use crate::storage::{Storage, StorageError};

/// The glances of a room, from top to bottom.
#[derive(Default)]
pub(super) struct Lineup(pub(super) Vec<Arc<Prepared>>);

/// The cached lineup of a room, and the generation of the bus when it was read.
#[derive(Default)]
struct CachedLineup {
    changes: u64,
    lineup: Weak<Lineup>,
}

/// A cache of the lineups of rooms with viewers.
pub(crate) struct Lineups {
    /// Locked during a read, so that concurrent callers share it.
    rooms: Mutex<HashMap<RoomId, Arc<sync::Mutex<CachedLineup>>>>,
    pool: Pool,
}

/// Glances that several rooms show, each prepared once.
struct Pool {
    prepared: Mutex<HashMap<(OauthId, String), Weak<Prepared>>>,
    images: Arc<ImageUrls>,
}

impl std::fmt::Debug for Lineups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lineups")
    }
}

impl Lineups {
    /// Creates a cache of glances with images at these addresses.
    pub(crate) fn new(images: Arc<ImageUrls>) -> Self {
        Self {
            rooms: Mutex::default(),
            pool: Pool::new(images),
        }
    }

    /// Returns the lineup of a room. It is as new as all changes that the bus published before the call.
    pub(super) async fn of(
        &self,
        room: RoomId,
        state: &dyn Storage,
        bus: &dyn Bus,
    ) -> Result<Arc<Lineup>, StorageError> {
        let cached = self.cached(room);
        let mut cached = cached.lock().await;
        let changes = bus.generation();
        if cached.changes == changes
            && let Some(lineup) = cached.lineup.upgrade()
        {
            return Ok(lineup);
        }
        let mut installations = Vec::new();
        for installed in state.installations_in(room).await? {
            let runtime = state.glances_in(&installed.oauth_id, room).await?;
            installations.push((Arc::new(installed), runtime));
        }
        let lineup = Arc::new(self.pool.prepare(installations));
        *cached = CachedLineup {
            changes,
            lineup: Arc::downgrade(&lineup),
        };
        Ok(lineup)
    }

    fn cached(&self, room: RoomId) -> Arc<sync::Mutex<CachedLineup>> {
        let mut rooms = self.rooms.lock();
        evict_unused(&mut rooms, |cached| {
            let is_used =
                |cached: sync::MutexGuard<'_, CachedLineup>| cached.lineup.strong_count() > 0;
            cached.try_lock().map_or(true, is_used)
        });
        Arc::clone(rooms.entry(room).or_default())
    }
}

impl Pool {
    fn new(images: Arc<ImageUrls>) -> Self {
        Self {
            prepared: Mutex::default(),
            images,
        }
    }

    fn prepare(&self, installations: Vec<(Arc<Installed>, Vec<RuntimeGlance>)>) -> Lineup {
        let mut glances = BTreeMap::new();
        for (installed, runtime) in installations {
            let declared = installed.descriptor.capabilities.glances().iter().cloned();
            for glance in declared.chain(runtime.into_iter().map(|created| created.glance)) {
                let prepared = self.one(&installed, glance);
                glances.insert(prepared.id.clone(), prepared);
            }
        }
        let mut glances: Vec<_> = glances.into_values().collect();
        glances.sort_by(|a, b| a.order().cmp(b.order()));
        Lineup(glances)
    }

    fn one(&self, installed: &Arc<Installed>, glance: Glance) -> Arc<Prepared> {
        let mut pool = self.prepared.lock();
        evict_unused(&mut pool, |prepared| prepared.strong_count() > 0);
        let cached = pool
            .entry((installed.oauth_id.clone(), glance.key.clone()))
            .or_default();
        let same = cached.upgrade().filter(|cached| {
            cached.glance == glance && cached.installed.descriptor == installed.descriptor
        });
        same.unwrap_or_else(|| {
            let id = format!("{}:{}", installed.descriptor.key, glance.key);
            let images = Arc::clone(&self.images);
            let new = Arc::new(Prepared::new(id, Arc::clone(installed), glance, images));
            *cached = Arc::downgrade(&new);
            new
        })
    }
}

#[cfg(test)]
impl Lineup {
    /// Creates a lineup of these installations with a pool of its own.
    pub(super) fn new(installations: Vec<(Arc<Installed>, Vec<RuntimeGlance>)>) -> Arc<Self> {
        let images = Arc::new(ImageUrls::new(b"key"));
        Arc::new(Pool::new(images).prepare(installations))
    }
}
