//! The Bolt protocol as values: no sockets, no clock, no threads.
//!
//! A connection is made of two values that are fed bytes and asked for bytes:
//!
//! 1. [`handshake::Handshake`] agrees on a [`Version`];
//! 2. [`Connection`] takes requests ([`Connection::run`], [`Connection::pull`], ...), turns them into output
//!    ([`Connection::output`]), takes what the server sent ([`Connection::handle_input`]) and answers with
//!    [`Event`]s ([`Connection::poll_event`]).
//!
//! Rows stay raw bytes ([`RawRecords`]) until a [`columns::Transcoder`] checks them and lays them out as columns.
//! [`packstream`] holds the data format: bytes to values and back.
//!
//! Whatever comes from the network is taken to be hostile. Every length is held against what remains and against
//! [`Limits`] before memory is taken for it, nesting has a limit, and all text is checked to be UTF-8.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod chunk;
pub mod columns;
mod connection;
pub mod handshake;
mod message;
pub mod packstream;
mod params;
#[cfg(feature = "server")]
pub mod server;
mod version;

pub use bytes::Bytes;
pub use connection::{Connection, Event, Hints, ProtocolError, RawRecords, State};
pub use message::{
    Auth, Hello, Metadata, NotificationFilter, Request, RequestError, Route, Run, Secret, ServerFailure,
    TxMeta,
};
pub use packstream::{DecodeError, EncodeError, Limits, Value};
pub use params::{needs, Parameters};
pub use version::{Features, HelloForm, NotificationForm, PullForm, RouteForm, TransactionForm, Version};
