//! The subset pass: one record of one side against a sum of records of the other, found by search
//! (design 6.5, pass 6).
//!
//! Records with equal `eq` fields and currency form a group. For each record of the `one` side (a
//! payout, say) the candidates are the records of the other side in its date window; records of
//! amount zero change no sum and are none. Meet in the middle finds all subsets whose sum is within
//! tolerance.
//!
//! **Admissibility gate.** Among n candidates some subset hits any sum by chance; expected are
//! `E = 2^n (2ε + 1) / (σ √(2π))` false ones, with `σ = ½ √(Σ a²)`. A match is automatic only when
//! the subset is the only one, the search was complete and `E ≤ 0.01`. Amounts that are all round
//! (whole hundreds) leave fewer sums to go round, so the gate counts in the largest unit 1, 2 or 5
//! times a power of ten that divides them all, and the tolerance in the same unit: the design's
//! formula, which counts in minor units, would be too trusting there. It is decided in whole numbers:
//! with amounts b in that unit g, `E ≤ 1/100` is `4^n (⌊2ε/g⌋ + 1)² · 20,000 ≤ π Σ b²`, with π
//! rounded down, and whatever does not fit into 128 bits counts against the match.
//!
//! - Subsets that differ only by interchangeable records (equal in all but location) are one.
//! - All records of the `one` side search among all candidates, as if alone. If two that could be
//!   matched automatically want the same record, neither gets it. So no order of search matters.
//! - Automatic: `MATCHED` for a subset of one with no difference, `MATCHED_AGGREGATE` for more,
//!   `MATCHED_TOLERANCE` when a difference remains.
//! - Otherwise: a single subset that nobody else wants is suggested as one `AMBIGUOUS` verdict. In all
//!   other cases the `one` record alone is `AMBIGUOUS`, with the records of at most five subsets as
//!   candidates, best first (least difference, fewest records), and those records go on.
//! - When there are more candidates than `candidates_max`, or than can be searched within
//!   `steps_max`, the ones nearest in date (then by amount) are searched, and nothing is automatic.

mod search;

use super::Decisions;
use super::group::{Entry, Grouping, as_left_right, by_side, interchangeable};
use crate::outcome::Code;
use crate::record::{RecordId, Records, Side};
use crate::rule::{PassKind, Tolerance};
use std::collections::{BTreeMap, BTreeSet};

/// The most subsets that are shown for one record.
const SUGGESTIONS_MAX: usize = 5;

pub(super) fn run(decisions: &mut Decisions<'_>, ids: &[RecordId]) {
    let context = decisions.context;
    let PassKind::Subset { one, candidates_max, steps_max, tolerance, days_min, days_max, .. } =
        &context.rules.passes[context.pass].kind
    else {
        return;
    };
    let limits = Limits {
        one: *one,
        candidates_max: usize::try_from(*candidates_max).unwrap_or(usize::MAX),
        steps_max: *steps_max,
        tolerance: *tolerance,
        days: (i64::from(*days_min), i64::from(*days_max)),
    };
    let grouping = Grouping::of(context.rules, context.pass, context.records);
    let apart = grouping.for_each(ids, |group| decide(group, &limits, decisions));
    for id in apart {
        decisions.leave(id);
    }
}

struct Limits {
    one: Side,
    candidates_max: usize,
    steps_max: u64,
    tolerance: Tolerance,
    /// Right date minus left date: first and last.
    days: (i64, i64),
}

/// What the search found for one record.
struct Finding {
    one: RecordId,
    /// Subsets, best first.
    subsets: Vec<Vec<RecordId>>,
    /// Exactly one subset exists.
    unique: bool,
    /// The gate lets it pass.
    admissible: bool,
}

fn decide(group: &[Entry], limits: &Limits, decisions: &mut Decisions<'_>) {
    let records = decisions.context.records;
    let [left, right] = by_side(records, group);
    let (ones, lines) = as_left_right(limits.one, left, right);
    let has_amount = |id: &RecordId| records.row(*id).amount != 0;
    let mut usable: Vec<RecordId> = lines.iter().copied().filter(has_amount).collect();
    usable.sort_unstable_by_key(|id| {
        let row = records.row(*id);
        (row.date, row.amount, row.fee, row.loc)
    });
    let search = |one: &RecordId| find(records, *one, &usable, limits);
    let findings: Vec<Finding> = ones.iter().map(search).collect();

    // Lines wanted by automatic matches; those wanted twice make none of them automatic.
    let mut wanted: BTreeMap<RecordId, u32> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.is_automatic()) {
        finding.subsets[0].iter().for_each(|id| *wanted.entry(*id).or_insert(0) += 1);
    }
    let uncontested = |subset: &[RecordId]| subset.iter().all(|id| wanted.get(id) == Some(&1));
    let (matched, open): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.is_automatic() && uncontested(&finding.subsets[0]));
    let mut taken: BTreeSet<RecordId> = BTreeSet::new();
    for finding in matched {
        taken.extend(&finding.subsets[0]);
        note_match(finding, limits, decisions);
    }
    suggest(open, &mut taken, limits, decisions);
    lines.iter().filter(|id| !taken.contains(id)).for_each(|id| decisions.leave(*id));
}

impl Finding {
    fn is_automatic(&self) -> bool {
        self.unique && self.admissible && self.subsets.len() == 1
    }
}

fn note_match(mut finding: Finding, limits: &Limits, decisions: &mut Decisions<'_>) {
    let records = decisions.context.records;
    let subset = std::mem::take(&mut finding.subsets[0]);
    let sum: i128 = subset.iter().map(|id| i128::from(records.row(*id).amount)).sum();
    let (code, why) = if sum != i128::from(records.row(finding.one).amount) {
        (Code::MatchedTolerance, "the only sum within tolerance")
    } else if subset.len() == 1 {
        (Code::Matched, "the only record with the amount")
    } else {
        (Code::MatchedAggregate, "the only records with the sum")
    };
    let (left, right) = as_left_right(limits.one, vec![finding.one], subset);
    decisions.found(code, left, right, why);
}

/// Notes what was found but not decided. Subsets with taken lines no longer count.
fn suggest(
    mut open: Vec<Finding>,
    taken: &mut BTreeSet<RecordId>,
    limits: &Limits,
    decisions: &mut Decisions<'_>,
) {
    let mut wanted: BTreeMap<RecordId, u32> = BTreeMap::new();
    for finding in &mut open {
        finding.subsets.retain(|subset| subset.iter().all(|id| !taken.contains(id)));
        let lines: BTreeSet<RecordId> = finding.subsets.iter().flatten().copied().collect();
        lines.into_iter().for_each(|id| *wanted.entry(id).or_insert(0) += 1);
    }
    for finding in open {
        match finding.subsets.as_slice() {
            [] => decisions.leave(finding.one),
            [subset] if finding.unique && subset.iter().all(|id| wanted.get(id) == Some(&1)) => {
                taken.extend(subset);
                let (left, right) = as_left_right(limits.one, vec![finding.one], subset.clone());
                let why = "a sum that agrees, but may do so by chance";
                decisions.ambiguous(left, right, why, Vec::new());
            }
            subsets => {
                let mut candidates: Vec<RecordId> = Vec::new();
                for id in subsets.iter().flatten() {
                    if !candidates.contains(id) {
                        candidates.push(*id);
                    }
                }
                let (left, right) = as_left_right(limits.one, vec![finding.one], Vec::new());
                decisions.ambiguous(left, right, "several sums agree, or others want the same", candidates);
            }
        }
    }
}

/// Searches for one record among lines sorted by date, amount, fee and location.
fn find(records: &Records, one: RecordId, lines: &[RecordId], limits: &Limits) -> Finding {
    let target = records.row(one);
    let date = |id: RecordId| i64::from(records.row(id).date.unwrap_or(0));
    let (first, last) = match limits.one {
        Side::Left => (date(one) + limits.days.0, date(one) + limits.days.1),
        Side::Right => (date(one) - limits.days.1, date(one) - limits.days.0),
    };
    let start = lines.partition_point(|id| date(*id) < first);
    let end = start + lines[start..].partition_point(|id| date(*id) <= last);
    let in_window = &lines[start..end];
    let wanted =
        search::Wanted { target: i128::from(target.amount), tolerance: limits.tolerance, one: limits.one };
    let admissible = in_window.len() <= search::ITEMS_MAX && {
        let amounts: Vec<i64> = in_window.iter().map(|id| records.row(*id).amount).collect();
        is_admissible(&amounts, wanted.slack(&amounts))
    };
    let searched_max = limits.candidates_max.min(search::searchable(limits.steps_max));
    let truncated = in_window.len() > searched_max;

    // Of each day only the first few can be among the nearest.
    let mut candidates: Vec<RecordId> = Vec::new();
    let mut rest = in_window;
    while let Some(id) = rest.first() {
        let (day, later) = rest.split_at(rest.partition_point(|other| date(*other) == date(*id)));
        candidates.extend(day.iter().take(searched_max));
        rest = later;
    }
    candidates.sort_unstable_by_key(|id| {
        let row = records.row(*id);
        (date(*id).abs_diff(date(one)), row.amount, row.date, row.fee, row.loc)
    });
    candidates.truncate(searched_max);

    // Interchangeable records stand together, and a subset takes the first of them only.
    let items = classify(records, &mut candidates);
    let found = search::subsets(&items, &wanted, limits.steps_max, SUGGESTIONS_MAX);
    let subset_of = |mask: &u64| {
        let chosen = candidates.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
        chosen.map(|(_, id)| *id).collect::<Vec<_>>()
    };
    Finding {
        one,
        subsets: found.best.iter().map(subset_of).collect(),
        unique: found.count == 1 && found.complete,
        admissible: admissible && !truncated,
    }
}

/// Brings interchangeable candidates together and returns what the search needs of each.
fn classify(records: &Records, candidates: &mut Vec<RecordId>) -> Vec<search::Item> {
    let mut classes: Vec<Vec<RecordId>> = Vec::new();
    for id in candidates.iter() {
        match classes.iter_mut().find(|class| interchangeable(records, class[0], *id)) {
            Some(class) => class.push(*id),
            None => classes.push(vec![*id]),
        }
    }
    let item = |(at, id): (usize, &RecordId)| search::Item {
        amount: records.row(*id).amount,
        copy_of_previous: at > 0,
    };
    let items = classes.iter().flat_map(|class| class.iter().enumerate().map(item)).collect();
    *candidates = classes.into_iter().flatten().collect();
    items
}

/// The gate: says whether at most 0.01 false subsets are to be expected.
fn is_admissible(amounts: &[i64], slack: u128) -> bool {
    let unit = round_unit(amounts);
    let count = u32::try_from(amounts.len()).unwrap_or(u32::MAX);
    let false_hits = || {
        let hits = (slack.checked_mul(2)? / u128::from(unit)).checked_add(1)?;
        let subsets = 4_u128.checked_pow(count)?;
        // 20,000 · 10^5, against π · 10^5.
        subsets.checked_mul(hits.checked_mul(hits)?)?.checked_mul(20_000)?.checked_mul(100_000)
    };
    let squares = |sum: u128, amount: &i64| {
        let in_units = u128::from(amount.unsigned_abs() / unit);
        sum.saturating_add(in_units * in_units)
    };
    let spread = amounts.iter().fold(0, squares).saturating_mul(314_159);
    false_hits().is_some_and(|hits| hits <= spread)
}

/// Returns the largest 1, 2 or 5 times a power of ten that divides all amounts.
fn round_unit(amounts: &[i64]) -> u64 {
    let divides_all = |unit: u64| amounts.iter().all(|amount| amount.unsigned_abs() % unit == 0);
    let mut power = 1_u64;
    // No amount reaches 10^19.
    for _ in 0..18 {
        if !divides_all(power * 10) {
            break;
        }
        power *= 10;
    }
    let digit = [5, 2, 1].into_iter().find(|digit| divides_all(power * digit));
    power * digit.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of design 6.5 for amounts of 100.00 to 10,000.00: the gate opens up to about 14.
    #[test]
    fn the_gate_closes_where_the_design_says() {
        // Evenly spread over the range, with last digits that leave no common divisor.
        let spread = |n: i64| (0..n).map(|i| 10_000 + i * 990_000 / n.max(2) + 1 + i % 7).collect::<Vec<_>>();
        assert!(is_admissible(&spread(12), 0), "E is about 0.002");
        assert!(!is_admissible(&spread(15), 0), "E is about 0.011");
        assert!(!is_admissible(&spread(25), 0), "E is about 8.7");
        assert!(!is_admissible(&spread(8), 500), "within 5.00, eight candidates give 0.12");
        assert!(!is_admissible(&spread(200), 0), "2^400 does not fit, and does not pass");
        assert!(!is_admissible(&[], 0));
    }

    #[test]
    fn round_amounts_are_counted_in_their_own_unit() {
        let odd = [1_000_001, 2_000_003, 3_000_007, 4_000_009, 5_000_011, 6_000_013, 7_000_017, 8_000_019];
        let round = odd.map(|amount| amount / 1_000_000 * 1_000_000);
        assert!(is_admissible(&odd, 0));
        assert!(!is_admissible(&round, 0), "one to eight, in millions: many subsets share a sum");
        for (amounts, unit) in [(&[1_234_567][..], 1), (&[15_000], 5_000), (&[-400, 1_000], 200)] {
            assert_eq!(round_unit(amounts), unit, "{amounts:?}");
        }
    }
}
