//! The results that are replayed: made once, as the bytes that go over the wire.

use std::rc::Rc;

use crate::{
    framing::frame,
    packstream::{Tally, Writer},
    version::Version,
};

const RECORD: u8 = 0x71;
const NODE: u8 = 0x4E;
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
    fn new(
        fields: &'static [&'static str],
        rows: i64,
        mut row: impl FnMut(i64, &mut Writer<'_>),
    ) -> Rc<Self> {
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
        Rc::new(Self { fields, bytes, ends })
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

/// All that can be asked for.
pub(crate) struct Library {
    scan: Rc<DataSet>,
    nodes: Rc<DataSet>,
    nodes_without_element_ids: Rc<DataSet>,
    lists: Rc<DataSet>,
    one: Rc<DataSet>,
}

impl Library {
    pub(crate) fn new() -> Self {
        Self::of(1_000_000, 200_000, 100_000)
    }

    /// With so many rows in each large result.
    pub(crate) fn of(scan: i64, node_count: i64, lists: i64) -> Self {
        Self {
            scan: DataSet::new(&["id", "name", "score"], scan, |i, row| {
                row.int(i);
                row.string(&format!("name-{i:07}"));
                row.float(i as f64 * 0.37 + 0.01);
            }),
            nodes: nodes(node_count, true),
            nodes_without_element_ids: nodes(node_count, false),
            lists: DataSet::new(&["l"], lists, |i, row| {
                row.list(50);
                for k in 0..50 {
                    row.int((i * 31 + k * 977) % 100_000);
                }
            }),
            one: DataSet::new(&["n"], 1, |_, row| row.int(1)),
        }
    }

    /// The result that a query's text names.
    pub(crate) fn find(&self, query: &str, version: Version) -> Option<&Rc<DataSet>> {
        match query {
            "SCAN" => Some(&self.scan),
            "NODES" if version.has_element_ids() => Some(&self.nodes),
            "NODES" => Some(&self.nodes_without_element_ids),
            "LISTS" => Some(&self.lists),
            "RETURN 1 AS n" => Some(&self.one),
            _ => None,
        }
    }
}

fn nodes(count: i64, element_ids: bool) -> Rc<DataSet> {
    let mut cities = CITIES.iter().cycle();
    DataSet::new(&["n"], count, |i, row| {
        let id = i + 1000;
        row.structure(if element_ids { 4 } else { 3 }, NODE);
        row.int(id);
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
        row.entry("city", cities.next().unwrap_or(&""));
        if element_ids {
            row.string(&format!("4:7e0a1c5c-2f0c-4a8e-9f0d-3b1f6f3c8a11:{id}"));
        }
    })
}

/// The answer to a query that is not in the library: one row that says what its parameters were, namely the length of the
/// list `$rows` (0 without one), the sum of all numbers and the bytes of all strings.
pub(crate) fn receipt(rows: usize, tally: &Tally) -> Rc<DataSet> {
    DataSet::new(&["rows", "total", "text"], 1, |_, row| {
        row.int(i64::try_from(rows).unwrap_or(i64::MAX));
        row.float(tally.numbers);
        row.int(tally.text);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_cut_where_they_end() {
        let set = DataSet::new(&["n"], 3, |i, row| row.int(i));
        assert_eq!(set.rows(), 3);
        assert_eq!(set.records(1, 2), [0, 4, 0xB1, RECORD, 0x91, 1, 0, 0]);
        assert_eq!(set.records(0, 3).len(), 24);
        assert_eq!(set.records(3, 3), []);
    }
}
