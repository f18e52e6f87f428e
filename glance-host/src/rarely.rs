//! Waiting for what happens rarely, beside what happens often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Something that is polled only once it woke. Who waits for several things is polled for each of
/// them, and pays here for one look at a flag.
#[derive(Debug)]
pub(crate) struct Rarely<T> {
    inner: T,
    bell: Arc<Bell>,
    /// What the inner one wakes: the bell.
    inward: Waker,
    /// Whom the bell wakes.
    outward: Waker,
}

#[derive(Debug)]
struct Bell {
    rang: AtomicBool,
    /// Kept when it rings: a poll between the two lines of a ring must not cost the next one its waker.
    outward: Mutex<Waker>,
}

impl Bell {
    fn outward(&self) -> MutexGuard<'_, Waker> {
        self.outward.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        let outward = self.outward().clone();
        outward.wake();
    }
}

impl<T> Rarely<T> {
    pub(crate) fn new(inner: T) -> Self {
        let bell = Arc::new(Bell {
            rang: AtomicBool::new(true),
            outward: Mutex::new(Waker::noop().clone()),
        });
        Self {
            inner,
            inward: Arc::clone(&bell).into(),
            bell,
            outward: Waker::noop().clone(),
        }
    }

    /// To change it. It is polled anew afterwards.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.bell.rang.store(true, Ordering::Relaxed);
        &mut self.inner
    }

    /// Polls it by `poll`, if it woke or is new.
    pub(crate) fn poll<R>(
        &mut self,
        context: &Context<'_>,
        poll: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        if !self.outward.will_wake(context.waker()) {
            self.outward.clone_from(context.waker());
            self.bell.outward().clone_from(&self.outward);
        }
        if !self.bell.rang.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        // If it rings from here on, it is polled again.
        self.bell.rang.swap(false, Ordering::AcqRel);
        let polled = poll(&mut self.inner, &mut Context::from_waker(&self.inward));
        if polled.is_ready() {
            self.bell.rang.store(true, Ordering::Relaxed);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicU32;

    use tokio::sync::mpsc;

    use super::*;

    type Counted = Rarely<(mpsc::UnboundedReceiver<u32>, u32)>;

    fn counted() -> (mpsc::UnboundedSender<u32>, Counted) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Rarely::new((receiver, 0)))
    }

    fn next(rare: &mut Counted, context: &Context<'_>) -> Poll<Option<u32>> {
        rare.poll(context, |(receiver, polls), context| {
            *polls += 1;
            receiver.poll_recv(context)
        })
    }

    #[test]
    fn it_is_polled_only_once_it_woke() {
        let (sender, mut rare) = counted();
        let context = Context::from_waker(Waker::noop());
        for _ in 0..10 {
            assert!(next(&mut rare, &context).is_pending());
        }
        assert_eq!(rare.get_mut().1, 1);
        sender.send(7).unwrap();
        assert_eq!(next(&mut rare, &context), Poll::Ready(Some(7)));
        assert!(next(&mut rare, &context).is_pending());
        assert!(next(&mut rare, &context).is_pending());
        assert_eq!(rare.get_mut().1, 3);
    }

    #[tokio::test]
    async fn whoever_waits_last_is_woken() {
        let (sender, mut rare) = counted();
        for _ in 0..100 {
            // Each task polls once by its own waker before the next one waits.
            rare = tokio::spawn(async move {
                poll_fn(|context| Poll::Ready(next(&mut rare, context).is_pending())).await;
                rare
            })
            .await
            .unwrap();
        }
        let waiting =
            tokio::spawn(async move { poll_fn(|context| next(&mut rare, context)).await });
        sender.send(1).unwrap();
        assert_eq!(waiting.await.unwrap(), Some(1));
    }

    #[test]
    fn no_ring_is_lost_where_it_is_polled_for_other_reasons_too() {
        let (sender, mut rare) = counted();
        let received = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&received);
        let sending = std::thread::spawn(move || {
            for number in 1..=500_000 {
                sender.send(number).unwrap();
                while seen.load(Ordering::Acquire) < number {
                    std::thread::yield_now();
                }
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            loop {
                let mut is_first = true;
                let next = poll_fn(|context| {
                    let next = next(&mut rare, context);
                    if next.is_pending() && std::mem::take(&mut is_first) {
                        context.waker().wake_by_ref();
                    }
                    next
                });
                let Some(number) = next.await else { break };
                received.store(number, Ordering::Release);
            }
        });
        sending.join().unwrap();
    }
}
