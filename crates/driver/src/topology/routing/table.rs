//! A routing table as a server sent it: which servers read, write and route for a database, and for how long.
//!
//! What a table says is not trusted: it is bounded in size and time, and it says where servers are, never how to
//! connect to them. Whether TLS is used, and what is trusted, is what the application's URI says.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use bolt::Value;
use tokio::time::Instant;

use crate::address::{Address, TlsWish};

/// Servers in one table at most, a server counted for each of its roles.
const MAX_SERVERS: usize = 3_000;
/// The longest time for which a table is believed.
const MAX_TTL: Duration = Duration::from_secs(24 * 3_600);
/// The longest address: a host name has 253 characters at most, a port five.
const MAX_ADDRESS: usize = 260;
/// How long after its end a table is still kept, for the routers in it.
const KEPT: Duration = Duration::from_secs(30);

/// Which servers do what for one database. Immutable: what changes is a copy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    /// The database; of a table that was asked for without one, what the server said it is (Bolt 4.4).
    pub(crate) database: Option<String>,
    pub(crate) routers: Vec<Address>,
    pub(crate) readers: Vec<Address>,
    pub(crate) writers: Vec<Address>,
    pub(crate) fetched: Instant,
    expires: Instant,
}

impl Table {
    /// Reads `{ttl, servers: [{role, addresses}], db}`. Roles and entries that are not known are left out.
    pub(crate) fn read(ttl: Option<&Value>, servers: Option<&Value>, tls: TlsWish) -> Result<Table, String> {
        let seconds = ttl
            .and_then(Value::as_integer)
            .ok_or("it has no time to live that is an integer")
            .and_then(|ttl| u64::try_from(ttl).map_err(|_| "its time to live is negative"))?;
        let servers = servers.and_then(Value::as_list).ok_or("it has no list of servers")?;
        let now = Instant::now();
        let mut table = Table {
            database: None,
            routers: Vec::new(),
            readers: Vec::new(),
            writers: Vec::new(),
            fetched: now,
            expires: now + Duration::from_secs(seconds).min(MAX_TTL),
        };
        let mut count = 0;
        let mut seen = HashSet::new();
        for server in servers {
            let role = server.get("role").and_then(Value::as_str).ok_or("a server in it has no role")?;
            let addresses = server
                .get("addresses")
                .and_then(Value::as_list)
                .ok_or_else(|| format!("its servers of role {role:?} have no list of addresses"))?;
            count += addresses.len();
            if count > MAX_SERVERS {
                return Err(format!("it lists more than {MAX_SERVERS} servers"));
            }
            let to = match role {
                "ROUTE" => &mut table.routers,
                "READ" => &mut table.readers,
                "WRITE" => &mut table.writers,
                _ => continue,
            };
            for address in addresses {
                let text = address.as_str().ok_or("an address in it is no string")?;
                let address = read_address(text, tls)?;
                if seen.insert((role, address.clone())) {
                    to.push(address);
                }
            }
        }
        if table.routers.is_empty() {
            return Err("it has no server that routes".into());
        }
        if table.readers.is_empty() {
            return Err("it has no server that reads".into());
        }
        Ok(table)
    }

    /// The servers for a piece of work.
    pub(crate) fn servers(&self, write: bool) -> &[Address] {
        if write {
            &self.writers
        } else {
            &self.readers
        }
    }

    /// Whether another table is needed for such work.
    pub(crate) fn is_stale(&self, write: bool) -> bool {
        Instant::now() >= self.expires || self.routers.is_empty() || self.servers(write).is_empty()
    }

    /// Whether it is of no more use to anybody.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.expires + KEPT
    }

    /// The servers in it, a server once for each of its roles.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Address> {
        self.routers.iter().chain(&self.readers).chain(&self.writers)
    }

    /// Whether the server reads or writes.
    pub(crate) fn has_work_for(&self, address: &Address) -> bool {
        self.readers.contains(address) || self.writers.contains(address)
    }

    /// The server cannot be reached. It stays among the routers: without them no new table could be had.
    pub(crate) fn forget(&mut self, address: &Address) {
        self.readers.retain(|a| a != address);
        self.writers.retain(|a| a != address);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |servers: &[Address]| servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(
            f,
            "database {}, routers [{}], readers [{}], writers [{}], {} s left",
            self.database.as_deref().unwrap_or("(default)"),
            list(&self.routers),
            list(&self.readers),
            list(&self.writers),
            self.expires.saturating_duration_since(Instant::now()).as_secs(),
        )
    }
}

/// Reads `host[:port]`, and nothing else: no scheme, no user, no path.
pub(crate) fn read_address(text: &str, tls: TlsWish) -> Result<Address, String> {
    let wrong = |why: &str| is_no_address(text, why);
    if text.len() > MAX_ADDRESS {
        return Err(wrong("it is too long"));
    }
    if text.contains(['/', '?', '#', '@', '\\']) || text.contains(char::is_whitespace) {
        return Err(wrong("it should be host:port"));
    }
    let address = Address::parse(&format!("bolt://{text}")).map_err(|why| wrong(&why))?;
    Ok(Address { tls, ..address })
}

/// Reads what a resolver gave: `host[:port]`, or that with a scheme of this driver before it. How to connect is what the
/// application's URI says, whatever the scheme.
pub(crate) fn read_resolved(text: &str, tls: TlsWish) -> Result<Address, String> {
    let Some((_, place)) = text.split_once("://") else { return read_address(text, tls) };
    Address::parse(text).map_err(|why| is_no_address(text, &why))?;
    read_address(place.strip_suffix('/').unwrap_or(place), tls)
}

fn is_no_address(text: &str, why: &str) -> String {
    format!("{:?} is no address of a server: {why}", without_secrets(text))
}

/// An address that need not be right, without what may be a user, a password, a query or a fragment.
fn without_secrets(text: &str) -> String {
    let (scheme, place) = text.split_at(text.find("://").map_or(0, |at| at + 3));
    let place = place.rsplit('@').next().unwrap_or_default();
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let (host, rest) = place.split_at(place.find(']').map_or(0, |at| at + 1));
    let (name, port) = rest.split_once(':').unwrap_or((rest, "0"));
    let number = port.split('/').next().unwrap_or_default();
    let place = match number.len() <= 5 && number.bytes().all(|byte| byte.is_ascii_digit()) {
        true => place.to_owned(),
        // Maybe the password of a user whose host was forgotten.
        false => format!("{host}{name}:…"),
    };
    format!("{scheme}{place}").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(of: &[(&str, &[&str])]) -> Value {
        Value::List(
            of.iter()
                .map(|(role, addresses)| {
                    let addresses = addresses.iter().map(|a| Value::String((*a).into())).collect();
                    Value::Map(vec![
                        ("role".into(), Value::String((*role).into())),
                        ("addresses".into(), Value::List(addresses)),
                    ])
                })
                .collect(),
        )
    }

    fn read(ttl: i64, of: &[(&str, &[&str])]) -> Result<Table, String> {
        Table::read(Some(&Value::Integer(ttl)), Some(&servers(of)), TlsWish::Secure)
    }

    #[tokio::test(start_paused = true)]
    async fn roles_and_time() {
        let table = read(
            300,
            &[("WRITE", &["a:1"]), ("READ", &["b:2", "b:2", "[::1]:3"]), ("ROUTE", &["a"]), ("NEW", &["x"])],
        )
        .unwrap();
        assert_eq!(table.servers(true).iter().map(ToString::to_string).collect::<Vec<_>>(), ["a:1"]);
        assert_eq!(
            table.servers(false).iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["b:2", "[::1]:3"]
        );
        assert_eq!(table.routers[0].to_string(), "a:7687");
        assert!(!table.is_stale(true));
        tokio::time::advance(Duration::from_secs(300)).await;
        assert!(table.is_stale(true) && !table.is_over());
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(table.is_over());
    }

    #[tokio::test]
    async fn every_server_of_a_table_is_connected_to_as_the_uri_says() {
        let table = read(1, &[("READ", &["b"]), ("ROUTE", &["a"])]).unwrap();
        assert!(table.readers.iter().chain(&table.routers).all(|a| a.tls == TlsWish::Secure));
    }

    #[test]
    fn a_resolver_may_give_uris() {
        for text in ["b:1", "bolt://b:1", "neo4j://b:1", "neo4j+ssc://b:1/", "bolt+routing://b:1"] {
            let address = read_resolved(text, TlsWish::Secure).unwrap();
            assert_eq!((address.to_string().as_str(), address.tls), ("b:1", TlsWish::Secure), "{text}");
        }
        assert_eq!(read_resolved("neo4j://[::1]", TlsWish::Options).unwrap().to_string(), "[::1]:7687");
        for text in ["http://b:1", "bolt://u@b:1", "bolt://b:1/x", "bolt://", "://b", "bolt://bolt://b"] {
            assert!(read_resolved(text, TlsWish::Options).is_err(), "{text}");
        }
    }

    #[test]
    fn the_error_of_what_is_no_address_shows_no_secret() {
        for (text, shown) in [
            ("u:secret@b:1", "b:1"),
            ("bolt://u:secret@b", "b"),
            ("bolt://u:se/c@ret@b/x", "bolt://b/x"),
            ("bolt:u:secret@b:1", "b:1"),
            ("u:secret", "u:…"),
            ("u:secret:1", "u:…"),
            ("[::1]:secret", "[::1]:…"),
            ("b:99999", "b:99999"),
            ("[::1]:1/x#secret", "[::1]:1/x"),
            ("b/?secret", "b/"),
        ] {
            let error = read_resolved(text, TlsWish::Options).unwrap_err();
            assert!(error.starts_with(&format!("{shown:?} is no address")), "{text}: {error}");
            assert!(!error.contains("secret"), "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn a_table_without_writers_is_stale_for_writes_alone() {
        let table = read(300, &[("READ", &["b"]), ("ROUTE", &["a"])]).unwrap();
        assert!(table.is_stale(true) && !table.is_stale(false));
    }

    #[tokio::test]
    async fn what_cannot_be_a_table_is_refused() {
        let many: Vec<String> = (0..4_000).map(|n| format!("h{n}:1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let usual: &[(&str, &[&str])] = &[("READ", &["b"]), ("ROUTE", &["a"])];
        assert!(read(-1, usual).is_err());
        assert!(read(i64::MAX, usual).is_ok_and(|t| t.expires <= Instant::now() + MAX_TTL));
        assert!(read(1, &[("READ", &["b"])]).is_err());
        assert!(read(1, &[("ROUTE", &["a"])]).is_err());
        assert!(read(1, &[("READ", &many), ("ROUTE", &["a"])]).unwrap_err().contains("more than"));
        for address in ["bolt://b", "u@b", "b/x", "b:port", "", "b:99999", "b c"] {
            assert!(read(1, &[("READ", &[address]), ("ROUTE", &["a"])]).is_err(), "{address}");
        }
        assert!(Table::read(None, Some(&servers(usual)), TlsWish::Options).is_err());
        assert!(Table::read(Some(&Value::Integer(1)), None, TlsWish::Options).is_err());
        let not_maps = Value::List(vec![Value::Integer(1)]);
        assert!(Table::read(Some(&Value::Integer(1)), Some(&not_maps), TlsWish::Options).is_err());
    }
}
