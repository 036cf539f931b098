//! What may be sent again: one pure function of one description of the attempt.
//!
//! Every rule is a sentence of docs/RETRIES.md ("What is sent again"); the table of the tests holds both together. How often and for
//! how long is [`crate::retry`]'s; what a batch is, [`super::batches`]'s.

use bolt::Version;

use super::outcome::Progress;
use crate::error::{Error, Kind};

/// From this version on the server itself refuses writes in access mode READ. Members of HA clusters do not: what an
/// application calls a read may write (seen on 3.5, master and slave).
pub(super) const READS_ARE_ENFORCED: Version = Version { major: 4, minor: 0 };

/// An attempt that ended by an error, as far as it matters for what comes of it.
#[derive(Debug, Clone)]
pub(super) struct Attempt<'a> {
    pub(super) error: &'a Error,
    pub(super) work: Work,
    /// How far the work itself got.
    pub(super) progress: Progress,
    /// Its server was known to be the master when the work began there, or is no member of an HA cluster: nobody else had a
    /// hand in it.
    pub(super) by_master: bool,
    /// What the server speaks.
    pub(super) version: Version,
    /// The application has declared that the work only reads.
    pub(super) reads: bool,
    /// Records have reached the application, and cannot be taken back.
    pub(super) delivered: bool,
    /// An earlier attempt may have done it.
    pub(super) doubt: bool,
    /// The application wants a write sent again although it may be done (`retryUnknownOutcome`).
    pub(super) at_least_once: bool,
}

impl<'a> Attempt<'a> {
    /// One that ended before anything of the work was sent.
    pub(super) fn unsent(error: &'a Error, doubt: bool) -> Self {
        Attempt {
            error,
            work: Work::Begin,
            progress: Progress::Unsent,
            by_master: true,
            version: READS_ARE_ENFORCED,
            reads: false,
            delivered: false,
            doubt,
            at_least_once: false,
        }
    }
}

/// What the attempt was of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A query that is its own transaction.
    Query {
        /// It commits, or may commit, in several transactions of its own.
        batches: bool,
    },
    /// The opening of a transaction.
    Begin,
    /// The end of one.
    Commit {
        /// All that was asked in it only reads, by the server's word.
        only_reads: bool,
    },
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another attempt may succeed, and does nothing twice.
    Again,
    /// Another attempt may be made of what may be done already: of a read, once its server has said that it only reads; of a
    /// write, since the application wants it so.
    AgainInDoubt,
    /// The error is the caller's: nothing was done.
    Surface,
    /// The error is the caller's: the work may be done.
    SurfaceUnknown,
}

/// Decides what comes of an attempt.
pub(super) fn judge(attempt: &Attempt<'_>) -> Verdict {
    let Attempt { error, work, .. } = attempt;
    let is_curable = error.retryable() && !attempt.delivered;
    if may_be_done(attempt) {
        let is_batched = *work == Work::Query { batches: true };
        let is_enforced_read = attempt.reads && attempt.version >= READS_ARE_ENFORCED && !is_batched;
        if !is_enforced_read {
            let may_repeat = matches!(work, Work::Query { batches: false }) && is_curable;
            return match may_repeat && (attempt.reads || attempt.at_least_once) {
                true => Verdict::AgainInDoubt,
                false => Verdict::SurfaceUnknown,
            };
        }
    }
    match (is_curable && !matches!(work, Work::Commit { .. }), attempt.doubt) {
        (true, _) => Verdict::Again,
        (false, false) => Verdict::Surface,
        (false, true) => Verdict::SurfaceUnknown,
    }
}

/// Whether the work, if it writes, may have been committed although an error came of it.
fn may_be_done(attempt: &Attempt<'_>) -> bool {
    let Attempt { error, progress, .. } = attempt;
    let changes_nothing = matches!(attempt.work, Work::Begin | Work::Commit { only_reads: true });
    if *progress == Progress::Unsent || changes_nothing {
        return false;
    }
    if error.failure.is_none() {
        // The answer was lost on its way to us, or nobody waited for it any more.
        return matches!(
            error.kind,
            Kind::Connection | Kind::Closed | Kind::Protocol | Kind::Aborted | Kind::Internal
        );
    }
    // The failure of a request before it, such as LOGON, leaves it unread.
    let batches_may_be_done = *progress >= Progress::Refused
        && attempt.work == Work::Query { batches: true }
        && !(*progress == Progress::Refused && error.is_before_execution());
    // The answer was lost on its way from the master to the member that passed the work on.
    let is_lost_behind = error.master_went_away()
        || !attempt.by_master && *progress == Progress::Executing && error.is_instance_state_changed();
    let is_half_done =
        *progress == Progress::Executing && (error.is_commit_failed() || error.may_be_replicated());
    batches_may_be_done || is_lost_behind || is_half_done
}

#[cfg(test)]
mod tests {
    use super::*;
    use bolt::ServerFailure;
    use Verdict::{Again, AgainInDoubt, Surface, SurfaceUnknown};

    const DOCS: &str = include_str!("../../../../docs/RETRIES.md");
    const QUERY: Work = Work::Query { batches: false };
    const BATCHES: Work = Work::Query { batches: true };
    const COMMIT: Work = Work::Commit { only_reads: false };
    const DEADLOCK: &str = "Neo.TransientError.Transaction.DeadlockDetected";
    const STATE_CHANGED: &str = "Neo.TransientError.Transaction.InstanceStateChanged";
    const SYNTAX: &str = "Neo.ClientError.Statement.SyntaxError";
    const OLD: Version = Version { major: 3, minor: 0 };

    fn lost() -> Error {
        Error::new(Kind::Connection, "lost")
    }

    fn answer(code: &str) -> Error {
        says(code, "")
    }

    fn says(code: &str, message: &str) -> Error {
        let (code, message) = (code.into(), message.into());
        Error::from_failure(ServerFailure { code, message, ..ServerFailure::default() })
    }

    /// A write that the master of a new server took up.
    fn write(error: &Error, work: Work, progress: Progress) -> Attempt<'_> {
        Attempt {
            error,
            work,
            progress,
            by_master: true,
            version: READS_ARE_ENFORCED,
            reads: false,
            delivered: false,
            doubt: false,
            at_least_once: false,
        }
    }

    fn read(error: &Error, progress: Progress, version: Version) -> Attempt<'_> {
        Attempt { reads: true, version, ..write(error, QUERY, progress) }
    }

    #[test]
    #[rustfmt::skip]
    fn every_rule_of_the_page_on_retries() {
        let (lost, deadlock, changed, syntax) = (&lost(), &answer(DEADLOCK), &answer(STATE_CHANGED), &answer(SYNTAX));
        let (aborted, internal) = (&Error::new(Kind::Aborted, "aborted"), &Error::new(Kind::Internal, "a panic"));
        let not_a_leader = &answer("Neo.ClientError.Cluster.NotALeader");
        let constraint = &answer("Neo.ClientError.Schema.ConstraintValidationFailed");
        let unknown = "Neo.DatabaseError.General.UnknownError";
        let no_master = &says(unknown, "There is no master currently available");
        let master_gone = &says(unknown, "Cannot commit this transaction on the master");
        let commit_failed = &says(
            "Neo.DatabaseError.Transaction.TransactionCommitFailed",
            "Could not apply the transaction to the store after written to log",
        );
        let replication_failure = "Neo.TransientError.Cluster.ReplicationFailure";
        let not_replicated = &says(replication_failure, "Interrupted while replicating");
        let not_sent = &says(replication_failure, "Replication aborted since no leader was available");
        let unauthorized = &answer("Neo.ClientError.Security.Unauthorized");
        let garbled = &Error::new(Kind::Protocol, "garbled");
        use Progress::{Executing, Refused, Sent, Unsent};
        let table: &[(&str, &[(Attempt<'_>, Verdict)])] = &[
            ("What was not sent, or was refused by a server that is not what it was taken for, is sent again.", &[
                (write(lost, QUERY, Unsent), Again),
                (write(lost, Work::Begin, Unsent), Again),
                (write(lost, BATCHES, Unsent), Again),
                (write(not_a_leader, QUERY, Refused), Again),
                (write(no_master, QUERY, Executing), Again),
                (read(lost, Unsent, OLD), Again),
            ]),
            ("After an error that may pass, such as a deadlock, the whole is sent again.", &[
                (write(deadlock, QUERY, Executing), Again),
                (write(deadlock, QUERY, Refused), Again),
                (Attempt { by_master: false, ..write(deadlock, QUERY, Executing) }, Again),
                (read(deadlock, Executing, OLD), Again),
            ]),
            ("An error that another attempt cannot cure (syntax, constraint, authentication) surfaces at once.", &[
                (write(syntax, QUERY, Refused), Surface),
                (write(constraint, QUERY, Executing), Surface),
                (write(unauthorized, QUERY, Unsent), Surface),
                (write(constraint, COMMIT, Executing), Surface),
            ]),
            ("Once a record has reached you, the error surfaces.", &[
                (Attempt { delivered: true, ..read(lost, Executing, READS_ARE_ENFORCED) }, Surface),
                (Attempt { delivered: true, ..write(deadlock, QUERY, Executing) }, Surface),
                (Attempt { delivered: true, ..read(lost, Executing, OLD) }, SurfaceUnknown),
            ]),
            ("A write whose answer was lost may have been done: its error has `unknownOutcome: true`.", &[
                (write(lost, QUERY, Sent), SurfaceUnknown),
                (write(lost, QUERY, Executing), SurfaceUnknown),
                (write(garbled, QUERY, Executing), SurfaceUnknown),
                (write(internal, QUERY, Executing), SurfaceUnknown),
            ]),
            ("So has the error of a write that was aborted after it was sent.", &[
                (write(aborted, QUERY, Sent), SurfaceUnknown),
                (write(aborted, QUERY, Unsent), Surface),
                (read(aborted, Sent, READS_ARE_ENFORCED), Surface),
                (read(aborted, Sent, OLD), SurfaceUnknown),
            ]),
            ("A COMMIT whose answer was lost may have been done.", &[
                (write(lost, COMMIT, Executing), SurfaceUnknown),
                (write(aborted, COMMIT, Executing), SurfaceUnknown),
                (Attempt { work: COMMIT, ..read(lost, Executing, OLD) }, SurfaceUnknown),
                (Attempt { at_least_once: true, ..write(lost, COMMIT, Executing) }, SurfaceUnknown),
            ]),
            ("A COMMIT that was not sent was not done: on a connection that is known to be gone, or after `close()`, none is sent.", &[
                (write(lost, COMMIT, Unsent), Surface),
                (write(aborted, COMMIT, Unsent), Surface),
            ]),
            ("A COMMIT of a read that the server itself held to reading changes nothing: only its error surfaces.", &[
                (Attempt { work: COMMIT, ..read(lost, Executing, READS_ARE_ENFORCED) }, Surface),
            ]),
            ("So does that of queries which only read, as the server said of each of them.", &[
                (write(lost, Work::Commit { only_reads: true }, Executing), Surface),
                (write(aborted, Work::Commit { only_reads: true }, Executing), Surface),
                (Attempt { work: Work::Commit { only_reads: true }, ..read(lost, Executing, OLD) }, Surface),
                (Attempt { by_master: false, ..write(master_gone, Work::Commit { only_reads: true }, Executing) }, Surface),
            ]),
            ("Work that a member passed on may have been done when the master goes away, or when the member's role changes under it; \
              it counts as passed on unless the member was known to be the master when it began.", &[
                (Attempt { by_master: false, ..write(changed, QUERY, Executing) }, SurfaceUnknown),
                (Attempt { by_master: false, ..write(changed, COMMIT, Executing) }, SurfaceUnknown),
                (Attempt { by_master: false, ..write(changed, QUERY, Refused) }, Again),
                (write(changed, QUERY, Executing), Again),
                (write(changed, COMMIT, Executing), Surface),
                (write(master_gone, QUERY, Executing), SurfaceUnknown),
                (write(master_gone, COMMIT, Executing), SurfaceUnknown),
            ]),
            ("So may what a server failed to commit, or a cluster to replicate: it may be in the log already, or have been sent to others.", &[
                (write(commit_failed, COMMIT, Executing), SurfaceUnknown),
                (write(commit_failed, QUERY, Executing), SurfaceUnknown),
                (write(commit_failed, Work::Commit { only_reads: true }, Executing), Surface),
                (write(not_replicated, COMMIT, Executing), SurfaceUnknown),
                (write(not_replicated, QUERY, Executing), SurfaceUnknown),
                (read(not_replicated, Executing, READS_ARE_ENFORCED), Again),
                (write(not_replicated, QUERY, Refused), Again),
                (write(not_sent, QUERY, Executing), Again),
                (write(not_sent, COMMIT, Executing), Surface),
            ]),
            ("A query that commits in batches (`CALL {…} IN TRANSACTIONS`, `USING PERIODIC COMMIT`, `apoc.periodic.*`) is never sent \
              again once the server has it, and its failure is of unknown outcome, unless it was refused before it began.", &[
                (write(deadlock, BATCHES, Executing), SurfaceUnknown),
                (write(deadlock, BATCHES, Refused), SurfaceUnknown),
                (write(constraint, BATCHES, Executing), SurfaceUnknown),
                (write(lost, BATCHES, Sent), SurfaceUnknown),
                (write(not_a_leader, BATCHES, Executing), SurfaceUnknown),
                (write(syntax, BATCHES, Refused), Surface),
                (write(constraint, BATCHES, Sent), Surface),
                (Attempt { work: BATCHES, ..read(lost, Executing, READS_ARE_ENFORCED) }, SurfaceUnknown),
            ]),
            ("A lost read is sent again: from Neo4j 4.0 on the server itself refuses a write in it.", &[
                (read(lost, Sent, READS_ARE_ENFORCED), Again),
                (read(lost, Executing, Version::new(5, 8)), Again),
            ]),
            ("Servers before 4.0 do not refuse a write in a read; so when its answer was lost, the driver asks the next server to \
              EXPLAIN the query, and repeats it only if it reads.", &[
                (read(lost, Sent, OLD), AgainInDoubt),
                (read(lost, Executing, Version::new(1, 0)), AgainInDoubt),
            ]),
            ("Where the attempts end before that could be asked, the outcome stays unknown.", &[
                (Attempt::unsent(lost, true), Again),
                (Attempt::unsent(aborted, true), SurfaceUnknown),
                (Attempt::unsent(unauthorized, true), SurfaceUnknown),
            ]),
            ("With `retryUnknownOutcome` a write whose answer was lost is sent again, though not one that commits in batches.", &[
                (Attempt { at_least_once: true, ..write(lost, QUERY, Sent) }, AgainInDoubt),
                (Attempt { at_least_once: true, ..write(lost, BATCHES, Sent) }, SurfaceUnknown),
                (Attempt { at_least_once: true, doubt: true, ..write(syntax, QUERY, Refused) }, SurfaceUnknown),
                (Attempt { at_least_once: true, delivered: true, ..write(lost, QUERY, Sent) }, SurfaceUnknown),
            ]),
        ];
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let page = words(DOCS);
        for (sentence, rows) in table {
            assert!(page.contains(&words(sentence)), "docs/RETRIES.md does not say: {sentence}");
            for (attempt, verdict) in *rows {
                assert_eq!(judge(attempt), *verdict, "{sentence}\n{attempt:?}");
            }
        }
    }

    #[test]
    fn an_error_of_unknown_outcome_is_not_for_another_attempt() {
        for error in [lost(), answer(DEADLOCK)] {
            assert!(error.retryable());
            assert!(!error.with_unknown_outcome().retryable());
        }
    }
}
