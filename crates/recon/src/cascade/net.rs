//! The net pass: records of one side that cancel one another (design 6.5, pass 3; 6.8, "reversal on
//! one side only").
//!
//! Records of one side with equal `eq` fields and one currency form a group. Where `eq` names the
//! original id, a record without one stands under its own first key, so that a reversal meets what it
//! reverses.
//!
//! - A group that holds both signs, sums to zero and fits into `within_s` is netted as a whole.
//! - Otherwise opposite amounts are netted in pairs, the earliest first, as long as they fit into
//!   `within_s`. What is left goes on: an authorisation that was reversed and made again leaves one.
//! - `within_s` counts where the rules declare a time for the side; a record of such a side without
//!   a time cannot be shown to be within it and goes on.
//! - Zero amounts cancel nothing and are only taken along when their group is netted as a whole.

use super::Decisions;
use super::group::{Entry, Grouping, as_left_right, by_side};
use crate::outcome::Code;
use crate::record::{RecordId, Records, Side};
use crate::rule::PassKind;

pub(super) fn run(decisions: &mut Decisions<'_>, ids: &[RecordId]) {
    let context = decisions.context;
    let PassKind::Net { within_s, .. } = &context.rules.passes[context.pass].kind else { return };
    let grouping = Grouping::of(context.rules, context.pass, context.records);
    let apart = grouping.for_each(ids, |group| {
        if group.len() == 1 {
            return decisions.leave(group[0].id);
        }
        decide(group, *within_s, decisions);
    });
    for id in apart {
        decisions.leave(id);
    }
}

fn decide(group: &[Entry], within_s: Option<u64>, decisions: &mut Decisions<'_>) {
    let context = decisions.context;
    for (side, ids) in Side::BOTH.into_iter().zip(by_side(context.records, group)) {
        let timed = context.rules.sides[side.index()].time.is_some();
        // In microseconds; where no time is declared everything is within.
        let within = within_s.filter(|_| timed).map(|seconds| u128::from(seconds) * 1_000_000);
        if is_netted_as_a_whole(context.records, &ids, within) {
            let (left, right) = as_left_right(side, ids, Vec::new());
            decisions.found(Code::NettedWithinSide, left, right, "the group sums to zero");
        } else {
            net_in_pairs(side, ids, within, decisions);
        }
    }
}

fn is_netted_as_a_whole(records: &Records, ids: &[RecordId], within: Option<u128>) -> bool {
    let amounts = || ids.iter().map(|id| i128::from(records.row(*id).amount));
    if amounts().sum::<i128>() != 0 || amounts().all(|amount| amount == 0) {
        return false;
    }
    let Some(within) = within else { return true };
    let mut first_last: Option<(i64, i64)> = None;
    for id in ids {
        let Some(time) = records.row(*id).time else { return false };
        let (first, last) = first_last.unwrap_or((time, time));
        first_last = Some((first.min(time), last.max(time)));
    }
    first_last.is_some_and(|(first, last)| u128::from(last.abs_diff(first)) <= within)
}

fn net_in_pairs(side: Side, mut ids: Vec<RecordId>, within: Option<u128>, decisions: &mut Decisions<'_>) {
    let records = decisions.context.records;
    if within.is_some() {
        ids.retain(|id| {
            let timed = records.row(*id).time.is_some();
            if !timed {
                decisions.leave(*id);
            }
            timed
        });
    }
    // By size of amount, then time, then what else is compared, then location.
    ids.sort_unstable_by_key(|id| {
        let row = records.row(*id);
        (row.amount.unsigned_abs(), row.time, row.date, row.fee, row.loc)
    });
    for same_size in ids.chunk_by(|a, b| size(records, *a) == size(records, *b)) {
        let of_sign = |positive: bool| {
            let has_sign = move |id: &&RecordId| (records.row(**id).amount > 0) == positive;
            same_size.iter().filter(has_sign).copied().collect::<Vec<_>>()
        };
        if size(records, same_size[0]) == 0 {
            same_size.iter().for_each(|id| decisions.leave(*id));
            continue;
        }
        pair_by_time(side, &of_sign(true), &of_sign(false), within, decisions);
    }
}

/// Pairs two lists sorted by time. With one width for all windows, taking the earliest pair that
/// fits gives the most pairs.
fn pair_by_time(
    side: Side,
    plus: &[RecordId],
    minus: &[RecordId],
    within: Option<u128>,
    decisions: &mut Decisions<'_>,
) {
    let records = decisions.context.records;
    let time = |id: RecordId| records.row(id).time.unwrap_or(0);
    let (mut plus, mut minus) = (plus, minus);
    while let ([first_plus, rest_plus @ ..], [first_minus, rest_minus @ ..]) = (plus, minus) {
        let (at_plus, at_minus) = (time(*first_plus), time(*first_minus));
        if within.is_none_or(|within| u128::from(at_plus.abs_diff(at_minus)) <= within) {
            let (left, right) = as_left_right(side, vec![*first_plus, *first_minus], Vec::new());
            decisions.found(Code::NettedWithinSide, left, right, "opposite amounts");
            (plus, minus) = (rest_plus, rest_minus);
        } else if at_plus < at_minus {
            decisions.leave(*first_plus);
            plus = rest_plus;
        } else {
            decisions.leave(*first_minus);
            minus = rest_minus;
        }
    }
    plus.iter().chain(minus).for_each(|id| decisions.leave(*id));
}

fn size(records: &Records, id: RecordId) -> u64 {
    records.row(id).amount.unsigned_abs()
}
