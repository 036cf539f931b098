//! FAILURE: what went wrong, under the same names whatever the version.

use crate::packstream::{decode_with, text, DecodeError, Dialect, Item, Limits, Reader, Value};

/// What the entries of a diagnostic record are where the server leaves them out (Bolt documentation, FAILURE).
const DEFAULT_RECORD: [(&str, &str); 3] =
    [("OPERATION", ""), ("OPERATION_CODE", "0"), ("CURRENT_SCHEMA", "/")];

/// Causes of causes that are kept; servers send a handful.
const MAX_CAUSES: usize = 32;
/// Bytes of a diagnostic record, which takes some forty times as much as a value, and how deep it may nest. A larger
/// one is left out.
const MAX_RECORD: usize = 64 << 10;
const MAX_RECORD_DEPTH: usize = 64;

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerFailure {
    /// Its code, such as `Neo.ClientError.Statement.SyntaxError`. Empty in a `cause`.
    pub code: String,
    /// Its text.
    pub message: String,
    /// Its GQLSTATUS (Bolt 5.7).
    pub gql_status: Option<String>,
    /// The standard description of that status (Bolt 5.7).
    pub description: Option<String>,
    /// What more there is to know, a map (Bolt 5.7), with the defaults that the protocol names.
    pub diagnostic_record: Option<Value>,
    /// What it came of (Bolt 5.7).
    pub cause: Option<Box<ServerFailure>>,
}

impl ServerFailure {
    /// Reads the map of a FAILURE, which was checked. What is missing or of another type is left empty: an error is an
    /// error, and its text is better than a complaint about its form.
    pub(crate) fn parse(map: &[u8], dialect: &Dialect, gql: bool) -> Result<Self, DecodeError> {
        let mut failure = Self::read(map, dialect, gql, MAX_CAUSES)?;
        failure.code = match failure.code.as_str() {
            "" => "Neo.DatabaseError.General.UnknownError".to_owned(),
            // Servers before 5.0 call these transient, though a retry cannot help: the user asked for them.
            "Neo.TransientError.Transaction.Terminated" => {
                "Neo.ClientError.Transaction.Terminated".to_owned()
            }
            "Neo.TransientError.Transaction.LockClientStopped" => {
                "Neo.ClientError.Transaction.LockClientStopped".to_owned()
            }
            _ => failure.code,
        };
        Ok(failure)
    }

    fn read(map: &[u8], dialect: &Dialect, gql: bool, causes: usize) -> Result<Self, DecodeError> {
        let mut failure = Self::default();
        if gql {
            failure.diagnostic_record = Some(with_defaults(Vec::new()));
        }
        let mut reader = Reader::new(map);
        for _ in 0..reader.map()? {
            let key = reader.string()?;
            let start = reader.position();
            reader.skip()?;
            let value = map.get(start..reader.position()).unwrap_or_default();
            match (key, Reader::new(value).item()?) {
                ("code", Item::String(code)) if !gql => failure.code = owned(code)?,
                ("neo4j_code", Item::String(code)) if gql => failure.code = owned(code)?,
                ("message", Item::String(message)) => failure.message = owned(message)?,
                ("gql_status", Item::String(status)) if gql => failure.gql_status = Some(owned(status)?),
                ("description", Item::String(text)) if gql => failure.description = Some(owned(text)?),
                ("diagnostic_record", Item::Map(_)) if gql && value.len() <= MAX_RECORD => {
                    let limits = Limits { depth: MAX_RECORD_DEPTH, ..Limits::default() };
                    if let Ok(Value::Map(record)) = decode_with(value, dialect, &limits) {
                        failure.diagnostic_record = Some(with_defaults(record));
                    }
                }
                ("diagnostic_record", Item::Null) if gql => failure.diagnostic_record = None,
                ("cause", Item::Map(_)) if gql && causes > 0 => {
                    failure.cause = Some(Box::new(Self::read(value, dialect, gql, causes - 1)?));
                }
                _ => {}
            }
        }
        Ok(failure)
    }
}

fn owned(string: &[u8]) -> Result<String, DecodeError> {
    text(string).map(str::to_owned)
}

fn with_defaults(mut record: Vec<(String, Value)>) -> Value {
    for (key, value) in DEFAULT_RECORD {
        if !record.iter().any(|(name, _)| name == key) {
            record.push((key.to_owned(), Value::from(value)));
        }
    }
    Value::Map(record)
}
