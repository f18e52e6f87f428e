//! Skips polling a future that has not been woken.
//!
//! A viewer polls its event channel and four rarely ready sources in one task. Behind a [`WakeGate`] the
//! rare sources cost one atomic load per event. The benchmark `benches/fan_out` measures this.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::{Mutex, MutexGuard};

/// Polls a value only after it was woken; otherwise a poll reads one flag.
#[derive(Debug)]
pub(super) struct WakeGate<T> {
    inner: T,
    signal: Arc<Signal>,
    /// The waker that the inner value is polled with; it sets the signal.
    inner_waker: Waker,
    /// The waker of the task that polls the gate.
    task_waker: Waker,
}

#[derive(Debug)]
struct Signal {
    woken: AtomicBool,
    /// A clone stays here after a wake-up: a poll between the two lines of `wake_by_ref` must not cost the
    /// next wake-up its waker.
    task_waker: Mutex<Waker>,
}

impl Signal {
    fn task_waker(&self) -> MutexGuard<'_, Waker> {
        self.task_waker.lock()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let task_waker = self.task_waker().clone();
        task_waker.wake();
    }
}

impl<T> WakeGate<T> {
    pub(crate) fn new(inner: T) -> Self {
        let signal = Arc::new(Signal {
            woken: AtomicBool::new(true),
            task_waker: Mutex::new(Waker::noop().clone()),
        });
        Self {
            inner,
            inner_waker: Arc::clone(&signal).into(),
            signal,
            task_waker: Waker::noop().clone(),
        }
    }

    /// Returns the inner value; the next poll polls it.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.signal.woken.store(true, Ordering::Relaxed);
        &mut self.inner
    }

    /// Calls `poll` on the inner value if it was woken since the last call, or is new.
    pub(crate) fn poll<R>(
        &mut self,
        context: &Context<'_>,
        poll: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        if !self.task_waker.will_wake(context.waker()) {
            self.task_waker.clone_from(context.waker());
            self.signal.task_waker().clone_from(&self.task_waker);
        }
        if !self.signal.woken.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        // Cleared before the poll: a wake-up during the poll causes another one.
        self.signal.woken.swap(false, Ordering::AcqRel);
        let polled = poll(&mut self.inner, &mut Context::from_waker(&self.inner_waker));
        if polled.is_ready() {
            self.signal.woken.store(true, Ordering::Relaxed);
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

    type Counted = WakeGate<(mpsc::UnboundedReceiver<u32>, u32)>;

    fn counted() -> (mpsc::UnboundedSender<u32>, Counted) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, WakeGate::new((receiver, 0)))
    }

    fn next(rare: &mut Counted, context: &Context<'_>) -> Poll<Option<u32>> {
        rare.poll(context, |(receiver, polls), context| {
            *polls += 1;
            receiver.poll_recv(context)
        })
    }

    #[test]
    fn inner_is_polled_only_after_wake() {
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
    async fn last_polling_task_is_woken() {
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
    fn no_wake_is_lost_when_task_is_polled_for_other_reasons() {
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
