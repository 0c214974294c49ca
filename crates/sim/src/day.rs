//! One business day of a payment platform: our ledger, the channel's file, and the truth.
//!
//! [`generate`] writes into a directory
//!
//! - `ledger.csv` (the left side, our books) and `channel.csv` (the right side), or the same as
//!   NDJSON or Parquet;
//! - `rules.toml`, the rules that reconcile the two;
//! - `truth.json`, for every outcome code the number of groups and of records on each side that a
//!   correct reconciliation reports;
//! - `truth.csv`, a line for each seeded fault with the rows that it consists of;
//! - `open_items.parquet`, what was open yesterday, where `MATCHED_LATE` is seeded.
//!
//! The same records, seed, faults and shape give the same bytes on any machine. Rows are made up
//! from their numbers alone, so both sides are written at the same time and memory does not grow
//! with the day, but for eight bytes a side for each fault.
//!
//! With the default faults the files have the columns that the six basic classes need. Other
//! faults add `type`, `business_date`, `batch_id`, `original_id` and `account`, and `rules.toml`
//! gains the passes that find them.

mod column;
mod error;
mod faults;
mod line;
mod open_items;
mod permutation;
mod plan;
mod rules;
mod side;
mod sink;
#[cfg(test)]
mod tests;
mod text;
mod truth;

pub use error::SimError;
pub use faults::{Counts, Fault, Faults};

use plan::{Plan, Side};
use side::{SideReport, write_side};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// What day to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOptions {
    /// Payments of the day: about as many rows on each side. At most two billion.
    pub records: u64,
    /// Any number; another one gives other payments, in another order, with other faults.
    pub seed: u64,
    /// The faults to seed.
    pub faults: Faults,
    /// The format of the two sides.
    pub format: DayFormat,
    /// The order of their rows.
    pub order: RowOrder,
    /// How order ids repeat.
    pub keys: KeyShape,
    /// Where to write; made if it does not exist. Files of an earlier day in it are replaced.
    pub dir: PathBuf,
}

impl DayOptions {
    /// Makes the options of a plain day: default faults, CSV, shuffled, unique keys.
    #[must_use]
    pub fn new(records: u64, seed: u64, dir: impl Into<PathBuf>) -> Self {
        DayOptions {
            records,
            seed,
            faults: Faults::default(),
            format: DayFormat::Csv,
            order: RowOrder::Shuffled,
            keys: KeyShape::Unique,
            dir: dir.into(),
        }
    }
}

/// The format of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DayFormat {
    /// Comma-separated values with a header.
    #[default]
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// Apache Parquet, Snappy-compressed.
    Parquet,
}

impl DayFormat {
    const fn extension(self) -> &'static str {
        match self {
            DayFormat::Csv => "csv",
            DayFormat::Ndjson => "ndjson",
            DayFormat::Parquet => "parquet",
        }
    }
}

impl FromStr for DayFormat {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        match text {
            "csv" => Ok(DayFormat::Csv),
            "ndjson" => Ok(DayFormat::Ndjson),
            "parquet" => Ok(DayFormat::Parquet),
            _ => Err(option_wrong("--format", text, "csv, ndjson or parquet")),
        }
    }
}

/// The order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowOrder {
    /// The ledger nearly in order of time, the channel in no order.
    #[default]
    Shuffled,
    /// Both sides in order of their order ids, which then rise with time.
    Sorted,
}

impl FromStr for RowOrder {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        match text {
            "shuffled" => Ok(RowOrder::Shuffled),
            "sorted" => Ok(RowOrder::Sorted),
            _ => Err(option_wrong("--order", text, "shuffled or sorted")),
        }
    }
}

/// How order ids repeat. Payments that share an order id do so on both sides, so the outcome stays
/// as seeded; of faults, all have order ids of their own but one `AMOUNT_MISMATCH`, which lies in
/// the most frequent order id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyShape {
    /// Each payment has its own.
    #[default]
    Unique,
    /// The frequency of an order id falls with its rank to the power of 1.2: the first has 13 % of
    /// all payments.
    Zipf,
    /// One order id is used this many times.
    OneHot {
        /// How many times on each side, at least once.
        copies: u64,
    },
    /// No row has an order id: every record is `UNKEYED`.
    Null,
}

impl FromStr for KeyShape {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        let copies = |text: &str| text.strip_prefix("one-hot:")?.parse().ok();
        match text {
            "unique" => Ok(KeyShape::Unique),
            "zipf" => Ok(KeyShape::Zipf),
            "null" => Ok(KeyShape::Null),
            _ => copies(text)
                .filter(|copies| *copies > 0)
                .map(|copies| KeyShape::OneHot { copies })
                .ok_or_else(|| option_wrong("--keys", text, "unique, zipf, one-hot:COUNT or null")),
        }
    }
}

fn option_wrong(option: &'static str, value: &str, wanted: &'static str) -> SimError {
    SimError::OptionWrong { option, value: value.to_owned(), wanted }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayReport {
    /// The left side: our books.
    pub left: DaySide,
    /// The right side: the channel's file.
    pub right: DaySide,
    /// The rules.
    pub rules: PathBuf,
    /// What was open yesterday, where there is anything.
    pub open_items: Option<PathBuf>,
    /// What a reconciliation must report: every code, in report order.
    pub outcomes: Vec<OutcomeTruth>,
}

/// A side that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaySide {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its rows, without the header.
    pub rows: u64,
}

/// How often a code must be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeTruth {
    /// The code, such as `MISSING_IN_B`.
    pub code: &'static str,
    /// Groups of records, each of which is one decision.
    pub groups: u64,
    /// Records of the left side in them, open items included.
    pub left: u64,
    /// Records of the right side in them, open items included.
    pub right: u64,
}

/// Writes a day. `progress` is told now and then, on the calling thread, how many rows of both
/// sides are done.
///
/// # Errors
/// [`SimError`] when the options contradict one another or a file cannot be written. Files already
/// written stay.
pub fn generate(options: &DayOptions, progress: &dyn Fn(u64)) -> Result<DayReport, SimError> {
    let plan = Plan::new(options)?;
    let dir = options.dir.as_path();
    std::fs::create_dir_all(dir).map_err(|source| SimError::Io {
        doing: "create",
        path: dir.to_owned(),
        source,
    })?;
    let rules = dir.join("rules.toml");
    std::fs::write(&rules, rules::rules_text(&plan)).map_err(|source| sink::trouble(&rules, source))?;

    let sides = write_sides(&plan, dir, progress)?;

    let open_items = dir.join("open_items.parquet");
    let has_open_items = plan.counts.of(Fault::MatchedLate) > 0;
    if has_open_items {
        open_items::write_open_items(&open_items, &plan)?;
    }
    let outcomes = truth::outcomes(&plan, &sides);
    truth::write_truth(&dir.join("truth.json"), &plan, &sides, &outcomes)?;
    truth::write_faults(&dir.join("truth.csv"), &plan, &sides)?;
    let [left, right] = sides.map(|side| DaySide { path: side.path, bytes: side.bytes, rows: side.rows });
    Ok(DayReport { left, right, rules, open_items: has_open_items.then_some(open_items), outcomes })
}

/// Writes both sides at the same time.
fn write_sides(plan: &Plan, dir: &Path, progress: &dyn Fn(u64)) -> Result<[SideReport; 2], SimError> {
    let stop = &AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let threads = Side::BOTH.map(|side| {
            let sender = sender.clone();
            scope.spawn(move || {
                let report = write_side(plan, side, dir, &sender, stop);
                if report.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                report
            })
        });
        drop(sender);
        let mut rows = 0;
        for more in receiver {
            rows += more;
            progress(rows);
        }
        let [left, right] = threads.map(|thread| match thread.join() {
            Ok(report) => report,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        Ok([left?, right?])
    })
}
