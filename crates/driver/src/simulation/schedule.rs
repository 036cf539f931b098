//! What happens to the cluster, and when: by lot.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::cluster::{Cluster, Endpoint, Part};

/// A time from nothing to this many milliseconds: short ones are as likely as long ones.
pub(super) fn up_to(milliseconds: u64) -> Duration {
    Duration::from_secs_f64(fastrand::f64().powi(3) * milliseconds as f64 / 1000.0)
}

/// The faults of a cluster, until it is left in peace.
pub(super) struct Schedule {
    cluster: Arc<Cluster>,
    /// How long the client's system waits for a sign of a peer.
    loss: Duration,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Schedule {
    pub(super) fn new(cluster: Arc<Cluster>, loss: Duration) -> Arc<Schedule> {
        Arc::new(Schedule { cluster, loss, tasks: Mutex::default() })
    }

    fn later(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().push(tokio::spawn(work).abort_handle());
    }

    /// One thing after the other, for so long.
    pub(super) async fn trouble(self: &Arc<Self>, length: Duration) {
        let trouble = async {
            loop {
                sleep(up_to(3_000)).await;
                self.happen();
            }
        };
        let _ = tokio::time::timeout(length, trouble).await;
    }

    fn happen(self: &Arc<Self>) {
        let members = self.cluster.state.lock().members.len();
        let master = self.cluster.state.lock().master;
        let any = fastrand::usize(0..members);
        // Mostly it happens to the master.
        let member = master.filter(|_| fastrand::bool()).unwrap_or(any);
        match fastrand::u32(0..100) {
            0..15 => self.kill(member),
            15..30 => self.hang(member),
            30..45 => self.cut(member),
            45..60 => self.hand_over(any),
            60..70 => self.slow_down(member),
            70..80 => {
                self.cluster.note(&format!("a connection to m{member} breaks"));
                self.cluster.network.break_one(member);
            }
            80..85 => {
                self.cluster.note(&format!("a connection to m{member} is cut"));
                self.cluster.network.cut_one(member, self.loss);
            }
            _ => self.confuse(member),
        }
    }

    fn kill(self: &Arc<Self>, member: usize) {
        if !self.cluster.state.lock().members[member].is_up {
            return;
        }
        let vanishes = fastrand::u32(0..4) == 0;
        self.cluster
            .note(&format!("m{member} is killed{}", if vanishes { ", with its machine" } else { "" }));
        if vanishes {
            self.cut(member);
        }
        self.end(member);
        let this = self.clone();
        self.later(async move {
            sleep(up_to(8_000)).await;
            this.restart(member);
        });
    }

    /// All members end, and stay away for so long.
    pub(super) async fn outage(self: &Arc<Self>, length: Duration) {
        self.tasks.lock().drain(..).for_each(|task| task.abort());
        self.cluster.note("all members are killed");
        let members = self.cluster.state.lock().members.len();
        (0..members).for_each(|member| self.end(member));
        sleep(length).await;
    }

    fn end(self: &Arc<Self>, member: usize) {
        self.cluster.change(member, |member| {
            (member.is_up, member.is_hung) = (false, false);
            (member.part, member.says) = (Part::None, Part::None);
            member.incarnation += 1;
        });
        self.cluster.network.stop(member);
        self.depose(member, up_to(6_000));
    }

    fn restart(self: &Arc<Self>, member: usize) {
        if self.cluster.state.lock().members[member].is_up {
            return;
        }
        self.cluster.note(&format!("m{member} starts"));
        self.cluster.change(member, |member| member.is_up = true);
        self.cluster.network.start(member);
        let this = self.clone();
        self.later(async move {
            sleep(up_to(1_500)).await;
            this.join(member);
            if this.cluster.state.lock().master.is_none() {
                this.elect_after(up_to(1_000));
            }
        });
    }

    /// A member that has no part becomes a slave.
    fn join(&self, member: usize) {
        self.cluster.change(member, |member| {
            if member.is_up && member.part == Part::None {
                (member.part, member.says) = (Part::Slave, Part::Slave);
            }
        });
    }

    /// If it is the master, it is one no more, and another one will be.
    fn depose(self: &Arc<Self>, member: usize, election: Duration) {
        let was_master = {
            let mut state = self.cluster.state.lock();
            let was = state.master == Some(member);
            state.master = state.master.filter(|_| !was);
            was
        };
        if was_master {
            self.elect_after(election);
        }
    }

    fn elect_after(self: &Arc<Self>, pause: Duration) {
        let this = self.clone();
        self.later(async move {
            sleep(pause).await;
            while !this.elect(None) {
                sleep(Duration::from_millis(200)).await;
            }
        });
    }

    /// Whether there is a master then.
    fn elect(self: &Arc<Self>, wanted: Option<usize>) -> bool {
        let (elected, term, old) = {
            let mut state = self.cluster.state.lock();
            if state.master.is_some() && wanted.is_none() {
                return true;
            }
            let is_fit = |i: &usize| {
                let member = &state.members[*i];
                member.is_up && !member.is_hung && member.part != Part::None
            };
            let fit: Vec<_> = (0..state.members.len()).filter(is_fit).collect();
            let wanted = wanted.filter(is_fit);
            let Some(elected) = wanted.or_else(|| fastrand::choice(fit)) else { return false };
            state.term += 1;
            (elected, state.term, state.master.replace(elected))
        };
        self.cluster.note(&format!("m{elected} is the master of term {term}"));
        self.cluster.change(elected, |member| member.part = Part::Master(term));
        let members = self.cluster.state.lock().members.len();
        for member in 0..members {
            let is_it = member == elected;
            // Who was the master and hangs, or is on its own, does not hear of it at once.
            let hears = if is_it || Some(member) == old { Duration::ZERO } else { up_to(1_500) };
            let says = if fastrand::bool() { Duration::ZERO } else { up_to(800) };
            let this = self.clone();
            self.later(async move {
                sleep(hears).await;
                this.become_part_of(term, member, is_it, says).await;
            });
        }
        true
    }

    /// A member hears who the master is, and says a while later by HTTP what it is itself.
    async fn become_part_of(self: Arc<Self>, term: u64, member: usize, is_master: bool, says: Duration) {
        while self.cluster.state.lock().members[member].is_hung {
            self.cluster.changed.notified().await;
        }
        let part = if is_master { Part::Master(term) } else { Part::Slave };
        let is_outdated = {
            let state = self.cluster.state.lock();
            let is_older = |part| matches!(part, Part::Master(other) if other > term);
            state.term > term && is_master || is_older(state.members[member].part)
        };
        if is_outdated || self.cluster.state.lock().members[member].part == Part::None {
            return;
        }
        self.cluster.change(member, |member| member.part = part);
        sleep(says).await;
        self.cluster.change(member, |member| {
            if member.part == part {
                member.says = part;
            }
        });
    }

    fn hang(self: &Arc<Self>, member: usize) {
        self.cluster.note(&format!("m{member} hangs"));
        self.cluster.change(member, |member| member.is_hung = member.is_up);
        let (replaced_after, length) = (up_to(8_000), up_to(30_000));
        let this = self.clone();
        self.later(async move {
            if replaced_after < length {
                sleep(replaced_after).await;
                this.depose(member, up_to(1_000));
                sleep(length - replaced_after).await;
            } else {
                sleep(length).await;
            }
            this.go_on(member);
        });
    }

    fn go_on(&self, member: usize) {
        self.cluster.note(&format!("m{member} goes on"));
        self.cluster.change(member, |member| member.is_hung = false);
    }

    fn cut(self: &Arc<Self>, member: usize) {
        let cut = *fastrand::choice(&[[true, true], [true, false], [false, true]]).unwrap();
        self.cluster.note(&format!("the way to m{member} is cut: {cut:?}"));
        self.cluster.network.set_cut(member, cut);
        let (length, loss, this) = (up_to(20_000), self.loss, self.clone());
        self.later(async move {
            if length > loss {
                sleep(loss).await;
                this.cluster.network.lose(member);
                sleep(length - loss).await;
            } else {
                sleep(length).await;
            }
            this.mend(member);
        });
    }

    fn mend(&self, member: usize) {
        self.cluster.note(&format!("the way to m{member} is mended"));
        self.cluster.network.set_cut(member, [false; 2]);
    }

    /// A planned change.
    fn hand_over(self: &Arc<Self>, to: usize) {
        let is_master = self.cluster.state.lock().master == Some(to);
        if !is_master {
            self.elect(Some(to));
        }
    }

    fn slow_down(self: &Arc<Self>, member: usize) {
        let (way, work) = (fastrand::u64(1..150), fastrand::u64(1..150));
        self.cluster.note(&format!("m{member} is slow: {way} ms away, {work} ms at work"));
        self.cluster.network.set_delay(member, 0..way);
        self.cluster.change(member, |member| member.work = 0..work);
        let this = self.clone();
        self.later(async move {
            sleep(up_to(8_000)).await;
            this.speed_up(member);
        });
    }

    fn speed_up(&self, member: usize) {
        self.cluster.network.set_delay(member, 0..2);
        self.cluster.change(member, |member| member.work = 0..2);
    }

    /// Its status endpoint and its Bolt port tell different things.
    fn confuse(self: &Arc<Self>, member: usize) {
        let endpoint = match fastrand::u32(0..6) {
            0 => Endpoint::Hangs,
            1 => Endpoint::Closes,
            2 => Endpoint::Fails,
            3 => Endpoint::Says(Part::None),
            _ => Endpoint::Says(Part::Slave),
        };
        self.cluster.note(&format!("the endpoint of m{member}: {endpoint:?}"));
        self.cluster.change(member, |member| member.endpoint = endpoint);
        let this = self.clone();
        self.later(async move {
            sleep(up_to(5_000)).await;
            this.cluster.note(&format!("the endpoint of m{member} is well again"));
            this.cluster.change(member, |member| member.endpoint = Endpoint::Answers);
        });
    }

    /// Everything is well again: all members are there, and one is the master.
    pub(super) fn heal(self: &Arc<Self>) {
        self.tasks.lock().drain(..).for_each(|task| task.abort());
        self.cluster.note("all is well again");
        self.cluster.state.lock().is_well = true;
        let members = self.cluster.state.lock().members.len();
        for member in 0..members {
            self.cluster.network.set_cut(member, [false; 2]);
            self.cluster.network.lose_cut_ones(member);
            self.speed_up(member);
            self.cluster.change(member, |member| {
                (member.is_hung, member.endpoint) = (false, Endpoint::Answers);
                if !member.is_up {
                    member.is_up = true;
                }
            });
            self.cluster.network.start(member);
            self.join(member);
        }
        if self.cluster.state.lock().master.is_none() {
            self.elect(None);
        }
        // Whoever had not heard yet of the last election hears of it now.
        let (master, term) = {
            let state = self.cluster.state.lock();
            (state.master, state.term)
        };
        for member in 0..members {
            let part = if Some(member) == master { Part::Master(term) } else { Part::Slave };
            self.cluster.change(member, |member| (member.part, member.says) = (part, part));
        }
    }
}
