//! A Bolt server of a few lines, a driver and a session of it, and a sink that keeps what it is handed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use bolt::server::{signature, Replies, Requests};
use bolt::{Parameters, Value, Version};
use driver::{
    Config, Driver, Error, Flow, Head, LogLevel, Mode, Observer, Run, ServerConfig, Session, SessionConfig,
    Sink, Summary, TxConfig, View,
};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Answers each query with `rows` records of one integer. Counts the PULLs it gets, keeps all requests, and who logged in.
pub(crate) struct Server {
    pub(crate) uri: String,
    pub(crate) pulls: Arc<AtomicUsize>,
    /// Signatures, by the read they came in.
    pub(crate) reads: Arc<Mutex<Vec<Vec<u8>>>>,
    /// By the number of the connection: the users of its logins, `-` for a LOGOFF, `run` and `bye`.
    pub(crate) received: Arc<Mutex<Vec<(usize, String)>>>,
    pub(crate) script: Arc<Mutex<Script>>,
}

/// What goes wrong, each once: the first that fits a request happens to it.
pub(crate) type Script = Vec<(u8, Fault)>;

pub(crate) enum Fault {
    /// FAILURE with this code.
    Fails(&'static str),
    /// No answer until RESET comes.
    Hangs,
    /// The connection is lost, without an answer.
    Closes,
}

impl Server {
    /// Adds a fault.
    pub(crate) fn when(&self, signature: u8, fault: Fault) {
        self.script.lock().push((signature, fault));
    }

    pub(crate) fn count(&self, signature: u8) -> usize {
        self.reads.lock().iter().flatten().filter(|s| **s == signature).count()
    }

    /// What was received since the last time.
    pub(crate) fn received(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut *self.received.lock())
    }

    pub(crate) async fn until(&self, condition: impl Fn(&Server) -> bool) {
        let wait = async {
            while !condition(self) {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("it never came");
    }
}

impl Server {
    pub(crate) async fn start(rows: i64) -> Server {
        Server::speaking(Version::new(5, 4), rows).await
    }

    pub(crate) async fn speaking(version: Version, rows: i64) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("bolt://{}", listener.local_addr().unwrap());
        let server = Server {
            uri,
            pulls: Arc::default(),
            reads: Arc::default(),
            received: Arc::default(),
            script: Arc::default(),
        };
        let (pulls, reads, script) = (server.pulls.clone(), server.reads.clone(), server.script.clone());
        let received = server.received.clone();
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections += 1;
                let (number, received) = (connections, received.clone());
                let note = move |what: &str| received.lock().push((number, what.to_owned()));
                tokio::spawn(serve(
                    stream,
                    version,
                    rows,
                    pulls.clone(),
                    reads.clone(),
                    script.clone(),
                    note,
                ));
            }
        });
        server
    }
}

/// Answers come in parts of so many bytes.
const PART: usize = 4_000;

async fn serve(
    mut stream: TcpStream,
    version: Version,
    rows: i64,
    pulls: Arc<AtomicUsize>,
    reads: Arc<Mutex<Vec<Vec<u8>>>>,
    script: Arc<Mutex<Script>>,
    note: impl Fn(&str) + Send,
) {
    let mut proposals = [0; 20];
    stream.read_exact(&mut proposals).await.unwrap();
    stream.write_all(&[0, 0, version.minor, version.major]).await.unwrap();
    let (mut requests, mut replies) = (Requests::new(version, true), Replies::new(version, true));
    let mut left = Vec::new();
    // Answers that RESET turns into IGNORED; and whether a request failed.
    let (mut held, mut failed) = (0, false);
    let mut buffer = vec![0; 4096];
    while let Ok(read) = stream.read(&mut buffer).await {
        if read == 0 {
            return;
        }
        requests.feed(&buffer[..read]).unwrap();
        let mut signatures = Vec::new();
        while let Some(message) = requests.next_message().unwrap() {
            signatures.push(message.signature);
            if message.signature == signature::RESET {
                (0..held).for_each(|_| replies.ignored());
                (held, failed) = (0, false);
                replies.success(&[]).unwrap();
                continue;
            }
            if failed {
                replies.ignored();
                continue;
            }
            let fault = {
                let mut script = script.lock();
                let at = script.iter().position(|(s, _)| *s == message.signature);
                at.map(|at| script.remove(at).1)
            };
            match fault {
                _ if held > 0 => {
                    held += 1;
                    continue;
                }
                Some(Fault::Hangs) => {
                    held = 1;
                    continue;
                }
                Some(Fault::Closes) => {
                    reads.lock().push(signatures);
                    return;
                }
                Some(Fault::Fails(code)) => {
                    failed = true;
                    replies.failure(&[("code", code.into()), ("message", "as scripted".into())]).unwrap();
                    continue;
                }
                None => {}
            }
            match message.signature {
                signature::HELLO | signature::LOGON => {
                    if let Some(Value::Map(token)) = message.fields.first() {
                        if let Some((_, Value::String(user))) =
                            token.iter().find(|(key, _)| key == "principal")
                        {
                            note(user);
                        }
                    }
                    let hints = Value::Map(vec![("telemetry.enabled".into(), Value::Boolean(true))]);
                    replies.success(&[("hints", hints)]).unwrap();
                }
                signature::LOGOFF => {
                    note("-");
                    replies.success(&[]).unwrap();
                }
                signature::RUN => {
                    note("run");
                    let qid = i64::try_from(left.len()).unwrap();
                    left.push(rows);
                    let fields = Value::List(vec![Value::String("n".into())]);
                    replies.success(&[("fields", fields), ("qid", Value::Integer(qid))]).unwrap();
                }
                signature::PULL => {
                    pulls.fetch_add(1, Ordering::SeqCst);
                    let Some(Value::Map(extra)) = message.fields.first() else { panic!("{message:?}") };
                    let Some((_, Value::Integer(n))) = extra.iter().find(|(key, _)| key == "n") else {
                        panic!()
                    };
                    let left = named(extra, &mut left);
                    let now = if *n < 0 { *left } else { *n.min(left) };
                    for i in 0..now {
                        replies.record(&[Value::Integer(rows - *left + i)]).unwrap();
                    }
                    *left -= now;
                    replies.success(&[("has_more", Value::Boolean(*left > 0))]).unwrap();
                }
                signature::DISCARD => {
                    let Some(Value::Map(extra)) = message.fields.first() else { panic!("{message:?}") };
                    *named(extra, &mut left) = 0;
                    replies.success(&[]).unwrap();
                }
                signature::GOODBYE => {
                    note("bye");
                    return;
                }
                _ => replies.success(&[]).unwrap(),
            }
        }
        reads.lock().push(signatures);
        for part in replies.take().chunks(PART) {
            if stream.write_all(part).await.is_err() {
                return;
            }
            // Whoever reads it does so before there is more.
            tokio::task::yield_now().await;
        }
    }
}

/// What is left of the result that is meant: the last, or the one with this `qid`.
fn named<'a>(extra: &[(String, Value)], left: &'a mut [i64]) -> &'a mut i64 {
    let qid = extra.iter().find_map(|(key, value)| match value {
        Value::Integer(qid) if key == "qid" && *qid >= 0 => usize::try_from(*qid).ok(),
        _ => None,
    });
    match qid {
        Some(qid) => &mut left[qid],
        None => left.last_mut().unwrap(),
    }
}

/// What has come of a result.
#[derive(Default)]
pub(crate) struct Collected {
    pub(crate) rows: usize,
    pub(crate) batches: usize,
    pub(crate) summaries: usize,
    /// Of these, how many said that not all was handed over.
    pub(crate) partial: usize,
    pub(crate) failure: Option<Error>,
}

#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) collected: Mutex<Collected>,
    pub(crate) changed: Notify,
    pub(crate) panics: bool,
}

impl Collector {
    pub(crate) async fn until(&self, condition: impl Fn(&Collected) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if condition(&self.collected.lock()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("it never came");
    }
}

impl Sink for Collector {
    fn keys(&self, _: &Head) {
        assert!(!self.panics, "this sink panics, as it was told to");
    }

    fn batch(&self, batch: bolt::columns::Batch) {
        let mut collected = self.collected.lock();
        collected.rows += batch.rows;
        collected.batches += 1;
    }

    fn restart(&self) -> bool {
        false
    }

    fn summary(&self, summary: Summary) {
        let mut collected = self.collected.lock();
        collected.summaries += 1;
        collected.partial += usize::from(summary.is_partial);
    }

    fn failure(&self, error: Error) {
        self.collected.lock().failure = Some(error);
    }

    fn flush(&self) {
        self.changed.notify_waiters();
        self.changed.notify_one();
    }
}

struct Unobserved;

impl Observer for Unobserved {
    fn topology(&self, _: &View) {}
    fn log(&self, _: LogLevel, _: &str) {}
}

/// A driver of one server, without checks.
pub(crate) fn direct(uri: &str, change: impl FnOnce(&mut Config)) -> Driver {
    asking(uri, change, Arc::new(Unobserved))
}

/// The same, with somebody to ask.
pub(crate) fn asking(uri: &str, change: impl FnOnce(&mut Config), observer: Arc<dyn Observer>) -> Driver {
    let mut config = Config {
        mode: Mode::Direct,
        servers: vec![ServerConfig { bolt: uri.into(), ..ServerConfig::default() }],
        ..Config::default()
    };
    change(&mut config);
    Driver::new(config, observer, tokio::runtime::Handle::current()).unwrap()
}

/// A server that answers each query with `rows` records, a driver of it, and a session that writes.
pub(crate) async fn opened(rows: i64, change: impl FnOnce(&mut Config)) -> (Server, Driver, Session) {
    let server = Server::start(rows).await;
    let driver = direct(&server.uri, change);
    let session = session(&driver);
    (server, driver, session)
}

/// A session that writes.
pub(crate) fn session(driver: &Driver) -> Session {
    driver.session(driver.intent(true, -1, -1, -1), SessionConfig::default())
}

/// Runs a query, which is given credit by hand.
pub(crate) fn run(session: &Session, id: u64, sink: &Arc<Collector>) -> Arc<Flow> {
    let query = query(session, id, sink);
    let flow = query.flow.clone();
    session.run(query);
    flow
}

pub(crate) fn query(session: &Session, id: u64, sink: &Arc<Collector>) -> Run {
    Run {
        id,
        query: "RETURN 1".into(),
        parameters: Parameters::empty(),
        config: TxConfig::default(),
        metadata: None,
        sink: sink.clone(),
        flow: session.flow(),
    }
}
