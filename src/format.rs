//! What crosses, as far as both sides must know it by number. `lib/format.ts` is made from this file, and from others
//! that `tools/format.mjs` names.

use napi_derive::napi;

/// Of all that crosses: messages, columns, parameters, calls. Whoever changes any of them raises it. At load, each side makes
/// sure that the other has the same.
#[napi]
#[allow(unreachable_pub, dead_code)] // but from JavaScript
pub const FORMAT: u32 = 2;

/// Of this native module, for the message about one that does not fit.
#[napi]
#[allow(unreachable_pub, dead_code)] // but from JavaScript
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Words of messages.
pub(crate) mod words {
    /// Before the payload: length of the whole in bytes, kind, operation, argument.
    pub(crate) const HEADER: usize = 4;
    /// At the beginning of the payload of KEYS and SUMMARY.
    pub(crate) const PREFIX: usize = 4;
}

/// Bits of the facts about a result in its SUMMARY, above the 16 bits of the version.
pub(crate) mod facts {
    /// The server sent records, whether or not they were handed over.
    pub(crate) const HAS_RECORDS: i32 = 65536;
    /// The result was cancelled, and records of it discarded.
    pub(crate) const IS_PARTIAL: i32 = 131072;
    /// It has columns.
    pub(crate) const HAS_KEYS: i32 = 262144;
}
