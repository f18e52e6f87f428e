//! Fetches and caches the images of add-ons, whose addresses [`image_urls`](crate::content::image_urls) signs.

mod cache;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt;
use glance_sdk::egress::Redirects;
use glance_sdk::model::OauthId;
use reqwest::header::ACCEPT;
use reqwest::{Method, Url};

use crate::content::image_urls::image_type;
use crate::net::outbound::call_limiter::Busy;
use crate::service::shared::Shared;

pub(crate) use cache::Cache;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// An image as it was fetched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The image at an address, fetched once for all who ask meanwhile, or why there is none.
pub(crate) async fn image(
    shared: &Shared,
    oauth_id: &OauthId,
    url: Url,
) -> Result<Arc<Image>, String> {
    let name = url.to_string();
    let fetching = fetch(shared, oauth_id, url).inspect_err(|why| {
        tracing::warn!(%oauth_id, "an image cannot be loaded: {why}");
    });
    shared.icons.get(&name, shared.clock.now(), fetching).await
}

async fn fetch(shared: &Shared, oauth_id: &OauthId, url: Url) -> Result<Image, String> {
    let call = shared
        .outbound
        .request(Method::GET, url, Redirects::Checked)
        .header(ACCEPT, "image/*");
    let answer = shared
        .call_limiter
        .run(oauth_id, call.send(TIMEOUT, MAX_BYTES))
        .await
        .map_err(|Busy(why)| why.to_owned())?
        .map_err(|cause| format!("it {cause}"))?;
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
