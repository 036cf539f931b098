//! The batches that a transcoder writes, read by a reader that knows only their description.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::columns::{Batch, Transcoder};
use bolt::packstream::{Dialect, Node};
use bolt::{DecodeError, Limits, RawRecords, Value, Version};
use proptest::prelude::*;
use support::batch_reader::{ResultReader, BROKEN};
use support::values::{dialect, rows, value};
use support::{bytes, dialects, pack, raw_records};

fn written(batch: &Batch) -> Vec<u8> {
    let mut out = vec![0xEE; batch.byte_len()];
    batch.write(&mut out);
    out
}

fn transcoder(dialect: &Dialect) -> Transcoder {
    Transcoder::new(dialect.version, dialect.utc, Limits::default())
}

fn newest() -> Dialect {
    Dialect::new(Version::new(6, 1), true)
}

/// Sends each batch of rows through one transcoder and compares what is read.
fn round_trip(dialect: &Dialect, batches: &[Vec<Vec<Value>>], columns: usize) -> ResultReader {
    let mut transcoder = transcoder(dialect);
    let mut reader = ResultReader::default();
    for rows in batches {
        let batch = transcoder.records(&raw_records(rows, dialect), columns).unwrap();
        assert_eq!(batch.rows, rows.len());
        assert_eq!(&reader.read(&written(&batch)), rows);
        transcoder.recycle(batch);
    }
    reader
}

fn kinds(rows: &[Vec<Value>]) -> Vec<i32> {
    let raw = raw_records(rows, &newest());
    let batch = written(&transcoder(&newest()).records(&raw, rows[0].len()).unwrap());
    let word = |at: usize| i32::from_le_bytes(batch[at * 4..at * 4 + 4].try_into().unwrap());
    (0..rows[0].len()).map(|column| word(12 + 4 * column)).collect()
}

fn int(value: i64) -> Value {
    Value::Integer(value)
}

fn named(name: &str, properties: Vec<(&str, Value)>) -> Value {
    Value::Node(Box::new(Node {
        id: 1,
        labels: vec![name.to_owned()],
        properties: properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        element_id: Some("4:a:1".to_owned()),
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_read_is_what_was_sent(
        (dialect, columns, batches) in (dialect(), 0usize..5).prop_flat_map(|(dialect, columns)| {
            (Just(dialect), Just(columns), proptest::collection::vec(rows(dialect, columns), 1..5))
        })
    ) {
        round_trip(&dialect, &batches, columns);
    }

    #[test]
    fn one_value_is_a_batch_of_its_own((dialect, value) in dialect().prop_flat_map(|d| (Just(d), value(d)))) {
        let batch = transcoder(&dialect).value(&pack(&value, &dialect)).unwrap();
        prop_assert_eq!(ResultReader::default().read(&written(&batch)), vec![vec![value]]);
    }

    #[test]
    fn a_transcoder_takes_what_the_decoder_takes(
        (dialect, packed) in dialect().prop_flat_map(|dialect| (Just(dialect), mutated(dialect)))
    ) {
        let decoded = bolt::packstream::decode(&packed, dialect.version, dialect.utc, &Limits::default());
        let batch = transcoder(&dialect).value(&packed);
        // a value that cannot be represented is in its place with the reason
        if !decoded.as_ref().is_err_and(bolt::DecodeError::is_of_one_value) {
            prop_assert_eq!(decoded.is_ok(), batch.is_ok(), "{:?} {:?}", decoded, batch);
        }
        if let (Ok(decoded), Ok(batch)) = (decoded, batch) {
            let read = ResultReader::default().read(&written(&batch)).remove(0).remove(0);
            prop_assert_eq!(format!("{read:?}"), format!("{decoded:?}")); // NaN prints as itself
        }
    }
}

/// A packed value with some bytes replaced.
fn mutated(dialect: Dialect) -> BoxedStrategy<Vec<u8>> {
    (value(dialect), proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3))
        .prop_map(move |(value, changes)| {
            let mut packed = pack(&value, &dialect);
            for (index, byte) in changes {
                let at = index.index(packed.len());
                packed[at] = byte;
            }
            packed
        })
        .boxed()
}

#[test]
fn columns_of_one_kind_are_plain_and_nulls_do_not_make_them_mixed() {
    let row = |null: bool| {
        let or_null = |value: Value| if null { Value::Null } else { value };
        vec![
            or_null(int(1 << 40)),
            or_null(int(7)),
            or_null(Value::Float(0.5)),
            or_null("text".into()),
            or_null(true.into()),
            Value::Null,
            or_null(vec![int(1)].into()),
        ]
    };
    assert_eq!(kinds(&[row(false), row(false)]), [1, 6, 2, 3, 5, 4, 0]);
    assert_eq!(kinds(&[row(false), row(true)]), [1, 6, 2, 3, 5, 4, 0]);
    assert_eq!(kinds(&[row(true), row(true)]), [4; 7]);
    assert_eq!(kinds(&[vec![int(1)], vec![int(i64::MAX)]]), [1]);
    assert_eq!(kinds(&[vec![int(1)], vec![Value::Float(1.0)]]), [0]);
    round_trip(&newest(), &[vec![row(false), row(true), row(false)]], 7);
}

#[test]
fn the_bytes_of_a_small_batch() {
    let raw = raw_records(&[vec![int(-2), "hé".into()], vec![int(3), "ab".into()]], &newest());
    let batch = written(&transcoder(&newest()).records(&raw, 2).unwrap());
    let expected = bytes(
        "02000000 02000000 0D000000 68000000 02000000 6A000000 02000000 00000000 00000000 1A000000 70000000 00000000
         06000000 14000000 00000000 00000000  03000000 16000000 00000000 00000000
         FEFFFFFF 03000000  00000000 FEFFFFFF 00000000 02000000
         'ab' 6800 E900 0000",
    );
    assert_eq!(batch, expected);
}

#[test]
fn a_result_without_columns_counts_its_rows() {
    let raw = raw_records(&[vec![], vec![], vec![]], &newest());
    let batch = transcoder(&newest()).records(&raw, 0).unwrap();
    assert_eq!(batch.rows, 3);
    assert_eq!(ResultReader::default().read(&written(&batch)), vec![Vec::<Value>::new(); 3]);
}

#[test]
fn nodes_share_shapes_and_repeated_strings_the_dictionary_over_batches() {
    let node = |n: i64| {
        vec![named("Person", vec![("name", "Bob".into()), ("age", int(n)), ("city", "Umeå".into())])]
    };
    let batches: Vec<Vec<Vec<Value>>> = (0..4).map(|_| (0..50).map(node).collect()).collect();
    let reader = round_trip(&newest(), &batches, 1);
    assert_eq!(reader.shaped_nodes, 200);
    assert!(reader.dictionary_hits > 300, "{}", reader.dictionary_hits);
}

#[test]
fn beyond_the_limit_of_shapes_known_ones_are_still_used() {
    let odd = |n: i64| vec![named("Odd", vec![(&format!("key{n}"), int(n))])];
    let plain = |n: i64| vec![named("Plain", vec![("n", int(n)), ("s", Value::from(n.to_string()))])];
    let mut rows = vec![plain(0)];
    rows.extend((0..3000).map(odd));
    rows.extend((0..100).map(plain));
    let batches: Vec<_> = rows.chunks(1000).map(<[_]>::to_vec).collect();
    let reader = round_trip(&newest(), &batches, 1);
    assert_eq!(reader.shaped_nodes, 1024 + 100);
}

#[test]
fn beyond_the_limit_of_the_dictionary_keys_come_as_they_are() {
    let rows: Vec<_> = (0..70_000).map(|n| vec![Value::Map(vec![(format!("k{n}"), int(n))])]).collect();
    let mut batches: Vec<_> = rows.chunks(1000).map(<[_]>::to_vec).collect();
    batches
        .push(vec![vec![named("New", vec![("unknown", int(1))])], vec![named("New", vec![("k1", int(1))])]]);
    let reader = round_trip(&newest(), &batches, 1);
    assert_eq!(reader.shaped_nodes, 0);
    // long keys fill it by their bytes
    let rows: Vec<_> = (0..100).map(|n| vec![Value::Map(vec![(format!("{n:0>60000}"), int(n))])]).collect();
    round_trip(&newest(), &rows.chunks(10).map(<[_]>::to_vec).collect::<Vec<_>>(), 1);
}

#[test]
fn nodes_with_many_labels_or_properties_have_no_shape() {
    let many = |n: usize| {
        vec![Value::Node(Box::new(Node {
            labels: (0..n).map(|i| format!("L{i}")).collect(),
            properties: (0..n).map(|i| (format!("p{i}"), int(i as i64))).collect(),
            element_id: Some(String::new()),
            ..Node::default()
        }))]
    };
    let reader = round_trip(&newest(), &[vec![many(64), many(65), many(64), many(300)]], 1);
    assert_eq!(reader.shaped_nodes, 2);
}

#[test]
fn a_node_inside_of_a_node_keeps_both_shapes_apart() {
    let inner = named("Inner", vec![("a", int(1))]);
    let outer = named("Outer", vec![("b", int(2)), ("inner", inner), ("c", true.into())]);
    let reader = round_trip(&newest(), &[vec![vec![outer.clone()], vec![outer]]], 1);
    assert_eq!(reader.shaped_nodes, 4);
}

#[test]
fn records_that_do_not_fit_the_columns_are_refused() {
    let raw = raw_records(&[vec![int(1), int(2)]], &newest());
    for columns in [0, 1, 3] {
        let error = transcoder(&newest()).records(&raw, columns).unwrap_err();
        assert_eq!(error, DecodeError::Columns { expected: columns, actual: 2 });
    }
    let no_list = RawRecords { bytes: bytes("B1 71 01"), offsets: vec![2] };
    assert_eq!(transcoder(&newest()).records(&no_list, 1).unwrap_err(), DecodeError::Expected("list"));
}

#[test]
fn records_must_lie_behind_each_other_and_fill_their_bytes() {
    let good = raw_records(&[vec![int(1)], vec![int(2)]], &newest());
    let refuse = |change: &dyn Fn(&mut RawRecords)| {
        let mut raw = good.clone();
        change(&mut raw);
        transcoder(&newest()).records(&raw, 1).unwrap_err();
    };
    refuse(&|raw| raw.bytes.push(0));
    refuse(&|raw| raw.offsets[1] = 2);
    refuse(&|raw| raw.offsets[1] = u32::MAX);
    refuse(&|raw| raw.offsets.push(u32::MAX));
    refuse(&|raw| raw.bytes.truncate(raw.bytes.len() - 1));
    refuse(&|raw| raw.offsets.swap(0, 1));
    transcoder(&newest()).records(&good, 1).unwrap();
}

#[test]
fn more_columns_than_bytes_or_than_the_limit_take_no_memory() {
    let raw = raw_records(&[vec![], vec![]], &newest());
    assert_eq!(transcoder(&newest()).records(&raw, 60_000).unwrap_err(), DecodeError::Truncated);
    assert!(matches!(transcoder(&newest()).records(&raw, 1 << 30), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn bad_utf8_is_found_wherever_a_string_may_be() {
    let places = [
        "81 FF",                                // a string
        "91 81 FF",                             // in a list
        "A1 81 FF 01",                          // a key
        "A1 81 'a' 81 FF",                      // a map's value
        "B4 4E 01 91 81 FF A0 80",              // a label
        "B4 4E 01 90 A1 81 FF 01 80",           // a property's key
        "B4 4E 01 90 A1 81 'a' 81 FF 80",       // a property
        "B4 4E 01 90 A0 81 FF",                 // an element id
        "B8 52 01 02 03 81 FF A0 80 80 80",     // a type
        "B8 52 01 02 03 80 A0 80 80 81 FF",     // an element id
        "B3 69 00 00 82 'E' FF",                // a zone
        "B4 3F 81 FF 06 00 A0",                 // a name
        "B4 3F 80 06 00 A1 87 'message' 81 FF", // a message
    ];
    for place in places {
        let packed = bytes(place);
        for rows in [1, 40, 200] {
            // later rows meet dictionaries and filters that know the others
            let mut raw = RawRecords::default();
            let good = raw_records(&[vec!["plain".into()]], &newest()).bytes.split_off(2);
            for _ in 1..rows {
                raw.push(&good);
            }
            raw.push(&[&[0x91], &packed[..]].concat());
            assert_eq!(
                transcoder(&newest()).records(&raw, 1).unwrap_err(),
                DecodeError::Utf8,
                "{place} {rows}"
            );
        }
        assert_eq!(transcoder(&newest()).value(&packed).unwrap_err(), DecodeError::Utf8, "{place}");
    }
}

#[test]
fn repeated_values_with_bad_utf8_do_not_reach_the_dictionary() {
    let mut raw = RawRecords::default();
    let list = [&[0x91, 0x94][..], &[0x82, b'a', 0xFF].repeat(4)].concat();
    for _ in 0..100 {
        raw.push(&list);
    }
    assert_eq!(transcoder(&newest()).records(&raw, 1).unwrap_err(), DecodeError::Utf8);
}

#[test]
fn records_that_came_in_parts_are_the_same_as_at_once() {
    let rows: Vec<Vec<Value>> =
        (0..7_i64).map(|i| vec![i.into(), "text".repeat(i as usize).into()]).collect();
    let whole = raw_records(&rows, &newest());
    let mut parts = RawRecords::default();
    for part in [&rows[..0], &rows[..3], &rows[3..3], &rows[3..4], &rows[4..]] {
        parts.append(raw_records(part, &newest()));
    }
    assert_eq!(parts, whole);
}

/// Whether a value is what it says, not the reason why it cannot be.
fn is_whole(packed: &[u8], dialect: &Dialect) -> bool {
    let batch = transcoder(dialect).value(packed).unwrap();
    broken(&ResultReader::default().read(&written(&batch)).remove(0).remove(0)).is_none()
}

/// The reason in place of a value.
fn broken(value: &Value) -> Option<&str> {
    match value {
        Value::Unsupported(it) if it.name == BROKEN => it.message.as_deref(),
        _ => None,
    }
}

#[test]
fn a_value_that_cannot_be_represented_takes_nothing_with_it() {
    let dialect = newest();
    let far_date = "B1 44 CB 7FFFFFFFFFFFFFFF";
    for (bad, why) in [
        ("B2 7A 01 92 A0 81 'x'", "0x7A is no structure of Bolt 6.1"),
        ("B0 00", "0x00 is no structure of Bolt 6.1"),
        (far_date, "the days of a Date is out of range"),
        ("B2 44 01 02", "a Date has 2 fields, it should have 1"),
        ("B1 44 81 'x'", "the days of a Date has the wrong type"),
        (
            "B4 4E 01 91 01 A1 81 'k' 93 C1 0000000000000000 82 'ä' 01 80",
            "the labels of a Node has the wrong type",
        ),
        ("B3 50 91 B4 4E 01 90 A1 81 'k' 81 'v' 80 90 92 05 05", "the indices of a Path is out of range"),
    ] {
        let mut raw = RawRecords::default();
        for cells in
            [["01", "02", "03"], ["81 'c'", bad, "81 'd'"], ["01", &format!("A1 81 'k' {bad}"), "01"]]
        {
            raw.push(&[vec![0x93], bytes(&cells.join(" "))].concat());
        }
        let batch = transcoder(&dialect).records(&raw, 3).unwrap();
        let rows = ResultReader::default().read(&written(&batch));
        assert_eq!(rows[0], [1.into(), 2.into(), Value::Integer(3)], "{bad}");
        assert_eq!((&rows[1][0], &rows[1][2]), (&"c".into(), &"d".into()), "{bad}");
        assert_eq!(broken(&rows[1][1]), Some(why));
        assert_eq!(broken(rows[2][1].get("k").unwrap()), Some(why));
    }
    // the node around a property that cannot be represented is whole
    let node = bytes(&format!("B4 4E 01 91 81 'L' A2 81 'a' {far_date} 81 'b' 02 81 'e'"));
    let batch = transcoder(&dialect).value(&node).unwrap();
    let Value::Node(node) = ResultReader::default().read(&written(&batch)).remove(0).remove(0) else {
        panic!("no node")
    };
    assert!(broken(&node.properties[0].1).is_some());
    assert_eq!(node.properties[1], ("b".to_owned(), 2.into()));
    assert_eq!(node.element_id.as_deref(), Some("e"));
    // bytes that are no value are no value in a structure either
    for malformed in ["B2 7A 01", "B1 7A C4", "B1 7A 82 'x'"] {
        transcoder(&dialect).value(&bytes(malformed)).unwrap_err();
    }
}

#[test]
fn bytes_between_two_records_are_refused() {
    let mut raw = raw_records(&[vec![1.into()]], &newest());
    raw.bytes.push(0);
    raw.push(&[0x91, 0x02]);
    assert_eq!(transcoder(&newest()).records(&raw, 1).unwrap_err(), DecodeError::Trailing(3));
}

#[test]
fn the_hundred_thousandth_column_is_read() {
    let columns = 100_000;
    let list = [vec![0xD6], (columns as u32).to_be_bytes().to_vec(), vec![7; columns]].concat();
    let mut raw = RawRecords::default();
    raw.push(&list);
    let batch = transcoder(&newest()).records(&raw, columns).unwrap();
    assert_eq!(ResultReader::default().read(&written(&batch))[0][columns - 1], Value::Integer(7));
    let few = Limits { columns: 10, ..Limits::default() };
    let error = Transcoder::new(Version::new(6, 1), true, few).records(&raw, columns).unwrap_err();
    assert_eq!(error.to_string(), "the number of columns exceeds the limit of 10 (option `limits.columns`)");
}

#[test]
fn every_type_of_every_version_is_taken_and_types_of_others_are_not() {
    for dialect in dialects() {
        let uuid = bytes("E0 00112233445566778899AABBCCDDEEFF");
        assert_eq!(
            transcoder(&dialect).value(&uuid).is_ok(),
            dialect.version >= Version::new(6, 1),
            "{dialect:?}"
        );
        let date = bytes("B1 44 01");
        assert_eq!(is_whole(&date, &dialect), dialect.version.major >= 2, "{dialect:?}");
        let legacy = bytes("B3 46 01 01 01");
        assert_eq!(is_whole(&legacy, &dialect), dialect.version.major >= 2 && !dialect.utc, "{dialect:?}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested = |levels: usize| [vec![0x91; levels], vec![0x01]].concat();
    let limits = Limits { depth: 10, ..Limits::default() };
    let mut transcoder = Transcoder::new(Version::new(5, 8), true, limits);
    transcoder.value(&nested(10)).unwrap();
    assert_eq!(transcoder.value(&nested(11)).unwrap_err(), DecodeError::Depth(10));
    let mut deepest = Transcoder::new(Version::new(5, 8), true, Limits { depth: usize::MAX, ..limits });
    deepest.value(&nested(Limits::MAX_DEPTH)).unwrap();
    let maps = |levels: usize| [bytes("A1 81 'a'").repeat(levels), vec![0x01]].concat();
    deepest.value(&maps(Limits::MAX_DEPTH)).unwrap();
    assert_eq!(
        deepest.value(&maps(Limits::MAX_DEPTH + 1)).unwrap_err(),
        DecodeError::Depth(Limits::MAX_DEPTH)
    );
    // nodes are read by recursion: their nesting in each other has a limit of its own
    let nodes = |levels: usize| {
        let (head, tail) = (bytes("B4 4E 01 90 A1 81 'a'").repeat(levels), bytes("80").repeat(levels));
        [head, vec![0x01], tail].concat()
    };
    deepest.value(&nodes(Limits::MAX_GRAPH_DEPTH)).unwrap();
    for levels in [Limits::MAX_GRAPH_DEPTH + 1, 100_000] {
        let error = deepest.value(&nodes(levels)).unwrap_err();
        assert_eq!(error, DecodeError::GraphDepth(Limits::MAX_GRAPH_DEPTH));
    }
    assert_eq!(deepest.value(&nested(1_000_000)).unwrap_err(), DecodeError::Depth(Limits::MAX_DEPTH));
}

/// Keys that come again have their number, also the one at which looking them up changes from a list to a table.
#[test]
fn each_key_is_told_once() {
    let keys = (0..20).map(|n| (format!("key{n}"), Value::Integer(n)));
    let raw = raw_records(&[vec![Value::Map(keys.collect())]], &newest());
    let mut transcoder = transcoder(&newest());
    let mut told = || {
        let out = written(&transcoder.records(&raw, 1).unwrap());
        i32::from_le_bytes(out[28..32].try_into().unwrap())
    };
    assert_eq!([told(), told(), told()], [20, 0, 0]);
}
