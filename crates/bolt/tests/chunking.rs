//! Messages in chunks, however the network cuts them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::server::{Replies, Requests};
use bolt::{Auth, Connection, Event, Hello, Limits, Parameters, ProtocolError, Run, TxMeta, Value, Version};
use support::exchange::Exchange;
use support::{bytes, hex};

const V5: Version = Version::new(5, 8);

/// A connection that waits for the records of a query.
fn pulling(limits: Limits) -> Connection {
    let mut connection = Connection::new(V5, limits);
    let auth = Auth::none();
    let hello =
        Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
    connection.hello(&hello).unwrap();
    run(&mut connection, "Q");
    connection.pull(-1, None).unwrap();
    let mut replies = Replies::new(V5, true);
    for _ in 0..3 {
        replies.success(&[]).unwrap();
    }
    connection.handle_input(&replies.take());
    for _ in 0..3 {
        connection.poll_event().unwrap().unwrap();
    }
    connection.consume_output(usize::MAX);
    connection
}

fn run(connection: &mut Connection, query: &str) {
    let settings = TxMeta::default();
    connection.run(&Run { query, parameters: &Parameters::empty(), tx: Some(&settings) }).unwrap();
}

/// What came, with the records of all batches together.
fn drain(connection: &mut Connection, seen: &mut (Vec<Vec<u8>>, usize)) {
    while let Some(event) = connection.poll_event().unwrap() {
        match event {
            Event::Records(records) => {
                let ends =
                    records.offsets.iter().skip(1).map(|next| next - 2).chain([records.bytes.len() as u32]);
                for (start, end) in records.offsets.iter().zip(ends) {
                    seen.0.push(records.bytes[*start as usize..end as usize].to_vec());
                }
            }
            _ => seen.1 += 1,
        }
    }
}

fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    let mut connection = pulling(Limits::default());
    let mut seen = (Vec::new(), 0);
    for piece in pieces {
        connection.handle_input(piece);
        drain(&mut connection, &mut seen);
    }
    seen
}

#[test]
fn messages_are_cut_anywhere() {
    let mut input = Vec::new();
    input.extend(bytes("00 00 | 00 04 B1 71 91 01 00 00 | 00 00 00 00"));
    input.extend(bytes("00 01 B1 00 02 71 92 00 01 02 00 01 03 00 00")); // one message in four chunks
    input.extend(bytes("00 00 00 03 B1 71 90 00 00 | 00 03 B1 70 A0 00 00 | 00 00"));
    let whole = read(&[&input]);
    assert_eq!(whole, (vec![bytes("91 01"), bytes("92 02 03"), bytes("90")], 1));
    for first in 0..input.len() {
        for second in first..input.len() {
            assert_eq!(read(&[&input[..first], &input[first..second], &input[second..]]), whole);
        }
    }
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read(&single), whole);
}

#[test]
fn long_messages_take_several_chunks_both_ways() {
    for length in
        [0xFFFF - 20, 0xFFFF - 8, 0xFFFF - 7, 0xFFFF - 6, 0xFFFF, 0x10000, 0x1FFFE, 200_000, 1_000_000]
    {
        let query = "q".repeat(length);
        let mut connection = pulling(Limits::default());
        let mut replies = Replies::new(V5, true);
        replies.record(&[query.as_str().into()]).unwrap();
        replies.success(&[]).unwrap();
        let input = replies.take();
        let mut seen = (Vec::new(), 0);
        for piece in input.chunks(10_000) {
            connection.handle_input(piece);
            drain(&mut connection, &mut seen);
        }
        assert_eq!(seen.1, 1);
        assert_eq!(
            seen.0[0].len(),
            support::pack(&Value::List(vec![query.as_str().into()]), &connection.dialect()).len()
        );

        run(&mut connection, &query);
        connection.pull(-1, None).unwrap();
        let mut requests = Requests::new(V5, true);
        requests.feed(connection.output()).unwrap();
        let message = requests.next_message().unwrap().unwrap();
        assert_eq!(message.fields[0].as_str(), Some(query.as_str()));
        assert_eq!(requests.next_message().unwrap().unwrap().signature, bolt::server::signature::PULL);
    }
}

#[test]
fn the_chunks_of_a_message() {
    let mut connection = pulling(Limits::default());
    connection.reset().unwrap();
    assert_eq!(hex(connection.output()), "00 02 B0 0F 00 00");
    // RUN: B3 10, D2 and four bytes of length, the query, A0 A0
    let mut replies = Replies::new(V5, true);
    replies.message(&vec![7; 0xFFFF]);
    let out = replies.take();
    assert_eq!((hex(&out[..3]), hex(&out[0xFFFF..])), ("FF FF 07".into(), "07 07 00 00".into()));
    replies.message(&vec![7; 0x10000]);
    let out = replies.take();
    assert_eq!((hex(&out[..3]), hex(&out[0x10000..])), ("FF FF 07".into(), "07 00 01 07 00 00".into()));
}

/// Before the login a server is a stranger.
#[test]
fn before_the_login_little_is_enough() {
    let long = [("x", Value::from("x".repeat(Limits::BEFORE_LOGIN).as_str()))];
    let short = [("x", Value::from("x".repeat(Limits::BEFORE_LOGIN - 100).as_str()))];
    for version in Version::SUPPORTED {
        let answers = if *version >= Version::new(5, 1) { 2 } else { 1 };
        for before in 0..=answers {
            let mut it = Exchange::new(*version);
            it.hello();
            for _ in 0..before {
                it.success(&short);
            }
            it.deliver();
            while let Some(event) = it.client.poll_event().unwrap() {
                assert!(matches!(event, Event::Success { .. }));
            }
            if before == answers {
                it.client.consume_output(usize::MAX);
                it.run();
                it.success(&long);
                assert_eq!(it.events(), ["SUCCESS RUN"], "{version}");
            } else {
                it.success(&long);
                it.deliver();
                let error = it.client.poll_event().unwrap_err();
                assert_eq!(error, ProtocolError::LoginTooLong(Limits::BEFORE_LOGIN), "{version}");
                assert!(error.to_string().contains("65536 bytes that a message has before the login"));
            }
        }
    }
}

#[test]
fn a_message_longer_than_the_limit_ends_the_connection_and_names_the_limit() {
    let limits = Limits { message: 100, ..Limits::default() };
    let mut connection = pulling(limits);
    let mut replies = Replies::new(V5, true);
    replies.record(&["x".repeat(90).as_str().into()]).unwrap();
    replies.record(&["x".repeat(100).as_str().into()]).unwrap();
    connection.handle_input(&replies.take());
    let event = connection.poll_event().unwrap();
    assert!(matches!(event, Some(Event::Records(records)) if records.offsets.len() == 1));
    let error = connection.poll_event().unwrap_err();
    assert_eq!(error, ProtocolError::MessageTooLong(100));
    assert!(error.to_string().contains("of 100 bytes (option `limits.message`)"));
    connection.handle_input(&[0; 1000]);
    assert_eq!(connection.poll_event(), Err(error));

    // in many small chunks as well
    let mut connection = pulling(limits);
    for _ in 0..60 {
        connection.handle_input(&bytes("00 02 01 01"));
    }
    assert_eq!(connection.poll_event(), Err(ProtocolError::MessageTooLong(100)));
}

#[test]
fn a_long_message_in_many_pieces_takes_time_in_proportion() {
    let mut connection = pulling(Limits::default());
    let mut replies = Replies::new(V5, true);
    let text = "x".repeat(20_000_000);
    for _ in 0..1000 {
        replies.record(&[1.into()]).unwrap();
    }
    replies.record(&[text.as_str().into()]).unwrap();
    replies.success(&[]).unwrap();
    let input = replies.take();
    let mut seen = (Vec::new(), 0);
    // each piece would move the whole message, if the buffer were compacted each time: hours
    for piece in input.chunks(100) {
        connection.handle_input(piece);
        drain(&mut connection, &mut seen);
    }
    assert_eq!((seen.0.len(), seen.1), (1001, 1));
}
