//! Fetches and caches the images of add-ons, whose addresses [`image_urls`](crate::content::image_urls) signs.

mod cache;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt;
use glance_sdk::model::OauthId;
use reqwest::Url;

use crate::content::image_urls::image_type;
use crate::model::clock::Clock;
use crate::service::addon_calls::AddOnCalls;

use cache::Cache;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// A downloaded image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
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

    /// Returns the image at an address, or says why there is none. Concurrent callers share one download.
    pub(crate) async fn get(&self, oauth_id: &OauthId, url: Url) -> Result<Arc<Image>, String> {
        let name = url.to_string();
        let fetching = self.fetch(oauth_id, url).inspect_err(|why| {
            tracing::warn!(installation = %oauth_id, why, "loading an image failed");
        });
        self.cache.get(&name, self.clock.now(), fetching).await
    }

    async fn fetch(&self, oauth_id: &OauthId, url: Url) -> Result<Image, String> {
        let answer = self.calls.image(oauth_id, url, TIMEOUT, MAX_BYTES).await?;
        if !answer.status.is_success() {
            return Err(format!("it answered {}", answer.status));
        }
        let said = answer.content_type.unwrap_or_default();
        let content_type = image_type(&said).ok_or_else(|| format!("it is {said:?}, no image"))?;
        Ok(Image {
            content_type,
            bytes: answer.body,
        })
    }
}
