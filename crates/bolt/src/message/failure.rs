//! FAILURE: what went wrong, under the same names whatever the version.

use crate::packstream::Value;

/// What the entries of a diagnostic record are where the server leaves them out (Bolt documentation, FAILURE).
const DEFAULT_RECORD: [(&str, &str); 3] =
    [("OPERATION", ""), ("OPERATION_CODE", "0"), ("CURRENT_SCHEMA", "/")];

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
    /// Reads the map of a FAILURE. What is missing or of another type is left empty: an error is an error, and its
    /// text is better than a complaint about its form.
    pub(crate) fn from_map(entries: Vec<(String, Value)>, gql: bool) -> Self {
        let mut failure = Self::read(entries, gql);
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
        failure
    }

    fn read(entries: Vec<(String, Value)>, gql: bool) -> Self {
        let mut failure = Self::default();
        if gql {
            failure.diagnostic_record = Some(with_defaults(Vec::new()));
        }
        for (key, value) in entries {
            match (key.as_str(), value) {
                ("code", Value::String(code)) if !gql => failure.code = code,
                ("neo4j_code", Value::String(code)) if gql => failure.code = code,
                ("message", Value::String(message)) => failure.message = message,
                ("gql_status", Value::String(status)) if gql => failure.gql_status = Some(status),
                ("description", Value::String(text)) if gql => failure.description = Some(text),
                ("diagnostic_record", Value::Map(record)) if gql => {
                    failure.diagnostic_record = Some(with_defaults(record));
                }
                ("diagnostic_record", Value::Null) if gql => failure.diagnostic_record = None,
                ("cause", Value::Map(cause)) if gql => failure.cause = Some(Box::new(Self::read(cause, gql))),
                _ => {}
            }
        }
        failure
    }
}

fn with_defaults(mut record: Vec<(String, Value)>) -> Value {
    for (key, value) in DEFAULT_RECORD {
        if !record.iter().any(|(name, _)| name == key) {
            record.push((key.to_owned(), Value::from(value)));
        }
    }
    Value::Map(record)
}
