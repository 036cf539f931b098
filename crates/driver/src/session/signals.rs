//! What the task that does a session's work is told: to look again, or to end what it does.

use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use crate::error::Error;

/// One task listens at a time, and whatever it waits for, it is woken as a whole: so nobody queues up here, and waiting costs a look.
/// What waits here is to be awaited by that very task, not by something in it that has wakers of its own.
#[derive(Default)]
pub(super) struct Signals {
    task: Mutex<Option<Waker>>,
    /// There is credit, a result was cancelled, or a command came, since the task looked.
    notified: AtomicBool,
    /// What the task does is to end at once. Set and cleared under the lock of the session's queue.
    aborted: AtomicBool,
}

impl Signals {
    /// From now on this task is woken.
    pub(super) async fn listen(&self) {
        poll_fn(|context| {
            *self.task.lock() = Some(context.waker().clone());
            Poll::Ready(())
        })
        .await;
    }

    /// No task is any more.
    pub(super) fn stop_listening(&self) {
        self.task.lock().take();
    }

    /// There is something new to look at.
    pub(super) fn notify(&self) {
        self.notified.store(true, Ordering::Release);
        self.wake();
    }

    /// Waits until there is.
    pub(super) async fn notified(&self) {
        poll_fn(|_| match self.notified.swap(false, Ordering::AcqRel) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// What the task does is to end.
    pub(super) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether what was done until now was to end: asked once, before something else is done.
    pub(super) fn take_abort(&self) -> bool {
        self.aborted.swap(false, Ordering::AcqRel)
    }

    /// Does the work until it is to end. It is pinned by whoever has it: moved in here, it would take its room once more.
    pub(super) async fn unless_aborted<T>(
        &self,
        mut work: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        poll_fn(|context| match self.aborted.load(Ordering::Acquire) {
            true => Poll::Ready(Err(Error::aborted())),
            false => work.as_mut().poll(context),
        })
        .await
    }

    fn wake(&self) {
        // Woken outside of the lock.
        let task = self.task.lock().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}
