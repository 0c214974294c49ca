//! A small reconciliation by the book, for days of a few thousand rows. It reads the generated
//! rules, and looks at the data alone.

use super::reading::{Record, SideRead};
use std::collections::BTreeMap;

/// A decision: code, rows of the left side, rows of the right side.
pub(super) type Decision = (String, Vec<String>, Vec<String>);

/// What the oracle takes from `rules.toml`.
struct Knobs {
    compares_fee: bool,
    tolerance: i64,
    aggregates: bool,
    passes: Vec<String>,
    pending_from: Option<i32>,
}

impl Knobs {
    fn read(rules: &toml::Table) -> Knobs {
        let passes = rules["passes"].as_array().unwrap();
        let exact = &passes[0];
        assert_eq!((exact["kind"].as_str(), exact["key"].as_str()), (Some("exact"), Some("k1")));
        let compare: Vec<_> =
            exact["compare"].as_array().unwrap().iter().filter_map(|v| v.as_str()).collect();
        for field in ["currency", "amount", "status"] {
            assert!(compare.contains(&field));
        }
        let kind = |pass: &toml::Value| pass["kind"].as_str().unwrap().to_owned();
        Knobs {
            compares_fee: compare.contains(&"fee"),
            tolerance: exact.get("tolerance").map_or(0, |t| t["minor"].as_integer().unwrap()),
            aggregates: exact.get("aggregate").is_some_and(|a| a.as_bool().unwrap()),
            passes: passes[1..].iter().map(kind).collect(),
            pending_from: rules.get("close").map(|close| {
                assert_eq!(close["as_of"].as_str(), Some("2026-11-11"));
                20_768 - i32::try_from(close["pending_days"].as_integer().unwrap()).unwrap()
            }),
        }
    }
}

/// Records that are not yet decided, by side.
type Open<'a> = [Vec<&'a Record>; 2];

/// Returns all decisions but the plain matches, in order, and the number of plain matches.
pub(super) fn reconcile(rules: &toml::Table, sides: &[SideRead; 2]) -> (Vec<Decision>, u64) {
    let knobs = Knobs::read(rules);
    let mut desk = Desk { knobs, decisions: Vec::new(), matched: 0 };
    for (side, read) in sides.iter().enumerate() {
        for row in &read.rejected {
            let mut rows = [Vec::new(), Vec::new()];
            rows[side].push(row.clone());
            let [left, right] = rows;
            desk.decisions.push(("REJECTED".to_owned(), left, right));
        }
    }
    let mut residue: Open<'_> = [Vec::new(), Vec::new()];
    for (key, group) in groups(sides.each_ref().map(|side| side.records.iter().collect()), |r| r.key.clone())
    {
        let rest = if key.is_some() { desk.exact(group) } else { group };
        for (residue, rest) in residue.iter_mut().zip(rest) {
            residue.extend(rest);
        }
    }
    for pass in desk.knobs.passes.clone() {
        residue = match pass.as_str() {
            "net" => desk.net(residue),
            "window" => desk.window(residue),
            "batch" => desk.batch(residue),
            other => panic!("pass {other}"),
        };
    }
    desk.close(residue);
    desk.decisions.sort();
    (desk.decisions, desk.matched)
}

struct Desk {
    knobs: Knobs,
    decisions: Vec<Decision>,
    matched: u64,
}

impl Desk {
    fn decide(&mut self, code: &str, left: &[&Record], right: &[&Record]) {
        let rows = |side: &[&Record]| {
            let mut rows: Vec<String> = side.iter().map(|record| record.row.clone()).collect();
            rows.sort_by_key(|row| (row.len(), row.clone()));
            rows
        };
        self.decisions.push((code.to_owned(), rows(left), rows(right)));
    }

    /// The tiers over the records of one key.
    fn exact<'a>(&mut self, mut open: Open<'a>) -> Open<'a> {
        let fee = self.knobs.compares_fee;
        let mut paired: Vec<String> = Vec::new();
        let tuple = |r: &Record| {
            (r.kind.clone(), r.currency.clone(), r.amount, r.status.clone(), if fee { r.fee } else { 0 })
        };
        for (left, right) in pairs(&mut open, tuple) {
            paired.push(left.kind.clone());
            if left.is_open_item || right.is_open_item {
                self.decide("MATCHED_LATE", &[left], &[right]);
            } else {
                self.matched += 1;
            }
        }
        if self.knobs.aggregates {
            let mut rest: Open<'a> = [Vec::new(), Vec::new()];
            for (_, [left, right]) in groups(open, |r| (r.kind.clone(), r.currency.clone())) {
                let sum = |side: &[&Record]| side.iter().map(|r| r.amount).sum::<i64>();
                if left.len() != right.len()
                    && !left.is_empty()
                    && !right.is_empty()
                    && sum(&left) == sum(&right)
                {
                    paired.push(left[0].kind.clone());
                    self.decide("MATCHED_AGGREGATE", &left, &right);
                } else {
                    rest[0].extend(left);
                    rest[1].extend(right);
                }
            }
            open = rest;
        }
        for (left, right) in pairs(&mut open, |r| (r.kind.clone(), r.currency.clone())) {
            paired.push(left.kind.clone());
            let delta = left.amount.abs_diff(right.amount);
            let code = match delta {
                0 if left.status != right.status => "STATUS_MISMATCH",
                0 => "FEE_MISMATCH",
                _ if delta <= self.knobs.tolerance.unsigned_abs() => "MATCHED_TOLERANCE",
                _ => "AMOUNT_MISMATCH",
            };
            // Exactly one thing is wrong with each seeded record.
            assert!(delta == 0 || (left.status == right.status && left.fee == right.fee));
            self.decide(code, &[left], &[right]);
        }
        for (left, right) in pairs(&mut open, |r| r.kind.clone()) {
            assert_eq!((left.amount, &left.status), (right.amount, &right.status));
            self.decide("CURRENCY_MISMATCH", &[left], &[right]);
        }
        for (left, right) in pairs(&mut open, |r| (r.currency.clone(), r.amount)) {
            self.decide("TYPE_MISMATCH", &[left], &[right]);
        }
        for (side, code) in ["DUPLICATE_IN_A", "DUPLICATE_IN_B"].into_iter().enumerate() {
            let (surplus, rest): (Vec<_>, Vec<_>) =
                std::mem::take(&mut open[side]).into_iter().partition(|record| paired.contains(&record.kind));
            open[side] = rest;
            for record in surplus {
                self.decide_one(code, side, record);
            }
        }
        open
    }

    fn decide_one(&mut self, code: &str, side: usize, record: &Record) {
        match side {
            0 => self.decide(code, &[record], &[]),
            _ => self.decide(code, &[], &[record]),
        }
    }

    fn net<'a>(&mut self, open: Open<'a>) -> Open<'a> {
        let mut rest: Open<'a> = [Vec::new(), Vec::new()];
        for (key, group) in groups(open, |r| r.original.clone().map(|o| (o, r.currency.clone()))) {
            for (side, records) in group.into_iter().enumerate() {
                let is_zero = records.iter().map(|r| r.amount).sum::<i64>() == 0;
                if key.is_some() && records.len() > 1 && is_zero {
                    match side {
                        0 => self.decide("NETTED_WITHIN_SIDE", &records, &[]),
                        _ => self.decide("NETTED_WITHIN_SIDE", &[], &records),
                    }
                } else {
                    rest[side].extend(records);
                }
            }
        }
        rest
    }

    /// Groups of equal account, currency and amount; in a generated day their dates fit or the
    /// records are alone.
    fn window<'a>(&mut self, open: Open<'a>) -> Open<'a> {
        let mut rest: Open<'a> = [Vec::new(), Vec::new()];
        let key = |r: &Record| r.account.clone().map(|a| (a, r.currency.clone(), r.amount));
        for (key, [left, right]) in groups(open, key) {
            let fits = left.iter().any(|l| {
                right.iter().any(|r| l.date.zip(r.date).is_some_and(|(l, r)| (-1..=1).contains(&(r - l))))
            });
            if key.is_some() && fits {
                assert_eq!(left.len() + right.len(), 3, "the generated window groups have three records");
                self.decide("AMBIGUOUS", &left, &right);
            } else {
                rest[0].extend(left);
                rest[1].extend(right);
            }
        }
        rest
    }

    fn batch<'a>(&mut self, open: Open<'a>) -> Open<'a> {
        let mut rest: Open<'a> = [Vec::new(), Vec::new()];
        for (key, [left, right]) in groups(open, |r| r.batch.clone().map(|b| (b, r.currency.clone()))) {
            if key.is_some() && !left.is_empty() && !right.is_empty() {
                let sum = |side: &[&Record]| side.iter().map(|r| r.amount).sum::<i64>();
                let code =
                    if sum(&left) == sum(&right) { "MATCHED_AGGREGATE" } else { "BATCH_TOTAL_MISMATCH" };
                self.decide(code, &left, &right);
            } else {
                rest[0].extend(left);
                rest[1].extend(right);
            }
        }
        rest
    }

    fn close(&mut self, open: Open<'_>) {
        for (side, records) in open.into_iter().enumerate() {
            for record in records {
                let recent =
                    self.knobs.pending_from.is_some_and(|from| record.date.is_some_and(|d| d >= from));
                let code = match (recent, &record.key, side) {
                    (true, _, _) => "PENDING_TIMING",
                    (_, None, _) => "UNKEYED",
                    (_, _, 0) => "MISSING_IN_B",
                    _ => "MISSING_IN_A",
                };
                self.decide_one(code, side, record);
            }
        }
    }
}

/// Groups the records of both sides by a key.
fn groups<'a, K: Ord>(open: Open<'a>, key: impl Fn(&Record) -> K) -> BTreeMap<K, Open<'a>> {
    let mut groups: BTreeMap<K, Open<'a>> = BTreeMap::new();
    for (side, records) in open.into_iter().enumerate() {
        for record in records {
            groups.entry(key(record)).or_default()[side].push(record);
        }
    }
    groups
}

/// Takes out pairs with equal keys, in order of location.
fn pairs<'a, K: Ord>(open: &mut Open<'a>, key: impl Fn(&Record) -> K) -> Vec<(&'a Record, &'a Record)> {
    let mut pairs = Vec::new();
    for (_, [mut left, mut right]) in groups(std::mem::take(open), key) {
        let count = left.len().min(right.len());
        open[0].extend(left.split_off(count));
        open[1].extend(right.split_off(count));
        pairs.extend(left.into_iter().zip(right));
    }
    pairs
}
