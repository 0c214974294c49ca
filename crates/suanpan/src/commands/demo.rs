//! `suanpan demo`: a business day with seeded faults, reconciled, with its report.

use super::generate::make;
use super::reconcile::{
    Job, MEMORY_BYTES, Outcome, Scratch, load_rules, perform, plain_options, summary_text,
};
use crate::cli::{DemoArgs, MEMORY_BYTES_MIN};
use crate::error::{Trouble, status};
use crate::numbers::{duration, grouped};
use crate::terminal::{Paint, Terminal};
use std::path::{Path, PathBuf};
use std::time::Instant;
use suanpan_recon::report::Lang;
use suanpan_recon::run::Strategy;
use suanpan_recon::source::expand;
use suanpan_sim::day::{DayOptions, DayReport};

/// The day is the same every time.
const SEED: u64 = 20_261_111;

pub(crate) fn run(args: &DemoArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let dir = match &args.keep {
        Some(dir) => dir.clone(),
        None => temporary()?,
    };
    let day_dir = dir.join("day");
    let start = Instant::now();
    terminal.hint(&format!("making up a day of {} payments in {}", grouped(args.rows), day_dir.display()));
    let day = make(&DayOptions::new(args.rows, SEED, &day_dir), terminal)?;
    terminal.hint(&format!(
        "{} rows with {} seeded differences, made in {}",
        grouped(day.left.rows + day.right.rows),
        grouped(seeded(&day)),
        duration(start.elapsed())
    ));

    let out = dir.join("out");
    let first = reconcile(&day, &out, Means::Plenty, terminal)?;
    terminal.result(&summary_text(&first, &out, Paint(terminal.color)))?;
    prove(&day, &first)?;
    terminal.hint("every seeded difference was found, and nothing else");
    if !args.once {
        let again = reconcile(&day, &dir.join("again"), Means::Scarce, terminal)?;
        same(&first, &again)?;
        terminal.hint("once more by one thread, a sketch and 64 MiB: the same digest");
        remove(&dir.join("again"))?;
    }
    if args.keep.is_none() {
        remove(&day_dir)?;
    }
    Ok(status::FINE)
}

/// Makes a folder of this demonstration's own, which stays: its report is to be read.
fn temporary() -> Result<PathBuf, Trouble> {
    let made = tempfile::Builder::new().prefix("suanpan-demo-").tempdir();
    let made = made.map_err(|error| Trouble::io("create a folder in", &std::env::temp_dir(), error))?;
    Ok(made.keep())
}

/// By which means to reconcile: the result must not depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Plenty,
    Scarce,
}

fn reconcile(day: &DayReport, out: &Path, means: Means, terminal: Terminal) -> Result<Outcome, Trouble> {
    let scratch = Scratch::within(out)?;
    let side = |path: &PathBuf| expand(&[path.display().to_string()], scratch.path());
    let inputs = [side(&day.left.path)?, side(&day.right.path)?];
    let mut options = plain_options(load_rules(&day.rules)?, inputs, scratch.path());
    options.memory_bytes = MEMORY_BYTES;
    if means == Means::Scarce {
        options.threads = 1;
        options.memory_bytes = usize::try_from(MEMORY_BYTES_MIN).unwrap_or(usize::MAX);
        options.strategy = Some(Strategy::Sketch);
    }
    perform(Job { options, missing: Vec::new(), out: out.to_owned(), lang: Lang::En }, terminal)
}

fn seeded(day: &DayReport) -> u64 {
    day.outcomes.iter().filter(|outcome| outcome.code != "MATCHED").map(|outcome| outcome.groups).sum()
}

/// Compares the outcome with the truth, which the generator knows and the engine does not.
fn prove(day: &DayReport, outcome: &Outcome) -> Result<(), Trouble> {
    for truth in &day.outcomes {
        let found = outcome.summary.outcomes.get(truth.code);
        let found = found.map_or((0, 0, 0), |found| (found.count, found.left_records, found.right_records));
        if found != (truth.groups, truth.left, truth.right) {
            let wanted = (truth.groups, truth.left, truth.right);
            return Err(fault(format!(
                "{} was seeded {wanted:?} times, but found {found:?} times",
                truth.code
            )));
        }
    }
    Ok(())
}

fn same(first: &Outcome, again: &Outcome) -> Result<(), Trouble> {
    let (a, b) = (&first.summary.digest, &again.summary.digest);
    if a == b { Ok(()) } else { Err(fault(format!("two runs over the same day differ: {a} and {b}"))) }
}

fn fault(what: String) -> Trouble {
    Trouble::new("demo", what).next("this is a fault of suanpan: please report it with the line above")
}

fn remove(dir: &Path) -> Result<(), Trouble> {
    std::fs::remove_dir_all(dir).map_err(|error| Trouble::io("remove", dir, error))
}
