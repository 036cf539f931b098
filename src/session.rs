//! A session's handle.

use std::collections::VecDeque;
use std::sync::Arc;

use bolt::Parameters;
use driver::{Begin, Done, Run, Session, TxConfig};
use napi::bindgen_prelude::Uint8ArraySlice;
use napi_derive::napi;
use parking_lot::Mutex;

use crate::failure;
use crate::inbox::{Inbox, Message};
use crate::json;
use crate::sink::JsSink;

/// Work in order, on one server at a time.
#[napi]
pub struct NativeSession {
    /// `None` before it is opened, and when it is over, until the handle is another one's.
    session: Mutex<Option<Session>>,
    inbox: Arc<Inbox>,
    /// Those of which something may still be asked.
    results: Mutex<VecDeque<Arc<JsSink>>>,
}

impl NativeSession {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        NativeSession { session: Mutex::default(), inbox, results: Mutex::default() }
    }

    /// Becomes the handle of this session.
    pub(crate) fn replace(&self, session: Session) {
        let before = self.session.lock().replace(session);
        drop(before);
    }

    fn with<T>(&self, ask: impl FnOnce(&Session) -> T) -> napi::Result<T> {
        self.session.lock().as_ref().map(ask).ok_or_else(|| napi::Error::from_reason("The session is over."))
    }

    /// A query whose result is that of the operation.
    fn query(
        &self,
        op: i32,
        query: String,
        parameters: &[u8],
        needs: u32,
        config: Option<String>,
        metadata: Option<&[u8]>,
    ) -> napi::Result<Run> {
        let config = tx_config(config)?;
        let flow = self.with(Session::flow)?;
        let sink = Arc::new(JsSink::new(op, self.inbox.clone(), flow.clone()));
        let mut results = self.results.lock();
        // Queries are done in their order, but what came of one may never be taken.
        while results.front().is_some_and(|result| result.is_over()) {
            results.pop_front();
        }
        if results.len() == results.capacity() {
            results.retain(|result| !result.is_over());
        }
        results.push_back(sink.clone());
        drop(results);
        Ok(Run {
            id: id(op),
            query,
            parameters: Parameters { bytes: parameters.to_vec().into(), needs },
            config,
            metadata: metadata.map(<[u8]>::to_vec),
            sink,
            flow,
        })
    }

    /// The result of an operation; `None` if nothing can be asked of it any more.
    fn result(&self, op: i32) -> Option<Arc<JsSink>> {
        self.results.lock().iter().find(|result| result.op == op).cloned()
    }

    fn done(&self, op: i32) -> Done {
        let inbox = self.inbox.clone();
        Done::new(move |result| match result {
            Ok(()) => inbox.push_text(Message::Done, op, ""),
            Err(error) => inbox.push_text(Message::Failure, op, &failure::to_json(&error)),
        })
    }
}

#[napi]
impl NativeSession {
    /// Runs a query; parameters are one PackStream map, `needs` says which types are in it.
    #[napi(catch_unwind)]
    pub fn run(
        &self,
        op: i32,
        query: String,
        parameters: &[u8],
        needs: u32,
        config: Option<String>,
        metadata: Option<&[u8]>,
    ) -> napi::Result<()> {
        let run = self.query(op, query, parameters, needs, config, metadata)?;
        self.with(|session| session.run(run))
    }

    /// Runs a query in a transaction that is begun for it, and committed when all of its result was handed over.
    #[napi(catch_unwind)]
    pub fn execute(
        &self,
        op: i32,
        query: String,
        parameters: &[u8],
        needs: u32,
        config: Option<String>,
        metadata: Option<&[u8]>,
    ) -> napi::Result<()> {
        let run = self.query(op, query, parameters, needs, config, metadata)?;
        self.with(|session| session.execute(run))
    }

    /// Opens a transaction.
    #[napi(catch_unwind)]
    pub fn begin(&self, op: i32, config: Option<String>, metadata: Option<&[u8]>) -> napi::Result<()> {
        let begin = Begin { id: id(op), config: tx_config(config)?, metadata: metadata.map(<[u8]>::to_vec) };
        self.with(|session| session.begin(begin, self.done(op)))
    }

    /// Ends a query that has a transaction of its own, or the transaction that this operation began, at once.
    #[napi(catch_unwind)]
    pub fn abort(&self, op: i32) {
        // Of a session that is over there is nothing to end.
        if let Some(session) = self.session.lock().as_ref() {
            session.abort(id(op));
        }
    }

    /// Commits it.
    #[napi(catch_unwind)]
    pub fn commit(&self, op: i32) -> napi::Result<()> {
        self.with(|session| session.commit(self.done(op)))
    }

    /// Rolls it back.
    #[napi(catch_unwind)]
    pub fn rollback(&self, op: i32) -> napi::Result<()> {
        self.with(|session| session.rollback(self.done(op)))
    }

    /// Rolls back what is open, and ends the session.
    #[napi(catch_unwind)]
    pub fn close(&self, op: i32) -> napi::Result<()> {
        self.with(|session| session.close(self.done(op)))
    }

    /// The readers of a result have taken so many batches; if `gathers`, they look at no record before the end.
    #[napi(catch_unwind)]
    pub fn more(&self, op: i32, batches: u32, gathers: bool) {
        if let Some(result) = self.result(op) {
            result.more(batches as usize, gathers);
        }
    }

    /// Copies the oldest announced batch of a result to `into`, which has its length. False if there is none: the
    /// result has begun anew, and a RESTART message is on its way.
    #[napi(catch_unwind)]
    pub fn take(&self, op: i32, mut into: Uint8ArraySlice<'_>) -> napi::Result<bool> {
        let Some(batch) = self.result(op).and_then(|result| result.take()) else { return Ok(false) };
        // SAFETY: JavaScript does not run while this does, so nobody else looks at the buffer.
        let into = unsafe { into.as_mut() };
        if into.len() != batch.byte_len() {
            return Err(napi::Error::from_reason("The buffer does not have the length of the batch."));
        }
        batch.write(into);
        Ok(true)
    }

    /// Records of a result, as it is after so many RESTART messages, are about to reach the application. False if it
    /// has begun anew since: they must not, and another RESTART is on its way.
    #[napi(catch_unwind)]
    pub fn deliver(&self, op: i32, restarts: u32) -> bool {
        // What is over cannot begin anew.
        self.result(op).is_none_or(|result| result.deliver(restarts))
    }

    /// Discards the rest of a result. If `keeps`, what has come, or comes by what the server was asked for already, can
    /// still be taken: the SUMMARY says whether it is all.
    #[napi(catch_unwind)]
    pub fn cancel(&self, op: i32, keeps: bool) {
        if let Some(result) = self.result(op) {
            result.cancel(keeps);
        }
    }

    /// The home database of the user, if the work found it.
    #[napi(catch_unwind)]
    pub fn home(&self) -> napi::Result<Option<String>> {
        self.with(Session::home)
    }

    /// Bookmarks of the last committed work.
    #[napi(catch_unwind)]
    pub fn bookmarks(&self) -> napi::Result<Vec<String>> {
        self.with(Session::bookmarks)
    }

    /// Lets the session go, with all that it was told. False if something may still be asked of its results: the handle is not
    /// for another session then.
    #[napi(catch_unwind)]
    pub fn release(&self) -> bool {
        let mut results = self.results.lock();
        results.retain(|result| !result.is_over());
        let is_free = results.is_empty();
        drop(results);
        drop(self.session.lock().take());
        is_free
    }
}

/// What the engine calls the work of an operation.
fn id(op: i32) -> u64 {
    u64::from(op.unsigned_abs())
}

fn tx_config(config: Option<String>) -> napi::Result<TxConfig> {
    match config {
        Some(config) => json::argument("The transaction's configuration", config),
        None => Ok(TxConfig::default()),
    }
}
