//! A driver's handle.

use std::future::Future;
use std::sync::Arc;

use driver::{Driver, Error, SessionConfig};
use napi_derive::napi;

use crate::bookmarks::NativeBookmarks;
use crate::failure;
use crate::inbox::{Inbox, Message};
use crate::json;
use crate::observer::JsObserver;
use crate::runtime;
use crate::session::NativeSession;

/// A pool of servers, or one server.
#[napi]
pub struct NativeDriver {
    id: i32,
    driver: Driver,
    observer: Arc<JsObserver>,
    inbox: Arc<Inbox>,
}

impl NativeDriver {
    pub(crate) fn new(id: i32, driver: Driver, observer: Arc<JsObserver>, inbox: Arc<Inbox>) -> Self {
        NativeDriver { id, driver, observer, inbox }
    }

    /// Tells the operation when the work is done.
    fn spawn(
        &self,
        op: i32,
        work: impl Future<Output = Result<String, Error>> + Send + 'static,
    ) -> napi::Result<()> {
        let inbox = self.inbox.clone();
        let runtime = runtime::handle()?;
        let work = runtime.spawn(work);
        runtime.spawn(async move {
            match work.await {
                Ok(Ok(json)) => inbox.push_text(Message::Done, op, &json),
                Ok(Err(error)) => inbox.push_text(Message::Failure, op, &failure::to_json(&error)),
                Err(_) => inbox.push_text(Message::Failure, op, &failure::to_json(&Error::internal())),
            }
        });
        Ok(())
    }
}

#[napi]
impl NativeDriver {
    /// Which driver of its environment this is.
    #[napi(getter)]
    pub fn id(&self) -> i32 {
        self.id
    }

    /// A session; numbers below 0 stand for the driver's own settings, for no server in particular, and for no bookmark
    /// manager. What is named beside `config` is what many sessions are opened with.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)] // JavaScript gives them by their place
    pub fn session(
        &self,
        write: bool,
        rw_mask: i32,
        strategy: i32,
        server: i32,
        database: Option<String>,
        bookmark_manager: i32,
        config: Option<String>,
    ) -> napi::Result<NativeSession> {
        let session = NativeSession::new(self.inbox.clone());
        self.reopen(&session, write, rw_mask, strategy, server, database, bookmark_manager, config)?;
        Ok(session)
    }

    /// The same by the handle of a session that is over: to make a handle, and let it go, costs several times as much.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)] // as above
    pub fn reopen(
        &self,
        session: &NativeSession,
        write: bool,
        rw_mask: i32,
        strategy: i32,
        server: i32,
        database: Option<String>,
        bookmark_manager: i32,
        config: Option<String>,
    ) -> napi::Result<()> {
        let intent = self.driver.intent(write, rw_mask, strategy, server);
        let config = session_config(database, bookmark_manager, config)?;
        session.replace(self.driver.session(intent, config));
        Ok(())
    }

    /// A bookmark manager, which sessions know by this number, that has nothing to ask the application.
    #[napi(catch_unwind)]
    pub fn bookmark_manager(&self, number: i32) -> NativeBookmarks {
        NativeBookmarks::new(number, self.observer.managers.clone())
    }

    /// The place of the server that a session would get.
    #[napi(catch_unwind)]
    pub fn choose(&self, write: bool, rw_mask: i32, strategy: i32) -> u32 {
        u32::try_from(self.driver.choose(self.driver.intent(write, rw_mask, strategy, -1)))
            .unwrap_or_default()
    }

    /// The places of the servers that may do the work.
    #[napi(catch_unwind)]
    pub fn candidates(&self, write: bool, rw_mask: i32) -> Vec<u32> {
        let candidates = self.driver.candidates(self.driver.intent(write, rw_mask, 0, -1));
        candidates.into_iter().filter_map(|i| u32::try_from(i).ok()).collect()
    }

    /// Done after the first check of all servers.
    #[napi(catch_unwind)]
    pub fn ready(&self, op: i32) -> napi::Result<()> {
        let ready = self.driver.ready();
        self.spawn(op, async {
            ready.await?;
            Ok(String::new())
        })
    }

    /// Checks all servers; done when that is over.
    #[napi(catch_unwind)]
    pub fn check(&self, op: i32) -> napi::Result<()> {
        let check = self.driver.check();
        self.spawn(op, async {
            check.await;
            Ok(String::new())
        })
    }

    /// Makes sure that a server can be reached; a number below 0 stands for any.
    #[napi(catch_unwind)]
    pub fn verify(&self, op: i32, server: i32, config: String) -> napi::Result<()> {
        let config = json::argument("What is to be verified", config)?;
        let verify = self.driver.verify(usize::try_from(server).ok(), config);
        self.spawn(op, async {
            let found = verify.await?;
            let version = [found.version.major, found.version.minor];
            Ok(serde_json::json!({"address": found.address, "version": version, "agent": found.agent})
                .to_string())
        })
    }

    /// The Bolt version that is spoken with a server; a number below 0 stands for any.
    #[napi(catch_unwind)]
    pub fn negotiate(&self, op: i32, server: i32) -> napi::Result<()> {
        let negotiate = self.driver.negotiate(usize::try_from(server).ok());
        self.spawn(op, async {
            let version = negotiate.await?;
            Ok(serde_json::json!([version.major, version.minor]).to_string())
        })
    }

    /// Ends everything; done when the last connection is closed.
    #[napi(catch_unwind)]
    pub fn close(&self, op: i32) -> napi::Result<()> {
        self.observer.close();
        let close = self.driver.close();
        self.spawn(op, async {
            close.await;
            Ok(String::new())
        })
    }

    /// Answers an ASK message: as JSON, or with the reason why there is no answer, and the number of the error that it is.
    #[napi(catch_unwind)]
    pub fn answer(&self, question: i32, json: Option<String>, reason: Option<String>, thrown: Option<u32>) {
        self.observer.answer(question, json, reason, thrown);
    }
}

impl Drop for NativeDriver {
    fn drop(&mut self) {
        self.observer.close();
    }
}

fn session_config(
    database: Option<String>,
    bookmark_manager: i32,
    config: Option<String>,
) -> napi::Result<SessionConfig> {
    let config = match config {
        Some(config) => json::argument("The session's configuration", config)?,
        None => SessionConfig::default(),
    };
    let bookmark_manager = Some(bookmark_manager).filter(|number| *number >= 0);
    Ok(SessionConfig { database, bookmark_manager, ..config })
}
