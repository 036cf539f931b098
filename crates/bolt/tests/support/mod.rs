//! What the tests share: values of every type, and a reader of batches that knows nothing of the writer.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod batch_reader;
pub mod client;
pub mod exchange;
pub mod model_server;
pub mod values;

use bolt::packstream::Dialect;
use bolt::{RawRecords, Value, Version};

/// Every dialect: each version, and 4.3 and 4.4 with the patch as well.
pub fn dialects() -> Vec<Dialect> {
    let mut dialects: Vec<_> =
        Version::SUPPORTED.iter().map(|version| Dialect::new(*version, false)).collect();
    dialects.push(Dialect::new(Version::new(4, 3), true));
    dialects.push(Dialect::new(Version::new(4, 4), true));
    dialects
}

pub fn pack(value: &Value, dialect: &Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    bolt::packstream::encode(value, dialect.version, dialect.utc, &mut out).unwrap();
    out
}

pub fn raw_records(rows: &[Vec<Value>], dialect: &Dialect) -> RawRecords {
    let mut raw = RawRecords::default();
    for row in rows {
        raw.push(&pack(&Value::List(row.clone()), dialect));
    }
    raw
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// Bytes from text such as `"B1 71 | 'abc'"`: hex digits, with strings in quotes and anything else left out.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            out.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: String = part.chars().filter(char::is_ascii_hexdigit).collect();
        assert!(digits.len().is_multiple_of(2), "odd digits in {part:?}");
        for pair in digits.as_bytes().chunks(2) {
            out.push(u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        }
    }
    out
}
