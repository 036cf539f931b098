//! The cluster: what its members are, what they say, and the truth of what was written.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bolt::packstream::Writer;
use bolt::server::{signature, ClientMessage, Replies, Requests};
use bolt::{Value, Version};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::network::{Listener, Network, Port, Stream};
use crate::config::LogLevel;
use crate::observer::Observer;
use crate::topology::{Role, Status, View};

type Refusal = (&'static str, &'static str);

const UNKNOWN: &str = "Neo.DatabaseError.General.UnknownError";
const NOT_A_LEADER: Refusal = ("Neo.ClientError.Cluster.NotALeader", "No write operations are allowed here");
const NO_MASTER: Refusal = (UNKNOWN, "There is no master currently available");
const LOST_BEHIND: Refusal = (UNKNOWN, "Failed to end the lock session on the master");
const STATE_CHANGED: Refusal =
    ("Neo.TransientError.Transaction.InstanceStateChanged", "Instance state changed");
const DEADLOCK: Refusal = ("Neo.TransientError.Transaction.DeadlockDetected", "A deadlock");
const WRITE_IN_READ: Refusal = ("Neo.ClientError.Statement.AccessMode", "Writing in read access mode");

/// The kind of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Slaves pass writes on.
    Ha,
    Causal,
}

/// What does not change in a schedule.
#[derive(Debug, Clone)]
pub(super) struct Nature {
    pub(super) kind: Kind,
    pub(super) version: Version,
    /// A master that was replaced and does not know commits all the same: the data part.
    pub(super) branches: bool,
    /// Of a hundred queries, how many fail for a while.
    pub(super) deadlocks: u32,
    /// Of a thousand messages, how many are answered late, and by how many milliseconds at most.
    pub(super) late: u32,
    pub(super) latest: u64,
    /// For how long a driver waits for a master that was lost.
    pub(super) patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It has not joined the others.
    None,
    Slave,
    /// Of this term, as it knows.
    Master(u64),
}

/// How the status endpoint behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Answers,
    Hangs,
    Closes,
    Fails,
    /// It says something else than what the member is by Bolt.
    Says(Part),
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) is_up: bool,
    /// Counts its processes.
    pub(super) incarnation: u64,
    pub(super) is_hung: bool,
    /// What it is by Bolt, and what its endpoint says.
    pub(super) part: Part,
    pub(super) says: Part,
    pub(super) endpoint: Endpoint,
    /// Milliseconds that an answer takes.
    pub(super) work: Range<u64>,
}

pub(super) struct State {
    pub(super) members: Vec<Member>,
    pub(super) master: Option<usize>,
    pub(super) term: u64,
    /// Nothing is late any more.
    pub(super) is_well: bool,
    /// How often each write was done.
    applied: BTreeMap<u64, usize>,
    /// What the client has sent on each connection.
    sent: BTreeMap<(usize, usize), Sent>,
    /// What the driver knows.
    view: Option<View>,
    /// Of members that have said that they are the master: the later one began to, the higher its number.
    claims: Vec<Option<Claim>>,
    last_claim: u64,
    told: String,
    master_unknown_since: Option<Instant>,
    had_master: bool,
    faults: Vec<String>,
    trace: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Claim {
    number: u64,
    /// Since when nothing was heard of it: it counts for as long as a master is waited for.
    lost: Option<Instant>,
}

/// The client's side of a connection, as its messages tell.
struct Sent {
    /// Bytes of the handshake that are still to come.
    handshake: usize,
    requests: Requests,
    is_in_transaction: bool,
}

pub(super) struct Cluster {
    pub(super) network: Arc<Network>,
    pub(super) nature: Nature,
    pub(super) state: Mutex<State>,
    pub(super) changed: Notify,
    began: Instant,
}

/// The process that a connection was made to is no more.
struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Gone
    }
}

impl Cluster {
    /// The first is the master.
    pub(super) fn new(members: usize, nature: Nature) -> Arc<Cluster> {
        let member = |index| {
            let part = if index == 0 { Part::Master(1) } else { Part::Slave };
            Member {
                is_up: true,
                incarnation: 0,
                is_hung: false,
                part,
                says: part,
                endpoint: Endpoint::Answers,
                work: 0..2,
            }
        };
        let state = State {
            members: (0..members).map(member).collect(),
            master: Some(0),
            term: 1,
            is_well: false,
            applied: BTreeMap::new(),
            sent: BTreeMap::new(),
            view: None,
            claims: vec![None; members],
            last_claim: 0,
            told: String::new(),
            master_unknown_since: None,
            had_master: false,
            faults: Vec::new(),
            trace: Vec::new(),
        };
        Arc::new(Cluster {
            network: Network::new(members),
            nature,
            state: Mutex::new(state),
            changed: Notify::new(),
            began: Instant::now(),
        })
    }

    pub(super) fn note(&self, what: &str) {
        let line = format!("{:>9.3} {what}", self.began.elapsed().as_secs_f64());
        self.state.lock().trace.push(line);
    }

    /// What must never be has been seen.
    pub(super) fn fault(&self, what: String) {
        self.note(&format!("FAULT {what}"));
        self.state.lock().faults.push(what);
    }

    pub(super) fn take_trace(&self) -> (Vec<String>, Vec<String>) {
        let mut state = self.state.lock();
        (std::mem::take(&mut state.faults), std::mem::take(&mut state.trace))
    }

    /// How often a write was done.
    pub(super) fn times(&self, write: u64) -> usize {
        self.state.lock().applied.get(&write).copied().unwrap_or_default()
    }

    /// Changes something of a member, and wakes whoever waits for that.
    pub(super) fn change(&self, member: usize, change: impl FnOnce(&mut Member)) {
        change(&mut self.state.lock().members[member]);
        self.changed.notify_waiters();
    }

    /// Waits until the process goes on.
    async fn runs(&self, member: usize, incarnation: u64) -> Result<(), Gone> {
        loop {
            let changed = self.changed.notified();
            {
                let member = &self.state.lock().members[member];
                if !member.is_up || member.incarnation != incarnation {
                    return Err(Gone);
                }
                if !member.is_hung {
                    return Ok(());
                }
            }
            changed.await;
        }
    }

    /// The time that a piece of work takes.
    async fn works(&self, member: usize, incarnation: u64) -> Result<(), Gone> {
        self.runs(member, incarnation).await?;
        let (work, is_well) = {
            let state = self.state.lock();
            (state.members[member].work.clone(), state.is_well)
        };
        let mut time = Duration::from_millis(fastrand::u64(work));
        if !is_well && fastrand::u32(0..1000) < self.nature.late {
            time += Duration::from_millis(fastrand::u64(0..self.nature.latest));
        }
        if time > Duration::ZERO {
            tokio::time::sleep(time).await;
        }
        self.runs(member, incarnation).await
    }

    /// A status endpoint: what is asked comes as a line, and one answer goes back.
    async fn serve_http(&self, member: usize, incarnation: u64, mut stream: Stream) -> Result<(), Gone> {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            if stream.read_buf(&mut line).await? == 0 {
                return Ok(());
            }
        }
        self.works(member, incarnation).await?;
        let (endpoint, says) = {
            let member = &self.state.lock().members[member];
            (member.endpoint, member.says)
        };
        let says = match endpoint {
            Endpoint::Answers => says,
            Endpoint::Says(part) => part,
            Endpoint::Closes => return Ok(()),
            Endpoint::Fails => {
                stream.write_all(b"500 out of order").await?;
                return Ok(());
            }
            Endpoint::Hangs => loop {
                self.changed.notified().await;
                self.runs(member, incarnation).await?;
                if self.state.lock().members[member].endpoint != Endpoint::Hangs {
                    return Ok(());
                }
            },
        };
        let path = String::from_utf8_lossy(&line).trim().to_owned();
        let answer: &[u8] = match (self.nature.kind, path.as_str(), says) {
            (Kind::Ha, "/db/manage/server/ha/available", Part::Master(_)) => b"200 master",
            (Kind::Ha, "/db/manage/server/ha/available", Part::Slave) => b"200 slave",
            (Kind::Ha, "/db/manage/server/ha/available", Part::None) => b"404 UNKNOWN",
            (Kind::Causal, "/db/manage/server/core/writable", Part::Master(_)) => b"200 true",
            (Kind::Causal, "/db/manage/server/core/writable", _) => b"404 false",
            _ => b"404 ",
        };
        stream.write_all(answer).await?;
        Ok(())
    }

    async fn serve_bolt(&self, member: usize, incarnation: u64, mut stream: Stream) -> Result<(), Gone> {
        let mut proposals = [0; 20];
        stream.read_exact(&mut proposals).await?;
        self.works(member, incarnation).await?;
        let version = self.nature.version;
        stream.write_all(&[0, 0, version.minor, version.major]).await?;
        let mut talk = Talk {
            member,
            incarnation,
            replies: Replies::new(version, true),
            transaction: None,
            query: None,
            is_failed: false,
        };
        let mut requests = Requests::new(version, true);
        let mut bytes = [0; 4096];
        loop {
            let read = stream.read(&mut bytes).await?;
            if read == 0 {
                return Ok(());
            }
            requests.feed(&bytes[..read]).unwrap();
            while let Some(message) = requests.next_message().unwrap() {
                if message.signature == signature::GOODBYE {
                    return Ok(());
                }
                self.works(member, incarnation).await?;
                self.answer(&mut talk, &message).await?;
                stream.write_all(&talk.replies.take()).await?;
            }
        }
    }

    async fn answer(&self, talk: &mut Talk, message: &ClientMessage) -> Result<(), Gone> {
        if message.signature == signature::RESET {
            (talk.transaction, talk.query, talk.is_failed) = (None, None, false);
            talk.success(&[]);
            return Ok(());
        }
        if talk.is_failed {
            talk.replies.ignored();
            return Ok(());
        }
        let done = match message.signature {
            signature::HELLO => {
                let agent = if self.nature.version.major == 3 { "Neo4j/3.5.0" } else { "Neo4j/5.13.0" };
                talk.success(&[("server", agent.into()), ("connection_id", "bolt-1".into())]);
                Ok(())
            }
            signature::BEGIN => {
                let reads = reads(message);
                let part = self.part(talk.member);
                match part {
                    Part::Slave | Part::None if !reads && !self.passes_on(talk.member) => Err(NOT_A_LEADER),
                    _ => {
                        talk.transaction = Some(Transaction { reads, part, writes: Vec::new() });
                        talk.success(&[]);
                        Ok(())
                    }
                }
            }
            signature::RUN => self.run(talk, message),
            signature::PULL | signature::DISCARD => self.pull(talk, message).await?,
            signature::COMMIT => match talk.transaction.take() {
                Some(transaction) => self.commit(talk, &transaction).await?.map(|()| {
                    talk.success(&[("bookmark", format!("bookmark:{}", fastrand::u32(..)).into())]);
                }),
                None => panic!("COMMIT outside a transaction"),
            },
            signature::ROLLBACK => {
                assert!(talk.transaction.take().is_some(), "ROLLBACK outside a transaction");
                talk.success(&[]);
                Ok(())
            }
            _ => {
                talk.success(&[]);
                Ok(())
            }
        };
        if let Err((code, text)) = done {
            self.note(&format!("m{} refuses {}: {code} {text}", talk.member, message.signature));
            (talk.transaction, talk.query, talk.is_failed) = (None, None, true);
            talk.replies.failure(&[("code", code.into()), ("message", text.into())]).unwrap();
        }
        Ok(())
    }

    fn run(&self, talk: &mut Talk, message: &ClientMessage) -> Result<(), Refusal> {
        let Some(Value::String(text)) = message.fields.first() else { panic!("{message:?}") };
        let (is_explained, text) = match text.strip_prefix("EXPLAIN ") {
            Some(text) => (true, text),
            None => (false, text.as_str()),
        };
        let (verb, number) = text.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        let write = (verb == "CREATE").then_some(number);
        if fastrand::u32(0..100) < self.nature.deadlocks {
            return Err(DEADLOCK);
        }
        let is_alone = talk.transaction.is_none();
        let part = self.part(talk.member);
        if let (Some(write), false) = (write, is_explained) {
            let reads = talk.transaction.as_ref().map_or_else(|| reads(message), |t| t.reads);
            if reads && self.nature.version.major >= 4 {
                return Err(WRITE_IN_READ);
            }
            match part {
                Part::Master(_) => {}
                _ if !self.passes_on(talk.member) => return Err(NOT_A_LEADER),
                _ if self.state.lock().master.is_none() => return Err(NO_MASTER),
                _ => {}
            }
            if let Some(transaction) = &mut talk.transaction {
                transaction.writes.push(write);
            }
        }
        let rows = if is_explained || write.is_some() { 0 } else { number };
        let alone = is_alone.then(|| Transaction {
            reads: reads(message),
            part,
            writes: write.filter(|_| !is_explained).into_iter().collect(),
        });
        talk.query = Some(Query { rows, alone, writes: write.is_some() });
        let fields = Value::List(vec![Value::String("n".into())]);
        talk.success(&[("fields", fields), ("qid", Value::Integer(0))]);
        Ok(())
    }

    async fn pull(&self, talk: &mut Talk, message: &ClientMessage) -> Result<Result<(), Refusal>, Gone> {
        let Some(mut query) = talk.query.take() else { panic!("{message:?} without a query") };
        if fastrand::u32(0..100) < self.nature.deadlocks {
            return Ok(Err(DEADLOCK));
        }
        let most = match extra(message, "n") {
            Some(Value::Integer(n)) if *n >= 0 => u64::try_from(*n).unwrap(),
            _ => u64::MAX,
        };
        let now = query.rows.min(most);
        if message.signature == signature::PULL {
            (0..now).for_each(|_| talk.replies.record(&[Value::Integer(1)]).unwrap());
        }
        query.rows -= now;
        if query.rows > 0 {
            talk.query = Some(query);
            talk.success(&[("has_more", Value::Boolean(true))]);
            return Ok(Ok(()));
        }
        if let Some(alone) = &query.alone {
            if let Err(refusal) = self.commit(talk, alone).await? {
                return Ok(Err(refusal));
            }
        }
        let kind = if query.writes { "w" } else { "r" };
        talk.success(&[("type", kind.into()), ("has_more", Value::Boolean(false))]);
        Ok(Ok(()))
    }

    fn part(&self, member: usize) -> Part {
        self.state.lock().members[member].part
    }

    /// Whether it does a write by way of the master: one that says that it is a slave.
    fn passes_on(&self, member: usize) -> bool {
        let state = self.state.lock();
        self.nature.kind == Kind::Ha && state.members[member].says == Part::Slave
    }

    /// Does what was written, all of it or nothing.
    async fn commit(&self, talk: &Talk, work: &Transaction) -> Result<Result<(), Refusal>, Gone> {
        if work.writes.is_empty() {
            return Ok(Ok(()));
        }
        match (work.part, self.part(talk.member)) {
            (Part::Master(began), Part::Master(term)) if began == term => {
                let mut state = self.state.lock();
                let is_branch = (state.master, state.term) != (Some(talk.member), term);
                if is_branch && !self.nature.branches {
                    return Ok(Err(STATE_CHANGED));
                }
                state.apply(&work.writes);
                Ok(Ok(()))
            }
            (Part::Slave, Part::Slave) if self.passes_on(talk.member) => {
                let Some((master, incarnation)) = self.state.lock().healthy_master() else {
                    return Ok(Err(NO_MASTER));
                };
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..20))).await;
                self.runs(talk.member, talk.incarnation).await?;
                {
                    let mut state = self.state.lock();
                    if state.healthy_master() != Some((master, incarnation)) {
                        return Ok(Err(LOST_BEHIND));
                    }
                    state.apply(&work.writes);
                }
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..20))).await;
                self.runs(talk.member, talk.incarnation).await?;
                if self.state.lock().healthy_master() != Some((master, incarnation)) {
                    return Ok(Err(LOST_BEHIND));
                }
                Ok(Ok(()))
            }
            _ => Ok(Err(STATE_CHANGED)),
        }
    }

    /// Why a write must not begin on this member, by what the driver itself has published, if it must not.
    fn forbids(&self, state: &State, member: usize, asked: Duration) -> Option<&'static str> {
        let view = state.view.as_ref()?;
        let info = view.get(member)?;
        // Not to the millisecond: the driver looks when a check is over.
        let patience = self.nature.patience.saturating_sub(Duration::from_secs(1));
        let counts = |claim: &&Claim| claim.lost.is_none_or(|lost| lost.elapsed() < patience);
        let last = state.claims.iter().flatten().filter(counts).map(|claim| claim.number).max();
        if state.claims[member].is_some_and(|claim| Some(claim.number) < last) {
            return Some("another one has become the master since");
        }
        if info.status != Status::Up || info.role != Role::Slave {
            return None;
        }
        // Where there never was a master, or none came for as long as the work can wait, it is tried on the first that answers: that
        // one may know of one that is not listed.
        let has_waited = self.began.elapsed() >= asked + self.nature.patience
            || state.master_unknown_since.is_some_and(|since| since.elapsed() >= self.nature.patience);
        let is_last_resort = view.master().is_none() && (has_waited || !state.had_master);
        (!is_last_resort).then_some("it is a slave")
    }

    /// What an application's work says of when it was asked for: as metadata of its transaction.
    pub(super) fn asked_now(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut writer = Writer::new(&mut packed);
        writer.map(1);
        writer.string("asked");
        writer.integer(i64::try_from(self.began.elapsed().as_millis()).unwrap());
        packed
    }
}

/// When it was asked for, by the same.
fn asked(message: &ClientMessage) -> Duration {
    let Some(Value::Map(metadata)) = extra(message, "tx_metadata") else { panic!("{message:?}") };
    let Some((_, Value::Integer(at))) = metadata.first() else { panic!("{message:?}") };
    Duration::from_millis(u64::try_from(*at).unwrap())
}

impl State {
    /// The master and its process, if it can do work.
    fn healthy_master(&self) -> Option<(usize, u64)> {
        let master = self.master?;
        let member = &self.members[master];
        (member.is_up && !member.is_hung && member.part == Part::Master(self.term))
            .then_some((master, member.incarnation))
    }

    /// What the driver hears of the members' claims to be the master.
    fn hear(&mut self, view: &View) {
        for (info, claim) in view.servers.iter().zip(&mut self.claims) {
            // Work has found it unfit; who says that it has no part belongs to a cluster.
            let is_unfit = info.status == Status::Unknown && info.in_doubt && info.topology.is_none();
            let is_lost = info.status == Status::Down || is_unfit;
            if info.status == Status::Up && info.role == Role::Master {
                let number = claim.map(|claim| claim.number).unwrap_or_else(|| {
                    self.last_claim += 1;
                    self.last_claim
                });
                *claim = Some(Claim { number, lost: None });
            } else if let Some(known) = claim.as_mut().filter(|_| is_lost) {
                known.lost.get_or_insert_with(Instant::now);
            } else {
                *claim = None;
            }
        }
    }

    fn apply(&mut self, writes: &[u64]) {
        for write in writes {
            *self.applied.entry(*write).or_default() += 1;
        }
    }
}

struct Talk {
    member: usize,
    incarnation: u64,
    replies: Replies,
    transaction: Option<Transaction>,
    query: Option<Query>,
    is_failed: bool,
}

impl Talk {
    fn success(&mut self, metadata: &[(&str, Value)]) {
        self.replies.success(metadata).unwrap();
    }
}

struct Transaction {
    reads: bool,
    /// What the member was when it began.
    part: Part,
    writes: Vec<u64>,
}

struct Query {
    rows: u64,
    writes: bool,
    /// It is its own transaction.
    alone: Option<Transaction>,
}

/// An entry of the map that a message ends with.
fn extra<'a>(message: &'a ClientMessage, key: &str) -> Option<&'a Value> {
    let Some(Value::Map(extra)) = message.fields.last() else { return None };
    extra.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Whether the client says that it only reads.
fn reads(message: &ClientMessage) -> bool {
    matches!(extra(message, "mode"), Some(Value::String(mode)) if mode == "r")
}

/// The members, as the network knows them.
pub(super) struct Members(pub(super) Arc<Cluster>);

impl Listener for Members {
    fn accept(&self, member: usize, connection: usize, port: Port, stream: Stream) {
        let cluster = self.0.clone();
        let incarnation = {
            let mut state = cluster.state.lock();
            if port == Port::Bolt {
                let requests = Requests::new(cluster.nature.version, true);
                let sent = Sent { handshake: 20, requests, is_in_transaction: false };
                state.sent.insert((member, connection), sent);
            }
            state.members[member].incarnation
        };
        tokio::spawn(async move {
            let server = cluster.clone();
            let serving = tokio::spawn(async move {
                let _ = match port {
                    Port::Http => server.serve_http(member, incarnation, stream).await,
                    Port::Bolt => server.serve_bolt(member, incarnation, stream).await,
                };
            });
            if let Err(ended) = serving.await {
                if ended.is_panic() {
                    cluster
                        .fault(format!("m{member} cannot make sense of what came on c{connection}: {ended}"));
                }
            }
        });
    }

    fn sent(&self, member: usize, connection: usize, port: Port, bytes: &[u8]) {
        if port == Port::Http {
            return;
        }
        let mut messages = Vec::new();
        let mut begun = None;
        let wrong = {
            let mut state = self.0.state.lock();
            let Some(sent) = state.sent.get_mut(&(member, connection)) else { return };
            let skipped = sent.handshake.min(bytes.len());
            sent.handshake -= skipped;
            sent.requests.feed(&bytes[skipped..]).unwrap();
            while let Some(message) = sent.requests.next_message().unwrap() {
                let begins_work = match message.signature {
                    signature::BEGIN => !std::mem::replace(&mut sent.is_in_transaction, true),
                    signature::RUN => !sent.is_in_transaction,
                    signature::COMMIT | signature::ROLLBACK | signature::RESET => {
                        sent.is_in_transaction = false;
                        false
                    }
                    _ => false,
                };
                if begins_work && !reads(&message) {
                    begun = Some(asked(&message));
                }
                messages.push(name(&message));
            }
            begun.and_then(|asked| self.0.forbids(&state, member, asked))
        };
        if !messages.is_empty() {
            self.0.note(&format!("c{connection} to m{member}: {}", messages.join(", ")));
        }
        if let Some(why) = wrong {
            self.0.fault(format!("a write was sent to m{member}, of which the driver knew that {why}"));
        }
    }
}

fn name(message: &ClientMessage) -> String {
    let name = match message.signature {
        signature::HELLO => "HELLO",
        signature::RESET => "RESET",
        signature::RUN => "RUN",
        signature::BEGIN => "BEGIN",
        signature::COMMIT => "COMMIT",
        signature::ROLLBACK => "ROLLBACK",
        signature::DISCARD => "DISCARD",
        signature::PULL => "PULL",
        signature::GOODBYE => "GOODBYE",
        signature::LOGON => "LOGON",
        _ => "another",
    };
    match message.fields.first() {
        Some(Value::String(text)) => format!("{name} {text}"),
        _ => name.to_owned(),
    }
}

/// Hears what the driver says.
impl Observer for Members {
    fn topology(&self, view: &View) {
        let servers: Vec<_> = view
            .servers
            .iter()
            .map(|s| format!("{:?}/{:?}{}", s.status, s.role, if view.is_superseded(s) { "!" } else { "" }))
            .collect();
        let servers = {
            let mut state = self.0.state.lock();
            match view.master() {
                Some(_) => (state.master_unknown_since, state.had_master) = (None, true),
                None => {
                    state.master_unknown_since.get_or_insert_with(Instant::now);
                }
            }
            state.hear(view);
            state.view = Some(view.clone());
            let servers = servers.join(" ");
            if state.told == servers {
                return;
            }
            state.told.clone_from(&servers);
            servers
        };
        self.0.note(&format!("view {servers}"));
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.0.note(&format!("log {level:?} {message}"));
    }
}
