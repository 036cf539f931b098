//! Values of every type that a dialect has.

use bolt::packstream::{
    marker::vector, Dialect, Node, Path, Point, Relationship, UnboundRelationship, UnsupportedType, Vector,
    Zoned,
};
use bolt::Value;
use proptest::collection::vec;
use proptest::prelude::*;

const MAX_DAYS: i64 = 365_241_780_471;
const MIN_DAYS: i64 = -365_243_219_162;
const MAX_SECONDS: i64 = MAX_DAYS * 86_400 + 86_399;
const MIN_SECONDS: i64 = MIN_DAYS * 86_400;

/// Short keys from a small set, so that dictionaries and shapes have something to find, and strange ones.
pub fn key() -> BoxedStrategy<String> {
    prop_oneof![8 => "[a-e]{1,3}", 1 => "ключ[0-9]", 1 => ".{0,12}", 1 => "[x]{30,40}"].boxed()
}

pub fn text() -> BoxedStrategy<String> {
    prop_oneof![4 => "[a-c]{0,2}", 4 => "[ -~]{0,40}", 2 => "\\PC{0,20}", 1 => "[a-z]{200,300}"].boxed()
}

fn integer() -> BoxedStrategy<i64> {
    prop_oneof![
        any::<i64>(),
        -20i64..140,
        any::<i32>().prop_map(i64::from),
        any::<i16>().prop_map(i64::from),
        Just(i64::MIN),
        Just(i64::MAX),
        Just(-(1 << 27)),
        Just(1 << 27),
    ]
    .boxed()
}

/// No NaN, which equals nothing.
fn float() -> BoxedStrategy<f64> {
    prop_oneof![
        any::<f64>().prop_filter("equals itself", |f| !f.is_nan()),
        Just(0.5),
        Just(f64::INFINITY),
        Just(-0.0)
    ]
    .boxed()
}

fn nanos() -> std::ops::Range<u32> {
    0..1_000_000_000
}

fn offset() -> std::ops::RangeInclusive<i32> {
    -64_800..=64_800
}

fn seconds() -> BoxedStrategy<i64> {
    prop_oneof![4 => -100_000_000_000i64..100_000_000_000, 1 => MIN_SECONDS..=MAX_SECONDS].boxed()
}

pub fn scalar(dialect: Dialect) -> BoxedStrategy<Value> {
    let mut all = vec![
        Just(Value::Null).boxed(),
        any::<bool>().prop_map(Value::Boolean).boxed(),
        integer().prop_map(Value::Integer).boxed(),
        float().prop_map(Value::Float).boxed(),
        text().prop_map(Value::String).boxed(),
        vec(any::<u8>(), 0..300).prop_map(Value::Bytes).boxed(),
    ];
    let utc = dialect.utc;
    if dialect.version.major >= 2 {
        let nanos_of_day = || 0i64..86_400_000_000_000;
        all.extend([
            (MIN_DAYS..=MAX_DAYS).prop_map(Value::Date).boxed(),
            (nanos_of_day(), offset()).prop_map(|(nanos, offset)| Value::Time { nanos, offset }).boxed(),
            nanos_of_day().prop_map(Value::LocalTime).boxed(),
            (seconds(), nanos()).prop_map(|(seconds, nanos)| Value::LocalDateTime { seconds, nanos }).boxed(),
            (seconds(), nanos(), offset())
                .prop_map(|(seconds, nanos, offset)| Value::DateTime { seconds, nanos, offset })
                .boxed(),
            (seconds(), nanos(), "[A-Z][a-z]{2,8}/[A-Z][a-z]{2,8}")
                .prop_map(move |(seconds, nanos, zone)| {
                    Value::Zoned(Box::new(Zoned { utc, seconds, nanos, zone }))
                })
                .boxed(),
            (any::<i64>(), any::<i64>(), any::<i64>(), -999_999_999i64..=999_999_999)
                .prop_map(|(months, days, seconds, nanos)| {
                    Value::Duration(Box::new([months, days, seconds, nanos]))
                })
                .boxed(),
            (0..=i32::MAX, float(), float(), proptest::option::of(float()))
                .prop_map(|(srid, x, y, z)| Value::Point(Box::new(Point { srid, x, y, z })))
                .boxed(),
        ]);
    }
    if dialect.version.major >= 6 {
        let elements = [(vector::INT_8, 1), (vector::INT_16, 2), (vector::INT_32, 4), (vector::INT_64, 8)];
        let elements = [&elements[..], &[(vector::FLOAT_32, 4), (vector::FLOAT_64, 8)]].concat();
        all.push(
            (proptest::sample::select(elements), 0usize..20, any::<u8>())
                .prop_map(|((marker, size), n, byte)| {
                    Value::Vector(Box::new(Vector { marker, bytes: vec![byte; n * size] }))
                })
                .boxed(),
        );
        all.push(
            (text(), any::<(u8, u8)>(), proptest::option::of(text()))
                .prop_map(|(name, minimum, message)| {
                    Value::Unsupported(Box::new(UnsupportedType { name, minimum, message }))
                })
                .boxed(),
        );
    }
    if dialect.version >= bolt::Version::new(6, 1) {
        all.push(any::<[u8; 16]>().prop_map(|bytes| Value::Uuid(Box::new(bytes))).boxed());
    }
    proptest::strategy::Union::new(all).boxed()
}

fn entries(value: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Vec<(String, Value)>> {
    vec((key(), value), 0..most).boxed()
}

fn element_id(dialect: Dialect) -> BoxedStrategy<Option<String>> {
    match dialect.version.major >= 5 {
        true => "4:[0-9a-f]{8}:[0-9]{1,4}".prop_map(Some).boxed(),
        false => Just(None).boxed(),
    }
}

pub fn node(dialect: Dialect, value: BoxedStrategy<Value>) -> BoxedStrategy<Node> {
    let labels = vec(prop_oneof!["[A-C]", "Ä[a-b]"], 0..4);
    (integer(), labels, entries(value, 5), element_id(dialect))
        .prop_map(|(id, labels, properties, element_id)| Node { id, labels, properties, element_id })
        .boxed()
}

fn unbound(dialect: Dialect, value: BoxedStrategy<Value>) -> BoxedStrategy<UnboundRelationship> {
    (integer(), "[A-Z]{1,3}", entries(value, 3), element_id(dialect))
        .prop_map(|(id, kind, properties, element_id)| UnboundRelationship {
            id,
            kind,
            properties,
            element_id,
        })
        .boxed()
}

fn relationship(dialect: Dialect, value: BoxedStrategy<Value>) -> BoxedStrategy<Relationship> {
    let ids = || element_id(dialect);
    ((integer(), integer(), integer()), "[A-Z]{1,3}", entries(value, 3), (ids(), ids(), ids()))
        .prop_map(|((id, start, end), kind, properties, ids)| Relationship {
            id,
            start,
            end,
            kind,
            properties,
            element_ids: match ids {
                (Some(own), Some(start), Some(end)) => Some([own, start, end]),
                _ => None,
            },
        })
        .boxed()
}

fn path(dialect: Dialect, value: BoxedStrategy<Value>) -> BoxedStrategy<Path> {
    let nodes = vec(node(dialect, value.clone()), 1..4);
    let relationships = vec(unbound(dialect, value), 0..4);
    let steps = vec(any::<(prop::sample::Index, bool, prop::sample::Index)>(), 0..6);
    (nodes, relationships, steps)
        .prop_map(|(nodes, relationships, steps)| {
            let mut indices = Vec::new();
            for (relationship, forward, node) in steps {
                if !relationships.is_empty() {
                    let number = relationship.index(relationships.len()) as i64 + 1;
                    indices.push(if forward { number } else { -number });
                    indices.push(node.index(nodes.len()) as i64);
                }
            }
            Path { nodes, relationships, indices }
        })
        .boxed()
}

/// A value of any type, some levels deep.
pub fn value(dialect: Dialect) -> BoxedStrategy<Value> {
    scalar(dialect)
        .prop_recursive(3, 24, 6, move |inner| {
            let inner = inner.boxed();
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::List),
                vec(any::<i32>(), 0..20).prop_map(|all| Value::List(
                    all.into_iter().map(|i| Value::Integer(i64::from(i))).collect()
                )),
                vec(float(), 1..20).prop_map(|all| Value::List(all.into_iter().map(Value::Float).collect())),
                entries(inner.clone(), 5).prop_map(Value::Map),
                node(dialect, inner.clone()).prop_map(|node| Value::Node(Box::new(node))),
                relationship(dialect, inner.clone()).prop_map(|it| Value::Relationship(Box::new(it))),
                unbound(dialect, inner.clone()).prop_map(|it| Value::UnboundRelationship(Box::new(it))),
                path(dialect, inner).prop_map(|path| Value::Path(Box::new(path))),
            ]
        })
        .boxed()
}

pub fn dialect() -> BoxedStrategy<Dialect> {
    proptest::sample::select(super::dialects()).boxed()
}

/// A column's values: of one kind, of one kind with nulls, or of any.
fn column(dialect: Dialect, rows: usize) -> BoxedStrategy<Vec<Value>> {
    let kinds = [
        integer().prop_map(Value::Integer).boxed(),
        any::<i32>().prop_map(|i| Value::Integer(i64::from(i))).boxed(),
        float().prop_map(Value::Float).boxed(),
        text().prop_map(Value::String).boxed(),
        any::<bool>().prop_map(Value::Boolean).boxed(),
        Just(Value::Null).boxed(),
        node(dialect, scalar(dialect)).prop_map(|node| Value::Node(Box::new(node))).boxed(),
        value(dialect),
    ];
    (proptest::sample::select(kinds.to_vec()), any::<bool>())
        .prop_flat_map(move |(kind, nulls)| {
            let kind = match nulls {
                true => prop_oneof![3 => kind, 1 => Just(Value::Null)].boxed(),
                false => kind,
            };
            vec(kind, rows)
        })
        .boxed()
}

/// The rows of one batch with so many columns.
pub fn rows(dialect: Dialect, columns: usize) -> BoxedStrategy<Vec<Vec<Value>>> {
    prop_oneof![3 => 0usize..8, 1 => 30usize..70]
        .prop_flat_map(move |rows| {
            vec(column(dialect, rows), columns).prop_map(move |columns| {
                (0..rows).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect()
            })
        })
        .boxed()
}
