//! The decoder and the columns, on the same bytes: each takes what the other takes, and reads the same from it; but a
//! value that cannot be represented is an error of the decoder, and a reason in the columns.
#![no_main]
#![allow(unreachable_pub)]

use bolt::columns::{Batch, Transcoder};
use bolt::packstream::{decode, encode, Reader};
use bolt::{DecodeError, Limits, RawRecords, Value, Version};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/bolt/tests/support/batch_reader.rs"]
#[allow(dead_code)]
mod batch_reader;
use batch_reader::ResultReader;

fn read(reader: &mut ResultReader, batch: &Batch) -> Vec<Vec<Value>> {
    let mut out = vec![0xEE; batch.byte_len()];
    batch.write(&mut out);
    reader.read(&out)
}

/// The input is four bytes that choose, and then a value, or records of a byte's length each. Not more structure than
/// that: the bytes of PackStream are what is to be mutated.
fn split(input: &[u8]) -> Option<(Version, bool, Limits, usize, &[u8])> {
    let ([version, depth, columns, flags], rest) = input.split_first_chunk()?;
    let versions = Version::SUPPORTED;
    let version = versions[usize::from(*version) % versions.len()];
    let limits = Limits { depth: usize::from(*depth), ..Limits::default() };
    Some((version, flags & 1 == 1, limits, usize::from(*columns), rest))
}

fn value(version: Version, utc: bool, limits: Limits, packed: &[u8]) {
    let _ = Reader::new(packed).skip();
    let decoded = decode(packed, version, utc, &limits);
    let batch = Transcoder::new(version, utc, limits).value(packed);
    // what cannot be represented has its reason in its place
    if !decoded.as_ref().is_err_and(DecodeError::is_of_one_value) {
        assert_eq!(decoded.is_ok(), batch.is_ok(), "{decoded:?} {batch:?}");
    }
    if let (Ok(value), Ok(batch)) = (decoded, batch) {
        let columns = read(&mut ResultReader::default(), &batch);
        // NaN is not equal to itself, but prints the same
        assert_eq!(format!("{:?}", columns[0][0]), format!("{value:?}"));
        let mut again = Vec::new();
        encode(&value, version, utc, &mut again).expect("what was decoded can be encoded");
        let value_again = decode(&again, version, utc, &limits).expect("and decoded again");
        assert_eq!(format!("{value_again:?}"), format!("{value:?}"));
    }
}

fn records(version: Version, utc: bool, limits: Limits, columns: usize, mut rest: &[u8]) {
    // the list that a record is counts as no level of its own
    let record_limits = Limits { depth: limits.depth + 1, ..limits };
    let mut transcoder = Transcoder::new(version, utc, limits);
    let mut reader = ResultReader::default();
    while let Some((count, mut batch_bytes)) = rest.split_first() {
        let (mut raw, mut rows) = (RawRecords::default(), Vec::new());
        for _ in 0..*count {
            let Some((length, after)) = batch_bytes.split_first() else { break };
            let (record, after) = after.split_at(after.len().min(usize::from(*length)));
            batch_bytes = after;
            raw.push(record);
            rows.push(record);
        }
        rest = batch_bytes;
        let Ok(batch) = transcoder.records(&raw, columns) else { return };
        let expected: Vec<Option<Vec<Value>>> = rows
            .iter()
            .map(|record| match decode(record, version, utc, &record_limits) {
                Ok(Value::List(values)) => Some(values),
                Err(error) if error.is_of_one_value() => None,
                other => panic!("the columns took what the decoder does not: {other:?}"),
            })
            .collect();
        for (row, expected) in read(&mut reader, &batch).into_iter().zip(expected) {
            if let Some(expected) = expected {
                assert_eq!(format!("{row:?}"), format!("{expected:?}"));
            }
        }
        transcoder.recycle(batch);
    }
}

/// Bytes and places in them that have nothing to do with each other. What is taken lies without a gap: each record
/// begins two bytes behind the end of the one before it, and the last one ends the bytes.
fn misplaced(version: Version, utc: bool, limits: Limits, columns: usize, rest: &[u8]) {
    let (count, rest) = rest.split_first().map_or((0, rest), |(count, rest)| (usize::from(*count), rest));
    let (offsets, bytes) = rest.split_at(rest.len().min(count));
    let raw =
        RawRecords { bytes: bytes.to_vec(), offsets: offsets.iter().map(|at| u32::from(*at)).collect() };
    if let Ok(batch) = Transcoder::new(version, utc, limits).records(&raw, columns) {
        let ends = raw.offsets.iter().map(|start| {
            let start = *start as usize;
            let mut reader = Reader::new(&raw.bytes[start..]);
            reader.skip().expect("a record that was taken is whole");
            start + reader.position()
        });
        let next = raw.offsets.iter().skip(1).map(|at| *at as usize - 2).chain([raw.bytes.len()]);
        for (end, next) in ends.zip(next) {
            assert_eq!(end, next, "bytes between two records were taken");
        }
        read(&mut ResultReader::default(), &batch);
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((version, utc, limits, columns, rest)) = split(input) else { return };
    match input[3] >> 1 & 3 {
        0 | 1 => value(version, utc, limits, rest),
        2 => records(version, utc, limits, columns, rest),
        _ => misplaced(version, utc, limits, columns, rest),
    }
});
