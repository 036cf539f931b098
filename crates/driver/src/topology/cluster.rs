//! Where it is known from who is what: one kind of cluster, one source.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::check::{self, Checker};
use super::routing::Router;
use super::Topology;
use crate::config::Config;
use crate::error::Error;
use crate::log::Log;
use crate::pool::Pool;

pub(crate) enum Cluster {
    /// A server that is taken as it is.
    Single,
    /// HA members: checks ask each for its role and tell the [`Topology`].
    Ha { checker: Arc<Checker>, checks: Mutex<Vec<JoinHandle<()>>> },
    /// The members of a cluster that routes: tables say who reads and who writes.
    Routing(Arc<Router>),
}

impl Cluster {
    /// Begins to check the members.
    pub(crate) fn ha(
        config: &Arc<Config>,
        pools: &[Arc<Pool>],
        topology: &Arc<Topology>,
        log: &Log,
        runtime: &Handle,
    ) -> Result<Cluster, Error> {
        let checker = Arc::new(Checker::new(config, pools, topology, log)?);
        let checks =
            (0..pools.len()).map(|index| runtime.spawn(check::watch(checker.clone(), index))).collect();
        Ok(Cluster::Ha { checker, checks: Mutex::new(checks) })
    }

    pub(crate) fn router(&self) -> Option<&Arc<Router>> {
        match self {
            Cluster::Routing(router) => Some(router),
            Cluster::Single | Cluster::Ha { .. } => None,
        }
    }

    /// Checks all members once, if they are checked at all.
    pub(crate) async fn check(&self) {
        let Cluster::Ha { checker, .. } = self else { return };
        let checks: Vec<_> = (0..checker.members())
            .map(|index| {
                let checker = checker.clone();
                tokio::spawn(async move { checker.check(index).await })
            })
            .collect();
        for check in checks {
            let _ = check.await;
        }
    }

    /// Ends the checks.
    pub(crate) async fn stop(&self) {
        let Cluster::Ha { checker, checks } = self else { return };
        let checks = std::mem::take(&mut *checks.lock());
        checks.iter().for_each(JoinHandle::abort);
        for check in checks {
            let _ = check.await;
        }
        checker.close();
    }
}
