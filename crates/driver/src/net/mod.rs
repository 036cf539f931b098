//! One connection to one server: TCP, TLS, handshake, login, and Bolt messages over it.

pub(crate) mod certificate;
mod io;
pub(crate) mod tls;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bolt::handshake::{Handshake, HandshakeError, Progress, Proposal};
use bolt::{Event, Hello, HelloForm, Limits, Request, State, Version};
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::address::Address;
use crate::config::{AuthConfig, Config};
use crate::error::{is_authorization_expired, is_security, Error, Kind, ServerRef};
use crate::identity::Identity;
use certificate::Shown;
use io::Io;

/// Bytes asked of the socket at once: small while the connection serves small queries, growing while reads fill it,
/// so that a scan is not bound by system calls and an idle connection holds little.
const READ_SIZE: std::ops::RangeInclusive<usize> = 8 * 1024..=128 * 1024;

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

/// How to reach one server, and what was learned from reaching it before.
pub(crate) struct Endpoint {
    pub(crate) server: ServerRef,
    pub(crate) address: Address,
    pub(crate) identity: Identity,
    /// How many times the server said that its authorizations have expired.
    pub(crate) expiries: Arc<AtomicUsize>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// What `tls` shows to servers that ask for a certificate.
    pub(crate) shown: Option<Arc<Shown>>,
    /// The routing context, where the server is a member of a cluster that routes.
    pub(crate) routing: Option<Arc<[(String, String)]>>,
    pub(crate) config: Arc<Config>,
    /// The old proposal worked here, or the HTTP check said HA: it goes first.
    pub(crate) legacy_first: AtomicBool,
    /// Bytes came from the server since this was last looked at.
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) interrupt: watch::Sender<Interrupt>,
}

/// A connection that is logged in. Dropping it closes it.
pub(crate) struct Conn {
    io: Io,
    pub(crate) bolt: bolt::Connection,
    input: Vec<u8>,
    read_size: usize,
    interrupt: watch::Receiver<Interrupt>,
    pub(crate) server: ServerRef,
    pub(crate) created: Instant,
    pub(crate) idle_since: Instant,
    broken: bool,
    /// Whom it is logged in as.
    pub(crate) auth: Arc<AuthConfig>,
    /// The login is new: nothing was done with it yet.
    pub(crate) is_fresh: bool,
    /// A security error came: it is not used again.
    pub(crate) is_refused: bool,
    heard: Arc<AtomicBool>,
    expiries: Arc<AtomicUsize>,
    /// How many of them there were at the login.
    expiries_before: usize,
}

impl Conn {
    /// Connects and logs in within the connection timeout.
    pub(crate) async fn open(endpoint: &Endpoint, auth: Arc<AuthConfig>) -> Result<Conn, Error> {
        endpoint.renew_certificate().await?;
        endpoint.in_time(Conn::open_unbounded(endpoint, auth)).await
    }

    /// The version that is spoken with the server: shakes hands and leaves, without a word of who asks.
    pub(crate) async fn negotiate(endpoint: &Endpoint) -> Result<Version, Error> {
        endpoint.renew_certificate().await?;
        let (_, version, _) = endpoint.in_time(Conn::agree(endpoint)).await?;
        Ok(version)
    }

    async fn open_unbounded(endpoint: &Endpoint, auth: Arc<AuthConfig>) -> Result<Conn, Error> {
        let (io, version, rest) = Conn::agree(endpoint).await?;
        let mut conn = Conn {
            io,
            bolt: bolt::Connection::new(version, Limits::default()),
            input: Vec::new(),
            read_size: *READ_SIZE.start(),
            interrupt: endpoint.interrupt.subscribe(),
            server: ServerRef { token: auth.serial, ..endpoint.server.clone() },
            created: Instant::now(),
            idle_since: Instant::now(),
            broken: false,
            auth,
            is_fresh: false,
            is_refused: false,
            heard: endpoint.heard.clone(),
            expiries: endpoint.expiries.clone(),
            expiries_before: 0,
        };
        conn.bolt.handle_input(&rest);
        conn.log_in(endpoint).await?;
        Ok(conn)
    }

    /// Connects, and agrees on a version: by the second proposal where the first has none in common.
    async fn agree(endpoint: &Endpoint) -> Result<(Io, Version, Vec<u8>), Error> {
        let legacy = endpoint.legacy_first.load(Ordering::Relaxed);
        let (first, second) =
            if legacy { (Proposal::Legacy, Proposal::Modern) } else { (Proposal::Modern, Proposal::Legacy) };
        if let Some(done) = Conn::shake_hands(endpoint, first).await? {
            return Ok(done);
        }
        // A proposal holds four versions: what the first has no room for is in the second.
        if let Some(done) = Conn::shake_hands(endpoint, second).await? {
            endpoint.legacy_first.store(!legacy, Ordering::Relaxed);
            return Ok(done);
        }
        let what = format!(
            "{} speaks none of the Bolt versions 1 to 6.1 that this driver speaks.",
            endpoint.address
        );
        Err(endpoint.error(Kind::Protocol, what))
    }

    /// `None`: the server knows none of the versions proposed.
    async fn shake_hands(
        endpoint: &Endpoint,
        proposal: Proposal,
    ) -> Result<Option<(Io, Version, Vec<u8>)>, Error> {
        let lost = |what: &str, e: &std::io::Error| {
            let why = tls::explain(e, &endpoint.address);
            endpoint.error(Kind::Connection, format!("{} cannot be reached: {what}: {why}", endpoint.address))
        };
        let mut io = Io::connect(&endpoint.address, endpoint.tls.clone())
            .await
            .map_err(|e| lost("connecting failed", &e))?;
        let mut handshake = Handshake::new(proposal);
        let mut input = Vec::with_capacity(256);
        loop {
            io.write_all(&handshake.take_output())
                .await
                .map_err(|e| lost("the handshake could not be sent", &e))?;
            input.clear();
            let read = io
                .read_some(&mut input, 256)
                .await
                .map_err(|e| lost("the handshake was not answered", &e))?;
            if read == 0 {
                let hint = if endpoint.tls.is_none() {
                    " Does it want TLS (bolt+s, or encrypted: true)?"
                } else {
                    ""
                };
                return Err(endpoint.error(
                    Kind::Connection,
                    format!("{} closed the connection during the handshake.{hint}", endpoint.address),
                ));
            }
            match handshake.handle_input(&input) {
                Ok(Progress::NeedMore) => {}
                Ok(Progress::Done { version, rest }) => {
                    io.write_all(&handshake.take_output())
                        .await
                        .map_err(|e| lost("the handshake could not be sent", &e))?;
                    return Ok(Some((io, version, rest)));
                }
                Err(HandshakeError::NoCommonVersion) => return Ok(None),
                Err(e) => return Err(endpoint.error(Kind::Protocol, format!("{}: {e}", endpoint.address))),
            }
        }
    }

    async fn log_in(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        let agent = &endpoint.config.bolt_agent;
        let bolt_agent = [
            ("product", agent.product.as_str()),
            ("platform", agent.platform.as_str()),
            ("language", agent.language.as_str()),
            ("language_details", agent.language_details.as_str()),
        ];
        let filter = endpoint.config.notification_filter.as_ref().map(|f| f.to_bolt());
        let hello = Hello {
            user_agent: &endpoint.config.user_agent,
            bolt_agent: &bolt_agent,
            auth: &self.auth.to_bolt(),
            routing: endpoint.routing.as_deref(),
            notification_filter: filter.as_ref(),
        };
        self.bolt.hello(&hello).map_err(|e| endpoint.error(Kind::Client, e.to_string()))?;
        self.be_let_in().await
    }

    /// Whether the server knows it as this user, by a login that still counts.
    pub(crate) fn is_logged_in_as(&self, auth: &AuthConfig) -> bool {
        self.expiries_before == self.expiries.load(Ordering::Relaxed) && self.auth.is_same_as(auth)
    }

    /// Whether [`Conn::log_in_as`] is possible.
    pub(crate) fn can_log_in_again(&self) -> bool {
        self.bolt.features().hello == HelloForm::HelloThenLogon
    }

    /// Logs off, and in as another user or the same (Bolt 5.1).
    pub(crate) async fn log_in_as(&mut self, auth: Arc<AuthConfig>) -> Result<(), Error> {
        self.server.token = auth.serial;
        self.auth = auth;
        let token = self.auth.to_bolt();
        self.bolt
            .logoff()
            .and_then(|()| self.bolt.logon(&token))
            .map_err(|e| self.protocol_error(&e.to_string()))?;
        self.be_let_in().await
    }

    /// Waits for the answers to all that a login takes.
    async fn be_let_in(&mut self) -> Result<(), Error> {
        self.expiries_before = self.expiries.load(Ordering::Relaxed);
        self.is_fresh = true;
        while self.bolt.pending() > 0 {
            match self.event().await? {
                Event::Success { .. } => {}
                Event::Failure { failure, .. } => {
                    self.broken = true;
                    return Err(Error::from_failure(failure).on(self.server.clone()));
                }
                _ => {
                    return Err(self.protocol_error("an answer to the login that the protocol does not have"))
                }
            }
        }
        Ok(())
    }

    /// The next event. Sends what waits to be sent first; reads as long as needed. Cancel-safe.
    pub(crate) async fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.poll_event()? {
                return Ok(event);
            }
            self.flush().await?;
            self.read().await?;
        }
    }

    /// An event that needs no reading.
    pub(crate) fn poll_event(&mut self) -> Result<Option<Event>, Error> {
        let event = self.bolt.poll_event().map_err(|e| {
            self.broken = true;
            Error::new(Kind::Protocol, format!("{} broke the Bolt protocol: {e}", self.server.address))
                .on(self.server.clone())
        })?;
        if let Some(Event::Failure { failure, .. }) = &event {
            self.is_refused |= is_security(&failure.code);
            if is_authorization_expired(&failure.code) {
                self.expiries.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(event)
    }

    /// Sends what waits to be sent.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        while !self.bolt.output().is_empty() {
            let result = tokio::select! {
                biased;
                result = self.io.write_some(self.bolt.output()) => result.map_err(|e| format!("sending failed: {e}")),
                interrupt = interrupted(&mut self.interrupt) => Err(interrupt),
            };
            match result {
                Ok(sent) => self.bolt.consume_output(sent),
                Err(what) => return Err(self.lost(&what)),
            }
        }
        self.io.flush().await.map_err(|e| self.lost(&format!("sending failed: {e}")))
    }

    /// Reads once. Cancel-safe.
    async fn read(&mut self) -> Result<(), Error> {
        self.input.clear();
        let limit = self.bolt.hints().recv_timeout;
        let result = tokio::select! {
            biased;
            result = self.io.read_some(&mut self.input, self.read_size) => match result {
                Ok(0) => Err("the server closed it".to_owned()),
                Ok(_) => Ok(()),
                Err(e) => Err(e.to_string()),
            },
            interrupt = interrupted(&mut self.interrupt) => Err(interrupt),
            () = sleep_for(limit) => Err(format!(
                "nothing came for {} s, the limit that the server itself set (connection.recv_timeout_seconds)",
                limit.unwrap_or_default().as_secs()
            )),
        };
        match result {
            Ok(()) => {
                self.heard.store(true, Ordering::Relaxed);
                self.bolt.handle_input(&self.input);
                if self.input.len() >= self.read_size {
                    self.read_size = (self.read_size * 2).min(*READ_SIZE.end());
                }
                Ok(())
            }
            Err(what) => Err(self.lost(&what)),
        }
    }

    /// Whether an idle connection still looks alive: nothing came in, above all no end of stream.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        self.input.clear();
        match self.io.poll_read_now(&mut self.input).await {
            None => true,
            Some(Ok(n)) if n > 0 => {
                // A NOOP is all that a server may send unasked.
                self.bolt.handle_input(&self.input);
                matches!(self.poll_event(), Ok(None))
            }
            Some(_) => false,
        }
    }

    /// What the other end speaks and calls itself.
    pub(crate) fn identity(&self) -> (Version, String) {
        (self.bolt.version(), self.bolt.server_agent().unwrap_or_default().to_owned())
    }

    /// Asks for RESET and waits for its answer; what else still comes is dropped.
    pub(crate) async fn reset(&mut self) -> Result<(), Error> {
        self.bolt.reset().map_err(|e| self.protocol_error(&e.to_string()))?;
        loop {
            match self.event().await? {
                Event::Success { request: Request::Reset, .. } => return Ok(()),
                Event::Failure { request: Request::Reset, failure } => {
                    self.broken = true;
                    return Err(Error::from_failure(failure).on(self.server.clone()));
                }
                _ => {}
            }
        }
    }

    /// Gives back the memory that a large result needed.
    pub(crate) fn rest(&mut self) {
        self.idle_since = Instant::now();
        self.is_fresh = false;
        self.read_size = *READ_SIZE.start();
        self.input = Vec::new();
    }

    /// Whether another piece of work can start on this connection as it is.
    pub(crate) fn is_clean(&self) -> bool {
        !self.broken && self.bolt.state() == State::Ready && self.bolt.pending() == 0
    }

    /// Whether it can serve at all.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Says goodbye, where the version has it, and closes.
    pub(crate) async fn close(mut self) {
        if !self.broken {
            self.bolt.goodbye();
            let output = self.bolt.output().to_vec();
            let _ = tokio::time::timeout(Duration::from_millis(500), async {
                self.io.write_all(&output).await?;
                self.io.shutdown().await
            })
            .await;
        }
    }

    /// Waits until this connection is ended from outside.
    pub(crate) async fn interrupted(&mut self) -> Error {
        let what = interrupted(&mut self.interrupt).await;
        self.lost(&what)
    }

    fn lost(&mut self, what: &str) -> Error {
        self.broken = true;
        Error::new(Kind::Connection, format!("The connection to {} was lost: {what}.", self.server.address))
            .on(self.server.clone())
    }

    /// An error for an exchange that makes no sense; the connection is given up.
    pub(crate) fn protocol_error(&mut self, what: &str) -> Error {
        self.broken = true;
        Error::new(Kind::Protocol, format!("{} broke the Bolt protocol: {what}.", self.server.address))
            .on(self.server.clone())
    }
}

impl Endpoint {
    /// Looks whether there is another client certificate to show from now on.
    async fn renew_certificate(&self) -> Result<(), Error> {
        let (Some(shown), Some(_)) = (&self.shown, &self.tls) else { return Ok(()) };
        shown
            .renew()
            .await
            .map_err(|why| self.error(Kind::Client, format!("The client certificate cannot be used: {why}")))
    }

    /// The same within the connection timeout.
    async fn in_time<T>(&self, opening: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let limit = self.config.connection_timeout;
        if limit == 0 {
            return opening.await;
        }
        tokio::time::timeout(Duration::from_millis(limit), opening).await.unwrap_or_else(|_| {
            let what = format!(
                "No connection to {} within {limit} ms (connectionTimeout). Is the server up?",
                self.address
            );
            Err(self.error(Kind::Connection, what))
        })
    }

    /// Another member of the same cluster: reached in the same way, by the same user.
    pub(crate) fn elsewhere(&self, server: ServerRef, address: Address) -> Endpoint {
        Endpoint {
            server,
            address,
            identity: self.identity.clone(),
            expiries: Arc::default(),
            tls: self.tls.clone(),
            shown: self.shown.clone(),
            routing: self.routing.clone(),
            config: self.config.clone(),
            legacy_first: AtomicBool::new(self.legacy_first.load(Ordering::Relaxed)),
            heard: Arc::default(),
            interrupt: watch::Sender::new(Interrupt::None),
        }
    }

    pub(crate) fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(kind, message).on(self.server.clone())
    }
}

/// Waits until the connections of the server are to end, and says why.
async fn interrupted(receiver: &mut watch::Receiver<Interrupt>) -> String {
    loop {
        if receiver.changed().await.is_err() || *receiver.borrow() == Interrupt::Closed {
            return "the driver was closed".into();
        }
        if matches!(*receiver.borrow(), Interrupt::Unresponsive(_)) {
            return "the server has not answered its checks for too long (unresponsiveTimeout)".into();
        }
    }
}

async fn sleep_for(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
