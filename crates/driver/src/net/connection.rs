//! The exchange on one connection: messages out and in, logins, RESET, and its end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bolt::{Event, HelloForm, Request, State, Version};
use tokio::time::Instant;

use super::endpoint::{interrupted, interruption, is_driver_closed, Endpoint, Heard, Interrupt};
use super::io::{Io, Moved, READ_SIZE};
use crate::config::AuthConfig;
use crate::error::{is_authorization_expired, is_security, Error, Kind, ServerRef};
use crate::pool::Usage;
use crate::watch;

/// What is read at most while something is being sent: a server that talks on and on is not listened to any more.
const MOST_READ_WHILE_SENDING: usize = 16 << 20;

/// A connection that is logged in. Dropping it closes it. It is in a box wherever it is: it goes from hand to hand with each query.
pub(crate) struct Conn {
    io: Io,
    pub(crate) bolt: bolt::Connection,
    interrupt: watch::Receiver<Interrupt>,
    pub(crate) server: ServerRef,
    /// When it is too old to be used again.
    expires: Option<Instant>,
    pub(crate) idle_since: Instant,
    /// Who works with it, for all who look at the pool.
    pub(crate) usage: Arc<Usage>,
    broken: bool,
    /// Events that somebody has waited for and not taken.
    held: VecDeque<Event>,
    /// Bytes may be held back by TLS.
    is_flushed: bool,
    read_while_sending: usize,
    /// Since when the server has neither sent nor taken anything, where an answer is due and it has set a limit.
    silent_since: Option<Instant>,
    /// How long RESET may take.
    reset_limit: Duration,
    /// Whom it is logged in as.
    pub(crate) auth: Arc<AuthConfig>,
    /// The login is new: nothing was done with it yet.
    pub(crate) is_fresh: bool,
    /// Answers to a login that are due, and until when.
    authenticating: Option<Authenticating>,
    /// A security error came: it is not used again.
    pub(crate) is_refused: bool,
    heard: Arc<Heard>,
    expiries: Arc<AtomicUsize>,
    /// How many of them there were at the login.
    expiries_before: usize,
}

struct Authenticating {
    due: usize,
    limit: u64,
    until: Option<Instant>,
}

impl Conn {
    /// One on which a version was agreed, and nothing was said yet.
    pub(super) fn new(endpoint: &Endpoint, auth: Arc<AuthConfig>, io: Io, version: Version) -> Box<Conn> {
        Box::new(Conn {
            io,
            bolt: bolt::Connection::new(version, endpoint.config.limits.to_bolt()),
            interrupt: endpoint.interrupt.subscribe(),
            server: ServerRef { token: auth.serial, ..endpoint.server.clone() },
            expires: endpoint.lifetime().map(|lifetime| Instant::now() + lifetime),
            idle_since: Instant::now(),
            usage: Arc::default(),
            broken: false,
            held: VecDeque::new(),
            is_flushed: true,
            read_while_sending: 0,
            silent_since: None,
            reset_limit: endpoint.reset_limit(),
            auth,
            is_fresh: false,
            authenticating: None,
            is_refused: false,
            heard: endpoint.heard.clone(),
            expiries: endpoint.expiries.clone(),
            expiries_before: 0,
        })
    }

    /// Whether the server knows it as this user, by a login that still counts.
    pub(crate) fn is_logged_in_as(&self, auth: &AuthConfig) -> bool {
        self.expiries_before == self.expiries.load(Ordering::Relaxed) && self.auth.is_same_as(auth)
    }

    /// Whether [`Conn::log_in_as`] is possible.
    pub(crate) fn can_log_in_again(&self) -> bool {
        self.bolt.features().hello == HelloForm::HelloThenLogon
    }

    /// Logs off, and in as another user or the same (Bolt 5.1): writes so. It goes out with the message behind it, and is
    /// answered before that, within the limit in milliseconds (0: none).
    pub(crate) fn log_in_as(&mut self, auth: Arc<AuthConfig>, limit: u64) -> Result<(), Error> {
        self.server.token = auth.serial;
        self.auth = auth;
        let token = self.auth.to_bolt();
        let before = self.bolt.pending();
        self.bolt
            .logoff()
            .and_then(|()| self.bolt.logon(&token))
            .map_err(|e| self.protocol_error(&e.to_string()))?;
        self.expect_login(self.bolt.pending() - before, limit);
        Ok(())
    }

    pub(super) fn expect_login(&mut self, due: usize, limit: u64) {
        self.expiries_before = self.expiries.load(Ordering::Relaxed);
        self.is_fresh = true;
        let until = (limit > 0).then(|| Instant::now() + Duration::from_millis(limit));
        self.authenticating = Some(Authenticating { due, limit, until });
    }

    /// Waits for the answers to a login that was written. A NOOP is no answer, and gives no more time.
    pub(crate) async fn authenticated(&mut self) -> Result<(), Error> {
        loop {
            self.poll_event()?;
            if self.authenticating.is_none() {
                return Ok(());
            }
            self.exchange().await?;
        }
    }

    /// The next event. Sends what waits to be sent first; reads as long as needed. Cancel-safe.
    pub(crate) async fn event(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.poll_event()? {
                return Ok(event);
            }
            self.exchange().await?;
        }
    }

    /// Waits until so many answers have come, or one that says that the work fails: whether all are successes. Whoever asks for events
    /// then has them first. Cancel-safe.
    pub(crate) async fn has_answered(&mut self, answers: usize) -> Result<bool, Error> {
        loop {
            if self.held.iter().any(|event| !matches!(event, Event::Success { .. } | Event::Records(_))) {
                return Ok(false);
            }
            if self.held.len() >= answers {
                return Ok(true);
            }
            match self.next_event()? {
                Some(event) => self.held.push_back(event),
                None => self.exchange().await?,
            }
        }
    }

    /// An event that needs no reading. Those of a login are its own: they do not show, unless it failed.
    pub(crate) fn poll_event(&mut self) -> Result<Option<Event>, Error> {
        match self.held.pop_front() {
            Some(event) => Ok(Some(event)),
            None => self.next_event(),
        }
    }

    fn next_event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            let event = self.bolt.poll_event().map_err(|e| {
                self.broken = true;
                Error::new(Kind::Protocol, format!("{} broke the Bolt protocol: {e}", self.server.address))
                    .on(self.server.clone())
            })?;
            if self.bolt.pending() == 0 {
                self.silent_since = None;
            }
            if let Some(Event::Failure { failure, .. }) = &event {
                self.is_refused |= is_security(&failure.code);
                if is_authorization_expired(&failure.code) {
                    self.expiries.fetch_add(1, Ordering::Relaxed);
                }
            }
            let (Some(login), Some(event)) = (&mut self.authenticating, &event) else { return Ok(event) };
            match event {
                Event::Success { .. } => {
                    login.due = login.due.saturating_sub(1);
                    if login.due == 0 {
                        self.authenticating = None;
                    }
                }
                Event::Failure { failure, .. } => {
                    let error = Error::from_failure(failure.clone()).on(self.server.clone());
                    self.broken = true;
                    return Err(error);
                }
                _ => {
                    return Err(self.protocol_error("an answer to the login that the protocol does not have"))
                }
            }
        }
    }

    /// Moves bytes once: sends what waits, and reads when there is nothing to send or while it is not taken, since the other end may
    /// wait for that, or have answered already. Neither may stand still for longer than the server itself allows, however often this
    /// is called anew meanwhile. Cancel-safe.
    async fn exchange(&mut self) -> Result<(), Error> {
        let limit = self.bolt.hints().recv_timeout;
        let silence_ends = limit.map(|limit| *self.silent_since.get_or_insert_with(Instant::now) + limit);
        let login_ends = self.authenticating.as_ref().and_then(|login| login.until);
        let is_sent = self.bolt.output().is_empty() && self.is_flushed;
        let may_read = self.read_while_sending < MOST_READ_WHILE_SENDING;
        let (io, bolt) = (&mut self.io, &mut self.bolt);
        let moving = poll_fn(|cx| {
            if !is_sent {
                let sent = io.poll_send(cx, bolt.output());
                if sent.is_ready() || !may_read {
                    return sent;
                }
            }
            io.poll_take(cx, READ_SIZE, |bytes| bolt.handle_input(bytes)).map_ok(Moved::Read)
        });
        let moved = tokio::select! {
            biased;
            moved = moving => moved.map_err(|e| match is_sent {
                true => describe(&e),
                false => format!("sending failed: {}", describe(&e)),
            }),
            interrupt = interrupted(&mut self.interrupt) => Err(interrupt),
            () = sleep_until(silence_ends) => {
                // Who comes back to it late may find that the runtime was not told yet of what came.
                let came = match is_sent {
                    true => self.io.read_now(|bytes| self.bolt.handle_input(bytes)).await,
                    false => None,
                };
                let what = if is_sent { "the server didn't respond" } else { "the server took nothing of what was sent" };
                let limit = limit.unwrap_or_default().as_millis();
                match came {
                    Some(read) => read.map(Moved::Read).map_err(|e| describe(&e)),
                    None => Err(format!(
                        "{what} in {limit} ms, the limit that it set itself (connection.recv_timeout_seconds)"
                    )),
                }
            }
            () = sleep_until(login_ends) => {
                let limit = self.authenticating.as_ref().map_or(0, |login| login.limit);
                Err(format!("the server did not answer the login within {limit} ms (connectionTimeout)"))
            }
        };
        self.silent_since = limit.map(|_| Instant::now());
        match moved {
            Ok(Moved::Written(sent)) => {
                self.is_flushed = false;
                self.bolt.consume_output(sent);
            }
            Ok(Moved::Flushed) => {
                self.is_flushed = true;
                self.read_while_sending = 0;
            }
            Ok(Moved::Read(0)) => return Err(self.lost("the server closed it")),
            Ok(Moved::Read(read)) => {
                self.heard.now();
                if !is_sent {
                    self.read_while_sending += read;
                }
            }
            Err(what) => return Err(self.lost(&what)),
        }
        Ok(())
    }

    /// Makes sure that nothing is known, without waiting, which says that this connection has ended: not by the server,
    /// and not from outside; and that nothing came that would be taken for the answer to what is written next. What has come
    /// in is kept for [`Conn::event`].
    pub(crate) async fn still_open(&mut self) -> Result<(), Error> {
        if self.broken {
            return Err(self.lost("it had broken before"));
        }
        if let Some(what) = interruption(&self.interrupt) {
            return Err(self.lost(what));
        }
        // An end of the stream is behind what came before it. No server fills this many reads unasked.
        for _ in 0..16 {
            match self.io.read_now(|bytes| self.bolt.handle_input(bytes)).await {
                None => break,
                Some(Ok(0)) => return Err(self.lost("the server closed it")),
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(self.lost(&describe(&e))),
            }
        }
        self.nothing_unasked()
    }

    /// Makes sure that no message has come where none is due: it would be taken for the answer to what is written next.
    pub(crate) fn nothing_unasked(&mut self) -> Result<(), Error> {
        if self.bolt.pending() > 0 {
            return Ok(());
        }
        if self.poll_event()?.is_some() || self.bolt.is_amid_message() {
            return Err(self.protocol_error("a message came that nobody had asked for"));
        }
        Ok(())
    }

    /// Whether an idle connection still looks alive: it is open, and nothing came in. A NOOP is all that a server may send
    /// unasked.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        self.still_open().await.is_ok() && self.is_ready()
    }

    /// What the other end speaks and calls itself.
    pub(crate) fn identity(&self) -> (Version, String) {
        (self.bolt.version(), self.bolt.server_agent().unwrap_or_default().to_owned())
    }

    /// Asks for RESET and waits for its answer, as long as that may take; what else still comes is dropped.
    pub(crate) async fn reset(&mut self) -> Result<(), Error> {
        self.reset_within(self.reset_limit).await
    }

    pub(crate) async fn reset_within(&mut self, limit: Duration) -> Result<(), Error> {
        match tokio::time::timeout(limit, self.reset_unbounded()).await {
            Ok(result) => result,
            Err(_) => Err(self.lost(&format!("RESET was not answered within {} ms", limit.as_millis()))),
        }
    }

    async fn reset_unbounded(&mut self) -> Result<(), Error> {
        self.authenticated().await?;
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

    /// Makes sure that the server is there now: by the answer to its login, if that is new.
    pub(crate) async fn answers(&mut self) -> Result<(), Error> {
        match self.is_fresh {
            true => self.authenticated().await,
            false => self.reset().await,
        }
    }

    /// Whether it is too old to be used again.
    pub(crate) fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= Instant::now())
    }

    /// Why it is to be ended from outside, if it is.
    pub(crate) fn interruption(&mut self) -> Option<Error> {
        interruption(&self.interrupt).map(|what| self.lost(what))
    }

    /// Its work is done.
    pub(crate) fn make_idle(&mut self) {
        self.idle_since = Instant::now();
        self.is_fresh = false;
        self.bolt.make_idle();
    }

    /// Whether another piece of work can start on this connection as it is: nothing is due, and nothing came that was not.
    pub(crate) fn is_clean(&mut self) -> bool {
        self.is_ready() && matches!(self.poll_event(), Ok(None)) && !self.bolt.is_amid_message()
    }

    /// Whether nothing is due, as far as was read.
    fn is_ready(&self) -> bool {
        !self.broken
            && self.bolt.output().is_empty()
            && self.bolt.state() == State::Ready
            && self.bolt.pending() == 0
    }

    /// Whether it can serve at all.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether work that was written is still here, at least in part. It counts as not done, and must never be sent.
    pub(crate) fn has_unsent_work(&self) -> bool {
        self.bolt.has_unsent_work()
    }

    /// Says goodbye, where the version has it, and closes. One that was ended from outside may still work.
    pub(crate) async fn close(mut self: Box<Self>) {
        if (!self.broken || interruption(&self.interrupt).is_some()) && !self.has_unsent_work() {
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

    /// Whatever ended it: when the driver was closed, another attempt is of no use.
    fn lost(&mut self, what: &str) -> Error {
        self.broken = true;
        let kind = if is_driver_closed(&self.interrupt) { Kind::Closed } else { Kind::Connection };
        Error::new(kind, format!("The connection to {} was lost: {what}.", self.server.address))
            .on(self.server.clone())
    }

    /// An error for an exchange that makes no sense; the connection is given up.
    pub(crate) fn protocol_error(&mut self, what: &str) -> Error {
        self.broken = true;
        Error::new(Kind::Protocol, format!("{} broke the Bolt protocol: {what}.", self.server.address))
            .on(self.server.clone())
    }
}

/// Why bytes do not move. The system's word for the end of its patience does not tell who set that.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => format!(
            "{error}: the server acknowledged nothing, or took nothing of what was sent, for as long as the system waits \
             (connectionLossTimeout)"
        ),
        _ => error.to_string(),
    }
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_systems_patience_names_the_option_that_sets_it() {
        assert!(describe(&io::ErrorKind::TimedOut.into()).contains("connectionLossTimeout"));
        assert!(!describe(&io::ErrorKind::ConnectionReset.into()).contains("connectionLossTimeout"));
    }
}
