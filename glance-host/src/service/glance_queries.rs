//! Queries the data of glances: once per person, or once per room for a glance whose data is the same for everyone in
//! it. Answers are stored.

mod answers;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use glance_sdk::model::{Glance, OauthId, RoomId};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::cluster::bus::Bus;
use crate::model::bounded_map::evict_unused;
use crate::model::clock::Clock;
use crate::model::event::{Event, Topic};
use crate::model::shutdown::Shutdown;
use crate::model::{
    Data, GlanceValue, Installed, Place, Push, QueryAnswer, Room, User, Version, is_shared_by_room,
};
use crate::service::addon_calls::{AddOnCalls, Queried};
use crate::storage::{Storage, StorageError};
use answers::Answers;

/// The result of a query, and the version of the room's data when it began.
#[derive(Debug)]
pub(crate) struct QueryResult {
    pub(crate) queried: Queried,
    pub(crate) version: Version,
    /// The time of the answer, in milliseconds since 1970.
    pub(crate) at: i64,
}

/// How long the result of a room's query serves those who asked a moment too late: they read what was stored before the
/// answer was.
const LINGER: Duration = Duration::from_millis(500);

/// The query of a room that is under way, or was a moment ago. All who want its result share it.
#[derive(Debug, Clone)]
struct RoomQuery {
    result: Shared<BoxFuture<'static, Option<Arc<QueryResult>>>>,
    /// The installation as the query knows it: an updated one is queried anew.
    installed: Arc<Installed>,
    /// The time of the result, by [`Clock::elapsed`].
    ended: Arc<OnceLock<Duration>>,
}

/// A glance in a room.
type RoomGlance = (OauthId, String, RoomId);

/// Queries glances and stores the answers. Clones share the queries that are under way.
#[derive(Debug, Clone)]
pub(crate) struct GlanceQueries {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    addon_calls: AddOnCalls,
    clock: Clock,
    answers: Answers,
    rooms: Arc<Mutex<HashMap<RoomGlance, RoomQuery>>>,
    /// The account in whose name rooms query.
    account: Arc<OnceCell<User>>,
}

impl GlanceQueries {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        bus: Arc<dyn Bus>,
        addon_calls: AddOnCalls,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            answers: Answers::new(Arc::clone(&storage), clock.clone(), shutdown),
            storage,
            bus,
            addon_calls,
            clock,
            rooms: Arc::default(),
            account: Arc::default(),
        }
    }

    /// Returns the age of stored data, or `None` if the clock was set back since and tells no age.
    pub(crate) fn age(&self, value: &GlanceValue) -> Option<Duration> {
        let age = self.clock.now_millis().checked_sub(value.received_at)?;
        u64::try_from(age).ok().map(Duration::from_millis)
    }

    /// Queries a glance for a person in a room; `is_repeated` if there was a result that is not good enough. Returns
    /// `None`, and logs the reason, if the host could not send the query.
    pub(crate) async fn query(
        &self,
        installed: &Arc<Installed>,
        glance: &Glance,
        room: &Room,
        user: &User,
        is_repeated: bool,
    ) -> Option<Arc<QueryResult>> {
        if is_shared_by_room(glance) {
            return self
                .query_for_room(installed, glance, room, is_repeated)
                .await;
        }
        let result = self.send(installed, glance, room, user).await;
        // The technical account is of many people: what one of them got is for nobody else.
        if let Ok(data) = &result.queried.data
            && !user.is_technical
        {
            let answer = answer(installed, glance, room, data, &result);
            self.answers.store(QueryAnswer {
                user: Some(user.id),
                ..answer
            });
        }
        Some(Arc::new(result))
    }

    /// Queries a glance for everyone in a room, or waits for the query that is under way.
    async fn query_for_room(
        &self,
        installed: &Arc<Installed>,
        glance: &Glance,
        room: &Room,
        is_repeated: bool,
    ) -> Option<Arc<QueryResult>> {
        let key = (installed.oauth_id.clone(), glance.key.clone(), room.id);
        let now = self.clock.elapsed();
        let serves = |query: &RoomQuery| match query.ended.get() {
            None => true,
            Some(ended) => !is_repeated && now.saturating_sub(*ended) < LINGER,
        };
        let query = {
            let mut rooms = self.rooms.lock();
            evict_unused(&mut rooms, |query| {
                let ended = query.ended.get();
                ended.is_none_or(|ended| now.saturating_sub(*ended) < LINGER)
            });
            let known = rooms.get(&key);
            let known = known.filter(|known| Arc::ptr_eq(&known.installed, installed));
            match known.filter(|known| serves(known)) {
                Some(known) => known.clone(),
                None => {
                    let new = self.begin(installed, glance, room);
                    rooms.insert(key, new.clone());
                    new
                }
            }
        };
        query.result.await
    }

    /// Begins a query for everyone in a room, in a task of its own: those who wait for it may leave.
    fn begin(&self, installed: &Arc<Installed>, glance: &Glance, room: &Room) -> RoomQuery {
        let ended = Arc::<OnceLock<Duration>>::default();
        let end = End {
            clock: self.clock.clone(),
            ended: Arc::clone(&ended),
        };
        let (of, glance, room) = (Arc::clone(installed), glance.clone(), room.clone());
        let queries = self.clone();
        let task = tokio::spawn(async move {
            let _end = end;
            let result = queries.answer_room(&of, &glance, &room).await;
            result.map(Arc::new)
        });
        let result = async move {
            match task.await {
                Ok(Ok(result)) => Some(result),
                Ok(Err(error)) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "querying a glance for a room failed");
                    None
                }
                Err(cause) => {
                    tracing::error!(%cause, "querying a glance for a room panicked");
                    None
                }
            }
        };
        RoomQuery {
            result: result.boxed().shared(),
            installed: Arc::clone(installed),
            ended,
        }
    }

    /// Queries a glance for everyone in a room, stores the answer, and sends it to all open pages of the room.
    async fn answer_room(
        &self,
        installed: &Installed,
        glance: &Glance,
        room: &Room,
    ) -> Result<QueryResult, StorageError> {
        let account = self.account.get_or_try_init(|| self.storage.embed_guest());
        let result = self.send(installed, glance, room, account.await?).await;
        if let Ok(data) = &result.queried.data {
            let stored = answer(installed, glance, room, data, &result);
            let stored = self.storage.store_answers(vec![stored]).await;
            if let Err(error) = stored {
                // Those who look now see the answer all the same.
                let error = format!("{error:#}");
                tracing::error!(glance = glance.key, error, "storing an answer failed");
            }
            let answered = Push {
                version: result.version,
                ..Push::new(
                    installed.oauth_id.clone(),
                    Place::Room(room.id),
                    None,
                    result.at,
                    [(glance.key.clone(), data.clone())],
                )
            };
            let event = Event::Answered(Arc::new(answered));
            // Not in the log: whoever misses it reads the stored answer.
            self.bus.publish(Topic::Room(room.id), event);
        }
        Ok(result)
    }

    async fn send(
        &self,
        installed: &Installed,
        glance: &Glance,
        room: &Room,
        user: &User,
    ) -> QueryResult {
        // Read first: a push that is stored during the query is newer than its answer.
        let version = self.storage.version(room.id).await;
        let version = version.unwrap_or_else(|error| {
            let error = format!("{error:#}");
            tracing::error!(room = %room.id, error, "reading the version of a room failed");
            Version::default()
        });
        let queried = self.addon_calls.query(installed, glance, room, user).await;
        QueryResult {
            queried,
            version,
            at: self.clock.now_millis(),
        }
    }
}

fn answer(
    installed: &Installed,
    glance: &Glance,
    room: &Room,
    data: &Data,
    result: &QueryResult,
) -> QueryAnswer {
    QueryAnswer {
        oauth_id: installed.oauth_id.clone(),
        key: glance.key.clone(),
        room: room.id,
        user: None,
        data: data.clone(),
        at: result.at,
        version: result.version,
    }
}

/// Records the end of a room's query when it is dropped.
struct End {
    clock: Clock,
    ended: Arc<OnceLock<Duration>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.ended.get_or_init(|| self.clock.elapsed());
    }
}
