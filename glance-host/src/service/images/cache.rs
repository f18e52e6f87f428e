//! The images of late, in memory: each is fetched once, and all of them have a bound.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::Image;

/// How long an image is cached, in seconds.
const KEPT: i64 = 60 * 60;

/// How long a failed download is cached, in seconds.
const MISSED: i64 = 60;

/// How many bytes all images may have together.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// How many there may be, those that are missing included.
const MAX_IMAGES: usize = 2000;

type Found = Result<Arc<Image>, String>;

/// The images of late, by their address.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    slots: HashMap<String, Slot>,
    /// From the oldest to the newest, with the number of the slot: an address may have got another.
    order: VecDeque<(String, u64)>,
    bytes: usize,
    slots_so_far: u64,
}

#[derive(Debug, Clone)]
struct Slot {
    number: u64,
    since: i64,
    found: Arc<OnceCell<Found>>,
}

impl Slot {
    fn is_fresh(&self, now: i64) -> bool {
        let life = match self.found.get() {
            Some(Err(_)) => MISSED,
            _ => KEPT,
        };
        (self.since..self.since + life).contains(&now)
    }

    fn bytes(&self) -> usize {
        match self.found.get() {
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
        fetching: impl Future<Output = Result<Image, String>>,
    ) -> Found {
        let slot = self.lock().slot(url, now);
        let mut fetched = false;
        let fetch = async {
            fetched = true;
            fetching.await.map(Arc::new)
        };
        let found = slot.found.get_or_init(|| fetch).await.clone();
        if fetched {
            self.lock().fetched(url, &slot);
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn slot(&mut self, url: &str, now: i64) -> Slot {
        if let Some(slot) = self.slots.get(url)
            && slot.is_fresh(now)
        {
            return slot.clone();
        }
        self.forget(url);
        self.slots_so_far += 1;
        let slot = Slot {
            number: self.slots_so_far,
            since: now,
            found: Arc::default(),
        };
        self.slots.insert(url.to_owned(), slot.clone());
        self.order.push_back((url.to_owned(), slot.number));
        self.bound();
        slot
    }

    fn fetched(&mut self, url: &str, slot: &Slot) {
        if self
            .slots
            .get(url)
            .is_some_and(|kept| kept.number == slot.number)
        {
            self.bytes += slot.bytes();
            self.bound();
        }
    }

    /// Forgets the oldest until all are within their bounds.
    fn bound(&mut self) {
        while self.bytes > MAX_BYTES || self.slots.len() > MAX_IMAGES {
            let Some((url, number)) = self.order.pop_front() else {
                return;
            };
            if self
                .slots
                .get(&url)
                .is_some_and(|slot| slot.number == number)
            {
                self.forget(&url);
            }
        }
        if self.order.len() > 2 * MAX_IMAGES {
            let slots = &self.slots;
            let is_kept = |(url, number): &(String, u64)| {
                slots.get(url).is_some_and(|slot| slot.number == *number)
            };
            self.order.retain(is_kept);
        }
    }

    fn forget(&mut self, url: &str) {
        if let Some(slot) = self.slots.remove(url) {
            self.bytes = self.bytes.saturating_sub(slot.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fetched(bytes: usize) -> Result<Image, String> {
        Ok(Image {
            content_type: "image/png",
            bytes: vec![0; bytes],
        })
    }

    async fn not_asked() -> Result<Image, String> {
        panic!("it is kept")
    }

    #[tokio::test]
    async fn image_is_cached_until_it_expires() {
        let cache = Cache::default();
        for now in [0, 1, KEPT - 1] {
            let asked = async {
                if now == 0 {
                    fetched(7).await
                } else {
                    not_asked().await
                }
            };
            assert_eq!(cache.get("a", now, asked).await.unwrap().bytes.len(), 7);
        }
        assert_eq!(
            cache.get("a", KEPT, fetched(8)).await.unwrap().bytes.len(),
            8
        );
        assert_eq!(cache.lock().bytes, 8);

        let missing = async { Err("gone".to_owned()) };
        assert!(cache.get("b", 0, missing).await.is_err());
        assert!(cache.get("b", MISSED - 1, not_asked()).await.is_err());
        assert!(cache.get("b", MISSED, fetched(1)).await.is_ok());
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_download() {
        let cache = Cache::default();
        let (done, wait) = tokio::sync::oneshot::channel::<()>();
        let slow = async {
            let _ = wait.await;
            fetched(1).await
        };
        let both = async {
            tokio::join!(
                cache.get("a", 0, slow),
                cache.get("a", 0, not_asked()),
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
            cache.get(url, 0, fetched(third)).await.unwrap();
        }
        assert_eq!(cache.lock().bytes, 2 * third);
        assert!(cache.get("c", 0, not_asked()).await.is_ok());
        assert_eq!(cache.get("a", 0, fetched(1)).await.unwrap().bytes.len(), 1);

        for n in 0..3 * MAX_IMAGES {
            cache.get(&n.to_string(), 0, fetched(0)).await.unwrap();
            cache
                .get("same", i64::try_from(n).unwrap() * KEPT, fetched(0))
                .await
                .unwrap();
        }
        let kept = cache.lock();
        assert!(kept.slots.len() <= MAX_IMAGES && kept.order.len() <= 2 * MAX_IMAGES);
    }
}
