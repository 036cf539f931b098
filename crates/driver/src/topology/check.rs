//! One check: a server is asked what it is, over HTTP (`kind.rs` has the questions), for its routing table, or over Bolt whether it
//! answers.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::Mutex;
use tokio::time::error::Elapsed;
use tokio::time::Instant;

use super::kind::{self, Kind, Kinds, Progress, Question, Says, SINGLE};
use super::routing::{Lookup, Table};
use super::{Role, ServerInfo, Status, Topology};
use crate::address::Address;
use crate::config::{AuthConfig, Config, StatusEndpoint};
use crate::error::{self, Error};
use crate::log::Log;
use crate::members::Member;
use crate::net::http::{Http, Login, Unanswered};
use crate::net::phase::{Phase, Phases};
use crate::net::Conn;
use crate::observer::NoAnswer;
use crate::pool::left;

/// Weight of the newest latency in the smoothed one.
const SMOOTHING: f64 = 0.3;
/// Where work is done that names no database, unless a cluster says otherwise.
const USUAL_HOME: &str = "neo4j";
/// A refusal by who hosts no such database.
const NO_DATABASE: &str = "Neo.ClientError.Database.DatabaseNotFound";

/// Asks servers what they are.
pub(crate) struct Checker {
    pub(super) config: Arc<Config>,
    log: Log,
    /// `None` once closed.
    http: parking_lot::Mutex<Option<Http>>,
    has_warned_of_plain_http: AtomicBool,
}

/// A server that is asked what it is: for all databases, or for that of the topology.
pub(crate) struct Subject {
    pub(super) member: Arc<Member>,
    pub(super) topology: Arc<Topology>,
    status: Option<Arc<StatusUrl>>,
    /// What it was when it was asked last, so that this is asked first.
    known: parking_lot::Mutex<Option<Known>>,
    /// It does not tell how far it is.
    is_without_progress: AtomicBool,
    /// Held during a check: one at a time for each server.
    turn: Mutex<()>,
}

/// What a server is.
#[derive(Clone, Copy)]
enum Known {
    /// Of this kind, as the answer to this question said, if one did.
    Member(&'static Kind, Option<&'static Question>),
    /// No cluster's.
    Single,
    /// It says nothing to who asks, and first refused to at the page of this kind.
    Refusing(&'static Kind),
}

/// Where a member says what it is. No credential is in the URL.
pub(super) struct StatusUrl {
    /// The base of its endpoints.
    url: reqwest::Url,
    /// Who asks, where not the user of the driver.
    auth: Option<Arc<AuthConfig>>,
}

/// What a server says beside what it is.
#[derive(Default)]
pub(super) struct Told {
    /// Whom it names as members of its cluster, if it was asked.
    pub(super) named: Option<Vec<Address>>,
    pub(super) home: Option<Home>,
}

/// The roles of a cluster are of one database each, and this is the one that work is for which names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) database: Arc<str>,
    /// The cluster has said so.
    pub(super) is_told: bool,
}

/// What a check says of whether the server lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Alive,
    /// Its status endpoint refuses to talk: it may serve by Bolt all the same.
    Unclear,
    /// Nothing came in time.
    Silent,
}

enum Answer {
    Is(Box<Found>),
    /// The application has not said what asking needs: nothing is learned of the server.
    Unasked(String),
    /// No answer, and none to wait for.
    Refused(String),
    /// No answer in time.
    Silence(String),
}

/// What an answer says.
struct Found {
    info: ServerInfo,
    told: Told,
}

impl From<ServerInfo> for Answer {
    fn from(info: ServerInfo) -> Self {
        Answer::Is(Box::new(Found { info, told: Told::default() }))
    }
}

impl Home {
    /// As the table of whoever names no database says: from Bolt 4.4 on.
    fn of(table: &Table) -> Self {
        Home { database: table.database.as_deref().unwrap_or(USUAL_HOME).into(), is_told: true }
    }
}

impl Subject {
    pub(super) fn new(member: Arc<Member>, topology: Arc<Topology>, status: Option<Arc<StatusUrl>>) -> Self {
        Subject {
            member,
            topology,
            status,
            known: Default::default(),
            is_without_progress: AtomicBool::new(false),
            turn: Mutex::new(()),
        }
    }

    fn is_member_of(&self, kind: &'static Kind, question: Option<&'static Question>) {
        let before = self.known.lock().replace(Known::Member(kind, question));
        if !matches!(before, Some(Known::Member(before, _)) if std::ptr::eq(before, kind)) {
            self.is_without_progress.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn index(&self) -> usize {
        self.member.index()
    }
}

impl Checker {
    pub(crate) fn new(config: &Arc<Config>, log: &Log) -> Result<Self, Error> {
        Ok(Checker {
            config: config.clone(),
            log: log.clone(),
            http: parking_lot::Mutex::new(Some(Http::new(config)?)),
            has_warned_of_plain_http: AtomicBool::new(false),
        })
    }

    /// Closes the connections of the checks. None is made any more.
    pub(crate) fn close(&self) {
        self.http.lock().take();
    }

    pub(super) fn limit(&self) -> Duration {
        Duration::from_millis(self.config.check_timeout)
    }

    /// Asks once, when a check that is under way is over, and tells the topology what the server is. `is_alone`: there is no other one.
    /// `home`: the database that is meant where the topology is of none in particular, as far as it is known. `learn` is called before
    /// that.
    pub(super) async fn check(
        &self,
        subject: &Subject,
        is_alone: bool,
        home: Option<Home>,
        learn: impl FnOnce(Told),
    ) -> Sign {
        let _turn = subject.turn.lock().await;
        let (index, topology) = (subject.index(), &subject.topology);
        let generation = topology.generation();
        let started = Instant::now();
        let answer = match &subject.status {
            Some(status) => self.ask(subject, status, is_alone, home, None, started + self.limit()).await,
            None => self.ask_by_bolt(subject).await,
        };
        let latency = started.elapsed().as_secs_f64() * 1000.0;
        let view = topology.view();
        let was = view.get(index);
        let before = was.map_or(-1.0, |s| s.distance);
        let distance = if before < 0.0 { latency } else { before + SMOOTHING * (latency - before) };
        let (info, sign) = match answer {
            Answer::Is(found) => {
                learn(found.told);
                (ServerInfo { distance, ..found.info }, Sign::Alive)
            }
            Answer::Unasked(why) => {
                let known = was.filter(|was| was.status == Status::Up);
                (known.cloned().unwrap_or_else(|| ServerInfo::failing(why)), Sign::Alive)
            }
            // That nobody listens for HTTP says nothing of the connections by Bolt. Where nobody does for Bolt, none is left.
            Answer::Refused(error) => {
                let sign = if subject.status.is_some() { Sign::Unclear } else { Sign::Alive };
                (self.down(subject, error), sign)
            }
            Answer::Silence(error) => (self.down(subject, error), Sign::Silent),
        };
        let product = subject.member.pool.endpoint.product.load_full();
        topology.publish(index, generation, ServerInfo { product, ..info });
        sign
    }

    fn down(&self, subject: &Subject, error: String) -> ServerInfo {
        if !subject.member.is_discovered {
            return ServerInfo::down(error);
        }
        ServerInfo::down(format!(
            "{error}. Its cluster names it by this address: if it cannot be reached by that from here, such as behind NAT or \
             in Docker, say with the option resolver by which it can"
        ))
    }

    /// Whether the server answers over Bolt, with whatever.
    pub(super) async fn answers_by_bolt(&self, subject: &Subject) -> bool {
        matches!(self.connect(subject).await, Answer::Is(..) | Answer::Unasked(..))
    }

    /// Asks until an answer says what the server is; as what it was last time, first. `table`: what it said of its cluster just now.
    async fn ask(
        &self,
        subject: &Subject,
        status: &StatusUrl,
        is_alone: bool,
        home: Option<Home>,
        mut table: Option<Table>,
        deadline: Instant,
    ) -> Answer {
        if matches!(*subject.known.lock(), Some(Known::Single)) {
            return self.connect_to_single(subject).await;
        }
        let Some(http) = self.http.lock().clone() else {
            return Answer::Refused("the driver is closed".into());
        };
        // User and password of the URL are what the endpoint wants, whoever the driver is by Bolt.
        let auth = match &status.auth {
            Some(own) => own.clone(),
            None => match self.token(subject).await {
                Ok(auth) => auth,
                Err(no) => return Answer::Unasked(no.why),
            },
        };
        let mut asking =
            Asking { checker: self, http: &http, status, auth: &auth, is_anonymous: false, deadline };
        let database = match (subject.topology.database(), &home) {
            (Some(database), _) => database.clone(),
            (None, Some(home)) => home.database.clone(),
            (None, None) => USUAL_HOME.into(),
        };
        let (kind, role, name) = match self.identify(subject, &mut asking, &database, is_alone).await {
            Ok(identified) => identified,
            Err(answer) => return answer,
        };
        let is_main = subject.topology.database().is_none();
        let wants_home = kind.is_per_database && !home.as_ref().is_some_and(|home| home.is_told);
        if is_main && table.is_none() && (wants_home || self.config.discover) {
            table = self.table(subject, None, deadline).await.ok();
        }
        let home = match &table {
            Some(table) if kind.is_per_database => Some(Home::of(table)),
            _ => home.or(kind.is_per_database.then(|| Home { database: database.clone(), is_told: false })),
        };
        if is_main && home.as_ref().is_some_and(|home| home.database != database) {
            // What was said is of another database. The table is asked for once: who names another one each time would be asked for
            // ever.
            return Box::pin(self.ask(subject, status, is_alone, home, table, deadline)).await;
        }
        let info = asking.member(subject, kind, &database, role, name).await;
        let named = table.filter(|_| self.config.discover).map(|table| self.named(&table));
        Found { info, told: Told { named, home } }.into()
    }

    /// Which kind of cluster the server is a member of, and what it is there; or what else came of asking.
    async fn identify(
        &self,
        subject: &Subject,
        asking: &mut Asking<'_>,
        database: &str,
        is_alone: bool,
    ) -> Result<(&'static Kind, Role, &'static str), Answer> {
        let known = *subject.known.lock();
        let (known_kind, known_question) = match known {
            Some(Known::Member(kind, question)) => (Some(kind), question),
            Some(Known::Refusing(kind)) => (Some(kind), None),
            _ => (None, None),
        };
        let mut refusal = None;
        let mut unauthorized = None;
        for kind in known_first(self.config.topology.asked(), known_kind) {
            let mut is_of_kind = false;
            for question in known_first(kind.questions, known_question) {
                let (code, body) = asking.get(question.path, database).await?;
                match question.means(code.as_u16(), &body) {
                    Some(Says::Is(role, name)) => {
                        subject.is_member_of(kind, Some(question));
                        return Ok((kind, role, name));
                    }
                    Some(Says::IsNot) => is_of_kind = true,
                    // It is not one of that kind.
                    None => match code {
                        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => refusal = refusal.or(Some(code)),
                        // Others may be open to everybody. That is found out once, and without the password that is wrong.
                        StatusCode::UNAUTHORIZED => {
                            if matches!(known, Some(Known::Refusing(_))) {
                                return Err(unreadable(kind, code).into());
                            }
                            asking.is_anonymous = true;
                            unauthorized = unauthorized.or(Some(kind));
                        }
                        code => return Err(unreadable(kind, code).into()),
                    },
                }
            }
            if is_of_kind {
                subject.is_member_of(kind, None);
                let error = Some("it has no role in its cluster now".into());
                return Err(ServerInfo { topology: Some(kind.name), error, ..ServerInfo::unknown() }.into());
            }
        }
        *subject.known.lock() = unauthorized.map(Known::Refusing);
        if let Some(kind) = unauthorized {
            return Err(unreadable(kind, StatusCode::UNAUTHORIZED).into());
        }
        // A name that stands for a database, such as an alias, has no endpoint.
        if subject.topology.database().is_some() {
            return Err(self.ask_by_bolt(subject).await);
        }
        // Where there are others, one that knows none of the endpoints may be on its way to become what they are.
        Err(match refusal {
            Some(StatusCode::NOT_FOUND) if is_alone && self.config.topology == Kinds::Auto => {
                self.connect_to_single(subject).await
            }
            Some(StatusCode::FORBIDDEN) => ServerInfo::failing(format!(
                "the check was answered with HTTP 403: this is no member of {}",
                self.config.topology.titles(),
            ))
            .into(),
            _ => ServerInfo {
                error: Some("it has no role in a cluster now (404)".into()),
                ..ServerInfo::unknown()
            }
            .into(),
        })
    }

    /// A server of its own is known to be one for as long as it answers: it may come back as something else.
    async fn connect_to_single(&self, subject: &Subject) -> Answer {
        let mut answer = self.connect(subject).await;
        if matches!(answer, Answer::Unasked(_)) {
            return answer;
        }
        let mut is_up = false;
        if let Answer::Is(found) = &mut answer {
            is_up = found.info.status == Status::Up;
            // Nobody else is there that it could pass work on to.
            found.info.claim = Some(0);
        }
        *subject.known.lock() = is_up.then_some(Known::Single);
        answer
    }

    /// A server without a status URL: it says what it is in its routing table. One that has none is taken for one that does everything.
    async fn ask_by_bolt(&self, subject: &Subject) -> Answer {
        let is_single = matches!(*subject.known.lock(), Some(Known::Single));
        if is_single || !self.config.topology.may_route() && subject.status.is_none() {
            let answer = self.connect(subject).await;
            let is_as_before = match &answer {
                Answer::Is(found) => found.info.status == Status::Up,
                Answer::Unasked(_) => true,
                _ => false,
            };
            if !is_as_before {
                *subject.known.lock() = None;
            }
            return answer;
        }
        let database = subject.topology.database();
        match self.table(subject, database.cloned(), Instant::now() + self.limit()).await {
            Ok(table) => self.read(subject, &table).into(),
            Err(Untold::NotRouting) if self.config.topology == Kinds::Auto => {
                *subject.known.lock() = Some(Known::Single);
                self.connect(subject).await
            }
            Err(untold) => untold.into(),
        }
    }

    /// What a routing table says of the server that sent it.
    fn read(&self, subject: &Subject, table: &Table) -> Found {
        let own = subject.member.address();
        let named = self.named(table);
        let is_in =
            |servers: &[Address]| servers.iter().any(|address| self.config.reachable(address) == *own);
        let is_alone = named.len() == 1;
        let up = |role, name, topology| ServerInfo {
            status: Status::Up,
            role,
            role_name: Some(name),
            topology: Some(topology),
            claim: (role == Role::Master).then_some(0),
            ..ServerInfo::unknown()
        };
        let is_named = is_in(&table.writers) || is_in(&table.readers) || is_in(&table.routers);
        // By whatever address it is known to itself.
        if is_alone && !is_named {
            let told = Told { named: self.config.discover.then(Vec::new), home: None };
            return Found { info: up(Role::Master, SINGLE, SINGLE), told };
        }
        let info = if is_in(&table.writers) {
            up(Role::Master, kind::WRITER, kind::ROUTING)
        } else if is_in(&table.readers) {
            up(Role::Slave, kind::READER, kind::ROUTING)
        } else {
            let why = match is_named || subject.topology.database().is_some() {
                true => "its routing table has no role for it now".into(),
                false => format!(
                    "its routing table does not name it by this address, but {}: list it by the address that its cluster \
                     knows, say with the option resolver which of those this one is, or let those be found (discover)",
                    named.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", ")
                ),
            };
            ServerInfo { topology: Some(kind::ROUTING), error: Some(why.into()), ..ServerInfo::unknown() }
        };
        let is_per_database = subject.member.pool.endpoint.speaks_of_databases();
        let named = self.config.discover.then_some(named);
        Found { info, told: Told { named, home: is_per_database.then(|| Home::of(table)) } }
    }

    /// The members that a table names, by addresses at which they can be reached.
    fn named(&self, table: &Table) -> Vec<Address> {
        let mut named: Vec<Address> = Vec::new();
        let mut seen = HashSet::new();
        for address in table.all() {
            let address = self.config.reachable(address);
            if seen.insert(address.clone()) {
                named.push(address);
            }
        }
        named
    }

    /// The routing table that the server has for a database.
    async fn table(
        &self,
        subject: &Subject,
        database: Option<Arc<str>>,
        deadline: Instant,
    ) -> Result<Table, Untold> {
        let token = self.token(subject).await.map_err(|no| Untold::Unasked(no.why))?;
        let pool = &subject.member.pool;
        let lookup = Lookup::of_driver(database.as_deref());
        let limit = left(deadline);
        let phases = Phases::starting_with(Phase::Liveness);
        let asking = async {
            let mut conn = pool.check_out(token, limit, &phases).await?;
            let table = route(&mut conn, &subject.member, &lookup, &[]).await;
            let is_refused = table.as_ref().is_err_and(|error| error.failure.is_some());
            if table.is_ok() || is_refused && conn.reset_within(limit / 4).await.is_ok() {
                pool.check_in(conn);
            } else {
                tokio::spawn(conn.close());
            }
            Ok(table)
        };
        self.judge(tokio::time::timeout(limit, asking).await, &phases)?.map_err(|e| match e.code() {
            super::routing::NO_PROCEDURE => Untold::NotRouting,
            NO_DATABASE => Untold::NoDatabase,
            _ if e.kind == error::Kind::Connection => Untold::Refused(e.message),
            _ => Untold::Failing(e.message),
        })
    }

    /// What came of asking a server over Bolt.
    fn judge<T>(&self, asked: Result<Result<T, Error>, Elapsed>, phases: &Phases) -> Result<T, Untold> {
        let limit = self.config.check_timeout;
        let is_of_server = phases.now().is_of_server();
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(e)) if !is_of_server => Err(Untold::Unasked(e.message)),
            Ok(Err(e)) if matches!(e.kind, error::Kind::Server | error::Kind::Client) => {
                Err(Untold::Failing(e.message))
            }
            Ok(Err(e)) => Err(Untold::Refused(e.message)),
            Err(_) if !is_of_server => {
                Err(Untold::Unasked(format!("not asked within {limit} ms: {}", phases.now())))
            }
            Err(_) => Err(Untold::Silence(format!("no answer over Bolt within {limit} ms"))),
        }
    }

    /// The home database of a user, if the member says one.
    pub(super) async fn home_of(
        &self,
        member: &Member,
        lookup: &Lookup,
        bookmarks: &[String],
    ) -> Result<Option<String>, Error> {
        let mut pooled = member.pool.acquire(lookup.auth(), &Phases::default()).await?;
        let table = route(&mut pooled.conn, member, lookup, bookmarks).await;
        pooled.release();
        Ok(table?.database)
    }

    async fn token(&self, subject: &Subject) -> Result<Arc<AuthConfig>, NoAnswer> {
        subject.member.pool.endpoint.identity.token_within(self.limit()).await
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

    /// Whether the server answers over Bolt: then it is taken for one that does everything.
    async fn connect(&self, subject: &Subject) -> Answer {
        let limit = self.limit();
        let token = match self.token(subject).await {
            Ok(token) => token,
            Err(no) => return Answer::Unasked(no.why),
        };
        let pool = &subject.member.pool;
        let phases = Phases::starting_with(Phase::Liveness);
        let probing = async {
            let conn = pool.check_out(token, limit, &phases).await?;
            pool.check_in(conn);
            Ok::<_, Error>(())
        };
        match self.judge(tokio::time::timeout(limit, probing).await, &phases) {
            Ok(()) => ServerInfo {
                status: Status::Up,
                role: Role::Master,
                role_name: Some(SINGLE),
                topology: Some(SINGLE),
                ..ServerInfo::unknown()
            }
            .into(),
            Err(untold) => untold.into(),
        }
    }
}

impl From<Found> for Answer {
    fn from(found: Found) -> Self {
        Answer::Is(Box::new(found))
    }
}

/// Why a server has not told over Bolt what it was asked.
enum Untold {
    /// The server is no member of a cluster that routes.
    NotRouting,
    NoDatabase,
    Unasked(String),
    /// It answered, with an error.
    Failing(String),
    Refused(String),
    Silence(String),
}

/// The routing table that a member sends.
async fn route(
    conn: &mut Conn,
    member: &Member,
    lookup: &Lookup,
    bookmarks: &[String],
) -> Result<Table, Error> {
    let context = member.pool.endpoint.routing.as_deref().unwrap_or_default();
    super::routing::ask(conn, context, lookup, bookmarks, member.address().tls).await
}

impl From<Untold> for Answer {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::NotRouting => ServerInfo::failing(
                "it has no routing table: it is no member of a cluster that routes".into(),
            )
            .into(),
            Untold::NoDatabase => {
                let error = Some("it does not host this database".into());
                ServerInfo { error, topology: Some(kind::ROUTING), ..ServerInfo::unknown() }.into()
            }
            Untold::Unasked(why) => Answer::Unasked(why),
            Untold::Failing(why) => ServerInfo::failing(why).into(),
            Untold::Refused(why) => Answer::Refused(why),
            Untold::Silence(why) => Answer::Silence(why),
        }
    }
}

/// The questions of one check.
struct Asking<'a> {
    checker: &'a Checker,
    http: &'a Http,
    status: &'a StatusUrl,
    auth: &'a AuthConfig,
    /// Nobody is told who asks.
    is_anonymous: bool,
    deadline: Instant,
}

impl Asking<'_> {
    /// One request, and its answer whole.
    async fn get(&self, path: &str, database: &str) -> Result<(StatusCode, String), Answer> {
        let url = self.status.at(path, database);
        let login = Login::of(self.auth).filter(|_| !self.is_anonymous);
        if login.is_some() && url.scheme() == "http" {
            self.checker.warn_of_plain_http(&url);
        }
        self.http.get(url, login, left(self.deadline)).await.map_err(|none| match none {
            Unanswered::Refused(why) => Answer::Refused(why),
            Unanswered::Silence(why) => Answer::Silence(why),
        })
    }

    /// A member of that role, and how far it is, where that is told.
    async fn member(
        &self,
        subject: &Subject,
        kind: &Kind,
        database: &str,
        role: Role,
        name: &'static str,
    ) -> ServerInfo {
        let mut progress = Progress::default();
        // Whoever waits for a master is told of it at once.
        let is_awaited = role == Role::Master && subject.topology.master_is_promised_until().is_some();
        let is_told = !is_awaited && !subject.is_without_progress.load(Ordering::Relaxed);
        if let Some(path) = kind.status.filter(|_| is_told) {
            match self.get(path, database).await {
                Ok((StatusCode::OK, body)) => progress = serde_json::from_str(&body).unwrap_or_default(),
                Ok(_) => subject.is_without_progress.store(true, Ordering::Relaxed),
                // What it is, it has said.
                Err(_) => {}
            }
        }
        let name = if role == Role::Slave && progress.core == Some(false) { kind.read_only } else { name };
        ServerInfo {
            status: Status::Up,
            role,
            role_name: Some(name),
            topology: Some(kind.name),
            applied: progress.last_applied_raft_index.and_then(|index| u64::try_from(index).ok()),
            claim: (role == Role::Master).then_some(0),
            ..ServerInfo::unknown()
        }
    }
}

/// All of them, that one first.
fn known_first<T>(all: &'static [T], known: Option<&'static T>) -> impl Iterator<Item = &'static T> {
    let is_known = move |one: &&T| known.is_some_and(|known| std::ptr::eq(*one, known));
    all.iter().filter(is_known).chain(all.iter().filter(move |one| !is_known(one)))
}

/// What an answer means that no member gives. That it is up is all that any other text says, as 1.2.3 has it.
fn unreadable(kind: &Kind, code: StatusCode) -> ServerInfo {
    if code == StatusCode::OK {
        return ServerInfo { status: Status::Up, ..ServerInfo::unknown() };
    }
    let hint = match code {
        StatusCode::UNAUTHORIZED => {
            format!(": are user and password right? With {} the server asks for none", kind.setting)
        }
        _ => String::new(),
    };
    ServerInfo::failing(format!("the check was answered with HTTP {}{hint}", code.as_u16()))
}

impl StatusUrl {
    pub(super) fn new(endpoint: &StatusEndpoint) -> Result<Self, Error> {
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
    fn at(&self, path: &str, database: &str) -> reqwest::Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            let named =
                path.split('/').skip(1).map(|part| if part == "{database}" { database } else { part });
            segments.extend(named);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_urls() {
        let url = |url: &str, path: &str| {
            StatusUrl::new(&StatusEndpoint { url: url.into(), auth: None })
                .map(|status| status.at(path, "my/db").to_string())
        };
        let path = "/db/manage/server/ha/available";
        assert_eq!(url("http://h:7474", path).unwrap(), "http://h:7474/db/manage/server/ha/available");
        assert_eq!(url("https://h/proxy/", path).unwrap(), "https://h/proxy/db/manage/server/ha/available");
        let path = "/db/{database}/cluster/writable";
        assert_eq!(url("http://h:7474", path).unwrap(), "http://h:7474/db/my%2Fdb/cluster/writable");
        assert!(url("bolt://h:7687", path).is_err());
        assert!(url("h", path).is_err());
        let error = url("http://somebody:hunter2@h", path).unwrap_err();
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
