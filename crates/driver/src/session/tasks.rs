//! The tasks that do the work of sessions. They stay for the next: what one is made of is large, and to make it costs more than much of
//! what it does.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::sync::Notify;

use super::worker::Worker;
use super::Inner;

/// How many stay while there is nothing to do.
const KEPT: usize = 100;

/// Where a session says that it has something to do. The runtime is woken once for all that say so before it looks, and not by each:
/// they do so on another thread, and a wake of the runtime is a system call.
pub(crate) struct Tasks(UnboundedSender<Start>);

/// A session that has something to do. If nobody takes it, since the runtime has gone, whoever waits for it is told.
struct Start(Option<Arc<Inner>>);

impl Tasks {
    pub(crate) fn new(runtime: &Handle) -> Self {
        let (sender, starts) = unbounded_channel();
        runtime.spawn(serve(starts));
        Tasks(sender)
    }

    pub(super) fn start(&self, session: Arc<Inner>) {
        // Where nobody takes it, it is dropped here.
        let _ = self.0.send(Start(Some(session)));
    }
}

impl Start {
    fn worker(&mut self) -> Option<Worker> {
        self.0.take()?.worker()
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        drop(self.worker());
    }
}

/// Gives what comes to the tasks, for as long as there is a driver.
async fn serve(mut starts: UnboundedReceiver<Start>) {
    let pool = Arc::new(Pool::default());
    while let Some(mut start) = starts.recv().await {
        if let Some(worker) = start.worker() {
            pool.assign(worker);
        }
    }
    pool.end();
}

#[derive(Default)]
struct Pool {
    work: Mutex<Work>,
    wanted: Notify,
}

#[derive(Default)]
struct Work {
    waiting: VecDeque<Worker>,
    /// Tasks that have nothing to do, and were not asked to do what waits.
    idle: usize,
    is_over: bool,
}

impl Pool {
    fn assign(self: &Arc<Self>, worker: Worker) {
        let mut work = self.work.lock();
        work.waiting.push_back(worker);
        match work.idle.checked_sub(1) {
            Some(left) => {
                work.idle = left;
                drop(work);
                // The one whose memory was used last.
                self.wanted.notify_last();
            }
            None => {
                drop(work);
                tokio::spawn(self.clone().run());
            }
        }
    }

    /// What each task does.
    async fn run(self: Arc<Self>) {
        loop {
            let mut wanted = pin!(self.wanted.notified());
            let worker = {
                let mut work = self.work.lock();
                match work.waiting.pop_front() {
                    Some(worker) => Some(worker),
                    None if work.is_over || work.idle >= KEPT => return,
                    None => {
                        work.idle += 1;
                        // Who counts as idle is told, whichever thread looks first.
                        wanted.as_mut().enable();
                        None
                    }
                }
            };
            match worker {
                Some(worker) => worker.work().await,
                None => wanted.await,
            }
        }
    }

    /// Nothing more is to be done. What is under way is brought to its end.
    fn end(&self) {
        self.work.lock().is_over = true;
        self.wanted.notify_waiters();
    }
}
