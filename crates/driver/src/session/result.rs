//! A result on its way: records in batches to a sink, at the speed of its reader.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::pin::pin;

use bolt::columns::{Batch, Transcoder};
use bolt::{Event, Limits, Metadata, PullForm, RawRecords, Request, Version};
use tokio::time::Instant;

use super::outcome::Progress;
use super::sink::{Head, Summary};
use super::{Inner, Run};
use crate::error::{Error, Kind, ServerRef};
use crate::net::Conn;

/// Batches waiting for the reader below which the next PULL is sent.
const LOW_WATERMARK: usize = 2;
/// Batches waiting for the reader at which the socket is left alone.
const HIGH_WATERMARK: usize = 4;
/// Rows that are kept of a result whose rest is not wanted, where all of them were asked for at once.
const UNWANTED_ROWS: usize = 1_000;

/// Why a result ended early, and how far it got.
pub(super) struct Broken {
    pub(super) error: Error,
    pub(super) progress: Progress,
    /// Something of it was handed over.
    pub(super) handed_over: bool,
}

/// What a result does when its reader takes no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It waits, until somebody waits behind it: then it is read whole.
    Alone,
    /// It gives way to whoever waits, and to the other results of its transaction that are open.
    Shared { others: bool },
    /// It is read whole.
    Whole,
}

/// A result that RUN and the first PULL were written for.
pub(super) struct Streaming<R> {
    run: R,
    server: ServerRef,
    fetch_size: i64,
    /// When RUN was sent.
    asked: Instant,
    /// What was to be sent when RUN was written: while it is no less, nothing has left.
    queued: usize,
    /// Until it was handed over.
    head: Option<Head>,
    columns: usize,
    utc: bool,
    limits: Limits,
    transcoder: Transcoder,
    /// What came of the PULL under way, while it is gathered.
    gathered: RawRecords,
    waiting: VecDeque<Batch>,
    handed_over: bool,
    has_records: bool,
    /// Records were thrown away, or will be by the server.
    is_partial: bool,
    progress: Progress,
    /// A PULL or DISCARD is under way.
    pulling: bool,
    end: Option<Metadata>,
    /// What the server calls it, where several are open.
    qid: Option<i64>,
    /// It gave way: it may no longer be the last one, which needs no name.
    gave_way: bool,
}

impl<R: Borrow<Run>> Streaming<R> {
    pub(super) fn new(run: R, conn: &Conn, fetch_size: i64, asked: Instant) -> Self {
        run.borrow().flow.take_failed_head();
        Streaming {
            run,
            server: conn.server.clone(),
            fetch_size,
            asked,
            queued: conn.bolt.output().len(),
            head: None,
            columns: 0,
            utc: conn.bolt.utc_patched(),
            limits: conn.bolt.limits(),
            transcoder: Transcoder::new(conn.bolt.version(), conn.bolt.utc_patched(), conn.bolt.limits()),
            gathered: RawRecords::default(),
            waiting: VecDeque::new(),
            handed_over: false,
            has_records: false,
            is_partial: false,
            progress: Progress::Unsent,
            pulling: true,
            end: None,
            qid: None,
            gave_way: false,
        }
    }

    /// Reads to the end. Everything but the summary has then been handed over.
    pub(super) async fn read(&mut self, session: &Inner, conn: &mut Conn) -> Result<Metadata, Broken> {
        loop {
            if let Some(metadata) = self.advance(session, conn, Pace::Alone).await? {
                return Ok(metadata);
            }
        }
    }

    /// Reads to the end, or until it gives way: `None`, and no PULL is under way then.
    pub(super) async fn advance(
        &mut self,
        session: &Inner,
        conn: &mut Conn,
        pace: Pace,
    ) -> Result<Option<Metadata>, Broken> {
        let done = session.signals.unless_aborted(pin!(self.read_on(session, conn, pace))).await;
        done.map_err(|error| self.broken(error, conn))
    }

    fn broken(&mut self, error: Error, conn: &Conn) -> Broken {
        if let Some(head) = self.head.take() {
            self.run.borrow().flow.keep_failed_head(head);
        }
        let is_unsent = self.progress == Progress::Sent && conn.bolt.output().len() >= self.queued;
        let progress = if is_unsent { Progress::Unsent } else { self.progress };
        Broken { error, progress, handed_over: self.handed_over }
    }

    /// The connection was lost while its first answer was waited for.
    pub(super) fn unanswered(&mut self, error: Error, conn: &Conn) -> Broken {
        self.progress = self.progress.max(Progress::Sent);
        self.broken(error, conn)
    }

    async fn read_on(
        &mut self,
        session: &Inner,
        conn: &mut Conn,
        pace: Pace,
    ) -> Result<Option<Metadata>, Error> {
        // With others it has one PULL a turn.
        let mut had_its_turn = self.pulling;
        loop {
            // What the server gave no name cannot be asked for once another result is open: it does not give way.
            let is_nameless = self.progress == Progress::Executing && self.qid.is_none();
            let pace = match pace {
                Pace::Shared { .. } if is_nameless => Pace::Alone,
                pace => pace,
            };
            self.hand_over(session, pace);
            if self.waiting.is_empty() {
                if let Some(end) = self.end.take() {
                    return Ok(Some(end));
                }
            }
            if !self.pulling && self.end.is_none() {
                let wants_more = self.wants_more();
                let gives_way = match pace {
                    Pace::Shared { others: true } => had_its_turn || !wants_more,
                    Pace::Shared { others: false } => !wants_more && session.is_awaited(),
                    Pace::Alone | Pace::Whole => false,
                };
                if gives_way {
                    self.gave_way = true;
                    return Ok(None);
                }
                if wants_more {
                    self.ask_for_more(conn)?;
                    had_its_turn = true;
                }
            }
            if !self.may_read(session, pace) {
                self.run.borrow().sink.flush();
                tokio::select! {
                    biased;
                    () = session.signals.notified() => {}
                    error = conn.interrupted() => return Err(error),
                }
                continue;
            }
            let event = match conn.poll_event()? {
                Some(event) => event,
                None => {
                    if self.handed_over {
                        self.run.borrow().sink.flush();
                    }
                    self.progress = self.progress.max(Progress::Sent);
                    tokio::select! {
                        biased;
                        event = conn.event() => event?,
                        () = session.signals.notified() => continue,
                    }
                }
            };
            self.take(session, conn, event)?;
        }
    }

    /// Whether a PULL or DISCARD is to be sent, as far as its reader is concerned.
    pub(super) fn wants_more(&self) -> bool {
        self.run.borrow().flow.is_cancelled() || self.waiting.len() < LOW_WATERMARK
    }

    /// Whoever waits for the connection waits for the answers to what was asked for, even if the reader does not.
    fn may_read(&self, session: &Inner, pace: Pace) -> bool {
        self.pulling
            && (self.waiting.len() < HIGH_WATERMARK
                || matches!(pace, Pace::Whole | Pace::Shared { others: true })
                || self.run.borrow().flow.is_cancelled()
                || session.is_awaited())
    }

    /// Gives batches to the reader, as it has credit, or all of them where somebody waits for it to end.
    pub(super) fn hand_over(&mut self, session: &Inner, pace: Pace) {
        let is_cancelled = self.run.borrow().flow.is_cancelled();
        // Whether what waits is all that is left is not known before the end; a part of it is for nobody.
        if is_cancelled && self.end.is_none() {
            return;
        }
        let all = |this: &Self| match pace {
            Pace::Whole => true,
            Pace::Alone => session.is_awaited(),
            Pace::Shared { others } => this.end.is_some() && (others || session.is_awaited()),
        };
        while !self.waiting.is_empty() && (is_cancelled || self.run.borrow().flow.take_credit() || all(self))
        {
            if let Some(batch) = self.waiting.pop_front() {
                self.announce();
                self.handed_over = true;
                self.run.borrow().sink.batch(batch);
            }
        }
    }

    /// What was handed over can be looked at.
    pub(super) fn flush(&self) {
        self.run.borrow().sink.flush();
    }

    /// Tells of its beginning, once.
    pub(super) fn announce(&mut self) {
        if let Some(head) = self.head.take() {
            self.run.borrow().sink.keys(&head);
        }
    }

    fn ask_for_more(&mut self, conn: &mut Conn) -> Result<(), Error> {
        conn.nothing_unasked()?;
        let qid = self.qid.filter(|_| self.gave_way);
        let asked = if self.run.borrow().flow.is_cancelled() {
            self.throw_away();
            conn.bolt.discard(-1, qid)
        } else {
            conn.bolt.pull(self.fetch_size, qid)
        };
        asked.map_err(|e| conn.protocol_error(&e.to_string()))?;
        self.pulling = true;
        Ok(())
    }

    fn throw_away(&mut self) {
        self.is_partial = true;
        self.gathered = RawRecords::default();
        self.waiting.clear();
    }

    /// Whether a record that comes now is not kept. What was asked for by number may still turn out to be all.
    fn is_too_much(&self, conn: &Conn) -> bool {
        let is_unbounded = self.fetch_size < 0 || conn.bolt.features().pull == PullForm::All;
        self.run.borrow().flow.is_cancelled()
            && (self.is_partial
                || is_unbounded
                    && self.waiting.iter().map(|b| b.rows).sum::<usize>() + self.gathered.offsets.len()
                        >= UNWANTED_ROWS)
    }

    fn take(&mut self, session: &Inner, conn: &mut Conn, event: Event) -> Result<(), Error> {
        match event {
            Event::Success { request: Request::Run, metadata } => {
                self.progress = Progress::Executing;
                session.core.selection.took(self.server.index, self.asked);
                if let Some(hedges) = session.core.hedges.as_ref().filter(|_| session.reads_only()) {
                    hedges.took(self.asked.elapsed());
                }
                session.works_in(metadata.database());
                self.qid = metadata.qid();
                let keys = metadata.fields().unwrap_or_default();
                self.columns = keys.len();
                let (server, version) = (self.server.index, conn.bolt.version());
                self.head = Some(Head { server, version, available_after: metadata.t_first(), keys });
                Ok(())
            }
            Event::Records(records) => {
                self.has_records = true;
                if self.is_too_much(conn) {
                    self.throw_away();
                    return Ok(());
                }
                let Limits { rows_per_batch, bytes_per_batch, .. } = self.limits;
                let is_full = |raw: &RawRecords| {
                    raw.offsets.len() >= rows_per_batch || raw.bytes.len() >= bytes_per_batch
                };
                if is_full(&records) {
                    self.lay_out(conn)?;
                }
                self.gathered.append(records);
                if is_full(&self.gathered) || !self.run.borrow().flow.gathers() {
                    self.lay_out(conn)?;
                }
                Ok(())
            }
            Event::Success { request: Request::Pull | Request::Discard, metadata } => {
                self.lay_out(conn)?;
                self.pulling = false;
                if !metadata.has_more() {
                    self.end = Some(metadata);
                }
                Ok(())
            }
            Event::Failure { request, failure } => {
                // A request before it, such as LOGON, takes the query along.
                self.progress = match request {
                    Request::Pull | Request::Discard => Progress::Executing,
                    _ => Progress::Refused,
                };
                Err(Error::from_failure(failure).on(conn.server.clone()))
            }
            Event::Success { request: Request::Telemetry, .. } => Ok(()),
            Event::Success { .. } | Event::Ignored { .. } => {
                Err(conn.protocol_error("an answer that nobody asked for came in the middle of a result"))
            }
        }
    }

    /// Makes a batch of what was gathered.
    fn lay_out(&mut self, conn: &mut Conn) -> Result<(), Error> {
        if self.gathered.offsets.is_empty() {
            return Ok(());
        }
        match self.transcoder.records(&std::mem::take(&mut self.gathered), self.columns) {
            Ok(batch) => self.waiting.push_back(batch),
            Err(e) => return Err(conn.protocol_error(&format!("a record cannot be read: {e}"))),
        }
        Ok(())
    }

    /// Hands over the summary. The connection should be free by now, for whoever reacts to it.
    pub(super) fn finish(mut self, metadata: &Metadata, (version, agent): (Version, String)) {
        self.announce();
        let Streaming { server, has_records, is_partial, columns, .. } = self;
        let (has_keys, consumed_after) = (columns > 0, metadata.t_last());
        let sink = &self.run.borrow().sink;
        // With a transcoder of its own, the summary can be read whether or not the batches before it were.
        match Transcoder::new(version, self.utc, self.limits).metadata(metadata) {
            Ok(metadata) => {
                sink.summary(Summary {
                    server,
                    version,
                    agent,
                    has_records,
                    has_keys,
                    is_partial,
                    consumed_after,
                    metadata,
                });
            }
            Err(e) => {
                let what = format!(
                    "The work was done, but the summary that {} sent of it cannot be read: {e}.",
                    server.address
                );
                sink.failure(Error::new(Kind::Protocol, what).on(server));
            }
        }
        sink.flush();
    }
}

impl Streaming<Run> {
    pub(super) fn fail(self, error: Error) {
        self.run.fail(error);
    }
}
