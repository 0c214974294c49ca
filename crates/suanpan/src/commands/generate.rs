//! `suanpan generate day`.

use crate::cli::{DayArgs, GenerateArgs, GenerateCommand};
use crate::error::{Trouble, status};
use crate::numbers::{duration, grouped, per_second, short, size};
use crate::progress::{Reading, Watch};
use crate::terminal::Terminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use suanpan_sim::day::{DayOptions, DayReport, Faults, generate};

pub(crate) fn run(args: &GenerateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        GenerateCommand::Day(args) => day(args, terminal),
    }
}

fn day(args: &DayArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let options = DayOptions {
        records: args.records,
        seed: args.seed,
        faults: Faults::from_argument(&args.faults)?,
        format: args.format,
        order: args.order,
        keys: args.keys,
        dir: args.dir.clone(),
    };
    let start = Instant::now();
    let report = make(&options, terminal)?;
    let took = start.elapsed();
    terminal.result(&told(&report))?;
    let rows = report.left.rows + report.right.rows;
    let rate = per_second(rows, took).map_or(String::new(), |rate| format!(", {} rows/s", short(rate)));
    terminal.hint(&format!("{} rows in {}{rate}", grouped(rows), duration(took)));
    Ok(status::FINE)
}

/// Makes a day and shows how far it is.
pub(crate) fn make(options: &DayOptions, terminal: Terminal) -> Result<DayReport, Trouble> {
    let rows = Arc::new(AtomicU64::new(0));
    let (counter, total) = (Arc::clone(&rows), options.records.saturating_mul(2));
    let watch = Watch::start(terminal.progress, move || {
        let rows = counter.load(Ordering::Relaxed);
        Reading { phase: "write", rows, done: rows, total, ..Reading::default() }
    });
    let report = generate(options, &|done| rows.store(done, Ordering::Relaxed))?;
    drop(watch);
    Ok(report)
}

/// What was written, a line each, and the truth.
fn told(report: &DayReport) -> String {
    let mut text = String::new();
    for (name, side) in [("left", &report.left), ("right", &report.right)] {
        let path = side.path.display();
        text.push_str(&format!("{name:<6} {path}  ({} rows, {})\n", grouped(side.rows), size(side.bytes)));
    }
    text.push_str(&format!("rules  {}\n", report.rules.display()));
    if let Some(open_items) = &report.open_items {
        text.push_str(&format!("open   {}\n", open_items.display()));
    }
    let truth = report.rules.with_file_name("truth.json");
    text.push_str(&format!("truth  {}\n", truth.display()));
    for outcome in report.outcomes.iter().filter(|outcome| outcome.groups > 0) {
        text.push_str(&format!("{:>12}  {}\n", grouped(outcome.groups), outcome.code));
    }
    text
}
