//! A future that completes even if its caller is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// Runs a future in the task that polls it. If this value is dropped before the future has
/// completed, the future continues in a task of its own: a running handler is not cancelled when
/// its client disconnects, and all other requests need no extra task.
pub(super) struct Detached<F: Future<Output: Send + 'static> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send + 'static> + Send + 'static> Detached<F> {
    pub(super) fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> Future for Detached<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = &mut self.0 else {
            return Poll::Pending;
        };
        let polled = future.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<F: Future<Output: Send + 'static> + Send + 'static> Drop for Detached<F> {
    fn drop(&mut self) {
        if let Some(future) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(future);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn dropped_future_completes() {
        assert_eq!(Detached::new(ready(4)).await, 4);
        let (go, gone) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let mut detached = Detached::new(async move {
            gone.await.unwrap();
            done.send(()).unwrap();
        });
        assert!((&mut detached).now_or_never().is_none());
        drop(detached);
        go.send(()).unwrap();
        is_done.await.unwrap();
    }
}
