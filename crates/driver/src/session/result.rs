//! A result on its way: records in batches to a sink, at the speed of its reader.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use bolt::columns::{Batch, Transcoder};
use bolt::{Event, Limits, Metadata, Request, Version};
use tokio::sync::Notify;

use super::command::Fate;
use super::{Inner, Run};
use crate::error::{Error, Kind, ServerRef};
use crate::net::Conn;

/// Batches waiting for the reader below which the next PULL is sent.
const LOW_WATERMARK: usize = 2;
/// Batches waiting for the reader at which the socket is left alone.
const HIGH_WATERMARK: usize = 4;
/// Batches that are handed over before the reader says anything.
const INITIAL_CREDIT: usize = 2;

/// Takes a result. Calls come in this order: `keys`, `batch` any number of times, then `summary` or `failure`, and
/// `failure` may come alone; after `restart`, it begins anew. Called from the driver's tasks: must not block.
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
    /// How often the query was sent, 1 if it went well at once.
    pub attempts: u32,
    /// The server's metadata: a batch of one row and one column, which holds a map.
    pub metadata: Batch,
}

/// What a reader says while it reads: how much more it takes, and that it has enough.
pub struct Flow {
    credit: AtomicUsize,
    cancelled: AtomicBool,
    nudge: Arc<Notify>,
}

impl Flow {
    pub(super) fn new(nudge: Arc<Notify>) -> Self {
        Flow { credit: AtomicUsize::new(INITIAL_CREDIT), cancelled: AtomicBool::new(false), nudge }
    }

    /// So many batches more may be handed over.
    pub fn more(&self, batches: usize) {
        self.credit.fetch_add(batches, Ordering::AcqRel);
        self.nudge.notify_one();
    }

    /// The rest is not wanted: it is discarded, and the summary comes.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.nudge.notify_one();
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// The result begins anew.
    pub(super) fn restart(&self) {
        self.credit.store(INITIAL_CREDIT, Ordering::Release);
    }

    fn take_credit(&self) -> bool {
        self.credit.fetch_update(Ordering::AcqRel, Ordering::Acquire, |c| c.checked_sub(1)).is_ok()
    }
}

/// Why a result ended early, and how far it got.
pub(super) struct Broken {
    pub(super) error: Error,
    pub(super) fate: Fate,
    /// Something of it was handed over.
    pub(super) handed_over: bool,
}

/// A result that RUN and the first PULL were written for.
pub(super) struct Streaming<'a> {
    session: &'a Inner,
    run: &'a Run,
    server: ServerRef,
    fetch_size: i64,
    /// What was to be sent when RUN was written: while it is no less, nothing has left.
    queued: usize,
    /// Until it was handed over.
    head: Option<Head>,
    columns: usize,
    utc: bool,
    transcoder: Transcoder,
    waiting: VecDeque<Batch>,
    handed_over: bool,
    fate: Fate,
    /// A PULL or DISCARD is under way.
    pulling: bool,
    end: Option<Metadata>,
}

impl<'a> Streaming<'a> {
    pub(super) fn new(session: &'a Inner, run: &'a Run, conn: &Conn, fetch_size: i64) -> Self {
        Streaming {
            session,
            run,
            server: conn.server.clone(),
            fetch_size,
            queued: conn.bolt.output().len(),
            head: None,
            columns: 0,
            utc: conn.bolt.utc_patched(),
            transcoder: Transcoder::new(conn.bolt.version(), conn.bolt.utc_patched(), Limits::default()),
            waiting: VecDeque::new(),
            handed_over: false,
            fate: Fate::Unsent,
            pulling: true,
            end: None,
        }
    }

    /// Reads to the end. Everything but the summary has then been handed over.
    pub(super) async fn read(mut self, conn: &mut Conn) -> Result<(Metadata, Self), Broken> {
        match self.session.unless_aborted(self.read_on(conn)).await {
            Ok(metadata) => Ok((metadata, self)),
            Err(error) => {
                let is_unsent = self.fate == Fate::Sent && conn.bolt.output().len() >= self.queued;
                let fate = if is_unsent { Fate::Unsent } else { self.fate };
                Err(Broken { error, fate, handed_over: self.handed_over })
            }
        }
    }

    async fn read_on(&mut self, conn: &mut Conn) -> Result<Metadata, Error> {
        loop {
            self.hand_over();
            if self.waiting.is_empty() {
                if let Some(end) = self.end.take() {
                    return Ok(end);
                }
            }
            let cancelled = self.run.flow.is_cancelled();
            if !self.pulling && self.end.is_none() && (cancelled || self.waiting.len() < LOW_WATERMARK) {
                self.ask_for_more(conn, cancelled)?;
            }
            let may_read = self.pulling && (self.waiting.len() < HIGH_WATERMARK || self.session.is_awaited());
            if !may_read {
                self.run.sink.flush();
                tokio::select! {
                    () = self.session.nudge.notified() => {}
                    error = conn.interrupted() => return Err(error),
                }
                continue;
            }
            let event = match conn.poll_event()? {
                Some(event) => event,
                None => {
                    if self.handed_over {
                        self.run.sink.flush();
                    }
                    self.fate = self.fate.max(Fate::Sent);
                    tokio::select! {
                        event = conn.event() => event?,
                        () = self.session.nudge.notified() => continue,
                    }
                }
            };
            self.take(conn, event)?;
        }
    }

    /// Gives batches to the reader, as it has credit. Whoever waits behind this result lets it be read whole.
    fn hand_over(&mut self) {
        if self.run.flow.is_cancelled() {
            self.waiting.clear();
        }
        while !self.waiting.is_empty() && (self.run.flow.take_credit() || self.session.is_awaited()) {
            if let Some(batch) = self.waiting.pop_front() {
                self.announce();
                self.handed_over = true;
                self.run.sink.batch(batch);
            }
        }
    }

    fn announce(&mut self) {
        if let Some(head) = self.head.take() {
            self.run.sink.keys(&head);
        }
    }

    fn ask_for_more(&mut self, conn: &mut Conn, discard: bool) -> Result<(), Error> {
        let asked = if discard { conn.bolt.discard(-1, None) } else { conn.bolt.pull(self.fetch_size, None) };
        asked.map_err(|e| conn.protocol_error(&e.to_string()))?;
        self.pulling = true;
        Ok(())
    }

    fn take(&mut self, conn: &mut Conn, event: Event) -> Result<(), Error> {
        match event {
            Event::Success { request: Request::Run, metadata } => {
                self.fate = Fate::Executing;
                self.session.works_in(metadata.database());
                let keys = metadata.fields().unwrap_or_default();
                self.columns = keys.len();
                let (server, version) = (self.server.index, conn.bolt.version());
                self.head = Some(Head { server, version, available_after: metadata.t_first(), keys });
                Ok(())
            }
            Event::Records(records) => {
                if self.run.flow.is_cancelled() {
                    return Ok(());
                }
                match self.transcoder.records(&records, self.columns) {
                    Ok(batch) => self.waiting.push_back(batch),
                    Err(e) => return Err(conn.protocol_error(&format!("a record cannot be read: {e}"))),
                }
                Ok(())
            }
            Event::Success { request: Request::Pull | Request::Discard, metadata } => {
                self.pulling = false;
                if !metadata.has_more() {
                    self.end = Some(metadata);
                }
                Ok(())
            }
            Event::Failure { request, failure } => {
                // A request before it, such as LOGON, takes the query along.
                self.fate = match request {
                    Request::Pull | Request::Discard => Fate::Executing,
                    _ => Fate::Refused,
                };
                Err(Error::from_failure(failure).on(conn.server.clone()))
            }
            Event::Success { request: Request::Telemetry, .. } => Ok(()),
            Event::Success { .. } | Event::Ignored { .. } => {
                Err(conn.protocol_error("an answer that nobody asked for came in the middle of a result"))
            }
        }
    }

    /// Hands over the summary. The connection should be free by now, for whoever reacts to it.
    pub(super) fn finish(mut self, metadata: &Metadata, (version, agent): (Version, String), attempts: u32) {
        self.announce();
        let sink = &self.run.sink;
        // With a transcoder of its own, the summary can be read whether or not the batches before it were.
        match Transcoder::new(version, self.utc, Limits::default()).metadata(metadata) {
            Ok(metadata) => sink.summary(Summary { server: self.server, version, agent, attempts, metadata }),
            Err(e) => {
                let what = format!(
                    "The work was done, but the summary that {} sent of it cannot be read: {e}.",
                    self.server.address
                );
                sink.failure(Error::new(Kind::Protocol, what).on(self.server));
            }
        }
        sink.flush();
    }
}
