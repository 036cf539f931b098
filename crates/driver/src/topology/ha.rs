//! The check of HA members: `GET {url}/db/manage/server/ha/available`, for every server at once, again and again.
//!
//! The endpoint is Neo4j's own for load balancers (Neo4j 3.x operations manual, "HTTP endpoints for status
//! information"): 200 with `master` or `slave`, 404 where the server has no role.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::ACCEPT;
use reqwest::StatusCode;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, MissedTickBehavior};

use super::{Role, ServerInfo, Status};
use crate::config::{Config, ServerConfig};
use crate::driver::{Checked, Shared};
use crate::error::{Error, Kind};
use crate::net::{tls, Interrupt};

const PATH: &str = "/db/manage/server/ha/available";
/// The longest answer that is read; the real ones have seven bytes.
const MAX_ANSWER: usize = 1024;
/// Weight of the newest latency in the smoothed one.
const SMOOTHING: f64 = 0.3;

/// Asks servers what they are.
pub(crate) struct Checker {
    /// `None` once closed.
    http: parking_lot::Mutex<Option<reqwest::Client>>,
    urls: Vec<Option<reqwest::Url>>,
    /// Wakes the checks of one server before their time.
    urgent: Vec<Notify>,
    /// Held during a check: one at a time for each server.
    turns: Vec<Mutex<()>>,
    checked: Checked,
}

impl Checker {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::for_http(config)?)
            // A redirect would carry the credentials elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_millis(config.check_timeout))
            .tcp_nodelay(true)
            .user_agent(&config.user_agent)
            .build()
            .map_err(|e| {
                Error::new(Kind::Client, format!("The HTTP client of the checks cannot be made: {e}"))
            })?;
        let urls = config.servers.iter().map(status_url).collect::<Result<_, _>>()?;
        Ok(Checker {
            http: parking_lot::Mutex::new(Some(http)),
            urls,
            urgent: config.servers.iter().map(|_| Notify::new()).collect(),
            turns: config.servers.iter().map(|_| Mutex::new(())).collect(),
            checked: Checked::none_of(config.servers.len()),
        })
    }

    /// Makes the next check of every server start now.
    pub(crate) fn hurry(&self) {
        for urgent in &self.urgent {
            urgent.notify_one();
        }
    }

    /// Closes the connections of the checks. None is made any more.
    pub(crate) fn close(&self) {
        self.http.lock().take();
    }

    /// Notes that this server was checked; whether all were by now.
    pub(crate) fn all_checked(&self, index: usize) -> bool {
        self.checked.mark(index)
    }

    /// Asks one server once, when a check that is under way is over.
    /// Also tells whether it kept silent: one that refuses connections has none left to wait on.
    pub(crate) async fn check(&self, shared: &Shared, index: usize) -> (ServerInfo, bool) {
        let _turn = match self.turns.get(index) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let started = Instant::now();
        let answer = match self.urls.get(index) {
            Some(Some(url)) => self.ask(shared, index, url.clone()).await,
            _ => self.connect(shared, index).await,
        };
        let latency = started.elapsed().as_secs_f64() * 1000.0;
        let before = shared.topology.view().servers.get(index).map_or(-1.0, |s| s.distance);
        let smoothed = if before < 0.0 { latency } else { before + SMOOTHING * (latency - before) };
        match answer {
            Answer::Is(status, role, error) => {
                (ServerInfo { status, role, distance: smoothed, error, in_doubt: false }, false)
            }
            Answer::Refused(error) => (ServerInfo::down(error), false),
            Answer::Silence(error) => (ServerInfo::down(error), true),
        }
    }

    async fn ask(&self, shared: &Shared, index: usize, url: reqwest::Url) -> Answer {
        let Some(http) = self.http.lock().clone() else {
            return Answer::Refused("the driver is closed".into());
        };
        let Some(pool) = shared.pools.get(index) else { return Answer::Refused("no such server".into()) };
        let limit = Duration::from_millis(shared.config.check_timeout);
        let auth = match pool.endpoint.identity.token_within(limit).await {
            Ok(auth) => auth,
            Err(why) => return Answer::Is(Status::Error, Role::Unknown, Some(why)),
        };
        let request = http.get(url).header(ACCEPT, "text/plain");
        let request = match (auth.scheme.as_str(), &auth.principal) {
            ("bearer", _) => request.bearer_auth(auth.secret().unwrap_or_default()),
            (_, Some(user)) => request.basic_auth(user, auth.secret()),
            _ => request,
        };
        match request.send().await {
            Err(e) if e.is_timeout() => Answer::Silence(describe(&e)),
            Err(e) => Answer::Refused(describe(&e)),
            Ok(response) => {
                let status = response.status();
                let body = read_answer(response).await;
                classify(status, &body)
            }
        }
    }

    /// A server without a status URL: it is up if it answers over Bolt, and taken for one that does everything.
    async fn connect(&self, shared: &Shared, index: usize) -> Answer {
        let limit = Duration::from_millis(shared.config.check_timeout);
        let Some(pool) = shared.pools.get(index) else { return Answer::Refused("no such server".into()) };
        let token = match pool.endpoint.identity.token_within(limit).await {
            Ok(token) => token,
            Err(why) => return Answer::Is(Status::Error, Role::Unknown, Some(why)),
        };
        let probe = async { pool.acquire_as(token).await?.probe().await };
        match tokio::time::timeout(limit, probe).await {
            Ok(Ok(())) => Answer::Is(Status::Up, Role::Master, None),
            Ok(Err(e)) if matches!(e.kind, Kind::Server | Kind::Client) => {
                Answer::Is(Status::Error, Role::Unknown, Some(e.message))
            }
            Ok(Err(e)) => Answer::Refused(e.message),
            Err(_) => Answer::Silence(format!("no answer over Bolt within {} ms", limit.as_millis())),
        }
    }
}

enum Answer {
    Is(Status, Role, Option<String>),
    /// No answer, and none to wait for.
    Refused(String),
    /// No answer in time.
    Silence(String),
}

/// The table of the drop-in contract.
fn classify(status: StatusCode, body: &str) -> Answer {
    match (status, body.trim()) {
        (StatusCode::OK, "master") => Answer::Is(Status::Up, Role::Master, None),
        (StatusCode::OK, "slave") => Answer::Is(Status::Up, Role::Slave, None),
        (StatusCode::OK, _) => Answer::Is(Status::Up, Role::Unknown, None),
        (StatusCode::NOT_FOUND, _) => {
            Answer::Is(Status::Unknown, Role::Unknown, Some("it has no HA role now (404)".into()))
        }
        (status, _) => {
            let hint = match status {
                StatusCode::UNAUTHORIZED => ": are user and password right?",
                StatusCode::FORBIDDEN => ": this is not an HA member",
                _ => "",
            };
            Answer::Is(
                Status::Error,
                Role::Unknown,
                Some(format!("the check was answered with HTTP {}{hint}", status.as_u16())),
            )
        }
    }
}

async fn read_answer(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MAX_ANSWER - body.len();
        body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if body.len() == MAX_ANSWER {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
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

fn status_url(server: &ServerConfig) -> Result<Option<reqwest::Url>, Error> {
    let Some(base) = &server.http else { return Ok(None) };
    let wrong = |why: String| {
        Error::new(Kind::Client, format!("'{base}' is not an HTTP address: {why}. Use http://host:port."))
    };
    let mut url = reqwest::Url::parse(base).map_err(|e| wrong(e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("the scheme is neither http nor https".into()));
    }
    let path = format!("{}{PATH}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(Some(url))
}

/// Checks one server for as long as the driver lives. One check at a time: a slow one delays the next.
pub(crate) async fn watch(shared: Arc<Shared>, index: usize) {
    let Some(checker) = &shared.checker else { return };
    let mut tick = tokio::time::interval(Duration::from_millis(shared.config.check_interval.max(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent_since = None;
    loop {
        let urgent = async {
            match checker.urgent.get(index) {
                Some(urgent) => urgent.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tick.tick() => {}
            () = urgent => tick.reset(),
        }
        let (info, silent) = checker.check(&shared, index).await;
        give_up_silent(&shared, index, silent, &mut silent_since);
        shared.publish(index, info);
    }
}

/// A server that hangs keeps its connections open: work on it would wait for ever. After the unresponsive timeout
/// its connections are ended, so that everybody who waits gets an answer.
fn give_up_silent(shared: &Shared, index: usize, silent: bool, silent_since: &mut Option<Instant>) {
    let Some(pool) = shared.pools.get(index) else { return };
    if !silent {
        *silent_since = None;
        return;
    }
    let since = *silent_since.get_or_insert_with(Instant::now);
    if since.elapsed() >= Duration::from_millis(shared.config.unresponsive_timeout) {
        *silent_since = None;
        pool.drop_idle();
        pool.endpoint.interrupt.send_modify(|interrupt| {
            *interrupt = match *interrupt {
                Interrupt::Closed => Interrupt::Closed,
                Interrupt::Unresponsive(n) => Interrupt::Unresponsive(n.wrapping_add(1)),
                Interrupt::None => Interrupt::Unresponsive(1),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_answers() {
        let table = [
            (200, "master", Status::Up, Role::Master),
            (200, "slave\n", Status::Up, Role::Slave),
            (200, "something", Status::Up, Role::Unknown),
            (404, "UNKNOWN", Status::Unknown, Role::Unknown),
            (401, "", Status::Error, Role::Unknown),
            (403, "", Status::Error, Role::Unknown),
            (302, "", Status::Error, Role::Unknown),
            (500, "master", Status::Error, Role::Unknown),
        ];
        for (code, body, status, role) in table {
            match classify(StatusCode::from_u16(code).unwrap(), body) {
                Answer::Is(s, r, _) => assert_eq!((s, r), (status, role), "{code} {body}"),
                Answer::Refused(_) | Answer::Silence(_) => panic!("{code}"),
            }
        }
    }

    #[test]
    fn status_urls() {
        let server = |http: &str| ServerConfig {
            http: Some(http.into()),
            bolt: "bolt://x".into(),
            auth: None,
            managed: false,
        };
        let url = |http| status_url(&server(http)).map(|u| u.unwrap().to_string());
        assert_eq!(url("http://h:7474").unwrap(), "http://h:7474/db/manage/server/ha/available");
        assert_eq!(url("https://h/proxy/").unwrap(), "https://h/proxy/db/manage/server/ha/available");
        assert!(url("bolt://h:7687").is_err());
        assert!(url("h").is_err());
    }
}
