//! A driver: the face of [`Core`] for applications.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::config::{Config, SessionConfig, VerifyConfig};
use crate::core::{Core, ServerIdentity};
use crate::error::{Error, Kind};
use crate::observer::Observer;
use crate::session::Session;
use crate::strategy::{Intent, Permissions, Strategy};
use crate::topology::View;

/// The entry to a pool of servers.
pub struct Driver(Arc<Core>);

impl Driver {
    /// Checks the configuration and starts the checks of the servers; connections are made when they are needed.
    /// All work of the driver runs on `runtime`, which must have its I/O and time drivers enabled.
    ///
    /// # Errors
    /// [`Kind::Client`], naming what is wrong with the configuration.
    pub fn new(config: Config, observer: Arc<dyn Observer>, runtime: Handle) -> Result<Driver, Error> {
        Ok(Driver(Arc::new(Core::new(config, observer, runtime)?)))
    }

    /// A session. The server is chosen now, if the first check is over, and again when the chosen one no longer fits.
    pub fn session(&self, intent: Intent, config: SessionConfig) -> Session {
        let chosen = self.0.choose_early(intent, config.preferred);
        Session::new(self.0.clone(), intent, config, chosen)
    }

    /// The intent of a session, with the driver's own settings where -1 stands.
    pub fn intent(&self, write: bool, rw_mask: i32, strategy: i32, server: i32) -> Intent {
        let config = &self.0.config;
        Intent {
            write,
            permissions: Permissions::from_mask(rw_mask).unwrap_or_else(|| config.permissions()),
            strategy: if strategy < 0 { config.strategy() } else { Strategy::from_number(strategy) },
            pinned: usize::try_from(server).ok(),
        }
    }

    /// The place of the server that a session with this intent would get.
    pub fn choose(&self, intent: Intent) -> usize {
        self.0.selection.choose(&self.0.topology.view(), intent)
    }

    /// The places of the servers that a strategy of the user's own may choose from.
    pub fn candidates(&self, intent: Intent) -> Vec<usize> {
        self.0.selection.candidates(&self.0.topology.view(), intent)
    }

    /// What is known of the servers.
    pub fn view(&self) -> Arc<View> {
        self.0.topology.view()
    }

    /// Waits for the end of the first check of all servers, whatever it found. An error if the driver is closed first.
    pub fn ready(&self) -> impl std::future::Future<Output = Result<(), Error>> + Send + 'static {
        let core = self.0.clone();
        async move {
            match core.wait_checked().await.checked {
                true => Ok(()),
                false => {
                    Err(Error::new(Kind::Pool, "The driver was closed before its first check was over."))
                }
            }
        }
    }

    /// Checks all servers now and waits for the result.
    pub fn check(&self) -> impl std::future::Future<Output = ()> + Send + 'static {
        let core = self.0.clone();
        async move { core.check().await }
    }

    /// Makes sure that a server can be reached and takes the credentials. Without `server`, any that may do the work.
    pub fn verify(
        &self,
        server: Option<usize>,
        config: VerifyConfig,
    ) -> impl std::future::Future<Output = Result<ServerIdentity, Error>> + Send + 'static {
        let core = self.0.clone();
        async move {
            tokio::select! {
                biased;
                identity = core.verify(server, &config) => identity,
                error = core.closing() => Err(error),
            }
        }
    }

    /// Takes a connection, as work does, and gives it back.
    ///
    /// # Errors
    /// Those of work that gets no connection.
    #[cfg(feature = "acquire")]
    pub async fn acquire(&self) -> Result<(), Error> {
        self.0.acquire(None, &VerifyConfig::default()).await.map(crate::pool::Pooled::release)
    }

    /// The Bolt version that is spoken with a server; without one, with any, or with where a cluster begins. Nobody is logged
    /// in for it.
    pub fn negotiate(
        &self,
        server: Option<usize>,
    ) -> impl std::future::Future<Output = Result<bolt::Version, Error>> + Send + 'static {
        let core = self.0.clone();
        async move {
            tokio::select! {
                biased;
                version = core.negotiate(server) => version,
                error = core.closing() => Err(error),
            }
        }
    }

    /// Stops the checks, ends what is under way with an error, and closes every connection. What is asked for from this call on is
    /// refused.
    pub fn close(&self) -> impl std::future::Future<Output = ()> + Send + 'static {
        let core = self.0.clone();
        core.begin_close();
        async move { core.finish_close().await }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let close = self.close();
        self.0.runtime.spawn(close);
    }
}
