//! Bookmark managers that have nothing to ask the application: those of drivers' own, for `executeQuery`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use napi_derive::napi;
use parking_lot::Mutex;

/// What each of them has, by its number.
#[derive(Default)]
pub(crate) struct Managers(Mutex<HashMap<i32, Vec<String>>>);

impl Managers {
    /// What a manager has at this moment; `None` if it is none of these.
    pub(crate) fn bookmarks(&self, manager: i32) -> Option<Vec<String>> {
        self.0.lock().get(&manager).cloned()
    }

    /// What comes next waits for `new` instead of `previous`. Whether the manager is one of these.
    pub(crate) fn update(&self, manager: i32, previous: &[String], new: Vec<String>) -> bool {
        let mut managers = self.0.lock();
        let Some(bookmarks) = managers.get_mut(&manager) else { return false };
        let replaced: HashSet<&String> = previous.iter().chain(&new).collect();
        bookmarks.retain(|bookmark| !replaced.contains(bookmark));
        bookmarks.extend(new);
        true
    }
}

/// One of them.
#[napi]
pub struct NativeBookmarks {
    number: i32,
    managers: Arc<Managers>,
}

impl NativeBookmarks {
    pub(crate) fn new(number: i32, managers: Arc<Managers>) -> Self {
        managers.0.lock().insert(number, Vec::new());
        NativeBookmarks { number, managers }
    }
}

#[napi]
impl NativeBookmarks {
    /// What it has.
    #[napi(catch_unwind)]
    pub fn get(&self) -> Vec<String> {
        self.managers.bookmarks(self.number).unwrap_or_default()
    }

    /// It has `next` from now on, and `previous` no more.
    #[napi(catch_unwind)]
    pub fn update(&self, previous: Vec<String>, next: Vec<String>) {
        self.managers.update(self.number, &previous, next);
    }
}

impl Drop for NativeBookmarks {
    fn drop(&mut self) {
        self.managers.0.lock().remove(&self.number);
    }
}
