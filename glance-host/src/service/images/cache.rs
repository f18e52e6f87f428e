//! A cache of images in memory, which also remembers failed downloads.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::{Image, ImageError};

/// How long an image is cached, in seconds.
const TTL: i64 = 60 * 60;

/// How long a failed download is cached, in seconds.
const FAILURE_TTL: i64 = 60;

/// The limit of all cached images, in bytes.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The largest number of cached results, failures included.
const MAX_ENTRIES: usize = 2000;

type Loaded = Result<Arc<Image>, Arc<ImageError>>;

/// Results of downloads, by URL.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    by_url: HashMap<String, Slot>,
    /// URLs with the numbers of their slots, oldest first. A slot may have been removed or replaced since.
    order: VecDeque<(String, u64)>,
    bytes: usize,
    latest_number: u64,
}

/// The place of one result, which is empty while the download runs.
#[derive(Debug, Clone)]
struct Slot {
    number: u64,
    since: i64,
    result: Arc<OnceCell<Loaded>>,
}

impl Slot {
    fn is_fresh(&self, now: i64) -> bool {
        let ttl = match self.result.get() {
            Some(Err(_)) => FAILURE_TTL,
            _ => TTL,
        };
        (self.since..self.since + ttl).contains(&now)
    }

    fn bytes(&self) -> usize {
        match self.result.get() {
            Some(Ok(image)) => image.bytes.len(),
            _ => 0,
        }
    }
}

impl Cache {
    /// Returns the image at this address, from the cache or by this download.
    pub(super) async fn get(
        &self,
        url: &str,
        now: i64,
        download: impl Future<Output = Result<Image, ImageError>>,
    ) -> Loaded {
        let slot = self.0.lock().slot(url, now);
        let mut is_first = false;
        let download = async {
            is_first = true;
            download.await.map(Arc::new).map_err(Arc::new)
        };
        let loaded = slot.result.get_or_init(|| download).await.clone();
        if is_first {
            self.0.lock().count(url, &slot);
        }
        loaded
    }
}

impl Slots {
    /// Returns the current slot of a URL, or a new one.
    fn slot(&mut self, url: &str, now: i64) -> Slot {
        if let Some(slot) = self.by_url.get(url)
            && slot.is_fresh(now)
        {
            return slot.clone();
        }
        self.remove(url);
        self.latest_number += 1;
        let slot = Slot {
            number: self.latest_number,
            since: now,
            result: Arc::default(),
        };
        self.by_url.insert(url.to_owned(), slot.clone());
        self.order.push_back((url.to_owned(), slot.number));
        self.evict();
        slot
    }

    /// Counts the bytes of a slot that was filled, unless it was removed meanwhile.
    fn count(&mut self, url: &str, slot: &Slot) {
        if self
            .by_url
            .get(url)
            .is_some_and(|current| current.number == slot.number)
        {
            self.bytes += slot.bytes();
            self.evict();
        }
    }

    /// Evicts the oldest slots until the limits hold.
    fn evict(&mut self) {
        while self.bytes > MAX_BYTES || self.by_url.len() > MAX_ENTRIES {
            let Some((url, number)) = self.order.pop_front() else {
                return;
            };
            if self
                .by_url
                .get(&url)
                .is_some_and(|slot| slot.number == number)
            {
                self.remove(&url);
            }
        }
        if self.order.len() > 2 * MAX_ENTRIES {
            let slots = &self.by_url;
            let is_current = |(url, number): &(String, u64)| {
                slots.get(url).is_some_and(|slot| slot.number == *number)
            };
            self.order.retain(is_current);
        }
    }

    fn remove(&mut self, url: &str) {
        if let Some(slot) = self.by_url.remove(url) {
            self.bytes = self.bytes.saturating_sub(slot.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    async fn image(bytes: usize) -> Result<Image, ImageError> {
        Ok(Image {
            content_type: "image/png",
            bytes: vec![0; bytes],
        })
    }

    async fn no_download() -> Result<Image, ImageError> {
        panic!("the image is cached")
    }

    #[tokio::test]
    async fn image_is_cached_until_it_expires() {
        let cache = Cache::default();
        for now in [0, 1, TTL - 1] {
            let download = async {
                if now == 0 {
                    image(7).await
                } else {
                    no_download().await
                }
            };
            assert_eq!(cache.get("a", now, download).await.unwrap().bytes.len(), 7);
        }
        assert_eq!(cache.get("a", TTL, image(8)).await.unwrap().bytes.len(), 8);
        assert_eq!(cache.0.lock().bytes, 8);

        let missing = async { Err(ImageError::Status(StatusCode::NOT_FOUND)) };
        assert!(cache.get("b", 0, missing).await.is_err());
        assert!(
            cache
                .get("b", FAILURE_TTL - 1, no_download())
                .await
                .is_err()
        );
        assert!(cache.get("b", FAILURE_TTL, image(1)).await.is_ok());
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_download() {
        let cache = Cache::default();
        let (done, wait) = tokio::sync::oneshot::channel::<()>();
        let slow = async {
            let _ = wait.await;
            image(1).await
        };
        let both = async {
            tokio::join!(
                cache.get("a", 0, slow),
                cache.get("a", 0, no_download()),
                async {
                    done.send(()).unwrap();
                }
            )
        };
        let (one, other, ()) = both.await;
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
    }

    #[tokio::test]
    async fn oldest_images_are_evicted() {
        let cache = Cache::default();
        let third = MAX_BYTES / 3 + 1;
        for url in ["a", "b", "c"] {
            cache.get(url, 0, image(third)).await.unwrap();
        }
        assert_eq!(cache.0.lock().bytes, 2 * third);
        assert!(cache.get("c", 0, no_download()).await.is_ok());
        assert_eq!(cache.get("a", 0, image(1)).await.unwrap().bytes.len(), 1);

        for n in 0..3 * MAX_ENTRIES {
            cache.get(&n.to_string(), 0, image(0)).await.unwrap();
            cache
                .get("same", i64::try_from(n).unwrap() * TTL, image(0))
                .await
                .unwrap();
        }
        let slots = cache.0.lock();
        assert!(slots.by_url.len() <= MAX_ENTRIES && slots.order.len() <= 2 * MAX_ENTRIES);
    }
}
