//! Whom a driver is to its servers, and what it shows of itself.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{AuthConfig, ServerConfig};
use crate::observer::{NoAnswer, Observer};

/// Where a driver has its token for a server from.
#[derive(Clone)]
pub(crate) enum Identity {
    /// It is always the same.
    Fixed(Arc<AuthConfig>),
    /// A manager is asked, for the server at this place in the configuration.
    Managed(Arc<dyn Observer>, usize),
}

impl Identity {
    pub(crate) fn of(server: &ServerConfig, index: usize, observer: &Arc<dyn Observer>) -> Self {
        if server.managed {
            Identity::Managed(observer.clone(), index)
        } else {
            Identity::Fixed(Arc::new(server.auth.clone().unwrap_or_else(AuthConfig::none)))
        }
    }

    /// The token of this moment, for a check: a manager must not hold it up. An error says what went wrong.
    pub(crate) async fn token_within(&self, limit: Duration) -> Result<Arc<AuthConfig>, NoAnswer> {
        tokio::time::timeout(limit, self.token()).await.unwrap_or_else(|_| {
            Err(format!("The auth token manager gave no token within {} ms", limit.as_millis()).into())
        })
    }

    /// The token of this moment. An error says what went wrong with the manager.
    pub(crate) async fn token(&self) -> Result<Arc<AuthConfig>, NoAnswer> {
        match self {
            Identity::Fixed(token) => Ok(token.clone()),
            Identity::Managed(observer, index) => match observer.token(*index).await {
                Ok(token) => Ok(Arc::new(token)),
                Err(no) => {
                    let why = format!("The auth token manager gave no token: {no}");
                    Err(no.with(why))
                }
            },
        }
    }
}
