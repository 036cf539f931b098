//! What a driver tells, and asks, whoever made it.

use std::future::{ready, Future};
use std::pin::Pin;

use crate::config::LogLevel;
use crate::topology::View;

/// The answer to [`Observer::choose`]: a place in the configuration, or the reason why there is none.
pub type Choice = Pin<Box<dyn Future<Output = Result<usize, String>> + Send>>;

/// The ears of a driver. Called from its tasks: must not block.
pub trait Observer: Send + Sync {
    /// The servers were checked.
    fn topology(&self, view: &View);

    /// Something is worth saying. Warnings come whatever [`crate::Config::log_level`] says.
    fn log(&self, level: LogLevel, message: &str);

    /// A strategy of the user's own chooses among candidates, by its key.
    fn choose(&self, strategy: i32, candidates: &[usize], write: bool) -> Choice;

    /// The addresses (`host:port`) that stand behind one.
    fn resolve(&self, _address: &str) -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send>> {
        Box::pin(ready(Err("nobody resolves addresses here".into())))
    }
}
