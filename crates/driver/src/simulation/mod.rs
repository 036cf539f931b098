//! A cluster in memory, on held time: the engine as it is, on a network whose delays, cuts and losses a schedule decides.
//!
//! Each number is the seed of one schedule. From it come the cluster's kind and size, the driver's settings, what happens to the
//! members (they are killed, hang, are cut off, become slow, change their parts, say by HTTP what they are not by Bolt) and what
//! applications ask of the driver meanwhile. In each, whatever happens:
//!
//! - no write begins on a member of which the driver's own view says that it is a slave, or that another one came after it;
//! - everything that was asked has an outcome, in time, and one only; so has `close()`, and what it ends;
//! - what is said to be done was done once, what is said not to be done was not, and what is of unknown outcome was done once or
//!   not at all, as a whole;
//! - a read has all of its records, once;
//! - there are never more connections to a member than its pool may have and one of a check, and none is left when the driver is closed;
//! - when all is well again, so is the driver: it writes, and no connection is missing from its pools.
//!
//! `cargo test` plays some hundred schedules. More, or others:
//!
//! ```text
//! SEEDS=1000..9000 cargo test -p driver --lib simulation
//! ```
//!
//! A number that fails is said. It is played again, with all that happens, by:
//!
//! ```text
//! SEED=1234 cargo test -p driver --lib simulation -- --nocapture
//! ```

mod cluster;
mod network;
mod schedule;
pub(crate) mod watch;
mod workload;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bolt::Version;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::config::{Config, HedgeAfter, HedgeConfig, LogLevel, ServerConfig, StatusEndpoint};
use crate::Driver;
use cluster::{Cluster, Kind, Members, Nature};
pub(crate) use network::{Network, Port, Stream};
use schedule::Schedule;
use workload::{Limits, Workload};

/// The schedules that are played where nothing else is asked for.
const SEEDS: Range<u64> = 0..200;

/// What came of a schedule.
struct Played {
    faults: Vec<String>,
    trace: Vec<String>,
}

/// Plays the schedule of this number.
fn play(seed: u64) -> Played {
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let cluster = runtime.block_on(async {
        let (cluster, config) = lots();
        play_on(&cluster, config).await;
        cluster
    });
    let (faults, trace) = cluster.take_trace();
    Played { faults, trace }
}

/// A cluster and the settings of a driver for it.
fn lots() -> (Arc<Cluster>, Config) {
    let of = |range: Range<u64>| fastrand::u64(range);
    let members = fastrand::usize(3..6);
    let version = *fastrand::choice(&[(3, 0), (3, 0), (4, 4), (5, 4)]).unwrap();
    let kind = if fastrand::u32(0..3) > 0 { Kind::Ha } else { Kind::Causal };
    let server = |member| ServerConfig {
        http: Some(StatusEndpoint { url: format!("http://{}:7474", Network::name(member)), auth: None }),
        bolt: format!("bolt://{}:7687", Network::name(member)),
        ..ServerConfig::default()
    };
    let config = Config {
        servers: (0..members).map(server).collect(),
        strategy: fastrand::i32(0..5),
        check_interval: of(100..600),
        check_timeout: of(200..1_000),
        unresponsive_timeout: of(500..3_000),
        max_connection_pool_size: fastrand::usize(2..7),
        max_connection_lifetime: if fastrand::u32(0..4) == 0 {
            fastrand::i64(1_000..5_000)
        } else {
            3_600_000
        },
        connection_acquisition_timeout: of(1_000..8_000),
        connection_liveness_check_timeout: (fastrand::u32(0..4) == 0).then(|| fastrand::i64(0..1_000)),
        connection_timeout: of(1_000..5_000),
        connection_loss_timeout: of(2_000..6_000),
        max_transaction_retry_time: of(2_000..12_000),
        hedge: (fastrand::u32(0..4) == 0).then(|| HedgeConfig {
            after: HedgeAfter::Milliseconds(fastrand::f64() * 50.0),
            budget: fastrand::f64(),
        }),
        bad_connections_count_as_errors: fastrand::u32(0..8) == 0,
        log_level: LogLevel::Debug,
        ..Config::default()
    };
    let nature = Nature {
        kind,
        version: Version::new(version.0, version.1),
        branches: kind == Kind::Ha && fastrand::bool(),
        deadlocks: fastrand::u32(0..4),
        late: fastrand::u32(0..8),
        latest: of(1..2_000),
        patience: config.retry_time(),
    };
    (Cluster::new(members, nature), config)
}

async fn play_on(cluster: &Arc<Cluster>, config: Config) {
    let members = Arc::new(Members(cluster.clone()));
    let _entered = cluster.network.enter(members.clone());
    let room = if fastrand::u32(0..4) == 0 { fastrand::usize(64..600) } else { 1 << 16 };
    for member in 0..config.servers.len() {
        cluster.network.set_delay(member, 0..2);
        cluster.network.set_room(member, room);
    }
    cluster.note(&format!("{:?} {config:?}", cluster.nature));
    let driver = Driver::new(config.clone(), members, Handle::current()).unwrap();
    let workload = Workload::new(cluster.clone(), driver, limits(&config, &cluster.nature));
    let schedule = Schedule::new(cluster.clone(), Duration::from_millis(config.connection_loss_timeout));
    let applications: Vec<_> =
        (0..fastrand::u32(2..8)).map(|_| tokio::spawn(workload.clone().work())).collect();
    let trouble = Duration::from_secs(fastrand::u64(3..20));
    schedule.trouble(trouble).await;
    if fastrand::u32(0..10) == 0 {
        schedule.outage(Duration::from_secs(40)).await;
    }
    workload.is_over();
    let is_closed_amid = fastrand::u32(0..5) == 0;
    if is_closed_amid {
        workload.close_driver().await;
        schedule.trouble(Duration::from_secs(2)).await;
        left_none(cluster);
    }
    schedule.heal();
    for application in applications {
        workload.ends(application).await;
    }
    if !is_closed_amid {
        workload.recovers(&config).await;
        workload.close_driver().await;
        sleep(Duration::from_secs(1)).await;
        left_none(cluster);
    }
    for member in 0..config.servers.len() {
        let (_, most) = cluster.network.open(member, Port::Bolt);
        // One more, for a moment: a check's own, where all are in use.
        if most > config.max_connection_pool_size + 1 {
            cluster.fault(format!("{most} of {} connections to m{member}", config.max_connection_pool_size));
        }
    }
    workload.audit();
}

/// The driver is closed: no connection of it is left.
fn left_none(cluster: &Cluster) {
    let members = cluster.state.lock().members.len();
    for (member, port) in (0..members).flat_map(|member| [(member, Port::Bolt), (member, Port::Http)]) {
        let (open, _) = cluster.network.open(member, port);
        if open > 0 {
            cluster.fault(format!("{open} connections to {port:?} of m{member} are left"));
        }
    }
}

/// What is asked of a server ends when that answers, or the driver, or the system, finds it silent. Work that is tried again ends by
/// the last attempt: a connection that is waited for, and what is asked on it.
fn limits(config: &Config, nature: &Nature) -> Limits {
    let silence = 2 * config.check_interval + 3 * config.check_timeout + config.unresponsive_timeout;
    let step = silence.max(config.connection_loss_timeout) + 3 * nature.latest + 2_000;
    let work = config.max_transaction_retry_time + config.connection_acquisition_timeout + 2 * step;
    Limits { work: Duration::from_millis(work), step: Duration::from_millis(step) }
}

#[test]
fn whatever_happens_to_a_cluster_no_promise_is_broken() {
    let number = |text: &str| text.trim().parse::<u64>().expect("a number");
    if let Ok(seed) = std::env::var("SEED") {
        let Played { faults, trace } = play(number(&seed));
        trace.iter().for_each(|line| println!("{line}"));
        assert!(faults.is_empty(), "{faults:#?}");
        return;
    }
    let seeds = std::env::var("SEEDS").map_or(SEEDS, |seeds| {
        let (from, to) = seeds.split_once("..").expect("SEEDS=from..to");
        number(from)..number(to)
    });
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let red: Vec<String> = std::thread::scope(|scope| {
        let play_some = |first| {
            let seeds = seeds.clone().skip(first).step_by(threads);
            scope.spawn(move || {
                let told = |seed| {
                    let Played { faults, .. } = play(seed);
                    (!faults.is_empty()).then(|| format!("SEED={seed}: {}", faults[0]))
                };
                seeds.filter_map(told).collect::<Vec<_>>()
            })
        };
        let playing: Vec<_> = (0..threads).map(play_some).collect();
        playing.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        red.is_empty(),
        "{} of {} schedules break a promise:\n{}\nTo see what happens: SEED=… cargo test -p driver --lib simulation -- --nocapture",
        red.len(),
        seeds.end - seeds.start,
        red.join("\n"),
    );
}

#[test]
fn a_schedule_is_played_again_by_its_number() {
    for seed in 0..10 {
        let (first, second) = (play(seed).trace, play(seed).trace);
        let differs = first.iter().zip(&second).position(|(a, b)| a != b);
        assert_eq!(differs.map(|at| (&first[at], &second[at])), None, "SEED={seed}");
        assert_eq!(first.len(), second.len(), "SEED={seed}");
    }
}
