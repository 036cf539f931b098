//! What a connection that is wanted is waiting for: told when its time is up.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

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

    /// Whether it is the server that is waited for, and neither the application nor a free connection.
    pub(crate) fn is_of_server(self) -> bool {
        !matches!(self, Phase::Queue | Phase::Token | Phase::Certificate)
    }
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
pub(crate) struct Phases {
    now: AtomicU8,
    /// The server began to be waited for.
    at_server: Notify,
}

impl Default for Phases {
    /// The way of who asks a pool.
    fn default() -> Self {
        Phases::starting_with(Phase::Queue)
    }
}

impl Phases {
    pub(crate) fn starting_with(phase: Phase) -> Self {
        Phases { now: AtomicU8::new(phase as u8), at_server: Notify::new() }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        let was_of_server = self.now().is_of_server();
        self.now.store(phase as u8, Ordering::Relaxed);
        if phase.is_of_server() && !was_of_server {
            self.at_server.notify_one();
        }
    }

    /// Waits until the server has been waited for, and nobody else, for so long. For one who waits.
    pub(crate) async fn server_takes(&self, limit: Duration) {
        loop {
            self.at_server.notified().await;
            tokio::time::sleep(limit).await;
            if self.now().is_of_server() {
                return;
            }
        }
    }

    pub(crate) fn now(&self) -> Phase {
        let now = usize::from(self.now.load(Ordering::Relaxed));
        Phase::ALL.get(now).copied().unwrap_or(Phase::Queue)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_the_server_begins_when_it_is_waited_for() {
        let (phases, limit, began) = (Phases::default(), Duration::from_secs(1), Instant::now());
        let way = async {
            let steps = [Phase::Token, Phase::Certificate, Phase::Name, Phase::Connect];
            for phase in steps {
                tokio::time::sleep(Duration::from_secs(60)).await;
                phases.enter(phase);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = phases.server_takes(limit) => {}
            () = way => {}
        }
        assert_eq!(phases.now(), Phase::Name);
        assert_eq!(began.elapsed(), Duration::from_millis(3 * 60_000 + 2 * 10) + limit);
    }
}
