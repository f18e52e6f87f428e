//! Which requests of a host were used already, for add-ons that let each change things once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::{LEEWAY_SECONDS, Rejection};
use crate::model::{Claims, OauthId};
use crate::store::{Claimed, InstallationStore, RequestClaim};

/// How many requests of one installation are remembered, of about 100 bytes each. One installation
/// cannot fill the memory of another.
const MAX_REQUESTS: usize = 100_000;

/// How many installations there are before those without requests are forgotten.
const FEW_INSTALLATIONS: usize = 64;

/// A request's name: the digest of its `jti`, or of the whole token where it has none.
type Name = [u8; 32];

/// The requests that were used and whose tokens still hold.
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

    /// Lets a verified request through once: once for all processes whose store shares it, otherwise
    /// once for this process.
    ///
    /// # Errors
    ///
    /// Those of the store, which leave the request unused.
    pub(crate) async fn once(
        &self,
        store: &dyn InstallationStore,
        token: &str,
        claims: &Claims,
        now: i64,
    ) -> crate::Result<Result<(), Rejection>> {
        // A request that is sent over and over costs the store one question.
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
                // The store remembers it too, so it need not fit here.
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

    /// Remembers a verified request in this process, unless it was used here. Where no more can be
    /// remembered it is refused: what cannot be told from a replay may be one.
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
    /// Forgets installations without requests, each time there are twice as many as were kept.
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
    /// Forgets tokens that no longer verify.
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
    fn a_request_without_a_name_is_known_by_its_token() {
        let replays = Replays::default();
        let claims = claims("one", None, NOW + 60);
        assert_eq!(replays.remember("a", &claims, NOW), Ok(()));
        assert_eq!(replays.remember("b", &claims, NOW), Ok(()));
        assert_eq!(
            replays.remember("a", &claims, NOW),
            Err(Rejection::Replayed)
        );
    }

    /// As two processes: each has its own memory.
    #[tokio::test]
    async fn a_request_is_let_through_by_one_of_the_processes_with_a_store() {
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
    fn a_request_is_remembered_as_long_as_its_token_verifies() {
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
    fn installations_without_requests_are_forgotten() {
        let replays = Replays::default();
        for nth in 0..1000 {
            let now = NOW + nth * 120;
            let claims = claims(&nth.to_string(), None, now + 60);
            replays.remember("a", &claims, now).unwrap();
            assert!(replays.used.lock().unwrap().by_installation.len() <= FEW_INSTALLATIONS);
        }
    }

    proptest! {
        /// A request is let through exactly where it was not before, or its token ended since, and
        /// there is room; never is more remembered than fits.
        #[test]
        fn each_request_is_let_through_once(
            max in 1..6usize,
            asked in proptest::collection::vec((0..3u8, 0..8u8, 1..60i64, 0..20i64), 0..200),
        ) {
            let replays = Replays::of(max);
            let mut model: Vec<(u8, u8, i64)> = Vec::new();
            let mut now = NOW;
            for (iss, jti, life, wait) in asked {
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
