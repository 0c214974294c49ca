//! One run from inputs to outcomes: plan, scan, sift, fetch, decide, prove.

mod decide;
mod facts;
mod inspect;
mod plan;
mod read;
mod state;

pub use facts::phases;
pub use inspect::{
    Explanation, Preview, PreviewRow, drop_repeated, explain, missing_inputs, plan, preview, sample,
};
pub(crate) use inspect::{pick_side, sketch_side};
pub use plan::{Estimate, Plan, Strategy, least_memory_bytes, report_threads, threads_within, usable_bytes};
pub use state::StateOptions;

use crate::arena::Budget;
use crate::cascade::{AlreadyMatched, CloseContext};
use crate::csv::Kernel;
use crate::digest::Secret;
use crate::error::ReconError;
use crate::fetch::Wanted;
use crate::input::Input;
use crate::invariants::{Tallies, Tally, Totals, Violation};
use crate::open_items;
use crate::outcome::Code;
use crate::pool::{Pool, Split};
use crate::record::{Side, Words};
use crate::report::{OutcomeSink, Shape as TableShape, SinkOptions};
use crate::rule::Rules;
use crate::scan::Control;
use crate::sift::{SiftOptions, Sifted};
use crate::source::SourceFile;
use crate::tags::TagSet;
use state::{Loaded, State};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What to reconcile, and within which means.
#[derive(Debug)]
pub struct Options {
    /// The rules.
    pub rules: Rules,
    /// The files of each side.
    pub inputs: [Vec<SourceFile>; 2],
    /// The open items of the run before, as it wrote them.
    pub open_items: Option<SourceFile>,
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Bytes of memory that the process may use in all.
    pub memory_bytes: usize,
    /// How to go about it; the planner chooses by default.
    pub strategy: Option<Strategy>,
    /// Which instructions to use.
    pub kernel: Kernel,
    /// Whether to keep matched records for `matched.parquet`: every row is then looked at in full.
    pub matched: bool,
    /// A folder for scratch files.
    pub work_dir: PathBuf,
    /// The secret for hashing; drawn at random by default.
    pub secret: Option<Secret>,
    /// Bytes of a plain file that a worker takes at a time; a multiple of 8 KiB.
    pub unit_bytes: usize,
    /// Where to keep what was read, for going on later.
    pub state: Option<StateOptions>,
    /// Stop as soon as so many differences are known.
    pub differences_max: Option<u64>,
}

impl Options {
    /// Makes the options of an ordinary run: every processor of this machine, 2 GiB.
    #[must_use]
    pub fn new(rules: Rules, inputs: [Vec<SourceFile>; 2], work_dir: PathBuf) -> Options {
        Options {
            rules,
            inputs,
            open_items: None,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: 2 << 30,
            strategy: None,
            kernel: Kernel::best(),
            matched: false,
            work_dir,
            secret: None,
            unit_bytes: crate::limits::UNIT_BYTES,
            state: None,
            differences_max: None,
        }
    }
}

/// A phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Opening inputs and planning.
    Plan,
    /// Reading all rows.
    Scan,
    /// Finding keys that do not agree.
    Sift,
    /// Reading their rows in full.
    Fetch,
    /// Deciding.
    Decide,
    /// Writing reports.
    Report,
}

impl Phase {
    /// Every phase in order.
    pub const ALL: [Phase; 6] =
        [Phase::Plan, Phase::Scan, Phase::Sift, Phase::Fetch, Phase::Decide, Phase::Report];

    /// Returns the phase's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Plan => "plan",
            Phase::Scan => "scan",
            Phase::Sift => "sift",
            Phase::Fetch => "fetch",
            Phase::Decide => "decide",
            Phase::Report => "report",
        }
    }
}

/// How far a run is; read by another thread while it works.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    /// Bytes to read, over all readings planned so far.
    pub bytes_total: AtomicU64,
    /// Bytes read.
    pub bytes_done: AtomicU64,
    /// Rows read.
    pub rows_done: AtomicU64,
    /// Differences known.
    pub differences: AtomicU64,
    /// Set by the caller to stop the run.
    pub stop: AtomicBool,
}

impl Progress {
    /// Returns the current phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let at = usize::from(self.phase.load(Ordering::Relaxed));
        Phase::ALL[at.min(Phase::ALL.len() - 1)]
    }

    /// Sets the current phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

/// What was read of one side.
#[derive(Debug, Clone, Default)]
pub struct SideCounts {
    /// Valid records of today's files.
    pub records: u64,
    /// Rejected rows.
    pub rejected: u64,
    /// Records without a usable first key.
    pub unkeyed: u64,
    /// Rows left out, by name of the skip rule, in order of the rules.
    pub skipped: Vec<(String, u64)>,
    /// Open items of earlier runs.
    pub open_items: u64,
    /// Largest business date seen, where dates decide anything.
    pub last_date: Option<i32>,
    pub(crate) totals: crate::reader::Totals,
    /// How large the amounts are; of the left side only.
    pub(crate) sizes: crate::sizes::Sizes,
}

/// An input as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputInfo {
    /// Which side.
    pub side: Side,
    /// Its name.
    pub name: String,
    /// Bytes as stored.
    pub bytes: u64,
    /// Rows after the header, blank lines included.
    pub rows: u64,
}

/// The outcome of a run, before it is written.
#[derive(Debug)]
pub struct Decided {
    /// The outcomes, one sink a thread.
    pub sinks: Vec<OutcomeSink>,
    /// Types and statuses by number.
    pub words: Words,
    /// The inputs in order.
    pub inputs: Vec<InputInfo>,
    /// Counts by side.
    pub sides: [SideCounts; 2],
    /// Outcomes by code and currency.
    pub tallies: Tallies,
    /// What was read, open items included.
    pub totals: Totals,
    /// What was planned and done.
    pub plan: Plan,
    /// Time spent by phase.
    pub timings: Vec<(Phase, Duration)>,
    /// The business date of the run, where dates are used.
    pub run_date: Option<i32>,
}

/// Measures phases.
struct Clock {
    since: Instant,
    spent: [Duration; Phase::ALL.len()],
}

impl Clock {
    fn new() -> Clock {
        Clock { since: Instant::now(), spent: [Duration::ZERO; Phase::ALL.len()] }
    }

    /// Books the time since the last call on a phase.
    fn book(&mut self, phase: Phase) {
        let now = Instant::now();
        self.spent[phase as usize] += now - self.since;
        self.since = now;
    }
}

/// Reconciles.
///
/// Safe to repeat: nothing but scratch files is written.
///
/// # Errors
/// [`ReconError`]; bad rows are not errors but rejected and counted.
///
/// # Panics
/// When a worker thread panicked, which is a bug.
pub fn run(options: &Options, progress: &Progress) -> Result<Decided, ReconError> {
    let mut clock = Clock::new();
    progress.enter(Phase::Plan);
    let state = options.state.as_ref().map(State::open).transpose()?;
    let kept = state.as_ref().map(State::secret).transpose()?.flatten();
    let secret = match kept.or_else(|| options.secret.clone()) {
        Some(secret) => secret,
        None => Secret::random().map_err(ReconError::io("draw random bytes from", "the operating system"))?,
    };
    let mut inputs = open_inputs(options, &secret)?;
    set_bases(&mut inputs);
    let words = Mutex::new(Words::default());
    let carried = match &options.open_items {
        None => open_items::Carried::default(),
        Some(file) => open_items::read(file, &words)?,
    };
    let mut plan = Plan::new(options, &inputs)?;
    let loaded = Mutex::new(match &state {
        None => Loaded::default(),
        Some(state) => state.begin(options, &mut plan, &mut inputs, &secret)?,
    });
    let control = Control {
        threads: options.threads,
        kernel: options.kernel,
        words: &words,
        stop: &progress.stop,
        bytes_done: &progress.bytes_done,
        rows_done: &progress.rows_done,
    };
    let bytes: u64 = inputs.iter().map(|i| i.bytes).sum();
    progress.bytes_total.store(bytes, Ordering::Relaxed);
    clock.book(Phase::Plan);

    let mut pool = Pool::new(Split::of(&options.rules, 0), plan.pool_bytes, &options.work_dir);
    let mut already = AlreadyMatched::new();
    let forced: Vec<u64> = carried.tags(&options.rules, &secret, plan.shape());
    let sink_options = SinkOptions {
        spill_dir: options.work_dir.clone(),
        memory_bytes: plan.pool_bytes / options.threads.max(1) / 2,
        matched: options.matched,
        run_date: options.rules.close.as_of,
    };
    let table_shape = TableShape::new(&options.rules, file_names(options, &inputs));
    let mut sinks: Vec<OutcomeSink> =
        (0..options.threads.max(1)).map(|_| OutcomeSink::new(&table_shape, &sink_options)).collect();
    let mut notes = plan::Notes::default();
    let mut reader = read::Reading {
        options,
        inputs: &inputs,
        control: &control,
        plan: &plan,
        secret: &secret,
        state: state.as_ref().map(|s| (s, &loaded)),
    };
    let read_again = || {
        progress.enter(Phase::Fetch);
        progress.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    };

    progress.enter(Phase::Scan);
    let mut strategy = plan.strategy;
    let mut sides: [SideCounts; 2];
    loop {
        match strategy {
            Strategy::Sketch => {
                let (counts, difference) = reader.sketch()?;
                sides = counts;
                clock.book(Phase::Scan);
                let Some(difference) = difference else {
                    notes.sketch_failed = true;
                    strategy = Strategy::Spill;
                    progress.bytes_total.fetch_add(bytes, Ordering::Relaxed);
                    reader.reset();
                    // The state is that of a sketch, which is of no use any more.
                    reader.state = None;
                    continue;
                };
                let mut tags: TagSet = forced.iter().copied().collect();
                tags.extend(difference.left.iter().chain(&difference.right).map(|e| plan.shape().tag(e.key)));
                notes.dirty_keys = tags.len() as u64;
                clock.book(Phase::Sift);
                let unkeyed = sides.iter().any(|c| c.unkeyed > 0);
                let rejected = sides.iter().any(|c| c.rejected > 0);
                if !tags.is_empty() || unkeyed || rejected {
                    read_again();
                    let wanted = Wanted::new(plan.shape(), tags, unkeyed, rejected);
                    reader.pick(&wanted, &mut pool, &mut sinks)?;
                }
            }
            Strategy::Full => {
                sides = reader.count()?;
                clock.book(Phase::Scan);
                read_again();
                reader.pick(&Wanted::everything(plan.shape()), &mut pool, &mut sinks)?;
            }
            Strategy::Memory | Strategy::Spill => {
                let budget = Budget::new(plan.store_bytes(strategy)?);
                let stored = reader.store(strategy, &budget)?;
                sides = stored.counts.clone();
                notes.run_files = stored.entries.runs() as u64;
                clock.book(Phase::Scan);
                let mut resolve = || -> Result<(), ReconError> {
                    let read::Stored { entries, locations, .. } = &stored;
                    let copies = options.rules.flag_duplicates_on_both_sides;
                    let sift = SiftOptions {
                        fingerprints: !copies,
                        copies,
                        class_prints_min: 1 << 18,
                        table_rows_max: plan.table_rows_max,
                        // Without locations a hot key cannot be told row by row.
                        hot_rows: if *locations == [true; 2] { plan.hot_rows } else { u64::MAX },
                        salt: [secret.words[1] | 1, secret.words[2] | 1],
                    };
                    let mut cursor = read::Cursor::default();
                    while !cursor.at_end(entries.shape) {
                        progress.enter(Phase::Sift);
                        let wave = reader.sift_wave(entries, &mut cursor, &sift, &forced)?;
                        notes.add(&wave);
                        clock.book(Phase::Sift);
                        progress.enter(Phase::Fetch);
                        let last = cursor.at_end(entries.shape);
                        let matched =
                            reader.fetch_wave(wave, *locations, last, &mut pool, &mut sinks, &sides)?;
                        for (key, kind) in matched {
                            already.insert(&key, kind);
                        }
                        clock.book(Phase::Fetch);
                    }
                    Ok(())
                };
                match resolve() {
                    Err(ReconError::Interrupted) => {
                        stored.keep(&inputs)?;
                        return Err(ReconError::Interrupted);
                    }
                    other => other?,
                }
                if state.as_ref().is_some_and(State::checkpoint) {
                    stored.keep(&inputs)?;
                }
            }
        }
        break;
    }
    clock.book(Phase::Fetch);
    plan.note(strategy, &notes);

    progress.enter(Phase::Decide);
    check_rejected(&sides, &sinks)?;
    let mut totals = Totals::default();
    for side in Side::BOTH {
        for t in sides[side.index()].totals.sorted() {
            totals.add(t.currency, &one_side(side, t.count, t.sum));
        }
    }
    let mut tallies = Tallies::default();
    let bulk = bulk_matched(&sides, &pool)?;
    for (currency, tally) in &bulk {
        let currency = *currency;
        sinks[0].stats_mut().add_matched(currency, tally.count_left, tally.sum_left);
        tallies.add(Code::Matched, currency, tally);
    }
    for (side, carried) in Side::BOTH.into_iter().zip(carried.totals()) {
        for t in carried.sorted() {
            totals.add(t.currency, &one_side(side, t.count, t.sum));
            sides[side.index()].open_items += t.count;
        }
    }
    let origins = carried.move_to(&mut pool, files_of(&inputs))?;
    let words = words.into_inner().expect("no thread panicked");
    let context = CloseContext { last_date: [sides[0].last_date, sides[1].last_date] };
    let decided = decide::Deciding {
        options,
        words: &words,
        context: &context,
        already: &already,
        origins: &origins,
        progress,
        pool_bytes: plan.pool_bytes,
    }
    .run(pool, sinks)?;
    tallies.merge(&decided.tallies);
    let mut sinks = decided.sinks;
    let pairs = bulk.iter().map(|(_, tally)| tally.count_left).sum();
    add_bulk_sizes(&sides[Side::Left.index()].sizes, pairs, &mut sinks)?;
    tallies.check_conserved(&totals)?;
    for line in tallies.bridge(&totals) {
        if line.residual() != 0 {
            return Err(Violation::Bridge { currency: line.currency, residual: line.residual() }.into());
        }
    }
    if let Some(state) = state.filter(|s| !s.checkpoint()) {
        state.remove()?;
    }
    clock.book(Phase::Decide);
    let rows = |input: &Input| {
        let all: u64 = input.rows.iter().map(|r| u64::from(r.load(Ordering::Relaxed))).sum();
        all.saturating_sub(u64::from(input.header_rows))
    };
    Ok(Decided {
        sinks,
        words,
        inputs: inputs
            .iter()
            .map(|i| InputInfo { side: i.side, name: i.name().to_owned(), bytes: i.bytes, rows: rows(i) })
            .collect(),
        sides,
        tallies,
        totals,
        plan,
        timings: Phase::ALL.into_iter().map(|p| (p, clock.spent[p as usize])).collect(),
        run_date: options.rules.close.as_of.or(context.last_date[0].max(context.last_date[1])),
    })
}

fn one_side(side: Side, count: u64, sum: i128) -> Tally {
    match side {
        Side::Left => Tally { count_left: count, sum_left: sum, ..Tally::default() },
        Side::Right => Tally { count_right: count, sum_right: sum, ..Tally::default() },
    }
}

fn open_inputs(options: &Options, secret: &Secret) -> Result<Vec<Input>, ReconError> {
    let mut inputs = Vec::new();
    for side in Side::BOTH {
        for (file, source) in options.inputs[side.index()].iter().enumerate() {
            let file = u16::try_from(file).expect("sources are limited to 65,535 a side");
            inputs.push(Input::open(source.clone(), side, file, &options.rules, secret, options.unit_bytes)?);
        }
    }
    Ok(inputs)
}

/// Gives each plain input its place in its side's numbering of bytes.
fn set_bases(inputs: &mut [Input]) {
    let mut next = [0_u64; 2];
    for input in inputs {
        let next = &mut next[input.side.index()];
        input.base = *next;
        *next += input.locations();
    }
}

fn files_of(inputs: &[Input]) -> [u16; 2] {
    let count =
        |side| u16::try_from(inputs.iter().filter(|i| i.side == side).count()).unwrap_or(u16::MAX - 1);
    [count(Side::Left), count(Side::Right)]
}

/// Names of each side's files; open items come last.
fn file_names(options: &Options, inputs: &[Input]) -> [Vec<String>; 2] {
    Side::BOTH.map(|side| {
        let mut names: Vec<String> =
            inputs.iter().filter(|i| i.side == side).map(|i| i.name().to_owned()).collect();
        names.extend(options.open_items.iter().map(|f| f.name().to_owned()));
        names
    })
}

/// What the fast path closed: everything read less everything fetched. Both sides of it must agree
/// to the record and the cent, or the run has failed.
fn bulk_matched(
    sides: &[SideCounts; 2],
    pool: &Pool<'_>,
) -> Result<Vec<(suanpan_money::Currency, Tally)>, ReconError> {
    let mut bulk: BTreeMap<suanpan_money::Currency, Tally> = BTreeMap::new();
    for side in Side::BOTH {
        let fetched = pool.totals(side);
        for t in sides[side.index()].totals.sorted() {
            let (count, sum) = fetched.of(t.currency);
            let Some(count) = t.count.checked_sub(count) else {
                return Err(Violation::Bulk {
                    currency: t.currency,
                    left: (t.count, t.sum),
                    right: (count, sum),
                }
                .into());
            };
            bulk.entry(t.currency).or_default().add(&one_side(side, count, t.sum - sum));
        }
    }
    for (currency, tally) in &bulk {
        if tally.count_left != tally.count_right || tally.sum_left != tally.sum_right {
            return Err(Violation::Bulk {
                currency: *currency,
                left: (tally.count_left, tally.sum_left),
                right: (tally.count_right, tally.sum_right),
            }
            .into());
        }
    }
    Ok(bulk.into_iter().collect())
}

/// Counts the matches that the fast path closed by the size of their amount: everything read of the left
/// side less everything that was decided on by itself.
fn add_bulk_sizes(
    read: &crate::sizes::Sizes,
    pairs: u64,
    sinks: &mut [OutcomeSink],
) -> Result<(), ReconError> {
    let mut bulk = read.buckets();
    let mut fits = true;
    for (bucket, count) in bulk.iter_mut().enumerate() {
        let decided: u64 = sinks.iter().map(|s| s.stats().left_decided(bucket)).sum();
        fits &= *count >= decided;
        *count = count.saturating_sub(decided);
    }
    let counted: u64 = bulk.iter().sum();
    if !fits || counted != pairs {
        return Err(Violation::BulkSizes { counted, pairs }.into());
    }
    sinks[0].stats_mut().add_matched_amounts(&bulk);
    Ok(())
}

/// As many rejected rows must have been kept as were counted.
fn check_rejected(sides: &[SideCounts; 2], sinks: &[OutcomeSink]) -> Result<(), ReconError> {
    for side in Side::BOTH {
        let counted = sides[side.index()].rejected;
        let kept = sinks.iter().map(|s| s.stats().rejected(side)).sum();
        if counted != kept {
            return Err(Violation::Rejected { side, counted, kept }.into());
        }
    }
    Ok(())
}

/// Counts what a wave of sifting found, for the plan's notes.
impl plan::Notes {
    fn add(&mut self, wave: &Sifted) {
        self.dirty_keys += wave.dirty_keys;
        self.hot_keys += wave.hot_keys;
        self.buckets += wave.buckets;
        self.dirty_buckets += wave.dirty_buckets;
        self.extra_rounds += wave.extra_rounds;
    }
}
