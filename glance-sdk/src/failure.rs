//! The default error type of handlers.

use std::error::Error;
use std::fmt;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::ErrorKind;

/// The error of a handler. `?` converts any error into it. The log contains the error, while a
/// stranger sees only that the request failed.
///
/// The response is 500, after which hosts do not retry. In these cases it is 503 with
/// `Retry-After`, so that hosts retry the webhook or the query:
/// - The installation store failed.
/// - A database of the handler failed temporarily: an error of `rusqlite` reports that the database
///   is locked, full, or not readable or writable, or (with the feature `store-postgres`) an error
///   of `tokio_postgres` that the server is unreachable, or one of `deadpool-postgres` that no
///   connection became free in time.
/// - The handler uses [`unavailable`](Self::unavailable).
///
/// It does not implement [`std::error::Error`], because any error converts into it. So `?` does not
/// convert it into a `Box<dyn Error>`, for example in `main`: let functions there return
/// [`glance_sdk::Result`](crate::Result) or an error of your own, and use this type for handlers.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
/// async fn builds() -> Result<GlanceData, Failure> {
///     let broken: u32 = std::fs::read_to_string("broken")?.trim().parse()?;
///     Ok(GlanceData::new(label!("<b>{broken}</b> broken builds")))
/// }
/// ```
pub struct Failure {
    cause: Box<dyn Error + Send + Sync>,
    is_unavailable: bool,
}

impl Failure {
    /// Creates a failure for a dependency of the handler that is temporarily unavailable, for
    /// example its database. The response is 503 with `Retry-After`.
    ///
    /// Use it only if the handler has changed nothing yet, or if it may safely run twice.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # async fn count() -> std::io::Result<u32> { Ok(4) }
    /// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
    /// async fn builds() -> Result<GlanceData, Failure> {
    ///     let broken = count().await.map_err(Failure::unavailable)?;
    ///     Ok(GlanceData::new(label!("<b>{broken}</b> broken builds")))
    /// }
    /// ```
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            cause: cause.into(),
            is_unavailable: true,
        }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(cause: E) -> Self {
        let cause = cause.into();
        let is_unavailable = may_pass(&*cause);
        Self {
            cause,
            is_unavailable,
        }
    }
}

/// Returns whether a store failed temporarily. The author's own error may wrap the store's.
fn may_pass(cause: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(cause), |cause| (*cause).source());
    causes.any(|cause| is_storage(cause) || is_sqlite(cause) || is_postgres(cause))
}

fn is_storage(cause: &(dyn Error + 'static)) -> bool {
    let error = cause.downcast_ref::<crate::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::Storage)
}

#[cfg(feature = "store-sqlite")]
fn is_sqlite(cause: &(dyn Error + 'static)) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, ReadOnly, SystemIoFailure,
    };
    let code = cause
        .downcast_ref()
        .and_then(rusqlite::Error::sqlite_error_code);
    matches!(
        code,
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | OutOfMemory
                | ReadOnly
                | SystemIoFailure
        )
    )
}

#[cfg(not(feature = "store-sqlite"))]
fn is_sqlite(_: &(dyn Error + 'static)) -> bool {
    false
}

#[cfg(feature = "store-postgres")]
fn is_postgres(cause: &(dyn Error + 'static)) -> bool {
    use deadpool::managed::PoolError;
    // This includes deadpool-postgres, whose errors have the connection's error as their cause.
    let pool = cause.downcast_ref::<PoolError<tokio_postgres::Error>>();
    let error = cause.downcast_ref::<tokio_postgres::Error>();
    matches!(pool, Some(PoolError::Timeout(_) | PoolError::Closed))
        || error.is_some_and(crate::store::is_lost)
}

#[cfg(not(feature = "store-postgres"))]
fn is_postgres(_: &(dyn Error + 'static)) -> bool {
    false
}

/// Returns the response to a request that failed temporarily.
pub(crate) fn unavailable() -> Response {
    /// In seconds, about as long as the restart of a database.
    const RETRY_AFTER: (HeaderName, HeaderValue) =
        (header::RETRY_AFTER, HeaderValue::from_static("5"));
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [RETRY_AFTER],
        "the add-on is temporarily unavailable; try again",
    )
        .into_response()
}

/// Displays the error and its causes.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)?;
        let mut cause = self.cause.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "request failed");
        if self.is_unavailable {
            return unavailable();
        }
        (StatusCode::INTERNAL_SERVER_ERROR, "the add-on failed").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    #[tokio::test]
    async fn response_hides_cause() {
        let cause = std::io::Error::other("the disk at /secret is full");
        let failure = Failure::from(Error::new(ErrorKind::Hook, "not done").with_source(cause));
        assert_eq!(failure.to_string(), "not done: the disk at /secret is full");
        let response = failure.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 100).await;
        assert_eq!(body.unwrap(), "the add-on failed");
        assert_eq!(Failure::from("no room").to_string(), "no room");
    }

    #[derive(Debug)]
    struct Wrapped(Error);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no settings")
        }
    }

    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[tokio::test]
    async fn failing_store_causes_503() {
        let storage = || Error::storage("not stored at /secret", "the disk is full");
        for response in [
            storage().into_response(),
            Failure::from(storage()).into_response(),
            Failure::from(Wrapped(storage())).into_response(),
            Failure::unavailable("the database at /secret is locked").into_response(),
        ] {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], "5");
            let body = axum::body::to_bytes(response.into_body(), 100).await;
            assert_eq!(
                body.unwrap(),
                "the add-on is temporarily unavailable; try again"
            );
        }
        #[cfg(feature = "store-sqlite")]
        {
            let failed =
                |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            // SQLITE_BUSY, _LOCKED, _READONLY, _IOERR, _FULL, _CANTOPEN; then _ERROR, _CONSTRAINT.
            for code in [5, 6, 8, 10, 13, 14] {
                let status = Failure::from(failed(code)).into_response().status();
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{code}");
            }
            for code in [1, 19] {
                let status = Failure::from(failed(code)).into_response().status();
                assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{code}");
            }
        }
        #[cfg(feature = "store-postgres")]
        {
            use deadpool::managed::{PoolError, TimeoutType};
            for (error, expected) in [
                (
                    PoolError::Timeout(TimeoutType::Wait),
                    StatusCode::SERVICE_UNAVAILABLE,
                ),
                (PoolError::Closed, StatusCode::SERVICE_UNAVAILABLE),
                (
                    PoolError::NoRuntimeSpecified,
                    StatusCode::INTERNAL_SERVER_ERROR,
                ),
            ] {
                let error: PoolError<tokio_postgres::Error> = error;
                let status = Failure::from(error).into_response().status();
                assert_eq!(status, expected);
            }
        }
        for failure in [
            Failure::from(Error::new(ErrorKind::NotFound, "no room")),
            Failure::from("not stored"),
        ] {
            let status = failure.into_response().status();
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
