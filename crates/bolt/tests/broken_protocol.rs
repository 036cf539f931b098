//! Servers that break the protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::{ProtocolError, State, Value};
use support::bytes;
use support::exchange::{Exchange, V1, V5};

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

/// A client that believed it would ask for ever.
#[test]
fn more_is_promised_without_a_record() {
    let more = [("has_more", Value::Boolean(true))];
    let mut it = Exchange::with_a_piece(V5);
    it.events();
    it.client.pull(2, None).unwrap();
    it.success(&more);
    broken(it, &ProtocolError::NoProgress);
    // what is discarded has no records to show
    let mut it = Exchange::ready(V5);
    it.run();
    it.client.discard(2, None).unwrap();
    it.success(&[]);
    it.success(&more);
    assert_eq!(it.events(), ["SUCCESS RUN", "SUCCESS DISCARD"]);
}

#[test]
fn messages_that_are_malformed() {
    for message in [
        "B1 70 01",          // SUCCESS without a map
        "B1 70 A1 01 01",    // with a key that is no string
        "B1 70 A1 81 FF 01", // or no UTF-8
        "B1 70 A1 81 'a'",   // or cut short
        "B1 70 A0 00",       // or too long
        "B2 70 A0 A0",       // with two fields
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
