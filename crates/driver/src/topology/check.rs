//! The check of the members: each is asked over HTTP what it is (`kind.rs` has the questions), or over Bolt whether it answers, again
//! and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::kind::{Kind, Kinds, Question, Says, SINGLE};
use super::{Role, ServerInfo, Status, Topology};
use crate::config::{AuthConfig, Config, ServerConfig, StatusEndpoint};
use crate::error::{self, Error};
use crate::log::Log;
use crate::net::http::{Http, Login, Unanswered};
use crate::observer::NoAnswer;
use crate::pool::{left, Pool};

/// Weight of the newest latency in the smoothed one.
const SMOOTHING: f64 = 0.3;
/// First checks that begin at the same time. As many more begin with each step: a thousand connections at once would be a burst
/// for the machine and for the network.
const FIRST_AT_ONCE: usize = 64;
const FIRST_STEP: Duration = Duration::from_millis(10);
/// Connections that are made to a member which may become the master, for those that wait for one.
const WARM_AT_MOST: usize = 16;

/// Asks servers what they are, and tells the topology.
pub(crate) struct Checker {
    config: Arc<Config>,
    members: Vec<Member>,
    topology: Arc<Topology>,
    log: Log,
    /// `None` once closed.
    http: parking_lot::Mutex<Option<Http>>,
    has_warned_of_plain_http: AtomicBool,
}

struct Member {
    pool: Arc<Pool>,
    status: Option<StatusUrl>,
    /// What it was when it was asked last, so that this is asked first.
    known: parking_lot::Mutex<Option<Known>>,
    /// Held during a check: one at a time for each server.
    turn: Mutex<()>,
}

/// What a member is.
#[derive(Clone, Copy)]
enum Known {
    Member(&'static Question),
    /// No cluster's.
    Single,
}

/// Where a member says what it is. No credential is in the URL.
struct StatusUrl {
    /// The base of its endpoints.
    url: reqwest::Url,
    /// Who asks, where not the user of the driver.
    auth: Option<Arc<AuthConfig>>,
}

impl Checker {
    pub(crate) fn new(
        config: &Arc<Config>,
        pools: &[Arc<Pool>],
        topology: &Arc<Topology>,
        log: &Log,
    ) -> Result<Self, Error> {
        let member = |(server, pool): (&ServerConfig, &Arc<Pool>)| {
            let http = server.http.as_ref().filter(|_| config.topology != Kinds::Single);
            let status = http.map(StatusUrl::new).transpose()?;
            Ok(Member { pool: pool.clone(), status, known: Default::default(), turn: Mutex::new(()) })
        };
        Ok(Checker {
            config: config.clone(),
            members: config.servers.iter().zip(pools).map(member).collect::<Result<_, Error>>()?,
            topology: topology.clone(),
            log: log.clone(),
            http: parking_lot::Mutex::new(Some(Http::new(config)?)),
            has_warned_of_plain_http: AtomicBool::new(false),
        })
    }

    /// How many are checked.
    pub(crate) fn members(&self) -> usize {
        self.members.len()
    }

    /// Closes the connections of the checks. None is made any more.
    pub(crate) fn close(&self) {
        self.http.lock().take();
    }

    /// Asks one server once, when a check that is under way is over, and tells the topology what it is.
    pub(crate) async fn check(&self, index: usize) {
        if let Some(member) = self.members.get(index) {
            self.check_member(index, member).await;
        }
    }

    /// Tells its role, and what the answer says of whether it lives.
    async fn check_member(&self, index: usize, member: &Member) -> Sign {
        let _turn = member.turn.lock().await;
        let generation = self.topology.generation();
        let started = Instant::now();
        let answer = match &member.status {
            Some(status) => self.ask(member, status).await,
            None => self.connect(member).await,
        };
        let latency = started.elapsed().as_secs_f64() * 1000.0;
        let before = self.topology.view().servers.get(index).map_or(-1.0, |s| s.distance);
        let distance = if before < 0.0 { latency } else { before + SMOOTHING * (latency - before) };
        let (info, sign) = match answer {
            Answer::Is(found) => (ServerInfo { distance, ..found }, Sign::Alive),
            // That nobody listens for HTTP says nothing of the connections by Bolt. Where nobody does for Bolt, none is left.
            Answer::Refused(error) => {
                let sign = if member.status.is_some() { Sign::Unclear } else { Sign::Alive };
                (ServerInfo::down(error), sign)
            }
            Answer::Silence(error) => (ServerInfo::down(error), Sign::Silent),
        };
        let product = member.pool.endpoint.product.load_full();
        self.topology.publish(index, generation, ServerInfo { product, ..info });
        sign
    }

    /// Whether the server answers over Bolt, with whatever.
    async fn answers_by_bolt(&self, member: &Member) -> bool {
        matches!(self.connect(member).await, Answer::Is(..))
    }

    /// Asks until an answer says what the member is; what it was last time, first.
    async fn ask(&self, member: &Member, status: &StatusUrl) -> Answer {
        let known = *member.known.lock();
        if let Some(Known::Single) = known {
            return self.connect_to_single(member).await;
        }
        let Some(http) = self.http.lock().clone() else {
            return Answer::Refused("the driver is closed".into());
        };
        // User and password of the URL are what the endpoint wants, whoever the driver is by Bolt.
        let auth = match &status.auth {
            Some(own) => own.clone(),
            None => match self.token(member).await {
                Ok(auth) => auth,
                Err(no) => return Answer::Is(ServerInfo::failing(no.why)),
            },
        };
        let deadline = Instant::now() + Duration::from_millis(self.config.check_timeout);
        let mut questions = self.config.topology.questions();
        if let Some(Known::Member(known)) = known {
            questions.sort_by_key(|(_, question)| !std::ptr::eq(*question, known));
        }
        let mut refusal = None;
        for (kind, question) in questions {
            let (code, body) = match self.get(&http, status.at(question.path), &auth, deadline).await {
                Ok(answer) => answer,
                Err(none) => return none,
            };
            if let Some(says) = question.means(code.as_u16(), &body) {
                *member.known.lock() = Some(Known::Member(question));
                return Answer::Is(found(kind, says));
            }
            match code {
                // It is not one of that kind.
                StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => refusal = refusal.or(Some(code)),
                code => return Answer::Is(unreadable(kind, code)),
            }
        }
        *member.known.lock() = None;
        // Where there are others, one that knows none of the endpoints may be on its way to become what they are.
        let is_alone = self.config.topology == Kinds::Auto && self.members.len() == 1;
        match refusal {
            Some(StatusCode::NOT_FOUND) if is_alone => self.connect_to_single(member).await,
            Some(StatusCode::FORBIDDEN) => Answer::Is(ServerInfo::failing(format!(
                "the check was answered with HTTP 403: this is no member of {}",
                self.config.topology.titles(),
            ))),
            _ => Answer::Is(ServerInfo {
                error: Some("it has no role in a cluster now (404)".into()),
                ..ServerInfo::unknown()
            }),
        }
    }

    /// A server of its own is known to be one for as long as it answers: it may come back as something else.
    async fn connect_to_single(&self, member: &Member) -> Answer {
        let answer = self.connect(member).await;
        let is_up = matches!(answer, Answer::Is(ServerInfo { status: Status::Up, .. }));
        *member.known.lock() = is_up.then_some(Known::Single);
        answer
    }

    /// One request, and its answer whole.
    async fn get(
        &self,
        http: &Http,
        url: reqwest::Url,
        auth: &AuthConfig,
        deadline: Instant,
    ) -> Result<(StatusCode, String), Answer> {
        let login = Login::of(auth);
        if login.is_some() && url.scheme() == "http" {
            self.warn_of_plain_http(&url);
        }
        http.get(url, login, left(deadline)).await.map_err(|none| match none {
            Unanswered::Refused(why) => Answer::Refused(why),
            Unanswered::Silence(why) => Answer::Silence(why),
        })
    }

    async fn token(&self, member: &Member) -> Result<Arc<AuthConfig>, NoAnswer> {
        let limit = Duration::from_millis(self.config.check_timeout);
        member.pool.endpoint.identity.token_within(limit).await
    }

    fn warn_of_plain_http(&self, url: &reqwest::Url) {
        if !self.has_warned_of_plain_http.swap(true, Ordering::Relaxed) {
            self.log.warn(&format!(
                "The checks send credentials over plain http, such as to the status endpoint of {}: whoever listens \
                 on the way can read them. Use https URLs, or trust the network.",
                url.authority()
            ));
        }
    }

    /// A server without a status URL: it is up if it answers over Bolt, and taken for one that does everything.
    async fn connect(&self, member: &Member) -> Answer {
        let limit = Duration::from_millis(self.config.check_timeout);
        let token = match self.token(member).await {
            Ok(token) => token,
            Err(no) => return Answer::Is(ServerInfo::failing(no.why)),
        };
        match tokio::time::timeout(limit, member.pool.probe(token, limit)).await {
            Ok(Ok(())) => Answer::Is(ServerInfo {
                status: Status::Up,
                role: Role::Master,
                role_name: Some(SINGLE),
                topology: Some(SINGLE),
                ..ServerInfo::unknown()
            }),
            Ok(Err(e)) if matches!(e.kind, error::Kind::Server | error::Kind::Client) => {
                Answer::Is(ServerInfo::failing(e.message))
            }
            Ok(Err(e)) => Answer::Refused(e.message),
            Err(_) => Answer::Silence(format!("no answer over Bolt within {} ms", limit.as_millis())),
        }
    }
}

/// What a check says of whether the server lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Alive,
    /// Its status endpoint refuses to talk: it may serve by Bolt all the same.
    Unclear,
    /// Nothing came in time.
    Silent,
}

enum Answer {
    Is(ServerInfo),
    /// No answer, and none to wait for.
    Refused(String),
    /// No answer in time.
    Silence(String),
}

/// What a member of a cluster says of itself.
fn found(kind: &Kind, says: Says) -> ServerInfo {
    let topology = Some(kind.name);
    match says {
        Says::Is(role, name) => {
            ServerInfo { status: Status::Up, role, role_name: Some(name), topology, ..ServerInfo::unknown() }
        }
        Says::NoRole => {
            let error = Some("it has no role in its cluster now".into());
            ServerInfo { topology, error, ..ServerInfo::unknown() }
        }
    }
}

/// What an answer means that no member gives. That it is up is all that any other text says, as 1.2.3 has it.
fn unreadable(kind: &Kind, code: StatusCode) -> ServerInfo {
    if code == StatusCode::OK {
        return ServerInfo { status: Status::Up, ..ServerInfo::unknown() };
    }
    let hint = match code {
        StatusCode::UNAUTHORIZED => {
            format!(
                ": are user and password right? With {} the server asks for none; with the option topology it is asked no \
                 question of another kind of cluster",
                kind.setting
            )
        }
        _ => String::new(),
    };
    ServerInfo::failing(format!("the check was answered with HTTP {}{hint}", code.as_u16()))
}

impl StatusUrl {
    fn new(endpoint: &StatusEndpoint) -> Result<Self, Error> {
        // The text may hold a password.
        let wrong = |why: &str| {
            Error::new(
                error::Kind::Client,
                format!("The address of a status endpoint is wrong: {why}. Use http://host:port."),
            )
        };
        let mut url = reqwest::Url::parse(&endpoint.url).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("the scheme is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("user and password have a place of their own"));
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(StatusUrl { url, auth: endpoint.auth.clone().map(Arc::new) })
    }

    /// One of its endpoints.
    fn at(&self, path: &str) -> reqwest::Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url
    }
}

/// Checks one server for as long as the driver lives. One check at a time: a slow one delays the next.
pub(crate) async fn watch(checker: Arc<Checker>, index: usize) {
    let Some(member) = checker.members.get(index) else { return };
    let topology = &checker.topology;
    let interval = Duration::from_millis(checker.config.check_interval.max(1));
    let unresponsive = Duration::from_millis(checker.config.unresponsive_timeout);
    let mut silence = Silence::default();
    let mut is_replaced = false;
    let mut warming_up: Option<JoinHandle<()>> = None;
    tokio::time::sleep(first_after(index)).await;
    // The checks that follow the first are spread over the interval.
    let mut head_start = interval.mul_f64(fastrand::f64() * 0.5);
    loop {
        topology.begin_check(index).await;
        let started = Instant::now();
        let check = checker.check_member(index, member);
        tokio::pin!(check);
        let checked = loop {
            tokio::select! {
                biased;
                sign = &mut check => break Some(sign),
                () = topology.replaced(index), if !is_replaced => break None,
                // A check that hangs, too, is not to make it later.
                () = silence.lasts(unresponsive) => {
                    silence = Silence::default();
                    if !member.pool.endpoint.has_received.load(Ordering::Relaxed) {
                        member.pool.give_up();
                    }
                }
            }
        };
        let has_sent = member.pool.endpoint.has_received.swap(false, Ordering::Relaxed);
        match checked {
            Some(sign) => {
                let is_silent = sign != Sign::Alive && !has_sent;
                is_replaced &= is_silent;
                let is_too_long = silence.is_too_long(is_silent, started, unresponsive);
                if is_too_long && (sign == Sign::Silent || !checker.answers_by_bolt(member).await) {
                    member.pool.give_up();
                }
                silence.is_unclear = sign == Sign::Unclear;
                let is_candidate = sign == Sign::Alive && topology.may_become_master(index);
                if is_candidate && warming_up.as_ref().is_none_or(JoinHandle::is_finished) {
                    let wanted = topology.waiting().clamp(1, WARM_AT_MOST);
                    warming_up = Some(tokio::spawn(member.pool.clone().warm_up(wanted)));
                }
            }
            // Another one is the master now: whoever still waits for an answer of this one waits in vain.
            None => {
                is_replaced = true;
                if !has_sent {
                    member.pool.give_up();
                }
            }
        }
        let ended = Instant::now();
        let began = started.checked_sub(std::mem::take(&mut head_start)).unwrap_or(started);
        topology.until_next_check(index, began, ended).await;
    }
}

/// How long after the driver was made the first check of a server begins.
fn first_after(index: usize) -> Duration {
    u32::try_from(index / FIRST_AT_ONCE).map_or(Duration::ZERO, |step| FIRST_STEP * step)
}

/// A server that hangs keeps its connections open: work on it would wait for ever. After the unresponsive timeout
/// its connections are ended, so that everybody who waits gets an answer.
#[derive(Default)]
struct Silence {
    since: Option<Instant>,
    /// Its endpoint refused to talk: before it is given up, it is asked over Bolt.
    is_unclear: bool,
}

impl Silence {
    /// Ends when nothing has come for so long; never, if the last check was answered in whatever way.
    async fn lasts(&self, limit: Duration) {
        match self.since.and_then(|since| since.checked_add(limit)) {
            Some(end) if !self.is_unclear => tokio::time::sleep_until(end).await,
            _ => std::future::pending().await,
        }
    }

    /// Whether there was no sign of life, at this check, which began at `asked`, and those before it, for as long as that. Then
    /// it begins anew.
    fn is_too_long(&mut self, silent: bool, asked: Instant, limit: Duration) -> bool {
        if !silent {
            self.since = None;
            return false;
        }
        let is_too_long = self.since.get_or_insert(asked).elapsed() >= limit;
        if is_too_long {
            self.since = None;
        }
        is_too_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_is_given_up_after_silence_for_the_whole_time() {
        let limit = Duration::from_secs(10);
        let mut silence = Silence::default();
        let mut given_up = Vec::new();
        for second in 1..40 {
            // A check takes a second, in which there was no sign of life but in the sixth.
            let asked = Instant::now();
            tokio::time::advance(Duration::from_secs(1)).await;
            if silence.is_too_long(second != 6, asked, limit) {
                given_up.push(second);
            }
        }
        assert_eq!(given_up, [16, 26, 36]);
    }

    #[test]
    fn the_first_checks_of_many_servers_are_no_burst_and_few_servers_do_not_wait() {
        assert_eq!(first_after(FIRST_AT_ONCE - 1), Duration::ZERO);
        let mut steps = std::collections::BTreeMap::<_, usize>::new();
        (0..1000).for_each(|index| *steps.entry(first_after(index)).or_default() += 1);
        assert!(steps.values().all(|checks| *checks <= FIRST_AT_ONCE));
        assert!(first_after(999) < Duration::from_millis(200), "readiness is not to wait for it");
    }

    #[test]
    fn status_urls() {
        let url = |url: &str| {
            StatusUrl::new(&StatusEndpoint { url: url.into(), auth: None })
                .map(|status| status.at("/db/manage/server/ha/available").to_string())
        };
        assert_eq!(url("http://h:7474").unwrap(), "http://h:7474/db/manage/server/ha/available");
        assert_eq!(url("https://h/proxy/").unwrap(), "https://h/proxy/db/manage/server/ha/available");
        assert!(url("bolt://h:7687").is_err());
        assert!(url("h").is_err());
        let error = url("http://somebody:hunter2@h").unwrap_err();
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
