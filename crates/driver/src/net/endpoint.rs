//! How to reach one server, and what ends its connections from outside.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bolt::Version;
use rustls::ClientConfig;

use super::certificate::ClientCertificates;
use super::phase::Phases;
use crate::address::Address;
use crate::config::Config;
use crate::error::{Error, Kind, ServerRef};
use crate::identity::Identity;
use crate::log::Log;
use crate::observer::NoAnswer;
use crate::watch;

/// How long a connection may take to answer RESET, where no other limit is shorter.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);

/// What ends the connections of a server from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Nothing.
    None,
    /// The server has not answered its checks for too long; counts up each time.
    Unresponsive(u64),
    /// The driver was closed.
    Closed,
}

/// What a server says it is, and what is spoken with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Such as `Neo4j/3.5.0`.
    pub agent: String,
    /// The Bolt version.
    pub bolt: Version,
}

/// How to reach one server, and what was learned from reaching it before.
pub(crate) struct Endpoint {
    pub(crate) server: ServerRef,
    pub(crate) address: Address,
    pub(crate) identity: Identity,
    /// How many times the server said that its authorizations have expired.
    pub(crate) expiries: Arc<AtomicUsize>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// What `tls` shows to servers that ask for a certificate.
    pub(crate) client_certificates: Option<Arc<ClientCertificates>>,
    /// The routing context, where the server is a member of a cluster that routes.
    pub(crate) routing: Option<Arc<[(String, String)]>>,
    pub(crate) config: Arc<Config>,
    /// The old proposal worked here: it goes first.
    pub(crate) legacy_first: AtomicBool,
    /// The server was asked for its best version, and had no better one.
    pub(crate) best_known: AtomicBool,
    /// What the server was when it was last logged in to.
    pub(crate) product: ArcSwapOption<Product>,
    /// Bytes came from the server since this was last looked at.
    pub(crate) has_received: Arc<AtomicBool>,
    pub(crate) interrupt: watch::Sender<Interrupt>,
    pub(crate) log: Log,
}

impl Endpoint {
    /// Whether the server has several databases: from Bolt 4.0 on.
    pub(crate) fn speaks_of_databases(&self) -> bool {
        self.product.load().as_ref().is_some_and(|product| product.bolt.major >= 4)
    }

    /// Looks whether there is another client certificate to show from now on.
    pub(super) async fn renew_certificate(&self) -> Result<(), Error> {
        let (Some(client_certificates), Some(_)) = (&self.client_certificates, &self.tls) else {
            return Ok(());
        };
        client_certificates.renew().await.map_err(|no| {
            let why = format!("The client certificate cannot be used: {no}");
            self.unanswered(no.with(why))
        })
    }

    /// The same within the connection timeout, or where there is none, within the time of an acquisition.
    pub(super) async fn in_time<T>(
        &self,
        phases: &Phases,
        opening: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let (limit, option) = match self.config.connection_timeout {
            0 => (self.config.connection_acquisition_timeout, "connectionAcquisitionTimeout"),
            limit => (limit, "connectionTimeout"),
        };
        tokio::time::timeout(Duration::from_millis(limit), opening).await.unwrap_or_else(|_| {
            let phase = phases.now();
            let advice = if phase.is_of_server() {
                "Is the server up?"
            } else {
                "The server was not contacted: hasUpdate() and getClientCertificate() have to settle."
            };
            let what =
                format!("No connection to {} within {limit} ms ({option}): {phase}. {advice}", self.address);
            Err(self.error(Kind::Connection, what))
        })
    }

    /// For how long a connection that is opened now is used: those of a burst do not end all at once.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        let limit = u64::try_from(self.config.max_connection_lifetime).ok().filter(|limit| *limit > 0)?;
        Some(Duration::from_millis(limit - fastrand::u64(0..=limit / 10)))
    }

    pub(super) fn reset_limit(&self) -> Duration {
        let limits = [self.config.connection_timeout, self.config.connection_acquisition_timeout];
        let shortest = limits.into_iter().filter(|limit| *limit > 0).map(Duration::from_millis).min();
        shortest.map_or(RESET_TIMEOUT, |shortest| shortest.min(RESET_TIMEOUT))
    }

    /// Another member of the same cluster: reached in the same way, by the same user.
    pub(crate) fn elsewhere(&self, server: ServerRef, address: Address) -> Endpoint {
        Endpoint {
            server,
            address,
            identity: self.identity.clone(),
            expiries: Arc::default(),
            tls: self.tls.clone(),
            client_certificates: self.client_certificates.clone(),
            routing: self.routing.clone(),
            config: self.config.clone(),
            legacy_first: AtomicBool::new(self.legacy_first.load(Ordering::Relaxed)),
            best_known: AtomicBool::new(false),
            product: ArcSwapOption::empty(),
            has_received: Arc::default(),
            interrupt: watch::Sender::new(Interrupt::None),
            log: self.log.clone(),
        }
    }

    pub(crate) fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(kind, message).on(self.server.clone())
    }

    /// The application has not said what a connection needs.
    pub(crate) fn unanswered(&self, no: NoAnswer) -> Error {
        no.error(Kind::Client).on(self.server.clone())
    }
}

/// Waits until the connections of the server are to end, and says why.
pub(super) async fn interrupted(receiver: &mut watch::Receiver<Interrupt>) -> String {
    loop {
        if let Some(what) = interruption(receiver) {
            return what.to_owned();
        }
        // An error: the pool is gone, and the driver with it.
        if receiver.changed().await.is_err() {
            return "the driver was closed".to_owned();
        }
        receiver.mark_changed();
    }
}

/// Why the connections of the server are to end, if they are: what came since this one was opened.
pub(super) fn interruption(receiver: &watch::Receiver<Interrupt>) -> Option<&'static str> {
    if is_driver_closed(receiver) {
        return Some("the driver was closed");
    }
    match (receiver.has_changed(), *receiver.borrow()) {
        (Ok(true), Interrupt::Unresponsive(_)) => {
            Some("the server has not answered its checks for too long (unresponsiveTimeout)")
        }
        _ => None,
    }
}

/// An error of the receiver: the pool is gone, and the driver with it.
pub(super) fn is_driver_closed(receiver: &watch::Receiver<Interrupt>) -> bool {
    receiver.has_changed().is_err() || *receiver.borrow() == Interrupt::Closed
}
