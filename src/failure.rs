//! An error of the engine as JSON, for `lib/errors.ts`.

use bolt::packstream::Value;
use bolt::ServerFailure;
use driver::{Error, Kind};
use serde_json::{json, Map, Value as Json};

/// The message of a FAILURE: code, texts, and what the application may do.
pub(crate) fn to_json(error: &Error) -> String {
    let mut out = error.failure.as_deref().map_or_else(Map::new, server_failure);
    out.insert("code".into(), error.code().into());
    out.insert("message".into(), error.message.clone().into());
    out.insert("retryable".into(), error.retryable().into());
    out.insert("unknownOutcome".into(), error.unknown_outcome.into());
    out.insert("ofServer".into(), error.is_of_server().into());
    out.insert("aborted".into(), (error.kind == Kind::Aborted).into());
    out.insert("earlier".into(), error.earlier.clone().into());
    out.insert("thrown".into(), error.thrown.into());
    if let Some(server) = &error.server {
        out.insert("server".into(), server.address.clone().into());
        out.insert("serverIndex".into(), server.index.into());
        out.insert("token".into(), server.token.into());
    }
    Json::Object(out).to_string()
}

fn server_failure(failure: &ServerFailure) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert("message".into(), failure.message.clone().into());
    out.insert("gqlStatus".into(), failure.gql_status.clone().into());
    out.insert("gqlStatusDescription".into(), failure.description.clone().into());
    if let Some(record) = &failure.diagnostic_record {
        out.insert("diagnosticRecord".into(), value_to_json(record));
    }
    if let Some(cause) = &failure.cause {
        out.insert("cause".into(), Json::Object(server_failure(cause)));
    }
    out
}

/// Diagnostic records hold plain data; what JSON has no form for becomes its name.
fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(b) => (*b).into(),
        Value::Integer(i) => (*i).into(),
        Value::Float(f) => json!(f),
        Value::String(s) => s.clone().into(),
        Value::List(list) => list.iter().map(value_to_json).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), value_to_json(v))).collect()),
        other => format!("{other:?}").into(),
    }
}
