//! What JavaScript says as JSON.

use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;

/// Wiped when it is dropped: it may hold secrets.
pub(crate) type Text = Zeroizing<String>;

/// An error says the place and no more.
pub(crate) fn read<T: DeserializeOwned>(json: Text) -> Result<T, String> {
    serde_json::from_str(&json).map_err(|e| format!("at column {}", e.column()))
}

/// Reads an argument of a call: `what` it is.
pub(crate) fn argument<T: DeserializeOwned>(what: &str, json: String) -> napi::Result<T> {
    read(Text::new(json)).map_err(|why| napi::Error::from_reason(format!("{what} is wrong {why}.")))
}
