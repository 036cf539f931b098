//! The checks of one server, again and again, for as long as it is a member.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::check::{Sign, Subject};
use super::checks::Checks;
use crate::net::Heard;

/// First checks that begin at the same time. As many more begin with each step: a thousand connections at once would be a burst
/// for the machine and for the network.
const FIRST_AT_ONCE: usize = 64;
const FIRST_STEP: Duration = Duration::from_millis(10);
/// Connections that are made to a member which may become the master, for those that wait for one.
const WARM_AT_MOST: usize = 16;

/// Checks one server for as long as it is watched. One check at a time: a slow one delays the next.
pub(super) async fn watch(checks: Arc<Checks>, subject: Arc<Subject>) {
    let (index, topology, pool) = (subject.index(), &subject.topology, &subject.member.pool);
    let config = &checks.checker.config;
    let interval = Duration::from_millis(config.check_interval.max(1));
    let unresponsive = Duration::from_millis(config.unresponsive_timeout);
    let heard = &pool.endpoint.heard;
    let mut silence = Silence::default();
    let mut is_replaced = false;
    let mut warming_up: Option<JoinHandle<()>> = None;
    tokio::time::sleep(first_after(index)).await;
    // The checks that follow the first are spread over the interval.
    let mut head_start = interval.mul_f64(fastrand::f64() * 0.5);
    loop {
        topology.begin_check(index).await;
        let started = Instant::now();
        silence.since.get_or_insert(started);
        let check = checks.check(&subject);
        tokio::pin!(check);
        let checked = loop {
            tokio::select! {
                biased;
                sign = &mut check => break Some(sign),
                () = topology.replaced(index), if !is_replaced => break None,
                // A check that hangs, too, is not to make it later.
                () = silence.lasts(heard, unresponsive) => {
                    silence.since = Some(Instant::now());
                    pool.give_up();
                }
            }
        };
        let has_sent = heard.last() >= Some(started);
        match checked {
            Some(sign) => {
                is_replaced &= sign != Sign::Alive && !has_sent;
                silence.is_unclear = sign == Sign::Unclear;
                if sign == Sign::Alive {
                    silence.since = None;
                } else if silence.is_too_long(heard, unresponsive) {
                    silence.since = Some(Instant::now());
                    if sign == Sign::Silent || !checks.checker.answers_by_bolt(&subject).await {
                        pool.give_up();
                    }
                }
                let is_candidate = sign == Sign::Alive && topology.may_become_master(index);
                if is_candidate && warming_up.as_ref().is_none_or(JoinHandle::is_finished) {
                    let wanted = topology.waiting().clamp(1, WARM_AT_MOST);
                    warming_up = Some(tokio::spawn(pool.clone().warm_up(wanted)));
                }
            }
            // Another one is the master now: whoever still waits for an answer of this one waits in vain.
            None => {
                is_replaced = true;
                if !has_sent {
                    pool.give_up();
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
    /// When the first of the checks began that were not answered.
    since: Option<Instant>,
    /// Its endpoint refused to talk: before it is given up, it is asked over Bolt.
    is_unclear: bool,
}

impl Silence {
    /// When nothing will have come for so long, neither an answer nor a byte by Bolt, since it was asked for.
    fn end(&self, heard: &Heard, limit: Duration) -> Option<Instant> {
        self.since?.max(heard.last().or(self.since)?).checked_add(limit)
    }

    fn is_too_long(&self, heard: &Heard, limit: Duration) -> bool {
        self.end(heard, limit).is_some_and(|end| end <= Instant::now())
    }

    /// Ends when it is too long; never, if the last check was refused.
    async fn lasts(&self, heard: &Heard, limit: Duration) {
        while let (Some(end), false) = (self.end(heard, limit), self.is_unclear) {
            tokio::time::sleep_until(end).await;
            if self.is_too_long(heard, limit) {
                return;
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_is_given_up_after_silence_for_the_whole_time() {
        let (limit, heard) = (Duration::from_secs(10), Heard::default());
        tokio::time::advance(Duration::from_secs(1)).await;
        heard.now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let began = Instant::now();
        let lasts = |since| {
            let (silence, heard) = (Silence { since, is_unclear: false }, &heard);
            async move {
                silence.lasts(heard, limit).await;
                began.elapsed().as_secs()
            }
        };
        assert_eq!(lasts(Some(began)).await, 10, "what came before it was asked is no sign");
        let sends = async {
            tokio::time::sleep(Duration::from_secs(6)).await;
            heard.now();
            std::future::pending().await
        };
        let given_up = tokio::select! {
            after = lasts(Some(Instant::now())) => after,
            () = sends => 0,
        };
        assert_eq!(given_up, 10 + 6 + 10);
    }

    #[test]
    fn the_first_checks_of_many_servers_are_no_burst_and_few_servers_do_not_wait() {
        assert_eq!(first_after(FIRST_AT_ONCE - 1), Duration::ZERO);
        let mut steps = std::collections::BTreeMap::<_, usize>::new();
        (0..1000).for_each(|index| *steps.entry(first_after(index)).or_default() += 1);
        assert!(steps.values().all(|checks| *checks <= FIRST_AT_ONCE));
        assert!(first_after(999) < Duration::from_millis(200), "readiness is not to wait for it");
    }
}
