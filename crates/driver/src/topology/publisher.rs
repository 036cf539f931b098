//! What is known of the servers, for whoever observes a driver: one view, with what each server is for each database.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::view::View;
use crate::observer::Observer;

/// Makes one view of those of several databases, and shows it when one of them has changed.
pub(crate) struct Publisher {
    observer: Arc<dyn Observer>,
    /// The last ones. Held while they are shown, so that they are shown in their order.
    views: Mutex<Views>,
}

#[derive(Default)]
struct Views {
    /// Of all databases; or of the one that work is for which names none.
    main: Option<Arc<View>>,
    /// Which one that is.
    home: Option<Arc<str>>,
    /// Of the others.
    by_database: BTreeMap<Arc<str>, Arc<View>>,
}

impl Publisher {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Publisher { observer, views: Mutex::default() }
    }

    /// There is a new view of a database, or the main one.
    pub(super) fn publish(&self, database: Option<&Arc<str>>, view: Arc<View>) {
        let mut views = self.views.lock();
        match database {
            Some(database) => drop(views.by_database.insert(database.clone(), view)),
            None => views.main = Some(view),
        }
        self.show(&views);
    }

    /// The main view is of this database alone, or of all.
    pub(super) fn main_is_of(&self, database: Option<Arc<str>>) {
        self.views.lock().home = database;
    }

    /// Nothing more is known of this database.
    pub(super) fn forget(&self, database: &Arc<str>) {
        let mut views = self.views.lock();
        if views.by_database.remove(database).is_some() {
            self.show(&views);
        }
    }

    fn show(&self, views: &Views) {
        let Some(main) = &views.main else { return };
        let all = views.home.iter().map(|database| (database, main)).chain(&views.by_database);
        if all.clone().next().is_none() {
            return self.observer.topology(main);
        }
        let mut whole = View::clone(main);
        for server in &mut whole.servers {
            let name = |(database, view): (&Arc<str>, &Arc<View>)| {
                Some((database.clone(), view.get(server.index)?.role_name?))
            };
            server.databases = all.clone().filter_map(name).collect();
        }
        self.observer.topology(&whole);
    }
}
