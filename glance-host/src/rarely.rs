//! Waiting for what happens rarely, beside what happens often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Something that is polled only once it woke. Who waits for several things is polled for each of
/// them, and pays here for one look at a flag.
#[derive(Debug)]
pub(crate) struct Rarely<T> {
    inner: T,
    bell: Arc<Bell>,
    /// What the inner one wakes: the bell.
    inward: Waker,
    /// Whom the bell wakes.
    outward: Option<Waker>,
}

#[derive(Debug)]
struct Bell {
    rang: AtomicBool,
    outward: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.outward.wake();
    }
}

impl<T> Rarely<T> {
    pub(crate) fn new(inner: T) -> Self {
        let bell = Arc::new(Bell {
            rang: AtomicBool::new(true),
            outward: AtomicWaker::new(),
        });
        Self {
            inner,
            inward: Arc::clone(&bell).into(),
            bell,
            outward: None,
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
        let waker = context.waker();
        if !matches!(&self.outward, Some(known) if known.will_wake(waker)) {
            self.bell.outward.register(waker);
            self.outward = Some(waker.clone());
        }
        if !self.bell.rang.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        // A bell that rang has forgotten whom it woke; if it rings from here on, it wakes them again.
        self.bell.outward.register(waker);
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

    use proptest::prelude::*;
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

    proptest! {
        #[test]
        fn nothing_is_lost_between_two_threads(bursts in prop::collection::vec(1..20_u32, 1..50)) {
            let (sender, mut rare) = counted();
            let all: u32 = bursts.iter().sum();
            let sending = std::thread::spawn(move || {
                for burst in bursts {
                    (0..burst).for_each(|_| sender.send(1).unwrap());
                    std::thread::yield_now();
                }
            });
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let received = runtime.block_on(async {
                let mut received = 0;
                while let Some(one) = poll_fn(|context| next(&mut rare, context)).await {
                    received += one;
                }
                received
            });
            sending.join().unwrap();
            prop_assert_eq!(received, all);
        }
    }
}
