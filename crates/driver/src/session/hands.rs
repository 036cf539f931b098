//! The tasks that do the work of sessions. They stay for the next: what one is made of is large, and to make it costs more than much of
//! what it does.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::sync::Notify;

use super::worker::Worker;
use super::Inner;

/// How many stay while there is nothing to do: as many as one server has connections, by default.
const KEPT: usize = 100;

/// Where a session says that it has something to do. The runtime is woken once for all that say so before it looks, and not by each:
/// they do so on another thread, and a wake of the runtime is a system call.
pub(crate) struct Hands(UnboundedSender<Call>);

/// A session that has something to do. If nobody answers, since the runtime has gone, whoever waits for it is told.
struct Call(Option<Arc<Inner>>);

impl Hands {
    pub(crate) fn new(runtime: &Handle) -> Self {
        let (sender, calls) = unbounded_channel();
        runtime.spawn(attend(calls));
        Hands(sender)
    }

    pub(super) fn call(&self, session: Arc<Inner>) {
        // Where nobody takes the call, it is dropped here.
        let _ = self.0.send(Call(Some(session)));
    }
}

impl Call {
    fn answer(&mut self) -> Option<Worker> {
        self.0.take()?.answer()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        drop(self.answer());
    }
}

/// Gives sessions to the tasks, for as long as there is a driver.
async fn attend(mut calls: UnboundedReceiver<Call>) {
    let crew = Arc::new(Crew::default());
    while let Some(mut call) = calls.recv().await {
        if let Some(worker) = call.answer() {
            crew.employ(worker);
        }
    }
    crew.dismiss();
}

#[derive(Default)]
struct Crew {
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

impl Crew {
    fn employ(self: &Arc<Self>, worker: Worker) {
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
                tokio::spawn(self.clone().lend_a_hand());
            }
        }
    }

    async fn lend_a_hand(self: Arc<Self>) {
        loop {
            let wanted = {
                let mut work = self.work.lock();
                match work.waiting.pop_front() {
                    Some(worker) => Ok(worker),
                    None if work.is_over || work.idle >= KEPT => return,
                    None => {
                        work.idle += 1;
                        Err(self.wanted.notified())
                    }
                }
            };
            match wanted {
                Ok(worker) => worker.work().await,
                Err(wanted) => wanted.await,
            }
        }
    }

    /// Nothing more is to be done. What is under way is brought to its end.
    fn dismiss(&self) {
        self.work.lock().is_over = true;
        self.wanted.notify_waiters();
    }
}
