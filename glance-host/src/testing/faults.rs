//! Faults that a test injects: what goes wrong, on which calls, and how often.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glance_sdk::client::Method;
use glance_sdk::model::OauthId;
use reqwest::StatusCode;
use serde_json::json;
use tokio::sync::watch;

use crate::testing::record::Party;

/// Something that goes wrong, with the calls it befalls: all that add-ons make, where nothing else
/// is said.
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
    spared: u64,
    times: u64,
}

/// What goes wrong.
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
    /// The call is not made, and answered with this status and the protocol's JSON.
    ///
    /// # Panics
    ///
    /// Where it is no status: 100 to 999.
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

    /// The call is made once so much time has passed: that of a host's standing
    /// [`Clock`](crate::Clock), where it has one, in whole seconds.
    pub fn latency(time: Duration) -> Self {
        Self::new(Effect::Latency(time))
    }

    /// The call is not made, and there is no answer until the fault is lifted; then the connection
    /// is dropped.
    pub fn hang() -> Self {
        Self::new(Effect::Hang)
    }

    /// The call is not made, and the connection is dropped without a byte of an answer.
    pub fn drop_connection() -> Self {
        Self::new(Effect::Drop)
    }

    /// The call takes effect, and the connection is dropped without a byte of its answer.
    pub fn lost_answer() -> Self {
        Self::new(Effect::LostAnswer)
    }

    /// The call takes effect, and the connection is dropped in the middle of its answer.
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
            spared: 0,
            times: u64::MAX,
        }
    }

    /// The answer says after how many seconds to come again. It changes a
    /// [`status`](Self::status) only.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Effect::Answer { retry_after, .. } = &mut self.effect {
            *retry_after = Some(seconds);
        }
        self
    }

    /// The answer is this text. It changes a [`status`](Self::status) only.
    pub fn body(mut self, text: impl Into<String>) -> Self {
        if let Effect::Answer { body, .. } = &mut self.effect {
            *body = Some(text.into());
        }
        self
    }

    /// It befalls calls of this method and path only. A segment `*` stands for any one, a last
    /// segment `**` for all that follow.
    pub fn on(mut self, method: Method, path: impl Into<String>) -> Self {
        self.method = Some(method);
        self.path = Some(path.into());
        self
    }

    /// It befalls calls of this installation only, or calls for it.
    pub fn of(mut self, installation: &OauthId) -> Self {
        self.of = Some(installation.clone());
        self
    }

    /// It befalls what the host calls at add-ons: descriptors, installations, queries, webhooks.
    pub fn at_add_ons(mut self) -> Self {
        self.by = Party::Host;
        self
    }

    /// It spares so many calls first.
    pub fn after(mut self, calls: u64) -> Self {
        self.spared = calls;
        self
    }

    /// It befalls so many calls, and no more.
    pub fn times(mut self, calls: u64) -> Self {
        self.times = calls;
        self
    }

    fn befalls(&self, call: &Struck<'_>) -> bool {
        self.by == call.by
            && self
                .method
                .is_none_or(|method| reqwest::Method::from(method).as_str() == call.method)
            && self.path.as_ref().is_none_or(|path| is_at(path, call.path))
            && self.of.as_ref().is_none_or(|of| call.of == Some(of))
    }
}

/// A call that may be struck.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Struck<'a> {
    pub(crate) by: Party,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) of: Option<&'a OauthId>,
}

/// Whether a path is as a pattern has it. One slash more makes no other path, as for the host.
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

/// A fault that is injected. It is lifted when this is dropped.
#[derive(Debug)]
pub struct Injected {
    entry: Arc<Entry>,
    faults: Arc<Faults>,
}

impl Injected {
    /// How often it struck so far.
    pub fn struck(&self) -> u64 {
        *self.entry.struck.borrow()
    }

    /// Completes once it struck so often.
    ///
    /// # Panics
    ///
    /// Where it does not within 20 seconds.
    #[allow(clippy::panic)]
    pub async fn strikes(&self, times: u64) {
        let mut struck = self.entry.struck.subscribe();
        let waiting = struck.wait_for(|struck| *struck >= times);
        let patience = crate::testing::PATIENCE;
        if tokio::time::timeout(patience, waiting).await.is_err() {
            let so_far = self.struck();
            panic!(
                "the fault struck {so_far} times and not {times}: {:?}",
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
    /// How many calls it met, those it spared included.
    met: Mutex<u64>,
    struck: watch::Sender<u64>,
    lifted: watch::Sender<bool>,
}

/// The faults of a host, in the order in which they were injected.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Arc<Entry>>>);

impl Faults {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        lock(&self.0)
    }

    pub(crate) fn inject(self: &Arc<Self>, fault: Fault) -> Injected {
        let entry = Arc::new(Entry {
            fault,
            met: Mutex::default(),
            struck: watch::Sender::new(0),
            lifted: watch::Sender::new(false),
        });
        self.all().push(Arc::clone(&entry));
        Injected {
            entry,
            faults: Arc::clone(self),
        }
    }

    /// What befalls this call: the effect of the first fault that is not spent.
    pub(crate) fn strike(&self, call: Struck<'_>) -> Option<Blow> {
        self.all()
            .iter()
            .filter(|entry| entry.fault.befalls(&call))
            .find_map(|entry| entry.strike())
    }
}

impl Entry {
    fn strike(&self) -> Option<Blow> {
        let Fault { spared, times, .. } = self.fault;
        let mut met = lock(&self.met);
        if *met >= spared.saturating_add(times) {
            return None;
        }
        *met += 1;
        if *met <= spared {
            return None;
        }
        self.struck.send_modify(|struck| *struck += 1);
        Some(Blow {
            effect: self.fault.effect.clone(),
            lifted: self.lifted.subscribe(),
        })
    }
}

/// A fault as it strikes.
pub(crate) struct Blow {
    pub(crate) effect: Effect,
    lifted: watch::Receiver<bool>,
}

impl Blow {
    /// Completes when the fault is lifted.
    pub(crate) async fn lifted(mut self) {
        // An error means that it is gone, which is the same.
        let _ = self.lifted.wait_for(|lifted| *lifted).await;
    }
}

/// What a host in this state says.
pub(crate) fn said(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let code = status.as_u16();
    json!({ "error": { "code": code, "message": "A fault of the test", "type": reason } })
        .to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(method: &'a str, path: &'a str) -> Struck<'a> {
        Struck {
            by: Party::AddOn,
            method,
            path,
            of: None,
        }
    }

    #[test]
    fn a_path_is_met_by_its_pattern_only() {
        for (pattern, path, meets) in [
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
            assert_eq!(is_at(pattern, path), meets, "{pattern} {path}");
        }
    }

    #[test]
    fn a_fault_spares_strikes_and_is_spent_and_the_next_takes_its_place() {
        let faults = Arc::new(Faults::default());
        let first = Fault::status(500)
            .on(Method::Get, "/v2/*")
            .after(1)
            .times(2);
        let first = faults.inject(first);
        let second = faults.inject(Fault::drop_connection().times(1));
        let strike = |method, path| faults.strike(call(method, path)).is_some();
        assert!(
            strike("GET", "/v2/a"),
            "the first spares it, the second does not"
        );
        assert_eq!((first.struck(), second.struck()), (0, 1));
        assert!(!strike("POST", "/v2/a"));
        assert!(strike("GET", "/v2/a") && strike("GET", "/v2/b"));
        assert!(!strike("GET", "/v2/a"));
        assert_eq!((first.struck(), second.struck()), (2, 1));
        let third = faults.inject(Fault::hang());
        drop(third);
        assert!(!strike("GET", "/v2/a"), "it was lifted");
        drop((first, second));
        assert!(faults.all().is_empty());
    }

    #[test]
    fn a_fault_of_one_installation_spares_the_others() {
        let faults = Arc::new(Faults::default());
        let (own, other) = (OauthId::from("own"), OauthId::from("other"));
        let fault = faults.inject(Fault::hang().of(&own).at_add_ons());
        for (by, of, strikes) in [
            (Party::Host, Some(&own), true),
            (Party::Host, Some(&other), false),
            (Party::Host, None, false),
            (Party::AddOn, Some(&own), false),
        ] {
            let call = Struck {
                by,
                of,
                ..call("GET", "/")
            };
            assert_eq!(faults.strike(call).is_some(), strikes, "{call:?}");
        }
        assert_eq!(fault.struck(), 1);
    }
}
