//! Bookmarks: what work has to wait for on its server, so that it sees what was done before.

use std::time::Duration;

use crate::config::Config;
use crate::error::{Error, Kind};
use crate::observer::Observer;

/// Where the bookmarks of work come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bookmarks {
    /// Those of the session itself.
    pub(crate) own: Vec<String>,
    /// The application's manager, by its number.
    pub(crate) manager: Option<i32>,
}

impl Bookmarks {
    /// Those that work waits for which is written now: a manager is asked at this moment, and the session's own join its.
    pub(crate) async fn now(&self, observer: &dyn Observer, config: &Config) -> Result<Vec<String>, Error> {
        let Some(manager) = self.manager else { return Ok(self.own.clone()) };
        let limit = config.connection_acquisition_timeout;
        let asked = observer.bookmarks(manager);
        let supplied = tokio::time::timeout(Duration::from_millis(limit), asked).await.unwrap_or_else(|_| {
            Err(format!("no answer in {limit} ms (connectionAcquisitionTimeout). Look at its getBookmarks()")
                .into())
        });
        let mut bookmarks = supplied.map_err(|no| {
            let why = format!("The bookmark manager gave no bookmarks: {no}.");
            no.with(why).error(Kind::Client)
        })?;
        for bookmark in &self.own {
            if !bookmarks.contains(bookmark) {
                bookmarks.push(bookmark.clone());
            }
        }
        Ok(bookmarks)
    }
}
