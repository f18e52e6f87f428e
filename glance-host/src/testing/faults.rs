//! Faults that a test injects: their effect, the calls that they hit, and how often.

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::client::Method;
use glance_sdk::model::OauthId;
use parking_lot::{Mutex, MutexGuard};
use reqwest::StatusCode;
use serde_json::json;
use tokio::sync::watch;

use crate::program::calls::Party;

/// An effect, and the calls that it hits: by default all calls that add-ons make.
///
/// ```
/// use glance_host::testing::Fault;
/// use glance_sdk::client::Method;
///
/// let busy = Fault::status(429).retry_after(2);
/// let fault = busy.on(Method::Post, "/v2/room/*/notification").times(3);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Fault {
    effect: Effect,
    by: Party,
    method: Option<Method>,
    path: Option<String>,
    of: Option<OauthId>,
    skip_first: u64,
    times: u64,
}

/// The effect of a fault.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Answer {
        status: StatusCode,
        retry_after: Option<u64>,
        body: Option<String>,
    },
    Latency(Duration),
    Hang,
    Drop,
    LostAnswer,
    HalfAnAnswer,
}

impl Fault {
    /// Answers with this status and the protocol's JSON instead of making the call.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let refused = host.inject(Fault::status(403).body("not here").times(1));
    /// let error = client.room(room.room.id).get().await.unwrap_err();
    /// assert_eq!(error.status(), Some(403));
    /// assert_eq!(refused.hits(), 1);
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// If the status is not between 100 and 999.
    #[allow(clippy::panic)]
    pub fn status(status: u16) -> Self {
        let Ok(status) = StatusCode::from_u16(status) else {
            panic!("{status} is no status of HTTP");
        };
        Self::new(Effect::Answer {
            status,
            retry_after: None,
            body: None,
        })
    }

    /// Delays the call. If the host has a standing [`Clock`](crate::Clock), that clock measures the
    /// time, in whole seconds.
    pub fn latency(time: Duration) -> Self {
        Self::new(Effect::Latency(time))
    }

    /// Holds the call without making or answering it, and drops the connection when the fault is lifted.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let hanging = host.inject(Fault::hang());
    /// let call = tokio::spawn(async move { client.rooms().all().await });
    /// hanging.wait_for_hits(1).await;
    /// drop(hanging); // The connection closes, and the client tries again.
    /// assert!(call.await.unwrap().is_ok());
    /// # });
    /// ```
    pub fn hang() -> Self {
        Self::new(Effect::Hang)
    }

    /// Drops the connection instead of making the call, without a byte of an answer.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let _dropped = host.inject(Fault::drop_connection().times(1));
    /// assert!(client.rooms().all().await.is_ok(), "the client tries again");
    /// # });
    /// ```
    pub fn drop_connection() -> Self {
        Self::new(Effect::Drop)
    }

    /// Makes the call, and drops the connection without a byte of the answer.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    /// use glance_sdk::model::Notification;
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let _lost = host.inject(Fault::lost_answer().times(1));
    /// let notification = Notification::text("Build 7 is broken.");
    /// assert!(client.room(room.room.id).notify(&notification).await.is_err());
    /// assert_eq!(room.notifications().await.len(), 1, "the host took it");
    /// # });
    /// ```
    pub fn lost_answer() -> Self {
        Self::new(Effect::LostAnswer)
    }

    /// Makes the call, and drops the connection in the middle of the answer.
    pub fn half_an_answer() -> Self {
        Self::new(Effect::HalfAnAnswer)
    }

    fn new(effect: Effect) -> Self {
        Self {
            effect,
            by: Party::AddOn,
            method: None,
            path: None,
            of: None,
            skip_first: 0,
            times: u64::MAX,
        }
    }

    /// Adds `Retry-After`, in seconds, to the answer of a [`status`](Self::status) fault. Does nothing
    /// to other faults.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Effect::Answer { retry_after, .. } = &mut self.effect {
            *retry_after = Some(seconds);
        }
        self
    }

    /// Sets the body of the answer of a [`status`](Self::status) fault. Does nothing to other faults.
    pub fn body(mut self, text: impl Into<String>) -> Self {
        if let Effect::Answer { body, .. } = &mut self.effect {
            *body = Some(text.into());
        }
        self
    }

    /// Hits only calls with this method and path. In the path, `*` matches one segment, and `**` as the
    /// last segment matches all the rest.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    /// use glance_sdk::client::Method;
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let fault = Fault::status(500).on(Method::Get, "/v2/room/*/participant");
    /// let broken = host.inject(fault);
    /// assert!(client.room(room.room.id).participants().all().await.is_err());
    /// assert!(client.room(room.room.id).get().await.is_ok());
    /// # assert!(broken.hits() > 0);
    /// # });
    /// ```
    pub fn on(mut self, method: Method, path: impl Into<String>) -> Self {
        self.method = Some(method);
        self.path = Some(path.into());
        self
    }

    /// Hits only calls that this installation makes, or that the host makes to it.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let fault = Fault::status(403).of(add_on.oauth_id());
    /// let _refused = host.inject(fault);
    /// assert!(client.rooms().all().await.is_err());
    /// # });
    /// ```
    pub fn of(mut self, installation: &OauthId) -> Self {
        self.of = Some(installation.clone());
        self
    }

    /// Hits calls that the host makes to add-ons: descriptors, installations, queries, webhooks.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    /// use glance_sdk::client::Method;
    /// use glance_sdk::prelude::*;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let _add_on = room.install(add_on).await;
    /// let _slow = host.inject(Fault::status(500).at_add_ons().on(Method::Get, "/glance/builds"));
    /// let sidebar = room.viewer("ann").await.settled().await;
    /// assert!(sidebar.line("builds").unwrap().is_failed());
    /// # });
    /// ```
    pub fn at_add_ons(mut self) -> Self {
        self.by = Party::Host;
        self
    }

    /// Skips this many matching calls before the first hit.
    ///
    /// ```
    /// use glance_host::testing::{Fault, FaultHost};
    ///
    /// # use glance_sdk::AddOn;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = FaultHost::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
    /// # let client = add_on.client().await;
    /// let second = host.inject(Fault::status(403).skip_first(1).times(1));
    /// assert!(client.room(room.room.id).get().await.is_ok());
    /// assert!(client.room(room.room.id).get().await.is_err());
    /// assert!(client.room(room.room.id).get().await.is_ok());
    /// # assert_eq!(second.hits(), 1);
    /// # });
    /// ```
    pub fn skip_first(mut self, calls: u64) -> Self {
        self.skip_first = calls;
        self
    }

    /// Hits at most this many calls.
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    fn matches(&self, call: &CallMatch<'_>) -> bool {
        self.by == call.by
            && self
                .method
                .is_none_or(|method| reqwest::Method::from(method).as_str() == call.method)
            && self.path.as_ref().is_none_or(|path| is_at(path, call.path))
            && self.of.as_ref().is_none_or(|of| call.of == Some(of))
    }
}

/// The properties of a call that a fault is matched with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallMatch<'a> {
    pub(crate) by: Party,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) of: Option<&'a OauthId>,
}

/// Returns whether a path matches a pattern. Repeated slashes count as one, as for the host.
fn is_at(pattern: &str, path: &str) -> bool {
    let parts = |path| str::split(path, '/').filter(|part| !part.is_empty());
    let mut rest = parts(path);
    for part in parts(pattern) {
        match (part, rest.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(found)) if part == found => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

/// An injected fault. Dropping this value lifts the fault.
///
/// ```
/// use glance_host::testing::{Fault, FaultHost};
///
/// # use glance_sdk::AddOn;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = FaultHost::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds")).await;
/// # let client = add_on.client().await;
/// let refused = host.inject(Fault::status(403));
/// assert!(client.rooms().all().await.is_err());
/// assert_eq!(refused.hits(), 1);
/// drop(refused);
/// assert!(client.rooms().all().await.is_ok());
/// # });
/// ```
#[derive(Debug)]
pub struct Injected {
    entry: Arc<Entry>,
    faults: Arc<Faults>,
}

impl Injected {
    /// Returns how many calls the fault has hit so far.
    pub fn hits(&self) -> u64 {
        *self.entry.hits.borrow()
    }

    /// Waits until the fault has hit this many calls.
    ///
    /// # Panics
    ///
    /// If that takes longer than 20 seconds.
    #[allow(clippy::panic)]
    pub async fn wait_for_hits(&self, times: u64) {
        let mut hits = self.entry.hits.subscribe();
        let waiting = hits.wait_for(|hits| *hits >= times);
        if tokio::time::timeout(crate::testing::WAIT_TIMEOUT, waiting)
            .await
            .is_err()
        {
            let so_far = self.hits();
            panic!(
                "the fault hit {so_far} calls, not {times}: {:?}",
                self.entry.fault
            );
        }
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        self.faults
            .all()
            .retain(|one| !Arc::ptr_eq(one, &self.entry));
        self.entry.lifted.send_replace(true);
    }
}

#[derive(Debug)]
struct Entry {
    fault: Fault,
    /// How many calls matched, including those it skipped.
    matched: Mutex<u64>,
    hits: watch::Sender<u64>,
    lifted: watch::Sender<bool>,
}

/// The faults of a host, in the order of injection.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Arc<Entry>>>);

impl Faults {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.0.lock()
    }

    pub(crate) fn inject(self: &Arc<Self>, fault: Fault) -> Injected {
        let entry = Arc::new(Entry {
            fault,
            matched: Mutex::default(),
            hits: watch::Sender::new(0),
            lifted: watch::Sender::new(false),
        });
        self.all().push(Arc::clone(&entry));
        Injected {
            entry,
            faults: Arc::clone(self),
        }
    }

    /// Hits a call with the first matching fault that is not used up.
    pub(crate) fn hit(&self, call: CallMatch<'_>) -> Option<Hit> {
        self.all()
            .iter()
            .filter(|entry| entry.fault.matches(&call))
            .find_map(|entry| entry.hit())
    }
}

impl Entry {
    fn hit(&self) -> Option<Hit> {
        let Fault {
            skip_first, times, ..
        } = self.fault;
        let mut matched = self.matched.lock();
        if *matched >= skip_first.saturating_add(times) {
            return None;
        }
        *matched += 1;
        if *matched <= skip_first {
            return None;
        }
        self.hits.send_modify(|hits| *hits += 1);
        Some(Hit {
            effect: self.fault.effect.clone(),
            lifted: self.lifted.subscribe(),
        })
    }
}

/// A fault that hits a call.
pub(crate) struct Hit {
    pub(crate) effect: Effect,
    lifted: watch::Receiver<bool>,
}

impl Hit {
    /// Waits until the fault is lifted.
    pub(crate) async fn lifted(mut self) {
        // The sender is dropped together with the fault.
        let _ = self.lifted.wait_for(|lifted| *lifted).await;
    }
}

/// Returns the body of an error with this status.
pub(crate) fn error_body(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let code = status.as_u16();
    json!({ "error": { "code": code, "message": "A fault of the test", "type": reason } })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(method: &'a str, path: &'a str) -> CallMatch<'a> {
        CallMatch {
            by: Party::AddOn,
            method,
            path,
            of: None,
        }
    }

    #[test]
    fn path_patterns_match() {
        for (pattern, path, matches) in [
            ("/v2/room/*/notification", "/v2/room/1/notification", true),
            ("/v2/room/*/notification", "/v2//room/1/notification/", true),
            (
                "/v2/room/*/notification",
                "/v2/room/1/2/notification",
                false,
            ),
            ("/v2/room/*/notification", "/v2/room/notification", false),
            ("/v2/**", "/v2/room/1", true),
            ("/v2/**", "/v2", false),
            ("/v2/*", "/v2", false),
            ("/", "/", true),
            ("/", "/v2", false),
            ("", "/", true),
        ] {
            assert_eq!(is_at(pattern, path), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn faults_skip_hit_and_are_used_up_in_order() {
        let faults = Arc::new(Faults::default());
        let first = Fault::status(500)
            .on(Method::Get, "/v2/*")
            .skip_first(1)
            .times(2);
        let first = faults.inject(first);
        let second = faults.inject(Fault::drop_connection().times(1));
        let hit = |method, path| faults.hit(call(method, path)).is_some();
        assert!(
            hit("GET", "/v2/a"),
            "the first skips it, the second does not"
        );
        assert_eq!((first.hits(), second.hits()), (0, 1));
        assert!(!hit("POST", "/v2/a"));
        assert!(hit("GET", "/v2/a") && hit("GET", "/v2/b"));
        assert!(!hit("GET", "/v2/a"));
        assert_eq!((first.hits(), second.hits()), (2, 1));
        let third = faults.inject(Fault::hang());
        drop(third);
        assert!(!hit("GET", "/v2/a"), "it was lifted");
        drop((first, second));
        assert!(faults.all().is_empty());
    }

    #[test]
    fn faults_hit_only_their_installation() {
        let faults = Arc::new(Faults::default());
        let (own, other) = (OauthId::from("own"), OauthId::from("other"));
        let fault = faults.inject(Fault::hang().of(&own).at_add_ons());
        for (by, of, is_hit) in [
            (Party::Host, Some(&own), true),
            (Party::Host, Some(&other), false),
            (Party::Host, None, false),
            (Party::AddOn, Some(&own), false),
        ] {
            let call = CallMatch {
                by,
                of,
                ..call("GET", "/")
            };
            assert_eq!(faults.hit(call).is_some(), is_hit, "{call:?}");
        }
        assert_eq!(fault.hits(), 1);
    }
}
