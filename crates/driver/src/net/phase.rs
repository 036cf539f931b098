//! What a connection that is wanted is waiting for: told when its time is up.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// The steps on the way to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// All connections are in use.
    Queue,
    /// The application's auth token manager was asked.
    Token,
    /// An idle connection is tested.
    Liveness,
    /// The application's provider of client certificates was asked.
    Certificate,
    /// The name of the host is looked up.
    Name,
    /// TCP.
    Connect,
    /// TLS.
    Tls,
    /// The Bolt handshake.
    Handshake,
    /// HELLO and LOGON.
    Login,
}

impl Phase {
    const ALL: [Phase; 9] = [
        Phase::Queue,
        Phase::Token,
        Phase::Liveness,
        Phase::Certificate,
        Phase::Name,
        Phase::Connect,
        Phase::Tls,
        Phase::Handshake,
        Phase::Login,
    ];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Queue => "a connection did not become free",
            Phase::Token => "the auth token manager gave no token",
            Phase::Liveness => "an idle connection did not answer its liveness check",
            Phase::Certificate => "the client certificate provider gave no certificate",
            Phase::Name => "the name of the host was not resolved",
            Phase::Connect => "the server did not accept the TCP connection",
            Phase::Tls => "the server did not finish the TLS handshake",
            Phase::Handshake => "the server did not answer the Bolt handshake",
            Phase::Login => "the server did not answer the login",
        })
    }
}

/// The phase that somebody's way to a connection is in.
#[derive(Debug)]
pub(crate) struct Phases(AtomicU8);

impl Default for Phases {
    /// The way of who asks a pool.
    fn default() -> Self {
        Phases::starting_with(Phase::Queue)
    }
}

impl Phases {
    pub(crate) fn starting_with(phase: Phase) -> Self {
        Phases(AtomicU8::new(phase as u8))
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Phase {
        let now = usize::from(self.0.load(Ordering::Relaxed));
        Phase::ALL.get(now).copied().unwrap_or(Phase::Queue)
    }
}
