//! What is counted. Valgrind is told to turn its count over, on to off and off to on, where one of these two functions is
//! entered, and back where it is left (see `measure.mjs`): but not where one is entered from within itself. Each thread
//! has a count of its own.

use std::hint::black_box;

use crate::Failure;

type Work<'a> = &'a mut dyn FnMut() -> Result<(), Failure>;

/// Does work that counts.
#[inline(never)]
pub(crate) fn counted(work: Work<'_>) -> Result<(), Failure> {
    done(work(), true)
}

/// Does work amid what counts, which does not.
#[inline(never)]
pub(crate) fn uncounted(work: Work<'_>) -> Result<(), Failure> {
    done(work(), false)
}

/// Something is left to do when the work is over, and something else in each: so they are left when they seem to be, and
/// are not made one function.
#[inline(always)]
fn done(outcome: Result<(), Failure>, counts: bool) -> Result<(), Failure> {
    black_box(counts);
    outcome
}
