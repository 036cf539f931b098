//! What a version's PackStream knows.

use crate::Version;

/// The PackStream of one connection: its version, and whether date-times are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The version agreed on.
    pub version: Version,
    /// Date-times are UTC seconds (Bolt 5.0+, and 4.3/4.4 with the `utc` patch).
    pub utc: bool,
    pub(crate) temporal: bool,
    pub(crate) element_ids: bool,
    pub(crate) vectors: bool,
    pub(crate) uuids: bool,
}

impl Dialect {
    /// The dialect of a version; `utc` says whether the `utc` patch was agreed on (Bolt 5.0+ needs no patch).
    pub fn new(version: Version, utc: bool) -> Self {
        let features = version.features();
        Self {
            version,
            utc: features.utc || (features.utc_patch && utc),
            temporal: features.temporal,
            element_ids: features.element_ids,
            vectors: features.vectors,
            uuids: features.uuids,
        }
    }
}
