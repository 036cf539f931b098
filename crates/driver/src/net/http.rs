//! Status endpoints, asked over HTTP.

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::ACCEPT;
use reqwest::{StatusCode, Url};
use tokio::sync::Semaphore;

use super::tls;
use crate::config::{AuthConfig, Config};
use crate::error::{Error, Kind};
#[cfg(test)]
use crate::simulation::Network;

/// The longest answer that is read; a status with the members of a large cluster has some thousand bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Names that are looked up at the same time: each takes a thread.
const LOOKUPS: usize = 16;

/// Who asks.
pub(crate) enum Login<'a> {
    Bearer(&'a str),
    Basic(&'a str, Option<&'a str>),
}

impl Login<'_> {
    /// What is of another scheme means nothing to HTTP, and is for the Bolt port alone.
    pub(crate) fn of(auth: &AuthConfig) -> Option<Login<'_>> {
        match (auth.scheme.as_str(), &auth.principal, auth.secret()) {
            ("bearer", _, Some(token)) => Some(Login::Bearer(token)),
            ("basic", Some(user), password) => Some(Login::Basic(user, password)),
            _ => None,
        }
    }
}

/// Why a question has no answer.
pub(crate) enum Unanswered {
    /// None to wait for.
    Refused(String),
    /// None came in time.
    Silence(String),
}

#[derive(Clone)]
pub(crate) enum Http {
    Client(reqwest::Client),
    #[cfg(test)]
    Simulated(Arc<Network>),
}

impl Http {
    pub(crate) fn new(config: &Config) -> Result<Http, Error> {
        #[cfg(test)]
        if let Some(network) = Network::current() {
            return Ok(Http::Simulated(network));
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::for_http(config)?)
            // A redirect would carry the credentials elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Names(Arc::new(Semaphore::new(LOOKUPS)))))
            .timeout(Duration::from_millis(config.check_timeout))
            .tcp_nodelay(true)
            .user_agent(&config.user_agent)
            .build()
            .map_err(|e| {
                Error::new(Kind::Client, format!("The HTTP client of the checks cannot be made: {e}"))
            })?;
        Ok(Http::Client(client))
    }

    /// One request, and its answer whole.
    pub(crate) async fn get(
        &self,
        url: Url,
        login: Option<Login<'_>>,
        limit: Duration,
    ) -> Result<(StatusCode, String), Unanswered> {
        match self {
            Http::Client(client) => ask(client, url, login, limit).await,
            #[cfg(test)]
            Http::Simulated(network) => network.get(&url, limit).await,
        }
    }
}

async fn ask(
    client: &reqwest::Client,
    url: Url,
    login: Option<Login<'_>>,
    limit: Duration,
) -> Result<(StatusCode, String), Unanswered> {
    let request = client.get(url).header(ACCEPT, "text/plain").timeout(limit);
    let request = match login {
        Some(Login::Bearer(token)) => request.bearer_auth(token),
        Some(Login::Basic(user, password)) => request.basic_auth(user, password),
        None => request,
    };
    let response = request.send().await.map_err(|e| match e.is_timeout() {
        true => Unanswered::Silence(describe(&e)),
        false => Unanswered::Refused(describe(&e)),
    })?;
    let status = response.status();
    // What began an answer and did not end it may be anything, and its connections may hang as well.
    let body = read_answer(response).await.map_err(|e| Unanswered::Silence(describe(&e)))?;
    Ok((status, body))
}

/// Looks names up, a few at a time.
struct Names(Arc<Semaphore>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let turns = self.0.clone();
        Box::pin(async move {
            let turn = turns.acquire_owned().await?;
            // Its thread is busy until the system answers, also when nobody waits for that any more.
            let lookup = tokio::spawn(async move {
                let _turn = turn;
                tokio::net::lookup_host((name.as_str(), 0)).await.map(Iterator::collect::<Vec<_>>)
            });
            Ok(Box::new(lookup.await??.into_iter()) as Addrs)
        })
    }
}

async fn read_answer(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER - body.len();
        body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if body.len() == MAX_ANSWER {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The innermost cause says most; the URL may hold credentials and is left out.
fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "no answer".to_owned() };
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.source().is_none() {
            text = format!("{text}: {inner}");
        }
        source = inner.source();
    }
    text
}
