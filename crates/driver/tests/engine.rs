//! What a Rust program sees of the engine, on a server of a few lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod support;

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use driver::{Done, Kind};
use support::{direct, opened, run, session, Collector};
use tokio::sync::oneshot;

#[tokio::test]
async fn a_reader_that_pauses_stops_the_server() {
    let (server, _driver, session) = opened(100_000, |_| {}).await;
    let sink = Arc::new(Collector::default());
    let flow = run(&session, 0, &sink);
    sink.until(|c| c.batches == 2).await;
    // The answers to what was asked ahead come in; then nothing more is asked, however long the reader waits.
    let settled = tokio::time::timeout(Duration::from_millis(300), sink.until(|c| c.batches > 2)).await;
    assert!(settled.is_err(), "more than the credit was handed over");
    let asked = server.pulls.load(Ordering::SeqCst);
    assert!(asked <= 8, "{asked} PULLs for two batches taken");
    flow.more(1_000, false);
    sink.until(|c| c.summaries == 1).await;
    assert_eq!(sink.collected.lock().rows, 100_000);
}

#[tokio::test]
async fn who_looks_at_nothing_before_the_end_gets_together_what_comes_of_a_pull() {
    let (server, _driver, session) = opened(50_500, |_| {}).await;
    let sink = Arc::new(Collector::default());
    run(&session, 0, &sink).more(1_000, true);
    sink.until(|c| c.summaries == 1).await;
    let collected = sink.collected.lock();
    assert_eq!((collected.rows, collected.batches), (50_500, server.pulls.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn who_waits_behind_a_result_lets_it_be_read_whole() {
    let (_server, _driver, session) = opened(50_000, |_| {}).await;
    let (first, second) = (Arc::new(Collector::default()), Arc::new(Collector::default()));
    run(&session, 0, &first);
    let flow = run(&session, 0, &second);
    flow.more(1_000, false);
    second.until(|c| c.summaries == 1).await;
    assert_eq!(first.collected.lock().rows, 50_000, "nobody gave credit, and still nothing is stuck");
}

#[tokio::test]
async fn cancelling_discards_the_rest_and_frees_the_connection() {
    let (_server, driver, first) = opened(100_000, |config| config.max_connection_pool_size = 1).await;
    let sink = Arc::new(Collector::default());
    let flow = run(&first, 0, &sink);
    let next = session(&driver);
    sink.until(|c| c.batches > 0).await;
    flow.cancel();
    sink.until(|c| c.summaries == 1).await;
    assert!(sink.collected.lock().rows < 100_000);
    let sink = Arc::new(Collector::default());
    run(&next, 0, &sink).more(1_000, false);
    sink.until(|c| c.summaries == 1).await;
}

#[tokio::test]
async fn a_panic_becomes_an_error_of_the_result_and_of_all_that_waits() {
    let (_server, driver, session) = opened(1, |_| {}).await;
    let sink = Arc::new(Collector { panics: true, ..Collector::default() });
    run(&session, 0, &sink);
    let (told, waiting) = oneshot::channel();
    session.commit(Done::new(move |result| told.send(result).unwrap()));
    sink.until(|c| c.failure.is_some()).await;
    assert!(sink.collected.lock().failure.as_ref().unwrap().message.contains("bug"));
    assert!(waiting.await.unwrap().is_err());
    let (told, waiting) = oneshot::channel();
    session.close(Done::new(move |result| told.send(result).unwrap()));
    assert!(waiting.await.unwrap().is_ok(), "closing is for whoever had a panic, too");
    let sink = Arc::new(Collector::default());
    run(&self::session(&driver), 0, &sink);
    sink.until(|c| c.summaries == 1).await;
}

#[tokio::test]
async fn an_exhausted_pool_says_what_it_lacks() {
    let (_server, driver, holder) = opened(100_000, |config| {
        config.max_connection_pool_size = 1;
        config.connection_acquisition_timeout = 50;
    })
    .await;
    let sink = Arc::new(Collector::default());
    run(&holder, 0, &sink);
    sink.until(|c| c.batches == 2).await;
    let late = Arc::new(Collector::default());
    run(&session(&driver), 0, &late);
    late.until(|c| c.failure.is_some()).await;
    let error = late.collected.lock().failure.clone().unwrap();
    assert_eq!(error.kind, Kind::Pool);
    assert!(error.message.contains("1 of 1"), "{error}");
}

#[tokio::test]
async fn closing_the_driver_settles_what_is_under_way() {
    let (_server, driver, session) = opened(100_000, |_| {}).await;
    let sink = Arc::new(Collector::default());
    run(&session, 0, &sink);
    sink.until(|c| c.batches == 2).await;
    driver.close().await;
    sink.until(|c| c.failure.is_some()).await;
    let error = sink.collected.lock().failure.clone().unwrap();
    assert_eq!(
        (error.kind, error.retryable(), error.unknown_outcome),
        (Kind::Closed, false, true),
        "{error}"
    );
}

/// More than tasks stay for the next work.
#[tokio::test]
async fn hundreds_of_sessions_at_once_have_their_answers_each_time() {
    let (_server, driver, _session) = opened(1, |_| {}).await;
    for _ in 0..3 {
        let sessions: Vec<_> = (0..300).map(|_| session(&driver)).collect();
        let sinks: Vec<_> = sessions.iter().map(|_| Arc::new(Collector::default())).collect();
        for (session, sink) in sessions.iter().zip(&sinks) {
            run(session, 1, sink);
        }
        for sink in sinks {
            sink.until(|c| (c.rows, c.summaries) == (1, 1)).await;
        }
    }
}

#[test]
fn what_is_asked_of_a_runtime_that_has_gone_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let driver = runtime.block_on(async { direct("bolt://127.0.0.1:1", |_| {}) });
    let [before, after] = [(); 2].map(|()| (session(&driver), Arc::new(Collector::default())));
    // It was called for, and nobody came.
    run(&before.0, 1, &before.1);
    drop(runtime);
    run(&after.0, 1, &after.1);
    for (_, sink) in [before, after] {
        let failure = sink.collected.lock().failure.take();
        assert_eq!(failure.map(|error| error.kind), Some(Kind::Internal));
    }
}
