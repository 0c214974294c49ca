//! The batch pass: all records of one batch id and currency, compared by sum (design 6.5, pass 5;
//! 6.8, "net vs gross settlement").
//!
//! - Only batches that both sides have records of are decided; others go on.
//! - With `net_of_fees` the fees of the side with more records are taken off its sum. When both
//!   sides have as many, it is the side whose fees are not all zero or unknown; when both have such
//!   fees or neither has, nothing is taken off, since both are gross or both are net.
//! - Equal sums: `MATCHED` for one record against one of the same amount, else `MATCHED_AGGREGATE`.
//!   Sums within tolerance: `MATCHED_TOLERANCE`.
//! - Otherwise, if the gross sums agree (the other side paid without taking the fees off, or states
//!   a gross amount and another fee) it is `FEE_MISMATCH`; else `BATCH_TOTAL_MISMATCH`. All records of
//!   the batch are in the one verdict, so the difference can be traced.

use super::Decisions;
use super::group::{Grouping, by_side};
use crate::outcome::Code;
use crate::record::{RecordId, Records};
use crate::rule::{PassKind, Tolerance};
use std::cmp::Ordering;

pub(super) fn run(decisions: &mut Decisions<'_>, ids: &[RecordId]) {
    let context = decisions.context;
    let PassKind::Batch { net_of_fees, tolerance, .. } = &context.rules.passes[context.pass].kind else {
        return;
    };
    let grouping = Grouping::of(context.rules, context.pass, context.records);
    let apart = grouping.for_each(ids, |group| {
        let [left, right] = by_side(context.records, group);
        if left.is_empty() || right.is_empty() {
            left.into_iter().chain(right).for_each(|id| decisions.leave(id));
            return;
        }
        let totals = [Totals::of(context.records, &left), Totals::of(context.records, &right)];
        let many = if *net_of_fees { side_with_fees_off(&totals) } else { None };
        let (code, why) = label(&totals, many, *tolerance);
        decisions.found(code, left, right, why);
    });
    for id in apart {
        decisions.leave(id);
    }
}

/// The sums of one side of a batch.
#[derive(Clone, Copy)]
struct Totals {
    gross: i128,
    fees: i128,
    has_fees: bool,
    count: usize,
}

impl Totals {
    fn of(records: &Records, ids: &[RecordId]) -> Totals {
        let fees = || ids.iter().filter_map(|id| records.row(*id).fee);
        Totals {
            gross: ids.iter().map(|id| i128::from(records.row(*id).amount)).sum(),
            fees: fees().map(i128::from).sum(),
            has_fees: fees().any(|fee| fee != 0),
            count: ids.len(),
        }
    }
}

/// Returns the index of the side whose fees are taken off.
fn side_with_fees_off([left, right]: &[Totals; 2]) -> Option<usize> {
    match left.count.cmp(&right.count) {
        Ordering::Greater => Some(0),
        Ordering::Less => Some(1),
        Ordering::Equal => match [left.has_fees, right.has_fees] {
            [true, false] => Some(0),
            [false, true] => Some(1),
            _ => None,
        },
    }
}

/// Names a batch; `many` is the side whose fees are taken off.
fn label(totals: &[Totals; 2], many: Option<usize>, tolerance: Tolerance) -> (Code, &'static str) {
    let mut compared = totals.map(|side| side.gross);
    if let Some(many) = many {
        compared[many] -= totals[many].fees;
    }
    let [sum_left, sum_right] = compared;
    let one_to_one = totals.iter().all(|side| side.count == 1);
    let gross_differs = totals[0].gross != totals[1].gross;
    if sum_left == sum_right {
        return match (one_to_one, gross_differs) {
            (true, false) => (Code::Matched, "same batch and amount"),
            (_, true) => (Code::MatchedAggregate, "the batch adds up, net of fees"),
            (false, false) => (Code::MatchedAggregate, "the batch adds up"),
        };
    }
    if tolerance.admits(sum_left, sum_right) {
        return (Code::MatchedTolerance, "the batch adds up within tolerance");
    }
    if let Some(many) = many {
        let (lines, total) = (totals[many], totals[1 - many]);
        if lines.gross == total.gross {
            return (Code::FeeMismatch, "the gross amounts agree: the fees were not taken off");
        }
        if total.fees != 0 && lines.gross == total.gross + total.fees {
            return (Code::FeeMismatch, "the gross amounts agree, the fees do not");
        }
    }
    (Code::BatchTotalMismatch, "the lines of the batch do not add up to its total")
}
