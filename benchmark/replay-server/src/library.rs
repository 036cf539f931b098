//! The results that are replayed: made once, as the bytes that go over the wire.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use crate::{
    framing::frame,
    packstream::{Tally, Writer},
    version::Version,
};

const RECORD: u8 = 0x71;
const NODE: u8 = b'N';
const UNBOUND_RELATIONSHIP: u8 = b'r';
const PATH: u8 = b'P';
/// The bytes of a string, and of a byte array.
const TEXT_SIZE: usize = 1 << 10;
const ARRAY_SIZE: usize = 1 << 16;
const CITIES: [&str; 8] =
    ["Warszawa", "London", "Berlin", "Tokyo", "Malmo", "New York", "Paris", "San Francisco"];

/// The records of one result, framed, one after the other.
pub(crate) struct DataSet {
    pub(crate) fields: &'static [&'static str],
    bytes: Vec<u8>,
    /// Where each record ends.
    ends: Vec<usize>,
}

impl DataSet {
    fn new(fields: &'static [&'static str], rows: i64, mut row: impl FnMut(i64, &mut Writer<'_>)) -> Self {
        let (mut bytes, mut record) = (Vec::new(), Vec::new());
        let ends = (0..rows).map(|index| {
            record.clear();
            let mut writer = Writer(&mut record);
            writer.structure(1, RECORD);
            writer.list(fields.len());
            row(index, &mut writer);
            frame(&mut bytes, &record);
            bytes.len()
        });
        let ends = ends.collect();
        Self { fields, bytes, ends }
    }

    pub(crate) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of the records from `from` up to, not including, `to`.
    pub(crate) fn records(&self, from: usize, to: usize) -> &[u8] {
        let end_before =
            |row: usize| row.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        self.bytes.get(end_before(from)..end_before(to)).unwrap_or_default()
    }
}

/// What can be asked for, by a query's text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Query {
    One,
    Scan,
    Nodes,
    Lists,
    Maps,
    Paths,
    Temporal,
    Strings,
    Bytes,
}

impl Query {
    fn of(text: &str) -> Option<Self> {
        match text {
            "RETURN 1 AS n" => Some(Self::One),
            "SCAN" => Some(Self::Scan),
            "NODES" => Some(Self::Nodes),
            "LISTS" => Some(Self::Lists),
            "MAPS" => Some(Self::Maps),
            "PATHS" => Some(Self::Paths),
            "TEMPORAL" => Some(Self::Temporal),
            "STRINGS" => Some(Self::Strings),
            "BYTES" => Some(Self::Bytes),
            _ => None,
        }
    }

    /// How many rows its result has.
    fn rows(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Scan => 1_000_000,
            Self::Nodes => 200_000,
            Self::Lists | Self::Maps | Self::Temporal => 100_000,
            Self::Paths | Self::Strings => 50_000,
            Self::Bytes => 2_000,
        }
    }

    fn make(self, rows: i64, version: Version) -> DataSet {
        match self {
            Self::One => DataSet::new(&["n"], rows, |_, row| row.int(1)),
            Self::Scan => DataSet::new(&["id", "name", "score"], rows, |i, row| {
                row.int(i);
                row.string(&format!("name-{i:07}"));
                row.float(i as f64 * 0.37 + 0.01);
            }),
            Self::Nodes => DataSet::new(&["n"], rows, |i, row| person(row, i, version)),
            Self::Lists => DataSet::new(&["l"], rows, |i, row| {
                row.list(50);
                for k in 0..50 {
                    row.int((i * 31 + k * 977) % 100_000);
                }
            }),
            Self::Maps => DataSet::new(&["m"], rows, map),
            Self::Paths => DataSet::new(&["p"], rows, |i, row| path(row, i, version)),
            Self::Temporal => DataSet::new(&["day", "at", "local", "moment", "span"], rows, |i, row| {
                temporal(row, i, version);
            }),
            Self::Strings => DataSet::new(&["text"], rows, |i, row| {
                row.string(&format!("{i:08}").repeat(TEXT_SIZE / 8));
            }),
            Self::Bytes => DataSet::new(&["bytes"], rows, |i, row| {
                row.bytes(&i.to_be_bytes().repeat(ARRAY_SIZE / 8));
            }),
        }
    }
}

/// All that can be asked for, made when it first is.
pub(crate) struct Library {
    /// No result has more rows than this.
    most: i64,
    made: RefCell<HashMap<(Query, bool), Rc<DataSet>>>,
}

impl Library {
    pub(crate) fn new() -> Self {
        Self::of_at_most(i64::MAX)
    }

    pub(crate) fn of_at_most(most: i64) -> Self {
        Self { most, made: RefCell::default() }
    }

    /// The result that a query's text names, and how many rows of it: `SCAN 10` is ten of the scan's, and what goes beyond
    /// its end begins it again.
    pub(crate) fn find(&self, text: &str, version: Version) -> Option<(Rc<DataSet>, usize)> {
        if let Some(rows) = text.strip_prefix("SCAN ").and_then(|rows| rows.parse().ok()) {
            return Some((self.set(Query::Scan, version), rows));
        }
        let set = self.set(Query::of(text)?, version);
        let rows = set.rows();
        Some((set, rows))
    }

    fn set(&self, query: Query, version: Version) -> Rc<DataSet> {
        let make = || Rc::new(query.make(query.rows().min(self.most), version));
        self.made.borrow_mut().entry((query, version.has_element_ids())).or_insert_with(make).clone()
    }
}

fn person(row: &mut Writer<'_>, i: i64, version: Version) {
    let city = CITIES.iter().cycle().nth(usize::try_from(i % 8).unwrap_or_default());
    entity(row, NODE, i + 1000, version, |row| {
        row.list(1);
        row.string("Person");
        row.map(5);
        row.entry("name", &format!("Person {i:06}"));
        row.string("age");
        row.int(i % 90);
        row.string("score");
        row.float(i as f64 / 7.0);
        row.string("active");
        row.boolean(i % 3 == 0);
        row.entry("city", city.unwrap_or(&""));
    });
}

/// A node, or a relationship without its ends: its id, what it is called and its properties, and its element id where there are such.
fn entity(
    row: &mut Writer<'_>,
    signature: u8,
    id: i64,
    version: Version,
    rest: impl FnOnce(&mut Writer<'_>),
) {
    row.structure(if version.has_element_ids() { 4 } else { 3 }, signature);
    row.int(id);
    rest(row);
    if version.has_element_ids() {
        let kind = if signature == NODE { 4 } else { 5 };
        row.string(&format!("{kind}:7e0a1c5c-2f0c-4a8e-9f0d-3b1f6f3c8a11:{id}"));
    }
}

/// Maps in maps, of four keys, four, and two.
fn map(i: i64, row: &mut Writer<'_>) {
    row.map(4);
    row.string("id");
    row.int(i);
    row.entry("name", &format!("Person {i:06}"));
    row.string("address");
    row.map(4);
    row.entry("street", &format!("{} Long Street", i % 300));
    row.entry("city", "Warszawa");
    row.string("zip");
    row.int(10_000 + i % 5_000);
    row.string("at");
    row.map(2);
    row.string("x");
    row.float(i as f64 * 0.01);
    row.string("y");
    row.float(i as f64 * 0.02);
    row.string("account");
    row.map(2);
    row.string("active");
    row.boolean(i % 3 == 0);
    row.string("visits");
    row.int(i % 1_000);
}

/// Three nodes, joined by two relationships.
fn path(row: &mut Writer<'_>, i: i64, version: Version) {
    row.structure(3, PATH);
    row.list(3);
    for k in 0..3 {
        entity(row, NODE, i + k, version, |row| {
            row.list(1);
            row.string("Place");
            row.map(1);
            row.entry("name", &format!("Place {:06}", i + k));
        });
    }
    row.list(2);
    for k in 0..2 {
        entity(row, UNBOUND_RELATIONSHIP, i + k, version, |row| {
            row.string("ROAD");
            row.map(1);
            row.string("length");
            row.int(i % 500 + k);
        });
    }
    row.list(4);
    for index in [1, 1, 2, 2] {
        row.int(index);
    }
}

/// A date, a time of day, a date and time without a zone and with one, and a duration.
fn temporal(row: &mut Writer<'_>, i: i64, version: Version) {
    const OFFSET: i64 = 3_600;
    let (second, nanosecond) = (1_700_000_000 + i * 61, i % 1_000_000);
    row.structure(1, b'D');
    row.int(second / 86_400);
    row.structure(2, b'T');
    row.int(second % 86_400 * 1_000_000_000 + nanosecond);
    row.int(OFFSET);
    row.structure(2, b'd');
    row.int(second);
    row.int(nanosecond);
    // Counted in the zone's own time before Bolt 5.
    let (signature, counted) =
        if version.has_element_ids() { (b'I', second) } else { (b'F', second + OFFSET) };
    row.structure(3, signature);
    row.int(counted);
    row.int(nanosecond);
    row.int(OFFSET);
    row.structure(4, b'E');
    row.int(i % 12);
    row.int(i % 31);
    row.int(i % 86_400);
    row.int(nanosecond);
}

/// The answer to a query that is not in the library: one row that says what its parameters were, namely the length of the
/// list `$rows` (0 without one), the sum of all numbers and the bytes of all strings.
pub(crate) fn receipt(rows: usize, tally: &Tally) -> DataSet {
    DataSet::new(&["rows", "total", "text"], 1, |_, row| {
        row.int(i64::try_from(rows).unwrap_or(i64::MAX));
        row.float(tally.numbers);
        row.int(tally.text);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{framing::Deframer, packstream::Reader};

    #[test]
    fn records_are_cut_where_they_end() {
        let set = DataSet::new(&["n"], 3, |i, row| row.int(i));
        assert_eq!(set.rows(), 3);
        assert_eq!(set.records(1, 2), [0, 4, 0xB1, RECORD, 0x91, 1, 0, 0]);
        assert_eq!(set.records(0, 3).len(), 24);
        assert_eq!(set.records(3, 3), []);
    }

    #[test]
    fn every_result_is_made_of_whole_records() {
        let (library, versions) = (Library::of_at_most(2), [Version(4, 4), Version(5, 8)]);
        for query in ["SCAN", "NODES", "LISTS", "MAPS", "PATHS", "TEMPORAL", "STRINGS", "BYTES"] {
            for version in versions {
                let found = library.find(query, version);
                let records = found.as_ref().map(|(set, rows)| set.records(0, *rows)).unwrap_or_default();
                let (mut bytes, mut deframer, mut whole) = (records, Deframer::default(), 0);
                while let Ok(Some(record)) = deframer.next(&mut bytes) {
                    let mut reader = Reader(record);
                    assert!(reader.tally(&mut Tally::default()).is_ok() && reader.0.is_empty(), "{query}");
                    whole += 1;
                }
                assert_eq!((whole, bytes.len()), (2, 0), "{query}");
            }
        }
    }
}
