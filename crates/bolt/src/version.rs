//! The one table of Bolt versions: which form of each message a version uses, and what it can carry.
//!
//! Source: the Bolt protocol documentation, and the message forms that the official drivers send to each version.

use std::fmt;

/// A version of the Bolt protocol, `5.8` being major 5, minor 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The part before the point.
    pub major: u8,
    /// The part after the point.
    pub minor: u8,
}

impl Version {
    /// `Version::new(5, 8)` is Bolt 5.8.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Every version that this crate speaks, the best first. (5.5 was never released in a server.)
    pub const SUPPORTED: &'static [Version] = &SUPPORTED;

    /// Whether this crate speaks the version.
    pub fn is_supported(self) -> bool {
        SUPPORTED.contains(&self)
    }

    /// What the version can do: its row of the table. A version that is not in [`Version::SUPPORTED`] is
    /// treated as the nearest older one.
    pub fn features(self) -> &'static Features {
        TABLE.iter().find(|row| row.version <= self).unwrap_or(&V1_0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// How a connection introduces itself and its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelloForm {
    /// `INIT user_agent auth`
    Init,
    /// `HELLO {user_agent, .., and the entries of auth}`
    HelloWithAuth,
    /// `HELLO {user_agent, ..}` and `LOGON auth`
    HelloThenLogon,
}

/// How a transaction is opened and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionForm {
    /// `RUN "BEGIN" {}` and `PULL_ALL`
    Statements,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`
    Messages,
}

/// How records are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullForm {
    /// `PULL_ALL`, `DISCARD_ALL`: one result at a time, whole
    All,
    /// `PULL {n, qid}`, `DISCARD {n, qid}`
    Some,
}

/// How a routing table is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteForm {
    /// There is no such message: a procedure has to be called.
    None,
    /// `ROUTE context bookmarks database`
    Database,
    /// `ROUTE context bookmarks {db, imp_user}`
    Extra,
}

/// How notifications are filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationForm {
    /// Not at all.
    None,
    /// `notifications_minimum_severity`, `notifications_disabled_categories`
    Categories,
    /// `notifications_minimum_severity`, `notifications_disabled_classifications`
    Classifications,
}

/// One row of the table: what a version of Bolt can do and which form of each message it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The version that the row describes.
    pub version: Version,
    /// How a connection introduces itself.
    pub hello: HelloForm,
    /// HELLO says `bolt_agent`.
    pub bolt_agent: bool,
    /// HELLO may carry `routing`.
    pub routing_context: bool,
    /// HELLO offers `patch_bolt: ["utc"]`, and the server may agree to UTC date-times.
    pub utc_patch: bool,
    /// How transactions are opened and closed.
    pub transactions: TransactionForm,
    /// RUN and BEGIN carry a map of transaction settings (bookmarks, timeout, metadata, mode).
    pub transaction_settings: bool,
    /// How records are asked for.
    pub pull: PullForm,
    /// A database may be named.
    pub databases: bool,
    /// Another user may be impersonated.
    pub impersonation: bool,
    /// How a routing table is asked for.
    pub route: RouteForm,
    /// How notifications are filtered.
    pub notifications: NotificationForm,
    /// There is TELEMETRY (where the server's hint enables it).
    pub telemetry: bool,
    /// There is GOODBYE.
    pub goodbye: bool,
    /// There is ACK_FAILURE.
    pub ack_failure: bool,
    /// FAILURE carries `neo4j_code`, `gql_status`, `description`, `diagnostic_record` and `cause`.
    pub gql_errors: bool,
    /// Temporal and spatial structures exist.
    pub temporal: bool,
    /// Date-times are UTC seconds (structures 0x49, 0x69), not local seconds (0x46, 0x66).
    pub utc: bool,
    /// Nodes and relationships have element ids.
    pub element_ids: bool,
    /// Vector and unsupported-type structures exist.
    pub vectors: bool,
    /// The UUID marker exists.
    pub uuids: bool,
}

const V1_0: Features = Features {
    version: Version::new(1, 0),
    hello: HelloForm::Init,
    bolt_agent: false,
    routing_context: false,
    utc_patch: false,
    transactions: TransactionForm::Statements,
    transaction_settings: false,
    pull: PullForm::All,
    databases: false,
    impersonation: false,
    route: RouteForm::None,
    notifications: NotificationForm::None,
    telemetry: false,
    goodbye: false,
    ack_failure: true,
    gql_errors: false,
    temporal: false,
    utc: false,
    element_ids: false,
    vectors: false,
    uuids: false,
};
const V2_0: Features = Features { version: Version::new(2, 0), temporal: true, ..V1_0 };
const V3_0: Features = Features {
    version: Version::new(3, 0),
    hello: HelloForm::HelloWithAuth,
    transactions: TransactionForm::Messages,
    transaction_settings: true,
    goodbye: true,
    ack_failure: false,
    ..V2_0
};
const V4_0: Features =
    Features { version: Version::new(4, 0), pull: PullForm::Some, databases: true, ..V3_0 };
const V4_1: Features = Features { version: Version::new(4, 1), routing_context: true, ..V4_0 };
const V4_2: Features = Features { version: Version::new(4, 2), ..V4_1 };
const V4_3: Features =
    Features { version: Version::new(4, 3), route: RouteForm::Database, utc_patch: true, ..V4_2 };
const V4_4: Features =
    Features { version: Version::new(4, 4), route: RouteForm::Extra, impersonation: true, ..V4_3 };
const V5_0: Features =
    Features { version: Version::new(5, 0), utc_patch: false, utc: true, element_ids: true, ..V4_4 };
const V5_1: Features = Features { version: Version::new(5, 1), hello: HelloForm::HelloThenLogon, ..V5_0 };
const V5_2: Features =
    Features { version: Version::new(5, 2), notifications: NotificationForm::Categories, ..V5_1 };
const V5_3: Features = Features { version: Version::new(5, 3), bolt_agent: true, ..V5_2 };
const V5_4: Features = Features { version: Version::new(5, 4), telemetry: true, ..V5_3 };
const V5_6: Features =
    Features { version: Version::new(5, 6), notifications: NotificationForm::Classifications, ..V5_4 };
const V5_7: Features = Features { version: Version::new(5, 7), gql_errors: true, ..V5_6 };
const V5_8: Features = Features { version: Version::new(5, 8), ..V5_7 };
const V6_0: Features = Features { version: Version::new(6, 0), vectors: true, ..V5_8 };
const V6_1: Features = Features { version: Version::new(6, 1), uuids: true, ..V6_0 };

static TABLE: [Features; 18] = [
    V6_1, V6_0, V5_8, V5_7, V5_6, V5_4, V5_3, V5_2, V5_1, V5_0, V4_4, V4_3, V4_2, V4_1, V4_0, V3_0, V2_0,
    V1_0,
];

const SUPPORTED: [Version; TABLE_LEN] = [
    V6_1.version,
    V6_0.version,
    V5_8.version,
    V5_7.version,
    V5_6.version,
    V5_4.version,
    V5_3.version,
    V5_2.version,
    V5_1.version,
    V5_0.version,
    V4_4.version,
    V4_3.version,
    V4_2.version,
    V4_1.version,
    V4_0.version,
    V3_0.version,
    V2_0.version,
    V1_0.version,
];
const TABLE_LEN: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_versions_is_the_table_best_first() {
        assert_eq!(TABLE.map(|row| row.version), SUPPORTED);
        assert!(SUPPORTED.is_sorted_by(|a, b| a > b));
        assert!(!Version::new(5, 5).is_supported());
    }

    #[test]
    fn a_version_finds_its_row_and_an_unknown_one_the_nearest_older() {
        for version in SUPPORTED {
            assert_eq!(version.features().version, version);
        }
        assert_eq!(Version::new(5, 5).features().version, Version::new(5, 4));
        assert_eq!(Version::new(9, 0).features().version, Version::new(6, 1));
        assert_eq!(Version::new(0, 0).features().version, Version::new(1, 0));
        assert_eq!(Version::new(4, 4).to_string(), "4.4");
    }
}
