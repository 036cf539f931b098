//! What a driver and its sessions work with: the configuration, the connections to each server, who is what, and the choice.

use std::sync::atomic::AtomicBool;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::address::Address;
use crate::bookmarks::Bookmarks;
use crate::config::{Config, Mode, VerifyConfig};
use crate::connect::{Ask, Place, User};
use crate::error::{Error, Kind, ServerRef};
use crate::hedge::Hedges;
use crate::identity::Identity;
use crate::log::Log;
use crate::members::Members;
use crate::net::certificate::ClientCertificates;
use crate::net::{tls, Conn, Endpoint, Interrupt};
use crate::observer::Observer;
use crate::pool::Pooled;
use crate::retry::Retry;
use crate::selection::ServerSelection;
use crate::session::Tasks;
use crate::strategy::{Intent, Strategy};
use crate::topology::routing::Router;
use crate::topology::{Checks, Cluster, Publisher, Topology, View};
use crate::watch;

/// What [`crate::Driver::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// `host:port`.
    pub address: String,
    /// The Bolt version agreed on.
    pub version: bolt::Version,
    /// What the server calls itself, such as `Neo4j/5.26.0`.
    pub agent: String,
}

pub(crate) struct Core {
    pub(crate) config: Arc<Config>,
    pub(crate) runtime: Handle,
    /// In [`Mode::Routing`] those that tables have named.
    pub(crate) members: Arc<Members>,
    /// Who is what, for work that names no database.
    pub(crate) topology: Arc<Topology>,
    /// Where `topology`, or a routing table, has it from.
    pub(crate) cluster: Cluster,
    pub(crate) selection: ServerSelection,
    pub(crate) hedges: Option<Hedges>,
    pub(crate) tasks: Tasks,
    pub(crate) observer: Arc<dyn Observer>,
    closed: watch::Sender<bool>,
    log: Log,
}

impl Core {
    /// Makes no connection yet, but begins to check the servers.
    pub(crate) fn new(config: Config, observer: Arc<dyn Observer>, runtime: Handle) -> Result<Core, Error> {
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
        let publisher = Arc::new(Publisher::new(observer.clone()));
        let servers =
            endpoints.iter().map(|endpoint| (endpoint.server.index, endpoint.address.to_string().into()));
        let topology = Arc::new(Topology::new(&config, None, servers, publisher.clone(), log.clone()));
        let mut endpoints = endpoints;
        let seed = if config.mode == Mode::Routing { endpoints.drain(..).next() } else { None };
        let members = Arc::new(Members::new(&config, endpoints, log.clone()));
        let selection = ServerSelection::new(&config, members.clone(), observer.clone(), log.clone());
        let cluster = match (config.mode, seed) {
            (_, Some(seed)) => {
                let router = Router::new(seed, members.clone(), publisher, observer.clone(), log.clone());
                Cluster::Routing(Arc::new(router))
            }
            (Mode::Ha, _) => Cluster::Checked(Checks::start(
                &config,
                members.clone(),
                topology.clone(),
                publisher,
                &log,
                &runtime,
            )?),
            _ => Cluster::Single,
        };
        if tls::uses_system_store(&config)? {
            // Reading it takes a while, and is not to keep the connections waiting that need it first.
            let config = config.clone();
            runtime.spawn_blocking(move || tls::read_system_store(&config));
        }
        Ok(Core {
            hedges: config.hedge.map(Hedges::new),
            tasks: Tasks::new(&runtime),
            config,
            runtime,
            members,
            topology,
            cluster,
            selection,
            observer,
            closed: watch::Sender::new(false),
            log,
        })
    }

    /// Makes sure that a server answers, and as whom it takes who asks: this one, or any that may do such work.
    pub(crate) async fn verify(
        &self,
        server: Option<usize>,
        config: &VerifyConfig,
    ) -> Result<ServerIdentity, Error> {
        let mut pooled = self.acquire(server, config).await?;
        match config.login {
            true => pooled.log_in_now().await?,
            false => pooled.answers().await?,
        }
        let (version, agent) = pooled.identity();
        let identity = ServerIdentity { address: pooled.server.address.clone(), version, agent };
        pooled.release();
        Ok(identity)
    }

    /// A connection for nothing in particular.
    pub(crate) async fn acquire(
        &self,
        server: Option<usize>,
        config: &VerifyConfig,
    ) -> Result<Pooled, Error> {
        let ask = Ask {
            intent: self.any(server, config.write),
            write: config.write,
            database: config.database.as_deref(),
            user: User { impersonated: None, auth: config.auth.as_ref(), routed_by_driver: config.login },
            bookmarks: &Bookmarks::default,
            place: &Mutex::new(Place::new(self.topology.clone(), None, None)),
            retry: &Retry::once(&self.config),
            // Who asks whether the cluster is there wants to know it now.
            is_patient: false,
        };
        self.connect(&ask).await
    }

    /// Checks all members once, and waits for the result.
    pub(crate) async fn check(&self) {
        if self.is_closed() {
            return;
        }
        tokio::select! {
            biased;
            () = self.cluster.check() => {}
            _ = self.closing() => {}
        }
    }

    /// The Bolt version that is spoken with this server, or with any.
    pub(crate) async fn negotiate(&self, server: Option<usize>) -> Result<bolt::Version, Error> {
        match self.cluster.router() {
            Some(router) => router.negotiate().await,
            None => {
                if server.is_none() {
                    self.topology.wait_checked().await;
                }
                let deadline = Instant::now() + self.config.retry_time();
                let any = self.any(server, false);
                let server = self.selection.choose_patiently(&self.topology, any, &[], deadline).await?;
                Conn::negotiate(&self.members.pool(server)?.endpoint).await
            }
        }
    }

    /// What is to be done by this server, or by any that may.
    fn any(&self, server: Option<usize>, write: bool) -> Intent {
        let permissions = self.config.permissions();
        Intent { write, permissions, strategy: Strategy::Random, pinned: server }
    }

    /// Waits for the end of the first check, or of the driver.
    pub(crate) async fn wait_checked(&self) -> Arc<View> {
        tokio::select! {
            biased;
            view = self.topology.wait_checked() => view,
            _ = self.closing() => self.topology.view(),
        }
    }

    pub(crate) fn debug(&self, message: impl FnOnce() -> String) {
        self.log.debug(message);
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits until the driver is closed.
    pub(crate) async fn closing(&self) -> Error {
        // An error would mean that the sender is gone, and the driver with it.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
        Error::driver_closed()
    }

    /// From now on nothing is begun, and nothing more is sent.
    pub(crate) fn begin_close(&self) {
        self.closed.send_replace(true);
    }

    /// Stops the checks, ends what is under way with an error, and closes every connection.
    pub(crate) async fn finish_close(&self) {
        tokio::join!(self.members.close(), self.cluster.stop());
    }
}

pub(crate) fn endpoint(
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
        product: ArcSwapOption::empty(),
        heard: Arc::default(),
        interrupt: watch::Sender::new(Interrupt::None),
        log: Log::new(observer.clone(), config.log_level),
    })
}

/// What the members of a cluster are told of their client: the application's own words, and where it began.
fn routing_context(config: &Config, seed: &Address) -> Arc<[(String, String)]> {
    let given = config.routing_context.iter().flatten().filter(|(key, _)| key != "address").cloned();
    given.chain([("address".to_owned(), seed.to_string())]).collect()
}
