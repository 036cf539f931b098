//! How often, and when, the same work is tried again. Whether it may be is decided by `session::verdict`.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Config, Mode};
use crate::error::{Error, Kind};
use crate::pool::left;

/// First pause; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// What a healthy server may need to make a connection: no other one is tried before.
const LEAST_SHARE: Duration = Duration::from_millis(500);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause of work that waits for a server only, once there is one.
const LONGEST_LEAST_PAUSE: Duration = Duration::from_millis(80);
/// How often work is tried again soon on a server that failed and says that it is fit.
const EARLY_AT_MOST: u32 = 20;
/// A pause is this much longer or shorter at random, so that clients do not come in step.
const JITTER: f64 = 0.2;

/// The attempts of one piece of work.
pub(crate) struct Retry {
    deadline: Instant,
    errors_left: u32,
    connection_errors_count: bool,
    /// Pauses that may end early since a server that failed is fit again.
    early_left: u32,
    /// The last attempt failed since its server was not what it was taken for.
    was_refused: bool,
    never: bool,
    pause: Duration,
    attempts: u32,
    /// Servers that failed since the last pause.
    failed: Vec<usize>,
    earlier: Vec<String>,
}

impl Retry {
    pub(crate) fn new(config: &Config) -> Self {
        Self::within(config, config.retry_time())
    }

    /// One attempt, and no other.
    pub(crate) fn once(config: &Config) -> Self {
        Retry { never: true, ..Self::new(config) }
    }

    /// Attempts for so long.
    pub(crate) fn within(config: &Config, time: Duration) -> Self {
        Retry {
            deadline: Instant::now() + time,
            errors_left: config.retry_on_error,
            connection_errors_count: config.bad_connections_count_as_errors,
            early_left: EARLY_AT_MOST,
            was_refused: false,
            never: config.mode != Mode::Ha,
            pause: FIRST_PAUSE,
            attempts: 1,
            failed: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// When the attempts end.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Attempts so far, the one under way included.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Takes one more attempt after this error, or gives the error back: there is none left.
    pub(crate) fn after(&mut self, error: Error) -> Result<(), Error> {
        let lost = error.kind == Kind::Connection;
        let refused = !lost && error.server_unfit();
        // While a cluster elects a master, or that one is not ready, one attempt follows the other: all of them count as one.
        let counts = if lost {
            self.connection_errors_count
        } else {
            !(refused && self.was_refused && self.early_left > 0)
        };
        if self.never || left(self.deadline).is_zero() || (counts && self.errors_left == 0) {
            return Err(self.end(error));
        }
        if counts {
            self.errors_left -= 1;
        }
        self.was_refused = refused;
        self.attempts += 1;
        self.failed.extend(error.server.as_ref().map(|s| s.index));
        // Many attempts fail alike: one text for each run of equal errors is enough.
        if self.earlier.last() != Some(&error.message) {
            self.earlier.push(error.message);
        }
        Ok(())
    }

    /// The error that ends the attempts, with those before it.
    pub(crate) fn end(&mut self, mut error: Error) -> Error {
        if !self.earlier.is_empty() {
            error.earlier = std::mem::take(&mut self.earlier);
        }
        error
    }

    /// Servers that another attempt should leave alone, if there are others.
    pub(crate) fn failed(&self) -> &[usize] {
        &self.failed
    }

    /// How long to wait for a connection: a little longer than the pool itself does, so that its error says why; not for
    /// long on a server that does not answer its checks, where another one may be found in that time.
    pub(crate) fn patience(&self, config: &Config, is_down: bool) -> Duration {
        let acquisition = config.acquisition_limit().saturating_add(FIRST_PAUSE);
        if self.never || !is_down {
            return acquisition;
        }
        let silence = Duration::from_millis(config.unresponsive_timeout);
        silence.min(left(self.deadline)).max(FIRST_PAUSE).min(acquisition)
    }

    /// For how long a server may be making a connection where another one would do: there has to be time for that one, too.
    /// `None` if no attempt would follow.
    pub(crate) fn share(&self) -> Option<Duration> {
        let left = left(self.deadline);
        let share = (left / 3).max(LEAST_SHARE);
        let is_last = self.never || (self.connection_errors_count && self.errors_left == 0);
        (!is_last && share < left).then_some(share)
    }

    /// How long to wait before the next attempt: at least, where the server is found fit before that, and at most.
    pub(crate) fn pause(&mut self) -> (Duration, Duration) {
        let jitter = 1.0 + JITTER * (fastrand::f64() * 2.0 - 1.0);
        let pause = self.pause.mul_f64(jitter).min(left(self.deadline));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        ((pause / 5).min(LONGEST_LEAST_PAUSE), pause)
    }

    /// The pause is over: servers that failed may have recovered. The last one is left alone once more.
    pub(crate) fn forgive(&mut self) {
        let last = self.failed.pop();
        self.failed.clear();
        self.failed.extend(last);
    }

    /// Servers that failed are fit again before the pause is over.
    pub(crate) fn forgive_early(&mut self) {
        self.early_left = self.early_left.saturating_sub(1);
        self.failed.clear();
    }

    /// Whether a pause may end early for that once more: who refuses again and again is no master on its way.
    pub(crate) fn has_early_left(&self) -> bool {
        self.early_left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = include_str!("../../../docs/RETRIES.md");

    #[test]
    fn the_page_on_retries_tells_what_is_done() {
        let defaults = Config::default();
        let told = [
            format!("| First pause | {} ms |", FIRST_PAUSE.as_millis()),
            format!("| Then | doubled, up to {} s |", LONGEST_PAUSE.as_secs()),
            format!("| Jitter | {} % up or down |", JITTER * 100.0),
            format!(
                "`maxTransactionRetryTime` ({} s) from the call",
                defaults.max_transaction_retry_time / 1_000
            ),
            format!("`retryOnError` ({}) failures", defaults.retry_on_error),
        ];
        for sentence in told {
            assert!(DOCS.contains(&sentence), "{sentence}");
        }
    }

    fn lost() -> Error {
        Error::new(Kind::Connection, "lost")
    }

    fn server(code: &str) -> Error {
        Error::from_failure(bolt::ServerFailure {
            code: code.into(),
            message: format!("it says {code}"),
            gql_status: None,
            description: None,
            diagnostic_record: None,
            cause: None,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn transient_errors_count_and_connection_errors_do_not() {
        let config = Config { retry_on_error: 2, ..Config::default() };
        let mut retry = Retry::new(&config);
        for _ in 0..20 {
            retry.after(lost()).unwrap();
        }
        let transient = || server("Neo.TransientError.Transaction.DeadlockDetected");
        retry.after(transient()).unwrap();
        retry.after(transient()).unwrap();
        let last = retry.after(transient()).unwrap_err();
        assert_eq!(last.earlier.len(), 2, "runs of equal errors are told once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_of_refusals_by_servers_that_change_their_roles_counts_once() {
        let config = Config { retry_on_error: 2, ..Config::default() };
        let mut retry = Retry::new(&config);
        let no_leader = || server("Neo.ClientError.Cluster.NotALeader");
        (0..20).for_each(|_| retry.after(no_leader()).unwrap());
        retry.after(server("Neo.TransientError.Transaction.DeadlockDetected")).unwrap();
        assert!(retry.after(no_leader()).is_err(), "another run");
        assert!(Retry::new(&Config { retry_on_error: 0, ..config }).after(no_leader()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn connection_errors_count_when_asked_to() {
        let config = Config { retry_on_error: 1, bad_connections_count_as_errors: true, ..Config::default() };
        let mut retry = Retry::new(&config);
        assert!(retry.after(lost()).is_ok());
        assert!(retry.after(lost()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_it_and_pauses_grow_to_a_limit() {
        let mut retry = Retry::new(&Config::default());
        let started = Instant::now();
        let mut pauses = Vec::new();
        while retry.after(lost()).is_ok() {
            let (least, pause) = retry.pause();
            assert!(least <= pause / 5 && least <= Duration::from_millis(80));
            pauses.push(pause);
            tokio::time::sleep(pause).await;
        }
        assert_eq!(started.elapsed().as_secs(), 30);
        assert!(pauses[0] >= Duration::from_millis(40) && pauses[0] <= Duration::from_millis(60));
        assert!(pauses.iter().all(|p| *p <= Duration::from_millis(2400)));
        assert!(pauses.len() < 30, "{}", pauses.len());
    }

    #[tokio::test(start_paused = true)]
    async fn one_server_does_not_use_up_the_time_that_another_needs() {
        let config = Config::default();
        let retry = Retry::new(&config);
        assert_eq!(retry.share(), Some(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_millis(29_600)).await;
        assert_eq!(retry.share(), None, "nobody could take the rest of it");
        let share = |config: Config| Retry::new(&config).share();
        assert_eq!(share(Config { mode: Mode::Direct, ..Config::default() }), None);
        assert_eq!(share(Config { max_transaction_retry_time: 0, ..Config::default() }), None);
        let counted = |retry_on_error| Config {
            retry_on_error,
            bad_connections_count_as_errors: true,
            ..Config::default()
        };
        assert_eq!((share(counted(0)), share(counted(1)).is_some()), (None, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_direct_driver_does_not_try_again() {
        let config = Config { mode: Mode::Direct, ..Config::default() };
        assert!(Retry::new(&config).after(lost()).is_err());
    }
}
