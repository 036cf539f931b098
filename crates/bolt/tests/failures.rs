//! The state machine when a server fails, ignores and resets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::{Event, Request, State, TxMeta, Value, Version};
use support::bytes;
use support::exchange::{Exchange, V1, V5};

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

#[test]
fn ignored_may_come_with_a_map() {
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.pull(-1, None).unwrap();
    it.failure();
    it.server.message(&bytes("B1 7E A0"));
    assert_eq!(it.events(), ["FAILURE RUN", "IGNORED PULL"]);
}
