//! What a driver says and asks, as messages.

use std::collections::HashMap;
use std::future::ready;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use driver::{Answer, AuthConfig, ClientCertificate, LogLevel, NoAnswer, Observer, ServerInfo, View};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::bookmarks::Managers;
use crate::inbox::{Inbox, Latest, Message};
use crate::json;
use crate::log::Lines;

pub(crate) struct JsObserver {
    driver: i32,
    inbox: Arc<Inbox>,
    questions: Arc<Questions>,
    servers: Arc<Servers>,
    lines: Arc<Lines>,
    /// The bookmark managers that JavaScript does not have to be asked for.
    pub(crate) managers: Arc<Managers>,
}

/// What JavaScript knows of the servers.
struct Servers {
    driver: i32,
    views: Mutex<Views>,
}

#[derive(Default)]
struct Views {
    published: Option<View>,
    /// Newer than `published`.
    waiting: Option<View>,
}

/// The questions that JavaScript has not answered yet.
#[derive(Default)]
struct Questions {
    /// `None` once nobody answers any more.
    open: Mutex<Option<HashMap<i32, Asker>>>,
    last: AtomicI32,
}

type Asker = oneshot::Sender<Result<json::Text, NoAnswer>>;

impl JsObserver {
    pub(crate) fn new(driver: i32, inbox: Arc<Inbox>) -> Self {
        let questions = Questions { open: Mutex::new(Some(HashMap::new())), last: AtomicI32::default() };
        let servers = Arc::new(Servers { driver, views: Mutex::default() });
        let lines = Arc::new(Lines::new(driver));
        let questions = Arc::new(questions);
        JsObserver { driver, inbox, questions, servers, lines, managers: Arc::default() }
    }

    /// JavaScript's answer to an ASK message as JSON, or why there is none, and the number of the error that it is.
    pub(crate) fn answer(
        &self,
        question: i32,
        json: Option<String>,
        reason: Option<String>,
        thrown: Option<u32>,
    ) {
        let json = json.map(json::Text::new);
        let failed = || NoAnswer { why: reason.unwrap_or_else(|| "there was no answer".into()), thrown };
        let asker = self.questions.open.lock().as_mut().and_then(|open| open.remove(&question));
        if let Some(asker) = asker {
            let _ = asker.send(json.ok_or_else(failed));
        }
    }

    /// The driver is closed: whoever waits for an answer, or asks from now on, gets none.
    pub(crate) fn close(&self) {
        self.questions.open.lock().take();
    }

    /// Asks JavaScript: `Asked` in `lib/crossing/dispatcher.ts` has the same.
    fn ask<T, const N: usize>(&self, what: &str, about: [(&str, Value); N]) -> Answer<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (asker, answer) = oneshot::channel();
        let number = self.questions.last.fetch_add(1, Ordering::Relaxed);
        let pending = Pending { number, questions: self.questions.clone() };
        if let Some(open) = self.questions.open.lock().as_mut() {
            open.insert(number, asker);
            let head = [("driver", self.driver.into()), ("what", what.into())];
            let asked: Value = head.into_iter().chain(about).collect();
            self.inbox.push_text(Message::Ask, number, &asked.to_string());
        }
        Box::pin(async move {
            let _pending = pending;
            let json = answer.await.unwrap_or_else(|_| Err("the driver is closed".to_owned().into()))?;
            json::read(json).map_err(|why| format!("the answer is wrong {why}").into())
        })
    }
}

/// A question whose asker waits. One that does not wait any more, such as after a timeout, is forgotten.
struct Pending {
    number: i32,
    questions: Arc<Questions>,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(open) = self.questions.open.lock().as_mut() {
            open.remove(&self.number);
        }
    }
}

impl Latest for Servers {
    /// All servers by their numbers, and of each what is new; null where nothing is.
    fn message(&self) -> Option<(Message, i32, String)> {
        let mut views = self.views.lock();
        let view = views.waiting.take()?;
        let is_known = |server: &ServerInfo| {
            let Some(published) = &views.published else { return false };
            // How far one is behind depends on the others.
            published.get(server.index) == Some(server) && published.lag(server) == view.lag(server)
        };
        let news = |server: &ServerInfo| if is_known(server) { Value::Null } else { told(&view, server) };
        let servers: Vec<_> = view.servers.iter().map(|s| serde_json::json!([s.index, news(s)])).collect();
        let master = view.master().and_then(|m| i32::try_from(m).ok()).unwrap_or(-1);
        let text = serde_json::json!({"servers": servers, "master": master}).to_string();
        views.published = Some(view);
        Some((Message::Topology, self.driver, text))
    }
}

/// What JavaScript is told of a server: `TopologyView` in `lib/crossing/dispatcher.ts` has the same.
fn told(view: &View, server: &ServerInfo) -> Value {
    let databases: serde_json::Map<String, Value> =
        server.databases.iter().map(|(database, role)| (database.to_string(), (*role).into())).collect();
    serde_json::json!({
        "address": &*server.address,
        "status": server.status as i8, "type": server.role as u8, "distance": server.distance,
        "err": server.error.as_deref(),
        "role": server.role_name, "topology": server.topology, "since": since(server),
        "product": server.product.as_ref().map(|product| &product.agent),
        "bolt": server.product.as_ref().map(|product| product.bolt.to_string()),
        "lag": view.lag(server),
        "databases": databases,
    })
}

/// Milliseconds since 1970.
fn since(server: &ServerInfo) -> u64 {
    let since = server.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}

impl Observer for JsObserver {
    fn topology(&self, view: &View) {
        if self.servers.views.lock().waiting.replace(view.clone()).is_none() {
            self.inbox.push_latest(self.servers.clone());
        }
    }

    fn log(&self, level: LogLevel, message: &str) {
        if self.lines.add(level, message) {
            self.inbox.push_latest(self.lines.clone());
        }
    }

    fn choose(&self, strategy: i32, candidates: &[usize], write: bool) -> Answer<usize> {
        self.ask(
            "strategy",
            [("strategy", strategy.into()), ("candidates", candidates.into()), ("write", write.into())],
        )
    }

    fn token(&self, server: usize) -> Answer<AuthConfig> {
        self.ask("token", [("server", server.into())])
    }

    fn client_certificates(&self, anew: bool) -> Answer<Vec<ClientCertificate>> {
        self.ask("certificates", [("anew", anew.into())])
    }

    fn resolve(&self, address: &str) -> Answer<Vec<String>> {
        self.ask("addresses", [("address", address.into())])
    }

    fn bookmarks(&self, manager: i32) -> Answer<Vec<String>> {
        match self.managers.bookmarks(manager) {
            Some(bookmarks) => Box::pin(ready(Ok(bookmarks))),
            None => self.ask("bookmarks", [("manager", manager.into())]),
        }
    }

    fn committed(&self, manager: i32, previous: &[String], bookmark: &str) {
        if self.managers.update(manager, previous, vec![bookmark.to_owned()]) {
            return;
        }
        let text =
            serde_json::json!({"manager": manager, "previous": previous, "bookmark": bookmark}).to_string();
        self.inbox.push_text(Message::Committed, self.driver, &text);
    }
}
