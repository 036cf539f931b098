//! Routing with a held clock: the resolver fails or hangs, so that no socket is needed.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use driver::{
    Answer, Config, Driver, Error, Kind, LogLevel, Mode, Observer, ServerConfig, VerifyConfig, View,
};
use tokio::runtime::Handle;
use tokio::time::{sleep, Instant};

/// A resolver that fails after a while, or never answers. Counts how often it is asked.
struct Resolver {
    after: Option<Duration>,
    asked: AtomicUsize,
}

impl Observer for Resolver {
    fn topology(&self, _: &View) {}
    fn log(&self, _: LogLevel, _: &str) {}

    fn resolve(&self, _: &str) -> Answer<Vec<String>> {
        let (number, after) = (self.asked.fetch_add(1, Ordering::Relaxed) + 1, self.after);
        Box::pin(async move {
            match after {
                Some(after) => sleep(after).await,
                None => std::future::pending().await,
            }
            Err(format!("failure {number}").into())
        })
    }
}

/// Takes the task along that asks it.
struct Panics;

impl Observer for Panics {
    fn topology(&self, _: &View) {}
    fn log(&self, _: LogLevel, _: &str) {}

    fn resolve(&self, _: &str) -> Answer<Vec<String>> {
        Box::pin(async { std::panic::panic_any("the resolver panicked, as the test wants") })
    }
}

fn routing(after: Option<Duration>) -> (Driver, Arc<Resolver>) {
    let resolver = Arc::new(Resolver { after, asked: AtomicUsize::new(0) });
    (routed_by(resolver.clone()), resolver)
}

fn routed_by(observer: Arc<dyn Observer>) -> Driver {
    let config = Config {
        mode: Mode::Routing,
        servers: vec![ServerConfig { bolt: "neo4j://somewhere.invalid".into(), ..ServerConfig::default() }],
        resolver: true,
        connection_acquisition_timeout: 5_000,
        ..Config::default()
    };
    Driver::new(config, observer, Handle::current()).unwrap()
}

fn reading(database: &str) -> VerifyConfig {
    VerifyConfig { database: Some(database.to_owned()), write: false, auth: None, login: false }
}

async fn failure(work: impl std::future::Future<Output = Result<driver::ServerIdentity, Error>>) -> Error {
    work.await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_shared_by_all_who_waited_and_the_next_asks_anew() {
    let (driver, resolver) = routing(Some(Duration::from_secs(1)));
    let begin = Instant::now();
    let waiting: Vec<_> =
        (0..50).map(|_| tokio::spawn(failure(driver.verify(None, reading("neo4j"))))).collect();
    for waiter in waiting {
        assert!(waiter.await.unwrap().message.contains("failure 1"));
    }
    assert_eq!((resolver.asked.load(Ordering::Relaxed), begin.elapsed()), (1, Duration::from_secs(1)));
    assert!(failure(driver.verify(None, reading("neo4j"))).await.message.contains("failure 2"));
}

#[tokio::test(start_paused = true)]
async fn databases_do_not_wait_for_each_other() {
    let (driver, resolver) = routing(Some(Duration::from_secs(1)));
    let begin = Instant::now();
    let others: Vec<_> =
        (0..9).map(|n| tokio::spawn(failure(driver.verify(None, reading(&n.to_string()))))).collect();
    for other in others {
        other.await.unwrap();
    }
    assert_eq!((resolver.asked.load(Ordering::Relaxed), begin.elapsed()), (9, Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_goes_on_without_whoever_began_it() {
    let (driver, resolver) = routing(Some(Duration::from_secs(1)));
    let first = tokio::spawn(failure(driver.verify(None, reading("neo4j"))));
    sleep(Duration::from_millis(500)).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let begin = Instant::now();
    assert!(failure(driver.verify(None, reading("neo4j"))).await.message.contains("failure 1"));
    assert_eq!((resolver.asked.load(Ordering::Relaxed), begin.elapsed()), (1, Duration::from_millis(500)));
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_hangs_is_bounded_by_the_acquisition_timeout() {
    let (driver, _) = routing(None);
    let begin = Instant::now();
    let error = failure(driver.verify(None, reading("neo4j"))).await;
    assert!(error.message.contains("resolver"), "{error}");
    assert!(begin.elapsed() <= Duration::from_millis(5_001));
    let error = driver.negotiate(None).await.unwrap_err();
    assert!(error.message.contains("resolver"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn close_ends_a_fetch() {
    let (driver, resolver) = routing(None);
    let waiting = tokio::spawn(failure(driver.verify(None, reading("neo4j"))));
    sleep(Duration::from_millis(1)).await;
    let begin = Instant::now();
    driver.close().await;
    assert_eq!(waiting.await.unwrap().kind, Kind::Closed);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    drop(driver);
    // The task of the fetch is gone, and what it held.
    sleep(Duration::from_millis(1)).await;
    assert_eq!(Arc::strong_count(&resolver), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_is_a_bug_and_no_closed_driver() {
    let driver = routed_by(Arc::new(Panics));
    assert_eq!(failure(driver.verify(None, reading("neo4j"))).await.kind, Kind::Internal);
}
