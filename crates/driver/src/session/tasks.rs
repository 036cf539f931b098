//! The tasks that do the work of sessions. They stay for the next: what one is made of is large, and to make it costs more than much of
//! what it does.

use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

use super::worker::Worker;
use super::Inner;

/// How many stay while there is nothing to do.
const KEPT: usize = 100;

/// So many under way are as good as none: whoever has just got the end of a result asks for the next before the task is done that gave it.
const QUIET: usize = 1;

/// So many in a row were asked for with hardly anything under way, before the asking threads do them: where many are asked for at a
/// time, the runtime is to get them together.
const QUIET_FOR: u32 = 8;

/// Where a session says that it has something to do.
///
/// Where hardly anything is under way, and has not been for a while, it is begun at once by the thread that asks: mostly that writes
/// the query to the server, and what comes is for the runtime. Else the runtime is woken, once for all that ask before it looks and not
/// by each: they do so on another thread, and a wake of the runtime is a system call.
pub(crate) struct Tasks {
    pool: Arc<Pool>,
    starts: UnboundedSender<Start>,
    runtime: Handle,
}

/// A session that has something to do. If nobody takes it, since the runtime has gone, whoever waits for it is told.
struct Start(Option<Arc<Inner>>);

impl Tasks {
    pub(crate) fn new(runtime: &Handle) -> Self {
        let pool = Arc::new(Pool::default());
        let (starts, asked) = unbounded_channel();
        runtime.spawn(serve(asked, pool.clone()));
        Tasks { pool, starts, runtime: runtime.clone() }
    }

    pub(super) fn start(&self, session: Arc<Inner>) {
        let Some(task) = self.pool.take_if_quiet() else {
            // Where nobody takes it, it is dropped here.
            let _ = self.starts.send(Start(Some(session)));
            return;
        };
        match session.worker() {
            Some(worker) => {
                let _entered = self.runtime.enter();
                task.begin_here(worker);
            }
            // Somebody is at it already.
            None => {
                self.pool.done();
                self.pool.rest(task);
            }
        }
    }
}

impl Drop for Tasks {
    /// With the driver, of which no work is under way then.
    fn drop(&mut self) {
        self.pool.end();
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
async fn serve(mut starts: UnboundedReceiver<Start>, pool: Arc<Pool>) {
    while let Some(mut start) = starts.recv().await {
        match start.worker() {
            Some(worker) => pool.give(worker),
            None => pool.done(),
        }
    }
}

#[derive(Default)]
struct Pool(Mutex<Staff>);

#[derive(Default)]
struct Staff {
    /// Those that have nothing to do; the one whose memory was used last is behind.
    idle: Vec<Arc<Task>>,
    /// How many sessions were given a task, or wait for one.
    under_way: usize,
    /// How many in a row began with hardly any other.
    quiet: u32,
    is_over: bool,
}

impl Pool {
    /// Something is under way. A task for it, if the thread that asks is to begin it.
    fn take_if_quiet(&self) -> Option<Arc<Task>> {
        let mut staff = self.0.lock();
        staff.quiet = if staff.under_way <= QUIET { staff.quiet.saturating_add(1) } else { 0 };
        staff.under_way += 1;
        let is_quiet = staff.quiet > QUIET_FOR;
        is_quiet.then(|| staff.idle.pop()).flatten()
    }

    fn give(self: &Arc<Self>, worker: Worker) {
        let idle = self.0.lock().idle.pop();
        match idle {
            Some(task) => task.tell(Next::Work(worker)),
            None => {
                tokio::spawn(Task::new(self, worker).run());
            }
        }
    }

    /// Something is not under way any more.
    fn done(&self) {
        let mut staff = self.0.lock();
        staff.under_way = staff.under_way.saturating_sub(1);
    }

    /// This task has nothing to do. False if it is not needed any more.
    fn rest(&self, task: Arc<Task>) -> bool {
        let mut staff = self.0.lock();
        if staff.is_over || staff.idle.len() >= KEPT {
            return false;
        }
        staff.idle.push(task);
        true
    }

    fn end(&self) {
        let idle = {
            let mut staff = self.0.lock();
            staff.is_over = true;
            std::mem::take(&mut staff.idle)
        };
        for task in idle {
            task.tell(Next::End);
        }
    }
}

/// One of the tasks. It is the runtime's; but what it does can be polled by another thread, too.
struct Task {
    pool: Weak<Pool>,
    /// `None` when it is over.
    work: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    next: Mutex<Next>,
    /// The runtime's: whoever polls, it is the runtime that is woken for what is waited for.
    waker: Mutex<Option<Waker>>,
}

#[derive(Default)]
enum Next {
    #[default]
    Nothing,
    Work(Worker),
    End,
}

impl Task {
    fn new(pool: &Arc<Pool>, worker: Worker) -> Arc<Self> {
        Arc::new_cyclic(|task: &Weak<Task>| Task {
            pool: Arc::downgrade(pool),
            work: Mutex::new(Some(Box::pin(work(task.clone())))),
            next: Mutex::new(Next::Work(worker)),
            waker: Mutex::default(),
        })
    }

    /// What the runtime does.
    async fn run(self: Arc<Self>) {
        let task = OfRuntime(self);
        poll_fn(|context| {
            task.0.waker.lock().get_or_insert_with(|| context.waker().clone()).clone_from(context.waker());
            task.0.poll(&mut task.0.work.lock(), context)
        })
        .await;
    }

    /// What is next is begun on this thread, and goes on where the runtime is.
    fn begin_here(&self, worker: Worker) {
        let waker = self.waker.lock().clone();
        match (waker, self.work.try_lock()) {
            (Some(waker), Some(mut work)) if work.is_some() => {
                *self.next.lock() = Next::Work(worker);
                let is_over = self.poll(&mut work, &mut Context::from_waker(&waker)).is_ready();
                drop(work);
                if is_over {
                    waker.wake();
                }
            }
            // The runtime has not left it yet; or it has gone, and whoever waits is told of that.
            _ => self.tell(Next::Work(worker)),
        }
    }

    fn poll(
        &self,
        work: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(future) = work else { return Poll::Ready(()) };
        // A panic ends this task, and nobody else's work: least of all that of the thread that has asked.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        if let Ok(Poll::Pending) = polled {
            return Poll::Pending;
        }
        *work = None;
        if let (Err(_), Some(pool)) = (polled, self.pool.upgrade()) {
            pool.done();
        }
        Poll::Ready(())
    }

    fn tell(&self, next: Next) {
        *self.next.lock() = next;
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
    }
}

/// A task, while there is its runtime.
struct OfRuntime(Arc<Task>);

impl Drop for OfRuntime {
    fn drop(&mut self) {
        let left = self.0.work.lock().take();
        drop(left);
    }
}

/// What a task does.
async fn work(task: Weak<Task>) {
    loop {
        let next = poll_fn(|_| match task.upgrade().map(|task| std::mem::take(&mut *task.next.lock())) {
            Some(Next::Work(worker)) => Poll::Ready(Some(worker)),
            Some(Next::Nothing) => Poll::Pending,
            Some(Next::End) | None => Poll::Ready(None),
        });
        let Some(worker) = next.await else { return };
        worker.work().await;
        let Some(task) = task.upgrade() else { return };
        let Some(pool) = task.pool.upgrade() else { return };
        pool.done();
        if !pool.rest(task) {
            return;
        }
    }
}
