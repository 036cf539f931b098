//! Which thread does a session's work.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod support;

use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bolt::server::signature::RUN;
use driver::{Error, Head, Session, Sink, Summary};
use support::{direct, query, run, session, Collector, Server};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// One that runs only while something is awaited on it.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A server on a thread of its own, for as long as what it gives beside is there.
fn served() -> (Server, oneshot::Sender<()>) {
    let ((tell, told), (end, ended)) = (channel(), oneshot::channel());
    std::thread::spawn(move || {
        runtime().block_on(async {
            tell.send(Server::start(1).await).unwrap();
            let _ = ended.await;
        });
    });
    (told.recv().unwrap(), end)
}

/// Whether the server was asked so many queries, if it is given the time.
fn is_asked(server: &Server, queries: usize, within: Duration) -> bool {
    let end = Instant::now() + within;
    while server.count(RUN) < queries && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    server.count(RUN) == queries
}

#[test]
fn a_query_is_sent_by_the_thread_that_asks_where_nothing_else_is_under_way() {
    let (server, _served) = served();
    let runtime = runtime();
    let (driver, session) = runtime.block_on(async {
        let driver = direct(&server.uri, |_| {});
        let session = session(&driver);
        one_after_the_other(&session).await;
        (driver, session)
    });
    let sink = Arc::new(Collector::default());
    run(&session, 0, &sink);
    assert!(is_asked(&server, ALONE + 1, Duration::from_secs(20)), "though the runtime does not run");
    let other = support::session(&driver);
    let second = Arc::new(Collector::default());
    run(&other, 0, &second);
    runtime.block_on(async {
        sink.until(|c| c.summaries == 1).await;
        second.until(|c| c.summaries == 1).await;
    });
    assert_eq!((sink.collected.lock().rows, second.collected.lock().rows), (1, 1));
    assert_eq!(server.count(RUN), ALONE + 2);
}

/// So many queries in a row with nothing beside them.
const ALONE: usize = 20;

async fn one_after_the_other(session: &Session) {
    for _ in 0..ALONE {
        let sink = Arc::new(Collector::default());
        run(session, 0, &sink);
        sink.until(|c| c.summaries == 1).await;
        // The task is done with it, too, and has nothing to do.
        tokio::task::yield_now().await;
    }
}

/// Whose reader cannot bear an error.
struct Panics;

impl Sink for Panics {
    fn keys(&self, _: &Head) {}
    fn batch(&self, _: bolt::columns::Batch) {}
    fn restart(&self) -> bool {
        false
    }
    fn summary(&self, _: Summary) {}
    fn failure(&self, error: Error) {
        panic!("this sink panics, as it is told to: {error}");
    }
    fn flush(&self) {}
}

#[test]
fn a_panic_in_what_the_asking_thread_does_is_not_its_own_and_the_next_is_served() {
    let (server, _served) = served();
    let runtime = runtime();
    let driver = runtime.block_on(async {
        let driver = direct(&server.uri, |_| {});
        one_after_the_other(&session(&driver)).await;
        driver
    });
    let closing = driver.close();
    let broken = session(&driver);
    let mut breaks = query(&broken, 0, &Arc::default());
    breaks.sink = Arc::new(Panics);
    broken.run(breaks);
    let sink = Arc::new(Collector::default());
    run(&session(&driver), 0, &sink);
    runtime.block_on(async {
        sink.until(|c| c.failure.is_some()).await;
        closing.await;
    });
    assert_eq!(server.count(RUN), ALONE);
}
