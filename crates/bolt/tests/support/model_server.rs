//! A server that keeps to the protocol, whatever else it does: it succeeds or fails, sends few or many records, and
//! jumps to a RESET as it likes. What a client sends to it in the wrong state is a fault of the client.

use bolt::server::{signature, ClientMessage, Replies, Requests};
use bolt::{State, Value, Version};
use std::collections::VecDeque;

pub struct ModelServer {
    version: Version,
    requests: Requests,
    queue: VecDeque<ClientMessage>,
    replies: Replies,
    pub state: State,
    tx: bool,
    /// Numbers of the results that are not read to their end.
    open: Vec<i64>,
    next_qid: i64,
    /// On Bolt 1 and 2: where the transaction statement leads whose PULL_ALL is to come.
    statement: Option<State>,
}

impl ModelServer {
    pub fn new(version: Version) -> Self {
        Self {
            version,
            requests: Requests::new(version, false),
            queue: VecDeque::new(),
            replies: Replies::new(version, false),
            state: State::Connected,
            tx: false,
            open: Vec::new(),
            next_qid: 0,
            statement: None,
        }
    }

    /// Takes what the client sent.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.requests.feed(bytes).unwrap();
        while let Some(message) = self.requests.next_message().unwrap() {
            self.queue.push_back(message);
        }
    }

    /// Messages that wait to be answered.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Answers the next message; what the choice is about depends on the message.
    pub fn answer(&mut self, choice: u8) -> Vec<u8> {
        let Some(message) = self.queue.pop_front() else { return Vec::new() };
        if self.state == State::Defunct {
            return Vec::new();
        }
        let reset_ahead = self.queue.iter().any(|later| later.signature == signature::RESET);
        let ignore = message.signature != signature::RESET
            && self.state != State::Connected
            && (self.state == State::Interrupted || (reset_ahead && choice.is_multiple_of(4)));
        if ignore {
            // nothing is looked at any more until the RESET
            self.state = State::Interrupted;
            self.replies.ignored();
        } else if self.state == State::Failed
            && !matches!(message.signature, signature::RESET | signature::ACK_FAILURE | signature::GOODBYE)
        {
            self.replies.ignored();
        } else {
            self.handle(&message, choice);
        }
        if choice % 8 == 7 {
            self.replies.noop();
        }
        self.replies.take()
    }

    fn handle(&mut self, message: &ClientMessage, choice: u8) {
        use State::*;
        let fail = choice % 8 == 1;
        let fields = &message.fields;
        match (message.signature, self.state) {
            (signature::HELLO, Connected) if fail => self.fail(Defunct),
            (signature::HELLO, Connected) => {
                let logon = self.version >= Version::new(5, 1);
                self.succeed(if logon { Authentication } else { Ready });
            }
            (signature::LOGON, Authentication) if fail => self.fail(Defunct),
            (signature::LOGON, Authentication) => self.succeed(Ready),
            (signature::LOGOFF, Ready) => self.succeed(Authentication),
            (signature::GOODBYE, _) => self.state = Defunct,
            (signature::RESET, state) if state != Connected && state != Authentication => {
                self.statement = None;
                self.leave_tx(Ready);
                self.succeed(Ready);
            }
            (signature::ACK_FAILURE, Failed) => {
                self.open.clear();
                let state = if self.tx { TxReady } else { Ready };
                self.succeed(state);
            }
            (signature::ROUTE | signature::TELEMETRY, Ready) if fail => self.fail(Failed),
            (signature::ROUTE | signature::TELEMETRY, Ready) => self.succeed(Ready),
            (signature::RUN | signature::BEGIN | signature::COMMIT | signature::ROLLBACK, _) if fail => {
                self.fail(Failed);
            }
            (signature::RUN, state) if self.version.major < 3 && fields[0].as_str() != Some("Q") => {
                self.statement = match (fields[0].as_str(), state) {
                    (Some("BEGIN"), Ready) => Some(TxReady),
                    (Some("COMMIT" | "ROLLBACK"), TxReady) => Some(Ready),
                    other => panic!("{other:?}"),
                };
                self.replies.success(&[]).unwrap();
            }
            (signature::RUN, Ready | TxReady) => self.run(),
            (signature::RUN, TxStreaming) if self.version.major >= 4 => self.run(),
            (signature::PULL | signature::DISCARD, _) if self.statement.is_some() => {
                let state = self.statement.take().unwrap();
                if fail {
                    return self.fail(Failed);
                }
                match state {
                    TxReady => self.tx = true,
                    _ => self.leave_tx(Ready),
                }
                self.succeed(state);
            }
            (signature::PULL | signature::DISCARD, Ready | Streaming | TxReady | TxStreaming) => {
                self.stream(message, choice, fail);
            }
            (signature::BEGIN, Ready) => {
                self.tx = true;
                self.succeed(TxReady);
            }
            (signature::COMMIT | signature::ROLLBACK, TxReady) => {
                self.leave_tx(Ready);
                self.succeed(Ready);
            }
            (other, state) => panic!("message 0x{other:02X} in {state:?} of Bolt {}", self.version),
        }
    }

    fn leave_tx(&mut self, state: State) {
        self.tx = false;
        self.open.clear();
        self.next_qid = 0;
        self.state = state;
    }

    fn succeed(&mut self, state: State) {
        self.state = state;
        self.replies.success(&[("server", "Neo4j/4.4.0".into())]).unwrap();
    }

    fn fail(&mut self, state: State) {
        self.state = state;
        self.statement = None;
        let code = if self.version >= Version::new(5, 7) { "neo4j_code" } else { "code" };
        self.replies.failure(&[(code, "Neo.ClientError.A.B".into()), ("message", "no".into())]).unwrap();
    }

    fn run(&mut self) {
        let qid = self.next_qid;
        self.next_qid += 1;
        self.open.push(qid);
        self.state = if self.tx { State::TxStreaming } else { State::Streaming };
        self.replies.success(&[("fields", Value::List(vec!["a".into()])), ("qid", qid.into())]).unwrap();
    }

    fn stream(&mut self, message: &ClientMessage, choice: u8, fail: bool) {
        let settings = message.fields.first().cloned().unwrap_or_default();
        let n = settings.get("n").and_then(Value::as_integer).unwrap_or(-1);
        let last = self.next_qid - 1;
        let qid = settings.get("qid").and_then(Value::as_integer).unwrap_or(last);
        let Some(place) = self.open.iter().position(|open| *open == qid).filter(|_| !fail) else {
            // a result that was read to its end already: for all the client knew, there could be more
            return self.fail(State::Failed);
        };
        let records = i64::from(choice / 8);
        let more = n >= 0 && records > n;
        if message.signature == signature::PULL {
            for value in 0..if more { n } else { records } {
                self.replies.record(&[value.into()]).unwrap();
            }
        }
        if more {
            return self.replies.success(&[("has_more", true.into())]).unwrap();
        }
        self.open.remove(place);
        if self.open.is_empty() {
            self.state = if self.tx { State::TxReady } else { State::Ready };
            if !self.tx {
                self.next_qid = 0;
            }
        }
        self.replies.success(&[]).unwrap();
    }
}
