//! One connection as a value: requests and server bytes in, bytes to send and events out.
//!
//! Methods fall into four groups. Getters say where the connection stands. Requests ([`Connection::run`], ...) write
//! messages into the output and remember which replies are due. [`Connection::output`] and
//! [`Connection::handle_input`] are the wire. [`Connection::poll_event`] gives what the replies mean, until there is
//! nothing more to tell.
//!
//! Requests may be made before earlier ones are answered. Each is checked against the state that the ones before it
//! lead to if they succeed: what cannot be is refused here and not sent.

mod event;
mod hints;
mod replies;
mod state;

pub use event::{Event, ProtocolError, RawRecords};
pub use hints::Hints;
pub use state::State;

use crate::chunk::{self, Dechunker, TooLong};
use crate::message::{tag, Auth, Encoder, Hello, Request, RequestError, Route, Run, TxMeta};
use crate::packstream::{Dialect, Limits};
use crate::params::Carrier;
use crate::version::{Features, HelloForm, PullForm, TransactionForm, Version};
use secrecy::zeroize::Zeroize;
use state::{Position, Step};
use std::collections::VecDeque;

/// Which part of a request a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// The RUN of a transaction statement (Bolt 1 and 2).
    Opening,
    /// The PULL_ALL after it.
    Closing,
}

/// A reply that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    step: Step,
    part: Part,
}

/// The protocol of one connection, from the end of the handshake on.
#[derive(Debug)]
pub struct Connection {
    encoder: Encoder,
    limits: Limits,
    output: Vec<u8>,
    /// How much of the output was sent.
    sent: usize,
    /// Credentials are in the output.
    secret: bool,
    input: Dechunker,
    /// Why nothing more can be read, to be told when all before it was.
    too_long: Option<TooLong>,
    broken: Option<ProtocolError>,
    due: VecDeque<Due>,
    /// Replies to RESET that are due.
    resets: usize,
    /// Where the replies so far lead.
    now: Position,
    /// Where all requests so far lead, if they succeed.
    then: Position,
    /// A record has come since the last answer to PULL.
    progressed: bool,
    /// The two-part request that is being answered was reported already.
    reported: bool,
    hello_answered: bool,
    hints: Hints,
    agent: Option<String>,
    id: Option<String>,
}

impl Connection {
    /// A connection after its handshake.
    pub fn new(version: Version, limits: Limits) -> Self {
        let limits = limits.clamped();
        let carrier = Carrier { dialect: Dialect::new(version, false), bytes: true };
        let login_replies = match version.features().hello {
            HelloForm::HelloThenLogon => 2,
            _ => 1,
        };
        Self {
            encoder: Encoder { features: version.features(), carrier },
            limits,
            output: Vec::new(),
            sent: 0,
            secret: false,
            input: Dechunker::new(&limits, login_replies),
            too_long: None,
            broken: None,
            due: VecDeque::new(),
            resets: 0,
            now: Position::START,
            then: Position::START,
            progressed: false,
            reported: false,
            hello_answered: false,
            hints: Hints::default(),
            agent: None,
            id: None,
        }
    }

    /// The version agreed on.
    pub fn version(&self) -> Version {
        self.encoder.features.version
    }

    /// What its server may send.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What that version can do.
    pub fn features(&self) -> &'static Features {
        self.encoder.features
    }

    /// Where the connection stands, as far as replies tell.
    pub fn state(&self) -> State {
        match self.now.state {
            State::Defunct => State::Defunct,
            _ if self.resets > 0 => State::Interrupted,
            state => state,
        }
    }

    /// Whether what waits to be sent may hold a request that does, or asks for, some work: all but what only introduces the
    /// client, or tells how it is used.
    pub fn has_unsent_work(&self) -> bool {
        let is_work = |due: &Due| {
            !matches!(
                due.step.request,
                Request::Hello | Request::Logon | Request::Logoff | Request::Telemetry | Request::Reset
            )
        };
        !self.output().is_empty() && self.due.iter().any(is_work)
    }

    /// Replies that are due. A request that takes two messages counts twice.
    pub fn pending(&self) -> usize {
        self.due.len()
    }

    /// What the server asked of its clients, known once HELLO was answered.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// What the server calls itself, such as `Neo4j/5.26.0`, known once HELLO was answered.
    pub fn server_agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    /// What the server calls this connection, known once HELLO was answered (Bolt 3).
    pub fn connection_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether the server agreed to UTC date-times (Bolt 4.3 and 4.4; from 5.0 on there is nothing to agree to).
    pub fn utc_patched(&self) -> bool {
        self.encoder.features.utc_patch && self.encoder.carrier.dialect.utc
    }

    /// The data format of this connection, known once HELLO was answered.
    pub fn dialect(&self) -> Dialect {
        self.encoder.carrier.dialect
    }

    /// INIT, or HELLO; on Bolt 5.1 and later LOGON with it, which is answered on its own.
    pub fn hello(&mut self, hello: &Hello<'_>) -> Result<(), RequestError> {
        let (encoder, before, length) = (self.encoder, self.then, self.output.len());
        self.secret = true;
        self.request(Request::Hello.into(), |out| encoder.hello(hello, out))?;
        if self.encoder.features.hello != HelloForm::HelloThenLogon {
            return Ok(());
        }
        self.logon(hello.auth).inspect_err(|_| {
            self.output.truncate(length);
            self.due.pop_back();
            self.then = before;
        })
    }

    /// LOGON, after [`Connection::logoff`] (Bolt 5.1).
    pub fn logon(&mut self, auth: &Auth) -> Result<(), RequestError> {
        let encoder = self.encoder;
        self.secret = true;
        self.request(Request::Logon.into(), |out| encoder.logon(auth, out))
    }

    /// LOGOFF (Bolt 5.1).
    pub fn logoff(&mut self) -> Result<(), RequestError> {
        if self.encoder.features.hello != HelloForm::HelloThenLogon {
            return Err(self.unsupported("LOGOFF"));
        }
        self.bare(Request::Logoff, tag::LOGOFF)
    }

    /// RUN: a query, in the transaction that is open or in one of its own.
    pub fn run(&mut self, run: &Run<'_>) -> Result<(), RequestError> {
        self.answered(Request::Run)?;
        let encoder = self.encoder;
        self.request(Request::Run.into(), |out| match run.tx {
            Some(tx) if !encoder.features.transaction_settings => {
                encoder.run(&Run { tx: Some(&TxMeta { bookmarks: &[], ..*tx }), ..*run }, out)
            }
            _ => encoder.run(run, out),
        })
    }

    /// PULL: the next `n` records, all of them for -1. `qid` names a result of the open transaction, by default the
    /// last. Before Bolt 4.0 this is PULL_ALL, whatever is asked for.
    pub fn pull(&mut self, n: i64, qid: Option<i64>) -> Result<(), RequestError> {
        self.stream(Request::Pull, tag::PULL, n, qid)
    }

    /// DISCARD: like [`Connection::pull`], but the records are thrown away by the server.
    pub fn discard(&mut self, n: i64, qid: Option<i64>) -> Result<(), RequestError> {
        self.stream(Request::Discard, tag::DISCARD, n, qid)
    }

    fn stream(
        &mut self,
        request: Request,
        signature: u8,
        n: i64,
        qid: Option<i64>,
    ) -> Result<(), RequestError> {
        let encoder = self.encoder;
        let all = n < 0 || encoder.features.pull == PullForm::All;
        self.request(Step { request, all }, |out| {
            encoder.stream(signature, n, qid, out);
            Ok(())
        })
    }

    /// BEGIN: opens a transaction.
    pub fn begin(&mut self, settings: &TxMeta<'_>) -> Result<(), RequestError> {
        self.answered(Request::Begin)?;
        let encoder = self.encoder;
        match encoder.features.transactions {
            TransactionForm::Messages => {
                self.request(Request::Begin.into(), |out| encoder.begin(settings, out))
            }
            TransactionForm::Statements => {
                self.statement(Request::Begin, |out| encoder.begin_statement(settings, out))
            }
        }
    }

    /// COMMIT: ends the transaction. Its SUCCESS may hold a bookmark.
    pub fn commit(&mut self) -> Result<(), RequestError> {
        self.end(Request::Commit, tag::COMMIT, "COMMIT")
    }

    /// ROLLBACK: undoes the transaction.
    pub fn rollback(&mut self) -> Result<(), RequestError> {
        self.end(Request::Rollback, tag::ROLLBACK, "ROLLBACK")
    }

    fn end(&mut self, request: Request, signature: u8, text: &str) -> Result<(), RequestError> {
        let encoder = self.encoder;
        match encoder.features.transactions {
            TransactionForm::Messages => self.bare(request, signature),
            TransactionForm::Statements => self.statement(request, |out| {
                encoder.statement(text, out);
                Ok(())
            }),
        }
    }

    /// RESET: stops what is going on, undoes the open transaction, and makes a failed connection ready again.
    ///
    /// Not while HELLO, LOGON or LOGOFF wait for an answer: it might skip them, and nobody would know who is logged on.
    pub fn reset(&mut self) -> Result<(), RequestError> {
        let user = |due: &Due| matches!(due.step.request, Request::Hello | Request::Logon | Request::Logoff);
        if self.due.iter().any(user) {
            return Err(RequestError::State { request: Request::Reset, state: self.state() });
        }
        self.bare(Request::Reset, tag::RESET)?;
        self.resets += 1;
        Ok(())
    }

    /// ACK_FAILURE: makes a failed connection ready again, without undoing the transaction (Bolt 1 and 2).
    pub fn ack_failure(&mut self) -> Result<(), RequestError> {
        if !self.encoder.features.ack_failure {
            return Err(self.unsupported("ACK_FAILURE"));
        }
        self.bare(Request::AckFailure, tag::ACK_FAILURE)
    }

    /// ROUTE: asks for a routing table, which is the entry `rt` of its SUCCESS (Bolt 4.3).
    pub fn route(&mut self, route: &Route<'_>) -> Result<(), RequestError> {
        let encoder = self.encoder;
        self.request(Request::Route.into(), |out| encoder.route(route, out))
    }

    /// TELEMETRY: tells the server which interface is in use (0 managed transaction, 1 explicit transaction, 2
    /// auto-commit, 3 `executeQuery`). `false` and nothing sent where the server has not asked for it.
    pub fn telemetry(&mut self, api: i64) -> Result<bool, RequestError> {
        if !self.encoder.features.telemetry || !self.hints.telemetry {
            return Ok(false);
        }
        let encoder = self.encoder;
        self.request(Request::Telemetry.into(), |out| {
            encoder.telemetry(api, out);
            Ok(())
        })?;
        Ok(true)
    }

    /// GOODBYE: the connection is about to be closed (Bolt 3; before, nothing is sent). Nothing else can be asked.
    pub fn goodbye(&mut self) {
        if self.encoder.features.goodbye && self.now.state != State::Defunct {
            let encoder = self.encoder;
            let written: Result<(), RequestError> = chunk::write(&mut self.output, |out| {
                encoder.bare(tag::GOODBYE, out);
                Ok(())
            });
            debug_assert!(written.is_ok());
        }
        self.now.state = State::Defunct;
        self.then.state = State::Defunct;
    }

    /// Bytes to send.
    pub fn output(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// The first `n` bytes of the output were sent.
    pub fn consume_output(&mut self, n: usize) {
        self.sent = self.sent.saturating_add(n).min(self.output.len());
        if self.sent == self.output.len() {
            if self.secret {
                self.output.zeroize();
                self.secret = false;
            }
            self.output.clear();
            self.output.shrink_to(KEPT_OUTPUT);
            self.sent = 0;
        }
    }

    /// Takes what the server sent, in whatever pieces. What it means is in [`Connection::poll_event`].
    pub fn handle_input(&mut self, bytes: &[u8]) {
        if self.too_long.is_none() && self.broken.is_none() {
            self.too_long = self.input.feed(bytes).err();
        }
    }

    /// Its work is done. Gives back the memory that a large result needed.
    pub fn make_idle(&mut self) {
        self.input.make_idle();
    }

    /// Whether the input ends within a message.
    pub fn is_amid_message(&self) -> bool {
        self.input.is_amid_message()
    }

    fn unsupported(&self, type_name: &'static str) -> RequestError {
        RequestError::Unsupported { type_name, version: self.version() }
    }

    /// In which form date-times go is known once HELLO was answered, where the server may agree to a patch.
    fn answered(&self, request: Request) -> Result<(), RequestError> {
        if self.encoder.features.utc_patch && !self.hello_answered {
            return Err(RequestError::State { request, state: self.now.state });
        }
        Ok(())
    }

    fn next(&self, step: Step, from: Position) -> Option<Position> {
        from.after(step.request, !step.all, self.encoder.features)
    }

    fn allowed(&self, step: Step) -> Result<Position, RequestError> {
        let refused = RequestError::State { request: step.request, state: self.then.state };
        self.next(step, self.then).ok_or(refused)
    }

    fn request(
        &mut self,
        step: Step,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        let then = self.allowed(step)?;
        chunk::write(&mut self.output, write)?;
        self.due.push_back(Due { step, part: Part::Whole });
        self.then = then;
        Ok(())
    }

    fn bare(&mut self, request: Request, signature: u8) -> Result<(), RequestError> {
        let encoder = self.encoder;
        self.request(request.into(), |out| {
            encoder.bare(signature, out);
            Ok(())
        })
    }

    /// A transaction statement of Bolt 1 and 2: RUN and PULL_ALL, whose replies are one event.
    fn statement(
        &mut self,
        request: Request,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        let step = Step::from(request);
        let then = self.allowed(step)?;
        chunk::write(&mut self.output, write)?;
        let encoder = self.encoder;
        chunk::write(&mut self.output, |out| {
            encoder.stream(tag::PULL, -1, None, out);
            Ok::<(), RequestError>(())
        })?;
        self.due.push_back(Due { step, part: Part::Opening });
        self.due.push_back(Due { step, part: Part::Closing });
        self.then = then;
        Ok(())
    }
}

/// What an output buffer may keep for the next request.
const KEPT_OUTPUT: usize = 64 << 10;
