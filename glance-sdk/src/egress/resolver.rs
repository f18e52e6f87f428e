//! Resolves names to allowed addresses. The connection uses the returned addresses, so a name that
//! resolves differently a moment later has no effect.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::phase::{self, Phase};
use super::{EgressPolicy, Proxies};

/// The limit on concurrent look-ups. Each occupies a thread until it ends, however late, and the
/// database uses the same threads.
const AT_ONCE: usize = 128;

/// Returns the addresses that the policy allows, and all addresses of the client's proxies, which
/// the operator configured.
pub(super) struct Checked {
    policy: EgressPolicy,
    proxies: Proxies,
    names: Arc<dyn Resolve>,
}

impl Checked {
    pub(super) fn new(policy: EgressPolicy, proxies: Proxies, names: Arc<dyn Resolve>) -> Self {
        Self {
            policy,
            proxies,
            names,
        }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = match self.proxies.has_name(name.as_str()) {
            true => EgressPolicy::any_network(),
            false => self.policy.clone(),
        };
        phase::enter(Phase::Resolve);
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let mut refused = None;
            let mut allowed = Vec::new();
            for address in resolving.await? {
                match policy.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            phase::enter(Phase::Connect);
            match refused {
                Some(why) if allowed.is_empty() => Err(why.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Uses the machine's own resolver.
pub(super) struct System(Arc<Semaphore>);

impl Default for System {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        let turns = Arc::clone(&self.0);
        Box::pin(async move {
            let turn = turns.acquire_owned().await?;
            // A separate task, because a call that times out does not end the look-up and must not
            // release its permit.
            let looking = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name.as_str(), 0)).await;
                let found = found.map(Iterator::collect::<Vec<SocketAddr>>);
                drop(turn);
                found
            });
            Ok(Box::new(looking.await??.into_iter()) as Addrs)
        })
    }
}
