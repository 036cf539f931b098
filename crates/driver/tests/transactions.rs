//! Transactions: what goes out together, what is tried again, and what an abort ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

#[allow(dead_code)]
mod support;

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use bolt::server::signature::{BEGIN, COMMIT, PULL, RESET, ROLLBACK, RUN, TELEMETRY};
use driver::{Begin, Config, Done, Driver, Error, Flow, Kind, Mode, Session, TxConfig};
use support::{direct, opened, session, Collector, Fault, Server};
use tokio::sync::oneshot;

const TRANSIENT: &str = "Neo.TransientError.Transaction.DeadlockDetected";
const WRONG: &str = "Neo.ClientError.Statement.SyntaxError";

/// Like `opened`, with a driver that tries again, as on HA clusters, and knows all about its server.
async fn opened_ha(rows: i64, change: impl FnOnce(&mut Config)) -> (Server, Driver, Session) {
    let (server, driver, session) = opened(rows, |config| {
        config.mode = Mode::Ha;
        config.check_interval = 60_000;
        change(config);
    })
    .await;
    driver.ready().await.unwrap();
    server.reads.lock().clear();
    (server, driver, session)
}

fn run(session: &Session, id: u64) -> Arc<Collector> {
    run_slowly(session, id).0
}

type Outcome = oneshot::Receiver<Result<(), Error>>;

fn done() -> (Done, Outcome) {
    let (tell, told) = oneshot::channel();
    (Done::new(move |result| drop(tell.send(result))), told)
}

fn begin(session: &Session, id: u64, config: TxConfig) -> Outcome {
    let (done, told) = done();
    session.begin(Begin { id, config, metadata: None }, done);
    told
}

fn commit(session: &Session) -> Outcome {
    let (done, told) = done();
    session.commit(done);
    told
}

fn rollback(session: &Session) -> Outcome {
    let (done, told) = done();
    session.rollback(done);
    told
}

fn pipelined() -> TxConfig {
    TxConfig { pipelined: true, ..TxConfig::default() }
}

async fn outcome(told: Outcome) -> Result<(), Error> {
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("it never came").unwrap()
}

async fn failure(sink: &Collector) -> Error {
    sink.until(|c| c.failure.is_some() || c.summaries > 0).await;
    sink.collected.lock().failure.clone().expect("the query went well")
}

async fn success(sink: &Collector) {
    sink.until(|c| c.failure.is_some() || c.summaries > 0).await;
    let collected = sink.collected.lock();
    assert!(collected.failure.is_none(), "{:?}", collected.failure);
}

fn execute(session: &Session, id: u64) -> Arc<Collector> {
    let sink = Arc::new(Collector::default());
    session.execute(support::query(session, id, &sink));
    sink
}

/// A query that is given credit by hand.
fn run_slowly(session: &Session, id: u64) -> (Arc<Collector>, Arc<Flow>) {
    let sink = Arc::new(Collector::default());
    let flow = support::run(session, id, &sink);
    (sink, flow)
}

#[tokio::test]
async fn a_result_that_is_not_read_gives_way_and_is_discarded_at_the_end() {
    let (server, _driver, session) = opened(100_000, |_| {}).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    let (unread, no_more) = run_slowly(&session, 2);
    unread.until(|c| c.batches == 2).await;
    let (next, flow) = run_slowly(&session, 3);
    next.until(|c| c.batches == 2).await;
    assert!(server.pulls.load(Ordering::SeqCst) <= 16, "a result was read on for the one behind it");
    assert_eq!(unread.collected.lock().summaries, 0);
    no_more.cancel();
    flow.cancel();
    outcome(commit(&session)).await.unwrap();
    for sink in [&unread, &next] {
        let collected = sink.collected.lock();
        assert_eq!(
            (collected.summaries, collected.partial),
            (1, 1),
            "its end comes, and says that it is a part"
        );
        assert!(collected.rows < 100_000);
    }
}

#[tokio::test]
async fn what_nobody_wants_is_kept_if_it_is_all() {
    let (_server, _driver, session) = opened(3, |_| {}).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    let (sink, flow) = run_slowly(&session, 2);
    flow.cancel();
    outcome(commit(&session)).await.unwrap();
    let collected = sink.collected.lock();
    assert_eq!((collected.rows, collected.summaries, collected.partial), (3, 1, 0));
}

#[tokio::test]
async fn results_that_are_open_end_with_their_transaction() {
    let (_server, _driver, session) = opened(100_000, |_| {}).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    let (first, _) = run_slowly(&session, 2);
    let (second, _) = run_slowly(&session, 3);
    second.until(|c| c.batches == 2).await;
    session.abort(1);
    for sink in [&first, &second] {
        assert_eq!(failure(sink).await.kind, Kind::Aborted);
    }
    outcome(rollback(&session)).await.unwrap();
}

#[tokio::test]
async fn begin_goes_out_with_the_first_query_in_one_write() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    let begun = begin(&session, 1, pipelined());
    let sink = run(&session, 2);
    outcome(begun).await.unwrap();
    success(&sink).await;
    outcome(commit(&session)).await.unwrap();
    let reads = server.reads.lock();
    assert!(reads.contains(&vec![TELEMETRY, BEGIN, RUN, PULL]), "{reads:?}");
    assert!(reads.contains(&vec![COMMIT]), "{reads:?}");
}

#[tokio::test]
async fn a_query_behind_a_begin_that_fails_gets_its_error_and_is_never_one_of_its_own() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    server.when(BEGIN, Fault::Fails(WRONG));
    let begun = begin(&session, 1, TxConfig::default());
    let sinks = [run(&session, 2), run(&session, 3)];
    assert_eq!(outcome(begun).await.unwrap_err().code(), WRONG);
    for sink in &sinks {
        assert_eq!(failure(sink).await.code(), WRONG);
    }
    assert_eq!(
        failure(&run(&session, 4)).await.code(),
        WRONG,
        "the session is still in the failed transaction"
    );
    outcome(rollback(&session)).await.unwrap();
    success(&run(&session, 5)).await;
}

#[tokio::test]
async fn commit_of_a_transaction_that_failed_says_why_and_ends_it() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    server.when(RUN, Fault::Fails(WRONG));
    let begun = begin(&session, 1, TxConfig::default());
    let sink = run(&session, 2);
    let committed = commit(&session);
    outcome(begun).await.unwrap();
    assert_eq!(failure(&sink).await.code(), WRONG);
    assert_eq!(outcome(committed).await.unwrap_err().code(), WRONG);
    assert_eq!(server.count(COMMIT), 0);
    success(&run(&session, 3)).await;
}

#[tokio::test]
async fn an_abort_right_behind_a_call_meets_the_transaction_before_anything_is_sent() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    let committed = commit(&session);
    session.abort(1);
    assert_eq!(outcome(committed).await.unwrap_err().kind, Kind::Aborted);
    outcome(begin(&session, 2, TxConfig::default())).await.unwrap();
    let sink = run(&session, 3);
    session.abort(2);
    assert_eq!(failure(&sink).await.kind, Kind::Aborted);
    outcome(rollback(&session)).await.unwrap();
    assert_eq!((server.count(COMMIT), server.count(RUN)), (0, 0));
}

#[tokio::test]
async fn the_first_query_is_sent_again_with_begin_and_telemetry_is_not() {
    let (server, _driver, session) = opened_ha(3, |_| {}).await;
    server.when(BEGIN, Fault::Fails(TRANSIENT));
    let begun = begin(&session, 1, pipelined());
    let sink = run(&session, 2);
    outcome(begun).await.unwrap();
    success(&sink).await;
    assert_eq!(sink.collected.lock().rows, 3);
    assert_eq!((server.count(BEGIN), server.count(RUN), server.count(TELEMETRY)), (2, 2, 1));
}

#[tokio::test]
async fn a_whole_transaction_of_one_query_takes_two_exchanges_and_its_summary_comes_last() {
    let (server, _driver, session) = opened(3, |_| {}).await;
    let sink = execute(&session, 1);
    success(&sink).await;
    assert_eq!(sink.collected.lock().rows, 3);
    let reads = server.reads.lock();
    assert!(reads.ends_with(&[vec![TELEMETRY, BEGIN, RUN, PULL], vec![COMMIT]]), "{reads:?}");
}

#[tokio::test]
async fn a_whole_transaction_fails_by_what_fails_first_and_the_session_goes_on() {
    for (fails, commits) in [(BEGIN, 0), (RUN, 0), (PULL, 0), (COMMIT, 1)] {
        let (server, _driver, session) = opened(1, |_| {}).await;
        server.when(fails, Fault::Fails(WRONG));
        let error = failure(&execute(&session, 1)).await;
        assert_eq!((error.code(), error.unknown_outcome, server.count(COMMIT)), (WRONG, false, commits));
        success(&run(&session, 2)).await;
    }
}

#[tokio::test]
async fn only_from_commit_on_the_outcome_of_a_whole_transaction_is_unknown() {
    for (lost, unknown) in [(BEGIN, false), (RUN, false), (PULL, false), (COMMIT, true)] {
        let (server, _driver, session) = opened(1, |_| {}).await;
        server.when(lost, Fault::Closes);
        let error = failure(&execute(&session, 1)).await;
        assert_eq!((error.kind, error.unknown_outcome), (Kind::Connection, unknown));

        server.when(lost, Fault::Hangs);
        let sent = server.count(lost);
        let hanging = execute(&session, 2);
        server.until(|s| s.count(lost) > sent).await;
        session.abort(2);
        let error = failure(&hanging).await;
        assert_eq!((error.kind, error.unknown_outcome), (Kind::Aborted, unknown));
        success(&run(&session, 3)).await;
    }
}

#[tokio::test]
async fn a_whole_transaction_that_waits_is_aborted_alone_and_none_goes_into_another_one() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    server.when(RUN, Fault::Hangs);
    let running = run(&session, 1);
    server.until(|s| s.count(RUN) == 1).await;
    let waiting = execute(&session, 2);
    session.abort(2);
    assert_eq!(failure(&waiting).await.kind, Kind::Aborted);
    session.abort(1);
    failure(&running).await;
    outcome(begin(&session, 3, TxConfig::default())).await.unwrap();
    assert_eq!(failure(&execute(&session, 4)).await.kind, Kind::Client);
    outcome(commit(&session)).await.unwrap();
    success(&execute(&session, 5)).await;
    assert_eq!(server.count(BEGIN), 2);
}

#[tokio::test]
async fn an_aborted_query_is_reset_and_its_connection_serves_others() {
    let (server, _driver, session) = opened(1, |config| config.max_connection_pool_size = 1).await;
    server.when(RUN, Fault::Hangs);
    let (running, waiting) = (run(&session, 1), run(&session, 2));
    server.until(|s| s.count(RUN) == 1).await;
    session.abort(1);
    let error = failure(&running).await;
    assert_eq!((error.kind, error.unknown_outcome), (Kind::Aborted, true));
    success(&waiting).await;
    assert_eq!(server.count(RESET), 1);
    assert_eq!(server.reads.lock().iter().flatten().filter(|s| **s == 0x01).count(), 1, "one connection");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_sent_once_and_its_outcome_is_unknown() {
    let (server, _driver, session) = opened_ha(1, |_| {}).await;
    server.when(RUN, Fault::Closes);
    let error = failure(&run(&session, 1)).await;
    assert_eq!((error.kind, error.unknown_outcome, server.count(RUN)), (Kind::Connection, true, 1));
}

#[tokio::test]
async fn whatever_ends_the_attempts_at_a_write_that_may_be_done_its_outcome_is_unknown() {
    let (server, _driver, session) = opened_ha(1, |config| {
        config.retry_unknown_outcome = true;
        config.max_transaction_retry_time = 0;
    })
    .await;
    server.when(RUN, Fault::Closes);
    let error = failure(&run(&session, 1)).await;
    assert_eq!((error.kind, error.unknown_outcome, server.count(RUN)), (Kind::Connection, true, 1));
}

#[tokio::test]
async fn an_aborted_query_that_waits_is_never_sent() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    server.when(RUN, Fault::Hangs);
    let (running, waiting) = (run(&session, 1), run(&session, 2));
    server.until(|s| s.count(RUN) == 1).await;
    session.abort(2);
    assert_eq!(failure(&waiting).await.kind, Kind::Aborted);
    session.abort(1);
    assert_eq!(failure(&running).await.kind, Kind::Aborted);
    session.abort(1);
    success(&run(&session, 3)).await;
    assert_eq!(server.count(RUN), 2);
}

#[tokio::test]
async fn an_abort_ends_the_wait_for_a_connection() {
    let (_server, driver, holder) = opened(1, |config| config.max_connection_pool_size = 1).await;
    let session = session(&driver);
    outcome(begin(&holder, 1, TxConfig::default())).await.unwrap();
    let waiting = run(&session, 1);
    session.abort(1);
    assert_eq!(failure(&waiting).await.kind, Kind::Aborted);
}

#[tokio::test]
async fn an_abort_ends_the_pause_before_another_attempt() {
    let (server, _driver, session) = opened_ha(1, |_| {}).await;
    (0..10).for_each(|_| server.when(RUN, Fault::Fails(TRANSIENT)));
    let waiting = run(&session, 1);
    server.until(|s| s.count(RUN) >= 5).await;
    session.abort(1);
    assert_eq!(failure(&waiting).await.kind, Kind::Aborted);
}

#[tokio::test]
async fn an_aborted_transaction_is_failed_until_it_is_rolled_back() {
    let (server, _driver, session) = opened(1, |config| config.max_connection_pool_size = 1).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    server.when(RUN, Fault::Hangs);
    let running = run(&session, 2);
    server.until(|s| s.count(RUN) == 1).await;
    let waiting = run(&session, 3);
    session.abort(1);
    assert_eq!(failure(&running).await.kind, Kind::Aborted);
    assert_eq!(failure(&waiting).await.kind, Kind::Aborted);
    assert_eq!(failure(&run(&session, 4)).await.kind, Kind::Aborted);
    assert_eq!(server.count(RUN), 1);
    outcome(rollback(&session)).await.unwrap();
    success(&run(&session, 5)).await;
    assert_eq!((server.count(RESET), server.count(ROLLBACK)), (1, 0));
}

#[tokio::test]
async fn an_abort_ends_an_open_transaction_that_nothing_is_asked_of() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    success(&run(&session, 2)).await;
    session.abort(1);
    server.until(|s| s.count(RESET) == 1).await;
    let error = outcome(commit(&session)).await.unwrap_err();
    assert_eq!((error.kind, error.unknown_outcome), (Kind::Aborted, false));
    assert_eq!(server.count(COMMIT), 0);
}

#[tokio::test]
async fn an_abort_ends_a_begin_under_way_and_what_waits_behind_it() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    server.when(BEGIN, Fault::Hangs);
    let begun = begin(&session, 1, TxConfig::default());
    let (sink, committed) = (run(&session, 2), commit(&session));
    server.until(|s| s.count(BEGIN) == 1).await;
    session.abort(1);
    assert_eq!(outcome(begun).await.unwrap_err().kind, Kind::Aborted);
    assert_eq!(failure(&sink).await.kind, Kind::Aborted);
    let error = outcome(committed).await.unwrap_err();
    assert_eq!((error.kind, error.unknown_outcome), (Kind::Aborted, false));
    success(&run(&session, 3)).await;
}

#[tokio::test]
async fn a_transaction_aborted_in_the_queue_takes_its_queries_with_it() {
    for ends in [true, false] {
        let (server, _driver, session) = opened(1, |_| {}).await;
        server.when(RUN, Fault::Hangs);
        let first = run(&session, 1);
        server.until(|s| s.count(RUN) == 1).await;
        let begun = begin(&session, 2, TxConfig::default());
        let sink = run(&session, 3);
        let committed = ends.then(|| commit(&session));
        session.abort(2);
        assert_eq!(outcome(begun).await.unwrap_err().kind, Kind::Aborted);
        assert_eq!(failure(&sink).await.kind, Kind::Aborted);
        let late = run(&session, 4);
        session.abort(1);
        failure(&first).await;
        match committed {
            Some(committed) => {
                assert_eq!(outcome(committed).await.unwrap_err().kind, Kind::Aborted);
                success(&late).await;
            }
            None => {
                assert_eq!(failure(&late).await.kind, Kind::Aborted, "it would become work of its own");
                outcome(rollback(&session)).await.unwrap();
                success(&run(&session, 5)).await;
            }
        }
        assert_eq!(server.count(BEGIN), 0);
    }
}

#[tokio::test]
async fn of_a_commit_aborted_under_way_the_outcome_is_unknown() {
    let (server, _driver, session) = opened(1, |_| {}).await;
    outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
    server.when(COMMIT, Fault::Hangs);
    let committed = commit(&session);
    server.until(|s| s.count(COMMIT) == 1).await;
    session.abort(1);
    let error = outcome(committed).await.unwrap_err();
    assert_eq!((error.kind, error.unknown_outcome), (Kind::Aborted, true));
    server.until(|s| s.count(RESET) == 1).await;
    success(&run(&session, 2)).await;
}

/// Nothing that was left to a task of its own gets done after it: the runtime ends with the driver's close.
#[tokio::test]
async fn closing_the_driver_waits_for_the_goodbye_of_a_transaction_that_nobody_talks_on() {
    let server = Server::start(1).await;
    let uri = server.uri.clone();
    let client = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let driver = direct(&uri, |_| {});
            let session = session(&driver);
            outcome(begin(&session, 1, TxConfig::default())).await.unwrap();
            driver.close().await;
        });
    });
    client.await.unwrap();
    server.until(|server| server.received.lock().iter().any(|(_, what)| what == "bye")).await;
}
