//! Routing: which members of a cluster read and write for a database, as the cluster itself says.
//!
//! Sources: Bolt documentation, "ROUTE"; the routing procedures of Neo4j 3.x and 4.x; the official drivers for what is
//! done with each error.
//!
//! A table is fetched when work needs one and has none that is fresh: from a router of the last table, else from the
//! seed, which is what the application's URI names (or what its resolver makes of that). A router that is silent is
//! overtaken by the next, and asked last from then on. One fetch at a time for each database and user, by a task of its
//! own: whoever needs the same meanwhile waits for it and has its outcome, good or bad.
//!
//! | File | What it does |
//! |---|---|
//! | `connect` | chooses a member of the table for work, and connects to it |
//! | `fetch` | gets a table, from whichever router answers first (`race`) |
//! | `seeds` | says where to begin when no router is known |
//! | `discovery` | asks one router: ROUTE, or the procedures before it |
//! | `table` | reads and bounds what came |
//! | `known`, `homes` | keep tables, pools of members, and the home databases of users |
//! | `outage` | writers or readers were lost, and the next ones are waited for |
//! | `errors` | draws the consequences of errors: who is forgotten, and whom to ask next |

mod connect;
mod discovery;
mod errors;
mod fetch;
mod homes;
mod known;
mod outage;
mod race;
mod seeds;
mod table;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::address::Address;
use crate::connect::User;
use crate::log::Log;
use crate::members::Members;
use crate::net::Endpoint;
use crate::observer::Observer;
use crate::topology::alarm::Pace;
use crate::topology::Publisher;
use crate::watch;
pub(crate) use discovery::ask;
pub(crate) use errors::NO_PROCEDURE;
pub(crate) use fetch::Lookup;
use known::Known;
pub(crate) use race::{race, Gain, STAGGER};

pub(crate) use table::{read_address, Table};

/// Finds the members of a cluster.
pub(crate) struct Router {
    /// How to connect to any member: as to the seed.
    template: Endpoint,
    members: Arc<Members>,
    publisher: Arc<Publisher>,
    observer: Arc<dyn Observer>,
    log: Log,
    known: Mutex<Known>,
    /// How often tables are fetched while servers are waited for.
    pace: Pace,
    /// Makes keys of secrets.
    hasher: RandomState,
    /// Shared by each question to the resolver that waits for its answer.
    resolving: Arc<()>,
    /// The same of questions to bookmark managers.
    managing: Arc<()>,
    closed: watch::Sender<bool>,
}

/// What a table is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    database: Option<String>,
    /// `None` is the user of the driver.
    user: Option<String>,
}

impl Router {
    /// `template` is how to connect to the seed.
    pub(crate) fn new(
        template: Endpoint,
        members: Arc<Members>,
        publisher: Arc<Publisher>,
        observer: Arc<dyn Observer>,
        log: Log,
    ) -> Self {
        let known = Known { distrusts_routers: true, ..Known::default() };
        Router {
            pace: Pace::new(&template.config),
            template,
            members,
            publisher,
            observer,
            log,
            known: Mutex::new(known),
            hasher: RandomState::new(),
            resolving: Arc::default(),
            managing: Arc::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// What the application's URI names.
    fn seed(&self) -> &Address {
        &self.template.address
    }

    /// A server said where the work of a session without a database was done (Bolt 5.8).
    pub(crate) fn home_is(&self, user: User<'_>, database: &str) {
        let user = self.name_of(user);
        self.known.lock().homes.set(user, database.to_owned());
    }

    /// Whose home database and tables count.
    fn name_of(&self, user: User<'_>) -> Option<String> {
        match (user.impersonated, user.of_tables()) {
            (Some(name), _) => Some(format!("as {name}")),
            (None, Some(auth)) => Some(match &auth.principal {
                Some(name) => format!("{} {name}", auth.scheme),
                None => {
                    // A name that is no text is among the others.
                    let others = auth.others.as_ref().map(|others| others.as_slice());
                    format!("{} {:x}", auth.scheme, self.hasher.hash_one((auth.secret(), others)))
                }
            }),
            (None, None) => None,
        }
    }

    /// Ends every fetch.
    pub(crate) fn stop(&self) {
        self.closed.send_replace(true);
    }
}
