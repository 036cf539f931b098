//! Which server does the work: eligibility by role and permission, then a strategy among the eligible.

use std::sync::atomic::{AtomicUsize, Ordering};

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

/// The public numbers of strategies.
pub(crate) mod number {
    /// Any of them.
    pub(crate) const RANDOM: i32 = 0;
    /// One after the other, in the order of the configuration.
    pub(crate) const ROUND_ROBIN: i32 = 1;
    /// The one with the lowest smoothed latency of its checks.
    pub(crate) const NEAREST: i32 = 2;
    /// From here on, functions of the application.
    pub(crate) const FIRST_FUNCTION: i32 = 3;
}

const _: () = assert!(number::FIRST_FUNCTION > number::NEAREST);

/// How one of several eligible servers is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Any of them.
    Random,
    /// One after the other, beginning with the first; counted per driver.
    RoundRobin,
    /// The one with the lowest smoothed latency.
    Nearest,
    /// A function of the user's, known to [`crate::Observer::choose`] by this key (3 and above).
    Custom(i32),
}

impl Strategy {
    /// The public numbers; what is not one of them is a custom key.
    pub fn from_number(number: i32) -> Self {
        match number {
            number::RANDOM => Strategy::Random,
            number::ROUND_ROBIN => Strategy::RoundRobin,
            number::NEAREST => Strategy::Nearest,
            key => Strategy::Custom(key),
        }
    }
}

/// Counts choices, so that equals take turns. Reads and writes have different candidates, and each a count: with one, reads
/// between writes would all meet the same server.
#[derive(Default)]
pub(crate) struct Turns {
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Turns {
    pub(crate) fn of(&self, write: bool) -> &AtomicUsize {
        if write {
            &self.writes
        } else {
            &self.reads
        }
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

/// The servers that may do this work.
pub(crate) fn eligible(view: &View, permissions: Permissions, write: bool) -> Vec<usize> {
    (0..view.servers.len()).filter(|&i| is_eligible(view, i, permissions, write)).collect()
}

/// Whether any server may do this work.
pub(crate) fn any_eligible(view: &View, permissions: Permissions, write: bool) -> bool {
    (0..view.servers.len()).any(|i| is_eligible(view, i, permissions, write))
}

/// Whether one server may do this work.
pub(crate) fn is_eligible(view: &View, index: usize, permissions: Permissions, write: bool) -> bool {
    view.servers.get(index).is_some_and(|s| {
        s.status == Status::Up && permissions.allow(s.role, write) && !(write && view.is_superseded(s))
    })
}

/// Picks by one of the strategies that need no callback; `None` if there is no candidate.
pub(crate) fn pick(
    strategy: Strategy,
    view: &View,
    candidates: &[usize],
    turn: &AtomicUsize,
) -> Option<usize> {
    if candidates.is_empty() {
        return None;
    }
    let place = match strategy {
        Strategy::Random | Strategy::Custom(_) => fastrand::usize(..candidates.len()),
        Strategy::RoundRobin => turn.fetch_add(1, Ordering::Relaxed) % candidates.len(),
        Strategy::Nearest => {
            let latency = |i: &usize| view.servers.get(*i).map_or(f64::MAX, |s| s.distance);
            return candidates.iter().copied().min_by(|a, b| latency(a).total_cmp(&latency(b)));
        }
    };
    candidates.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::ServerInfo;

    fn view(servers: &[(Status, Role, f64)]) -> View {
        View {
            servers: servers
                .iter()
                .map(|&(status, role, distance)| ServerInfo {
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
        assert_eq!(eligible(&v, Permissions::MASTER_READ_WRITE_SLAVE_READ, false), [0, 1]);
        assert_eq!(eligible(&v, Permissions::MASTER_READ_WRITE_SLAVE_READ, true), [0]);
    }

    #[test]
    fn round_robin_begins_with_the_first_and_comes_round() {
        let v = view(&[(Status::Up, Role::Slave, 1.0); 3].map(|s| s));
        let turn = AtomicUsize::new(0);
        let picks: Vec<_> =
            (0..4).map(|_| pick(Strategy::RoundRobin, &v, &[0, 1, 2], &turn).unwrap()).collect();
        assert_eq!(picks, [0, 1, 2, 0]);
    }

    #[test]
    fn nearest_takes_the_lowest_latency() {
        let v = view(&[
            (Status::Up, Role::Slave, 9.0),
            (Status::Up, Role::Slave, 2.0),
            (Status::Up, Role::Slave, 5.0),
        ]);
        assert_eq!(pick(Strategy::Nearest, &v, &[0, 1, 2], &AtomicUsize::new(0)), Some(1));
    }

    #[test]
    fn random_reaches_every_candidate_and_nothing_else() {
        let v = view(&[
            (Status::Up, Role::Slave, 1.0),
            (Status::Up, Role::Slave, 1.0),
            (Status::Up, Role::Slave, 1.0),
        ]);
        let seen: std::collections::BTreeSet<_> =
            (0..200).map(|_| pick(Strategy::Random, &v, &[0, 2], &AtomicUsize::new(0)).unwrap()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 2]);
    }
}
