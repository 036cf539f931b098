//! Bytes that mean harm take no more than a small multiple of their size in memory, and time in proportion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::columns::Transcoder;
use bolt::packstream::decode;
use bolt::server::Replies;
use bolt::{Auth, Connection, Hello, Limits, Parameters, RawRecords, Run, TxMeta, Value, Version};
use cap::Cap;
use std::alloc::System;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use support::{bytes, raw_records};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Memory is counted for the whole process, so that only one test at a time may count.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs with no more memory than `most` above what is in use: one byte more aborts the test.
fn within<T>(most: usize, run: impl FnOnce() -> T) -> T {
    MEMORY.set_limit(MEMORY.allocated() + most).unwrap();
    let result = run();
    MEMORY.set_limit(usize::MAX).unwrap();
    result
}

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

const MEGABYTE: usize = 1 << 20;
const V5: Version = Version::new(5, 8);
const NEWEST: Version = Version::new(6, 1);

/// Inputs of about a megabyte that claim as much as they can.
fn greedy() -> Vec<(&'static str, Vec<u8>)> {
    let repeat = |unit: &str, times: usize| bytes(unit).repeat(times);
    let list = |unit: &str, times: usize| {
        let mut list = vec![0xD6];
        list.extend((times as u32).to_be_bytes());
        list.extend(repeat(unit, times));
        list
    };
    let claims = |head: &str, length: u32| {
        let mut claim = bytes(head);
        claim.extend(length.to_be_bytes());
        claim
    };
    let mut nested_claims = Vec::new();
    for level in 0..100 {
        nested_claims.extend(claims("D6", 1_000_000 - 5 * level));
    }
    nested_claims.extend(repeat("01", 1_000_000));
    let mut nested_maps = Vec::new();
    for level in 0..100 {
        nested_maps.extend(claims("DA", 400_000 - 6 * level));
        nested_maps.push(0x80);
    }
    nested_maps.extend(repeat("80 01", 500_000));
    vec![
        ("nulls", list("C0", 1_000_000)),
        ("small integers", list("01", 1_000_000)),
        ("empty strings", list("80", 1_000_000)),
        ("empty lists", list("90", 1_000_000)),
        ("empty maps", list("A0", 1_000_000)),
        ("integers, and then none", [list("01", 1_000_000), vec![]].concat()),
        ("strings of one letter", list("81 61", 500_000)),
        ("strings of one wide letter", list("82 C3 A5", 300_000)),
        ("maps of one empty key", list("A1 80 01", 300_000)),
        ("nodes", list("B4 4E 00 90 A0 80", 150_000)),
        ("nodes of one property", list("B4 4E 00 90 A1 80 01 80", 120_000)),
        ("paths", list("B3 50 91 B4 4E 00 90 A0 80 90 90", 90_000)),
        ("durations", list("B4 45 00 00 00 00", 150_000)),
        ("uuids", list("E0 00000000000000000000000000000000", 60_000)),
        ("claims in claims", nested_claims),
        ("claims of maps in claims", nested_maps),
        ("a list of all there is and more", [claims("D6", 1_000_000), repeat("91", 1_000_000)].concat()),
        ("a string of all there is and more", [claims("D2", u32::MAX), repeat("61", 1_000_000)].concat()),
    ]
}

#[test]
fn a_decoded_value_takes_a_small_multiple() {
    let _alone = alone();
    for (name, packed) in greedy() {
        println!("{name}");
        let _ = within(48 * packed.len() + MEGABYTE, || decode(&packed, NEWEST, true, &Limits::default()));
    }
}

#[test]
fn a_batch_takes_a_small_multiple() {
    let _alone = alone();
    for (name, packed) in greedy() {
        println!("{name}");
        let most = 16 * packed.len() + MEGABYTE;
        let batch = within(most, || Transcoder::new(NEWEST, true, Limits::default()).value(&packed));
        let mut raw = RawRecords::default();
        raw.push(&[&[0x91], &packed[..]].concat());
        let other = within(most, || Transcoder::new(NEWEST, true, Limits::default()).records(&raw, 1));
        assert_eq!(batch.is_ok(), other.is_ok());
    }
}

#[test]
fn rows_of_the_smallest_values_take_a_small_multiple() {
    let _alone = alone();
    for value in ["C0", "C2", "01", "80", "90", "A0"] {
        for columns in [0usize, 1, 2, 15, 60_000] {
            let mut list = vec![0xD6];
            list.extend((columns as u32).to_be_bytes());
            list.extend(bytes(value).repeat(columns));
            let mut raw = RawRecords::default();
            while raw.bytes.len() < MEGABYTE {
                raw.push(&list);
            }
            let most = 24 * raw.bytes.len() + MEGABYTE;
            within(most, || Transcoder::new(NEWEST, true, Limits::default()).records(&raw, columns)).unwrap();
        }
    }
}

#[test]
fn records_that_lie_about_their_columns_take_no_memory() {
    let _alone = alone();
    let mut raw = RawRecords::default();
    while raw.bytes.len() < MEGABYTE {
        raw.push(&[0x90]);
    }
    for columns in [1, 2, 1000, 65_536, usize::MAX / 2, usize::MAX] {
        let mut transcoder = Transcoder::new(NEWEST, true, Limits::default());
        within(10 * MEGABYTE, || transcoder.records(&raw, columns)).unwrap_err();
    }
}

#[test]
fn what_a_result_remembers_is_bounded() {
    let _alone = alone();
    let mut transcoder = Transcoder::new(V5, true, Limits::default());
    let before = MEMORY.allocated();
    for round in 0..60 {
        // other keys, labels and strings in each batch, all of them long
        let rows: Vec<_> = (0..100)
            .map(|row| {
                let name = |what: &str| format!("{what}{round}-{row}-{}", "x".repeat(3000));
                let node = bolt::packstream::Node {
                    labels: vec![name("label")],
                    properties: vec![(name("key"), Value::from(name("value")))],
                    element_id: Some(name("id")),
                    ..Default::default()
                };
                vec![Value::Node(Box::new(node)), Value::Map(vec![(name("map"), Value::Null)])]
            })
            .collect();
        let raw = raw_records(&rows, &bolt::packstream::Dialect::new(V5, true));
        transcoder.records(&raw, 2).unwrap();
    }
    let kept = MEMORY.allocated() - before;
    assert!(kept < 12 * MEGABYTE, "{kept} bytes are kept");
}

fn connection() -> Connection {
    let mut connection = Connection::new(V5, Limits::default());
    let auth = Auth::none();
    let hello =
        Hello { user_agent: "x", bolt_agent: &[], auth: &auth, routing: None, notification_filter: None };
    connection.hello(&hello).unwrap();
    let settings = TxMeta::default();
    connection.run(&Run { query: "Q", parameters: &Parameters::empty(), tx: Some(&settings) }).unwrap();
    connection.pull(-1, None).unwrap();
    connection
}

#[test]
fn a_connection_takes_a_small_multiple_of_what_it_is_fed() {
    let _alone = alone();
    let chunks = [
        bytes("00 00").repeat(500_000),                // NOOPs
        bytes("00 01 B1").repeat(300_000),             // a message without end in chunks of a byte
        bytes("00 03 B1 71 90 00 00").repeat(150_000), // the smallest records
        bytes("00 01 00 00 00").repeat(200_000),       // messages of a byte
        bytes("00 03 B1 70 A0 00 00").repeat(150_000), // replies that nobody waits for
    ];
    for input in chunks {
        let mut connection = connection();
        within(12 * input.len() + MEGABYTE, || {
            connection.handle_input(&input);
            while let Ok(Some(_)) = connection.poll_event() {}
        });
    }
    for (name, packed) in greedy() {
        println!("{name}");
        for signature in ["B1 70", "B1 7F", "B1 71", "B1 7E"] {
            let mut replies = Replies::new(V5, true);
            replies.message(&[bytes(signature), bytes("A1 81 'x'"), packed.clone()].concat());
            let input = replies.take();
            let mut connection = connection();
            within(60 * input.len() + MEGABYTE, || {
                connection.handle_input(&input);
                while let Ok(Some(_)) = connection.poll_event() {}
            });
        }
    }
}

#[test]
fn time_grows_with_the_input_alone() {
    let _alone = alone();
    // strings that collide in every quick hash, and nodes whose shapes do
    let colliding = |n: usize| {
        let mut text = format!("{}{}", "a".repeat(16), "b".repeat(16));
        text.insert_str(16, &format!("{n:0>20}"));
        text
    };
    let rows: Vec<_> = (0..60_000)
        .map(|n| vec![Value::Map(vec![(colliding(n), Value::Null), (colliding(n / 2), Value::Null)])])
        .collect();
    let dialect = bolt::packstream::Dialect::new(V5, true);
    let start = Instant::now();
    let mut transcoder = Transcoder::new(V5, true, Limits::default());
    for rows in rows.chunks(1000) {
        transcoder.records(&raw_records(rows, &dialect), 1).unwrap();
    }
    // nodes nested to the limit, each of a shape of its own, in a result that takes no more shapes
    let mut deep = Value::Null;
    for level in 0..Limits::MAX_GRAPH_DEPTH as i64 {
        let node = bolt::packstream::Node {
            properties: vec![(format!("k{level}"), deep), ("n".to_owned(), Value::Integer(level))],
            ..Default::default()
        };
        deep = Value::Node(Box::new(node));
    }
    let deep = raw_records(&vec![vec![deep]; 100], &dialect);
    for n in 0..1100 {
        let node = bolt::packstream::Node { labels: vec![format!("L{n}")], ..Default::default() };
        transcoder.records(&raw_records(&[vec![Value::Node(Box::new(node))]], &dialect), 1).unwrap();
    }
    transcoder.records(&deep, 1).unwrap();
    // generous: it takes a second where it is slow, and hours where work is squared or doubled with each level
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
