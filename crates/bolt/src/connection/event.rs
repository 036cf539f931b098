//! What a connection reports.

use crate::message::{Metadata, Request, ServerFailure};
use crate::packstream::DecodeError;
use thiserror::Error;

/// What the server did.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A request succeeded.
    Success {
        /// Which one.
        request: Request,
        /// What the server says about it.
        metadata: Metadata,
    },
    /// Records of the result that is being pulled.
    Records(RawRecords),
    /// A request failed. Requests after it are ignored until [`Connection::reset`](crate::Connection::reset).
    Failure {
        /// Which one.
        request: Request,
        /// What went wrong.
        failure: ServerFailure,
    },
    /// A request was not looked at, because one before it failed or because of a RESET.
    Ignored {
        /// Which one.
        request: Request,
    },
}

/// Records as they came: whole RECORD messages one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawRecords {
    /// The messages, without chunk headers: `B1 71`, then a list of the record's values.
    pub bytes: Vec<u8>,
    /// Where each record's list begins: two bytes behind the end of the record before.
    pub offsets: Vec<u32>,
}

impl RawRecords {
    /// Appends a record: the packed list of its values. For tests and for those who make records themselves.
    pub fn push(&mut self, list: &[u8]) {
        self.bytes.extend_from_slice(&[0xB1, 0x71]);
        debug_assert!(u32::try_from(self.bytes.len()).is_ok(), "more bytes than a batch can have");
        self.offsets.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.bytes.extend_from_slice(list);
    }

    /// Appends the records that came next. Of records from connections with [`Limits`](crate::Limits), together no more than
    /// [`Limits::MAX_MESSAGE`](crate::Limits::MAX_MESSAGE) bytes.
    pub fn append(&mut self, next: RawRecords) {
        if self.offsets.is_empty() {
            *self = next;
            return;
        }
        debug_assert!(
            u32::try_from(self.bytes.len() + next.bytes.len()).is_ok(),
            "more bytes than a batch can have"
        );
        let base = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.offsets.extend(next.offsets.iter().map(|offset| base.saturating_add(*offset)));
        self.bytes.extend_from_slice(&next.bytes);
    }
}

/// The server broke the protocol: the connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A message is longer than [`Limits::message`](crate::Limits::message).
    #[error("the server sent a message longer than the limit of {0} bytes (option `limits.message`)")]
    MessageTooLong(usize),
    /// A message before the login is longer than [`Limits::BEFORE_LOGIN`](crate::Limits::BEFORE_LOGIN).
    #[error(
        "the server sent a message longer than the limit of {0} bytes that a message has before the login"
    )]
    LoginTooLong(usize),
    /// PULL was answered by the promise of more, without a record.
    #[error("the server promised more records (has_more), but sent none")]
    NoProgress,
    /// A message is not what it should be.
    #[error("the server sent a message that is malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// A message of a kind that no server sends.
    #[error("the server sent a message of an unknown kind")]
    UnknownMessage,
    /// A message that answers nothing.
    #[error("the server sent {0}, which answers no request")]
    Unexpected(&'static str),
}
