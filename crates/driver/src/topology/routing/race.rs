//! Asking one after the other without waiting for each: whoever is silent for a while is overtaken by the next.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::error::Error;

/// How long a candidate may be silent before the next one is asked as well.
pub(crate) const STAGGER: Duration = Duration::from_millis(250);
/// How long after a goal that does not suffice another one is waited for.
const LAST_WORD: Duration = Duration::from_millis(20);
/// Candidates that are tried at most.
const MAX_CANDIDATES: usize = 100;

/// What an attempt gives.
pub(crate) enum Gain<C, T> {
    /// What was looked for.
    Goal(T),
    /// Candidates that come before those which are left.
    More(Vec<C>),
}

/// How a race went.
pub(crate) struct Outcome<C, T> {
    /// What the first successful candidate gave.
    pub(crate) won: Option<(C, T)>,
    /// Who had been asked before the winner, and was silent.
    pub(crate) overtaken: Vec<C>,
    /// Who gave an error, in that order.
    pub(crate) failed: Vec<(C, Error)>,
}

/// Tries candidates in their order, `late` ones after all others, each once. The next is tried when one has failed, or
/// when nothing came for so long as `stagger`; the first goal wins, and the other attempts end; one that
/// does not suffice only if no other comes soon. An error that is final ends the race as the last of those that failed.
pub(crate) async fn race<C, T, F>(
    first: Vec<C>,
    stagger: Duration,
    is_late: impl Fn(&C) -> bool,
    attempt: impl Fn(C) -> F,
    suffices: impl Fn(&T) -> bool,
    is_final: impl Fn(&C, &Error) -> bool,
) -> Outcome<C, T>
where
    C: Clone + Eq + Hash + Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<Gain<C, T>, Error>> + Send + 'static,
{
    let mut queue = Queue { seen: HashSet::new(), next: VecDeque::new(), late: VecDeque::new() };
    queue.add(first, &is_late);
    let mut attempts = JoinSet::new();
    let mut under_way: Vec<C> = Vec::new();
    let mut failed = Vec::new();
    let mut second_best: Option<(C, T)> = None;
    let mut last_word = None;
    loop {
        if let Some(candidate) = queue.take() {
            under_way.push(candidate.clone());
            let trying = attempt(candidate.clone());
            attempts.spawn(async move { (candidate, trying.await) });
        }
        let ended = match (queue.is_empty(), last_word) {
            (true, None) => attempts.join_next().await,
            (true, Some(end)) => tokio::time::timeout_at(end, attempts.join_next()).await.unwrap_or(None),
            (false, _) => match tokio::time::timeout(stagger, attempts.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            },
        };
        let (candidate, result) = match ended {
            None => return Outcome { won: second_best, overtaken: under_way, failed },
            Some(Ok(ended)) => ended,
            // Nobody ends an attempt but this race.
            Some(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let place = under_way.iter().position(|c| *c == candidate);
        debug_assert!(place.is_some(), "an attempt ended that was not under way");
        match result {
            Ok(Gain::Goal(goal)) if !suffices(&goal) => {
                second_best.get_or_insert((candidate, goal));
                last_word.get_or_insert_with(|| Instant::now() + LAST_WORD);
            }
            Ok(Gain::Goal(goal)) => {
                under_way.truncate(place.unwrap_or_default());
                return Outcome { won: Some((candidate, goal)), overtaken: under_way, failed };
            }
            Ok(Gain::More(more)) => queue.add(more, &is_late),
            Err(error) => {
                let ends = is_final(&candidate, &error);
                failed.push((candidate, error));
                if ends {
                    return Outcome { won: None, overtaken: Vec::new(), failed };
                }
            }
        }
        if let Some(place) = place {
            under_way.remove(place);
        }
    }
}

struct Queue<C> {
    seen: HashSet<C>,
    next: VecDeque<C>,
    late: VecDeque<C>,
}

impl<C: Clone + Eq + Hash> Queue<C> {
    fn add(&mut self, more: Vec<C>, is_late: impl Fn(&C) -> bool) {
        let mut early = Vec::new();
        for candidate in more {
            if self.seen.len() < MAX_CANDIDATES && self.seen.insert(candidate.clone()) {
                match is_late(&candidate) {
                    true => self.late.push_back(candidate),
                    false => early.push(candidate),
                }
            }
        }
        for candidate in early.into_iter().rev() {
            self.next.push_front(candidate);
        }
    }

    fn take(&mut self) -> Option<C> {
        self.next.pop_front().or_else(|| self.late.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.next.is_empty() && self.late.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tokio::time::sleep;

    use super::*;
    use crate::error::Kind;

    /// What the candidate of a number does after so many milliseconds.
    #[derive(Clone, Copy)]
    enum Does {
        Answers(u64),
        Fails(u64),
        Refuses(u64),
        Hangs,
        Leads(u64, &'static [usize]),
    }
    use Does::{Answers, Fails, Hangs, Leads, Refuses};

    /// The race of the candidates from 0 to before `first`, and when each was started and ended.
    async fn of(
        first: usize,
        all: &'static [Does],
        late: &'static [usize],
    ) -> (Outcome<usize, usize>, Vec<(usize, u128)>, Arc<()>) {
        let (begin, started, alive) = (Instant::now(), Arc::new(Mutex::new(Vec::new())), Arc::new(()));
        let outcome = race(
            (0..first).collect(),
            STAGGER,
            |candidate| late.contains(candidate),
            |candidate| {
                started.lock().push((candidate, begin.elapsed().as_millis()));
                let alive = alive.clone();
                async move {
                    let _alive = alive;
                    let wait = |ms| sleep(Duration::from_millis(ms));
                    match all[candidate] {
                        Answers(ms) => wait(ms).await,
                        Fails(ms) => {
                            wait(ms).await;
                            return Err(Error::new(Kind::Connection, candidate.to_string()));
                        }
                        Refuses(ms) => {
                            wait(ms).await;
                            return Err(Error::new(Kind::Client, candidate.to_string()));
                        }
                        Hangs => std::future::pending().await,
                        Leads(ms, to) => {
                            wait(ms).await;
                            return Ok(Gain::More(to.to_vec()));
                        }
                    }
                    Ok(Gain::Goal(candidate))
                }
            },
            |goal| *goal < 100,
            |_, error| error.kind == Kind::Client,
        )
        .await;
        let started = started.lock().clone();
        (outcome, started, alive)
    }

    fn winner(outcome: &Outcome<usize, usize>) -> Option<usize> {
        outcome.won.map(|(candidate, _)| candidate)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_answers_in_time_is_the_only_one_asked() {
        let (outcome, started, _) = of(2, &[Answers(249), Answers(0)], &[]).await;
        assert_eq!((winner(&outcome), started), (Some(0), vec![(0, 0)]));
        assert!(outcome.overtaken.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_silent_are_overtaken_and_their_attempts_end() {
        let (outcome, started, alive) = of(4, &[Hangs, Hangs, Answers(10), Answers(0)], &[]).await;
        assert_eq!((winner(&outcome), started), (Some(2), vec![(0, 0), (1, 250), (2, 500)]));
        assert_eq!(outcome.overtaken, [0, 1]);
        // The tasks are ended, not left behind.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_one_may_still_win_and_nobody_before_it_was_overtaken() {
        let (outcome, started, _) = of(2, &[Answers(400), Answers(1_000)], &[]).await;
        assert_eq!((winner(&outcome), started), (Some(0), vec![(0, 0), (1, 250)]));
        assert!(outcome.overtaken.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_at_once() {
        let (outcome, started, _) = of(3, &[Fails(5), Fails(7), Answers(1)], &[]).await;
        assert_eq!((winner(&outcome), started), (Some(2), vec![(0, 0), (1, 5), (2, 12)]));
        let failed: Vec<_> = outcome.failed.iter().map(|(c, e)| (*c, e.message.as_str())).collect();
        assert_eq!(failed, [(0, "0"), (1, "1")]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_error_ends_it() {
        let (outcome, started, _) = of(3, &[Hangs, Refuses(1), Answers(0)], &[]).await;
        assert_eq!((winner(&outcome), started.len()), (None, 2));
        assert_eq!(outcome.failed.last().map(|(c, _)| *c), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_leads_to_comes_next_and_nobody_is_asked_twice() {
        let all = &[Leads(1, &[2, 0, 2]), Answers(0), Fails(1)];
        let (outcome, started, _) = of(2, all, &[]).await;
        assert_eq!((winner(&outcome), started), (Some(1), vec![(0, 0), (2, 1), (1, 2)]));
    }

    #[tokio::test(start_paused = true)]
    async fn not_all_of_very_many_are_asked() {
        let all = vec![Fails(0); 100_000].leak();
        let (outcome, started, _) = of(100_000, all, &[]).await;
        assert_eq!((winner(&outcome), started.len(), outcome.failed.len()), (None, 100, 100));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_suffice_wins_when_nothing_better_comes_soon() {
        // Goals from 100 on do not suffice: that of candidate 1 is 101.
        let race = |first: usize, all: &'static [u64]| {
            let attempt = move |n: usize| async move {
                sleep(Duration::from_millis(all[n])).await;
                Ok(Gain::Goal(if n == 0 { 0 } else { 100 + n }))
            };
            let candidates: Vec<usize> = (0..first).rev().collect();
            race(candidates, Duration::ZERO, |_| false, attempt, |goal| *goal < 100, |_: &usize, _| false)
        };
        let began = Instant::now();
        let outcome = race(3, &[15, 1, 2]).await;
        assert_eq!((outcome.won, began.elapsed()), (Some((0, 0)), Duration::from_millis(15)));
        let began = Instant::now();
        let outcome = race(3, &[60_000, 1, 2]).await;
        assert_eq!((outcome.won, began.elapsed()), (Some((1, 101)), Duration::from_millis(21)));
        assert_eq!(outcome.overtaken, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_late_come_last() {
        let all = &[Fails(1), Leads(1, &[2, 3]), Fails(1), Fails(1)];
        let (outcome, started, _) = of(2, all, &[0, 2]).await;
        assert_eq!(winner(&outcome), None);
        assert_eq!(started.iter().map(|(c, _)| *c).collect::<Vec<_>>(), [1, 3, 0, 2]);
    }
}
