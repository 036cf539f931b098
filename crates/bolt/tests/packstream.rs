//! Values to bytes and back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use bolt::packstream::{
    decode, encode, Dialect, Node, Path, Point, Reader, UnboundRelationship, Vector, Writer, Zoned,
};
use bolt::{DecodeError, EncodeError, Limits, Value, Version};
use proptest::prelude::*;
use support::values::{dialect, value};
use support::{bytes, dialects, hex, pack};

fn newest() -> Dialect {
    Dialect::new(Version::new(6, 1), true)
}

fn decoded(packed: &[u8], dialect: &Dialect) -> Result<Value, DecodeError> {
    decode(packed, dialect.version, dialect.utc, &Limits::default())
}

fn node() -> Node {
    Node {
        id: 1,
        labels: vec!["L".into()],
        properties: vec![("p".into(), Value::Null)],
        element_id: Some("e".into()),
    }
}

fn relationship() -> UnboundRelationship {
    UnboundRelationship { id: 2, kind: "R".into(), properties: Vec::new(), element_id: Some("f".into()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_value_comes_back((dialect, value) in dialect().prop_flat_map(|d| (Just(d), value(d)))) {
        let packed = pack(&value, &dialect);
        prop_assert_eq!(decoded(&packed, &dialect).unwrap(), value);
        let mut reader = Reader::new(&packed);
        reader.skip().unwrap();
        prop_assert_eq!(reader.remaining(), 0);
        for end in 0..packed.len() {
            prop_assert!(decoded(&packed[..end], &dialect).is_err());
        }
        let longer = [&packed[..], &[0]].concat();
        prop_assert_eq!(decoded(&longer, &dialect), Err(DecodeError::Trailing(1)));
    }

    #[test]
    fn integers_take_the_fewest_bytes(value in prop_oneof![any::<i64>(), any::<i32>().prop_map(i64::from), -200i64..200]) {
        let mut out = Vec::new();
        Writer::new(&mut out).integer(value);
        let expected = match value {
            -16..=127 => 1,
            -128..=-17 => 2,
            -32_768..=32_767 => 3,
            -2_147_483_648..=2_147_483_647 => 5,
            _ => 9,
        };
        prop_assert_eq!(out.len(), expected);
        prop_assert_eq!(decoded(&out, &newest()), Ok(Value::Integer(value)));
    }
}

#[test]
fn the_bytes_of_each_type() {
    let text = |n: usize| Value::from("a".repeat(n));
    let table: Vec<(Value, String)> = vec![
        (Value::Null, "C0".into()),
        (true.into(), "C3".into()),
        (false.into(), "C2".into()),
        (0.into(), "00".into()),
        (127.into(), "7F".into()),
        ((-16).into(), "F0".into()),
        ((-17).into(), "C8 EF".into()),
        (128.into(), "C9 00 80".into()),
        ((-129).into(), "C9 FF 7F".into()),
        (32_768.into(), "CA 00 00 80 00".into()),
        (i64::MAX.into(), "CB 7F FF FF FF FF FF FF FF".into()),
        (1.5.into(), "C1 3F F8 00 00 00 00 00 00".into()),
        ("".into(), "80".into()),
        ("åb".into(), "83 C3 A5 62".into()),
        (text(15), format!("8F {}", hex(&[b'a'; 15]))),
        (text(16), format!("D0 10 {}", hex(&[b'a'; 16]))),
        (text(256), format!("D1 01 00 {}", hex(&[b'a'; 256]))),
        (text(65_536), format!("D2 00 01 00 00 {}", hex(&[b'a'; 65_536]))),
        (Value::Bytes(vec![1, 2]), "CC 02 01 02".into()),
        (Value::Bytes(vec![0; 256]), format!("CD 01 00 {}", hex(&[0; 256]))),
        (Value::Bytes(vec![0; 65_536]), format!("CE 00 01 00 00 {}", hex(&[0; 65_536]))),
        (Value::List(vec![]), "90".into()),
        (Value::List(vec![1.into(); 16]), format!("D4 10 {}", hex(&[1; 16]))),
        (Value::List(vec![1.into(); 256]), format!("D5 01 00 {}", hex(&[1; 256]))),
        (Value::List(vec![1.into(); 65_536]), format!("D6 00 01 00 00 {}", hex(&[1; 65_536]))),
        ([("a", 1.into())].into_iter().collect(), "A1 81 61 01".into()),
        (Value::Map(vec![(String::new(), 1.into()); 16]), format!("D8 10 {}", hex(&[0x80, 1].repeat(16)))),
        (
            Value::Map(vec![(String::new(), 1.into()); 256]),
            format!("D9 01 00 {}", hex(&[0x80, 1].repeat(256))),
        ),
        (
            Value::Map(vec![(String::new(), 1.into()); 65_536]),
            format!("DA 00 01 00 00 {}", hex(&[0x80, 1].repeat(65_536))),
        ),
        (Value::Node(Box::new(node())), "B4 4E 01 91 81 4C A1 81 70 C0 81 65".into()),
        (
            Value::Path(Box::new(Path {
                nodes: vec![node(), node()],
                relationships: vec![relationship()],
                indices: vec![-1, 1],
            })),
            "B3 50 92 B4 4E 01 91 81 4C A1 81 70 C0 81 65 B4 4E 01 91 81 4C A1 81 70 C0 81 65 \
             91 B4 72 02 81 52 A0 81 66 92 FF 01"
                .into(),
        ),
        (Value::Date(-1), "B1 44 FF".into()),
        (Value::Time { nanos: 1, offset: -2 }, "B2 54 01 FE".into()),
        (Value::LocalTime(1), "B1 74 01".into()),
        (Value::LocalDateTime { seconds: 1, nanos: 2 }, "B2 64 01 02".into()),
        (Value::DateTime { seconds: 100, nanos: 2, offset: 60 }, "B3 49 28 02 3C".into()),
        (
            Value::Zoned(Box::new(Zoned { utc: true, seconds: 1, nanos: 2, zone: "Z".into() })),
            "B3 69 01 02 81 5A".into(),
        ),
        (Value::Duration(Box::new([1, 2, 3, 4])), "B4 45 01 02 03 04".into()),
        (
            Value::Point(Box::new(Point { srid: 1, x: 0.0, y: -0.0, z: None })),
            "B3 58 01 C1 00 00 00 00 00 00 00 00 C1 80 00 00 00 00 00 00 00".into(),
        ),
        (
            Value::Vector(Box::new(Vector { marker: 0xC9, bytes: vec![1, 2] })),
            "B2 56 CC 01 C9 CC 02 01 02".into(),
        ),
        (Value::Uuid(Box::new([7; 16])), format!("E0 {}", hex(&[7; 16]))),
    ];
    for (value, expected) in table {
        let packed = pack(&value, &newest());
        assert!(hex(&packed) == expected, "{value:?} is {}", hex(&packed));
        assert_eq!(decoded(&packed, &newest()).unwrap(), value);
    }
}

#[test]
fn date_times_before_5_0_are_local() {
    let offset = Value::DateTime { seconds: 100, nanos: 2, offset: 60 };
    let zone = |utc| Value::Zoned(Box::new(Zoned { utc, seconds: 1, nanos: 2, zone: "Z".into() }));
    for dialect in dialects().into_iter().filter(|dialect| dialect.version.major >= 2) {
        let expected = if dialect.utc { "B3 49 28 02 3C" } else { "B3 46 64 02 3C" };
        assert_eq!(hex(&pack(&offset, &dialect)), expected);
        assert_eq!(decoded(&bytes(expected), &dialect), Ok(offset.clone()));
        let expected = if dialect.utc { "B3 69 01 02 81 5A" } else { "B3 66 01 02 81 5A" };
        assert_eq!(hex(&pack(&zone(dialect.utc), &dialect)), expected);
        let other = encode(&zone(!dialect.utc), dialect.version, dialect.utc, &mut Vec::new());
        assert!(matches!(other, Err(EncodeError::Unsupported { .. })));
    }
}

#[test]
fn what_a_version_lacks_is_not_encoded() {
    let table = [
        (Value::Date(1), Version::new(2, 0)),
        (Value::Point(Box::default()), Version::new(2, 0)),
        (Value::Vector(Box::new(Vector { marker: 0xC8, bytes: vec![] })), Version::new(6, 0)),
        (Value::Unsupported(Box::default()), Version::new(6, 0)),
        (Value::Uuid(Box::default()), Version::new(6, 1)),
    ];
    for (value, since) in table {
        for dialect in dialects() {
            let result = encode(&value, dialect.version, dialect.utc, &mut Vec::new());
            assert_eq!(result.is_ok(), dialect.version >= since, "{value:?} {}", dialect.version);
        }
    }
    let path = |indices| {
        Value::Path(Box::new(Path { nodes: vec![node()], relationships: vec![relationship()], indices }))
    };
    for indices in [vec![1], vec![0, 0], vec![2, 0], vec![1, 1], vec![1, -1], vec![i64::MIN, 0]] {
        let result = encode(&path(indices), Version::new(5, 0), true, &mut Vec::new());
        assert!(matches!(result, Err(EncodeError::Range { .. })));
    }
}

/// What is wrong with bytes, and how it is told.
#[test]
fn malformed_values() {
    let length = |what, length, remaining| DecodeError::Length { what, length, remaining };
    let arity = |structure, expected, actual| DecodeError::Arity { structure, expected, actual };
    let table = [
        ("", DecodeError::Truncated),
        ("C9 01", DecodeError::Truncated),
        ("E0 01 02", DecodeError::Truncated),
        ("D0", DecodeError::Truncated),
        ("82 61", length("string", 2, 1)),
        ("D2 FF FF FF FF 61", length("string", 0xFFFF_FFFF, 1)),
        ("CE FF FF FF FF", length("byte array", 0xFFFF_FFFF, 0)),
        ("D6 FF FF FF FF 01", length("list", 0xFFFF_FFFF, 1)),
        ("DA FF FF FF FF 80 01 80 01", length("map", 0xFFFF_FFFF, 4)),
        ("A2 80 01 80", length("map", 2, 3)),
        ("DD FF FF 4E 01", length("structure", 0xFFFF, 1)),
        ("94 94 01 01 01 01", length("list or map", 4, 4)),
        ("C4", DecodeError::UnknownMarker(0xC4)),
        ("D7", DecodeError::UnknownMarker(0xD7)),
        ("EF", DecodeError::UnknownMarker(0xEF)),
        ("81 FF", DecodeError::Utf8),
        ("A1 01 01", DecodeError::Key),
        ("A1 C0 01", DecodeError::Key),
        ("B1 00 01", DecodeError::Structure { signature: 0, version: Version::new(6, 1) }),
        ("B3 46 01 01 01", DecodeError::Structure { signature: 0x46, version: Version::new(6, 1) }),
        ("B0 4E", arity("Node", 4, 0)),
        ("B3 4E 01 90 A0", arity("Node", 4, 3)),
        ("B5 52 01 01 01 80 A0", arity("Relationship", 8, 5)),
        ("B3 72 01 80 A0", arity("UnboundRelationship", 4, 3)),
        ("B2 50 90 90", arity("Path", 3, 2)),
        ("B2 44 01 01", arity("Date", 1, 2)),
        ("B4 69 01 01 80 01", arity("DateTime", 3, 4)),
        ("B4 58 01 01 01 01", arity("Point", 3, 4)),
    ];
    for (packed, expected) in table {
        assert_eq!(decoded(&bytes(packed), &newest()), Err(expected), "{packed}");
    }
}

#[test]
fn fields_of_the_wrong_type() {
    let table = [
        ("B4 4E 80 90 A0 80", "Node", "id"),
        ("B4 4E 01 01 A0 80", "Node", "labels"),
        ("B4 4E 01 91 01 A0 80", "Node", "labels"),
        ("B4 4E 01 90 90 80", "Node", "properties"),
        ("B4 4E 01 90 A0 01", "Node", "element id"),
        ("B8 52 01 01 80 80 A0 80 80 80", "Relationship", "id"),
        ("B8 52 01 01 01 01 A0 80 80 80", "Relationship", "type"),
        ("B8 52 01 01 01 80 A0 80 80 01", "Relationship", "element id"),
        ("B4 72 01 01 A0 80", "UnboundRelationship", "type"),
        ("B3 50 01 90 90", "Path", "nodes"),
        ("B3 50 91 01 90 90", "Path", "nodes"),
        ("B3 50 91 B4 72 01 80 A0 80 90 90", "Path", "nodes"),
        ("B3 50 91 B4 4E 01 90 A0 80 91 01 90", "Path", "relationships"),
        ("B3 50 91 B4 4E 01 90 A0 80 90 01", "Path", "indices"),
        ("B3 50 91 B4 4E 01 90 A0 80 91 B4 72 01 80 A0 80 92 80 80", "Path", "indices"),
        ("B1 44 80", "Date", "days"),
        ("B2 54 01 C0", "Time", "offset"),
        ("B3 69 01 01 01", "DateTime", "zone id"),
        ("B3 58 01 01 01 00 00 00 00 00 00 00 00 00 00 00 00 00", "Point", "x"),
        ("B2 56 C8 CC 00", "Vector", "element type"),
        ("B2 56 CC 01 C8 90", "Vector", "elements"),
        ("B4 3F 01 01 01 A0", "UnsupportedType", "name"),
        ("B4 3F 80 01 01 90", "UnsupportedType", "details"),
        ("B4 3F 80 01 01 A1 87 'message' 01", "UnsupportedType", "message"),
    ];
    for (packed, structure, field) in table {
        let expected = Err(DecodeError::FieldType { structure, field });
        assert_eq!(decoded(&bytes(packed), &newest()), expected, "{packed}");
    }
}

#[test]
fn fields_out_of_range() {
    let long = |value: i64| format!("CB {}", hex(&value.to_be_bytes()));
    let (min_days, max_days) = (-365_243_219_162i64, 365_241_780_471i64);
    let (min, max) = (min_days * 86_400, max_days * 86_400 + 86_399);
    let day = 86_400_000_000_000;
    let table = [
        (format!("B1 44 {}", long(min_days)), true),
        (format!("B1 44 {}", long(min_days - 1)), false),
        (format!("B1 44 {}", long(max_days)), true),
        (format!("B1 44 {}", long(max_days + 1)), false),
        (format!("B1 74 {}", long(day - 1)), true),
        (format!("B1 74 {}", long(day)), false),
        ("B1 74 FF".into(), false),
        (format!("B2 54 00 {}", long(64_800)), true),
        (format!("B2 54 00 {}", long(-64_801)), false),
        (format!("B2 54 {} 00", long(day)), false),
        (format!("B2 64 {} 00", long(min)), true),
        (format!("B2 64 {} 00", long(min - 1)), false),
        (format!("B2 64 {} {}", long(max), long(999_999_999)), true),
        (format!("B2 64 00 {}", long(1_000_000_000)), false),
        ("B2 64 00 FF".into(), false),
        // local time is what has to be in range
        (format!("B3 49 {} 00 {}", long(max - 64_800), long(64_800)), true),
        (format!("B3 49 {} 00 {}", long(max), long(1)), false),
        (format!("B3 49 {} 00 {}", long(max), long(-1)), true),
        (format!("B3 49 {} 00 00", long(i64::MAX)), false),
        (format!("B3 69 {} 00 81 'Z'", long(i64::MIN)), false),
        (format!("B3 69 {} 00 81 'Z'", long(max)), true),
        (format!("B4 45 {0} {0} {0} 00", long(i64::MIN)), true),
        (format!("B4 45 00 00 00 {}", long(1_000_000_000)), false),
        (format!("B3 58 {} C1 0000000000000000 C1 0000000000000000", long(1 << 31)), false),
        ("B3 58 FF C1 0000000000000000 C1 0000000000000000".into(), false),
        ("B2 56 CC 01 C8 CC 03 01 02 03".into(), true),
        ("B2 56 CC 01 C9 CC 03 01 02 03".into(), false),
        ("B2 56 CC 01 C6 CC 04 01 02 03 04".into(), true),
        ("B2 56 CC 01 C1 CC 04 01 02 03 04".into(), false),
        ("B2 56 CC 01 CC CC 00".into(), false),
        ("B2 56 CC 02 C8 C8 CC 00".into(), false),
        ("B4 3F 80 FF 00 A0".into(), false),
        ("B4 3F 80 06 C9 01 00 A0".into(), false),
        ("B4 3F 80 06 01 A1 85 'other' 90".into(), true),
        ("B3 50 90 90 90".into(), false),
    ];
    for (packed, good) in table {
        match decoded(&bytes(&packed), &newest()) {
            Ok(_) => assert!(good, "{packed}"),
            Err(DecodeError::FieldRange { .. }) => assert!(!good, "{packed}"),
            Err(other) => panic!("{packed}: {other}"),
        }
    }
}

#[test]
fn path_indices_point_to_what_is_there() {
    let path = |indices: &str| {
        let node = "B4 4E 01 90 A0 80";
        bytes(&format!("B3 50 92 {node} {node} 91 B4 72 01 80 A0 80 {indices}"))
    };
    for good in ["90", "92 01 00", "92 FF 01", "94 01 01 FF 00"] {
        decoded(&path(good), &newest()).unwrap();
    }
    for bad in
        ["91 01", "92 00 00", "92 02 00", "92 FE 00", "92 01 02", "92 01 FF", "92 CB 8000000000000000 00"]
    {
        let expected = Err(DecodeError::FieldRange { structure: "Path", field: "indices" });
        assert_eq!(decoded(&path(bad), &newest()), expected, "{bad}");
    }
}

#[test]
fn an_unsupported_type_says_what_it_is() {
    let packed = bytes("B4 3F 84 'Blob' 07 02 A2 81 'x' 90 87 'message' 84 'soon'");
    let Value::Unsupported(it) = decoded(&packed, &newest()).unwrap() else { panic!("another type") };
    assert_eq!((it.name.as_str(), it.minimum, it.message.as_deref()), ("Blob", (7, 2), Some("soon")));
}

#[test]
fn depth_has_a_limit_that_is_named() {
    let limits = Limits { depth: 3, ..Limits::default() };
    let try_decode = |packed: &str| decode(&bytes(packed), Version::new(5, 8), true, &limits);
    try_decode("91 91 91 01").unwrap();
    assert_eq!(try_decode("91 91 91 90"), Err(DecodeError::Depth(3)));
    assert!(DecodeError::Depth(3).to_string().contains("of 3 levels (option `limits.depth`)"));
    try_decode("91 A1 80 A0").unwrap();
    assert_eq!(try_decode("91 A1 80 A1 80 90"), Err(DecodeError::Depth(3)));
    try_decode("91 B4 4E 01 90 A1 80 01 80").unwrap(); // the structure and its properties
    assert_eq!(try_decode("91 B4 4E 01 90 A1 80 90 80"), Err(DecodeError::Depth(3)));
    let deep = vec![0x91; 10_000_000];
    assert_eq!(
        decode(&deep, Version::new(5, 8), true, &Limits::default()),
        Err(DecodeError::Depth(Limits::MAX_VALUE_DEPTH))
    );
    Reader::new(&deep).skip().unwrap_err();
}
