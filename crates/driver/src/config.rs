//! What a driver and a session are told. Plain data: the binding fills it from JSON, a Rust program by hand.

use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::ExposeSecret;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::address::Address;
use crate::error::{Error, Kind};
use crate::strategy::{Permissions, Strategy};
use crate::topology::routing::read_address;
use crate::topology::Kinds;

/// Everything a [`crate::Driver`] is made from. Times are in milliseconds, as in the public options.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// The servers, in the order the user gave them. At least one.
    pub servers: Vec<ServerConfig>,
    /// How roles are found.
    pub mode: Mode,
    /// For [`Mode::Ha`]: which kinds of clusters the servers may be members of.
    pub topology: Kinds,
    /// For [`Mode::Routing`]: what the cluster is told of its client, from the query string of the URI.
    pub routing_context: Option<RoutingContext>,
    /// For [`Mode::Routing`]: [`crate::Observer::resolve`] is asked where the first server's name leads.
    pub resolver: bool,
    /// For [`Mode::Ha`]: members that routing tables name, and the configuration does not, are found and followed. Default false.
    pub discover: bool,
    /// For [`Mode::Ha`]: by which address a member is reached (`host:port`), for those by which its cluster names it.
    pub addresses: Vec<(String, String)>,
    /// Default strategy of sessions.
    pub strategy: i32,
    /// For [`Strategy::Nearest`]: so many milliseconds farther than the nearest count as near. Default 0.
    pub nearest_window: f64,
    /// Reads go to members that are no more entries of the cluster's log behind than this, unless there are no others. Default: any.
    pub max_lag: Option<u64>,
    /// Reads that take long are asked of a second server as well. Default: none are.
    pub hedge: Option<HedgeConfig>,
    /// Servers of this zone are chosen before others.
    pub zone: Option<String>,
    /// Default permissions by role, as bits: 1 master reads, 2 master writes, 4 slave reads, 8 slave writes.
    pub rw_mask: i32,
    /// Time between two checks of the servers. Default 500.
    pub check_interval: u64,
    /// Time between two checks of a server, when no master is known any more; it grows as that lasts. Default 10.
    pub alarm_interval: u64,
    /// How long one check may take before the server counts as down. Default 1,500.
    pub check_timeout: u64,
    /// How long a server may leave its checks unanswered before work under way on it is given up. Default 4,000.
    pub unresponsive_timeout: u64,
    /// How many times a query is sent again after an error that another attempt may cure. Default 10.
    pub retry_on_error: u32,
    /// Whether lost and refused connections count against `retry_on_error`. Default false.
    pub bad_connections_count_as_errors: bool,
    /// Send an auto-commit write again although its first outcome is unknown. Default false.
    pub retry_unknown_outcome: bool,
    /// Connections to one server at most. Default 100.
    pub max_connection_pool_size: usize,
    /// Age at which an idle connection is closed instead of used again; 0 or less: none. Default 3,600,000.
    pub max_connection_lifetime: i64,
    /// How long to wait for a connection, including the time to make one. Default 60,000.
    pub connection_acquisition_timeout: u64,
    /// Idle time after which a connection is tested before use; absent or negative: never.
    pub connection_liveness_check_timeout: Option<i64>,
    /// How long making a connection (TCP, TLS, handshake, authentication) may take; 0: no limit. Default 30,000.
    pub connection_timeout: u64,
    /// How long a server that has vanished without a word may go unnoticed; 0: as long as the system takes. Default 15,000.
    pub connection_loss_timeout: u64,
    /// How long a query or transaction may be tried again. Default 30,000.
    pub max_transaction_retry_time: u64,
    /// Records a PULL asks for; -1 for all. Default 1,000.
    pub fetch_size: i64,
    /// Whether Bolt connections use TLS where the URI does not say.
    pub encrypted: bool,
    /// Which certificates are trusted.
    pub trust: Trust,
    /// PEM texts of CA certificates, for [`Trust::TrustCustomCaSignedCertificates`].
    pub trusted_certificates: Vec<String>,
    /// PEM texts of CA certificates trusted beside those of the system, as in `NODE_EXTRA_CA_CERTS`.
    pub extra_certificates: Vec<String>,
    /// [`crate::Observer::client_certificates`] is asked before an encrypted connection is opened.
    pub client_certificate: bool,
    /// Sent in HELLO.
    pub user_agent: String,
    /// Sent in HELLO from Bolt 5.3 on.
    pub bolt_agent: BoltAgent,
    /// Which notifications servers send (Bolt 5.2 and later).
    pub notification_filter: Option<NotificationFilterConfig>,
    /// Never repeat an auto-commit query, even where the server says that it may be repeated.
    pub disable_auto_commit_retries: bool,
    /// Never send TELEMETRY, even where a server asks for it.
    pub telemetry_disabled: bool,
    /// What a server may send.
    pub limits: LimitsConfig,
    /// Most verbose level that is passed to [`crate::Observer::log`].
    pub log_level: LogLevel,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            servers: Vec::new(),
            mode: Mode::Ha,
            topology: Kinds::Auto,
            routing_context: None,
            resolver: false,
            discover: false,
            addresses: Vec::new(),
            strategy: 0,
            nearest_window: 0.0,
            max_lag: None,
            hedge: None,
            zone: None,
            rw_mask: i32::from(Permissions::MASTER_READ_WRITE_SLAVE_READ.0),
            check_interval: 500,
            alarm_interval: 10,
            check_timeout: 1_500,
            unresponsive_timeout: 4_000,
            retry_on_error: 10,
            bad_connections_count_as_errors: false,
            retry_unknown_outcome: false,
            max_connection_pool_size: 100,
            max_connection_lifetime: 3_600_000,
            connection_acquisition_timeout: 60_000,
            connection_liveness_check_timeout: None,
            connection_timeout: 30_000,
            connection_loss_timeout: 15_000,
            max_transaction_retry_time: 30_000,
            fetch_size: 1_000,
            encrypted: false,
            trust: Trust::TrustSystemCaSignedCertificates,
            trusted_certificates: Vec::new(),
            extra_certificates: Vec::new(),
            client_certificate: false,
            user_agent: concat!("neo4j-ha-bolt-driver/", env!("CARGO_PKG_VERSION")).into(),
            bolt_agent: BoltAgent::default(),
            notification_filter: None,
            disable_auto_commit_retries: false,
            telemetry_disabled: false,
            limits: LimitsConfig::default(),
            log_level: LogLevel::None,
        }
    }
}

impl Config {
    /// The default strategy, checked.
    pub fn strategy(&self) -> Strategy {
        Strategy::from_number(self.strategy)
    }

    /// The default permissions.
    pub fn permissions(&self) -> Permissions {
        Permissions::from_mask(self.rw_mask).unwrap_or(Permissions::MASTER_READ_WRITE_SLAVE_READ)
    }

    /// By which address a member is reached that a cluster names by this one.
    pub(crate) fn reachable(&self, named: &Address) -> Address {
        // Mostly none is given, and each address of each table is looked up.
        if self.addresses.is_empty() {
            return named.clone();
        }
        let name = named.to_string();
        let given = self.addresses.iter().find(|(of, _)| of.eq_ignore_ascii_case(&name));
        given.and_then(|(_, place)| read_address(place, named.tls).ok()).unwrap_or_else(|| named.clone())
    }

    /// How long one query may be tried again.
    pub fn retry_time(&self) -> Duration {
        Duration::from_millis(self.max_transaction_retry_time)
    }

    /// How long a connection is waited for.
    pub(crate) fn acquisition_limit(&self) -> Duration {
        Duration::from_millis(self.connection_acquisition_timeout)
    }
}

/// Which reads are asked of a second server.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct HedgeConfig {
    /// Those that are not taken up in this time.
    pub after: HedgeAfter,
    /// How many of all reads at most; 0.02 is one in fifty.
    pub budget: f64,
}

/// After how long a read is asked of a second server.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HedgeAfter {
    /// After the 95th percentile of the last ones.
    P95,
    /// After so many milliseconds.
    Milliseconds(f64),
}

/// How a driver learns what its servers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A pool of HA members: roles come from the HA status endpoint.
    Ha,
    /// One server without checks, as `neo4j.driver('bolt://...')`; queries are not tried again.
    Direct,
    /// The members of a cluster, as it says itself: `neo4j.driver('neo4j://...')`; queries are not tried again.
    Routing,
}

/// One server of the pool.
#[derive(Clone, Deserialize)]
pub struct ServerConfig {
    /// Its HTTP status endpoint; without one the server is checked over Bolt.
    pub http: Option<StatusEndpoint>,
    /// `bolt://host:port`, also with `+s` or `+ssc`, and the `neo4j` schemes.
    pub bolt: String,
    /// How to authenticate; nothing means the scheme `none`.
    pub auth: Option<AuthConfig>,
    /// [`crate::Observer::token`] is asked how to authenticate, whenever a connection is needed.
    #[serde(default)]
    pub managed: bool,
    /// How much of the work it gets beside the others. Above 0; default 1.
    #[serde(default = "one")]
    pub weight: f64,
    /// Where it is, for [`Config::zone`].
    pub zone: Option<String>,
}

fn one() -> f64 {
    1.0
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            http: None,
            bolt: String::new(),
            auth: None,
            managed: false,
            weight: one(),
            zone: None,
        }
    }
}

/// Users and passwords may stand in the addresses: those are not printed.
impl std::fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerConfig")
            .field("address", &self.address().ok().map(|address| address.to_string()))
            .field("auth", &self.auth)
            .field("managed", &self.managed)
            .finish_non_exhaustive()
    }
}

/// Where a server says over HTTP what it is.
#[derive(Clone, Deserialize)]
pub struct StatusEndpoint {
    /// Its base, such as `http://host:7474`, without user and password.
    pub url: String,
    /// Who asks, where not the user of the driver.
    pub auth: Option<AuthConfig>,
}

/// What the query string of a routing URI says. The values are for the servers, and may be secrets: they are not printed.
#[derive(Clone, Deserialize)]
pub struct RoutingContext(pub Vec<(String, String)>);

impl std::fmt::Debug for RoutingContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

impl<'a> IntoIterator for &'a RoutingContext {
    type Item = &'a (String, String);
    type IntoIter = std::slice::Iter<'a, (String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// An authentication token, as `neo4j.auth.*` makes it.
#[derive(Clone, Deserialize)]
pub struct AuthConfig {
    /// `basic`, `bearer`, `kerberos`, `none` or a server's own.
    #[serde(default = "no_scheme")]
    pub scheme: String,
    /// The user.
    pub principal: Option<String>,
    /// The secret. Never printed.
    pub credentials: Option<secrecy::SecretString>,
    /// The realm, if the server has several.
    pub realm: Option<String>,
    /// What else the token says: one packed map, see [`bolt::Auth`]. In JSON a text of one character a byte.
    #[serde(default, deserialize_with = "packed")]
    pub others: Option<Zeroizing<Vec<u8>>>,
    /// By which a manager of tokens knows this one: errors of connections that are logged in with it say it.
    pub serial: Option<u32>,
}

fn packed<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Zeroizing<Vec<u8>>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(json)?.map(Zeroizing::new) else { return Ok(None) };
    // In one piece: what grows leaves its former places behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for character in text.chars() {
        bytes.push(
            u8::try_from(character).map_err(|_| D::Error::custom("a packed map has other characters"))?,
        );
    }
    Ok(Some(bytes))
}

fn no_scheme() -> String {
    "none".into()
}

impl std::fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthConfig").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl AuthConfig {
    /// Nobody in particular.
    pub(crate) fn none() -> Self {
        AuthConfig {
            scheme: no_scheme(),
            principal: None,
            credentials: None,
            realm: None,
            others: None,
            serial: None,
        }
    }

    /// Whether a server sees no difference.
    pub(crate) fn is_same_as(&self, other: &AuthConfig) -> bool {
        self.scheme == other.scheme
            && self.principal == other.principal
            && self.realm == other.realm
            && self.others == other.others
            && self.secret() == other.secret()
    }

    pub(crate) fn secret(&self) -> Option<&str> {
        self.credentials.as_ref().map(|c| c.expose_secret())
    }

    /// The token that HELLO or LOGON carries.
    pub(crate) fn to_bolt(&self) -> bolt::Auth {
        bolt::Auth {
            scheme: self.scheme.clone(),
            principal: self.principal.clone(),
            credentials: self.secret().map(|secret| bolt::Secret::from(secret.to_owned())),
            realm: self.realm.clone(),
            others: self.others.clone(),
        }
    }
}

/// What a client shows of itself in a TLS handshake. Its key is never printed.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientCertificate {
    /// The certificate and those it was signed with, as PEM text.
    pub certificates: String,
    /// Its private key, unencrypted, as PEM text.
    pub key: secrecy::SecretString,
}

/// Which certificates are trusted where TLS is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Trust {
    /// Those that the operating system trusts.
    TrustSystemCaSignedCertificates,
    /// Those signed by [`Config::trusted_certificates`].
    TrustCustomCaSignedCertificates,
    /// All, without any check: the connection is encrypted, but its other end is not known.
    TrustAllCertificates,
}

/// Who is calling, for the server's logs (HELLO, Bolt 5.3 and later).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct BoltAgent {
    /// Product and version.
    pub product: String,
    /// Operating system.
    pub platform: String,
    /// Language and version.
    pub language: String,
    /// More about the language's runtime.
    pub language_details: String,
}

/// Which notifications a server sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NotificationFilterConfig {
    /// `OFF`, `WARNING` or `INFORMATION`.
    pub minimum_severity_level: Option<String>,
    /// Categories (classifications) that are not sent.
    #[serde(alias = "disabledClassifications")]
    pub disabled_categories: Option<Vec<String>>,
}

impl NotificationFilterConfig {
    pub(crate) fn to_bolt(&self) -> bolt::NotificationFilter {
        bolt::NotificationFilter {
            minimum_severity: self.minimum_severity_level.clone(),
            disabled: self.disabled_categories.clone(),
        }
    }
}

/// What a server may send once a user is logged in. None goes beyond its ceiling in [`bolt::Limits`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LimitsConfig {
    /// Bytes of one message.
    pub message: usize,
    /// Bytes of the metadata of a result that can be read.
    pub metadata: usize,
    /// How deep values and plans may nest.
    pub depth: usize,
    /// Columns of a result.
    pub columns: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let bolt::Limits { message, metadata, depth, columns, .. } = bolt::Limits::default();
        LimitsConfig { message, metadata, depth, columns }
    }
}

impl LimitsConfig {
    pub(crate) fn to_bolt(self) -> bolt::Limits {
        let LimitsConfig { message, metadata, depth, columns } = self;
        bolt::Limits { message, metadata, depth, columns, ..bolt::Limits::default() }
    }
}

/// What a driver says about its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    None,
    /// Only what failed for good.
    Error,
    /// What is likely not meant.
    Warn,
    /// Servers and roles that come and go.
    Info,
    /// Every connection and attempt.
    Debug,
}

impl LogLevel {
    /// The name in the `logging` option.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::None => "none",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        }
    }
}

/// What a session is opened with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionConfig {
    /// The database; the server's default where absent (Bolt 4.0 and later).
    pub database: Option<String>,
    /// Where `database` is absent: the user's home database, as an earlier session of the same work found it.
    pub home: Option<String>,
    /// Bookmarks the first work waits for.
    pub bookmarks: Vec<String>,
    /// The user's own manager of bookmarks, by its number: asked whenever work is written, and told of what was committed.
    pub bookmark_manager: Option<i32>,
    /// Whose rights the work runs with (Bolt 4.4 and later).
    pub impersonated_user: Option<String>,
    /// Records a PULL asks for.
    pub fetch_size: Option<i64>,
    /// `READ` or `WRITE`, where it differs from what the session writes.
    pub access_mode: Option<AccessMode>,
    /// Which notifications this session's work gets (Bolt 5.2 and later).
    pub notification_filter: Option<NotificationFilterConfig>,
    /// As [`Config::disable_auto_commit_retries`], for this session.
    pub disable_auto_commit_retries: Option<bool>,
    /// The server a strategy of the user's own chose when the session was asked for.
    pub preferred: Option<usize>,
    /// Who does the work, where not the user of the driver.
    pub auth: Option<AuthConfig>,
}

/// Which server [`crate::Driver::verify`] looks at, where none is named.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifyConfig {
    /// One that serves this database; the user's home database where absent.
    pub database: Option<String>,
    /// One that may write; else one that may read.
    pub write: bool,
    /// Who is to be authenticated, where not the user of the driver.
    pub auth: Option<AuthConfig>,
    /// A login now is wanted: one that was done earlier does not count.
    pub login: bool,
}

/// What the server is told about the work: it refuses writes in `READ`, from Bolt 3 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccessMode {
    /// Only reads.
    Read,
    /// Reads and writes.
    Write,
}

/// Options of one transaction or auto-commit query.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TxConfig {
    /// The server ends the transaction after so many milliseconds (Bolt 3 and later).
    pub timeout: Option<i64>,
    /// Records a PULL asks for, for this query.
    pub fetch_size: Option<i64>,
    /// What TELEMETRY tells of a transaction; nothing where it was told before. Default [`Api::Transaction`].
    pub api: Option<Api>,
    /// For how many milliseconds its beginning may be tried again; as the driver's configuration says where absent.
    pub retry_time: Option<u64>,
    /// BEGIN waits for the first query, or whatever else is asked next, and goes out with it.
    pub pipelined: bool,
}

impl Default for TxConfig {
    fn default() -> Self {
        TxConfig {
            timeout: None,
            fetch_size: None,
            api: Some(Api::Transaction),
            retry_time: None,
            pipelined: false,
        }
    }
}

/// The interfaces that TELEMETRY tells apart; numbers by the Bolt documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub enum Api {
    /// A transaction function.
    TransactionFunction = 0,
    /// A transaction that the application begins and ends.
    Transaction = 1,
    /// A query that is its own transaction.
    AutoCommit = 2,
    /// `executeQuery`.
    ExecuteQuery = 3,
}

impl TryFrom<u8> for Api {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            0 => Ok(Api::TransactionFunction),
            1 => Ok(Api::Transaction),
            2 => Ok(Api::AutoCommit),
            3 => Ok(Api::ExecuteQuery),
            other => Err(format!("there is no interface {other}")),
        }
    }
}

impl From<Api> for i64 {
    fn from(api: Api) -> i64 {
        api as i64
    }
}

impl ServerConfig {
    /// The parsed Bolt address and TLS wish.
    pub(crate) fn address(&self) -> Result<crate::address::Address, Error> {
        crate::address::Address::parse(&self.bolt).map_err(|reason| {
            // The text may hold a password.
            Error::new(Kind::Client, format!("A Bolt address is wrong: {reason}. Use bolt://host:port."))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_an_address_does_not_repeat_it() {
        for bolt in
            ["no-scheme://somebody:hunter2@h", "bolt://somebody:hunter2@", "bolt://somebody:hunter2@h:x"]
        {
            let server = ServerConfig { bolt: bolt.into(), ..ServerConfig::default() };
            let error = server.address().unwrap_err();
            assert!(
                !error.message.contains("hunter2") && !format!("{server:?}").contains("hunter2"),
                "{error}"
            );
        }
    }
}
