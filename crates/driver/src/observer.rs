//! What a driver reports to the application, and asks it.

use std::future::{ready, Future};
use std::pin::Pin;

use crate::config::{AuthConfig, ClientCertificate, LogLevel};
use crate::error::{Error, Kind};
use crate::topology::View;

/// The answer to a question, or the reason why there is none.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, NoAnswer>> + Send>>;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NoAnswer {
    /// For the reader.
    pub why: String,
    /// By what the application knows the error of its own that it is.
    pub thrown: Option<u32>,
}

impl From<String> for NoAnswer {
    fn from(why: String) -> Self {
        NoAnswer { why, thrown: None }
    }
}

impl NoAnswer {
    /// The same, said with what was asked.
    pub(crate) fn with(self, why: String) -> Self {
        NoAnswer { why, ..self }
    }

    pub(crate) fn error(self, kind: Kind) -> Error {
        Error { thrown: self.thrown, ..Error::new(kind, self.why) }
    }
}

/// Takes what a driver says, and answers what it asks. Called from its tasks, and within calls of
/// sessions: must not block.
pub trait Observer: Send + Sync {
    /// The servers were checked.
    fn topology(&self, view: &View);

    /// Something is worth saying. Warnings come whatever [`crate::Config::log_level`] says.
    fn log(&self, level: LogLevel, message: &str);

    /// A strategy of the user's own, by its key, chooses among candidates: a place in the configuration.
    fn choose(&self, _strategy: i32, _candidates: &[usize], _write: bool) -> Answer<usize> {
        nobody("chooses")
    }

    /// Who the driver is to a server, by its place in the configuration, at this moment.
    fn token(&self, _server: usize) -> Answer<AuthConfig> {
        nobody("manages tokens")
    }

    /// The certificates that connections opened from now on show: the first that the server can take. `anew`: somebody asked before and
    /// did not wait for the answer any more, which may never come.
    fn client_certificates(&self, _anew: bool) -> Answer<Vec<ClientCertificate>> {
        nobody("provides certificates")
    }

    /// The addresses (`host:port`) that stand behind one.
    fn resolve(&self, _address: &str) -> Answer<Vec<String>> {
        nobody("resolves addresses")
    }

    /// The bookmarks that a manager of the user's own, by its number, has at this moment.
    fn bookmarks(&self, _manager: i32) -> Answer<Vec<String>> {
        nobody("manages bookmarks")
    }

    /// Work that waited for `previous` was committed: what comes after it waits for `bookmark`. Said before the work's end.
    fn committed(&self, _manager: i32, _previous: &[String], _bookmark: &str) {}
}

fn nobody<T: Send + 'static>(does: &str) -> Answer<T> {
    Box::pin(ready(Err(format!("nobody {does} here").into())))
}
