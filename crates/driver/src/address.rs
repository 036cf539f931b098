//! `bolt://` and `neo4j://` addresses.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use url::{Host, Url};

/// Where a server is and whether its URI asks for TLS.
#[derive(Debug, Clone)]
pub struct Address {
    /// Name or IP address, without brackets; of an IPv6 address its zone, too.
    pub host: String,
    /// Default 7687.
    pub port: u16,
    /// What the scheme says.
    pub tls: TlsWish,
    /// The one of the host's IP addresses to connect to; any where absent. Certificates are for the host's name.
    pub ip: Option<IpAddr>,
}

/// Two are the same that lead to the same port of the same host, however that is connected to. Names of hosts have no case.
impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.port == other.port && self.ip == other.ip && self.host.eq_ignore_ascii_case(&other.host)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
        (self.port, self.ip).hash(state);
    }
}

/// What the suffix of the scheme says about TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsWish {
    /// No suffix: the options decide.
    Options,
    /// `+s`: TLS, certificates of the system's authorities.
    Secure,
    /// `+ssc`: TLS, any certificate.
    SelfSigned,
}

impl Address {
    /// Reads `scheme://host[:port]`.
    pub fn parse(text: &str) -> Result<Address, String> {
        let with_scheme;
        let text = if text.contains("://") {
            text
        } else {
            with_scheme = format!("bolt://{text}");
            &with_scheme
        };
        let (text, zone) = without_zone(text);
        let url = Url::parse(&text).map_err(|e| e.to_string())?;
        let tls = match url.scheme() {
            "bolt" | "neo4j" | "bolt+routing" => TlsWish::Options,
            "bolt+s" | "neo4j+s" => TlsWish::Secure,
            "bolt+ssc" | "neo4j+ssc" => TlsWish::SelfSigned,
            other => return Err(format!("unknown scheme '{other}'")),
        };
        // `Url` keeps hosts of unknown schemes as they stand, so IPv6 addresses come with brackets.
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => match zone {
                Some(zone) => format!("{ip}%{zone}"),
                None => ip.to_string(),
            },
            _ => return Err("the host is missing".into()),
        };
        Ok(Address { host, port: url.port().unwrap_or(7687), tls, ip: None })
    }

    /// What a certificate is for: a zone is of this machine alone.
    pub(crate) fn certified_name(&self) -> &str {
        self.host.split_once('%').map_or(self.host.as_str(), |(name, _)| name)
    }
}

/// The text without the zone of its IPv6 address (`[fe80::1%eth0]`, or `%25eth0` as RFC 6874 has it), which `Url` does not take.
fn without_zone(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let parts = || {
        let (before, rest) = text.split_once('[')?;
        let (inside, behind) = rest.split_once(']')?;
        let (ip, zone) = inside.split_once('%')?;
        Some((
            format!("{before}[{ip}]{behind}"),
            zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone),
        ))
    };
    match parts() {
        Some((text, zone)) if !zone.is_empty() => (text.into(), Some(zone)),
        _ => (text.into(), None),
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_hosts_and_ports() {
        let a = Address::parse("bolt://127.0.0.1:7688").unwrap();
        assert_eq!((a.host.as_str(), a.port, a.tls), ("127.0.0.1", 7688, TlsWish::Options));
        let a = Address::parse("neo4j+s://example.com").unwrap();
        assert_eq!((a.host.as_str(), a.port, a.tls), ("example.com", 7687, TlsWish::Secure));
        let a = Address::parse("bolt+ssc://[::1]:1").unwrap();
        assert_eq!((a.host.as_str(), a.port, a.tls), ("::1", 1, TlsWish::SelfSigned));
        assert_eq!(a.to_string(), "[::1]:1");
        assert_eq!(Address::parse("localhost").unwrap().to_string(), "localhost:7687");
        for text in ["bolt+s://[fe80::1%25eth0]:7688", "bolt+s://[fe80::1%eth0]:7688", "[fe80::1%eth0]:7688"]
        {
            let a = Address::parse(text).unwrap();
            assert_eq!(
                (a.to_string().as_str(), a.certified_name()),
                ("[fe80::1%eth0]:7688", "fe80::1"),
                "{text}"
            );
        }
        for text in ["bolt://[fe80::1%25]", "bolt://[fe80::1%2525]"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), "[fe80::1%25]:7687", "{text}");
        }
        assert!(Address::parse("bolt://[fe80::1%]").is_err());
        assert!(Address::parse("bolt://[fe80::x%eth0]").is_err());
        assert!(Address::parse("http://x").is_err());
        assert!(Address::parse("bolt://").is_err());
    }
}
