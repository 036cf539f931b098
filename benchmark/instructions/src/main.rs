//! The work of the Rust core, to be counted by Valgrind: `measure.mjs` does that, `README.md` says what for.
//!
//! `instructions` prints the names of the scenarios; `instructions NAME` does the work of one, and prints how many operations
//! were counted, and of what.

mod count;
mod engine;
mod protocol;
mod records;
mod server;

use std::error::Error;
use std::io::Write;

use count::{counted, uncounted};

type Failure = Box<dyn Error + Send + Sync>;
/// The work of a round.
type Work = Box<dyn FnMut() -> Result<(), Failure>>;

/// Some work of the core, set up and ready to be done again and again.
struct Scenario {
    /// Of what.
    unit: &'static str,
    /// How many of these a round is.
    operations: usize,
    /// How many rounds count. As many as it takes to count some ten million instructions.
    rounds: usize,
    work: Work,
}

impl Scenario {
    /// What is made once, such as a connection or the arena of a thread, is there then.
    fn warmed_up(mut self) -> Result<Self, Failure> {
        self.play(self.rounds.div_ceil(10))?;
        Ok(self)
    }

    fn play(&mut self, rounds: usize) -> Result<(), Failure> {
        (0..rounds).try_for_each(|_| (self.work)())
    }
}

type SetUp = Box<dyn Fn() -> Result<Scenario, Failure>>;

fn scenarios() -> Vec<(&'static str, SetUp)> {
    protocol::scenarios().into_iter().chain(engine::scenarios()).collect()
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let Some(wanted) = std::env::args().nth(1) else {
        for (name, _) in scenarios() {
            writeln!(out, "{name}")?;
        }
        return Ok(());
    };
    let found = scenarios().into_iter().find(|(name, _)| *name == wanted);
    let (_, set_up) = found.ok_or_else(|| format!("there is no scenario {wanted:?}"))?;
    let mut scenario = None;
    counted(&mut || {
        uncounted(&mut || {
            scenario = Some(set_up()?.warmed_up()?);
            Ok(())
        })?;
        scenario.iter_mut().try_for_each(|scenario| scenario.play(scenario.rounds))
    })?;
    if let Some(Scenario { unit, operations, rounds, .. }) = scenario {
        writeln!(out, "{} {unit}", operations * rounds)?;
    }
    Ok(())
}
