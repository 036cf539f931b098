//! The reading half: messages of the server, held against the requests they answer.

use super::hints::{knows_bytes, Hints};
use super::{Connection, Due, Event, Part, ProtocolError, RawRecords, State};
use crate::chunk::TooLong;
use crate::message::{Metadata, Reply, Request};
use crate::packstream::{Dialect, Limits, Value};

impl Connection {
    /// What the server did next; `None` until more input comes.
    ///
    /// An error is for good: the connection is [`State::Defunct`], and each further call gives the same error.
    pub fn poll_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let event = self.next_event();
        if let Err(error) = &event {
            self.broken = Some(error.clone());
            self.now.state = State::Defunct;
            self.then.state = State::Defunct;
        }
        event
    }

    fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        loop {
            let Some(message) = self.input.message(0) else {
                return match self.too_long {
                    Some(TooLong::Message) => Err(ProtocolError::MessageTooLong(self.limits.message)),
                    Some(TooLong::First) => Err(ProtocolError::LoginTooLong(Limits::BEFORE_LOGIN)),
                    None => Ok(None),
                };
            };
            if Reply::is_record(message) {
                return self.records().map(Some);
            }
            let dialect = self.encoder.carrier.dialect;
            let reply = Reply::parse(message, dialect, self.encoder.features.gql_errors, &self.limits)?
                .ok_or(ProtocolError::UnknownMessage)?;
            self.input.drop_first(1);
            let due = self.due.pop_front().ok_or(ProtocolError::Unexpected(reply.name()))?;
            if let Some(event) = self.answer(due, reply)? {
                return Ok(Some(event));
            }
        }
    }

    /// All whole records at hand, up to the limits of a batch.
    fn records(&mut self) -> Result<Event, ProtocolError> {
        let pulled = matches!(self.due.front(), Some(due) if due.step.request == Request::Pull);
        if !pulled || !matches!(self.now.state, State::Streaming | State::TxStreaming | State::Defunct) {
            return Err(ProtocolError::Unexpected("RECORD"));
        }
        self.progressed = true;
        let mut offsets = Vec::new();
        let mut end = 0;
        while offsets.len() < self.limits.rows_per_batch && end < self.limits.bytes_per_batch {
            let Some(message) = self.input.message(offsets.len()).filter(|message| Reply::is_record(message))
            else {
                break;
            };
            // a batch is shorter than 2 x 128 MiB
            offsets.push((end + Reply::RECORD_HEAD_LEN) as u32);
            end += message.len();
        }
        Ok(Event::Records(RawRecords { bytes: self.input.take_first(offsets.len()), offsets }))
    }

    fn answer(&mut self, due: Due, reply: Reply) -> Result<Option<Event>, ProtocolError> {
        let request = due.step.request;
        let progressed = std::mem::take(&mut self.progressed);
        if request == Request::Reset {
            self.resets = self.resets.saturating_sub(1);
        }
        // the second half of a request that was reported with its first half
        let silent = due.part == Part::Closing && std::mem::take(&mut self.reported);
        match reply {
            Reply::Success(metadata) => {
                if due.part == Part::Opening {
                    return Ok(None);
                }
                self.succeeded(due, &metadata, progressed)?;
                Ok((!silent).then_some(Event::Success { request, metadata }))
            }
            Reply::Failure(failure) => {
                self.now = self.now.after_failure(request);
                self.reported = due.part == Part::Opening;
                self.predict();
                Ok((!silent).then_some(Event::Failure { request, failure }))
            }
            Reply::Ignored => {
                let why = self.resets > 0 || matches!(self.now.state, State::Failed | State::Defunct);
                if !why || request == Request::Reset {
                    return Err(ProtocolError::Unexpected("IGNORED"));
                }
                self.reported = due.part == Part::Opening;
                Ok((!silent).then_some(Event::Ignored { request }))
            }
        }
    }

    fn succeeded(&mut self, due: Due, metadata: &Metadata, progressed: bool) -> Result<(), ProtocolError> {
        let request = due.step.request;
        let more = metadata.has_more();
        if self.now.state == State::Defunct {
            return Ok(()); // replies on the way when the client said goodbye
        }
        // A client that asks again would ask for ever. DISCARD has no records to show.
        if request == Request::Pull && more && !progressed {
            return Err(ProtocolError::NoProgress);
        }
        self.now = self
            .now
            .after(request, more, self.encoder.features)
            .ok_or(ProtocolError::Unexpected("SUCCESS"))?;
        if request == Request::Hello {
            self.greeted(metadata);
        }
        // a PULL of all was taken to leave nothing, one of some to leave something
        if self.due.is_empty() {
            self.then = self.now;
        } else if matches!(request, Request::Pull | Request::Discard) && more == due.step.all {
            self.predict();
        }
        Ok(())
    }

    fn greeted(&mut self, metadata: &Metadata) {
        let text = |key| match metadata.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        self.hello_answered = true;
        self.hints = Hints::read(metadata);
        self.agent = text("server");
        self.id = text("connection_id");
        let carrier = &mut self.encoder.carrier;
        carrier.bytes = self.agent.as_deref().is_none_or(knows_bytes);
        if let Some(Value::List(patches)) = metadata.get("patch_bolt") {
            let utc = patches.iter().any(|patch| patch.as_str() == Some("utc"));
            carrier.dialect = Dialect::new(self.encoder.features.version, utc);
        }
    }

    /// Where the requests that are still due lead from here.
    fn predict(&mut self) {
        let mut then = self.now;
        for due in self.due.iter().filter(|due| due.part != Part::Closing) {
            // what is impossible now will be ignored, or fail
            then = self.next(due.step, then).unwrap_or(then);
        }
        self.then = then;
    }
}
