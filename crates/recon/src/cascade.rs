//! The cascade: pure functions that decide what becomes of each record.
//!
//! Records go through the passes of a rule in order. Each pass sees only what the passes before it
//! left over; the close takes what is left at the end. Everything here is a function of the rules
//! and the records: nothing depends on the order of ids, on the number of threads or on how a pass
//! is split into parts (design 6.2, Theorem 1). Ties are broken by content first and by location
//! last, so that shuffling the lines of a file can only interchange records which are equal in
//! every field that the pass looks at (I6).
//!
//! # What may be split
//!
//! [`split_hash`] is the hash of the fields that two records must share to meet in a pass: for an
//! exact pass its key, for every other pass its `eq` fields, and the currency where the pass never
//! crosses currencies. A window without tolerance demands equal amounts, so there the amount is as
//! safe as an `eq` field. Parts made of whole hash values are whole candidate components. Nothing
//! that a pass merely compares or tolerates is ever hashed; [`window`] cuts on dates only at gaps
//! wider than it reaches (6.2, "gap cut").
//!
//! # Passes
//!
//! | Pass | Rule of the design |
//! |---|---|
//! | [`exact`]: key and tiers; further ones are alternate keys | 6.5, passes 1 and 2 |
//! | [`net`]: one side cancels itself | 6.5, pass 3 |
//! | [`window`]: one to one by amount and date | 6.5, pass 4 |
//! | [`batch`]: sums of one batch id | 6.5, pass 5 |
//! | [`subset`]: one record against a found sum | 6.5, pass 6 with its admissibility gate |
//! | [`close`](mod@close): pending, unkeyed, missing | 6.5, pass 7 |
//!
//! # What holds for all passes
//!
//! - A record that lacks a field by which the pass groups (a null key, no batch, no date for a date
//!   window) takes no part and goes on. Null never equals null.
//! - A match that would be `MATCHED` and holds an open item of an earlier run (age above 0) is
//!   `MATCHED_LATE`; other labels stay (6.5, "Open items").
//! - A pass of strength [`Strength::Suggest`] decides nothing: what it finds ends as `AMBIGUOUS`, one
//!   verdict for each group found, with both sides in it.
//! - Texts are compared as they stand in the table, keys without regard to ASCII case where the rules
//!   say so. Records stay cheapest to decide while their table fits into the processor's cache, so
//!   callers with millions of them do best to pass tables of some tens of thousands.
//! - Money is added in `i128`. The most records of a table (2^32) times the largest amount (2^63)
//!   stays far below 2^127.

pub mod batch;
pub mod close;
pub mod exact;
mod group;
pub mod net;
pub mod subset;
mod tolerance;
pub mod window;

use crate::outcome::{Code, Verdict};
use crate::record::{Loc, RecordId, Records, Side, Word, Words};
use crate::rule::{PassKind, Rules, Strength};
use group::Grouping;
pub(crate) use group::Keys;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the fast path already matched in bulk for keys that still have residue (very hot keys).
///
/// The duplicate test needs it: a surplus copy is a duplicate only when its key and type were
/// consumed. It speaks of the first pass alone.
#[derive(Debug, Clone, Default)]
pub struct AlreadyMatched {
    kinds_by_key: BTreeMap<Box<[u8]>, Vec<Word>>,
}

impl AlreadyMatched {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that records of this key (canonical bytes, folded where the rules say so) and type were
    /// matched.
    pub fn insert(&mut self, key: &[u8], kind: Word) {
        let kinds = self.kinds_by_key.entry(key.into()).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }

    /// Says whether records of this key and type were matched.
    #[must_use]
    pub fn contains(&self, key: &[u8], kind: Word) -> bool {
        self.kinds_by_key.get(key).is_some_and(|kinds| kinds.contains(&kind))
    }

    /// Says whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds_by_key.is_empty()
    }

    /// Takes over everything noted in `other`.
    pub fn merge(&mut self, other: AlreadyMatched) {
        for (key, kinds) in other.kinds_by_key {
            for kind in kinds {
                self.insert(&key, kind);
            }
        }
    }
}

/// What the close must know of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CloseContext {
    /// The largest business date seen on each side, over all records and not only the residue.
    pub last_date: [Option<i32>; 2],
}

impl CloseContext {
    /// Takes the dates of a table that holds the whole run.
    #[must_use]
    pub fn of(records: &Records) -> Self {
        let mut context = CloseContext::default();
        for id in records.ids() {
            let row = records.row(id);
            context.see(row.side, row.date);
        }
        context
    }

    /// Takes note of a record's business date.
    pub fn see(&mut self, side: Side, date: Option<i32>) {
        let last = &mut self.last_date[side.index()];
        *last = (*last).max(date);
    }

    /// Takes over what another context has seen.
    pub fn merge(&mut self, other: CloseContext) {
        for side in Side::BOTH {
            self.see(side, other.last_date[side.index()]);
        }
    }
}

/// What one pass made of one part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PassResult {
    /// What it decided.
    pub verdicts: Vec<Verdict>,
    /// What it leaves to the next pass.
    pub leftover: Vec<RecordId>,
}

/// Runs one pass over one part. The part must hold whole candidate components: all records of each
/// [`split_hash`] value that are still open.
///
/// # Panics
/// When the rules have no such pass.
#[must_use]
pub fn run_pass(
    rules: &Rules,
    pass: usize,
    records: &Records,
    words: &Words,
    ids: &[RecordId],
    already: &AlreadyMatched,
) -> PassResult {
    let context = Context { rules, pass, records, words };
    let mut decisions = Decisions { context, result: PassResult::default() };
    match &rules.passes[pass].kind {
        PassKind::Exact { .. } => exact::run(&mut decisions, ids, already),
        PassKind::Net { .. } => net::run(&mut decisions, ids),
        PassKind::Window { .. } => window::run(&mut decisions, ids),
        PassKind::Batch { .. } => batch::run(&mut decisions, ids),
        PassKind::Subset { .. } => subset::run(&mut decisions, ids),
    }
    decisions.result
}

/// Returns the hash of the fields on which splitting is safe for a pass, or `None` when the record
/// takes no part in it and so goes straight to its leftover.
///
/// # Panics
/// When the rules have no such pass.
#[must_use]
pub fn split_hash(rules: &Rules, pass: usize, records: &Records, id: RecordId) -> Option<u64> {
    Grouping::of(rules, pass, records).hash(id)
}

/// Closes what no pass took: each record gets its own verdict.
#[must_use]
pub fn close(rules: &Rules, context: &CloseContext, records: &Records, ids: &[RecordId]) -> Vec<Verdict> {
    close::run(rules, context, records, ids)
}

/// Runs all passes and the close over a table in memory. The verdicts come in the order of
/// [`sort_verdicts`], whatever the number of threads.
#[must_use]
pub fn run(
    rules: &Rules,
    context: &CloseContext,
    records: &Records,
    words: &Words,
    already: &AlreadyMatched,
    threads: usize,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut open: Vec<RecordId> = records.ids().collect();
    for pass in 0..rules.passes.len() {
        let mut leftover = Vec::new();
        let parts = split(rules, pass, records, open, threads, &mut leftover);
        for result in run_parts(rules, pass, records, words, already, &parts, threads) {
            verdicts.extend(result.verdicts);
            leftover.extend(result.leftover);
        }
        open = leftover;
    }
    verdicts.extend(close(rules, context, records, &open));
    sort_verdicts(records, &mut verdicts);
    verdicts
}

/// Sorts verdicts by their first record: those with left records by location on the left, then the
/// rest by location on the right. Since no record is in two verdicts the order is total.
pub fn sort_verdicts(records: &Records, verdicts: &mut [Verdict]) {
    verdicts.sort_by_cached_key(|verdict| -> Option<(Side, Loc)> {
        let first = verdict.left.first().or(verdict.right.first())?;
        let row = records.row(*first);
        Some((row.side, row.loc))
    });
}

/// Splits open records into parts of about equal size; those that take no part go to `leftover`.
fn split(
    rules: &Rules,
    pass: usize,
    records: &Records,
    open: Vec<RecordId>,
    threads: usize,
    leftover: &mut Vec<RecordId>,
) -> Vec<Vec<RecordId>> {
    if threads <= 1 {
        return vec![open];
    }
    // Several parts a thread, so that one slow part does not hold up the rest for long.
    let parts_count = threads.min(1024) * 8;
    let mut parts = vec![Vec::new(); parts_count];
    let grouping = Grouping::of(rules, pass, records);
    for id in open {
        match grouping.hash(id) {
            Some(hash) => {
                let part = (u128::from(hash) * parts_count as u128) >> 64;
                parts[usize::try_from(part).expect("below the number of parts")].push(id);
            }
            None => leftover.push(id),
        }
    }
    parts
}

fn run_parts(
    rules: &Rules,
    pass: usize,
    records: &Records,
    words: &Words,
    already: &AlreadyMatched,
    parts: &[Vec<RecordId>],
    threads: usize,
) -> Vec<PassResult> {
    if parts.len() <= 1 {
        return parts.iter().map(|ids| run_pass(rules, pass, records, words, ids, already)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(ids) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(run_pass(rules, pass, records, words, ids, already));
        }
        done
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = handles.into_iter().map(|handle| match handle.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

/// What every pass may look at.
#[derive(Clone, Copy)]
struct Context<'a> {
    rules: &'a Rules,
    pass: usize,
    records: &'a Records,
    words: &'a Words,
}

/// The decisions of one pass, as they are made.
struct Decisions<'a> {
    context: Context<'a>,
    result: PassResult,
}

impl Decisions<'_> {
    fn automatic(&self) -> bool {
        self.context.rules.passes[self.context.pass].strength == Strength::Automatic
    }

    fn leave(&mut self, id: RecordId) {
        self.result.leftover.push(id);
    }

    /// Notes a group that was found, under the label it has earned. A pass that only suggests, or an
    /// open item, changes the label here and nowhere else.
    fn found(&mut self, code: Code, left: Vec<RecordId>, right: Vec<RecordId>, why: &'static str) {
        self.found_copies(code, left, right, why, false);
    }

    fn found_copies(
        &mut self,
        code: Code,
        left: Vec<RecordId>,
        right: Vec<RecordId>,
        why: &'static str,
        duplicated_on_both_sides: bool,
    ) {
        let records = self.context.records;
        let (code, why) = if !self.automatic() {
            (Code::Ambiguous, suggested(code))
        } else if code == Code::Matched && left.iter().chain(&right).any(|id| records.row(*id).age > 0) {
            (Code::MatchedLate, why)
        } else {
            (code, why)
        };
        self.push(code, left, right, why, Vec::new(), duplicated_on_both_sides);
    }

    /// Notes that candidates exist and none was chosen.
    fn ambiguous(
        &mut self,
        left: Vec<RecordId>,
        right: Vec<RecordId>,
        why: &'static str,
        candidates: Vec<RecordId>,
    ) {
        self.push(Code::Ambiguous, left, right, why, candidates, false);
    }

    fn push(
        &mut self,
        code: Code,
        mut left: Vec<RecordId>,
        mut right: Vec<RecordId>,
        why: &'static str,
        candidates: Vec<RecordId>,
        duplicated_on_both_sides: bool,
    ) {
        let records = self.context.records;
        for side in [&mut left, &mut right] {
            if side.len() > 1 {
                side.sort_unstable_by_key(|id| records.row(*id).loc);
            }
        }
        let pass = u16::try_from(self.context.pass).ok();
        self.result.verdicts.push(Verdict {
            code,
            pass,
            left,
            right,
            why,
            candidates,
            duplicated_on_both_sides,
        });
    }
}

/// Says what a pass that may only suggest has found.
const fn suggested(code: Code) -> &'static str {
    match code {
        Code::Matched => "suggested: equal",
        Code::MatchedTolerance => "suggested: equal within tolerance",
        Code::MatchedAggregate => "suggested: the sums agree",
        Code::NettedWithinSide => "suggested: cancel one another",
        Code::BatchTotalMismatch => "suggested: one batch, other totals",
        Code::AmountMismatch => "suggested: same key, other amount",
        Code::StatusMismatch => "suggested: equal but for the status",
        Code::FeeMismatch => "suggested: equal but for the fee",
        Code::CurrencyMismatch => "suggested: same key, other currency",
        Code::TypeMismatch => "suggested: same key, other type",
        _ => "suggested",
    }
}
