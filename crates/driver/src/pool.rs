//! The connections to one server: handed out in the order asked for, taken back, never more than the maximum.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::AuthConfig;
use crate::error::{Error, Kind};
use crate::log::Log;
use crate::net::phase::{Phase, Phases};
use crate::net::{Conn, Endpoint, Interrupt};
use crate::watch;

/// How long an idle connection may take to show that it lives: a new one would do, too.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(2);
/// How long closing waits for the connections: the work on them is told, and their goodbyes have a limit of their own.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of a query that tell who holds a connection.
const FIRST_WORDS: usize = 60;
/// How many of those who hold connections are told of.
const HOLDERS_TOLD: usize = 3;

/// Who works with a connection; the pool knows this of all its connections.
#[derive(Default)]
pub(crate) struct Usage(Mutex<Work>);

#[derive(Default)]
struct Work {
    /// Since when, if it is in use.
    since: Option<Instant>,
    /// How the last query begins.
    query: String,
    holder: Option<Weak<dyn Holder>>,
}

impl Work {
    fn end(&mut self) {
        self.since = None;
        self.query.clear();
        self.holder = None;
    }
}

/// Somebody who keeps a connection while nothing is asked of it.
pub(crate) trait Holder: Send + Sync {
    /// The server's connections are to end: this one, too, if it is not being worked with.
    fn on_interrupt(&self);
}

pub(crate) struct Pool {
    pub(crate) endpoint: Endpoint,
    log: Log,
    size: usize,
    /// One permit a connection in use. Its queue is fair.
    permits: Arc<Semaphore>,
    /// Most recently used last. An idle connection needs no permit, since a new one is only made when none is idle.
    #[allow(clippy::vec_box)] // each goes out and comes back in its box
    idle: Mutex<Vec<Box<Conn>>>,
    /// What is known of every connection, in use or idle.
    usages: Mutex<Vec<Weak<Usage>>>,
    /// How many wait for a connection to become free.
    waiting: AtomicUsize,
    /// The task that ends connections from outside runs.
    is_tended: AtomicBool,
    /// Connections that come back are closed.
    retired: AtomicBool,
}

/// Takes part in a count for as long as it lives.
pub(crate) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    pub(crate) fn by(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection in use. Dropping it closes the connection; [`Pooled::release`] gives it back.
pub(crate) struct Pooled {
    pub(crate) conn: Box<Conn>,
    pool: Arc<Pool>,
    /// It was made for a session's own user, and cannot become anybody else's.
    is_lent: bool,
    permit: OwnedSemaphorePermit,
}

/// A connection whose work may be given up: it is reset then, and goes back to its pool.
pub(crate) struct ReleasedOnDrop(pub(crate) Option<Pooled>);

impl Drop for ReleasedOnDrop {
    fn drop(&mut self) {
        if let Some(pooled) = self.0.take() {
            pooled.release();
        }
    }
}

impl Pool {
    pub(crate) fn new(endpoint: Endpoint, log: Log) -> Self {
        let size = endpoint.config.max_connection_pool_size.clamp(1, Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(size));
        Pool {
            endpoint,
            log,
            size,
            permits,
            idle: Mutex::default(),
            usages: Mutex::default(),
            waiting: AtomicUsize::new(0),
            is_tended: AtomicBool::new(false),
            retired: AtomicBool::new(false),
        }
    }

    /// A connection that is ready for work, within the acquisition timeout: logged in as the session's own user, or
    /// as the driver's.
    /// The phases are told to who has less patience.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        auth: Option<&AuthConfig>,
        phases: &Phases,
    ) -> Result<Pooled, Error> {
        self.acquire_until(Instant::now() + self.acquisition_limit(), auth, phases).await
    }

    fn acquisition_limit(&self) -> Duration {
        self.endpoint.config.acquisition_limit()
    }

    /// The same for somebody whose acquisition began before this server was chosen.
    pub(crate) async fn acquire_until(
        self: &Arc<Self>,
        deadline: Instant,
        auth: Option<&AuthConfig>,
        phases: &Phases,
    ) -> Result<Pooled, Error> {
        let acquiring = pin!(async {
            let permit = self.permit().await?;
            let wanted = match auth {
                Some(auth) => Arc::new(auth.clone()),
                None => {
                    phases.enter(Phase::Token);
                    let token = self.endpoint.identity.token().await;
                    token.map_err(|no| self.endpoint.unanswered(no))?
                }
            };
            self.connect(permit, wanted, auth.is_some(), phases).await
        });
        match tokio::time::timeout_at(deadline, acquiring).await {
            Ok(result) => result,
            Err(_) => {
                let what = format!(
                    "Connection acquisition timed out in {} ms (connectionAcquisitionTimeout) for {}: {}",
                    self.acquisition_limit().as_millis(),
                    self.endpoint.address,
                    self.describe_wait(phases),
                );
                Err(self.endpoint.error(Kind::Pool, what))
            }
        }
    }

    /// An acquisition is given up because of the server: says what it waited for.
    pub(crate) fn gave_none(&self, what: &str, phases: &Phases) -> Error {
        let what = format!("{} {what}: {}", self.endpoint.address, self.describe_wait(phases));
        self.endpoint.error(Kind::Connection, what)
    }

    fn describe_wait(&self, phases: &Phases) -> String {
        match phases.now() {
            Phase::Queue => self.describe_usage(),
            phase => format!("{phase}."),
        }
    }

    /// Who holds the connections, and who else waits for one.
    fn describe_usage(&self) -> String {
        let mut works: Vec<(Instant, String)> = Vec::new();
        for usage in self.usages.lock().iter().filter_map(Weak::upgrade) {
            let work = usage.0.lock();
            works.extend(work.since.map(|since| (since, first_words(&work.query))));
        }
        works.sort();
        let oldest = works.first().map(|(since, _)| format!(", the oldest for {}", age(*since)));
        let holders: Vec<String> = works
            .iter()
            .filter(|(_, query)| !query.is_empty())
            .take(HOLDERS_TOLD)
            .map(|(since, query)| format!("\"{query}\" (for {})", age(*since)))
            .collect();
        let holders = match holders.is_empty() {
            true => String::new(),
            false => format!(" Held by: {}.", holders.join(", ")),
        };
        format!(
            "{} of {} connections are in use{}.{holders} {} more wait in the queue. Close sessions that are done, or raise \
             maxConnectionPoolSize.",
            self.in_use(),
            self.size,
            oldest.unwrap_or_default(),
            self.waiting.load(Ordering::Relaxed),
        )
    }

    /// A connection on which the server answers, for a check, which ends it after the limit. An idle one, which may have
    /// been cut on the way and gets no more than a quarter of the time, or a new one; logged in as the driver's user by its
    /// token of now. It needs no permit: that all are in use says nothing of the server.
    pub(crate) async fn check_out(
        self: &Arc<Self>,
        token: Arc<AuthConfig>,
        limit: Duration,
        phases: &Phases,
    ) -> Result<Box<Conn>, Error> {
        let idle = {
            let mut idle = self.idle.lock();
            let fits = idle.iter().rposition(|conn| conn.is_logged_in_as(&token));
            fits.map(|at| idle.remove(at))
        };
        if let Some(mut conn) = idle {
            if conn.is_quiet().await && conn.reset_within(limit / 4).await.is_ok() {
                return Ok(conn);
            }
        }
        self.open(token, phases).await
    }

    /// A check is over that had this connection.
    pub(crate) fn check_in(&self, conn: Box<Conn>) {
        self.put_back(conn, None);
    }

    /// Makes a connection idle, or closes it if it is not to be used again. One that was used without a permit stays only
    /// if there is room for it.
    fn put_back(&self, mut conn: Box<Conn>, permit: Option<OwnedSemaphorePermit>) {
        conn.make_idle();
        conn.usage.0.lock().end();
        let mut idle = self.idle.lock();
        let has_room = permit.is_some() || idle.len() + self.in_use() < self.size;
        let is_retired = self.retired.load(Ordering::Relaxed);
        if has_room && !is_retired && !conn.is_expired() {
            idle.push(conn);
        } else {
            drop(idle);
            tokio::spawn(conn.close());
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let _waiting = Counted::by(&self.waiting);
        self.permits.clone().acquire_owned().await.map_err(|_| self.closed())
    }

    /// An idle connection, or a new one. `is_own`: for a session's own user.
    async fn connect(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        wanted: Arc<AuthConfig>,
        is_own: bool,
        phases: &Phases,
    ) -> Result<Pooled, Error> {
        while let Some(mut conn) = self.take_idle(&wanted, is_own) {
            phases.enter(Phase::Liveness);
            if !self.is_usable(&mut conn).await {
                tokio::spawn(conn.close());
                continue;
            }
            if !conn.is_logged_in_as(&wanted) {
                conn.log_in_as(wanted.clone(), self.endpoint.config.connection_timeout)?;
            }
            return Ok(self.lend(conn, permit, false));
        }
        let conn = Box::pin(Conn::open(&self.endpoint, wanted, phases)).await?;
        if self.permits.is_closed() {
            // In a box, as all that is large and rare.
            Box::pin(conn.close()).await;
            return Err(self.closed());
        }
        self.log.debug(|| format!("connected to {} by Bolt {}", self.endpoint.address, conn.bolt.version()));
        self.register(&conn);
        let is_lent = is_own && !conn.can_log_in_again();
        Ok(self.lend(conn, permit, is_lent))
    }

    fn lend(self: &Arc<Self>, conn: Box<Conn>, permit: OwnedSemaphorePermit, is_lent: bool) -> Pooled {
        conn.usage.0.lock().since = Some(Instant::now());
        Pooled { conn, pool: self.clone(), is_lent, permit }
    }

    fn register(self: &Arc<Self>, conn: &Conn) {
        let mut usages = self.usages.lock();
        usages.retain(|usage| usage.strong_count() > 0);
        usages.push(Arc::downgrade(&conn.usage));
        if !self.is_tended.swap(true, Ordering::Relaxed) {
            let interrupts = self.endpoint.interrupt.subscribe();
            tokio::spawn(tend(Arc::downgrade(self), self.reaping_interval(), interrupts));
        }
    }

    /// How often idle connections are looked at; `None` if they do not age.
    fn reaping_interval(&self) -> Option<Duration> {
        let lifetime = u64::try_from(self.endpoint.config.max_connection_lifetime).ok()?;
        (lifetime > 0).then(|| Duration::from_millis((lifetime / 10).clamp(10, 60_000)))
    }

    /// Ends idle connections that are too old.
    fn reap(&self) {
        for conn in self.idle.lock().extract_if(.., |conn| conn.is_expired()) {
            tokio::spawn(conn.close());
        }
    }

    /// Tells those who keep connections and do not talk on them that these are to end.
    fn end_parked(&self) {
        let usages: Vec<_> = self.usages.lock().iter().filter_map(Weak::upgrade).collect();
        for usage in usages {
            let holder = usage.0.lock().holder.as_ref().and_then(Weak::upgrade);
            if let Some(holder) = holder {
                holder.on_interrupt();
            }
        }
    }

    /// An idle connection of this user, or one that can become that: the last used. If there is none, those that are
    /// logged in with what was the driver's token once are closed; and for a session's own user, one of the driver's if
    /// there is no room for another connection.
    fn take_idle(&self, wanted: &AuthConfig, is_own: bool) -> Option<Box<Conn>> {
        let mut idle = self.idle.lock();
        let fits = idle.iter().rposition(|conn| conn.is_logged_in_as(wanted));
        if let Some(at) = fits.or_else(|| idle.iter().rposition(|conn| conn.can_log_in_again())) {
            return Some(idle.remove(at));
        }
        let too_many = match is_own {
            true => (idle.len() + self.in_use()).saturating_sub(self.size).min(idle.len()),
            false => idle.len(),
        };
        for conn in idle.drain(..too_many) {
            tokio::spawn(conn.close());
        }
        None
    }

    async fn is_usable(&self, conn: &mut Conn) -> bool {
        let config = &self.endpoint.config;
        if conn.is_expired() || !conn.is_quiet().await {
            return false;
        }
        let tested_after =
            config.connection_liveness_check_timeout.and_then(|limit| u64::try_from(limit).ok());
        if tested_after.is_none_or(|limit| conn.idle_since.elapsed() < Duration::from_millis(limit)) {
            return true;
        }
        // There has to be time left for a new connection.
        let acquisition = config.acquisition_limit();
        if Box::pin(conn.reset_within(LIVENESS_TIMEOUT.min(acquisition / 4))).await.is_ok() {
            return true;
        }
        // What cut it has cut those that were silent for longer: they are not asked one by one.
        for stale in self.idle.lock().extract_if(.., |other| other.idle_since <= conn.idle_since) {
            tokio::spawn(stale.close());
        }
        false
    }

    /// Connections in use.
    pub(crate) fn in_use(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
    }

    /// Whether whoever wants a connection waits for another one to give one back.
    pub(crate) fn is_full(&self) -> bool {
        self.permits.available_permits() == 0
    }

    /// How many work with a connection, or wait for one.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_use() + self.waiting.load(Ordering::Relaxed)
    }

    /// Opens connections until so many are idle, for work that is to come, as far as there is room. Each has the permit of work until it
    /// is there: so there are never more, and who waits for a permit waits for the connection.
    pub(crate) async fn warm_up(self: Arc<Self>, wanted: usize) {
        let room = self.size.saturating_sub(self.in_use());
        let missing = wanted.min(room).saturating_sub(self.idle.lock().len());
        let permits: Vec<_> =
            (0..missing).map_while(|_| self.permits.clone().try_acquire_owned().ok()).collect();
        if permits.is_empty() {
            return;
        }
        // Why there is none is told to whoever needs one.
        let Ok(token) = self.endpoint.identity.token_within(self.acquisition_limit()).await else { return };
        let mut opening = JoinSet::new();
        for permit in permits {
            let (pool, token) = (self.clone(), token.clone());
            opening.spawn(async move {
                let phases = Phases::starting_with(Phase::Certificate);
                pool.open(token, &phases).await.map(|conn| pool.put_back(conn, Some(permit))).is_ok()
            });
        }
        // The first that fails ends the others.
        while let Some(Ok(true)) = opening.join_next().await {}
    }

    /// A connection that is nobody's.
    async fn open(self: &Arc<Self>, token: Arc<AuthConfig>, phases: &Phases) -> Result<Box<Conn>, Error> {
        let mut interrupts = self.endpoint.interrupt.subscribe();
        let conn = tokio::select! {
            biased;
            conn = Box::pin(Conn::open(&self.endpoint, token, phases)) => conn?,
            // Nobody waits for it who would be told.
            _ = interrupts.wait_for(|interrupt| *interrupt == Interrupt::Closed) => return Err(self.closed()),
        };
        self.register(&conn);
        Ok(conn)
    }

    /// The server is not wanted any more: idle connections are closed now, others when their work is done.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        for conn in std::mem::take(&mut *self.idle.lock()) {
            tokio::spawn(conn.close());
        }
    }

    /// Closes what is idle, such as after the server went away.
    pub(crate) fn drop_idle(&self) {
        self.idle.lock().clear();
    }

    /// The server has been silent for too long: its connections are ended, with an error for whoever waits on one.
    pub(crate) fn give_up(&self) {
        self.drop_idle();
        self.endpoint.interrupt.send_modify(|interrupt| {
            *interrupt = match *interrupt {
                Interrupt::Closed => Interrupt::Closed,
                Interrupt::Unresponsive(n) => Interrupt::Unresponsive(n.wrapping_add(1)),
                Interrupt::None => Interrupt::Unresponsive(1),
            }
        });
    }

    /// No connection is handed out any more, and all are ended: those that nobody works with at once, the others by who
    /// does. What is returned waits until none is left, but not for long.
    pub(crate) fn close(&self) -> impl Future<Output = ()> + '_ {
        self.permits.close();
        self.endpoint.interrupt.send_replace(Interrupt::Closed);
        self.retire();
        self.end_parked();
        // Every connection listens, until it has said goodbye.
        let closing = tokio::time::timeout(CLOSE_TIMEOUT, self.endpoint.interrupt.closed());
        async move {
            if closing.await.is_err() {
                self.log.debug(|| format!("connections to {} are still in use", self.endpoint.address));
            }
        }
    }

    fn closed(&self) -> Error {
        self.endpoint.error(Kind::Closed, "The driver is closed: it makes no connection any more.")
    }
}

impl Pooled {
    /// Gives the connection back. One that failed is reset first, by a task of its own; one whose user was refused, that is
    /// ended from outside, or that still holds work which was not sent, is closed.
    pub(crate) fn release(mut self) {
        let is_ended = self.conn.is_refused || self.is_lent || self.conn.interruption().is_some();
        if is_ended || self.conn.has_unsent_work() {
            tokio::spawn(self.conn.close());
        } else if self.conn.is_clean() {
            self.put_back();
        } else if !self.conn.is_broken() {
            tokio::spawn(async move {
                match self.conn.reset().await {
                    Ok(()) if self.conn.is_clean() => self.put_back(),
                    _ => self.conn.close().await,
                }
            });
        }
    }

    fn put_back(self) {
        let Pooled { conn, pool, permit, .. } = self;
        pool.put_back(conn, Some(permit));
    }

    /// Says what the connection is used for, to those who wait for one.
    pub(crate) fn note_query(&mut self, query: &str) {
        write_beginning(query, &mut self.conn.usage.0.lock().query);
    }

    /// Nobody talks on it for now: its holder is told when it is to end. An error says that it is to end already.
    pub(crate) fn park(&mut self, holder: Weak<dyn Holder>) -> Result<(), Error> {
        // In this order: who is not seen by `Pool::end_parked` sees the interrupt that came before it.
        self.conn.usage.0.lock().holder = Some(holder);
        self.conn.interruption().map_or(Ok(()), Err)
    }

    /// Makes sure that the server takes the credentials now, and not only that it did once.
    pub(crate) async fn log_in_now(&mut self) -> Result<(), Error> {
        if self.conn.is_fresh {
            return self.conn.authenticated().await;
        }
        let auth = self.conn.auth.clone();
        if self.conn.can_log_in_again() {
            self.conn.log_in_as(auth, self.pool.endpoint.config.connection_timeout)?;
            return self.conn.authenticated().await;
        }
        let conn = Conn::open(&self.pool.endpoint, auth, &Phases::starting_with(Phase::Certificate)).await?;
        self.pool.register(&conn);
        tokio::spawn(std::mem::replace(&mut self.conn, conn).close());
        Ok(())
    }
}

impl std::ops::Deref for Pooled {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl std::ops::DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Time left until a deadline.
pub(crate) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Ends connections from outside for as long as there is a pool: idle ones when they are too old, all when the server is
/// given up or the driver closed.
async fn tend(pool: Weak<Pool>, every: Option<Duration>, mut interrupts: watch::Receiver<Interrupt>) {
    loop {
        tokio::select! {
            biased;
            changed = interrupts.changed() => match (changed, pool.upgrade()) {
                (Ok(()), Some(pool)) => pool.end_parked(),
                _ => return,
            },
            () = tokio::time::sleep(every.unwrap_or_default()), if every.is_some() => match pool.upgrade() {
                Some(pool) => pool.reap(),
                None => return,
            },
        }
        if *interrupts.borrow() == Interrupt::Closed {
            return;
        }
    }
}

fn age(since: Instant) -> String {
    format!("{} ms", since.elapsed().as_millis())
}

/// Writes down how a query begins, up to its first literal: others are told of it, and a literal may be a password. For each query:
/// it is made fit to be read when somebody is told.
fn write_beginning(query: &str, text: &mut String) {
    let end = (0..=FIRST_WORDS.min(query.len())).rev().find(|end| query.is_char_boundary(*end));
    let beginning = query.get(..end.unwrap_or(0)).unwrap_or_default();
    let words = beginning.split(['\'', '"']).next().unwrap_or_default();
    text.clear();
    text.push_str(words.trim_end());
    if words.len() < query.len() {
        text.push('…');
    }
}

/// The words of it, on one line.
fn first_words(beginning: &str) -> String {
    beginning.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_of_a_query_hold_no_literal() {
        for (query, words) in [
            ("MATCH (n)\n  RETURN n", "MATCH (n) RETURN n"),
            ("ALTER CURRENT USER SET PASSWORD FROM 'old' TO 'new'", "ALTER CURRENT USER SET PASSWORD FROM…"),
            ("CREATE USER a SET PASSWORD \"secret\"", "CREATE USER a SET PASSWORD…"),
            ("'secret'", "…"),
            (&format!("RETURN {}", "é".repeat(60)), &format!("RETURN {}…", "é".repeat(26))),
        ] {
            let mut text = "of the query before".to_owned();
            write_beginning(query, &mut text);
            assert_eq!(first_words(&text), words);
        }
    }
}
