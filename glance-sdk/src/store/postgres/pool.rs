//! The pool of connections: the store's own, or an existing one of the program.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use deadpool::managed::{self, Object, PoolError};
use tokio_postgres::Client;

use super::connections::{NoConnection, Servers};

#[derive(Clone)]
pub(super) enum Pool {
    Own(managed::Pool<Servers>),
    #[cfg(feature = "deadpool-postgres")]
    Given(deadpool_postgres::Pool),
}

impl Pool {
    pub(super) async fn get(&self) -> Result<Lease, PoolError<NoConnection>> {
        match self {
            Self::Own(pool) => pool.get().await.map(Lease::Own),
            #[cfg(feature = "deadpool-postgres")]
            Self::Given(pool) => pool.get().await.map(Lease::Given).map_err(translate),
        }
    }

    pub(super) fn max_size(&self) -> usize {
        match self {
            Self::Own(pool) => pool.status().max_size,
            #[cfg(feature = "deadpool-postgres")]
            Self::Given(pool) => pool.status().max_size,
        }
    }

    /// Closes the idle connections that were opened before this time.
    pub(super) fn drop_older(&self, than: Instant) {
        match self {
            Self::Own(pool) => drop(pool.retain(|_, metrics| metrics.created >= than)),
            #[cfg(feature = "deadpool-postgres")]
            Self::Given(pool) => drop(pool.retain(|_, metrics| metrics.created >= than)),
        }
    }
}

#[cfg(feature = "deadpool-postgres")]
fn translate(error: deadpool_postgres::PoolError) -> PoolError<NoConnection> {
    match error {
        PoolError::Timeout(timeout) => PoolError::Timeout(timeout),
        PoolError::Backend(cause) => PoolError::Backend(NoConnection::Failed(cause)),
        PoolError::Closed => PoolError::Closed,
        PoolError::NoRuntimeSpecified => PoolError::NoRuntimeSpecified,
        PoolError::PostCreateHook(cause) => {
            PoolError::PostCreateHook(managed::HookError::message(cause.to_string()))
        }
    }
}

/// A connection in use.
pub(super) enum Lease {
    Own(Object<Servers>),
    #[cfg(feature = "deadpool-postgres")]
    Given(deadpool_postgres::Object),
}

impl Lease {
    /// Closes the connection instead of returning it to the pool.
    pub(super) fn discard(self) {
        match self {
            Self::Own(lease) => drop(Object::take(lease)),
            #[cfg(feature = "deadpool-postgres")]
            Self::Given(lease) => drop(Object::take(lease)),
        }
    }
}

impl Deref for Lease {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Own(lease) => lease,
            #[cfg(feature = "deadpool-postgres")]
            Self::Given(lease) => lease,
        }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Client {
        match self {
            Self::Own(lease) => lease,
            #[cfg(feature = "deadpool-postgres")]
            Self::Given(lease) => lease,
        }
    }
}
