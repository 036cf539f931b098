//! What a session's work is told of its session: access mode, database, bookmarks, user.

use std::pin::pin;

use bolt::TxMeta;

use super::{Inner, Run};
use crate::bookmarks::Bookmarks;
use crate::config::{AccessMode, Api, TxConfig};
use crate::connect::User;
use crate::error::Error;
use crate::pool::Pooled;

impl Inner {
    /// Whether the server is told that the work only reads.
    pub(super) fn reads(&self) -> bool {
        match self.config.access_mode {
            Some(mode) => mode == AccessMode::Read,
            None => !self.intent.write,
        }
    }

    /// What a transaction that begins now is told of its session: to be asked for when it is about to be written.
    pub(super) async fn settings(&self) -> Result<Settings<'_>, Error> {
        let bookmarks = self.waits_for();
        let bookmarks = match bookmarks.manager {
            None => bookmarks.own,
            Some(_) => Box::pin(self.managed(bookmarks)).await?,
        };
        Ok(Settings {
            session: self,
            bookmarks,
            database: self.database(),
            filter: self.config.notification_filter.as_ref().map(|filter| filter.to_bolt()),
        })
    }

    async fn managed(&self, bookmarks: Bookmarks) -> Result<Vec<String>, Error> {
        let core = &self.core;
        let asking = pin!(async {
            tokio::select! {
                biased;
                error = core.closing() => Err(error),
                bookmarks = bookmarks.now(&*core.observer, &core.config) => bookmarks,
            }
        });
        self.signals.unless_aborted(asking).await
    }

    /// Where the bookmarks of the next work come from. Those that the session was opened with join a manager's until some
    /// work has followed on them: then the manager knows what comes after.
    pub(super) fn waits_for(&self) -> Bookmarks {
        let (mut own, manager) = (self.bookmarks.lock().clone(), self.config.bookmark_manager);
        if manager.is_some() && own != self.config.bookmarks {
            own.clear();
        }
        Bookmarks { own, manager }
    }

    /// The database that the work is for, as far as it is known.
    pub(super) fn database(&self) -> Option<String> {
        self.config.database.clone().or_else(|| self.place.lock().home.clone())
    }

    /// Whether what this server is asked is done by it alone.
    pub(super) fn is_done_alone(&self, server: usize) -> bool {
        self.place.lock().topology.is_done_alone(server)
    }

    /// Draws the consequences of an error for what is known of its server, whatever comes of the work itself.
    pub(super) fn on_error(&self, error: Error) -> Error {
        self.core.on_error(error, self.database().as_deref(), &self.place)
    }

    /// The server has answered the work under way.
    pub(super) fn answered_by(&self, server: usize) {
        self.core.selection.answered(server, self.place.lock().began);
    }

    /// A server says in which database it does the work: where members have roles for each, this session stays with it.
    pub(super) fn works_in(&self, database: Option<String>) {
        let (Some(database), None) = (database, &self.config.database) else { return };
        if self.place.lock().home.is_none() && self.core.is_home(self.user(), &database) {
            self.place.lock().home = Some(database);
        }
    }

    /// Who the work is done as.
    pub(super) fn user(&self) -> User<'_> {
        User {
            impersonated: self.config.impersonated_user.as_deref(),
            auth: self.config.auth.as_ref(),
            routed_by_driver: false,
        }
    }

    /// Work that waited for `previous` was committed.
    pub(super) fn remember(&self, previous: &[String], bookmark: Option<String>) {
        let Some(bookmark) = bookmark else { return };
        if let Some(manager) = self.config.bookmark_manager {
            self.core.observer.committed(manager, previous, &bookmark);
        }
        *self.bookmarks.lock() = vec![bookmark];
    }

    /// Whether the application has declared that the work only reads.
    pub(super) fn reads_only(&self) -> bool {
        !self.intent.write && self.reads()
    }

    /// TELEMETRY, for servers that ask for it (Bolt 5.4 and later). Whether it was written.
    pub(super) fn send_telemetry(&self, pooled: &mut Pooled, api: Api) -> Result<bool, bolt::RequestError> {
        if self.core.config.telemetry_disabled {
            return Ok(false);
        }
        pooled.bolt.telemetry(api.into())
    }

    pub(super) fn fetch_size(&self, run: &Run) -> i64 {
        run.config.fetch_size.or(self.config.fetch_size).unwrap_or(self.core.config.fetch_size)
    }
}

/// Settings of a transaction that are its session's, as they were when it began.
pub(super) struct Settings<'a> {
    pub(super) session: &'a Inner,
    pub(super) bookmarks: Vec<String>,
    database: Option<String>,
    filter: Option<bolt::NotificationFilter>,
}

impl Settings<'_> {
    pub(super) fn tx_meta<'a>(&'a self, config: &TxConfig, metadata: Option<&'a [u8]>) -> TxMeta<'a> {
        TxMeta {
            bookmarks: &self.bookmarks,
            timeout_ms: config.timeout,
            metadata,
            read: self.session.reads(),
            database: self.database.as_deref(),
            impersonated_user: self.session.config.impersonated_user.as_deref(),
            notification_filter: self.filter.as_ref(),
        }
    }
}
