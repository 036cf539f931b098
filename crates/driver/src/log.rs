//! What a driver says about its work: to `tracing`, and to the observer at the level it asked for.

use std::sync::Arc;

use crate::config::LogLevel;
use crate::observer::Observer;

#[derive(Clone)]
pub(crate) struct Log {
    observer: Arc<dyn Observer>,
    level: LogLevel,
}

impl Log {
    pub(crate) fn new(observer: Arc<dyn Observer>, level: LogLevel) -> Self {
        Log { observer, level }
    }

    /// What is likely not meant. Passed on at every level: whoever has no logger is warned by the process.
    pub(crate) fn warn(&self, message: &str) {
        tracing::warn!("{message}");
        self.observer.log(LogLevel::Warn, message);
    }

    pub(crate) fn info(&self, message: impl FnOnce() -> String) {
        self.say(LogLevel::Info, message);
    }

    pub(crate) fn debug(&self, message: impl FnOnce() -> String) {
        self.say(LogLevel::Debug, message);
    }

    fn say(&self, level: LogLevel, message: impl FnOnce() -> String) {
        let traced = if level == LogLevel::Info { tracing::Level::INFO } else { tracing::Level::DEBUG };
        let wanted = level <= self.level;
        if !wanted && traced > tracing::level_filters::LevelFilter::current() {
            return;
        }
        let message = message();
        if level == LogLevel::Info {
            tracing::info!("{message}");
        } else {
            tracing::debug!("{message}");
        }
        if wanted {
            self.observer.log(level, &message);
        }
    }
}
