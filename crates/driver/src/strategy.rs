//! Which server does the work: eligibility by role and permission, then a strategy among the eligible.

use std::time::Duration;

use parking_lot::Mutex;

use crate::latency::Range;
use crate::topology::{Role, Status, View};

/// Bits of [`Permissions`].
pub(crate) mod permission {
    /// Masters may read.
    pub(crate) const MASTER_READS: u8 = 1;
    /// Masters may write.
    pub(crate) const MASTER_WRITES: u8 = 2;
    /// Slaves may read.
    pub(crate) const SLAVE_READS: u8 = 4;
    /// Slaves may write.
    pub(crate) const SLAVE_WRITES: u8 = 8;
}

/// What roles may do: 1 master reads, 2 master writes, 4 slave reads, 8 slave writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(pub u8);

impl Permissions {
    /// The default: the master does everything, slaves read.
    pub const MASTER_READ_WRITE_SLAVE_READ: Permissions = Permissions(0b0111);

    /// `None` for -1, "the driver's own".
    pub fn from_mask(mask: i32) -> Option<Self> {
        u8::try_from(mask).ok().filter(|m| *m <= 0b1111).map(Permissions)
    }

    /// Whether a server of this role may do this.
    pub fn allow(self, role: Role, write: bool) -> bool {
        let bit = match (role, write) {
            (Role::Master, false) => permission::MASTER_READS,
            (Role::Master, true) => permission::MASTER_WRITES,
            (Role::Slave, false) => permission::SLAVE_READS,
            (Role::Slave, true) => permission::SLAVE_WRITES,
            (Role::Unknown, _) => 0,
        };
        self.0 & bit != 0
    }
}

/// A server that takes at best so many times what another one takes at worst is slow, and gets no work, however much is in
/// flight elsewhere: of those that read at the same time, one in a hundred would else meet it.
const SLOWER: f64 = 1.5;
/// How many of all choices may be trials, at most: so few that they are not seen among the slowest hundredth.
const TRIALS: f64 = 0.005;
/// And how long it is between one trial of a server and the next, at least.
const BETWEEN_TRIALS: Duration = Duration::from_secs(1);

/// The public numbers of strategies.
pub(crate) mod number {
    /// Any of them.
    pub(crate) const RANDOM: i32 = 0;
    /// One after the other, in the order of the configuration.
    pub(crate) const ROUND_ROBIN: i32 = 1;
    /// The one with the lowest smoothed latency of its checks.
    pub(crate) const NEAREST: i32 = 2;
    /// Of two at random the one with fewer connections in flight.
    pub(crate) const LEAST_CONNECTED: i32 = 3;
    /// Of two at random that are not slower than others the one that takes work up sooner, for what is in flight there.
    pub(crate) const FASTEST: i32 = 4;
    /// From here on, functions of the application.
    pub(crate) const FIRST_FUNCTION: i32 = 5;
}

const _: () = assert!(number::FIRST_FUNCTION > number::FASTEST);

/// How one of several eligible servers is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Any of them, by weight.
    Random,
    /// One after the other, beginning with the first; counted per driver. Who has twice the weight has two turns.
    RoundRobin,
    /// The one with the lowest smoothed latency of its checks. Those that are as near, within
    /// [`crate::Config::nearest_window`], take turns.
    Nearest,
    /// Of two at random, by weight, the one with fewer connections in flight for its weight.
    LeastConnected,
    /// Of two at random that are not slower than others the one that took work up sooner, counted with what is in flight there
    /// and its weight.
    Fastest,
    /// The one with the fewest connections in flight, equals in turn: what the official drivers do with a routing table.
    LeastOfAll,
    /// A function of the user's, known to [`crate::Observer::choose`] by this key (5 and above).
    Custom(i32),
}

impl Strategy {
    /// The public numbers; what is not one of them is a custom key.
    pub fn from_number(number: i32) -> Self {
        match number {
            number::RANDOM => Strategy::Random,
            number::ROUND_ROBIN => Strategy::RoundRobin,
            number::NEAREST => Strategy::Nearest,
            number::LEAST_CONNECTED => Strategy::LeastConnected,
            number::FASTEST => Strategy::Fastest,
            key => Strategy::Custom(key),
        }
    }
}

/// What strategies ask of a server.
pub(crate) trait Measures {
    /// How much of the work it is to have, beside the others.
    fn weight(&self, server: usize) -> f64;
    /// The smoothed time of its checks, in milliseconds.
    fn distance(&self, server: usize) -> f64;
    /// How many pieces of work have a connection to it, or wait for one.
    fn in_flight(&self, server: usize) -> usize;
    /// The time in which it takes up work, if it is known.
    fn latency(&self, server: usize) -> Option<Range>;
    /// Whether it has taken up none for so long.
    fn is_unasked(&self, server: usize, time: Duration) -> bool;
}

/// Whose turn it is, where turns go by weight. Reads and writes have different candidates, and each turns of their own: with one
/// count, reads between writes would all meet the same server.
#[derive(Default)]
pub(crate) struct Rotation {
    reads: Mutex<Credits>,
    writes: Mutex<Credits>,
}

/// What each server has saved up since its last turn. All together it is nothing.
type Credits = Vec<f64>;

impl Rotation {
    /// The next one: who has saved up most, when each has got its weight, and pays for all of them. So the turns of one with
    /// much weight are spread among those of the others.
    fn next(
        &self,
        write: bool,
        who: impl Iterator<Item = usize>,
        weight: impl Fn(usize) -> f64,
    ) -> Option<usize> {
        let mut credits = if write { self.writes.lock() } else { self.reads.lock() };
        let (mut total, mut next) = (0.0, None::<(usize, f64)>);
        for server in who {
            if credits.len() <= server {
                credits.resize(server + 1, 0.0);
            }
            let Some(credit) = credits.get_mut(server) else { continue };
            *credit += weight(server);
            total += weight(server);
            if next.is_none_or(|(_, most)| *credit > most) {
                next = Some((server, *credit));
            }
        }
        let (server, _) = next?;
        if let Some(credit) = credits.get_mut(server) {
            *credit -= total;
        }
        Some(server)
    }
}

/// What a session asks of the topology.
#[derive(Debug, Clone, Copy)]
pub struct Intent {
    /// Whether at least one write is meant.
    pub write: bool,
    /// What each role may do.
    pub permissions: Permissions,
    /// How to pick.
    pub strategy: Strategy,
    /// The one server to use, whatever its role.
    pub pinned: Option<usize>,
}

/// Whether any server may do this work.
pub(crate) fn any_eligible(view: &View, permissions: Permissions, write: bool) -> bool {
    view.indexes().any(|i| is_eligible(view, i, permissions, write))
}

/// Whether one server may do this work.
pub(crate) fn is_eligible(view: &View, index: usize, permissions: Permissions, write: bool) -> bool {
    view.get(index).is_some_and(|s| {
        s.status == Status::Up && permissions.allow(s.role, write) && !(write && view.is_superseded(s))
    })
}

/// Picks by one of the strategies that need no callback; `None` if there is no candidate. Nothing is allocated for it.
pub(crate) fn pick(
    strategy: Strategy,
    who: impl Iterator<Item = usize> + Clone,
    of: &impl Measures,
    nearest_window: f64,
    rotation: &Rotation,
    write: bool,
) -> Option<usize> {
    let weight = |server| of.weight(server);
    match strategy {
        Strategy::Random | Strategy::Custom(_) => draw(who, weight),
        Strategy::RoundRobin => rotation.next(write, who, weight),
        Strategy::Nearest => {
            let lowest = who.clone().map(|server| of.distance(server)).min_by(f64::total_cmp)?;
            let near = who.filter(|server| of.distance(*server) <= lowest + nearest_window);
            rotation.next(write, near, weight)
        }
        // Equals are had by weight, since the first of the two is.
        Strategy::LeastConnected => {
            better_of_two(who, weight, |server| of.in_flight(server) as f64 / of.weight(server))
        }
        Strategy::LeastOfAll => {
            let fewest = who.clone().map(|server| of.in_flight(server)).min()?;
            rotation.next(write, who.filter(|server| of.in_flight(*server) == fewest), weight)
        }
        Strategy::Fastest => trial(who.clone(), of).or_else(|| {
            let worst = who.clone().filter_map(|server| of.latency(server)).map(|latency| latency.high);
            let limit = SLOWER * worst.min_by(f64::total_cmp).unwrap_or(f64::INFINITY);
            let fast = who.filter(|server| of.latency(*server).is_none_or(|latency| latency.low <= limit));
            // Not by weight: that is in the cost.
            better_of_two(fast, |_| 1.0, |server| cost(of, server))
        }),
    }
}

/// Of two at random the one with the lower load: all but as good as the best of all, and who decides at the same time does not
/// decide for the same one.
fn better_of_two(
    who: impl Iterator<Item = usize> + Clone,
    weight: impl Fn(usize) -> f64,
    load: impl Fn(usize) -> f64,
) -> Option<usize> {
    let one = draw(who.clone(), &weight)?;
    let other = draw(who.filter(|server| *server != one), &weight);
    Some(other.filter(|other| load(*other) < load(one)).unwrap_or(one))
}

/// One at random, by weight: each takes the place of those before it as often as its weight is of all so far.
fn draw(mut who: impl Iterator<Item = usize>, weight: impl Fn(usize) -> f64) -> Option<usize> {
    let first = who.next()?;
    let (mut drawn, mut total) = (first, weight(first));
    for server in who {
        total += weight(server);
        if fastrand::f64() * total < weight(server) {
            drawn = server;
        }
    }
    Some(drawn)
}

/// Now and then one that gets no work any more: it may have become as fast as the others.
fn trial(who: impl Iterator<Item = usize> + Clone, of: &impl Measures) -> Option<usize> {
    if fastrand::f64() >= TRIALS {
        return None;
    }
    draw(who, |_| 1.0).filter(|server| of.in_flight(*server) == 0 && of.is_unasked(*server, BETWEEN_TRIALS))
}

/// What one more piece of work costs there.
fn cost(of: &impl Measures, server: usize) -> f64 {
    let in_flight = of.in_flight(server);
    match of.latency(server) {
        Some(latency) => latency.high * (in_flight as f64 + 1.0) / of.weight(server),
        // Of one that is not known yet the first answer is awaited.
        None if in_flight == 0 => 0.0,
        None => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::latency::Latency;
    use crate::topology::ServerInfo;

    fn view(servers: &[(Status, Role, f64)]) -> View {
        View {
            servers: servers
                .iter()
                .enumerate()
                .map(|(index, &(status, role, distance))| ServerInfo {
                    index,
                    status,
                    role,
                    distance,
                    ..ServerInfo::unknown()
                })
                .collect(),
            checked: true,
        }
    }

    #[test]
    fn permissions_of_the_four_presets() {
        let (master, slave) = (Role::Master, Role::Slave);
        let table = [
            (0b0011, [true, true, false, false]),
            (0b0110, [false, true, true, false]),
            (0b0111, [true, true, true, false]),
            (0b1111, [true, true, true, true]),
        ];
        for (mask, [mr, mw, sr, sw]) in table {
            let p = Permissions::from_mask(mask).unwrap();
            assert_eq!([p.allow(master, false), p.allow(master, true)], [mr, mw]);
            assert_eq!([p.allow(slave, false), p.allow(slave, true)], [sr, sw]);
            assert!(!p.allow(Role::Unknown, false));
        }
        assert_eq!(Permissions::from_mask(-1), None);
    }

    #[test]
    fn only_servers_that_are_up_and_have_a_role_are_eligible() {
        let v = view(&[
            (Status::Up, Role::Master, 1.0),
            (Status::Up, Role::Slave, 1.0),
            (Status::Up, Role::Unknown, 1.0),
            (Status::Down, Role::Slave, -1.0),
        ]);
        let eligible = |write| {
            let permissions = Permissions::MASTER_READ_WRITE_SLAVE_READ;
            (0..4).filter(|i| is_eligible(&v, *i, permissions, write)).collect::<Vec<_>>()
        };
        assert_eq!((eligible(false), eligible(true)), (vec![0, 1], vec![0]));
    }

    /// Servers as their measures say.
    #[derive(Clone)]
    struct Measured {
        weights: Vec<f64>,
        distances: Vec<f64>,
        in_flight: Vec<usize>,
        latencies: Vec<Option<f64>>,
        is_unasked: bool,
    }

    impl Measures for Measured {
        fn weight(&self, server: usize) -> f64 {
            self.weights[server]
        }

        fn distance(&self, server: usize) -> f64 {
            self.distances[server]
        }

        fn in_flight(&self, server: usize) -> usize {
            self.in_flight[server]
        }

        fn latency(&self, server: usize) -> Option<Range> {
            self.latencies[server].map(|time| Range { low: time, high: time })
        }

        fn is_unasked(&self, _: usize, _: Duration) -> bool {
            self.is_unasked
        }
    }

    /// That many equal servers.
    fn equal(servers: usize) -> Measured {
        Measured {
            weights: vec![1.0; servers],
            distances: vec![1.0; servers],
            in_flight: vec![0; servers],
            latencies: vec![Some(1.0); servers],
            is_unasked: false,
        }
    }

    fn weighing(weights: &[f64]) -> Measured {
        Measured { weights: weights.to_vec(), ..equal(weights.len()) }
    }

    /// What so many choices among these are, with the same seed each time.
    fn picks(strategy: Strategy, of: &Measured, among: &[usize], times: usize) -> Vec<usize> {
        fastrand::seed(7);
        let rotation = Rotation::default();
        let pick = || pick(strategy, among.iter().copied(), of, 0.0, &rotation, false).unwrap();
        (0..times).map(|_| pick()).collect()
    }

    /// How many of 10,000 choices each server has.
    fn shares(strategy: Strategy, of: &Measured) -> Vec<usize> {
        let all: Vec<usize> = (0..of.weights.len()).collect();
        let picks = picks(strategy, of, &all, 10_000);
        all.iter().map(|server| picks.iter().filter(|p| *p == server).count()).collect()
    }

    const NUMBERS: [i32; 5] =
        [number::RANDOM, number::ROUND_ROBIN, number::NEAREST, number::LEAST_CONNECTED, number::FASTEST];

    #[test]
    fn every_strategy_reaches_every_equal_candidate_and_nothing_else() {
        for strategy in NUMBERS.map(Strategy::from_number) {
            assert!(!matches!(strategy, Strategy::Custom(_)));
            let seen: BTreeSet<_> = picks(strategy, &equal(4), &[0, 2, 3], 200).into_iter().collect();
            assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 2, 3], "{strategy:?}");
            let none = pick(strategy, std::iter::empty(), &equal(4), 0.0, &Rotation::default(), true);
            assert_eq!(none, None, "{strategy:?}");
            assert_eq!(picks(strategy, &equal(4), &[1], 2), [1, 1], "{strategy:?}");
        }
        assert_eq!(Strategy::from_number(number::FIRST_FUNCTION), Strategy::Custom(number::FIRST_FUNCTION));
    }

    #[test]
    fn round_robin_begins_with_the_first_and_comes_round() {
        assert_eq!(picks(Strategy::RoundRobin, &equal(3), &[0, 1, 2], 7), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn round_robin_goes_on_where_one_is_missing_for_a_while() {
        let (of, rotation) = (equal(3), Rotation::default());
        let next = |among: &[usize]| {
            pick(Strategy::RoundRobin, among.iter().copied(), &of, 0.0, &rotation, false).unwrap()
        };
        let all = [0, 1, 2];
        assert_eq!([next(&all), next(&[1, 2]), next(&[1, 2]), next(&[1, 2])], [0, 1, 2, 1]);
        let back: Vec<_> = (0..300).map(|_| next(&all)).collect();
        for server in all {
            let share = back.iter().filter(|p| **p == server).count();
            assert!((99..=101).contains(&share), "{server} had {share}");
        }
    }

    #[test]
    fn reads_and_writes_take_turns_of_their_own() {
        let (of, rotation) = (equal(2), Rotation::default());
        let next = |write| pick(Strategy::RoundRobin, 0..2, &of, 0.0, &rotation, write).unwrap();
        assert_eq!([next(false), next(true), next(false), next(true)], [0, 0, 1, 1]);
    }

    #[test]
    fn turns_by_weight_are_spread() {
        let of = weighing(&[5.0, 1.0, 1.0]);
        assert_eq!(picks(Strategy::RoundRobin, &of, &[0, 1, 2], 7), [0, 0, 1, 0, 2, 0, 0]);
        let of = weighing(&[0.5, 1.5]);
        assert_eq!(picks(Strategy::RoundRobin, &of, &[0, 1], 4), [1, 0, 1, 1]);
    }

    #[test]
    fn shares_follow_weights() {
        for weights in [vec![1.0, 1.0, 1.0], vec![3.0, 1.0], vec![0.5, 2.0, 2.5, 5.0]] {
            let of = weighing(&weights);
            let total: f64 = weights.iter().sum();
            for strategy in [Strategy::Random, Strategy::RoundRobin, Strategy::LeastConnected] {
                for (share, weight) in shares(strategy, &of).into_iter().zip(&weights) {
                    let (share, due) = (share as f64 / 10_000.0, weight / total);
                    assert!((share - due).abs() < 0.02, "{strategy:?} of {weights:?}: {share}, not {due}");
                }
            }
        }
    }

    #[test]
    fn work_in_flight_follows_weights() {
        for strategy in [Strategy::LeastConnected, Strategy::Fastest] {
            fastrand::seed(7);
            let mut of = weighing(&[1.0, 2.0, 5.0]);
            let rotation = Rotation::default();
            for _ in 0..800 {
                let picked = pick(strategy, 0..3, &of, 0.0, &rotation, false).unwrap();
                of.in_flight[picked] += 1;
            }
            for (in_flight, due) in of.in_flight.iter().zip([100, 200, 500]) {
                assert!(in_flight.abs_diff(due) <= 10, "{strategy:?}: {:?}", of.in_flight);
            }
        }
    }

    #[test]
    fn nearest_takes_the_lowest_latency() {
        let of = Measured { distances: vec![9.0, 2.0, 5.0], ..equal(3) };
        assert_eq!(picks(Strategy::Nearest, &of, &[0, 1, 2], 3), [1, 1, 1]);
        assert_eq!(picks(Strategy::Nearest, &of, &[0, 2], 2), [2, 2]);
    }

    #[test]
    fn those_that_are_as_near_take_turns() {
        let of = Measured { distances: vec![3.0, 9.0, 2.0, 2.5], ..equal(4) };
        let rotation = Rotation::default();
        let next = |window| pick(Strategy::Nearest, 0..4, &of, window, &rotation, false).unwrap();
        let within: Vec<_> = (0..6).map(|_| next(1.0)).collect();
        assert_eq!(within, [0, 2, 3, 0, 2, 3], "up to the end of the window, and no further");
        assert_eq!(next(0.0), 2);
    }

    #[test]
    fn least_connected_takes_the_one_with_fewer_in_flight() {
        let of = Measured { in_flight: vec![3, 1], ..equal(2) };
        assert_eq!(shares(Strategy::LeastConnected, &of), [0, 10_000]);
        let of = Measured { in_flight: vec![3, 2], weights: vec![2.0, 1.0], ..equal(2) };
        assert_eq!(shares(Strategy::LeastConnected, &of), [10_000, 0], "for their weights");
        let of = Measured { in_flight: vec![9, 1, 1, 1], ..equal(4) };
        let shares = shares(Strategy::LeastConnected, &of);
        assert!(shares[0] == 0 && shares[1..].iter().all(|share| *share > 3_000), "{shares:?}");
    }

    #[test]
    fn fastest_leaves_the_slow_one_however_full_the_others_are() {
        let of = Measured {
            latencies: vec![Some(1.0), Some(10.0), Some(1.0)],
            in_flight: vec![500, 0, 500],
            ..equal(3)
        };
        let shares = shares(Strategy::Fastest, &of);
        assert!(shares[1] == 0 && shares[0].abs_diff(shares[2]) < 500, "{shares:?}");
    }

    #[test]
    fn fastest_weighs_those_that_are_nearly_as_fast_by_what_is_in_flight() {
        let of = |in_flight| Measured { latencies: vec![Some(1.0), Some(1.4)], in_flight, ..equal(2) };
        assert_eq!(shares(Strategy::Fastest, &of(vec![0, 0])), [10_000, 0]);
        assert_eq!(shares(Strategy::Fastest, &of(vec![3, 1])), [0, 10_000]);
    }

    #[test]
    fn a_slow_one_is_tried_seldom_once_it_was_not_asked_for_a_while() {
        let unasked = |in_flight| Measured {
            latencies: vec![Some(1.0), Some(10.0), Some(1.0)],
            in_flight,
            is_unasked: true,
            ..equal(3)
        };
        let tried = shares(Strategy::Fastest, &unasked(vec![0, 0, 0]))[1];
        assert!((5..50).contains(&tried), "{tried}");
        assert_eq!(shares(Strategy::Fastest, &unasked(vec![0, 1, 0]))[1], 0, "the answer is awaited");
    }

    /// Servers whose answers take time.
    struct Reading {
        in_flight: Vec<usize>,
        latencies: Vec<Latency>,
    }

    impl Measures for Reading {
        fn weight(&self, _: usize) -> f64 {
            1.0
        }

        fn distance(&self, _: usize) -> f64 {
            1.0
        }

        fn in_flight(&self, server: usize) -> usize {
            self.in_flight[server]
        }

        fn latency(&self, server: usize) -> Option<Range> {
            self.latencies[server].range()
        }

        fn is_unasked(&self, server: usize, time: Duration) -> bool {
            self.latencies[server].is_older_than(time)
        }
    }

    /// How many of so many reads each server has, when that many readers read one after the other.
    async fn reads(readers: usize, reads: usize, mut takes: impl FnMut(usize) -> Duration) -> Vec<usize> {
        fastrand::seed(7);
        let mut of = Reading {
            in_flight: vec![0; 3],
            latencies: std::iter::repeat_with(Latency::default).take(3).collect(),
        };
        let rotation = Rotation::default();
        let (mut had, mut ends) = (vec![0; 3], BTreeSet::new());
        for read in 0..readers + reads {
            if read >= readers {
                let (end, _, began, server): (Instant, usize, Instant, usize) = ends.pop_first().unwrap();
                tokio::time::advance(end - Instant::now()).await;
                of.in_flight[server] -= 1;
                of.latencies[server].took(end - began);
                had[server] += 1;
            }
            let server = pick(Strategy::Fastest, 0..3, &of, 0.0, &rotation, false).unwrap();
            of.in_flight[server] += 1;
            let now = Instant::now();
            ends.insert((now + takes(server), read, now, server));
        }
        had
    }

    /// The times of servers are never the same twice.
    fn about(milliseconds: f64) -> Duration {
        Duration::from_secs_f64(milliseconds * (0.5 + fastrand::f64()) / 1000.0)
    }

    const READERS: [usize; 5] = [1, 4, 16, 64, 128];

    #[tokio::test(start_paused = true)]
    async fn of_three_readers_one_that_is_ten_times_slower_has_less_than_a_hundredth() {
        for readers in READERS {
            let had = reads(readers, 20_000, |server| about(if server == 1 { 20.0 } else { 2.0 })).await;
            assert!(had[1] < 200 && had[0] > 6_000 && had[2] > 6_000, "{readers} readers: {had:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_left_when_all_pause_from_time_to_time() {
        let began = Instant::now();
        for readers in READERS {
            // What would end within the first 15 ms of each half of a second ends after them.
            let takes = |server| {
                let time = about(if server == 1 { 20.0 } else { 2.0 });
                let end = (began.elapsed() + time).as_millis() % 500;
                time + Duration::from_millis(15_u64.saturating_sub(end as u64))
            };
            let had = reads(readers, 20_000, takes).await;
            assert!(had[1] < 200 && had[0] > 6_000 && had[2] > 6_000, "{readers} readers: {had:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn equal_readers_have_equal_shares() {
        for readers in READERS {
            let had = reads(readers, 30_000, |_| about(2.0)).await;
            assert!(had.iter().all(|share| (7_000..13_000).contains(share)), "{readers} readers: {had:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_was_slow_for_a_while_has_its_share_again() {
        for readers in [1, 4, 64] {
            let began = Instant::now();
            let pause = Duration::from_secs(1);
            let takes = |server| about(if server == 1 && began.elapsed() < pause { 20.0 } else { 2.0 });
            // For seven seconds more.
            let had = reads(readers, readers * 4_000, takes).await;
            assert!(had[1] > readers * 500, "{readers} readers: {had:?}");
        }
    }

    #[test]
    fn of_a_server_that_is_not_known_yet_the_first_answer_is_awaited() {
        let unknown = |in_flight| Measured { latencies: vec![Some(1.0), None], in_flight, ..equal(2) };
        assert_eq!(shares(Strategy::Fastest, &unknown(vec![0, 0])), [0, 10_000]);
        assert_eq!(shares(Strategy::Fastest, &unknown(vec![50, 1])), [10_000, 0]);
    }
}
