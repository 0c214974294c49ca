//! `suanpan reconcile`: from the command line to a run, and from its summary to an exit status.

mod check;
mod explain;
mod human;
mod init;
mod inputs;
mod machine;
mod perform;
mod taking;

use crate::cli::{
    FailOn, LangChoice, MeansArgs, OutputForm, ReconcileArgs, ReconcileCommand, StrategyChoice,
};
use crate::error::{Trouble, status};
use crate::statements::Delivery;
use crate::terminal::{Paint, Terminal};
pub(crate) use human::summary as summary_text;
use inputs::Specs;
pub(crate) use inputs::{Scratch, load_rules, load_secret};
pub(crate) use perform::{Job, Outcome, perform, watch};
use std::path::Path;
use suanpan_recon::csv::Kernel;
use suanpan_recon::limits::UNIT_BYTES;
use suanpan_recon::outcome::Code;
use suanpan_recon::report::{Lang, RunVerdict, Summary, write_json};
use suanpan_recon::rule::Rules;
use suanpan_recon::run::{self, Options, StateOptions, Strategy};
use suanpan_recon::source::SourceFile;
use taking::{Wanted, take_statements};

pub(crate) fn run(args: &ReconcileArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        Some(ReconcileCommand::Init(args)) => init::run(args, terminal),
        Some(ReconcileCommand::Check(args)) => check::run(args, terminal),
        None if args.result.dry_run => dry_run(args, terminal),
        None if args.result.explain.is_some() => explain::run(args, terminal),
        None => reconcile(args, terminal),
    }
}

fn reconcile(args: &ReconcileArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let (memory_bytes, threads) = memory_and_threads(&args.means);
    run::usable_bytes(memory_bytes, threads)?;
    let scratch = Scratch::within(&args.result.out)?;
    let Prepared { options, missing, guessed, deliveries } = prepare(args, &scratch, terminal)?;
    let out = args.result.out.clone();
    let job = Job { options, missing, out: out.clone(), lang: lang(args.result.lang) };
    let outcome = match perform(job, terminal) {
        Err(trouble) if trouble.status == status::DIFFERENCES => {
            // Stopped early by --max-differences: programs still get their last line.
            if args.result.format != OutputForm::Human {
                terminal.result(&machine::stopped_early(args.result.max_differences, args.result.format))?;
            }
            return Err(trouble);
        }
        done => done?,
    };
    if !deliveries.is_empty() {
        write_json(&out, "statements.json", &deliveries)?;
    }
    if let Some(text) = guessed {
        let path = out.join("rules.toml");
        std::fs::write(&path, text).map_err(|error| Trouble::io("write", &path, error))?;
        terminal.hint(&format!("the guessed rules are in {}", path.display()));
    }
    match args.result.format {
        OutputForm::Human => {
            terminal.result(&human::summary(&outcome, &out, Paint(terminal.color)))?;
        }
        OutputForm::Json => terminal.result(&machine::json(&outcome.summary)?)?,
        OutputForm::Ndjson => machine::ndjson(&outcome.summary, &out, terminal)?,
    }
    for line in human::rejected(&outcome, &out) {
        terminal.hint(&line);
    }
    Ok(exit_status(&outcome.summary, args.result.fail_on))
}

fn dry_run(args: &ReconcileArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let scratch = Scratch::anywhere()?;
    let Prepared { options, missing, .. } = prepare(args, &scratch, terminal)?;
    let plan = run::plan(&options)?;
    let text = match args.result.format {
        OutputForm::Human => human::plan(&plan, &options, &missing),
        form => machine::plan(&plan, &missing, form)?,
    };
    terminal.result(&text)?;
    Ok(if missing.is_empty() { status::FINE } else { status::INCOMPLETE })
}

/// A run that is ready to go.
struct Prepared {
    options: Options,
    /// Expected inputs that are missing.
    missing: Vec<String>,
    /// The text of the rules where they were guessed.
    guessed: Option<String>,
    /// Statements among the inputs, and what came of them.
    deliveries: Vec<Delivery>,
}

fn prepare(args: &ReconcileArgs, scratch: &Scratch, terminal: Terminal) -> Result<Prepared, Trouble> {
    let specs = Specs::new([&args.left, &args.right], [&args.more_left, &args.more_right])?;
    let (rules, guessed, inputs, mut missing, deliveries) = match &args.rules {
        Some(path) => {
            let rules = load_rules(path)?;
            let (inputs, missing) = specs.expand_expected(&rules, scratch.path())?;
            let wanted = [0, 1].map(|side: usize| Wanted::by(rules.sides[side].format));
            let taken = take_statements(inputs, wanted, &args.statements, scratch.path(), terminal)?;
            (rules, None, taken.inputs, missing, taken.deliveries)
        }
        None => {
            let inputs = specs.expand(scratch.path())?;
            let taken =
                take_statements(inputs, [Wanted::Either; 2], &args.statements, scratch.path(), terminal)?;
            let (rules, text) = init::guess_surely(&taken, terminal)?;
            (rules, Some(text), taken.inputs, Vec::new(), taken.deliveries)
        }
    };
    missing.extend(run::missing_inputs(&rules, &inputs));
    let open_items =
        args.open_items.as_ref().map(|spec| inputs::one_file(spec, scratch.path())).transpose()?;
    let mut options = options(rules, inputs, scratch.path(), &args.means)?;
    options.open_items = open_items;
    options.matched = args.result.matched;
    options.differences_max = args.result.max_differences;
    options.state = Some(StateOptions {
        dir: args.result.out.join(".state"),
        resume: args.means.resume,
        checkpoint: args.means.checkpoint,
        kill_after_commits: None,
    });
    Ok(Prepared { options, missing, guessed, deliveries })
}

/// Makes the options of a run with all that the result does not depend on.
pub(crate) fn options(
    rules: Rules,
    inputs: [Vec<SourceFile>; 2],
    work_dir: &Path,
    means: &MeansArgs,
) -> Result<Options, Trouble> {
    let (memory_bytes, threads) = memory_and_threads(means);
    Ok(Options {
        memory_bytes,
        threads,
        strategy: match means.strategy {
            StrategyChoice::Auto => None,
            StrategyChoice::Memory => Some(Strategy::Memory),
            StrategyChoice::Sketch => Some(Strategy::Sketch),
            StrategyChoice::Spill => Some(Strategy::Spill),
            StrategyChoice::Full => Some(Strategy::Full),
        },
        secret: means.secret_file.as_deref().map(load_secret).transpose()?,
        ..plain_options(rules, inputs, work_dir)
    })
}

/// Returns the memory limit, and as many threads as were asked for or else as it bears.
fn memory_and_threads(means: &MeansArgs) -> (usize, usize) {
    let memory_bytes = usize::try_from(means.memory).unwrap_or(usize::MAX);
    let bearable = || threads_by_default().min(run::threads_within(memory_bytes));
    (memory_bytes, means.threads.unwrap_or_else(bearable))
}

/// Makes the options of a run with all defaults.
pub(crate) fn plain_options(rules: Rules, inputs: [Vec<SourceFile>; 2], work_dir: &Path) -> Options {
    Options {
        rules,
        inputs,
        open_items: None,
        threads: threads_by_default().min(run::threads_within(MEMORY_BYTES)),
        memory_bytes: MEMORY_BYTES,
        strategy: None,
        kernel: Kernel::best(),
        matched: false,
        work_dir: work_dir.to_owned(),
        secret: None,
        unit_bytes: UNIT_BYTES,
        state: None,
        differences_max: None,
    }
}

/// The memory limit where none is given.
pub(crate) const MEMORY_BYTES: usize = 2 << 30;

/// Returns as many threads as this process may use at a time.
pub(crate) fn threads_by_default() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn lang(choice: LangChoice) -> Lang {
    match choice {
        LangChoice::En => Lang::En,
        LangChoice::Zh => Lang::Zh,
    }
}

/// Turns a summary into an exit status.
fn exit_status(summary: &Summary, fail_on: FailOn) -> u8 {
    if summary.verdict == RunVerdict::Incomplete {
        return status::INCOMPLETE;
    }
    let counts = |code: &Code| counts_for(*code, fail_on) && summary.outcome(*code).count > 0;
    if Code::ALL.iter().any(counts) { status::DIFFERENCES } else { status::FINE }
}

/// Says whether an outcome makes the exit status 1.
///
/// Nobody knows what a rejected row would have been, so it counts under every heading.
fn counts_for(code: Code, fail_on: FailOn) -> bool {
    match fail_on {
        FailOn::Any => code.is_difference(),
        FailOn::Amount => matches!(
            code,
            Code::AmountMismatch
                | Code::FeeMismatch
                | Code::CurrencyMismatch
                | Code::BatchTotalMismatch
                | Code::Rejected
        ),
        FailOn::Unmatched => matches!(
            code,
            Code::MissingInA
                | Code::MissingInB
                | Code::DuplicateInA
                | Code::DuplicateInB
                | Code::Ambiguous
                | Code::Unkeyed
                | Code::Rejected
        ),
        FailOn::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_the_status_1_is_a_difference_and_each_difference_can() {
        for code in Code::ALL {
            assert_eq!(counts_for(code, FailOn::Any), code.is_difference(), "{code:?}");
            assert!(!counts_for(code, FailOn::Never), "{code:?}");
            for narrow in [FailOn::Amount, FailOn::Unmatched] {
                assert!(!counts_for(code, narrow) || code.is_difference(), "{code:?}");
            }
        }
        let only = |fail_on| Code::ALL.into_iter().filter(|code| counts_for(*code, fail_on)).count();
        assert_eq!((only(FailOn::Any), only(FailOn::Amount), only(FailOn::Unmatched)), (13, 5, 7));
        // Words, not money and not a missing counterpart.
        for code in [Code::StatusMismatch, Code::TypeMismatch] {
            assert!(!counts_for(code, FailOn::Amount) && !counts_for(code, FailOn::Unmatched), "{code:?}");
        }
    }
}
