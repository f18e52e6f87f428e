//! Remembers the used requests of hosts, for add-ons that refuse replays.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::{LEEWAY_SECONDS, Rejection};
use crate::model::{Claims, OauthId};
use crate::store::{Claimed, InstallationStore, RequestClaim};

/// The number of requests to remember per installation, at about 100 bytes each. Thus one
/// installation cannot fill the memory of another.
const MAX_REQUESTS: usize = 100_000;

/// The number of installations below which installations without requests stay in memory.
const FEW_INSTALLATIONS: usize = 64;

/// The identity of a request: the digest of its `jti`, or of the whole token if it has none.
type Name = [u8; 32];

/// The used requests whose tokens have not expired.
pub(crate) struct Replays {
    max_requests: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    by_installation: HashMap<OauthId, Requests>,
    sweep_at: usize,
}

#[derive(Default)]
struct Requests {
    names: HashSet<Name>,
    by_end: BinaryHeap<Reverse<(i64, Name)>>,
}

impl Default for Replays {
    fn default() -> Self {
        Self::of(MAX_REQUESTS)
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replays").finish_non_exhaustive()
    }
}

impl Replays {
    fn of(max_requests: usize) -> Self {
        Self {
            max_requests,
            used: Mutex::default(),
        }
    }

    /// Lets a verified request through once: once among all processes if the store shares used
    /// requests, otherwise once in this process.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store, after which the request counts as unused.
    pub(crate) async fn once(
        &self,
        store: &dyn InstallationStore,
        token: &str,
        claims: &Claims,
        now: i64,
    ) -> crate::Result<Result<(), Rejection>> {
        // Repetitions of one request cost the store a single query.
        if self.is_used(token, claims, now) {
            return Ok(Err(Rejection::Replayed));
        }
        let claim = RequestClaim {
            oauth_id: claims.iss.clone(),
            name: name(token, claims),
            expires_at: end(claims).saturating_add(LEEWAY_SECONDS),
            now,
            limit: u32::try_from(self.max_requests).unwrap_or(u32::MAX),
        };
        Ok(match store.claim_request(&claim).await? {
            Claimed::First => {
                // The store remembers the request too, so the memory of this process may be full.
                let _ = self.remember(token, claims, now);
                Ok(())
            }
            Claimed::Replayed => {
                let _ = self.remember(token, claims, now);
                Err(Rejection::Replayed)
            }
            Claimed::Full => Err(Rejection::TooMany),
            Claimed::Unknown => Err(Rejection::UnknownIssuer(claims.iss.clone())),
            Claimed::NotShared => self.remember(token, claims, now),
        })
    }

    fn is_used(&self, token: &str, claims: &Claims, now: i64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(requests) = used.by_installation.get_mut(&claims.iss) else {
            return false;
        };
        requests.forget_ended(now);
        requests.names.contains(&name(token, claims))
    }

    /// Remembers a verified request in this process, unless it was used here. Refuses the request
    /// if the memory is full, because it could be a replay.
    fn remember(&self, token: &str, claims: &Claims, now: i64) -> Result<(), Rejection> {
        let name = name(token, claims);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.sweep(now);
        let requests = used.by_installation.entry(claims.iss.clone()).or_default();
        requests.forget_ended(now);
        if requests.names.contains(&name) {
            return Err(Rejection::Replayed);
        }
        if requests.names.len() >= self.max_requests {
            return Err(Rejection::TooMany);
        }
        requests.names.insert(name);
        requests.by_end.push(Reverse((end(claims), name)));
        Ok(())
    }
}

impl Used {
    /// Removes installations without requests, each time their number has doubled.
    fn sweep(&mut self, now: i64) {
        if self.by_installation.len() < self.sweep_at.max(FEW_INSTALLATIONS) {
            return;
        }
        self.by_installation.retain(|_, requests| {
            requests.forget_ended(now);
            !requests.names.is_empty()
        });
        self.sweep_at = 2 * self.by_installation.len();
    }
}

impl Requests {
    /// Removes expired tokens.
    fn forget_ended(&mut self, now: i64) {
        let ended = now.saturating_sub(LEEWAY_SECONDS);
        while let Some(Reverse((end, name))) = self.by_end.peek() {
            if *end > ended {
                break;
            }
            self.names.remove(name);
            self.by_end.pop();
        }
    }
}

fn end(claims: &Claims) -> i64 {
    claims.exp.unwrap_or(i64::MAX)
}

fn name(token: &str, claims: &Claims) -> Name {
    let text = match &claims.jti {
        Some(jti) => format!("jti {jti}"),
        None => format!("token {token}"),
    };
    let mut name = Name::default();
    name.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn claims(iss: &str, jti: Option<&str>, exp: i64) -> Claims {
        let mut claims = Claims::new(iss.into(), exp - 60, exp);
        claims.jti = jti.map(ToOwned::to_owned);
        claims
    }

    #[test]
    fn request_without_jti_is_identified_by_token() {
        let replays = Replays::default();
        let claims = claims("one", None, NOW + 60);
        assert_eq!(replays.remember("a", &claims, NOW), Ok(()));
        assert_eq!(replays.remember("b", &claims, NOW), Ok(()));
        assert_eq!(
            replays.remember("a", &claims, NOW),
            Err(Rejection::Replayed)
        );
    }

    /// The test uses two processes with separate memories.
    #[tokio::test]
    async fn processes_with_shared_store_let_request_through_once() {
        use crate::model::InstallationData;
        use crate::store::{Endpoints, Installation, MemoryStore};

        let store = MemoryStore::default();
        let data = InstallationData::new("one".into(), "secret".into(), "", 1.into());
        let installation = Installation::new(data, Endpoints::new("", ""));
        store.put(&installation).await.unwrap();
        let (one, other) = (Replays::of(2), Replays::of(2));
        let once = async |replays: &Replays, claims: &Claims, now: i64| {
            replays.once(&store, "token", claims, now).await.unwrap()
        };
        let first = claims("one", Some("jti"), NOW + 60);
        assert_eq!(once(&one, &first, NOW).await, Ok(()));
        for replays in [&one, &other, &other] {
            assert_eq!(once(replays, &first, NOW).await, Err(Rejection::Replayed));
        }
        let last = NOW + 60 + LEEWAY_SECONDS;
        assert_eq!(
            once(&other, &first, last - 1).await,
            Err(Rejection::Replayed)
        );
        let second = claims("one", Some("second"), NOW + 60);
        assert_eq!(once(&other, &second, NOW).await, Ok(()));
        let third = claims("one", Some("third"), NOW + 60);
        assert_eq!(once(&one, &third, NOW).await, Err(Rejection::TooMany));
        let unknown = claims("two", Some("jti"), NOW + 60);
        let rejection = Rejection::UnknownIssuer("two".into());
        assert_eq!(once(&one, &unknown, NOW).await, Err(rejection));
        assert_eq!(once(&other, &third, last).await, Ok(()));
    }

    #[test]
    fn request_is_remembered_until_token_expires() {
        let replays = Replays::default();
        let claims = claims("one", Some("jti"), NOW);
        assert_eq!(replays.remember("a", &claims, NOW), Ok(()));
        let last = NOW + LEEWAY_SECONDS - 1;
        assert_eq!(
            replays.remember("a", &claims, last),
            Err(Rejection::Replayed)
        );
        assert_eq!(replays.remember("a", &claims, last + 1), Ok(()));
    }

    #[test]
    fn installations_without_requests_are_removed() {
        let replays = Replays::default();
        for nth in 0..1000 {
            let now = NOW + nth * 120;
            let claims = claims(&nth.to_string(), None, now + 60);
            replays.remember("a", &claims, now).unwrap();
            assert!(replays.used.lock().unwrap().by_installation.len() <= FEW_INSTALLATIONS);
        }
    }

    proptest! {
        /// A request is let through if and only if it is new or its token expired since, and memory
        /// is left; the memory never exceeds its limit.
        #[test]
        fn each_request_is_let_through_once(
            max in 1..6usize,
            calls in proptest::collection::vec((0..3u8, 0..8u8, 1..60i64, 0..20i64), 0..200),
        ) {
            let replays = Replays::of(max);
            let mut model: Vec<(u8, u8, i64)> = Vec::new();
            let mut now = NOW;
            for (iss, jti, life, wait) in calls {
                now += wait;
                let exp = now + life;
                model.retain(|(_, _, exp)| *exp > now - LEEWAY_SECONDS);
                let of_installation = model.iter().filter(|one| one.0 == iss);
                let expected = if of_installation.clone().any(|one| one.1 == jti) {
                    Err(Rejection::Replayed)
                } else if of_installation.count() >= max {
                    Err(Rejection::TooMany)
                } else {
                    model.push((iss, jti, exp));
                    Ok(())
                };
                let claims = claims(&iss.to_string(), Some(&jti.to_string()), exp);
                prop_assert_eq!(replays.remember("token", &claims, now), expected);
                for requests in replays.used.lock().unwrap().by_installation.values() {
                    prop_assert!(requests.names.len() <= max);
                    prop_assert_eq!(requests.names.len(), requests.by_end.len());
                }
            }
        }
    }
}
