//! `crates/driver`: the whole engine, on a server that is scripted. What the application does, it does outside of the
//! runtime, as JavaScript's thread does.

use std::hint::black_box;
use std::sync::Arc;

use bolt::columns::Batch;
use bolt::Parameters;
use driver::{
    Config, Driver, Error, Head, LogLevel, Mode, Observer, Run, ServerConfig, Session, SessionConfig, Sink,
    Summary, TxConfig, View,
};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::records::ROWS;
use crate::server::Server;
use crate::{Failure, Scenario, SetUp};

const ROUNDS: usize = 500;

pub(crate) fn scenarios() -> Vec<(&'static str, SetUp)> {
    vec![
        ("acquire", Box::new(acquire)),
        ("small-query", Box::new(|| query(Session::run))),
        ("execute-query", Box::new(|| query(Session::execute))),
        ("query-records", Box::new(records)),
    ]
}

/// A connection from the pool, and back.
fn acquire() -> Result<Scenario, Failure> {
    let client = Client::new(1)?;
    // There is a connection then.
    client.query(Session::run)?;
    of("connection", move || Ok(client.runtime.block_on(client.driver.acquire())?))
}

/// A query on a session of its own, to its summary.
fn query(how: fn(&Session, Run)) -> Result<Scenario, Failure> {
    let client = Client::new(1)?;
    of("query", move || client.query(how))
}

/// The records of a larger result, on their way through the engine.
fn records() -> Result<Scenario, Failure> {
    let client = Client::new(ROWS)?;
    let operations = client.records;
    Ok(Scenario { operations, ..of("record", move || client.query(Session::run))? })
}

fn of(unit: &'static str, work: impl FnMut() -> Result<(), Failure> + 'static) -> Result<Scenario, Failure> {
    Ok(Scenario { unit, operations: 1, rounds: ROUNDS, work: Box::new(work) })
}

struct Client {
    /// Of each result.
    records: usize,
    driver: Driver,
    runtime: Runtime,
}

impl Client {
    fn new(records: i64) -> Result<Self, Failure> {
        let server = Server::new(records)?;
        let config = Config {
            mode: Mode::Direct,
            servers: vec![ServerConfig { bolt: server.uri()?, ..ServerConfig::default() }],
            ..Config::default()
        };
        let server = Mutex::new(server);
        let takes_its_turn = move || {
            if let Err(error) = server.lock().play() {
                eprintln!("the scripted server: {error}");
                std::process::exit(1);
            }
        };
        let runtime = Builder::new_current_thread().enable_all().on_thread_park(takes_its_turn).build()?;
        let driver = Driver::new(config, Arc::new(Unobserved), runtime.handle().clone())?;
        Ok(Self { records: usize::try_from(records)?, driver, runtime })
    }

    fn query(&self, how: fn(&Session, Run)) -> Result<(), Failure> {
        let session = self.driver.session(self.driver.intent(false, -1, -1, -1), SessionConfig::default());
        let reader = Arc::new(Reader::default());
        let run = Run {
            id: 1,
            query: "RETURN 1 AS n".into(),
            parameters: Parameters::empty(),
            config: TxConfig::default(),
            metadata: None,
            sink: reader.clone(),
            flow: session.flow(),
        };
        if self.records > 1 {
            // These may be more batches than there is credit for.
            run.flow.more(self.records, false);
        }
        how(&session, run);
        let rows = self.runtime.block_on(reader.ended())?;
        if rows != self.records {
            return Err(format!("{rows} records instead of {}", self.records).into());
        }
        Ok(())
    }
}

/// Reads as the binding does, which copies what it is handed.
#[derive(Default)]
struct Reader {
    read: Mutex<Read>,
    has_ended: Notify,
}

#[derive(Default)]
struct Read {
    bytes: Vec<u8>,
    rows: usize,
    failure: Option<Error>,
}

impl Reader {
    /// How many records there were.
    async fn ended(&self) -> Result<usize, Failure> {
        self.has_ended.notified().await;
        let mut read = self.read.lock();
        match read.failure.take() {
            Some(error) => Err(error.into()),
            None => Ok(read.rows),
        }
    }
}

impl Read {
    fn copy(&mut self, batch: &Batch) {
        self.bytes.resize(batch.byte_len(), 0);
        batch.write(black_box(&mut self.bytes));
    }
}

impl Sink for Reader {
    fn keys(&self, head: &Head) {
        black_box(head);
    }

    fn batch(&self, batch: Batch) {
        let mut read = self.read.lock();
        read.rows += batch.rows;
        read.copy(&batch);
    }

    fn restart(&self) -> bool {
        false
    }

    fn summary(&self, summary: Summary) {
        self.read.lock().copy(&summary.metadata);
        self.has_ended.notify_one();
    }

    fn failure(&self, error: Error) {
        self.read.lock().failure = Some(error);
        self.has_ended.notify_one();
    }

    fn flush(&self) {}
}

struct Unobserved;

impl Observer for Unobserved {
    fn topology(&self, _: &View) {}
    fn log(&self, _: LogLevel, _: &str) {}
}
