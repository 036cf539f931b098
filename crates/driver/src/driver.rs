//! A driver: the servers, their pools, what is known of them, and the choice among them.

use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::address::Address;
use crate::config::{Config, Mode, SessionConfig, VerifyConfig};
use crate::error::{Error, Kind, ServerRef};
use crate::identity::Identity;
use crate::log::Log;
use crate::net::certificate::ClientCertificates;
use crate::net::phase::Phases;
use crate::net::{tls, Conn, Endpoint, Interrupt};
use crate::observer::Observer;
use crate::pool::{Pool, Pooled};
use crate::session::Session;
use crate::strategy::{eligible, is_eligible, pick, Intent, Permissions, Strategy, Turns};
use crate::topology::ha::{self, Checker};
use crate::topology::routing::{Ask, Router};
use crate::topology::{Status, Topology, View};

/// How often the same situation is warned of at most.
const WARN_EVERY: Duration = Duration::from_secs(1);

/// The entry to a pool of servers.
pub struct Driver {
    shared: Arc<Shared>,
    watchers: Mutex<Vec<JoinHandle<()>>>,
}

/// What the driver, its sessions and its tasks have in common.
pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) topology: Arc<Topology>,
    /// For [`Mode::Routing`], where `pools` is empty.
    pub(crate) router: Option<Arc<Router>>,
    checker: Option<Arc<Checker>>,
    pub(crate) runtime: Handle,
    observer: Arc<dyn Observer>,
    log: Log,
    /// Round robin counts per driver.
    turns: Turns,
    closed: watch::Sender<bool>,
    warned: Mutex<Option<Instant>>,
}

/// What [`Driver::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// `host:port`.
    pub address: String,
    /// The Bolt version agreed on.
    pub version: bolt::Version,
    /// What the server calls itself, such as `Neo4j/5.26.0`.
    pub agent: String,
}

impl Driver {
    /// Checks the configuration and starts the checks of the servers; connections are made when they are needed.
    /// All work of the driver runs on `runtime`, which must have its I/O and time drivers enabled.
    ///
    /// # Errors
    /// [`Kind::Client`], naming what is wrong with the configuration.
    pub fn new(config: Config, observer: Arc<dyn Observer>, runtime: Handle) -> Result<Driver, Error> {
        if config.servers.is_empty() {
            return Err(Error::new(Kind::Client, "There is no server: name at least one."));
        }
        let config = Arc::new(config);
        let log = Log::new(observer.clone(), config.log_level);
        let client_certificates =
            config.client_certificate.then(|| Arc::new(ClientCertificates::new(observer.clone())));
        let endpoints = (0..config.servers.len())
            .map(|index| endpoint(&config, index, &observer, &client_certificates))
            .collect::<Result<Vec<_>, Error>>()?;
        let addresses = endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
        let topology = Arc::new(Topology::new(&config, addresses, observer.clone(), log.clone()));
        let mut endpoints = endpoints.into_iter().peekable();
        let seed = endpoints.next_if(|_| config.mode == Mode::Routing);
        let router = seed.map(|seed| Arc::new(Router::new(&config, seed, observer.clone(), log.clone())));
        let pools: Vec<_> = endpoints.map(|endpoint| Arc::new(Pool::new(endpoint, log.clone()))).collect();
        let checker = match config.mode {
            Mode::Ha => Some(Arc::new(Checker::new(&config, &pools, &topology, &log)?)),
            Mode::Direct | Mode::Routing => None,
        };
        if tls::uses_system_store(&config)? {
            // Reading it takes a while, and is not to keep the connections waiting that need it first.
            let config = config.clone();
            runtime.spawn_blocking(move || tls::read_system_store(&config));
        }
        let shared = Arc::new(Shared {
            config,
            pools,
            topology,
            router,
            checker,
            runtime,
            observer,
            log,
            turns: Turns::default(),
            closed: watch::Sender::new(false),
            warned: Mutex::new(None),
        });
        let watchers = match &shared.checker {
            Some(checker) => {
                let watch = |index| shared.runtime.spawn(ha::watch(checker.clone(), index));
                (0..shared.pools.len()).map(watch).collect()
            }
            None => Vec::new(),
        };
        Ok(Driver { shared, watchers: Mutex::new(watchers) })
    }

    /// A session. The server is chosen now, if the first check is over, and again when the chosen one no longer fits.
    pub fn session(&self, intent: Intent, config: SessionConfig) -> Session {
        let view = self.shared.topology.view();
        let chosen = match (intent.pinned, intent.strategy, config.preferred) {
            (Some(pinned), _, _) => Some(pinned),
            (None, Strategy::Custom(_), preferred) => preferred,
            _ if !view.checked => None,
            // Somebody is being looked at again: the session's work waits for that instead of falling back now.
            _ if view.is_in_doubt() && eligible(&view, intent.permissions, intent.write).is_empty() => None,
            _ => Some(self.shared.choose(&view, intent)),
        };
        Session::new(self.shared.clone(), intent, config, chosen)
    }

    /// The intent of a session, with the driver's own settings where -1 stands.
    pub fn intent(&self, write: bool, rw_mask: i32, strategy: i32, server: i32) -> Intent {
        let config = &self.shared.config;
        Intent {
            write,
            permissions: Permissions::from_mask(rw_mask).unwrap_or_else(|| config.permissions()),
            strategy: if strategy < 0 { config.strategy() } else { Strategy::from_number(strategy) },
            pinned: usize::try_from(server).ok().filter(|s| *s < self.shared.pools.len()),
        }
    }

    /// The place of the server that a session with this intent would get.
    pub fn choose(&self, intent: Intent) -> usize {
        self.shared.choose(&self.shared.topology.view(), intent)
    }

    /// The places of the servers that may do this work.
    pub fn candidates(&self, intent: Intent) -> Vec<usize> {
        eligible(&self.shared.topology.view(), intent.permissions, intent.write)
    }

    /// What is known of the servers.
    pub fn view(&self) -> Arc<View> {
        self.shared.topology.view()
    }

    /// Waits for the end of the first check of all servers, whatever it found. An error if the driver is closed first.
    pub fn ready(&self) -> impl std::future::Future<Output = Result<(), Error>> + Send + 'static {
        let shared = self.shared.clone();
        async move {
            match shared.wait_checked().await.checked {
                true => Ok(()),
                false => {
                    Err(Error::new(Kind::Pool, "The driver was closed before its first check was over."))
                }
            }
        }
    }

    /// Checks all servers now and waits for the result.
    pub fn check(&self) -> impl std::future::Future<Output = ()> + Send + 'static {
        let checker = self.shared.checker.clone();
        let servers = self.shared.pools.len();
        async move {
            let Some(checker) = checker else { return };
            let checks: Vec<_> = (0..servers)
                .map(|index| {
                    let checker = checker.clone();
                    tokio::spawn(async move { checker.check(index).await })
                })
                .collect();
            for check in checks {
                let _ = check.await;
            }
        }
    }

    /// Makes sure that a server can be reached and takes the credentials. Without `server`, any that may do the work.
    pub fn verify(
        &self,
        server: Option<usize>,
        config: VerifyConfig,
    ) -> impl std::future::Future<Output = Result<ServerIdentity, Error>> + Send + 'static {
        let shared = self.shared.clone();
        async move {
            let mut pooled = tokio::select! {
                pooled = shared.any_connection(server, &config) => pooled?,
                error = shared.closing() => return Err(error),
            };
            match config.login {
                true => pooled.log_in_now().await?,
                false => pooled.answers().await?,
            }
            let (version, agent) = pooled.identity();
            let identity = ServerIdentity { address: pooled.server.address.clone(), version, agent };
            pooled.release();
            Ok(identity)
        }
    }

    /// The Bolt version that is spoken with a server; without one, with any, or with where a cluster begins. Nobody is logged
    /// in for it.
    pub fn negotiate(
        &self,
        server: Option<usize>,
    ) -> impl std::future::Future<Output = Result<bolt::Version, Error>> + Send + 'static {
        let shared = self.shared.clone();
        async move {
            let negotiating = async {
                match &shared.router {
                    Some(router) => router.negotiate().await,
                    None => {
                        let pool = shared.any_pool(server, false).await?;
                        Conn::negotiate(&pool.endpoint).await
                    }
                }
            };
            tokio::select! {
                version = negotiating => version,
                error = shared.closing() => Err(error),
            }
        }
    }

    /// Stops the checks, ends what is under way with an error, and closes every connection.
    pub fn close(&self) -> impl std::future::Future<Output = ()> + Send + 'static {
        let shared = self.shared.clone();
        let watchers = std::mem::take(&mut *self.watchers.lock());
        async move {
            watchers.iter().for_each(JoinHandle::abort);
            for watcher in watchers {
                let _ = watcher.await;
            }
            shared.close().await;
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let close = self.close();
        self.shared.runtime.spawn(close);
    }
}

impl Shared {
    async fn any_connection(&self, server: Option<usize>, config: &VerifyConfig) -> Result<Pooled, Error> {
        if let Some(router) = &self.router {
            // Who is to be verified may have no database to be at home in, nor the right to ask for a table.
            let database = config.database.as_deref().or(config.login.then_some("system"));
            let ask = Ask {
                database,
                write: config.write,
                bookmarks: &[],
                impersonated_user: None,
                auth: config.auth.as_ref(),
                by_driver: config.login,
            };
            return Ok(router.connect(&ask).await?.pooled);
        }
        self.any_pool(server, config.write).await?.acquire(config.auth.as_ref(), &Phases::default()).await
    }

    /// The pool of this server, or of any that may do such work.
    async fn any_pool(&self, server: Option<usize>, write: bool) -> Result<&Arc<Pool>, Error> {
        let index = match server {
            Some(index) => index,
            None => {
                let view = self.wait_checked().await;
                let intent = Intent {
                    write,
                    permissions: self.config.permissions(),
                    strategy: Strategy::Random,
                    pinned: None,
                };
                self.choose(&view, intent)
            }
        };
        self.pool(index)
    }

    /// The pool of a configured server.
    pub(crate) fn pool(&self, index: usize) -> Result<&Arc<Pool>, Error> {
        self.pools.get(index).ok_or_else(|| Error::new(Kind::Client, format!("There is no server {index}.")))
    }

    /// Waits until the driver is closed.
    pub(crate) async fn closing(&self) -> Error {
        // An error would mean that the sender is gone, and the driver with it.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
        Error::new(Kind::Pool, "The driver is closed.")
    }

    /// Chooses by a strategy that needs no callback, or falls back as 1.2.3 does: to the master, else to the first.
    pub(crate) fn choose(&self, view: &View, intent: Intent) -> usize {
        if let Some(pinned) = intent.pinned {
            return pinned;
        }
        let candidates = eligible(view, intent.permissions, intent.write);
        pick(intent.strategy, view, &candidates, self.turns.of(intent.write))
            .unwrap_or_else(|| self.fall_back(view, intent.write, &[]))
    }

    /// Chooses by any strategy, asking the user's own where it is one. Avoids some servers if there are others, and
    /// falls back only when no server is about to be looked at again.
    pub(crate) async fn choose_patiently(&self, intent: Intent, avoid: &[usize]) -> Result<usize, Error> {
        if let Some(pinned) = intent.pinned {
            return Ok(pinned);
        }
        let view = self.wait_for_candidates(intent).await;
        let all = eligible(&view, intent.permissions, intent.write);
        let fresh: Vec<usize> = all.iter().copied().filter(|i| !avoid.contains(i)).collect();
        let candidates = if fresh.is_empty() { all } else { fresh };
        let Strategy::Custom(key) = intent.strategy else {
            let picked = pick(intent.strategy, &view, &candidates, self.turns.of(intent.write));
            return Ok(picked.unwrap_or_else(|| self.fall_back(&view, intent.write, avoid)));
        };
        if candidates.is_empty() {
            return Ok(self.fall_back(&view, intent.write, avoid));
        }
        match self.observer.choose(key, &candidates, intent.write).await {
            Ok(index) if candidates.contains(&index) => Ok(index),
            Ok(_) => Err(Error::new(Kind::Client, "The strategy function returned none of its candidates.")),
            Err(why) => Err(Error::new(Kind::Client, format!("The strategy function failed: {why}"))),
        }
    }

    /// The view, when it has a server for this work or no server is in doubt any more.
    async fn wait_for_candidates(&self, intent: Intent) -> Arc<View> {
        let mut changes = self.topology.changes();
        let limit = tokio::time::sleep(Duration::from_millis(self.config.check_timeout));
        tokio::pin!(limit);
        loop {
            let view = self.topology.view();
            let candidates = eligible(&view, intent.permissions, intent.write);
            if !candidates.is_empty() || !view.is_in_doubt() || self.is_closed() {
                return view;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = &mut limit => return self.topology.view(),
            }
        }
    }

    /// The master, else the first server. A read that has just failed there goes to the first that answers its checks:
    /// members that know no master still read.
    fn fall_back(&self, view: &View, write: bool, avoid: &[usize]) -> usize {
        let what = if write { "writes" } else { "reads" };
        let answers = |i: &usize| view.servers.get(*i).is_some_and(|s| s.status != Status::Down);
        let other = (0..view.servers.len())
            .find(|i| !write && avoid.contains(&0) && !avoid.contains(i) && answers(i));
        let (index, whom) = match (view.master(), other) {
            (Some(master), _) => (master, "the master"),
            (None, Some(other)) => (other, "one that answers"),
            (None, None) => (0, "the first server"),
        };
        let mut warned = self.warned.lock();
        if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            let address = self.pools.get(index).map(|p| p.endpoint.address.to_string()).unwrap_or_default();
            self.log.warn(&format!("No server is eligible for {what}: taking {whom}, {address}."));
        }
        index
    }

    /// Whether the server still fits the intent.
    pub(crate) fn fits(&self, index: usize, intent: Intent) -> bool {
        intent.pinned.is_some() || is_eligible(&self.topology.view(), index, intent.permissions, intent.write)
    }

    /// Whether any server fits, other than these.
    pub(crate) fn another_fits(&self, but: &[usize], intent: Intent) -> bool {
        intent.pinned.is_none()
            && eligible(&self.topology.view(), intent.permissions, intent.write)
                .iter()
                .any(|i| !but.contains(i))
    }

    /// Waits for the end of the first check.
    pub(crate) async fn wait_checked(&self) -> Arc<View> {
        let mut changes = self.topology.changes();
        let mut closed = self.closed.subscribe();
        loop {
            let view = self.topology.view();
            if view.checked || *closed.borrow() {
                return view;
            }
            tokio::select! {
                _ = changes.changed() => {}
                _ = closed.changed() => {}
            }
        }
    }

    /// The server did not behave as what it was taken for.
    pub(crate) fn demote(&self, index: usize, error: &Error) {
        self.topology.demote(index, error);
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    pub(crate) fn debug(&self, message: impl FnOnce() -> String) {
        self.log.debug(message);
    }

    async fn close(&self) {
        self.closed.send_replace(true);
        if let Some(checker) = &self.checker {
            checker.close();
        }
        // All at once, and then all are waited for.
        let closing: Vec<_> = self.pools.iter().map(|pool| pool.close()).collect();
        for closed in closing {
            closed.await;
        }
        if let Some(router) = &self.router {
            router.close().await;
        }
    }
}

fn endpoint(
    config: &Arc<Config>,
    index: usize,
    observer: &Arc<dyn Observer>,
    client_certificates: &Option<Arc<ClientCertificates>>,
) -> Result<Endpoint, Error> {
    let Some(server) = config.servers.get(index) else {
        return Err(Error::new(Kind::Client, format!("There is no server {index}.")));
    };
    let address = server.address()?;
    Ok(Endpoint {
        server: ServerRef { index, address: address.to_string(), token: None },
        identity: Identity::of(server, index, observer),
        expiries: Arc::default(),
        tls: tls::for_bolt(config, address.tls, client_certificates.clone())?,
        client_certificates: client_certificates.clone(),
        routing: (config.mode == Mode::Routing).then(|| routing_context(config, &address)),
        address,
        config: config.clone(),
        legacy_first: AtomicBool::new(false),
        best_known: AtomicBool::new(false),
        has_received: Arc::default(),
        interrupt: watch::Sender::new(Interrupt::None),
        log: Log::new(observer.clone(), config.log_level),
    })
}

/// What the members of a cluster are told of their client: the application's own words, and where it began.
fn routing_context(config: &Config, seed: &Address) -> Arc<[(String, String)]> {
    let given = config.routing_context.iter().flatten().filter(|(key, _)| key != "address").cloned();
    given.chain([("address".to_owned(), seed.to_string())]).collect()
}
