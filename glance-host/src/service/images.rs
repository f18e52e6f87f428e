//! Downloads and caches the images of add-ons, whose URLs [`image_urls`](crate::content::image_urls) signs.

mod cache;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt;
use glance_sdk::model::OauthId;
use reqwest::{StatusCode, Url};

use crate::content::image_urls::image_type;
use crate::model::clock::Clock;
use crate::service::addon_calls::{AddOnCalls, SendError};

use cache::Cache;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// A downloaded image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The reason why there is no image.
#[derive(Debug)]
pub(crate) enum ImageError {
    /// The download failed.
    Send(SendError),
    /// The add-on answered with this status.
    Status(StatusCode),
    /// The answer has this content type, which is no image's.
    ContentType(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => error.fmt(f),
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::ContentType(content_type) => write!(f, "it is {content_type:?}, no image"),
        }
    }
}

impl Error for ImageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Send(error) => error.source(),
            Self::Status(_) | Self::ContentType(_) => None,
        }
    }
}

/// Downloads and caches images of add-ons.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    calls: AddOnCalls,
    clock: Clock,
    cache: Arc<Cache>,
}

impl Images {
    pub(crate) fn new(calls: AddOnCalls, clock: Clock) -> Self {
        Self {
            calls,
            clock,
            cache: Arc::default(),
        }
    }

    /// Returns the image at a URL, from the cache or by a download that concurrent callers share.
    pub(crate) async fn get(
        &self,
        oauth_id: &OauthId,
        url: Url,
    ) -> Result<Arc<Image>, Arc<ImageError>> {
        let name = url.to_string();
        let download = self.download(oauth_id, url).inspect_err(|error| {
            tracing::warn!(installation = %oauth_id, %error, "loading an image failed");
        });
        self.cache.get(&name, self.clock.now(), download).await
    }

    async fn download(&self, oauth_id: &OauthId, url: Url) -> Result<Image, ImageError> {
        let answer = self.calls.image(oauth_id, url, TIMEOUT, MAX_BYTES).await;
        let answer = answer.map_err(ImageError::Send)?;
        if !answer.status.is_success() {
            return Err(ImageError::Status(answer.status));
        }
        let declared = answer.content_type.unwrap_or_default();
        let Some(content_type) = image_type(&declared) else {
            return Err(ImageError::ContentType(declared));
        };
        Ok(Image {
            content_type,
            bytes: answer.body,
        })
    }
}
