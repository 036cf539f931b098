//! The records that are read: the same in each run.

use bolt::packstream::marker::signature;
use bolt::packstream::{encode, Node, Writer, Zoned};
use bolt::{needs, EncodeError, Parameters, RawRecords, Value, Version};

/// The version that all of it is in.
pub(crate) const VERSION: Version = Version::new(5, 8);
/// So many are in one batch.
pub(crate) const ROWS: i64 = 1_000;

const CITIES: [&str; 4] = ["Warszawa", "London", "Malmö", "東京"];

/// Records of one shape.
pub(crate) struct Records {
    pub(crate) columns: usize,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Records {
    fn of(columns: usize, row: impl Fn(i64) -> Vec<Value>) -> Self {
        Self { columns, rows: (0..ROWS).map(row).collect() }
    }

    /// An integer, a string and a float.
    pub(crate) fn scalars() -> Self {
        Self::of(3, |i| vec![i.into(), format!("name-{i:07}").into(), score(i).into()])
    }

    /// A node of five properties.
    pub(crate) fn nodes() -> Self {
        Self::of(1, |i| {
            let properties = vec![
                ("name".into(), format!("Person {i:06}").into()),
                ("age".into(), (i % 90).into()),
                ("score".into(), score(i).into()),
                ("active".into(), (i % 3 == 0).into()),
                ("city".into(), city(i)),
            ];
            vec![Value::Node(Box::new(Node {
                id: i,
                labels: vec!["Person".into()],
                properties,
                element_id: Some(format!("4:7e0a1c5c-2f0c-4a8e-9f0d-3b1f6f3c8a11:{i}")),
            }))]
        })
    }

    /// A list of fifty integers.
    pub(crate) fn lists() -> Self {
        Self::of(1, |i| {
            vec![(0..50).map(|k| Value::from((i * 31 + k * 977) % 100_000)).collect::<Vec<_>>().into()]
        })
    }

    /// A map with a map and a list in it.
    pub(crate) fn maps() -> Self {
        Self::of(1, |i| {
            let place = Value::Map(vec![("city".into(), city(i)), ("distance".into(), score(i).into())]);
            let tags = vec![Value::from("new"), format!("tag-{}", i % 10).into()];
            vec![Value::Map(vec![
                ("id".into(), i.into()),
                ("name".into(), format!("Person {i:06}").into()),
                ("place".into(), place),
                ("tags".into(), tags.into()),
            ])]
        })
    }

    /// A date, a date-time in a zone and a duration.
    pub(crate) fn temporals() -> Self {
        Self::of(3, |i| vec![Value::Date(i), zoned(i), Value::Duration(Box::new([0, i, 0, 0]))])
    }

    /// As they come from a connection.
    pub(crate) fn raw(&self) -> Result<RawRecords, EncodeError> {
        let mut raw = RawRecords::default();
        for row in &self.rows {
            let mut packed = Vec::new();
            encode(&Value::List(row.clone()), VERSION, true, &mut packed)?;
            raw.push(&packed);
        }
        Ok(raw)
    }
}

/// What UNWIND is given, as JavaScript packs it: rows of an integer, a string, a float and, if `dated`, a date-time in a
/// zone, which is written otherwise for the connection.
pub(crate) fn parameters(dated: bool) -> Parameters {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.map(1);
    writer.string("rows");
    writer.list(ROWS as usize);
    for i in 0..ROWS {
        writer.map(if dated { 4 } else { 3 });
        writer.string("id");
        writer.integer(i);
        writer.string_entry("name", &format!("Person {i:06}"));
        writer.string("score");
        writer.float(score(i));
        if dated {
            writer.string("since");
            writer.structure(signature::DATE_TIME_ZONE, 4);
            writer.integer(1_700_003_600 + i);
            writer.integer(0);
            writer.string("Europe/Stockholm");
            writer.integer(3_600);
        }
    }
    let needs = if dated { needs::TEMPORAL_OR_SPATIAL | needs::DATE_TIME_ZONE } else { 0 };
    Parameters { bytes: bytes.into(), needs }
}

fn score(i: i64) -> f64 {
    i as f64 * 0.37 + 0.01
}

fn city(i: i64) -> Value {
    let at = usize::try_from(i).unwrap_or_default() % CITIES.len();
    CITIES.get(at).copied().unwrap_or_default().into()
}

fn zoned(i: i64) -> Value {
    let (seconds, nanos, zone) = (1_700_000_000 + i, 0, "Europe/Stockholm".into());
    Value::Zoned(Box::new(Zoned { seconds, nanos, zone, utc: true }))
}
