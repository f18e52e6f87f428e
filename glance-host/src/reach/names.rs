//! Resolves names to addresses that may be called. The connection goes to what is given out here,
//! so a name that means something else a moment later changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::Reach;

/// How many names are resolved at once. Each has a thread until the answer comes, however late,
/// and the threads are the database's too.
const AT_ONCE: usize = 128;

/// A resolver behind which nothing is called that may not be.
pub(crate) struct Checked {
    reach: Reach,
    names: Arc<dyn Resolve>,
}

impl Checked {
    pub(super) fn new(reach: Reach, names: Arc<dyn Resolve>) -> Self {
        Self { reach, names }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.clone();
        let resolving = self.names.resolve(name);
        Box::pin(async move {
            let mut refused = None;
            let mut allowed = Vec::new();
            for address in resolving.await? {
                match reach.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if allowed.is_empty() => Err(why.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Asks the machine's own resolver.
pub(crate) struct System(Arc<Semaphore>);

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
            // On its own: a call that is given up does not end the look-up and must not give back
            // its turn.
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
