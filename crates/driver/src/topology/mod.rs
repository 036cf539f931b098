//! Who is what: one published, immutable view of the servers.

pub(crate) mod ha;
pub(crate) mod routing;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

/// Whether a server can be used. The numbers are the public values of `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Status {
    /// It answered, but with an error.
    Error = -2,
    /// It was not checked yet, it is not an HA member, or it was just found not to be what it was taken for.
    Unknown = -1,
    /// It did not answer.
    Down = 0,
    /// It answered.
    Up = 1,
}

/// What a server is. The numbers are the public values of `ServerType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Not known.
    Unknown = 0,
    /// It takes reads, and writes by way of the master.
    Slave = 1,
    /// It takes everything.
    Master = 2,
}

/// One server as last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerInfo {
    /// Whether it can be used.
    pub status: Status,
    /// What it is.
    pub role: Role,
    /// Smoothed time of a check in milliseconds; -1 when it does not answer.
    pub distance: f64,
    /// Why it is not up.
    pub error: Option<String>,
    /// It was found unfit by its work, and its next check is not over.
    pub in_doubt: bool,
}

impl ServerInfo {
    fn down(error: String) -> Self {
        ServerInfo { status: Status::Down, error: Some(error), ..ServerInfo::unknown() }
    }

    fn unknown() -> Self {
        ServerInfo {
            status: Status::Unknown,
            role: Role::Unknown,
            distance: -1.0,
            error: None,
            in_doubt: false,
        }
    }
}

/// All servers, in the order of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// One for each configured server.
    pub servers: Vec<ServerInfo>,
    /// Whether each was checked at least once.
    pub checked: bool,
}

impl View {
    /// Whether a server is about to be looked at again.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.servers.iter().any(|s| s.in_doubt)
    }

    /// The place of the master that is up.
    pub fn master(&self) -> Option<usize> {
        self.servers.iter().position(|s| s.status == Status::Up && s.role == Role::Master)
    }
}

/// Holds the view; readers take no lock.
pub(crate) struct Topology {
    view: ArcSwap<View>,
    changed: watch::Sender<()>,
}

impl Topology {
    /// Nothing is known yet.
    pub(crate) fn unchecked(servers: usize) -> Self {
        Topology::with(View { servers: vec![ServerInfo::unknown(); servers], checked: false })
    }

    /// Servers that are used without checks: each takes reads and writes.
    pub(crate) fn unconditional(servers: usize) -> Self {
        let info = ServerInfo {
            status: Status::Up,
            role: Role::Master,
            distance: 0.0,
            error: None,
            in_doubt: false,
        };
        Topology::with(View { servers: vec![info; servers], checked: true })
    }

    fn with(view: View) -> Self {
        Topology { view: ArcSwap::from_pointee(view), changed: watch::Sender::new(()) }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Replaces what is known of the servers by what `update` makes of it.
    pub(crate) fn update(&self, update: impl Fn(&mut View)) -> Arc<View> {
        self.view.rcu(|view| {
            let mut view = View::clone(view);
            update(&mut view);
            view
        });
        self.changed.send_replace(());
        self.view()
    }

    /// The server is not what it was taken for: nobody gets it before its next check.
    pub(crate) fn demote(&self, index: usize, why: &str) {
        self.update(|view| {
            if let Some(server) = view.servers.get_mut(index) {
                *server = ServerInfo { error: Some(why.to_owned()), in_doubt: true, ..ServerInfo::unknown() };
            }
        });
    }
}
