//! Values as JSON. `null`, booleans, strings, lists and maps are themselves; the rest is `{"$": type, "value": ...}`:
//!
//! | type | value | more |
//! |---|---|---|
//! | `int` | text, such as `"-5"` | |
//! | `float` | its 16 hexadecimal digits as IEEE 754 has it | |
//! | `bytes` | list of numbers | |
//! | `date`, `localTime`, `localDateTime` | ISO 8601, always with nine digits of a second | |
//! | `time`, `dateTime` | the same, as the clock on the wall shows | `offset` in seconds |
//! | `zoned` | the same | `zone` |
//! | `duration` | `[months, days, seconds, nanoseconds]`; `neo4rs` gives out the last two alone | |
//! | `point` | `[srid, x, y]`, or with `z`: `int` and `float`s as above | |
//! | `node`, `relationship`, `unbound`, `path` | an object; never read from JSON | |

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use neo4rs::{
    BoltDuration, BoltFloat, BoltInteger, BoltList, BoltMap, BoltNode, BoltPoint2D, BoltPoint3D, BoltString,
    BoltType, BoltUnboundedRelation, Row,
};
use serde::de::IgnoredAny;
use serde_json::{json, Map, Value};

const DATE: &str = "%Y-%m-%d";
const TIME: &str = "%H:%M:%S%.9f";
const DATE_TIME: &str = "%Y-%m-%dT%H:%M:%S%.9f";

/// JSON that stands for no value, or a value that JSON has no form for here.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot convert {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

fn unreadable(what: impl fmt::Debug) -> Unreadable {
    Unreadable(format!("{what:?}"))
}

/// A parameter.
pub(crate) fn from_json(json: Value) -> Result<BoltType, Unreadable> {
    Ok(match json {
        Value::Null => BoltType::from(None::<String>),
        Value::Bool(value) => value.into(),
        Value::String(value) => value.into(),
        Value::Number(value) => return Err(unreadable(value)),
        Value::Array(values) => {
            let values = values.into_iter().map(from_json).collect::<Result<Vec<_>, _>>()?;
            BoltType::List(BoltList::from(values))
        }
        Value::Object(fields) => match fields.get("$").and_then(Value::as_str) {
            Some(kind) => special(kind, &fields).ok_or_else(|| unreadable(&fields))?,
            None => {
                let mut map = BoltMap::default();
                for (key, value) in fields {
                    map.put(BoltString::from(key), from_json(value)?);
                }
                BoltType::Map(map)
            }
        },
    })
}

fn special(kind: &str, fields: &Map<String, Value>) -> Option<BoltType> {
    let value = fields.get("value")?;
    let text = value.as_str();
    let offset = || FixedOffset::east_opt(i32::try_from(fields.get("offset")?.as_i64()?).ok()?);
    let date_time = || NaiveDateTime::parse_from_str(text?, DATE_TIME).ok();
    Some(match kind {
        "int" => text?.parse::<i64>().ok()?.into(),
        "float" => float_of(text?)?.into(),
        "bytes" => {
            let numbers = value.as_array()?.iter().map(|n| u8::try_from(n.as_u64()?).ok());
            numbers.collect::<Option<Vec<u8>>>()?.into()
        }
        "date" => NaiveDate::parse_from_str(text?, DATE).ok()?.into(),
        "localTime" => NaiveTime::parse_from_str(text?, TIME).ok()?.into(),
        "time" => (NaiveTime::parse_from_str(text?, TIME).ok()?, offset()?).into(),
        "localDateTime" => date_time()?.into(),
        "dateTime" => offset()?.from_local_datetime(&date_time()?).single()?.into(),
        "zoned" => (date_time()?, fields.get("zone")?.as_str()?).into(),
        "duration" => {
            let [months, days, seconds, nanoseconds] = value.as_array()?.as_slice() else { return None };
            let part = |n: &Value| n.as_i64().map(BoltInteger::from);
            BoltType::Duration(BoltDuration::new(
                part(months)?,
                part(days)?,
                part(seconds)?,
                part(nanoseconds)?,
            ))
        }
        "point" => point(value.as_array()?)?,
        _ => return None,
    })
}

fn point(parts: &[Value]) -> Option<BoltType> {
    let srid = |part: &Value| Some(BoltInteger::new(part.as_str()?.parse().ok()?));
    let float = |part: &Value| Some(BoltFloat::new(float_of(part.as_str()?)?));
    match parts {
        [id, x, y] => Some(BoltType::Point2D(BoltPoint2D { sr_id: srid(id)?, x: float(x)?, y: float(y)? })),
        [id, x, y, z] => Some(BoltType::Point3D(BoltPoint3D {
            sr_id: srid(id)?,
            x: float(x)?,
            y: float(y)?,
            z: float(z)?,
        })),
        _ => None,
    }
}

/// All columns of a row, by name.
pub(crate) fn of_row(row: &Row) -> Result<Value, Unreadable> {
    let names: HashMap<String, IgnoredAny> = row.to_strict().map_err(unreadable)?;
    let columns = names.into_keys().map(|name| {
        let value = column(row, &name)?;
        Ok((name, value))
    });
    columns.collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

/// `neo4rs` 0.8 gives no `BoltType` of a point, and of a duration it makes a list: they are asked for by their own types.
fn column(row: &Row, name: &str) -> Result<Value, Unreadable> {
    if let Ok(length) = row.get::<Duration>(name) {
        return Ok(tagged("duration", json!([0, 0, length.as_secs(), length.subsec_nanos()])));
    }
    if let Ok(point) = row.get::<BoltPoint3D>(name) {
        return to_json(BoltType::Point3D(point));
    }
    if let Ok(point) = row.get::<BoltPoint2D>(name) {
        return to_json(BoltType::Point2D(point));
    }
    to_json(row.get(name).map_err(unreadable)?)
}

fn to_json(value: BoltType) -> Result<Value, Unreadable> {
    Ok(match value {
        BoltType::Null(_) => Value::Null,
        BoltType::Boolean(v) => v.value.into(),
        BoltType::String(v) => v.value.into(),
        BoltType::Integer(v) => tagged("int", v.value.to_string()),
        BoltType::Float(v) => tagged("float", float(v.value)),
        BoltType::Bytes(v) => tagged("bytes", v.value.to_vec()),
        BoltType::List(v) => list(v)?,
        BoltType::Map(v) => map(v)?,
        BoltType::Date(v) => {
            let date: NaiveDate = v.try_into().map_err(unreadable)?;
            tagged("date", date.format(DATE).to_string())
        }
        BoltType::LocalTime(v) => tagged("localTime", NaiveTime::from(v).format(TIME).to_string()),
        BoltType::Time(v) => {
            let (time, offset): (NaiveTime, FixedOffset) = v.into();
            json!({ "$": "time", "value": time.format(TIME).to_string(), "offset": offset.local_minus_utc() })
        }
        BoltType::LocalDateTime(v) => {
            let local: NaiveDateTime = v.try_into().map_err(unreadable)?;
            tagged("localDateTime", local.format(DATE_TIME).to_string())
        }
        BoltType::DateTime(v) => {
            let time: DateTime<FixedOffset> = v.try_into().map_err(unreadable)?;
            let offset = time.offset().local_minus_utc();
            json!({ "$": "dateTime", "value": time.format(DATE_TIME).to_string(), "offset": offset })
        }
        BoltType::DateTimeZoneId(v) => {
            let (local, zone): (NaiveDateTime, String) = v.try_into().map_err(unreadable)?;
            json!({ "$": "zoned", "value": local.format(DATE_TIME).to_string(), "zone": zone })
        }
        BoltType::Duration(v) => return Err(unreadable(v)),
        BoltType::Point2D(p) => {
            tagged("point", json!([p.sr_id.value.to_string(), float(p.x.value), float(p.y.value)]))
        }
        BoltType::Point3D(p) => {
            let [x, y, z] = [p.x, p.y, p.z].map(|part| float(part.value));
            tagged("point", json!([p.sr_id.value.to_string(), x, y, z]))
        }
        BoltType::Node(v) => node(v)?,
        BoltType::Relation(v) => json!({
            "$": "relationship",
            "id": v.id.value.to_string(),
            "start": v.start_node_id.value.to_string(),
            "end": v.end_node_id.value.to_string(),
            "type": v.typ.value,
            "properties": map(v.properties)?,
        }),
        BoltType::UnboundedRelation(v) => unbound(v)?,
        BoltType::Path(v) => {
            let indices: Vec<i64> = v.indices().iter().map(|index| index.value).collect();
            let nodes = v.nodes().into_iter().map(node).collect::<Result<Vec<_>, _>>()?;
            let relationships = v.rels().into_iter().map(unbound).collect::<Result<Vec<_>, _>>()?;
            json!({ "$": "path", "nodes": nodes, "relationships": relationships, "indices": indices })
        }
    })
}

fn tagged(kind: &str, value: impl Into<Value>) -> Value {
    json!({ "$": kind, "value": value.into() })
}

fn float(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

fn float_of(text: &str) -> Option<f64> {
    Some(f64::from_bits(u64::from_str_radix(text, 16).ok()?))
}

fn list(values: BoltList) -> Result<Value, Unreadable> {
    values.value.into_iter().map(to_json).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn map(values: BoltMap) -> Result<Value, Unreadable> {
    let fields = values.value.into_iter().map(|(key, value)| Ok((key.value, to_json(value)?)));
    fields.collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

fn node(node: BoltNode) -> Result<Value, Unreadable> {
    let BoltNode { id, labels, properties } = node;
    let (labels, properties) = (list(labels)?, map(properties)?);
    Ok(json!({ "$": "node", "id": id.value.to_string(), "labels": labels, "properties": properties }))
}

fn unbound(relationship: BoltUnboundedRelation) -> Result<Value, Unreadable> {
    let BoltUnboundedRelation { id, typ, properties } = relationship;
    let (id, properties) = (id.value.to_string(), map(properties)?);
    Ok(json!({ "$": "unbound", "id": id, "type": typ.value, "properties": properties }))
}
