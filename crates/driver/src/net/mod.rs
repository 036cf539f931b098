//! One connection to one server: TCP, TLS, handshake, login, and Bolt messages over it.

pub(crate) mod certificate;
mod connection;
mod dial;
mod endpoint;
pub(crate) mod http;
mod io;
mod open;
pub(crate) mod phase;
pub(crate) mod tls;

pub(crate) use connection::Conn;
pub use endpoint::Product;
pub(crate) use endpoint::{Endpoint, Heard, Interrupt};
