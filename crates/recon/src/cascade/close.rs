//! The close: what becomes of records that no pass took (design 6.5, pass 7).
//!
//! In this order:
//! 1. `UNKEYED`: the key of the first exact pass is null, so no counterpart could be named (6.8,
//!    "null keys"). A later pass may still have taken the record; then it does not come here.
//! 2. `PENDING_TIMING`: the business date lies at most `pending_days` before the horizon, or after
//!    it. The horizon is `as_of`, or else the last business date seen on the other side, or, when
//!    the other side has no dates at all, the last one on the own side. Where nobody has dates today,
//!    an open item stays pending. A record without a date is never pending, and neither is an open
//!    item that has been open for more than `runs_max` runs.
//! 3. `MISSING_IN_x`.

use super::CloseContext;
use crate::outcome::{Code, Verdict};
use crate::record::{RecordId, Records, Row, Side, Text};
use crate::rule::{PassKind, Rules};

pub(super) fn run(
    rules: &Rules,
    context: &CloseContext,
    records: &Records,
    ids: &[RecordId],
) -> Vec<Verdict> {
    let first_key = rules.passes.iter().find_map(|pass| match &pass.kind {
        PassKind::Exact { key, .. } => Some(*key),
        _ => None,
    });
    let decide = |&id: &RecordId| {
        let row = records.row(id);
        let unkeyed = first_key.is_some_and(|key| records.text(id, Text::Key(key)).is_none());
        let (code, why) = if unkeyed {
            (Code::Unkeyed, "no usable key, and no later pass found a counterpart")
        } else if is_pending(rules, context, row) {
            (Code::PendingTiming, "only on one side, inside the cut-off window")
        } else {
            (Code::missing_from_other(row.side), "no counterpart")
        };
        let (left, right) = match row.side {
            Side::Left => (vec![id], Vec::new()),
            Side::Right => (Vec::new(), vec![id]),
        };
        let candidates = Vec::new();
        Verdict { code, pass: None, left, right, why, candidates, duplicated_on_both_sides: false }
    };
    ids.iter().map(decide).collect()
}

fn is_pending(rules: &Rules, context: &CloseContext, row: &Row) -> bool {
    let Some(pending_days) = rules.close.pending_days else { return false };
    let Some(date) = row.date else { return false };
    if rules.close.runs_max.is_some_and(|runs_max| row.age > runs_max) {
        return false;
    }
    let last = |side: Side| context.last_date[side.index()];
    let horizon = rules.close.as_of.or(last(row.side.other())).or(last(row.side));
    // No record of today has a date, as on a holiday: nothing says that time has passed for open items.
    horizon.is_none_or(|horizon| i64::from(date) >= i64::from(horizon) - i64::from(pending_days))
}
