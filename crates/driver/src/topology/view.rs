//! What is known of the servers at one moment.

use std::sync::Arc;
use std::time::SystemTime;

use crate::net::Product;

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
    /// By what it is known: its place in the configuration, or for one that a cluster named, a number of its own above those.
    pub index: usize,
    /// `host:port`.
    pub address: Arc<str>,
    /// Whether it can be used.
    pub status: Status,
    /// What it is.
    pub role: Role,
    /// The same in its cluster's own word: `master`, `slave`, `leader`, `follower`, `read replica`, `secondary`, `writer`, `reader`,
    /// `single`.
    pub role_name: Option<&'static str>,
    /// The kind of its cluster: `ha`, `cluster`, `routing`, `single`.
    pub topology: Option<&'static str>,
    /// What it is for each database, in its cluster's own word, where the cluster has it so: in views that an observer is shown.
    pub databases: Vec<(Arc<str>, &'static str)>,
    /// Which entry of its cluster's log it had applied last, where that is known.
    pub applied: Option<u64>,
    /// What it is by its own word, if it was logged in to.
    pub product: Option<Arc<Product>>,
    /// Since when its status and role are these.
    pub since: SystemTime,
    /// Smoothed time of a check in milliseconds; -1 when it does not answer.
    pub distance: f64,
    /// Why it is not up.
    pub error: Option<Arc<str>>,
    /// It, or another one, was found unfit by its work, and the check of it that this hurried is not over.
    pub in_doubt: bool,
    /// Of a server that says itself that it is the master: the later it began to, the higher, from 1. One that does not answer, or was found
    /// unfit by its work, keeps it for a while: an earlier one is not the master again for that.
    pub claim: Option<u64>,
}

impl ServerInfo {
    pub(super) fn down(error: String) -> Self {
        ServerInfo { status: Status::Down, error: Some(error.into()), ..ServerInfo::unknown() }
    }

    pub(super) fn is_master(&self) -> bool {
        self.status == Status::Up && self.role == Role::Master
    }

    /// The same status and role as before are those since then.
    pub(super) fn following(self, was: &ServerInfo) -> Self {
        let is_same = (self.status, self.role) == (was.status, was.role);
        ServerInfo { since: if is_same { was.since } else { self.since }, ..self }
    }

    pub(super) fn failing(error: String) -> Self {
        ServerInfo { status: Status::Error, error: Some(error.into()), ..ServerInfo::unknown() }
    }

    /// What is found out is some server's when it is published.
    pub(crate) fn unknown() -> Self {
        ServerInfo {
            index: 0,
            address: "".into(),
            databases: Vec::new(),
            applied: None,
            status: Status::Unknown,
            role: Role::Unknown,
            role_name: None,
            topology: None,
            product: None,
            since: SystemTime::now(),
            distance: -1.0,
            error: None,
            in_doubt: false,
            claim: None,
        }
    }
}

/// All servers, in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Those of the configuration first.
    pub servers: Vec<ServerInfo>,
    /// Whether each of the configuration was checked at least once.
    pub checked: bool,
}

impl View {
    /// The server of this number.
    pub fn get(&self, index: usize) -> Option<&ServerInfo> {
        self.servers.get(self.place(index)?)
    }

    /// Where in the list the server of this number is.
    pub(super) fn place(&self, index: usize) -> Option<usize> {
        // As long as none has gone, each is at its own place.
        match self.servers.get(index) {
            Some(server) if server.index == index => Some(index),
            _ => self.servers.binary_search_by_key(&index, |server| server.index).ok(),
        }
    }

    /// The numbers of the servers.
    pub(crate) fn indexes(&self) -> impl DoubleEndedIterator<Item = usize> + Clone + '_ {
        self.servers.iter().map(|server| server.index)
    }

    /// By how many entries of the log the server is behind whoever is farthest, as far as both are known.
    pub fn lag(&self, server: &ServerInfo) -> Option<u64> {
        Some(self.farthest()?.saturating_sub(server.applied?))
    }

    pub(crate) fn farthest(&self) -> Option<u64> {
        let up = self.servers.iter().filter(|server| server.status == Status::Up);
        up.filter_map(|server| server.applied).max()
    }

    /// Whether a server is about to be looked at again of which more is known soon: one that was silent before may be so again.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.servers.iter().any(|s| s.in_doubt && s.status != Status::Down)
    }

    /// The number of the master that is up; of several that say so, of the one that began to last.
    pub fn master(&self) -> Option<usize> {
        let masters = self.servers.iter().filter(|s| s.is_master() && !self.is_superseded(s));
        // Of equals the first: those that do not say so themselves have no claim.
        masters.rev().max_by_key(|s| s.claim).map(|server| server.index)
    }

    /// Whether another server began later to say that it is the master: nothing is written to this one, so that
    /// their data do not part.
    pub(crate) fn is_superseded(&self, server: &ServerInfo) -> bool {
        server.claim.is_some_and(|claim| self.servers.iter().any(|other| other.claim > Some(claim)))
    }
}
