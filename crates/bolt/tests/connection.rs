//! The state machine: whole exchanges with a server, as the server's half plays them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::server::Replies;
use bolt::{
    Auth, Connection, Event, Hello, Limits, Parameters, ProtocolError, Request, RequestError, Route, Run,
    State, TxMeta, Value, Version,
};
use std::time::Duration;
use support::bytes;

/// A client and the replies of its server.
struct Exchange {
    client: Connection,
    server: Replies,
}

const V1: Version = Version::new(1, 0);
const V3: Version = Version::new(3, 0);
const V4: Version = Version::new(4, 0);
const V5: Version = Version::new(5, 8);

impl Exchange {
    fn new(version: Version) -> Self {
        Self { client: Connection::new(version, Limits::default()), server: Replies::new(version, false) }
    }

    fn ready(version: Version) -> Self {
        let mut exchange = Self::new(version);
        exchange.hello();
        exchange.success(&[("server", "Neo4j/x".into())]);
        if version >= Version::new(5, 1) {
            exchange.success(&[]);
        }
        exchange.events();
        assert_eq!(exchange.client.state(), State::Ready);
        exchange
    }

    fn in_transaction(version: Version) -> Self {
        let mut exchange = Self::ready(version);
        exchange.client.begin(&TxMeta::default()).unwrap();
        exchange.success(&[]);
        if version < V3 {
            exchange.success(&[]);
        }
        assert_eq!(exchange.events(), ["SUCCESS BEGIN"]);
        assert_eq!(exchange.client.state(), State::TxReady);
        exchange
    }

    fn hello(&mut self) {
        let auth = Auth::none();
        let hello =
            Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
        self.client.hello(&hello).unwrap();
    }

    fn try_run(&mut self) -> Result<(), RequestError> {
        let settings = TxMeta::default();
        let auto = self.client.state() != State::TxReady && self.client.state() != State::TxStreaming;
        self.client.run(&Run { query: "Q", parameters: &Parameters::empty(), tx: auto.then_some(&settings) })
    }

    fn run(&mut self) {
        self.try_run().unwrap();
    }

    fn success(&mut self, metadata: &[(&str, Value)]) {
        self.server.success(metadata).unwrap();
    }

    fn failure(&mut self) {
        self.server.failure(&[("code", "Neo.ClientError.X.Y".into()), ("message", "no".into())]).unwrap();
    }

    fn deliver(&mut self) {
        let bytes = self.server.take();
        self.client.handle_input(&bytes);
    }

    /// What the client makes of all that the server wrote.
    fn events(&mut self) -> Vec<String> {
        self.deliver();
        let mut events = Vec::new();
        while let Some(event) = self.client.poll_event().unwrap() {
            events.push(match event {
                Event::Success { request, .. } => format!("SUCCESS {request}"),
                Event::Failure { request, .. } => format!("FAILURE {request}"),
                Event::Ignored { request } => format!("IGNORED {request}"),
                Event::Records(records) => format!("{} RECORDS", records.offsets.len()),
            });
        }
        events
    }

    fn refused(&mut self, request: Request, state: State, result: Result<(), RequestError>) {
        assert_eq!(result, Err(RequestError::State { request, state }));
    }
}

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
    for seconds in [0, -1, i64::MIN] {
        let mut it = Exchange::new(V5);
        it.hello();
        let hints: Value =
            [("connection.recv_timeout_seconds", Value::Integer(seconds))].into_iter().collect();
        it.success(&[("hints", hints)]);
        it.events();
        assert_eq!(it.client.hints().recv_timeout, None);
    }
}

#[test]
fn a_failed_greeting_is_the_end() {
    for version in Version::SUPPORTED.iter().copied() {
        let mut it = Exchange::new(version);
        it.hello();
        it.failure();
        let mut expected = vec!["FAILURE HELLO"];
        if version >= Version::new(5, 1) {
            it.server.ignored();
            expected.push("IGNORED LOGON");
        }
        assert_eq!(it.events(), expected);
        assert_eq!(it.client.state(), State::Defunct);
        let reset = it.client.reset();
        it.refused(Request::Reset, State::Defunct, reset);
    }
}

#[test]
fn a_failed_logon_is_the_end() {
    let mut it = Exchange::new(V5);
    it.hello();
    it.success(&[]);
    it.failure();
    assert_eq!(it.events(), ["SUCCESS HELLO", "FAILURE LOGON"]);
    assert_eq!(it.client.state(), State::Defunct);
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
        assert_eq!(records.offsets, [2, 9, 16]);
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
    let more = [("has_more", Value::Boolean(true))];
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(2, None).unwrap();
    it.success(&[]);
    it.success(&more);
    assert_eq!(it.events(), ["SUCCESS RUN", "SUCCESS PULL"]);
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
    it.success(&[("has_more", Value::Boolean(true))]);
    it.failure(); // the server does not take the second RUN
    assert_eq!(it.events(), ["SUCCESS RUN", "SUCCESS PULL", "FAILURE RUN"]);
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
fn a_failure_makes_the_rest_ignored_until_reset() {
    for version in Version::SUPPORTED.iter().copied() {
        let mut it = Exchange::ready(version);
        it.run();
        it.client.pull(-1, None).unwrap();
        it.failure();
        it.server.ignored();
        assert_eq!(it.events(), ["FAILURE RUN", "IGNORED PULL"]);
        assert_eq!(it.client.state(), State::Failed);
        let run = it.try_run();
        it.refused(Request::Run, State::Failed, run);
        it.client.reset().unwrap();
        assert_eq!(it.client.state(), State::Interrupted);
        it.run(); // may follow at once
        it.success(&[]);
        it.success(&[]);
        assert_eq!(it.events(), ["SUCCESS RESET", "SUCCESS RUN"]);
        assert_eq!(it.client.state(), State::Streaming);
    }
}

#[test]
fn a_failure_is_noticed_with_requests_on_the_way() {
    let mut it = Exchange::in_transaction(V5);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.client.commit().unwrap();
    it.success(&[]);
    it.failure(); // in the middle of the records
    assert_eq!(it.events(), ["SUCCESS RUN", "FAILURE PULL"]);
    assert_eq!(it.client.state(), State::Failed);
    let begin = it.client.begin(&TxMeta::default());
    it.refused(Request::Begin, State::Failed, begin);
    it.client.reset().unwrap();
    it.client.begin(&TxMeta::default()).unwrap();
    it.server.ignored();
    it.success(&[]);
    it.success(&[]);
    assert_eq!(it.events(), ["IGNORED COMMIT", "SUCCESS RESET", "SUCCESS BEGIN"]);
    assert_eq!(it.client.state(), State::TxReady);
}

#[test]
fn reset_interrupts_what_is_going_on() {
    for version in Version::SUPPORTED.iter().copied() {
        let mut it = Exchange::in_transaction(version);
        it.run();
        it.client.pull(-1, None).unwrap();
        it.client.reset().unwrap();
        assert_eq!(it.client.state(), State::Interrupted);
        it.success(&[]);
        it.server.record(&[Value::Null]).unwrap();
        it.server.ignored();
        assert_eq!(it.events(), ["SUCCESS RUN", "1 RECORDS", "IGNORED PULL"]);
        assert_eq!(it.client.state(), State::Interrupted);
        it.client.reset().unwrap();
        it.success(&[]);
        assert_eq!(it.events(), ["SUCCESS RESET"]);
        assert_eq!(it.client.state(), State::Interrupted);
        it.success(&[]);
        assert_eq!(it.events(), ["SUCCESS RESET"]);
        assert_eq!(it.client.state(), State::Ready);
    }
}

#[test]
fn a_reset_that_fails_is_the_end() {
    let mut it = Exchange::ready(V5);
    it.client.reset().unwrap();
    it.failure();
    assert_eq!(it.events(), ["FAILURE RESET"]);
    assert_eq!(it.client.state(), State::Defunct);
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
fn a_statement_of_bolt_1_fails_once_whichever_half_does() {
    let mut it = Exchange::in_transaction(V1);
    it.client.commit().unwrap();
    it.failure();
    assert_eq!(it.events(), ["FAILURE COMMIT"]);
    assert_eq!(it.client.pending(), 1);
    it.client.reset().unwrap();
    it.server.ignored();
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS RESET"]);
    it.client.begin(&TxMeta::default()).unwrap();
    it.client.rollback().unwrap();
    it.success(&[]);
    it.failure();
    assert_eq!(it.events(), ["FAILURE BEGIN"]);
    it.server.ignored();
    it.server.ignored();
    assert_eq!(it.events(), ["IGNORED ROLLBACK"]);
    assert_eq!(it.client.state(), State::Failed);
    assert_eq!(it.client.pending(), 0);
}

#[test]
fn ack_failure_keeps_the_transaction() {
    let mut it = Exchange::in_transaction(V1);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.failure();
    it.server.ignored();
    it.events();
    it.client.ack_failure().unwrap();
    it.client.rollback().unwrap();
    it.success(&[]);
    it.success(&[]);
    it.success(&[]);
    assert_eq!(it.events(), ["SUCCESS ACK_FAILURE", "SUCCESS ROLLBACK"]);
    assert_eq!(it.client.state(), State::Ready);
    it.run();
    it.failure();
    it.events();
    it.client.ack_failure().unwrap();
    it.success(&[]);
    it.events();
    assert_eq!(it.client.state(), State::Ready);
}

#[test]
fn a_transaction_of_bolt_4_has_several_results_at_once() {
    let mut it = Exchange::in_transaction(V4);
    it.run();
    it.client.pull(1, None).unwrap();
    it.run();
    it.client.pull(1, None).unwrap();
    it.success(&[("qid", Value::Integer(0))]);
    it.success(&[("has_more", Value::Boolean(true))]);
    it.success(&[("qid", Value::Integer(1))]);
    it.success(&[]);
    assert_eq!(it.events().len(), 4);
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
fn failures_under_one_set_of_names() {
    let old = [
        ("Neo.TransientError.Transaction.Terminated", "Neo.ClientError.Transaction.Terminated"),
        ("Neo.TransientError.Transaction.LockClientStopped", "Neo.ClientError.Transaction.LockClientStopped"),
        (
            "Neo.TransientError.Transaction.DeadlockDetected",
            "Neo.TransientError.Transaction.DeadlockDetected",
        ),
        ("", "Neo.DatabaseError.General.UnknownError"),
    ];
    for version in Version::SUPPORTED.iter().copied() {
        let gql = version >= Version::new(5, 7);
        for (code, expected) in old {
            let mut it = Exchange::ready(version);
            it.run();
            let key = if gql { "neo4j_code" } else { "code" };
            it.server
                .failure(&[(key, code.into()), ("message", "text".into()), ("other", Value::Null)])
                .unwrap();
            it.deliver();
            let Some(Event::Failure { failure, .. }) = it.client.poll_event().unwrap() else {
                panic!("no failure")
            };
            assert_eq!((failure.code.as_str(), failure.message.as_str()), (expected, "text"));
            assert_eq!(failure.diagnostic_record.is_some(), gql);
        }
    }
}

#[test]
fn gql_failures_have_causes_and_records_with_defaults() {
    let mut it = Exchange::ready(V5);
    it.run();
    let record: Value = [("OPERATION", Value::from("op")), ("_classification", Value::from("CLIENT_ERROR"))]
        .into_iter()
        .collect();
    let cause: Value = [
        ("message", Value::from("deep")),
        ("gql_status", Value::from("01N00")),
        ("description", Value::from("why")),
        ("diagnostic_record", Value::Null),
    ]
    .into_iter()
    .collect();
    it.server
        .failure(&[
            ("neo4j_code", "Neo.ClientError.A.B".into()),
            ("message", "text".into()),
            ("gql_status", "42001".into()),
            ("description", "syntax".into()),
            ("diagnostic_record", record),
            ("cause", cause),
        ])
        .unwrap();
    it.deliver();
    let Some(Event::Failure { failure, .. }) = it.client.poll_event().unwrap() else { panic!("no failure") };
    assert_eq!(failure.gql_status.as_deref(), Some("42001"));
    assert_eq!(failure.description.as_deref(), Some("syntax"));
    let record = failure.diagnostic_record.unwrap();
    let entry = |key| record.get(key).and_then(Value::as_str);
    assert_eq!(entry("OPERATION"), Some("op"));
    assert_eq!(entry("OPERATION_CODE"), Some("0"));
    assert_eq!(entry("CURRENT_SCHEMA"), Some("/"));
    assert_eq!(entry("_classification"), Some("CLIENT_ERROR"));
    let cause = failure.cause.unwrap();
    assert_eq!((cause.code.as_str(), cause.message.as_str()), ("", "deep"));
    assert_eq!(cause.gql_status.as_deref(), Some("01N00"));
    assert_eq!(cause.diagnostic_record, None);
    assert_eq!(cause.cause, None);
}

/// What breaks the protocol, and that it stays broken.
fn broken(mut it: Exchange, expected: &ProtocolError) {
    it.deliver();
    let error = loop {
        match it.client.poll_event() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error, expected {expected}"),
            Err(error) => break error,
        }
    };
    assert_eq!(&error, expected);
    assert_eq!(it.client.state(), State::Defunct);
    it.success(&[]);
    it.deliver();
    assert_eq!(it.client.poll_event(), Err(error));
    assert!(it.try_run().is_err());
}

#[test]
fn replies_that_answer_nothing() {
    let mut it = Exchange::ready(V5);
    it.success(&[]);
    broken(it, &ProtocolError::Unexpected("SUCCESS"));
    let mut it = Exchange::ready(V5);
    it.failure();
    broken(it, &ProtocolError::Unexpected("FAILURE"));
    let mut it = Exchange::ready(V5);
    it.server.ignored();
    broken(it, &ProtocolError::Unexpected("IGNORED"));
    let mut it = Exchange::ready(V5);
    it.server.record(&[]).unwrap();
    broken(it, &ProtocolError::Unexpected("RECORD"));
}

#[test]
fn replies_that_do_not_fit_their_request() {
    let mut it = Exchange::ready(V5);
    it.run();
    it.server.record(&[]).unwrap(); // RUN streams nothing
    broken(it, &ProtocolError::Unexpected("RECORD"));
    let mut it = Exchange::ready(V5);
    it.run();
    it.server.ignored(); // nothing failed, nothing was reset
    broken(it, &ProtocolError::Unexpected("IGNORED"));
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.failure();
    it.server.record(&[]).unwrap(); // of a result that never was
    broken(it, &ProtocolError::Unexpected("RECORD"));
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.failure();
    it.success(&[]); // what follows a failure cannot succeed
    broken(it, &ProtocolError::Unexpected("SUCCESS"));
    let mut it = Exchange::ready(V5);
    it.client.reset().unwrap();
    it.server.ignored();
    broken(it, &ProtocolError::Unexpected("IGNORED"));
    let mut it = Exchange::in_transaction(V1);
    it.client.commit().unwrap();
    it.success(&[]);
    it.server.record(&[]).unwrap(); // COMMIT streams nothing
    broken(it, &ProtocolError::Unexpected("RECORD"));
}

#[test]
fn messages_that_are_malformed() {
    for message in [
        "B1 70 01",                 // SUCCESS without a map
        "B1 70 A1 01 01",           // with a key that is no string
        "B1 70 A1 81 FF 01",        // or no UTF-8
        "B1 70 A1 81 'a'",          // or cut short
        "B1 70 A0 00",              // or too long
        "B1 70 A1 81 'a' B1 00 01", // with a structure that there is not
        "B2 70 A0 A0",              // with two fields
        "B0 70",
        "B1 7F 01",
        "B1 7F A1 81 'a'",
        "B2 7E A0 A0",
        "B1 7E",
        "B1 01 A0", // a message of clients
        "B1 00 A0",
        "C0",
        "91 01",
        "B2 71 90 90", // a RECORD of two fields
    ] {
        let mut it = Exchange::ready(V5);
        it.run();
        it.server.message(&bytes(message));
        it.deliver();
        let error = it.client.poll_event().unwrap_err();
        assert!(
            matches!(error, ProtocolError::Malformed(_) | ProtocolError::UnknownMessage),
            "{message}: {error}"
        );
        assert_eq!(it.client.state(), State::Defunct, "{message}");
    }
}

#[test]
fn ignored_may_come_with_a_map() {
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.failure();
    it.server.message(&bytes("B1 7E A0"));
    assert_eq!(it.events(), ["FAILURE RUN", "IGNORED PULL"]);
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
    assert_eq!(it.client.output().len(), all.len() - 3 + 11);
    it.client.consume_output(it.client.output().len());
    assert!(it.client.output().is_empty());
}
