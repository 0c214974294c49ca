//! The invariants that every run asserts before it reports (design 6.7).
//!
//! - I1: every record is in exactly one verdict, on its own side.
//! - I2: per side and currency, counts and sums of the verdicts are those of the input.
//! - I3: what is called matched nets to zero, or lies within the tolerance of its pass; and every other
//!   verdict has the shape that its code promises.
//! - I4: per currency, the left sum minus the right sum is the sum of the contributions of all codes.
//!
//! The checks share no code with the passes. A violation is a fault of the engine, never of the
//! data: the caller stops with it and writes no report.

use crate::outcome::{Code, Verdict};
use crate::record::{RecordId, Records, Row, Side};
use crate::rule::{PassKind, Rules, Tolerance};
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// Checks I1 to I4 over a table and all verdicts on it, and returns what the verdicts add up to.
///
/// # Errors
/// The first violation found, with the record or the sums that show it.
pub fn check(rules: &Rules, records: &Records, verdicts: &[Verdict]) -> Result<Tallies, Violation> {
    check_once_each(records, verdicts)?;
    let mut tallies = Tallies::default();
    for verdict in verdicts {
        check_verdict(rules, records, verdict)?;
        tallies.add_verdict(records, verdict);
    }
    let input = Totals::of(records);
    tallies.check_conserved(&input)?;
    for line in tallies.bridge(&input) {
        if line.residual() != 0 {
            return Err(Violation::Bridge { currency: line.currency, residual: line.residual() });
        }
    }
    Ok(tallies)
}

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// I1: no verdict holds the record.
    #[error("I1: no outcome for {place}")]
    Undecided {
        /// The record.
        place: Place,
    },
    /// I1: more than one verdict holds the record.
    #[error("I1: more than one outcome for {place}")]
    DecidedTwice {
        /// The record.
        place: Place,
    },
    /// I1: a verdict lists the record on the other side.
    #[error("I1: listed on the wrong side: {place}")]
    WrongSide {
        /// The record.
        place: Place,
    },
    /// I1: a verdict names a record that the table does not have.
    #[error("I1: an outcome for record number {number}, which does not exist")]
    Unknown {
        /// The index in the table.
        number: u32,
    },
    /// I2: counts or sums of the outcomes are not those of the input.
    #[error("I2: in {currency} the outcomes add up to {outcomes:?}, the input to {input:?}")]
    NotConserved {
        /// The currency.
        currency: Currency,
        /// What the outcomes add up to.
        outcomes: Tally,
        /// What was read.
        input: Tally,
    },
    /// I3: a verdict does not have the shape or the sums that its code promises.
    #[error("I3: {} with {place}: {what} (left sum {sum_left}, right sum {sum_right})", code.name())]
    NotAsLabelled {
        /// The code.
        code: Code,
        /// The verdict's first record.
        place: Place,
        /// What is wrong.
        what: &'static str,
        /// Sum of the left amounts in minor units.
        sum_left: i128,
        /// Sum of the right amounts in minor units.
        sum_right: i128,
    },
    /// I3: what the fast path closed in bulk does not agree on both sides.
    #[error(
        "I3: in {currency} the bulk matches are {left:?} (count, sum) on the left but {right:?} on the right"
    )]
    Bulk {
        /// The currency.
        currency: Currency,
        /// Count and sum of the left side.
        left: (u64, i128),
        /// Count and sum of the right side.
        right: (u64, i128),
    },
    /// I1: the bulk matches by size of their amount are not as many as there are.
    #[error("I1: {pairs} records were matched in bulk, but by size of amount they are {counted}")]
    BulkSizes {
        /// What the sizes add up to.
        counted: u64,
        /// Matched pairs.
        pairs: u64,
    },
    /// I1: not as many rejected rows were kept as were counted.
    #[error("I1: {} rejected rows were counted on the {} side, {kept} were kept", counted, side.name())]
    Rejected {
        /// The side.
        side: Side,
        /// Counted in the scan.
        counted: u64,
        /// Kept for the report.
        kept: u64,
    },
    /// I4: the bridge does not close.
    #[error("I4: the bridge in {currency} leaves {residual} minor units unexplained")]
    Bridge {
        /// The currency.
        currency: Currency,
        /// What is left.
        residual: i128,
    },
}

/// Where a record stands, for evidence: side, index of the input, row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The side.
    pub side: Side,
    /// Index into the side's inputs.
    pub file: u16,
    /// Row number in the file.
    pub row: u64,
}

impl Place {
    pub(crate) fn of(row: &Row) -> Place {
        Place { side: row.side, file: row.loc.file, row: row.loc.row }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} input {} row {}", self.side.name(), self.file, self.row)
    }
}

/// Counts and sums of records by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records of the left side.
    pub count_left: u64,
    /// Records of the right side.
    pub count_right: u64,
    /// Sum of the left amounts in minor units.
    pub sum_left: i128,
    /// Sum of the right amounts in minor units.
    pub sum_right: i128,
}

impl Tally {
    /// Adds one record.
    pub fn add_record(&mut self, side: Side, amount: i64) {
        let (count, sum) = match side {
            Side::Left => (&mut self.count_left, &mut self.sum_left),
            Side::Right => (&mut self.count_right, &mut self.sum_right),
        };
        *count += 1;
        *sum = plus(*sum, i128::from(amount));
    }

    /// Adds what another tally has counted.
    pub fn add(&mut self, other: &Tally) {
        self.count_left += other.count_left;
        self.count_right += other.count_right;
        self.sum_left = plus(self.sum_left, other.sum_left);
        self.sum_right = plus(self.sum_right, other.sum_right);
    }

    /// Returns the left sum minus the right sum: what these records contribute to the bridge.
    #[must_use]
    pub fn contribution(&self) -> i128 {
        plus(self.sum_left, -self.sum_right)
    }
}

/// What was read: a tally per currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals(pub BTreeMap<Currency, Tally>);

impl Totals {
    /// Adds up a table.
    #[must_use]
    pub fn of(records: &Records) -> Totals {
        let mut totals = Totals::default();
        for id in records.ids() {
            let row = records.row(id);
            totals.0.entry(row.currency).or_default().add_record(row.side, row.amount);
        }
        totals
    }

    /// Adds a tally.
    pub fn add(&mut self, currency: Currency, tally: &Tally) {
        self.0.entry(currency).or_default().add(tally);
    }
}

/// What the outcomes add up to: a tally per code and currency. Additive, so that parts and bulk
/// matches can be counted apart and joined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tallies(pub BTreeMap<(Code, Currency), Tally>);

impl Tallies {
    /// Adds records that were decided in bulk.
    pub fn add(&mut self, code: Code, currency: Currency, tally: &Tally) {
        self.0.entry((code, currency)).or_default().add(tally);
    }

    /// Adds the records of a verdict.
    pub fn add_verdict(&mut self, records: &Records, verdict: &Verdict) {
        for id in verdict.left.iter().chain(&verdict.right) {
            let row = records.row(*id);
            self.0.entry((verdict.code, row.currency)).or_default().add_record(row.side, row.amount);
        }
    }

    /// Adds what another part has counted.
    pub fn merge(&mut self, other: &Tallies) {
        for ((code, currency), tally) in &other.0 {
            self.add(*code, *currency, tally);
        }
    }

    /// Returns the tally of a code in a currency.
    #[must_use]
    pub fn get(&self, code: Code, currency: Currency) -> Tally {
        self.0.get(&(code, currency)).copied().unwrap_or_default()
    }

    /// Checks I2 against what was read.
    ///
    /// # Errors
    /// The first currency in which counts or sums differ.
    pub fn check_conserved(&self, input: &Totals) -> Result<(), Violation> {
        let mut outcomes = Totals::default();
        for ((_, currency), tally) in &self.0 {
            outcomes.add(*currency, tally);
        }
        for currency in outcomes.0.keys().chain(input.0.keys()).copied() {
            let of = |totals: &Totals| totals.0.get(&currency).copied().unwrap_or_default();
            let (outcomes, input) = (of(&outcomes), of(input));
            if outcomes != input {
                return Err(Violation::NotConserved { currency, outcomes, input });
            }
        }
        Ok(())
    }

    /// Explains the difference of the input sums by code, one line for each currency (I4).
    #[must_use]
    pub fn bridge(&self, input: &Totals) -> Vec<BridgeLine> {
        let of_currency = |currency: Currency| {
            let own = self.0.iter().filter(move |((_, of), _)| *of == currency);
            own.map(|((code, _), tally)| (*code, tally.contribution()))
        };
        let line = |(currency, tally): (&Currency, &Tally)| BridgeLine {
            currency: *currency,
            sum_left: tally.sum_left,
            sum_right: tally.sum_right,
            contributions: of_currency(*currency).collect(),
        };
        input.0.iter().map(line).collect()
    }
}

/// The bridge of one currency: left sum, right sum, and what each code contributes to the
/// difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeLine {
    /// The currency.
    pub currency: Currency,
    /// Sum of all left amounts in minor units.
    pub sum_left: i128,
    /// Sum of all right amounts in minor units.
    pub sum_right: i128,
    /// For each code that occurs, in report order: its left sum minus its right sum.
    pub contributions: Vec<(Code, i128)>,
}

impl BridgeLine {
    /// Returns what the contributions leave unexplained: zero, or the engine is at fault.
    #[must_use]
    pub fn residual(&self) -> i128 {
        let explained = self.contributions.iter().fold(0, |sum, (_, part)| plus(sum, *part));
        plus(plus(self.sum_left, -self.sum_right), -explained)
    }
}

fn check_once_each(records: &Records, verdicts: &[Verdict]) -> Result<(), Violation> {
    let mut decided = vec![false; records.len()];
    for verdict in verdicts {
        for (side, ids) in [(Side::Left, &verdict.left), (Side::Right, &verdict.right)] {
            for id in ids {
                let Some(seen) = decided.get_mut(id.0 as usize) else {
                    return Err(Violation::Unknown { number: id.0 });
                };
                let place = Place::of(records.row(*id));
                if place.side != side {
                    return Err(Violation::WrongSide { place });
                }
                if std::mem::replace(seen, true) {
                    return Err(Violation::DecidedTwice { place });
                }
            }
        }
    }
    match records.ids().find(|id| !decided[id.0 as usize]) {
        Some(id) => Err(Violation::Undecided { place: Place::of(records.row(id)) }),
        None => Ok(()),
    }
}

/// Checks I3 for one verdict.
///
/// # Errors
/// When it does not have the shape or the sums that its code promises.
pub fn check_verdict(rules: &Rules, records: &Records, verdict: &Verdict) -> Result<(), Violation> {
    let Some(first) = verdict.left.first().or(verdict.right.first()) else {
        // Without records nothing can be said of sums, and nothing is lost.
        return Ok(());
    };
    let gross = [sum_of(records, &verdict.left), sum_of(records, &verdict.right)];
    match fault(rules, records, verdict, gross) {
        None => Ok(()),
        Some(what) => Err(Violation::NotAsLabelled {
            code: verdict.code,
            place: Place::of(records.row(*first)),
            what,
            sum_left: gross[0],
            sum_right: gross[1],
        }),
    }
}

/// Returns what is wrong with a verdict.
fn fault(rules: &Rules, records: &Records, verdict: &Verdict, gross: [i128; 2]) -> Option<&'static str> {
    let (left, right) = (verdict.left.as_slice(), verdict.right.as_slice());
    let rows = || left.iter().chain(right).map(|id| records.row(*id));
    let one_currency = rows().all(|row| Some(row.currency) == rows().next().map(|first| first.currency));
    let both_sides = !left.is_empty() && !right.is_empty();
    let one_each = left.len() == 1 && right.len() == 1;
    let late = rows().any(|row| row.age > 0);
    let unless = |holds: bool, what: &'static str| (!holds).then_some(what);
    match verdict.code {
        Code::Matched | Code::MatchedLate => unless(one_each, "not one record of each side")
            .or(unless(one_currency, "more than one currency"))
            .or(unless(gross[0] == gross[1], "the amounts differ"))
            .or(unless(late == (verdict.code == Code::MatchedLate), "open items do not fit the code")),
        Code::MatchedAggregate => unless(both_sides, "one side only")
            .or(unless(one_currency, "more than one currency"))
            .or(unless(sums(rules, records, verdict, gross).any(|[l, r]| l == r), "the sums differ")),
        Code::MatchedTolerance => {
            unless(both_sides, "one side only").or(unless(one_currency, "more than one currency")).or(unless(
                sums(rules, records, verdict, gross).any(|[l, r]| within(tolerance_of(rules, verdict), l, r)),
                "the difference exceeds the tolerance",
            ))
        }
        Code::NettedWithinSide => unless(!both_sides, "records of both sides")
            .or(unless(left.len() + right.len() > 1, "a single record"))
            .or(unless(one_currency, "more than one currency"))
            .or(unless(gross == [0, 0], "the sum is not zero")),
        Code::PendingTiming | Code::Unkeyed => unless(left.len() + right.len() == 1, "not a single record"),
        Code::MissingInB | Code::DuplicateInA => {
            unless(left.len() == 1 && right.is_empty(), "not a single left record")
        }
        Code::MissingInA | Code::DuplicateInB => {
            unless(left.is_empty() && right.len() == 1, "not a single right record")
        }
        Code::AmountMismatch => unless(one_each, "not one record of each side")
            .or(unless(one_currency, "more than one currency"))
            .or(unless(gross[0] != gross[1], "the amounts are equal")),
        Code::StatusMismatch => unless(both_sides, "one side only").or(unless(
            rows().any(|row| Some(row.status) != rows().next().map(|first| first.status)),
            "one status",
        )),
        Code::FeeMismatch => {
            unless(both_sides, "one side only").or(unless(one_currency, "more than one currency"))
        }
        Code::CurrencyMismatch => {
            unless(one_each, "not one record of each side").or(unless(!one_currency, "one currency"))
        }
        Code::TypeMismatch => unless(one_each, "not one record of each side").or(unless(
            rows().any(|row| Some(row.kind) != rows().next().map(|first| first.kind)),
            "one type",
        )),
        Code::BatchTotalMismatch => unless(both_sides, "one side only")
            .or(unless(one_currency, "more than one currency"))
            .or(unless(sums(rules, records, verdict, gross).any(|[l, r]| l != r), "the sums agree")),
        Code::Ambiguous => None,
        Code::Rejected => Some("a rejected row has no record"),
    }
}

/// Returns the sums that the verdict's pass may have compared: gross, and net of the fees of either
/// side where a batch is compared net of fees.
fn sums(
    rules: &Rules,
    records: &Records,
    verdict: &Verdict,
    [left, right]: [i128; 2],
) -> impl Iterator<Item = [i128; 2]> + use<> {
    let pass = verdict.pass.and_then(|pass| rules.passes.get(usize::from(pass)));
    let net = pass.is_some_and(|pass| matches!(pass.kind, PassKind::Batch { net_of_fees: true, .. }));
    let net_left = plus(left, -fees_of(records, &verdict.left));
    let net_right = plus(right, -fees_of(records, &verdict.right));
    let all = [[left, right], [net_left, right], [left, net_right]];
    all.into_iter().take(if net { 3 } else { 1 })
}

fn tolerance_of(rules: &Rules, verdict: &Verdict) -> Tolerance {
    let pass = verdict.pass.and_then(|pass| rules.passes.get(usize::from(pass)));
    match pass.map(|pass| &pass.kind) {
        Some(
            PassKind::Exact { tolerance, .. }
            | PassKind::Window { tolerance, .. }
            | PassKind::Batch { tolerance, .. }
            | PassKind::Subset { tolerance, .. },
        ) => *tolerance,
        Some(PassKind::Net { .. }) | None => Tolerance::default(),
    }
}

/// Written apart from the engine's own test on purpose.
fn within(tolerance: Tolerance, left: i128, right: i128) -> bool {
    let difference = (left - right).abs();
    let absolute = difference <= i128::from(tolerance.minor);
    // difference <= floor(|left| * ppm / 10^6), without the division.
    let relative =
        difference.saturating_mul(1_000_000) <= left.abs().saturating_mul(i128::from(tolerance.ppm));
    absolute || relative
}

fn sum_of(records: &Records, ids: &[RecordId]) -> i128 {
    ids.iter().fold(0, |sum, id| plus(sum, i128::from(records.row(*id).amount)))
}

fn fees_of(records: &Records, ids: &[RecordId]) -> i128 {
    ids.iter().filter_map(|id| records.row(*id).fee).fold(0, |sum, fee| plus(sum, i128::from(fee)))
}

/// Adds money. 2^64 amounts of 64 bits stay below 2^127, so a failure is a fault of the engine.
fn plus(a: i128, b: i128) -> i128 {
    a.checked_add(b).expect("sums of 64-bit amounts fit into 128 bits")
}
