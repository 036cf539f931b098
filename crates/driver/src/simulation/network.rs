//! The network: connections in memory between the one client and the members, with delays, cuts and losses.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::{StatusCode, Url};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::net::http::Unanswered;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Network>>> = const { RefCell::new(None) };
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Bolt,
    Http,
}

/// What happens where a connection is taken, and where the client sends on it. Must not block.
pub(crate) trait Listener: Send + Sync {
    fn accept(&self, member: usize, connection: usize, port: Port, stream: Stream);

    fn sent(&self, _member: usize, _connection: usize, _port: Port, _bytes: &[u8]) {}
}

pub(crate) struct Network {
    hosts: Vec<Host>,
    listener: Mutex<Option<Arc<dyn Listener>>>,
}

#[derive(Default)]
struct Host {
    state: Mutex<HostState>,
    /// What is up, or cut, has changed.
    changed: Notify,
}

#[derive(Default)]
struct HostState {
    is_down: bool,
    /// What the client sends does not arrive; what the member sends does not.
    cut: [bool; 2],
    /// Milliseconds on the way.
    delay: Range<u64>,
    /// Bytes that a connection takes without being read.
    room: usize,
    links: Vec<Weak<Link>>,
    /// Ends that the client has not dropped, by port, and the most there ever were.
    open: [usize; 2],
    most: [usize; 2],
    connections: usize,
}

/// The end that receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Member,
    Client,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Member => Side::Client,
            Side::Client => Side::Member,
        }
    }
}

/// A connection.
struct Link {
    network: Arc<Network>,
    /// It alone is cut, as by a router on the way that has forgotten it.
    is_cut: AtomicBool,
    /// Bytes that the listener was told of and that are still to be written.
    told: AtomicUsize,
    member: usize,
    port: Port,
    number: usize,
    flows: Mutex<[Flow; 2]>,
}

/// One direction of it, and the end where it arrives.
#[derive(Default)]
struct Flow {
    arriving: VecDeque<(Instant, Item)>,
    /// Bytes of them.
    held: usize,
    reader: Option<Waker>,
    /// Who writes at this end, and waits for room at the other.
    writer: Option<Waker>,
    /// Why neither reading nor writing is possible at this end.
    broken: Option<io::ErrorKind>,
    is_dropped: bool,
    has_ended: bool,
}

enum Item {
    Bytes(Vec<u8>),
    End,
    Reset,
}

impl Network {
    pub(crate) fn new(members: usize) -> Arc<Network> {
        let host = || {
            let state = HostState { delay: 0..1, room: 1 << 16, ..HostState::default() };
            Host { state: Mutex::new(state), changed: Notify::new() }
        };
        Arc::new(Network { hosts: (0..members).map(|_| host()).collect(), listener: Mutex::default() })
    }

    /// The one that drivers of this thread use: no other is there for them as long as this is held.
    pub(crate) fn enter(self: &Arc<Self>, listener: Arc<dyn Listener>) -> Entered {
        *self.listener.lock() = Some(listener);
        CURRENT.set(Some(self.clone()));
        Entered
    }

    /// The one that this thread is in.
    pub(crate) fn current() -> Option<Arc<Network>> {
        CURRENT.with_borrow(Option::clone)
    }

    /// The name of a member's host.
    pub(crate) fn name(member: usize) -> String {
        format!("member-{member}")
    }

    fn host(&self, name: &str) -> Option<(usize, &Host)> {
        self.hosts.iter().enumerate().find(|(member, _)| Network::name(*member) == name)
    }

    pub(crate) async fn connect(self: &Arc<Self>, name: &str, port: Port) -> io::Result<Stream> {
        let (member, host) = self.host(name).ok_or(io::ErrorKind::NotFound)?;
        let delay = self.delay(member) + self.delay(member);
        tokio::time::sleep(delay).await;
        loop {
            let changed = host.changed.notified();
            if let Some(answer) = self.knock(member, port) {
                return answer;
            }
            // Whoever knocks does so again and again.
            changed.await;
        }
    }

    /// `None`: nothing comes through.
    fn knock(self: &Arc<Self>, member: usize, port: Port) -> Option<io::Result<Stream>> {
        let mut state = self.hosts[member].state.lock();
        if state.cut != [false; 2] {
            return None;
        }
        if state.is_down {
            return Some(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        state.connections += 1;
        state.open[port as usize] += 1;
        state.most[port as usize] = state.most[port as usize].max(state.open[port as usize]);
        let (network, number) = (self.clone(), state.connections);
        let (is_cut, told, flows) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::default());
        let link = Arc::new(Link { network, is_cut, told, member, port, number, flows });
        state.links.retain(|link| link.strong_count() > 0);
        state.links.push(Arc::downgrade(&link));
        drop(state);
        let server = Stream { link: link.clone(), side: Side::Member, timer: None };
        let listener = self.listener.lock().clone();
        if let Some(listener) = listener {
            listener.accept(member, number, port, server);
        }
        Some(Ok(Stream { link, side: Side::Client, timer: None }))
    }

    /// A request of HTTP, in short: the path on a line, and for an answer the code and the body.
    pub(crate) async fn get(
        self: &Arc<Self>,
        url: &Url,
        limit: Duration,
    ) -> Result<(StatusCode, String), Unanswered> {
        let asking = async {
            let mut stream = self.connect(url.host_str().unwrap_or_default(), Port::Http).await?;
            stream.write_all(format!("{}\n", url.path()).as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            let (code, body) = answer.split_once(' ').ok_or(io::ErrorKind::UnexpectedEof)?;
            let code = code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
            Ok::<_, io::Error>((code.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
        };
        match tokio::time::timeout(limit, asking).await {
            Ok(answer) => answer.map_err(|e| Unanswered::Refused(e.to_string())),
            Err(_) => Err(Unanswered::Silence("no answer in time".into())),
        }
    }

    fn delay(&self, member: usize) -> Duration {
        let range = self.hosts[member].state.lock().delay.clone();
        Duration::from_micros(fastrand::u64(range.start * 1000..range.end * 1000))
    }

    /// How many milliseconds it is to a member, one way.
    pub(crate) fn set_delay(&self, member: usize, delay: Range<u64>) {
        self.hosts[member].state.lock().delay = delay;
    }

    /// How many bytes each connection to a member takes in either direction without being read.
    pub(crate) fn set_room(&self, member: usize, room: usize) {
        self.hosts[member].state.lock().room = room;
    }

    /// Cuts, or mends, the ways to and from a member. What was sent arrives when its way is mended.
    pub(crate) fn set_cut(&self, member: usize, cut: [bool; 2]) {
        let host = &self.hosts[member];
        host.state.lock().cut = cut;
        host.changed.notify_waiters();
        self.each_link(member, |link, _| link.flows.lock().iter_mut().for_each(Flow::wake));
    }

    /// The client's system waits no longer for a sign of the member.
    pub(crate) fn lose(&self, member: usize) {
        self.each_link(member, |link, _| {
            link.flows.lock()[Side::Client as usize].break_by(io::ErrorKind::TimedOut);
        });
    }

    /// A member's process is there from now on.
    pub(crate) fn start(&self, member: usize) {
        let host = &self.hosts[member];
        host.state.lock().is_down = false;
        host.changed.notify_waiters();
    }

    /// A member's process ends. What is under way to the client may be lost with it.
    pub(crate) fn stop(&self, member: usize) {
        self.hosts[member].state.lock().is_down = true;
        self.each_link(member, |link, delay| {
            let [member, client] = &mut *link.flows.lock();
            member.break_by(io::ErrorKind::ConnectionReset);
            if fastrand::bool() {
                client.arriving.retain(|(when, _)| *when <= Instant::now());
            }
            client.push(Item::Reset, delay);
        });
    }

    /// Breaks one connection, whichever: at both ends.
    pub(crate) fn break_one(&self, member: usize) {
        if let Some(link) = self.any_link(member) {
            let delay = self.delay(member);
            link.flows.lock().iter_mut().for_each(|flow| flow.push(Item::Reset, delay));
        }
    }

    /// Nothing arrives any more on one connection, whichever; until the client's system has waited for so long.
    pub(crate) fn cut_one(&self, member: usize, loss: Duration) {
        let Some(link) = self.any_link(member) else { return };
        link.is_cut.store(true, Ordering::Relaxed);
        tokio::spawn(async move {
            tokio::time::sleep(loss).await;
            link.flows.lock()[Side::Client as usize].break_by(io::ErrorKind::TimedOut);
        });
    }

    /// The client's system waits no longer for a sign on those.
    pub(crate) fn lose_cut_ones(&self, member: usize) {
        self.each_link(member, |link, _| {
            if link.is_cut.load(Ordering::Relaxed) {
                link.flows.lock()[Side::Client as usize].break_by(io::ErrorKind::TimedOut);
            }
        });
    }

    fn any_link(&self, member: usize) -> Option<Arc<Link>> {
        let links = self.hosts[member].state.lock().links.clone();
        fastrand::choice(links.iter().filter_map(Weak::upgrade).collect::<Vec<_>>())
    }

    fn each_link(&self, member: usize, change: impl Fn(&Link, Duration)) {
        let links: Vec<_> = self.hosts[member].state.lock().links.iter().filter_map(Weak::upgrade).collect();
        for link in links {
            let delay = self.delay(member);
            change(&link, delay);
        }
    }

    /// How many connections the client has open, and the most that it ever had.
    pub(crate) fn open(&self, member: usize, port: Port) -> (usize, usize) {
        let state = self.hosts[member].state.lock();
        (state.open[port as usize], state.most[port as usize])
    }

    fn is_cut(&self, member: usize, to: Side) -> bool {
        self.hosts[member].state.lock().cut[to as usize]
    }
}

/// Leaves the network when dropped.
pub(crate) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(network) = CURRENT.take() {
            network.listener.lock().take();
        }
    }
}

impl Flow {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }

    fn break_by(&mut self, kind: io::ErrorKind) {
        self.broken = Some(kind);
        self.wake();
    }

    /// Nothing overtakes what was sent before it.
    fn push(&mut self, item: Item, delay: Duration) {
        let after = self.arriving.back().map(|(when, _)| *when);
        let arrival = (Instant::now() + delay).max(after.unwrap_or_else(Instant::now));
        self.arriving.push_back((arrival, item));
        self.wake();
    }
}

/// One end of a connection. Dropping it closes it.
pub(crate) struct Stream {
    link: Arc<Link>,
    side: Side,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    fn poll_until(&mut self, when: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(when)));
        if timer.deadline() != when {
            timer.as_mut().reset(when);
        }
        timer.as_mut().poll(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let link = self.link.clone();
        loop {
            let mut flows = link.flows.lock();
            let flow = &mut flows[self.side as usize];
            if let Some(kind) = flow.broken {
                return Poll::Ready(Err(kind.into()));
            }
            if flow.has_ended {
                return Poll::Ready(Ok(()));
            }
            flow.reader = Some(cx.waker().clone());
            if link.is_cut.load(Ordering::Relaxed) || link.network.is_cut(link.member, self.side) {
                return Poll::Pending;
            }
            let Some((when, item)) = flow.arriving.front_mut() else { return Poll::Pending };
            let when = *when;
            if when > Instant::now() {
                drop(flows);
                match self.poll_until(when, cx) {
                    Poll::Ready(()) => continue,
                    Poll::Pending => return Poll::Pending,
                }
            }
            match item {
                Item::Bytes(bytes) => {
                    let now = bytes.len().min(buffer.remaining());
                    buffer.put_slice(&bytes[..now]);
                    bytes.drain(..now);
                    if bytes.is_empty() {
                        flow.arriving.pop_front();
                    }
                    flow.held -= now;
                    flows[self.side.other() as usize].writer.take().into_iter().for_each(Waker::wake);
                    return Poll::Ready(Ok(()));
                }
                Item::End => flow.has_ended = true,
                Item::Reset => flow.broken = Some(io::ErrorKind::ConnectionReset),
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, offered: &[u8]) -> Poll<io::Result<usize>> {
        let link = &self.link;
        let room = link.network.hosts[link.member].state.lock().room;
        let mut flows = link.flows.lock();
        if flows[self.side as usize].broken.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let there = &mut flows[self.side.other() as usize];
        if there.is_dropped {
            flows[self.side as usize].broken = Some(io::ErrorKind::ConnectionReset);
            return Poll::Ready(Ok(offered.len()));
        }
        let bytes = &offered[..offered.len().min(room.saturating_sub(there.held))];
        if bytes.is_empty() {
            flows[self.side as usize].writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        there.held += bytes.len();
        there.push(Item::Bytes(bytes.to_vec()), link.network.delay(link.member));
        drop(flows);
        if self.side == Side::Client {
            // What a message begins with decides when it was sent.
            let told = link.told.swap(offered.len() - bytes.len(), Ordering::Relaxed);
            let listener = link.network.listener.lock().clone();
            if let Some(listener) = listener {
                listener.sent(link.member, link.number, link.port, &offered[told..]);
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let link = &self.link;
        link.flows.lock()[self.side.other() as usize].push(Item::End, link.network.delay(link.member));
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let link = &self.link;
        let delay = link.network.delay(link.member);
        {
            let mut flows = link.flows.lock();
            flows[self.side as usize].is_dropped = true;
            flows[self.side.other() as usize].push(Item::End, delay);
        }
        if self.side == Side::Client {
            link.network.hosts[link.member].state.lock().open[link.port as usize] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers every line with the same.
    struct Echo;

    impl Listener for Echo {
        fn accept(&self, _: usize, _: usize, _: Port, mut stream: Stream) {
            tokio::spawn(async move {
                let mut bytes = [0; 64];
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    stream.write_all(&bytes[..read]).await.unwrap();
                }
            });
        }
    }

    async fn exchange(stream: &mut Stream, text: &str) -> io::Result<String> {
        stream.write_all(text.as_bytes()).await?;
        let mut bytes = [0; 64];
        let read = stream.read(&mut bytes).await?;
        Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_cut_arrives_when_the_way_is_mended_and_what_is_stopped_is_reset() {
        let network = Network::new(2);
        let _entered = network.enter(Arc::new(Echo));
        network.set_delay(1, 10..11);
        let mut stream = network.connect("member-1", Port::Bolt).await.unwrap();
        let began = Instant::now();
        assert_eq!(exchange(&mut stream, "a").await.unwrap(), "a");
        assert!((20..25).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());

        network.set_cut(1, [true, false]);
        let limit = Duration::from_secs(60);
        assert!(tokio::time::timeout(limit, exchange(&mut stream, "b")).await.is_err());
        assert!(tokio::time::timeout(limit, network.connect("member-1", Port::Http)).await.is_err());
        network.set_cut(1, [false, false]);
        assert_eq!(exchange(&mut stream, "c").await.unwrap(), "b");

        assert_eq!(exchange(&mut stream, "d").await.unwrap(), "c");

        network.stop(1);
        let lost = async {
            while exchange(&mut stream, "e").await.is_ok() {}
            exchange(&mut stream, "f").await
        };
        assert_eq!(lost.await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let refused = network.connect("member-1", Port::Bolt).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(network.open(1, Port::Bolt), (1, 1));
        drop(stream);
        assert_eq!(network.open(1, Port::Bolt), (0, 1));

        network.start(1);
        let mut stream = network.connect("member-1", Port::Bolt).await.unwrap();
        network.set_cut(1, [false, true]);
        network.lose(1);
        assert_eq!(exchange(&mut stream, "g").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
