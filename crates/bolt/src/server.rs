//! The server's side, as far as tests, fuzzing and a replay server need it: messages of clients to values, replies to
//! chunked bytes.

use crate::chunk::{self, Dechunker};
use crate::message::tag;
use crate::packstream::{
    decode_with, encode_with, DecodeError, Dialect, EncodeError, Item, Limits, Reader, Writer,
};
use crate::{Value, Version};

/// Signatures of the messages that clients send.
pub mod signature {
    use crate::message::tag;
    /// INIT in Bolt 1 and 2.
    pub const HELLO: u8 = tag::HELLO;
    /// GOODBYE
    pub const GOODBYE: u8 = tag::GOODBYE;
    /// ACK_FAILURE
    pub const ACK_FAILURE: u8 = tag::ACK_FAILURE;
    /// RESET
    pub const RESET: u8 = tag::RESET;
    /// RUN
    pub const RUN: u8 = tag::RUN;
    /// BEGIN
    pub const BEGIN: u8 = tag::BEGIN;
    /// COMMIT
    pub const COMMIT: u8 = tag::COMMIT;
    /// ROLLBACK
    pub const ROLLBACK: u8 = tag::ROLLBACK;
    /// DISCARD, DISCARD_ALL
    pub const DISCARD: u8 = tag::DISCARD;
    /// PULL, PULL_ALL
    pub const PULL: u8 = tag::PULL;
    /// TELEMETRY
    pub const TELEMETRY: u8 = tag::TELEMETRY;
    /// ROUTE
    pub const ROUTE: u8 = tag::ROUTE;
    /// LOGON
    pub const LOGON: u8 = tag::LOGON;
    /// LOGOFF
    pub const LOGOFF: u8 = tag::LOGOFF;
}

/// A message of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientMessage {
    /// Which message, see [`signature`].
    pub signature: u8,
    /// Its fields.
    pub fields: Vec<Value>,
}

/// Puts the messages of a client together.
#[derive(Debug)]
pub struct Requests {
    input: Dechunker,
    dialect: Dialect,
    limits: Limits,
}

impl Requests {
    /// For a client of this version; `utc` says whether the `utc` patch was agreed on.
    pub fn new(version: Version, utc: bool) -> Self {
        let limits = Limits::default();
        Self { input: Dechunker::new(&limits, 0), dialect: Dialect::new(version, utc), limits }
    }

    /// Takes what the client sent (after the handshake), in whatever pieces.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let limit = self.limits.message;
        self.input.feed(bytes).map_err(|_| DecodeError::TooLarge {
            what: "a message",
            name: "message",
            limit,
        })
    }

    /// The next message, its payload as it came.
    pub fn next_raw(&mut self) -> Option<Vec<u8>> {
        self.input.message(0)?;
        Some(self.input.take_first(1))
    }

    /// The next message.
    pub fn next_message(&mut self) -> Result<Option<ClientMessage>, DecodeError> {
        let Some(payload) = self.next_raw() else { return Ok(None) };
        let mut reader = Reader::new(&payload);
        let Item::Structure { signature, fields } = reader.item()? else {
            return Err(DecodeError::Expected("message"));
        };
        let mut message = ClientMessage { signature, fields: Vec::new() };
        for _ in 0..fields {
            let start = reader.position();
            reader.skip()?;
            let field = payload.get(start..reader.position()).unwrap_or_default();
            message.fields.push(decode_with(field, &self.dialect, &self.limits)?);
        }
        reader.finish()?;
        Ok(Some(message))
    }
}

/// Writes replies into a buffer, in chunks.
#[derive(Debug)]
pub struct Replies {
    /// What was written so far.
    pub out: Vec<u8>,
    dialect: Dialect,
}

impl Replies {
    /// To a client of this version; `utc` says whether the `utc` patch was agreed on.
    pub fn new(version: Version, utc: bool) -> Self {
        Self { out: Vec::new(), dialect: Dialect::new(version, utc) }
    }

    /// Takes what was written.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// SUCCESS with metadata.
    pub fn success(&mut self, metadata: &[(&str, Value)]) -> Result<(), EncodeError> {
        self.map(tag::SUCCESS, metadata)
    }

    /// FAILURE with metadata.
    pub fn failure(&mut self, metadata: &[(&str, Value)]) -> Result<(), EncodeError> {
        self.map(tag::FAILURE, metadata)
    }

    /// IGNORED.
    pub fn ignored(&mut self) {
        self.message(&[0xB0, tag::IGNORED]);
    }

    /// RECORD.
    pub fn record(&mut self, values: &[Value]) -> Result<(), EncodeError> {
        let dialect = self.dialect;
        chunk::write(&mut self.out, |out| {
            let mut writer = Writer::new(out);
            writer.structure(tag::RECORD, 1);
            writer.list(values.len());
            values.iter().try_for_each(|value| encode_with(value, &dialect, out))
        })
    }

    /// A NOOP: a chunk of length zero.
    pub fn noop(&mut self) {
        self.out.extend_from_slice(&[0, 0]);
    }

    /// Any payload as a message.
    pub fn message(&mut self, payload: &[u8]) {
        let written = chunk::write(&mut self.out, |out| {
            out.extend_from_slice(payload);
            Ok::<(), EncodeError>(())
        });
        debug_assert!(written.is_ok());
    }

    fn map(&mut self, signature: u8, entries: &[(&str, Value)]) -> Result<(), EncodeError> {
        let dialect = self.dialect;
        chunk::write(&mut self.out, |out| {
            let mut writer = Writer::new(out);
            writer.structure(signature, 1);
            writer.map(entries.len());
            entries.iter().try_for_each(|(key, value)| {
                Writer::new(out).string(key);
                encode_with(value, &dialect, out)
            })
        })
    }
}
