//! What a driver says and asks, as messages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;

use driver::{Choice, LogLevel, Observer, View};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::oneshot;

use crate::inbox::{Inbox, Message};

pub(crate) struct JsObserver {
    driver: i32,
    inbox: Arc<Inbox>,
    questions: Mutex<HashMap<i32, oneshot::Sender<Result<usize, String>>>>,
    next_question: AtomicI32,
}

impl JsObserver {
    pub(crate) fn new(driver: i32, inbox: Arc<Inbox>) -> Self {
        JsObserver { driver, inbox, questions: Mutex::default(), next_question: AtomicI32::new(1) }
    }

    /// JavaScript's answer to a CHOOSE message; a negative index if its function failed, and why.
    pub(crate) fn chosen(&self, question: i32, index: i32, reason: Option<String>) {
        if let Some(asker) = self.questions.lock().remove(&question) {
            let failed = || reason.unwrap_or_else(|| "it returned none of its candidates".into());
            let _ = asker.send(usize::try_from(index).map_err(|_| failed()));
        }
    }
}

impl Observer for JsObserver {
    fn topology(&self, view: &View) {
        let servers: Vec<_> = view
            .servers
            .iter()
            .map(|s| json!({"status": s.status as i8, "type": s.role as u8, "distance": s.distance, "err": s.error}))
            .collect();
        let master = view.master().and_then(|m| i32::try_from(m).ok()).unwrap_or(-1);
        let text = json!({"servers": servers, "master": master, "checked": view.checked}).to_string();
        self.inbox.push_text(Message::Topology, self.driver, &text);
    }

    fn log(&self, level: LogLevel, message: &str) {
        let text = json!({"level": level.name(), "message": message}).to_string();
        self.inbox.push_text(Message::Log, self.driver, &text);
    }

    fn choose(&self, strategy: i32, candidates: &[usize], write: bool) -> Choice {
        let question = self.next_question.fetch_add(1, Ordering::Relaxed);
        let (asker, answer) = oneshot::channel();
        self.questions.lock().insert(question, asker);
        let text =
            json!({"driver": self.driver, "strategy": strategy, "candidates": candidates, "write": write})
                .to_string();
        self.inbox.push_text(Message::Choose, question, &text);
        Box::pin(async move { answer.await.unwrap_or_else(|_| Err("nobody answered".into())) })
    }
}
