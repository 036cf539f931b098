//! Where it is known from who is what.

use std::sync::Arc;

use super::checks::Checks;
use super::routing::Router;

pub(crate) enum Cluster {
    /// A server that is taken as it is.
    Single,
    /// Checks ask each member what it is.
    Checked(Arc<Checks>),
    /// The members of a cluster that routes: tables say who reads and who writes.
    Routing(Arc<Router>),
}

impl Cluster {
    pub(crate) fn router(&self) -> Option<&Arc<Router>> {
        match self {
            Cluster::Routing(router) => Some(router),
            Cluster::Single | Cluster::Checked(_) => None,
        }
    }

    /// Checks all members once, if they are checked at all.
    pub(crate) async fn check(&self) {
        if let Cluster::Checked(checks) = self {
            checks.check_all().await;
        }
    }

    /// Ends the checks.
    pub(crate) async fn stop(&self) {
        if let Cluster::Checked(checks) = self {
            checks.stop().await;
        }
    }
}
