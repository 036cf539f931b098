//! What comes of work for the choice of servers: those that lose it again and again are left alone, and an answer lets them back in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod support;

use std::sync::Arc;
use std::time::Duration;

use bolt::server::signature;
use driver::{
    Begin, Config, Done, Driver, Kinds, LogLevel, Mode, Observer, ServerConfig, Session, SessionConfig,
    TxConfig, View,
};
use parking_lot::Mutex;
use support::{query, Collector, Fault, Server};
use tokio::sync::oneshot;

const ROUND_ROBIN: i32 = 1;

#[derive(Default)]
struct Warned(Mutex<Vec<String>>);

impl Observer for Warned {
    fn topology(&self, _: &View) {}

    fn log(&self, level: LogLevel, message: &str) {
        if level == LogLevel::Warn {
            self.0.lock().push(message.to_owned());
        }
    }
}

/// Two servers that take turns, and a driver that checks them when it has a reason to.
struct Pair {
    driver: Driver,
    healthy: Server,
    flaky: Server,
    warned: Arc<Warned>,
}

/// How a piece of work is done.
#[derive(Clone, Copy)]
enum Work {
    Query,
    Committed,
    RolledBack,
    /// A transaction of one query.
    Whole,
}

const ALL: [Work; 4] = [Work::Query, Work::Committed, Work::RolledBack, Work::Whole];

impl Pair {
    async fn start() -> Pair {
        let (healthy, flaky) = (Server::start(1).await, Server::start(1).await);
        let server = |server: &Server| ServerConfig { bolt: server.uri.clone(), ..ServerConfig::default() };
        let config = Config {
            mode: Mode::Ha,
            servers: vec![server(&healthy), server(&flaky)],
            topology: Kinds::Single,
            strategy: ROUND_ROBIN,
            check_interval: 3_600_000,
            log_level: LogLevel::Warn,
            ..Config::default()
        };
        let warned = Arc::new(Warned::default());
        let driver = Driver::new(config, warned.clone(), tokio::runtime::Handle::current()).unwrap();
        driver.ready().await.unwrap();
        Pair { driver, healthy, flaky, warned }
    }

    fn session(&self) -> Session {
        self.driver.session(self.driver.intent(false, -1, -1, -1), SessionConfig::default())
    }

    /// A read in a session of its own, which has its turn now.
    async fn read(&self, how: Work) {
        let session = self.session();
        let sink = Arc::new(Collector::default());
        let run = query(&session, 1, &sink);
        match how {
            Work::Query => session.run(run),
            Work::Whole => session.execute(run),
            Work::Committed | Work::RolledBack => {
                session.begin(begin(), Done::new(|_| {}));
                session.run(run);
            }
        }
        sink.until(|c| c.summaries > 0 || c.failure.is_some()).await;
        match how {
            Work::Query | Work::Whole => {}
            Work::Committed => told(&session, Session::commit).await,
            Work::RolledBack => told(&session, Session::rollback).await,
        }
        assert!(
            sink.collected.lock().failure.is_none(),
            "a read that was lost is sent again, or had no fault"
        );
        told(&session, Session::close).await;
        self.settled().await;
    }

    /// The flaky server loses the next connection at its first work.
    async fn lose(&self) {
        self.flaky.when(signature::RUN, Fault::Closes);
        self.reach_flaky(Work::Query).await;
    }

    /// Does such work until the flaky server has had its turn.
    async fn reach_flaky(&self, how: Work) {
        let asked = self.flaky.count(signature::RUN);
        for _ in 0..2 {
            if self.flaky.count(signature::RUN) == asked {
                self.read(how).await;
            }
        }
        assert!(self.flaky.count(signature::RUN) > asked, "it has no turn");
    }

    /// Begins such work, in sessions of its own, until the flaky server has some: its session.
    async fn begin_on_flaky(&self, work: impl Fn(&Session)) -> Session {
        let asked = self.flaky.count(signature::RUN);
        for _ in 0..2 {
            let session = self.session();
            let served = self.healthy.count(signature::RUN);
            work(&session);
            let is_taken =
                || self.flaky.count(signature::RUN) > asked || self.healthy.count(signature::RUN) > served;
            while !is_taken() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            if self.flaky.count(signature::RUN) > asked {
                return session;
            }
        }
        panic!("it has no turn");
    }

    /// A query that is not waited for.
    fn query(session: &Session) {
        session.run(query(session, 1, &Arc::new(Collector::default())));
    }

    /// The same in a transaction that stays open.
    fn transaction(session: &Session) {
        session.begin(begin(), Done::new(|_| {}));
        Pair::query(session);
    }

    /// Checks are over that were hurried by work that was lost.
    async fn settled(&self) {
        let is_settled = || self.driver.view().servers.iter().all(|server| !server.in_doubt);
        let wait = async {
            while !is_settled() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("checks end");
    }

    fn was_left_alone(&self) -> bool {
        self.warned.0.lock().iter().any(|text| text.contains("is left alone for 30 s"))
    }
}

fn begin() -> Begin {
    Begin { id: 1, config: TxConfig::default(), metadata: None }
}

/// Asks for the end of a transaction or a session, and waits for it.
async fn told(session: &Session, end: impl FnOnce(&Session, Done)) {
    let (tell, told) = oneshot::channel();
    end(session, Done::new(|result| tell.send(result).unwrap()));
    told.await.unwrap().unwrap();
}

async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_server_that_loses_five_in_a_row_is_left_alone_and_one_piece_of_work_lets_it_back_in() {
    let pair = Pair::start().await;
    for _ in 0..4 {
        pair.lose().await;
    }
    assert!(!pair.was_left_alone());
    pair.lose().await;
    assert!(pair.was_left_alone());
    let (asked, served) = (pair.flaky.count(signature::RUN), pair.healthy.count(signature::RUN));
    for work in ALL {
        pair.read(work).await;
    }
    assert_eq!(pair.flaky.count(signature::RUN), asked);
    assert_eq!(pair.healthy.count(signature::RUN), served + 4);

    pass(Duration::from_secs(30)).await;
    for _ in 0..10 {
        pair.read(Work::Query).await;
    }
    assert_eq!(pair.flaky.count(signature::RUN), asked + 5, "it has its turns again");
}

#[tokio::test]
async fn a_trial_that_loses_its_work_is_the_last_for_a_longer_while() {
    let pair = Pair::start().await;
    for _ in 0..5 {
        pair.lose().await;
    }
    pass(Duration::from_secs(30)).await;
    pair.lose().await;
    assert!(pair.warned.0.lock().last().unwrap().contains("is left alone for 60 s"));
    let asked = pair.flaky.count(signature::RUN);
    for _ in 0..4 {
        pair.read(Work::Query).await;
    }
    assert_eq!(pair.flaky.count(signature::RUN), asked);
}

#[tokio::test]
async fn whatever_work_it_does_in_between_breaks_the_row() {
    for work in ALL {
        let pair = Pair::start().await;
        for _ in 0..3 {
            for _ in 0..4 {
                pair.lose().await;
            }
            pair.reach_flaky(work).await;
        }
        assert!(!pair.was_left_alone());
    }
}

#[tokio::test]
async fn a_trial_is_passed_when_its_query_is_taken_up_however_long_its_result_takes() {
    let pair = Pair::start().await;
    for _ in 0..5 {
        pair.lose().await;
    }
    pass(Duration::from_secs(30)).await;
    pair.flaky.when(signature::PULL, Fault::Hangs);
    let asked = pair.flaky.count(signature::RUN);
    let _trial = pair.begin_on_flaky(Pair::query).await;
    let has_more = async {
        while pair.flaky.count(signature::RUN) < asked + 3 {
            pair.read(Work::Query).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), has_more).await.expect("it has its turns again");
}

#[tokio::test]
async fn work_that_began_before_neither_ends_a_trial_nor_lets_a_server_back_in() {
    let pair = Pair::start().await;
    let (done, lost) =
        (pair.begin_on_flaky(Pair::transaction).await, pair.begin_on_flaky(Pair::transaction).await);
    for _ in 0..5 {
        pair.lose().await;
    }
    told(&done, Session::commit).await;
    let asked = pair.flaky.count(signature::RUN);
    for _ in 0..4 {
        pair.read(Work::Query).await;
    }
    assert_eq!(pair.flaky.count(signature::RUN), asked, "it is left alone");

    pass(Duration::from_secs(30)).await;
    pair.flaky.when(signature::RUN, Fault::Hangs);
    let _trial = pair.begin_on_flaky(Pair::query).await;
    pair.flaky.when(signature::RUN, Fault::Closes);
    let sink = Arc::new(Collector::default());
    lost.run(query(&lost, 2, &sink));
    sink.until(|c| c.failure.is_some()).await;
    pair.settled().await;
    assert!(!pair.warned.0.lock().iter().any(|text| text.contains("is left alone for 60 s")));
}
