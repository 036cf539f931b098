//! The state machine where all goes well: whole exchanges with a server, as the server's half plays them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::{Auth, Connection, Event, Limits, Parameters, Request, Route, Run, State, TxMeta, Value, Version};
use std::time::Duration;
use support::exchange::{Exchange, V1, V3, V4, V5};

#[test]
fn a_greeting_tells_about_the_server() {
    let mut it = Exchange::new(V5);
    assert_eq!(it.client.state(), State::Connected);
    it.hello();
    assert_eq!(it.client.pending(), 2);
    let hints: Value = [
        ("connection.recv_timeout_seconds", Value::Integer(120)),
        ("telemetry.enabled", Value::Boolean(true)),
        ("new.hint", Value::Null),
    ]
    .into_iter()
    .collect();
    it.success(&[("server", "Neo4j/5.26.0".into()), ("connection_id", "bolt-7".into()), ("hints", hints)]);
    assert_eq!(it.events(), ["SUCCESS HELLO"]);
    assert_eq!(it.client.state(), State::Authentication);
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS LOGON"]);
    assert_eq!(it.client.state(), State::Ready);
    assert_eq!(it.client.server_agent(), Some("Neo4j/5.26.0"));
    assert_eq!(it.client.connection_id(), Some("bolt-7"));
    assert_eq!(it.client.hints().recv_timeout, Some(Duration::from_secs(120)));
    assert!(it.client.hints().telemetry);
    assert_eq!(it.client.version(), V5);
    assert_eq!(it.client.features().version, V5);
}

#[test]
fn hints_of_the_wrong_kind_are_no_hints() {
    for hints in
        [Value::Null, Value::Integer(1), [("telemetry.enabled", Value::Integer(1))].into_iter().collect()]
    {
        let mut it = Exchange::new(V5);
        it.hello();
        it.success(&[("hints", hints), ("server", Value::Integer(1))]);
        it.events();
        assert_eq!(*it.client.hints(), bolt::Hints::default());
        assert_eq!(it.client.server_agent(), None);
    }
    for (seconds, expected) in
        [(0, None), (-1, None), (i64::MIN, None), (i64::MAX, Some(Duration::from_secs(86_400)))]
    {
        let mut it = Exchange::new(V5);
        it.hello();
        let hints: Value =
            [("connection.recv_timeout_seconds", Value::Integer(seconds))].into_iter().collect();
        it.success(&[("hints", hints)]);
        it.events();
        assert_eq!(it.client.hints().recv_timeout, expected);
    }
}

#[test]
fn a_query_and_its_records() {
    for version in Version::SUPPORTED.iter().copied() {
        let mut it = Exchange::ready(version);
        it.run();
        it.client.pull(-1, None).unwrap();
        it.success(&[
            ("fields", vec![Value::from("a"), Value::from("b")].into()),
            ("t_first", Value::Integer(3)),
        ]);
        for n in 0..3 {
            it.server.record(&[Value::Integer(n), Value::from("x")]).unwrap();
        }
        it.success(&[("bookmark", "b1".into()), ("t_last", Value::Integer(5))]);
        it.deliver();
        let Some(Event::Success { request: Request::Run, metadata }) = it.client.poll_event().unwrap() else {
            panic!("no success of RUN");
        };
        assert_eq!(it.client.state(), State::Streaming);
        assert_eq!(metadata.fields(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(metadata.t_first(), Some(3));
        let Some(Event::Records(records)) = it.client.poll_event().unwrap() else { panic!("no records") };
        assert_eq!(records.offsets, [2, 8, 14]);
        let mut transcoder = bolt::columns::Transcoder::new(version, false, Limits::default());
        assert_eq!(transcoder.records(&records, 2).unwrap().rows, 3);
        let Some(Event::Success { request: Request::Pull, metadata }) = it.client.poll_event().unwrap()
        else {
            panic!("no success of PULL");
        };
        assert_eq!(metadata.bookmark().as_deref(), Some("b1"));
        assert_eq!(metadata.t_last(), Some(5));
        assert!(!metadata.has_more());
        assert_eq!(it.client.state(), State::Ready);
        assert_eq!(it.client.pending(), 0);
        assert_eq!(it.client.poll_event(), Ok(None));
    }
}

#[test]
fn metadata_of_old_servers_has_other_names() {
    let mut it = Exchange::ready(V1);
    it.run();
    it.success(&[("result_available_after", Value::Integer(7)), ("fields", Value::Null)]);
    it.deliver();
    let Some(Event::Success { metadata, .. }) = it.client.poll_event().unwrap() else { panic!("no success") };
    assert_eq!(metadata.t_first(), Some(7));
    assert_eq!(metadata.fields(), None);
    assert_eq!(metadata.get("missing"), None);
    assert_eq!(metadata.get("fields"), Some(Value::Null));
    assert_eq!(metadata.to_map().get("result_available_after"), Some(&Value::Integer(7)));
}

#[test]
fn a_result_is_pulled_piece_by_piece() {
    let mut it = Exchange::with_a_piece(V5);
    assert_eq!(it.events(), ["SUCCESS RUN", "1 RECORDS", "SUCCESS PULL"]);
    assert_eq!(it.client.state(), State::Streaming);
    let run = it.try_run();
    it.refused(Request::Run, State::Streaming, run);
    it.client.discard(-1, None).unwrap();
    it.run(); // after all is discarded the connection is ready again
    it.success(&[]);
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS DISCARD", "SUCCESS RUN"]);
    assert_eq!(it.client.state(), State::Streaming);
}

#[test]
fn a_piece_that_was_the_last_makes_the_connection_ready() {
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(1000, None).unwrap();
    let early = it.try_run();
    it.refused(Request::Run, State::Streaming, early); // for all that is known, there may be more
    it.success(&[]);
    it.server.record(&[]).unwrap();
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS RUN", "1 RECORDS", "SUCCESS PULL"]);
    it.run();
    let pull = it.client.commit();
    it.refused(Request::Commit, State::Streaming, pull);
}

#[test]
fn has_more_after_a_pull_of_all_is_believed() {
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.run();
    it.success(&[]);
    it.server.record(&[]).unwrap();
    it.success(&[("has_more", Value::Boolean(true))]);
    it.failure(); // the server does not take the second RUN
    assert_eq!(it.events(), ["SUCCESS RUN", "1 RECORDS", "SUCCESS PULL", "FAILURE RUN"]);
    assert_eq!(it.client.state(), State::Failed);
}

#[test]
fn everything_at_once() {
    for version in [V3, V4, Version::new(4, 2), V5] {
        let mut it = Exchange::ready(version);
        it.client.begin(&TxMeta::default()).unwrap();
        let run = Run { query: "Q", parameters: &Parameters::empty(), tx: None };
        it.client.run(&run).unwrap();
        it.client.pull(-1, None).unwrap();
        it.client.run(&run).unwrap();
        it.client.discard(-1, None).unwrap();
        it.client.commit().unwrap();
        it.run();
        it.client.pull(-1, None).unwrap();
        assert_eq!(it.client.pending(), 8);
        assert_eq!(it.client.state(), State::Ready);
        for n in 0..8 {
            if n == 2 || n == 7 {
                it.server.record(&[]).unwrap();
            }
            it.success(&[]);
        }
        let expected = [
            "SUCCESS BEGIN",
            "SUCCESS RUN",
            "1 RECORDS",
            "SUCCESS PULL",
            "SUCCESS RUN",
            "SUCCESS DISCARD",
            "SUCCESS COMMIT",
            "SUCCESS RUN",
            "1 RECORDS",
            "SUCCESS PULL",
        ];
        assert_eq!(it.events(), expected);
        assert_eq!(it.client.state(), State::Ready);
    }
}

#[test]
fn transactions_of_bolt_1_and_2_are_statements_and_one_event_each() {
    for version in [V1, Version::new(2, 0)] {
        let mut it = Exchange::ready(version);
        it.client.begin(&TxMeta::default()).unwrap();
        it.client.run(&Run { query: "Q", parameters: &Parameters::empty(), tx: None }).unwrap();
        it.client.pull(-1, None).unwrap();
        it.client.commit().unwrap();
        assert_eq!(it.client.pending(), 6);
        it.success(&[("fields", Value::List(vec![])), ("result_available_after", Value::Integer(1))]);
        assert_eq!(it.events(), Vec::<String>::new());
        it.success(&[("result_consumed_after", Value::Integer(1))]);
        assert_eq!(it.events(), ["SUCCESS BEGIN"]);
        assert_eq!(it.client.state(), State::TxReady);
        it.success(&[]);
        it.server.record(&[]).unwrap();
        it.success(&[]);
        assert_eq!(it.events(), ["SUCCESS RUN", "1 RECORDS", "SUCCESS PULL"]);
        it.success(&[]);
        it.success(&[("bookmark", "neo4j:bookmark:v1:tx5".into())]);
        it.deliver();
        let Some(Event::Success { request: Request::Commit, metadata }) = it.client.poll_event().unwrap()
        else {
            panic!("no success of COMMIT");
        };
        assert_eq!(metadata.bookmark().as_deref(), Some("neo4j:bookmark:v1:tx5"));
        assert_eq!(it.client.state(), State::Ready);
    }
}

#[test]
fn a_transaction_of_bolt_4_has_several_results_at_once() {
    let mut it = Exchange::in_transaction(V4);
    it.run();
    it.client.pull(1, None).unwrap();
    it.run();
    it.client.pull(1, None).unwrap();
    it.success(&[("qid", Value::Integer(0))]);
    it.server.record(&[]).unwrap();
    it.success(&[("has_more", Value::Boolean(true))]);
    it.success(&[("qid", Value::Integer(1))]);
    it.success(&[]);
    assert_eq!(it.events().len(), 5);
    assert_eq!(it.client.state(), State::TxStreaming); // the first is still open
    let commit = it.client.commit();
    it.refused(Request::Commit, State::TxStreaming, commit);
    it.client.discard(-1, Some(0)).unwrap();
    it.client.commit().unwrap();
    it.success(&[]);
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS DISCARD", "SUCCESS COMMIT"]);
    let mut it = Exchange::in_transaction(V3);
    it.run();
    let run = it.try_run();
    it.refused(Request::Run, State::TxStreaming, run);
}

#[test]
fn a_result_that_ended_early_is_known_to_the_requests_after_it() {
    let mut it = Exchange::in_transaction(V4);
    it.run();
    it.client.pull(1000, Some(0)).unwrap();
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS RUN"]);
    it.run();
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS PULL"]); // no more, and the second RUN is on its way
    it.client.pull(-1, Some(1)).unwrap();
    it.client.commit().unwrap();
    for _ in 0..3 {
        it.success(&[]);
    }
    assert_eq!(it.events(), ["SUCCESS RUN", "SUCCESS PULL", "SUCCESS COMMIT"]);
}

#[test]
fn requests_where_they_cannot_be() {
    use State::*;
    let mut it = Exchange::new(V5);
    let run = it.try_run();
    it.refused(Request::Run, Connected, run);
    let reset = it.client.reset();
    it.refused(Request::Reset, Connected, reset);
    let logon = it.client.logon(&Auth::none());
    it.refused(Request::Logon, Connected, logon);

    let mut it = Exchange::ready(V5);
    let pull = it.client.pull(-1, None);
    it.refused(Request::Pull, Ready, pull);
    let commit = it.client.commit();
    it.refused(Request::Commit, Ready, commit);
    let rollback = it.client.rollback();
    it.refused(Request::Rollback, Ready, rollback);
    let logon = it.client.logon(&Auth::none());
    it.refused(Request::Logon, Ready, logon);
    it.run();
    let route = it.client.route(&Route::default());
    it.refused(Request::Route, Streaming, route);
    let begin = it.client.begin(&TxMeta::default());
    it.refused(Request::Begin, Streaming, begin);

    let mut it = Exchange::in_transaction(V5);
    let begin = it.client.begin(&TxMeta::default());
    it.refused(Request::Begin, TxReady, begin);
    let logoff = it.client.logoff();
    it.refused(Request::Logoff, TxReady, logoff);
    let before = it.client.output().len();
    it.client.commit().unwrap();
    assert_eq!(it.client.output().len(), before + 6);
    assert_eq!(it.client.pending(), 1);
}

#[test]
fn a_query_waits_for_the_greeting_where_the_greeting_decides_about_dates() {
    let mut it = Exchange::new(Version::new(4, 4));
    it.hello();
    let run = it.try_run();
    it.refused(Request::Run, State::Connected, run);
    it.success(&[]);
    it.events();
    it.run();
    let mut it = Exchange::new(Version::new(5, 0));
    it.hello();
    it.run();
}

#[test]
fn users_change() {
    let mut it = Exchange::ready(V5);
    it.client.logoff().unwrap();
    let run = it.try_run();
    it.refused(Request::Run, State::Authentication, run);
    it.client.logon(&Auth::basic("a", "b")).unwrap();
    it.run();
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS LOGOFF"]);
    assert_eq!(it.client.state(), State::Authentication);
    it.success(&[]);
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS LOGON", "SUCCESS RUN"]);
}

#[test]
fn routing_and_telemetry_leave_the_connection_ready() {
    let mut it = Exchange::ready(V5);
    it.client.route(&Route::default()).unwrap();
    let rt: Value = [("ttl", Value::Integer(300))].into_iter().collect();
    it.success(&[("rt", rt.clone())]);
    it.deliver();
    let Some(Event::Success { request: Request::Route, metadata }) = it.client.poll_event().unwrap() else {
        panic!("no success of ROUTE");
    };
    assert_eq!(metadata.get("rt"), Some(rt));
    assert_eq!(it.client.state(), State::Ready);
}

#[test]
fn after_goodbye_replies_are_read_and_nothing_is_asked() {
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.goodbye();
    assert_eq!(it.client.state(), State::Defunct);
    let run = it.try_run();
    it.refused(Request::Run, State::Defunct, run);
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS RUN"]);
    assert_eq!(it.client.state(), State::Defunct);
}

#[test]
fn records_come_in_batches_up_to_the_limits() {
    let batches = |limits: Limits| {
        let mut it = Exchange::ready(V5);
        it.client = Connection::new(V5, limits);
        it.hello();
        it.run();
        it.client.pull(-1, None).unwrap();
        for _ in 0..3 {
            it.success(&[]);
        }
        for _ in 0..10 {
            it.server.record(&[Value::Integer(1)]).unwrap(); // four bytes: B1 71 91 01
        }
        it.success(&[]);
        it.events()[3..].to_vec()
    };
    let done = "SUCCESS PULL";
    assert_eq!(batches(Limits::default()), ["10 RECORDS", done]);
    assert_eq!(
        batches(Limits { rows_per_batch: 4, ..Limits::default() }),
        ["4 RECORDS", "4 RECORDS", "2 RECORDS", done]
    );
    assert_eq!(
        batches(Limits { bytes_per_batch: 13, ..Limits::default() }),
        ["4 RECORDS", "4 RECORDS", "2 RECORDS", done]
    );
    assert_eq!(batches(Limits { bytes_per_batch: 0, ..Limits::default() }).len(), 11);
    assert_eq!(batches(Limits { rows_per_batch: 0, ..Limits::default() }).len(), 11);
}

#[test]
fn output_is_sent_in_pieces() {
    let mut it = Exchange::ready(V5);
    it.client.consume_output(usize::MAX);
    it.run();
    let all = it.client.output().to_vec();
    it.client.consume_output(3);
    assert_eq!(it.client.output(), &all[3..]);
    it.client.pull(-1, None).unwrap();
    assert!(it.client.output().starts_with(&all[3..]));
    assert_eq!(it.client.output().len(), all.len() - 3 + 10);
    it.client.consume_output(it.client.output().len());
    assert!(it.client.output().is_empty());
}
