//! TCP to whichever address of a server answers first.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::phase::{Phase, Phases};
use crate::address::Address;
use crate::log::Log;

/// Head start of an address before the next one is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// Connects. `loss`: how long a peer that has vanished may go unnoticed.
pub(super) async fn dial(
    address: &Address,
    loss: Option<Duration>,
    log: &Log,
    phases: &Phases,
) -> io::Result<TcpStream> {
    let addresses = match address.ip {
        Some(ip) => vec![SocketAddr::new(ip, address.port)],
        None => {
            phases.enter(Phase::Name);
            let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await?;
            alternating(found.collect())
        }
    };
    phases.enter(Phase::Connect);
    let tcp = race(addresses, TcpStream::connect).await?;
    for (option, refused) in set_options(&tcp, loss) {
        log.debug(|| format!("{address}: the system refused {option}: {refused}"));
    }
    Ok(tcp)
}

/// IPv6 and IPv4 by turns, beginning with what the resolver put first (RFC 8305, section 4).
fn alternating(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = found.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|a| matches!(a.ip(), IpAddr::V4(_)) == first_is_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::new();
    loop {
        let (a, b) = (first.next(), second.next());
        if a.is_none() && b.is_none() {
            return order;
        }
        order.extend(a);
        order.extend(b);
    }
}

/// The first that succeeds. Each gets a head start before the next one, which is not waited for once it has failed.
async fn race<T, F>(addresses: Vec<SocketAddr>, connect: fn(SocketAddr) -> F) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = addresses.into_iter();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name of the host has no address");
    // Dropping it ends the attempts that have lost.
    let mut running = JoinSet::new();
    loop {
        let next = waiting.next();
        let is_last = next.is_none();
        if let Some(address) = next {
            running.spawn(connect(address));
        }
        tokio::select! {
            biased;
            done = running.join_next() => match done {
                Some(Ok(Ok(won))) => return Ok(won),
                Some(Ok(Err(error))) => failed = error,
                Some(Err(ended)) => failed = io::Error::other(ended),
                None => return Err(failed),
            },
            () = tokio::time::sleep(STAGGER), if !is_last => {}
        }
    }
}

/// Small messages leave at once, and a peer that vanished is noticed: by what is not acknowledged, where the system can
/// be told so, and by questions of the kernel where nothing is under way. Tells what was refused: the connection works
/// without it.
fn set_options(tcp: &TcpStream, loss: Option<Duration>) -> Vec<(&'static str, io::Error)> {
    let socket = SockRef::from(tcp);
    let mut results = vec![("TCP_NODELAY", tcp.set_nodelay(true))];
    if let Some(loss) = loss {
        // A third until the first question, and two more questions at the same distance.
        let step = (loss / 3).max(Duration::from_secs(1));
        let keepalive = TcpKeepalive::new().with_time(step);
        #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
        let keepalive = keepalive.with_interval(step).with_retries(2);
        results.push(("SO_KEEPALIVE", socket.set_tcp_keepalive(&keepalive)));
        #[cfg(target_os = "linux")]
        results.push(("TCP_USER_TIMEOUT", socket.set_tcp_user_timeout(Some(loss))));
    }
    results.into_iter().filter_map(|(option, result)| Some((option, result.err()?))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Port 1 swallows packets, 2 refuses, others answer.
    async fn connect(address: SocketAddr) -> io::Result<SocketAddr> {
        match address.port() {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            _ => Ok(address),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_first_address_costs_its_head_start_and_no_more() {
        let began = Instant::now();
        let won = race(addresses(&["[::1]:1", "127.0.0.1:3"]), connect).await.unwrap();
        assert_eq!(won.port(), 3);
        assert!(began.elapsed() <= Duration::from_millis(300), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_address_costs_nothing_and_the_last_error_surfaces() {
        let began = Instant::now();
        race(addresses(&["127.0.0.1:2", "127.0.0.2:3"]), connect).await.unwrap();
        let error = race(addresses(&["127.0.0.1:2", "127.0.0.2:2"]), connect).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(race(Vec::new(), connect).await.is_err());
    }

    #[test]
    fn the_families_take_turns() {
        let found = addresses(&["[::1]:9", "[::2]:9", "127.0.0.1:9"]);
        assert_eq!(alternating(found), addresses(&["[::1]:9", "127.0.0.1:9", "[::2]:9"]));
    }

    #[tokio::test]
    async fn a_vanished_peer_is_noticed_in_time() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let refused = set_options(&tcp, Some(Duration::from_secs(15)));
        assert!(refused.is_empty(), "{refused:?}");
        let socket = SockRef::from(&tcp);
        #[cfg(target_os = "linux")]
        {
            let (time, interval) = (socket.tcp_keepalive_time(), socket.tcp_keepalive_interval());
            let retries = socket.tcp_keepalive_retries().unwrap();
            assert_eq!(time.unwrap() + interval.unwrap() * retries, Duration::from_secs(15));
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(15)));
        }
        assert!(socket.keepalive().unwrap());
    }
}
