//! Where the search for a table begins.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use super::table::read_resolved;
use super::Router;
use crate::address::Address;
use crate::error::{Error, Kind};

/// Addresses of a resolver that are looked at.
const MAX_SEEDS: usize = 100;
/// How long the addresses of a name are waited for.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);

impl Router {
    /// Where to begin: what the URI names, or what the application's resolver makes of it. What in its list is no
    /// address is left out.
    pub(super) async fn seeds(&self) -> Result<Vec<Address>, Error> {
        let seed = self.seed();
        if !self.template.config.resolver {
            return Ok(vec![seed.clone()]);
        }
        let failed = |why: &dyn Display| format!("The resolver gave no address for {seed}: {why}.");
        let _resolving = self.resolving.clone();
        let limit = self.template.config.connection_acquisition_timeout;
        let found =
            tokio::time::timeout(Duration::from_millis(limit), self.observer.resolve(&seed.to_string()))
                .await
                .unwrap_or_else(|_| {
                    Err(format!("it did not answer within {limit} ms (connectionAcquisitionTimeout)").into())
                })
                .map_err(|no| {
                    let why = failed(&no);
                    no.with(why).error(Kind::Client)
                })?;
        let mut seeds = Vec::new();
        let mut last = "its list is empty".to_owned();
        for text in found.iter().take(MAX_SEEDS) {
            match read_resolved(text, seed.tls) {
                Ok(address) => seeds.push(address),
                Err(why) => {
                    self.log.warn(&format!("What the resolver gave for {seed} is left out: {why}."));
                    last = why;
                }
            }
        }
        if seeds.is_empty() {
            return Err(Error::new(Kind::Client, failed(&last)));
        }
        Ok(seeds)
    }
}

/// Each IP address behind a name for itself, since they may be different members. A name that is not resolved in time, or
/// not at all, stands for itself: connecting to it has an end and an error of its own.
pub(super) async fn addresses_of(name: &Address) -> Vec<Address> {
    let found =
        tokio::time::timeout(NAME_TIMEOUT, tokio::net::lookup_host((name.host.as_str(), name.port))).await;
    let ips: Vec<IpAddr> = found.into_iter().flatten().flatten().map(|ip| ip.ip()).collect();
    if ips.len() > 1 {
        ips.into_iter().map(|ip| Address { ip: Some(ip), ..name.clone() }).collect()
    } else {
        vec![name.clone()]
    }
}
