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

use super::group::{Grouping, by_side};
use super::{Context, Decisions};
use crate::outcome::Code;
use crate::record::{RecordId, Records};
use crate::rule::PassKind;

pub(super) fn run(decisions: &mut Decisions<'_>, ids: &[RecordId]) {
    let context = decisions.context;
    let grouping = Grouping::of(context.rules, context.pass, context.records);
    let apart = grouping.for_each(ids, |group| {
        let [left, right] = by_side(context.records, group);
        if left.is_empty() || right.is_empty() {
            left.into_iter().chain(right).for_each(|id| decisions.leave(id));
            return;
        }
        let (code, why) = label(&context, &left, &right);
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
    count: usize,
}

impl Totals {
    fn of(records: &Records, ids: &[RecordId]) -> Totals {
        let rows = || ids.iter().map(|id| records.row(*id));
        let gross = rows().map(|row| i128::from(row.amount)).sum();
        let fees = rows().filter_map(|row| row.fee).map(i128::from).sum();
        Totals { gross, fees, count: ids.len() }
    }
}

fn label(context: &Context<'_>, left: &[RecordId], right: &[RecordId]) -> (Code, &'static str) {
    let PassKind::Batch { net_of_fees, tolerance, .. } = &context.rules.passes[context.pass].kind else {
        return (Code::Ambiguous, "not a batch pass");
    };
    let totals = [Totals::of(context.records, left), Totals::of(context.records, right)];
    let many = if *net_of_fees { side_with_fees_off(context.records, [left, right]) } else { None };
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

/// Returns the index of the side whose fees are taken off.
fn side_with_fees_off(records: &Records, sides: [&[RecordId]; 2]) -> Option<usize> {
    let has_fees = |ids: &[RecordId]| ids.iter().any(|id| records.row(*id).fee.unwrap_or(0) != 0);
    match sides[0].len().cmp(&sides[1].len()) {
        std::cmp::Ordering::Greater => Some(0),
        std::cmp::Ordering::Less => Some(1),
        std::cmp::Ordering::Equal => match sides.map(has_fees) {
            [true, false] => Some(0),
            [false, true] => Some(1),
            _ => None,
        },
    }
}
