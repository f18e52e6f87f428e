//! What a handler fails with when nothing better is to be said.

use std::error::Error;
use std::fmt;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Something did not work. Any error becomes one with `?`; the log says which, and a stranger
/// learns only that it happened: 500.
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
pub struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(cause: E) -> Self {
        Self(cause.into())
    }
}

/// The error, and what caused it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::error!("a request failed: {self}");
        (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    #[tokio::test]
    async fn a_stranger_does_not_learn_the_cause() {
        let cause = std::io::Error::other("the disk at /secret is full");
        let failure = Failure::from(Error::new(ErrorKind::Storage, "not stored").because(cause));
        assert_eq!(
            failure.to_string(),
            "not stored: the disk at /secret is full"
        );
        let response = failure.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 100).await;
        assert_eq!(body.unwrap(), "something went wrong");
        assert_eq!(Failure::from("no room").to_string(), "no room");
    }
}
