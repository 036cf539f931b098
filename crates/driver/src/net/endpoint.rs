//! How to reach one server, and what ends its connections from outside.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bolt::Version;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::certificate::ClientCertificates;
use super::phase::{Phase, Phases};
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

/// When bytes came last from a server.
pub(crate) struct Heard {
    made: Instant,
    /// In microseconds after it was made; 0: never.
    last: AtomicU64,
}

impl Default for Heard {
    fn default() -> Self {
        Heard { made: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Heard {
    pub(crate) fn now(&self) {
        let after = u64::try_from(self.made.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.store(after.max(1), Ordering::Relaxed);
    }

    pub(crate) fn last(&self) -> Option<Instant> {
        let after = Some(self.last.load(Ordering::Relaxed)).filter(|after| *after > 0)?;
        self.made.checked_add(Duration::from_micros(after))
    }
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
    pub(crate) heard: Arc<Heard>,
    pub(crate) interrupt: watch::Sender<Interrupt>,
    pub(crate) log: Log,
}

impl Endpoint {
    /// Whether the server has several databases: from Bolt 4.0 on.
    pub(crate) fn speaks_of_databases(&self) -> bool {
        self.product.load().as_ref().is_some_and(|product| product.bolt.major >= 4)
    }

    /// Looks whether there is another client certificate to show from now on. The application has a time of its own for that: how
    /// long it takes tells nothing of the server.
    pub(super) async fn renew_certificate(&self, phases: &Phases) -> Result<(), Error> {
        phases.enter(Phase::Certificate);
        let (Some(client_certificates), Some(_)) = (&self.client_certificates, &self.tls) else {
            return Ok(());
        };
        let (limit, option) = self.opening_limit();
        let patience = limit.min(Duration::from_millis(self.config.connection_acquisition_timeout));
        match tokio::time::timeout(limit, client_certificates.renew(patience)).await {
            Ok(answer) => answer.map_err(|no| {
                let why = format!("The client certificate cannot be used: {no}");
                self.unanswered(no.with(why))
            }),
            Err(_) => {
                let what = self.no_connection(limit, option, Phase::Certificate);
                let advice =
                    "The server was not contacted: hasUpdate() and getClientCertificate() have to settle.";
                Err(self.error(Kind::Client, format!("{what} {advice}")))
            }
        }
    }

    /// A connection, within the connection timeout.
    pub(super) async fn in_time<T>(
        &self,
        phases: &Phases,
        opening: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let (limit, option) = self.opening_limit();
        tokio::time::timeout(limit, opening).await.unwrap_or_else(|_| {
            let what = self.no_connection(limit, option, phases.now());
            Err(self.error(Kind::Connection, format!("{what} Is the server up?")))
        })
    }

    /// The connection timeout, or where there is none, the time of an acquisition; and the option that sets it.
    fn opening_limit(&self) -> (Duration, &'static str) {
        let (limit, option) = match self.config.connection_timeout {
            0 => (self.config.connection_acquisition_timeout, "connectionAcquisitionTimeout"),
            limit => (limit, "connectionTimeout"),
        };
        (Duration::from_millis(limit), option)
    }

    fn no_connection(&self, limit: Duration, option: &str, phase: Phase) -> String {
        format!("No connection to {} within {} ms ({option}): {phase}.", self.address, limit.as_millis())
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
            heard: Arc::default(),
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
