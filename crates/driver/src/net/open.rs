//! Opening a connection: TCP, TLS, the handshake and its two proposals, and the login.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use bolt::handshake::{Handshake, HandshakeError, Progress, Proposal};
use bolt::{Hello, Version};

use super::connection::Conn;
use super::endpoint::{Endpoint, Product};
use super::io::Io;
use super::phase::{Phase, Phases};
use super::tls;
use crate::config::AuthConfig;
use crate::error::{Error, Kind};

/// A connection on which a version was agreed, and what came behind the handshake.
type Agreed = (Io, Version, Vec<u8>);

impl Conn {
    /// Connects and logs in within the connection timeout, when the application has said what certificate to show.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        auth: Arc<AuthConfig>,
        phases: &Phases,
    ) -> Result<Box<Conn>, Error> {
        endpoint.renew_certificate(phases).await?;
        endpoint.in_time(phases, Conn::open_unbounded(endpoint, auth, phases)).await
    }

    /// The version that is spoken with the server: shakes hands and leaves, without a word of who asks.
    pub(crate) async fn negotiate(endpoint: &Endpoint) -> Result<Version, Error> {
        let phases = Phases::starting_with(Phase::Certificate);
        endpoint.renew_certificate(&phases).await?;
        let negotiating = async {
            let (proposal, (_, version, _)) = Conn::agree(endpoint, &phases).await?;
            // It does not say what it is: 3.5, or 4.0 and 4.1, which have better ones.
            let may_have_better = proposal == Proposal::Modern && version == Version::new(3, 0);
            if !may_have_better || endpoint.best_known.load(Ordering::Relaxed) {
                return Ok(version);
            }
            let better = Conn::ask_for_better(endpoint, proposal, version, &phases).await;
            Ok(better.map_or(version, |(_, better, _)| better))
        };
        endpoint.in_time(&phases, negotiating).await
    }

    async fn open_unbounded(
        endpoint: &Endpoint,
        auth: Arc<AuthConfig>,
        phases: &Phases,
    ) -> Result<Box<Conn>, Error> {
        let (proposal, agreed) = Conn::agree(endpoint, phases).await?;
        let conn = Conn::greet(endpoint, auth.clone(), agreed, phases).await?;
        let (version, agent) = conn.identity();
        if !proposal.has_better(version, &agent) || endpoint.best_known.load(Ordering::Relaxed) {
            return Ok(conn);
        }
        match Conn::ask_for_better(endpoint, proposal, version, phases).await {
            Some(agreed) => {
                conn.close().await;
                Conn::greet(endpoint, auth, agreed, phases).await
            }
            None => Ok(conn),
        }
    }

    /// Makes the other proposal, too, and remembers which one gets the better version.
    async fn ask_for_better(
        endpoint: &Endpoint,
        proposal: Proposal,
        version: Version,
        phases: &Phases,
    ) -> Option<Agreed> {
        match Conn::shake_hands(endpoint, proposal.other(), phases).await {
            Ok(Some(agreed)) if agreed.1 > version => {
                endpoint.legacy_first.store(proposal.other() == Proposal::Legacy, Ordering::Relaxed);
                Some(agreed)
            }
            answer => {
                endpoint.best_known.store(answer.is_ok(), Ordering::Relaxed);
                None
            }
        }
    }

    /// Logs in where a version was agreed on.
    async fn greet(
        endpoint: &Endpoint,
        auth: Arc<AuthConfig>,
        (io, version, early): Agreed,
        phases: &Phases,
    ) -> Result<Box<Conn>, Error> {
        phases.enter(Phase::Login);
        let mut conn = Conn::new(endpoint, auth, io, version);
        conn.bolt.handle_input(&early);
        conn.log_in(endpoint).await?;
        Ok(conn)
    }

    /// Connects, and agrees on a version: by the second proposal where the first has none in common.
    async fn agree(endpoint: &Endpoint, phases: &Phases) -> Result<(Proposal, Agreed), Error> {
        let legacy = endpoint.legacy_first.load(Ordering::Relaxed);
        let first = if legacy { Proposal::Legacy } else { Proposal::Modern };
        let second = first.other();
        if let Some(done) = Conn::shake_hands(endpoint, first, phases).await? {
            return Ok((first, done));
        }
        // A proposal holds four versions: what the first has no room for is in the second.
        if let Some(done) = Conn::shake_hands(endpoint, second, phases).await? {
            endpoint.legacy_first.store(!legacy, Ordering::Relaxed);
            return Ok((second, done));
        }
        let what = format!(
            "{} speaks none of the Bolt versions 1 to 6.1 that this driver speaks.",
            endpoint.address
        );
        Err(endpoint.error(Kind::Protocol, what))
    }

    /// `None`: the server knows none of the versions proposed.
    async fn shake_hands(
        endpoint: &Endpoint,
        proposal: Proposal,
        phases: &Phases,
    ) -> Result<Option<Agreed>, Error> {
        let lost = |what: &str, e: &std::io::Error| {
            let why = tls::explain(e, &endpoint.address);
            endpoint.error(Kind::Connection, format!("{} cannot be reached: {what}: {why}", endpoint.address))
        };
        let mut io = Io::connect(endpoint, phases).await.map_err(|e| lost("connecting failed", &e))?;
        phases.enter(Phase::Handshake);
        let mut handshake = Handshake::new(proposal);
        let mut input = Vec::new();
        loop {
            io.write_all(&handshake.take_output())
                .await
                .map_err(|e| lost("the handshake could not be sent", &e))?;
            input.clear();
            let read = io
                .read(256, |bytes| input.extend_from_slice(bytes))
                .await
                .map_err(|e| lost("the handshake was not answered", &e))?;
            if read == 0 {
                let hint = if endpoint.tls.is_none() {
                    " Does it want TLS (bolt+s, or encrypted: true)?"
                } else {
                    ""
                };
                return Err(endpoint.error(
                    Kind::Connection,
                    format!("{} closed the connection during the handshake.{hint}", endpoint.address),
                ));
            }
            match handshake.handle_input(&input) {
                Ok(Progress::NeedMore) => {}
                Ok(Progress::Done { version, rest }) => {
                    io.write_all(&handshake.take_output())
                        .await
                        .map_err(|e| lost("the handshake could not be sent", &e))?;
                    return Ok(Some((io, version, rest)));
                }
                Err(HandshakeError::NoCommonVersion) => return Ok(None),
                Err(e) => return Err(endpoint.error(Kind::Protocol, format!("{}: {e}", endpoint.address))),
            }
        }
    }

    async fn log_in(&mut self, endpoint: &Endpoint) -> Result<(), Error> {
        let agent = &endpoint.config.bolt_agent;
        let bolt_agent = [
            ("product", agent.product.as_str()),
            ("platform", agent.platform.as_str()),
            ("language", agent.language.as_str()),
            ("language_details", agent.language_details.as_str()),
        ];
        let filter = endpoint.config.notification_filter.as_ref().map(|f| f.to_bolt());
        let hello = Hello {
            user_agent: &endpoint.config.user_agent,
            bolt_agent: &bolt_agent,
            auth: &self.auth.to_bolt(),
            routing: endpoint.routing.as_deref(),
            notification_filter: filter.as_ref(),
        };
        self.bolt.hello(&hello).map_err(|e| endpoint.error(Kind::Client, e.to_string()))?;
        self.expect_login(self.bolt.pending(), endpoint.config.connection_timeout);
        self.authenticated().await?;
        let (bolt, agent) = self.identity();
        let product = Product { agent, bolt };
        if endpoint.product.load().as_deref() != Some(&product) {
            endpoint.product.store(Some(Arc::new(product)));
        }
        Ok(())
    }
}
