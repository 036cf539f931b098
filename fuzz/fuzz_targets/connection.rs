//! Handshake and connection between a client that asks for anything at any time and two servers: one that keeps to
//! the protocol, with which the client must never fall out, and one that sends whatever it likes.
#![no_main]
#![allow(unreachable_pub)]

use arbitrary::Arbitrary;
use bolt::columns::Transcoder;
use bolt::handshake::{Handshake, Progress, Proposal};
use bolt::server::Replies;
use bolt::{Connection, Event, Limits, State, Value, Version};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/bolt/tests/support/client.rs"]
mod client;
#[path = "../../crates/bolt/tests/support/model_server.rs"]
#[allow(dead_code)]
mod model_server;
use client::request;
use model_server::ModelServer;

#[derive(Debug, Arbitrary)]
struct Input {
    version: u8,
    legacy: bool,
    handshake: Vec<Vec<u8>>,
    rows: u8,
    bytes: u16,
    honest: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    /// The client asks.
    Ask(u8, u8),
    /// So many bytes of the client's output go out.
    Send(u16),
    /// The server that keeps to the protocol answers a message.
    Answer(u8),
    /// The server sends what it likes.
    Say(Saying),
    /// So many bytes of what the server said reach the client.
    Receive(u16),
}

#[derive(Debug, Arbitrary)]
enum Saying {
    Success(Vec<Entry>),
    Failure(Vec<Entry>),
    Ignored,
    Record(u8),
    Noop,
    Message(Vec<u8>),
    Raw(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
struct Entry {
    key: u8,
    value: i64,
    text: Option<String>,
}

const KEYS: [&str; 12] = [
    "has_more",
    "fields",
    "qid",
    "t_first",
    "bookmark",
    "server",
    "connection_id",
    "hints",
    "patch_bolt",
    "neo4j_code",
    "diagnostic_record",
    "cause",
];

fn metadata(entries: &[Entry]) -> Vec<(&'static str, Value)> {
    let value = |entry: &Entry| match (&entry.text, entry.value % 5) {
        (Some(text), 0) => vec![Value::from(text.as_str())].into(),
        (Some(text), 1) => [("telemetry.enabled", Value::from(text.as_str()))].into_iter().collect(),
        (Some(text), _) => text.as_str().into(),
        (None, 0) => Value::Boolean(true),
        (None, 1) => Value::Null,
        (None, 2) => [("connection.recv_timeout_seconds", Value::Integer(entry.value))].into_iter().collect(),
        (None, _) => entry.value.into(),
    };
    entries.iter().map(|entry| (KEYS[usize::from(entry.key) % KEYS.len()], value(entry))).collect()
}

fn say(replies: &mut Replies, saying: &Saying) {
    match saying {
        Saying::Success(entries) => replies.success(&metadata(entries)).unwrap(),
        Saying::Failure(entries) => replies.failure(&metadata(entries)).unwrap(),
        Saying::Ignored => replies.ignored(),
        Saying::Record(n) => replies.record(&vec![Value::Integer(1); usize::from(*n)]).unwrap(),
        Saying::Noop => replies.noop(),
        Saying::Message(payload) => replies.message(payload),
        Saying::Raw(bytes) => replies.out.extend_from_slice(bytes),
    }
}

/// In pieces or at once, a handshake ends the same.
fn shake_hands(input: &Input) {
    let proposal = if input.legacy { Proposal::Legacy } else { Proposal::Modern };
    let mut pieces = Handshake::new(proposal);
    let mut in_pieces = Ok(Progress::NeedMore);
    let mut fed = Vec::new();
    for piece in &input.handshake {
        fed.extend_from_slice(piece);
        in_pieces = pieces.handle_input(piece);
        if in_pieces != Ok(Progress::NeedMore) {
            break;
        }
    }
    let mut whole = Handshake::new(proposal);
    let at_once = whole.handle_input(&fed);
    assert_eq!(at_once, in_pieces);
    assert_eq!(whole.take_output(), pieces.take_output());
}

fuzz_target!(|input: Input| {
    shake_hands(&input);
    let version = Version::SUPPORTED[usize::from(input.version) % Version::SUPPORTED.len()];
    let limits = Limits {
        rows_per_batch: usize::from(input.rows),
        bytes_per_batch: usize::from(input.bytes),
        message: 1 << 16,
        ..Limits::default()
    };
    let mut client = Connection::new(version, limits);
    let mut server = ModelServer::new(version);
    let mut liar = Replies::new(version, false);
    let mut wire = Vec::new();
    let mut columns = Transcoder::new(version, false, limits);
    let mut broken = None;
    for step in &input.steps {
        match step {
            Step::Ask(kind, detail) => {
                let before = (client.output().len(), client.pending());
                if request(&mut client, *kind, *detail).is_err() {
                    assert_eq!((client.output().len(), client.pending()), before);
                }
            }
            Step::Send(n) => {
                let n = usize::from(*n).min(client.output().len());
                server.feed(&client.output()[..n]);
                client.consume_output(n);
            }
            Step::Answer(choice) => {
                if input.honest {
                    wire.extend(server.answer(*choice));
                }
            }
            Step::Say(saying) => {
                if !input.honest {
                    say(&mut liar, saying);
                    wire.extend(liar.take());
                }
            }
            Step::Receive(n) => {
                let later = wire.split_off(usize::from(*n).min(wire.len()));
                client.handle_input(&wire);
                wire = later;
                loop {
                    match client.poll_event() {
                        Ok(None) => break,
                        Ok(Some(Event::Records(records))) => {
                            assert!(!records.offsets.is_empty());
                            assert!(records.offsets.len() <= limits.rows_per_batch.max(1));
                            let _ = columns.records(&records, 1);
                        }
                        Ok(Some(Event::Success { metadata, .. })) => {
                            let _ =
                                (metadata.fields(), metadata.has_more(), metadata.bookmark(), metadata.qid());
                            columns.value(metadata.raw()).expect("metadata was checked");
                        }
                        Ok(Some(_)) => {}
                        Err(error) => {
                            assert!(!input.honest, "{error}");
                            assert_eq!(client.state(), State::Defunct);
                            assert_eq!(*broken.get_or_insert(error.clone()), error);
                            break;
                        }
                    }
                }
            }
        }
    }
});
