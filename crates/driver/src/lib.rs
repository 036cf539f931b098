//! The engine: everything a driver for Neo4j does, on tokio, without Node.
//!
//! A [`Driver`] knows its servers, what they are (their [`View`]) and keeps a pool of connections to each. A
//! [`Session`] does work in order: auto-commit queries and transactions, each on a server chosen by role, permission
//! and [`Strategy`]. Rows are handed to a [`Sink`] in batches of columns, as fast as the reader gives credit.
//!
//! The protocol itself is in the crate `bolt`; this crate owns sockets, time and decisions.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod address;
mod bookmarks;
mod config;
mod connect;
mod core;
mod driver;
mod ejection;
mod error;
mod hedge;
mod identity;
mod latency;
mod log;
mod members;
mod net;
mod observer;
mod pool;
mod retry;
mod selection;
mod session;
#[cfg(test)]
mod simulation;
mod strategy;
mod topology;

#[cfg(test)]
use simulation::watch;
#[cfg(not(test))]
use tokio::sync::watch;

pub use address::{Address, TlsWish};
pub use config::{
    AccessMode, Api, AuthConfig, BoltAgent, ClientCertificate, Config, HedgeAfter, HedgeConfig, LogLevel,
    Mode, NotificationFilterConfig, RoutingContext, ServerConfig, SessionConfig, StatusEndpoint, Trust,
    TxConfig, VerifyConfig,
};
pub use core::ServerIdentity;
pub use driver::Driver;
pub use error::{Error, Kind, ServerRef};
pub use net::Product;
pub use observer::{Answer, NoAnswer, Observer};
pub use session::{Begin, Done, Flow, Head, Run, Session, Sink, Summary};
pub use strategy::{Intent, Permissions, Strategy};
pub use topology::{Kinds, Role, ServerInfo, Status, View};
