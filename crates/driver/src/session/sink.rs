//! Where a result goes, and how fast: the reader's side.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use bolt::columns::Batch;
use bolt::Version;
use parking_lot::Mutex;

use super::signals::Signals;
use crate::error::{Error, ServerRef};

/// Batches that are handed over before the reader says anything.
const INITIAL_CREDIT: usize = 2;

/// Takes a result. Calls come in this order: `keys`, `batch` any number of times, then `summary` or `failure`, and
/// `failure` may come alone; after `restart`, it begins anew. Called from the driver's tasks, and within a call of the session that
/// begins the work: must not block.
pub trait Sink: Send + Sync {
    /// The head of the result; just before the first batch or the summary.
    fn keys(&self, head: &Head);
    /// Some records, in columns.
    fn batch(&self, batch: Batch);
    /// The connection was lost, and the query can be sent again. If no record has reached the application: forgets all
    /// that was handed over, and returns true.
    fn restart(&self) -> bool;
    /// The end of the result.
    fn summary(&self, summary: Summary);
    /// The end, by an error.
    fn failure(&self, error: Error);
    /// What was handed over can be looked at now; more will take a while.
    fn flush(&self);
}

/// The head of a result.
#[derive(Debug, Clone)]
pub struct Head {
    /// Place of the server in the configuration.
    pub server: usize,
    /// Bolt version of the connection.
    pub version: Version,
    /// Time to the first record in milliseconds, as the server says.
    pub available_after: Option<i64>,
    /// Names of the columns.
    pub keys: Vec<String>,
}

/// The end of a result.
#[derive(Debug)]
pub struct Summary {
    /// Which server it was.
    pub server: ServerRef,
    /// Bolt version of the connection.
    pub version: Version,
    /// What the server calls itself, such as `Neo4j/5.26.0`.
    pub agent: String,
    /// The server sent records, whether or not they were handed over.
    pub has_records: bool,
    /// It has columns.
    pub has_keys: bool,
    /// Not all records were handed over: the result was cancelled, and the rest discarded.
    pub is_partial: bool,
    /// Milliseconds until the last record was read.
    pub consumed_after: Option<i64>,
    /// The rest of the server's metadata: a batch of one row and one column, which holds a map.
    pub metadata: Batch,
}

/// What a reader says while it reads: how much more it takes, and that it has enough.
pub struct Flow {
    credit: AtomicUsize,
    gathers: AtomicBool,
    cancelled: AtomicBool,
    signals: Arc<Signals>,
    /// The head of an attempt that failed before anything was handed over: told with the error, if that is the last word.
    failed_head: Mutex<Option<Head>>,
}

impl Flow {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Flow {
            credit: AtomicUsize::new(INITIAL_CREDIT),
            gathers: AtomicBool::new(false),
            cancelled: AtomicBool::new(false),
            signals,
            failed_head: Mutex::default(),
        }
    }

    /// So many batches more may be handed over. If `gathers`, nobody looks at a record before the end: what comes of one PULL is
    /// handed over together, up to the size of a batch.
    pub fn more(&self, batches: usize, gathers: bool) {
        self.gathers.store(gathers, Ordering::Release);
        self.credit.fetch_add(batches, Ordering::AcqRel);
        self.signals.notify();
    }

    /// No more is to be asked for: if the server has not sent all with what it was asked for already, the rest is
    /// discarded. The summary comes, and says which it was.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.signals.notify();
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn gathers(&self) -> bool {
        self.gathers.load(Ordering::Acquire)
    }

    /// The result begins anew.
    pub(super) fn restart(&self) {
        self.credit.store(INITIAL_CREDIT, Ordering::Release);
    }

    pub(super) fn keep_failed_head(&self, head: Head) {
        *self.failed_head.lock() = Some(head);
    }

    pub(super) fn take_failed_head(&self) -> Option<Head> {
        self.failed_head.lock().take()
    }

    pub(super) fn take_credit(&self) -> bool {
        self.credit.fetch_update(Ordering::AcqRel, Ordering::Acquire, |c| c.checked_sub(1)).is_ok()
    }
}
