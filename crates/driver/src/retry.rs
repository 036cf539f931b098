//! Whether, and when, the same work is tried again.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Config, Mode};
use crate::error::{Error, Kind};
use crate::pool::left;

/// First pause; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A pause is this much longer or shorter at random, so that clients do not come in step.
const JITTER: f64 = 0.2;

/// The attempts of one piece of work.
pub(crate) struct Retry {
    deadline: Instant,
    errors_left: u32,
    connection_errors_count: bool,
    never: bool,
    pause: Duration,
    attempts: u32,
    /// Servers that failed since the last pause.
    failed: Vec<usize>,
    earlier: Vec<String>,
}

/// What to do after an attempt that failed.
#[derive(Debug)]
pub(crate) enum Next {
    /// Tell the caller.
    Surface(Error),
    /// Try again after a pause; where the connection was lost, at once if another server can take the work.
    Again { lost: bool },
}

impl Retry {
    pub(crate) fn new(config: &Config) -> Self {
        Self::within(config, config.retry_time())
    }

    /// Attempts for so long.
    pub(crate) fn within(config: &Config, time: Duration) -> Self {
        Retry {
            deadline: Instant::now() + time,
            errors_left: config.retry_on_error,
            connection_errors_count: config.bad_connections_count_as_errors,
            never: config.mode != Mode::Ha,
            pause: FIRST_PAUSE,
            attempts: 1,
            failed: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// Attempts so far, the one under way included.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Judges an error that ended an attempt.
    pub(crate) fn after(&mut self, mut error: Error) -> Next {
        let lost = error.kind == Kind::Connection;
        let counts = !lost || self.connection_errors_count;
        let time_is_up = left(self.deadline).is_zero();
        if self.never || !error.curable() || time_is_up || (counts && self.errors_left == 0) {
            error.earlier = std::mem::take(&mut self.earlier);
            return Next::Surface(error);
        }
        if counts {
            self.errors_left -= 1;
        }
        self.attempts += 1;
        self.failed.extend(error.server.as_ref().map(|s| s.index));
        // Many attempts fail alike: one text for each run of equal errors is enough.
        if self.earlier.last() != Some(&error.message) {
            self.earlier.push(error.message);
        }
        Next::Again { lost }
    }

    /// Servers that another attempt should leave alone, if there are others.
    pub(crate) fn failed(&self) -> &[usize] {
        &self.failed
    }

    /// How long to wait for a connection: a little longer than the pool itself does, so that its error says why; not for
    /// long on a server that does not answer its checks, where another one may be found in that time.
    pub(crate) fn patience(&self, config: &Config, is_down: bool) -> Duration {
        let acquisition =
            Duration::from_millis(config.connection_acquisition_timeout).saturating_add(FIRST_PAUSE);
        if self.never || !is_down {
            return acquisition;
        }
        let silence = Duration::from_millis(config.unresponsive_timeout);
        silence.min(left(self.deadline)).max(FIRST_PAUSE).min(acquisition)
    }

    /// How long to wait before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let jitter = 1.0 + JITTER * (fastrand::f64() * 2.0 - 1.0);
        let pause = self.pause.mul_f64(jitter).min(left(self.deadline));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// The pause is over: servers that failed may have recovered. The last one is left alone once more.
    pub(crate) fn forgive(&mut self) {
        let last = self.failed.pop();
        self.failed.clear();
        self.failed.extend(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn is_surface(next: Next) -> bool {
        matches!(next, Next::Surface(_))
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_attempt_cannot_cure_surfaces_at_once() {
        for code in ["Neo.ClientError.Statement.SyntaxError", "Neo.ClientError.Security.Unauthorized"] {
            assert!(is_surface(Retry::new(&Config::default()).after(server(code))), "{code}");
        }
        assert!(is_surface(Retry::new(&Config::default()).after(lost().with_unknown_outcome())));
    }

    #[tokio::test(start_paused = true)]
    async fn transient_errors_count_and_connection_errors_do_not() {
        let config = Config { retry_on_error: 2, ..Config::default() };
        let mut retry = Retry::new(&config);
        for _ in 0..20 {
            assert!(!is_surface(retry.after(lost())));
        }
        let transient = || server("Neo.TransientError.Transaction.DeadlockDetected");
        assert!(!is_surface(retry.after(transient())));
        assert!(!is_surface(retry.after(transient())));
        match retry.after(transient()) {
            Next::Surface(e) => assert_eq!(e.earlier.len(), 2, "runs of equal errors are told once"),
            again => panic!("{again:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connection_errors_count_when_asked_to() {
        let config = Config { retry_on_error: 1, bad_connections_count_as_errors: true, ..Config::default() };
        let mut retry = Retry::new(&config);
        assert!(!is_surface(retry.after(lost())));
        assert!(is_surface(retry.after(lost())));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_it_and_pauses_grow_to_a_limit() {
        let mut retry = Retry::new(&Config::default());
        let started = Instant::now();
        let mut pauses = Vec::new();
        while let Next::Again { .. } = retry.after(lost()) {
            let pause = retry.pause();
            pauses.push(pause);
            tokio::time::sleep(pause).await;
        }
        assert_eq!(started.elapsed().as_secs(), 30);
        assert!(pauses[0] >= Duration::from_millis(40) && pauses[0] <= Duration::from_millis(60));
        assert!(pauses.iter().all(|p| *p <= Duration::from_millis(2400)));
        assert!(pauses.len() < 30, "{}", pauses.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_direct_driver_does_not_try_again() {
        let config = Config { mode: Mode::Direct, ..Config::default() };
        assert!(is_surface(Retry::new(&config).after(lost())));
    }
}
