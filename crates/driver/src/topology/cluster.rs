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

    /// Ends what is asked of the members.
    pub(crate) async fn stop(&self) {
        match self {
            Cluster::Single => {}
            Cluster::Checked(checks) => checks.stop().await,
            Cluster::Routing(router) => router.stop(),
        }
    }
}
