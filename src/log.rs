//! Lines of the log on their way to JavaScript.

use driver::LogLevel;
use parking_lot::Mutex;
use serde_json::json;

use crate::inbox::{Latest, Message};

/// Bytes of lines that wait while JavaScript is busy. What is said beyond that is counted, and left out.
const MOST_WAITING: usize = 256 * 1024;

/// The lines of one driver that JavaScript has not fetched yet.
pub(crate) struct Lines {
    driver: i32,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// The items of a JSON array.
    items: String,
    left_out: usize,
}

impl Lines {
    pub(crate) fn new(driver: i32) -> Self {
        Lines { driver, waiting: Mutex::default() }
    }

    /// Whether it is the first that waits.
    pub(crate) fn add(&self, level: LogLevel, message: &str) -> bool {
        let item = item(level, message);
        let mut waiting = self.waiting.lock();
        let is_first = waiting.items.is_empty() && waiting.left_out == 0;
        if waiting.left_out > 0 || waiting.items.len() + item.len() > MOST_WAITING {
            waiting.left_out += 1;
        } else {
            waiting.append(&item);
        }
        is_first
    }
}

impl Waiting {
    fn append(&mut self, item: &str) {
        if !self.items.is_empty() {
            self.items.push(',');
        }
        self.items.push_str(item);
    }
}

impl Latest for Lines {
    fn message(&self) -> Option<(Message, i32, String)> {
        let mut waiting = std::mem::take(&mut *self.waiting.lock());
        if waiting.left_out > 0 {
            let why = format!(
                "Lines of the log that are left out here, since too many waited for a busy event loop: {}.",
                waiting.left_out
            );
            waiting.append(&item(LogLevel::Warn, &why));
        }
        (!waiting.items.is_empty()).then(|| (Message::Log, self.driver, format!("[{}]", waiting.items)))
    }
}

fn item(level: LogLevel, message: &str) -> String {
    json!({"level": level.name(), "message": message}).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn fetched(lines: &Lines) -> Vec<(String, String)> {
        let Some((_, driver, json)) = lines.message() else { return Vec::new() };
        assert_eq!(driver, 7);
        let items: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
        let text = |item: &serde_json::Value, key: &str| item[key].as_str().unwrap().to_owned();
        items.iter().map(|item| (text(item, "level"), text(item, "message"))).collect()
    }

    #[test]
    fn lines_come_together_and_in_order() {
        let lines = Lines::new(7);
        assert!(lines.add(LogLevel::Info, "a"));
        assert!(!lines.add(LogLevel::Warn, "\"b\""));
        assert_eq!(fetched(&lines), [("info".into(), "a".into()), ("warn".into(), "\"b\"".into())]);
        assert_eq!(fetched(&lines), []);
        assert!(lines.add(LogLevel::Debug, "c"), "whoever adds the first has to wake");
    }

    #[test]
    fn what_nobody_fetches_does_not_grow_without_bound() {
        let lines = Lines::new(7);
        let line = "x".repeat(1000);
        for _ in 0..1000 {
            lines.add(LogLevel::Debug, &line);
        }
        assert!(lines.waiting.lock().items.len() <= MOST_WAITING);
        let told = fetched(&lines);
        let (level, last) = told.last().unwrap();
        assert_eq!(level, "warn");
        assert!(last.ends_with(&format!("event loop: {}.", 1000 - (told.len() - 1))), "{last}");
        assert!(told.len() > 100, "what there is room for is kept");
        // One that is too long by itself, too.
        lines.add(LogLevel::Debug, &"x".repeat(MOST_WAITING));
        assert!(fetched(&lines)[0].1.ends_with(": 1."));
    }
}
