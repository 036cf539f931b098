//! The connections to one server: handed out in the order asked for, taken back, never more than the maximum.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::AuthConfig;
use crate::error::{Error, Kind};
use crate::log::Log;
use crate::net::{Conn, Endpoint, Interrupt};

/// How long a connection may take to answer the RESET that makes it fit for other work.
const RECYCLE_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Pool {
    pub(crate) endpoint: Endpoint,
    log: Log,
    size: usize,
    /// One permit a connection in use. Its queue is fair.
    permits: Arc<Semaphore>,
    /// Most recently used last. An idle connection needs no permit, since a new one is only made when none is idle.
    idle: Mutex<Vec<Conn>>,
    /// Connections that come back are closed.
    retired: AtomicBool,
}

/// A connection in use. Dropping it closes the connection; [`Pooled::release`] gives it back.
pub(crate) struct Pooled {
    pub(crate) conn: Conn,
    pool: Arc<Pool>,
    /// It was made for a session's own user, and cannot become anybody else's.
    is_lent: bool,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(endpoint: Endpoint, log: Log) -> Self {
        let size = endpoint.config.max_connection_pool_size.clamp(1, Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(size));
        Pool { endpoint, log, size, permits, idle: Mutex::new(Vec::new()), retired: AtomicBool::new(false) }
    }

    /// A connection that is ready for work, within the acquisition timeout: logged in as the session's own user, or
    /// as the driver's.
    pub(crate) async fn acquire(self: &Arc<Self>, auth: Option<&AuthConfig>) -> Result<Pooled, Error> {
        let config = &self.endpoint.config;
        let limit = Duration::from_millis(config.connection_acquisition_timeout);
        let is_asking = AtomicBool::new(false);
        let acquiring = async {
            let permit = self.permit().await?;
            is_asking.store(true, Ordering::Relaxed);
            let wanted = match auth {
                Some(auth) => Arc::new(auth.clone()),
                None => {
                    let token = self.endpoint.identity.token().await;
                    token.map_err(|why| self.endpoint.error(Kind::Client, why))?
                }
            };
            is_asking.store(false, Ordering::Relaxed);
            self.connect(permit, wanted, auth.is_some()).await
        };
        match tokio::time::timeout(limit, acquiring).await {
            Ok(result) => result,
            Err(_) if is_asking.load(Ordering::Relaxed) => Err(self.endpoint.error(
                Kind::Pool,
                format!(
                    "The auth token manager gave no token for {} in {} ms (connectionAcquisitionTimeout).",
                    self.endpoint.address,
                    limit.as_millis(),
                ),
            )),
            Err(_) => {
                let size = self.size;
                let busy = self.in_use();
                Err(self.endpoint.error(
                    Kind::Pool,
                    format!(
                        "Connection acquisition timed out in {} ms (connectionAcquisitionTimeout): {busy} of {size} \
                         connections to {} are in use. Close sessions that are done, or raise maxConnectionPoolSize.",
                        limit.as_millis(),
                        self.endpoint.address,
                    ),
                ))
            }
        }
    }

    /// Whether the server answers, for a check, which limits its time itself. Asks on an idle connection or a new one,
    /// logged in as the driver's user by its token of now, and needs no permit: that all are in use says nothing of the
    /// server.
    pub(crate) async fn probe(&self, token: Arc<AuthConfig>) -> Result<(), Error> {
        let idle = {
            let mut idle = self.idle.lock();
            let fits = idle.iter().rposition(|conn| conn.is_logged_in_as(&token));
            fits.map(|at| idle.remove(at))
        };
        if let Some(mut conn) = idle {
            if conn.is_quiet().await && conn.reset().await.is_ok() {
                self.keep(conn);
                return Ok(());
            }
        }
        let conn = Box::pin(Conn::open(&self.endpoint, token)).await?;
        self.keep(conn);
        Ok(())
    }

    /// Keeps a connection that was in use without a permit, if there is room for it.
    fn keep(&self, mut conn: Conn) {
        conn.rest();
        let mut idle = self.idle.lock();
        let is_full = idle.len() + self.in_use() >= self.size;
        if is_full || self.permits.is_closed() || self.retired.load(Ordering::Relaxed) {
            drop(idle);
            tokio::spawn(conn.close());
        } else {
            idle.push(conn);
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.permits.clone().acquire_owned().await.map_err(|_| self.closed())
    }

    /// An idle connection, or a new one. `is_own`: for a session's own user.
    async fn connect(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        wanted: Arc<AuthConfig>,
        is_own: bool,
    ) -> Result<Pooled, Error> {
        while let Some(mut conn) = self.take_idle(&wanted, is_own) {
            if !self.is_usable(&mut conn).await {
                tokio::spawn(conn.close());
                continue;
            }
            if !conn.is_logged_in_as(&wanted) {
                match Box::pin(conn.log_in_as(wanted.clone())).await {
                    Ok(()) => {}
                    Err(error) if error.kind == Kind::Connection => continue,
                    Err(error) => return Err(error),
                }
            }
            return Ok(Pooled { conn, pool: self.clone(), is_lent: false, _permit: permit });
        }
        let conn = Box::pin(Conn::open(&self.endpoint, wanted)).await?;
        if self.permits.is_closed() {
            conn.close().await;
            return Err(self.closed());
        }
        self.log.debug(|| format!("connected to {} by Bolt {}", self.endpoint.address, conn.bolt.version()));
        let is_lent = is_own && !conn.can_log_in_again();
        Ok(Pooled { conn, pool: self.clone(), is_lent, _permit: permit })
    }

    /// An idle connection of this user, or one that can become that: the last used. If there is none, those that are
    /// logged in with what was the driver's token once are closed; and for a session's own user, one of the driver's if
    /// there is no room for another connection.
    fn take_idle(&self, wanted: &AuthConfig, is_own: bool) -> Option<Conn> {
        let mut idle = self.idle.lock();
        let fits = idle.iter().rposition(|conn| conn.is_logged_in_as(wanted));
        if let Some(at) = fits.or_else(|| idle.iter().rposition(Conn::can_log_in_again)) {
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
        let too_old = u64::try_from(config.max_connection_lifetime)
            .is_ok_and(|limit| limit > 0 && conn.created.elapsed() > Duration::from_millis(limit));
        if too_old || !conn.is_quiet().await {
            return false;
        }
        let tested_after =
            config.connection_liveness_check_timeout.and_then(|limit| u64::try_from(limit).ok());
        match tested_after {
            Some(limit) if conn.idle_since.elapsed() >= Duration::from_millis(limit) => {
                conn.reset().await.is_ok()
            }
            _ => true,
        }
    }

    /// Connections in use.
    pub(crate) fn in_use(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
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

    /// No connection is handed out any more; idle ones are closed. Those in use end by the endpoint's interrupt.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock());
        for conn in idle {
            conn.close().await;
        }
    }

    fn closed(&self) -> Error {
        self.endpoint.error(Kind::Pool, "The driver is closed: it makes no connection any more.")
    }
}

impl Pooled {
    /// Gives the connection back. One that failed is reset first, by a task of its own; one whose user was refused
    /// is closed.
    pub(crate) fn release(mut self) {
        if self.conn.is_refused || self.is_lent {
            tokio::spawn(self.conn.close());
        } else if self.conn.is_clean() {
            self.put_back();
        } else if !self.conn.is_broken() {
            tokio::spawn(async move {
                let reset = tokio::time::timeout(RECYCLE_TIMEOUT, self.conn.reset()).await;
                if matches!(reset, Ok(Ok(()))) && self.conn.is_clean() {
                    self.put_back();
                }
            });
        }
    }

    fn put_back(self) {
        let Pooled { mut conn, pool, _permit, .. } = self;
        conn.rest();
        let mut idle = pool.idle.lock();
        if pool.permits.is_closed() || pool.retired.load(Ordering::Relaxed) {
            drop(idle);
            tokio::spawn(conn.close());
        } else {
            idle.push(conn);
        }
    }

    /// Makes sure that the user is let in now, and not only that it was once.
    pub(crate) async fn log_in_now(&mut self) -> Result<(), Error> {
        if self.conn.is_fresh {
            return Ok(());
        }
        let auth = self.conn.auth.clone();
        if self.conn.can_log_in_again() {
            return self.conn.log_in_as(auth).await;
        }
        let conn = Conn::open(&self.pool.endpoint, auth).await?;
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
