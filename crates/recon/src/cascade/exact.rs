//! The exact pass: one key group at a time, by tiers (design 6.5, passes 1 and 2).
//!
//! Within a key group records cancel on ever coarser classes, and each tier sees only what the one
//! before it left. A class of n left and m right records gives min(n, m) pairs.
//!
//! | Tier | Must agree (of the fields in `compare`) | Label |
//! |---|---|---|
//! | T0 | all | `MATCHED` |
//! | T1 | all but status; then all but fee; then all but both | by what differs |
//! | T1d | the same three and T0, without the date | by what differs |
//! | TA | type, currency; unequal counts and equal sums, if the rule says so | `MATCHED_AGGREGATE` |
//! | T2 | type, currency; pairs with the least sum of differences | by what differs |
//! | T3 | type and amount; then type | `CURRENCY_MISMATCH` |
//! | T4 | currency, amount | `TYPE_MISMATCH` |
//!
//! - The label of a pair says what differs in that pair, not in which tier it was found. When several
//!   fields differ the first of this order names the pair: currency, type, amount, status, fee, date.
//!   A pair that differs only in its date has no code of its own in the vocabulary; it is
//!   `AMBIGUOUS` with that reason, because two records under one key must not end as two missing ones.
//! - An amount within tolerance counts as equal there: with nothing else different the pair is
//!   `MATCHED_TOLERANCE`, otherwise the status or the fee names it.
//! - Within TA a status that is compared must be one for all, else the group is `STATUS_MISMATCH`;
//!   fees that are compared must agree in sum, else it is `FEE_MISMATCH`. Dates of part captures
//!   differ by nature and are not looked at.
//! - Theorem 2 (6.2): the chain T0 ⊃ without status ⊃ without status and fee ⊃ without date ⊃ T2 ⊃
//!   T3 is nested, so the counts of pairs are the lexicographically largest possible. The tiers in
//!   between (all but fee, same amount first) only choose among pairs of the next class of the chain
//!   and so change none of these counts.
//! - A record left over is `DUPLICATE_IN_x` if a record of its side, key and type was consumed in this
//!   group or by the fast path (6.5: "type matters: unmatched refund on a matched order is
//!   MISSING"); else it goes on. In a pass that only suggests nothing is consumed, so nothing is a
//!   duplicate.
//! - Within a class records pair in the order of type, currency, amount, status, fee, date, then
//!   location; words compare by their text. So moving lines about in a file can only interchange
//!   records that are equal in every compared field.

mod pairing;

use super::group::Grouping;
use super::{AlreadyMatched, Decisions};
use crate::outcome::Code;
use crate::record::{Loc, RecordId, Records, Side, Text, Word, Words};
use crate::rule::{Field, PassKind, Tolerance};
use std::cmp::Ordering;
use suanpan_money::Currency;

pub(super) fn run(decisions: &mut Decisions<'_>, ids: &[RecordId], already: &AlreadyMatched) {
    let context = decisions.context;
    let PassKind::Exact { key, compare, tolerance, aggregate } = &context.rules.passes[context.pass].kind
    else {
        return;
    };
    let grouping = Grouping::of(context.rules, context.pass, context.records);
    let ranks = Ranks::of(context.records, context.words, ids);
    let fields = Fields::compared(compare);
    let mut group = KeyGroup {
        fields,
        tolerance: *tolerance,
        aggregate: *aggregate,
        flag_copies: context.rules.flag_duplicates_on_both_sides,
        open: [Vec::new(), Vec::new()],
        consumed: Vec::new(),
    };
    // Mostly pairs. Address space only, where that is too much: untouched pages cost nothing.
    decisions.result.verdicts.reserve(ids.len() / 2);
    let already = (context.pass == 0 && !already.is_empty()).then_some(already);
    let apart = grouping.for_each(ids, |entries| {
        for entry in entries.iter() {
            let item = Item::of(context.records, &ranks, entry.id);
            group.open[item.side.index()].push(item);
        }
        group.decide(decisions);
        if group.open.iter().all(Vec::is_empty) {
            group.consumed.clear();
            return;
        }
        let key_bytes = already.and_then(|_| grouping.canonical(entries[0].id, Text::Key(*key)));
        let already = already.zip(key_bytes.as_deref());
        group.finish(decisions, already);
    });
    for id in apart {
        decisions.leave(id);
    }
}

/// A set of the fields that tiers look at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fields(u8);

impl Fields {
    const KIND: Fields = Fields(1);
    const CURRENCY: Fields = Fields(2);
    const AMOUNT: Fields = Fields(4);
    const STATUS: Fields = Fields(8);
    const FEE: Fields = Fields(16);
    const DATE: Fields = Fields(32);

    fn compared(compare: &[Field]) -> Fields {
        let bit = |field: &Field| match field {
            Field::Kind => Fields::KIND,
            Field::Status => Fields::STATUS,
            Field::Fee => Fields::FEE,
            Field::Date => Fields::DATE,
            // Currency and amount are always compared; texts are keys, never compared by tiers.
            Field::Currency | Field::Amount | Field::Text(_) => Fields(0),
        };
        compare.iter().map(bit).fold(Fields::CURRENCY.and(Fields::AMOUNT), Fields::and)
    }

    const fn has(self, field: Fields) -> bool {
        self.0 & field.0 != 0
    }

    const fn and(self, other: Fields) -> Fields {
        Fields(self.0 | other.0)
    }

    const fn without(self, other: Fields) -> Fields {
        Fields(self.0 & !other.0)
    }

    const fn only(self, other: Fields) -> Fields {
        Fields(self.0 & other.0)
    }
}

/// What the tiers look at of one record.
#[derive(Clone, Copy)]
struct Item {
    id: RecordId,
    side: Side,
    loc: Loc,
    amount: i64,
    fee: Option<i64>,
    date: Option<i32>,
    currency: Currency,
    /// Rank of the type's text, so that orders do not depend on when a word was first met.
    kind: u16,
    /// Rank of the status text.
    status: u16,
    word: Word,
    taken: bool,
}

impl Item {
    fn of(records: &Records, ranks: &Ranks, id: RecordId) -> Item {
        let row = records.row(id);
        Item {
            id,
            side: row.side,
            loc: row.loc,
            amount: row.amount,
            fee: row.fee,
            date: row.date,
            currency: row.currency,
            kind: ranks.of_word(row.kind),
            status: ranks.of_word(row.status),
            word: row.kind,
            taken: false,
        }
    }

    /// Returns the fields of `among` in which two items differ.
    fn differing(&self, other: &Item, among: Fields) -> Fields {
        let mut all = Fields(0);
        let mut add = |differs: bool, field: Fields| {
            if differs {
                all = all.and(field);
            }
        };
        add(self.kind != other.kind, Fields::KIND);
        add(self.currency != other.currency, Fields::CURRENCY);
        add(self.amount != other.amount, Fields::AMOUNT);
        add(self.status != other.status, Fields::STATUS);
        add(self.fee != other.fee, Fields::FEE);
        add(self.date != other.date, Fields::DATE);
        all.only(among)
    }

    fn order(&self, other: &Item, by: Fields) -> Ordering {
        let next = |field: Fields, order: Ordering| if by.has(field) { order } else { Ordering::Equal };
        next(Fields::KIND, self.kind.cmp(&other.kind))
            .then(next(Fields::CURRENCY, self.currency.cmp(&other.currency)))
            .then(next(Fields::AMOUNT, self.amount.cmp(&other.amount)))
            .then(next(Fields::STATUS, self.status.cmp(&other.status)))
            .then(next(Fields::FEE, self.fee.cmp(&other.fee)))
            .then(next(Fields::DATE, self.date.cmp(&other.date)))
    }
}

/// The records of one key that are still open, and what was consumed. Reused from group to group.
struct KeyGroup {
    fields: Fields,
    tolerance: Tolerance,
    aggregate: bool,
    flag_copies: bool,
    open: [Vec<Item>; 2],
    /// Side and rank of type of consumed records.
    consumed: Vec<(Side, u16)>,
}

/// The open items of one class, by side.
type Class<'a> = [&'a mut [Item]; 2];

impl KeyGroup {
    fn decide(&mut self, decisions: &mut Decisions<'_>) {
        let all = self.fields;
        let [left, right] = &self.open;
        if left.is_empty() || right.is_empty() {
            return;
        }
        if left.len() == 1 && right.len() == 1 {
            return self.decide_pair(decisions);
        }
        self.tier(all, decisions, Self::zip);
        let (status, fee, date) = (Fields::STATUS, Fields::FEE, Fields::DATE);
        let dropped = [status, fee, status.and(fee)];
        for drop in dropped {
            self.tier_unless_done(drop, decisions);
        }
        if all.has(date) {
            self.tier_unless_done(date, decisions);
            for drop in dropped {
                self.tier_unless_done(drop.and(date), decisions);
            }
        }
        let same_money = all.only(Fields::KIND.and(Fields::CURRENCY));
        if self.aggregate {
            self.tier(same_money, decisions, Self::aggregate);
        }
        self.tier(same_money, decisions, Self::zip_nearest);
        self.tier(all.only(Fields::KIND.and(Fields::AMOUNT)), decisions, Self::zip);
        self.tier(all.only(Fields::KIND), decisions, Self::zip);
        if all.has(Fields::KIND) {
            self.tier(Fields::CURRENCY.and(Fields::AMOUNT), decisions, Self::zip);
        }
    }

    /// Runs the tier in which these fields need not agree, where all of them are compared at all.
    fn tier_unless_done(&mut self, dropped: Fields, decisions: &mut Decisions<'_>) {
        if self.fields.only(dropped) == dropped {
            self.tier(self.fields.without(dropped), decisions, Self::zip);
        }
    }

    /// The shortest way for the most frequent group.
    fn decide_pair(&mut self, decisions: &mut Decisions<'_>) {
        let (left, right) = (self.open[0][0], self.open[1][0]);
        let differing = left.differing(&right, self.fields);
        let other_type = differing.has(Fields::KIND);
        if other_type && differing.only(Fields::CURRENCY.and(Fields::AMOUNT)) != Fields(0) {
            return;
        }
        self.pair(&left, &right, false, decisions);
        self.open.iter_mut().for_each(Vec::clear);
    }

    /// Sorts what is open into classes of equal `by`, lets `step` take what it can from each class
    /// that both sides have, and drops what was taken.
    fn tier(
        &mut self,
        by: Fields,
        decisions: &mut Decisions<'_>,
        step: fn(&mut Self, Class<'_>, &mut Decisions<'_>),
    ) {
        let [mut left, mut right] = std::mem::take(&mut self.open);
        if !left.is_empty() && !right.is_empty() {
            for side in [&mut left, &mut right] {
                let order = |a: &Item, b: &Item| {
                    a.order(b, by).then_with(|| a.order(b, self.fields)).then(a.loc.cmp(&b.loc))
                };
                side.sort_unstable_by(order);
            }
            let (mut at_left, mut at_right) = (0, 0);
            while at_left < left.len() && at_right < right.len() {
                match left[at_left].order(&right[at_right], by) {
                    Ordering::Less => at_left += 1,
                    Ordering::Greater => at_right += 1,
                    Ordering::Equal => {
                        let end_left = end_of_class(&left, at_left, by);
                        let end_right = end_of_class(&right, at_right, by);
                        step(
                            self,
                            [&mut left[at_left..end_left], &mut right[at_right..end_right]],
                            decisions,
                        );
                        (at_left, at_right) = (end_left, end_right);
                    }
                }
            }
            left.retain(|item| !item.taken);
            right.retain(|item| !item.taken);
        }
        self.open = [left, right];
    }

    fn zip(&mut self, [left, right]: Class<'_>, decisions: &mut Decisions<'_>) {
        let copies = left.len() == right.len() && left.len() > 1;
        for (left, right) in left.iter_mut().zip(right.iter_mut()) {
            self.pair(left, right, copies, decisions);
            (left.taken, right.taken) = (true, true);
        }
    }

    fn zip_nearest(&mut self, [left, right]: Class<'_>, decisions: &mut Decisions<'_>) {
        let amounts = |side: &[Item]| side.iter().map(|item| item.amount).collect::<Vec<_>>();
        for (at_left, at_right) in pairing::nearest(&amounts(left), &amounts(right)) {
            let (left, right) = (&mut left[at_left], &mut right[at_right]);
            self.pair(left, right, false, decisions);
            (left.taken, right.taken) = (true, true);
        }
    }

    fn aggregate(&mut self, [left, right]: Class<'_>, decisions: &mut Decisions<'_>) {
        let sum = |side: &[Item]| side.iter().map(|item| i128::from(item.amount)).sum::<i128>();
        if left.len() == right.len() || sum(left) != sum(right) {
            return;
        }
        let status = left[0].status;
        let one_status = left.iter().chain(right.iter()).all(|item| item.status == status);
        let fees = |side: &[Item]| side.iter().filter_map(|item| item.fee).map(i128::from).sum::<i128>();
        let (code, why) = if self.fields.has(Fields::STATUS) && !one_status {
            (Code::StatusMismatch, "the sums agree, the statuses do not")
        } else if self.fields.has(Fields::FEE) && fees(left) != fees(right) {
            (Code::FeeMismatch, "the sums agree, the sums of fees do not")
        } else {
            (Code::MatchedAggregate, "same key, type and currency: the sums agree")
        };
        let take = |side: &mut [Item]| {
            side.iter_mut().for_each(|item| item.taken = true);
            side.iter().map(|item| item.id).collect::<Vec<_>>()
        };
        let (ids_left, ids_right) = (take(left), take(right));
        for item in left.iter().chain(right.iter()) {
            self.consume(item.side, item.kind);
        }
        decisions.found(code, ids_left, ids_right, why);
    }

    fn pair(&mut self, left: &Item, right: &Item, copies: bool, decisions: &mut Decisions<'_>) {
        let (code, why) = self.label(left, right);
        self.consume(left.side, left.kind);
        self.consume(right.side, right.kind);
        let flagged = copies && self.flag_copies && code == Code::Matched;
        decisions.found_copies(code, vec![left.id], vec![right.id], why, flagged);
    }

    fn consume(&mut self, side: Side, kind: u16) {
        // Pairs come in runs of one type, left and right in turn; the rest is cleared up at the end.
        if !self.consumed.iter().rev().take(2).any(|last| *last == (side, kind)) {
            self.consumed.push((side, kind));
        }
    }

    /// Names a pair by what differs in it.
    fn label(&self, left: &Item, right: &Item) -> (Code, &'static str) {
        let differing = left.differing(right, self.fields);
        if differing == Fields(0) {
            return (Code::Matched, "equal in every compared field");
        }
        if differing.has(Fields::CURRENCY) {
            return (Code::CurrencyMismatch, "same key and type, other currency");
        }
        if differing.has(Fields::KIND) {
            return (Code::TypeMismatch, "same key, currency and amount, other type");
        }
        let amount_differs = differing.has(Fields::AMOUNT);
        let within = self.tolerance.admits(i128::from(left.amount), i128::from(right.amount));
        let [status, fee] = [Fields::STATUS, Fields::FEE].map(|field| differing.has(field));
        match (amount_differs && !within, amount_differs, status, fee) {
            (true, _, true, true) => (Code::AmountMismatch, "amount, status and fee differ"),
            (true, _, true, false) => (Code::AmountMismatch, "amount and status differ"),
            (true, _, false, true) => (Code::AmountMismatch, "amount and fee differ"),
            (true, _, false, false) => (Code::AmountMismatch, "same key, type and currency, other amount"),
            (false, true, true, _) => (Code::StatusMismatch, "amount within tolerance, the status differs"),
            (false, true, false, true) => (Code::FeeMismatch, "amount within tolerance, the fee differs"),
            (false, false, true, true) => (Code::StatusMismatch, "status and fee differ"),
            (false, false, true, false) => (Code::StatusMismatch, "equal but for the status"),
            (false, false, false, true) => (Code::FeeMismatch, "equal but for the fee"),
            (false, _, false, false) if differing.has(Fields::DATE) => {
                (Code::Ambiguous, "equal but for the business date")
            }
            (false, _, false, false) => (Code::MatchedTolerance, "equal, the amount within tolerance"),
        }
    }

    /// Tells duplicates from what goes on, and makes room for the next group.
    fn finish(&mut self, decisions: &mut Decisions<'_>, already: Option<(&AlreadyMatched, &[u8])>) {
        let automatic = decisions.automatic();
        self.consumed.sort_unstable();
        for side in Side::BOTH {
            let mut open = std::mem::take(&mut self.open[side.index()]);
            for item in &open {
                let consumed = self.consumed.binary_search(&(side, item.kind)).is_ok()
                    || already.is_some_and(|(already, key)| already.contains(key, item.word));
                if automatic && consumed {
                    let (left, right) = super::group::as_left_right(side, vec![item.id], Vec::new());
                    let why = "a further copy of a matched key and type";
                    decisions.found(Code::duplicate_in(side), left, right, why);
                } else {
                    decisions.leave(item.id);
                }
            }
            open.clear();
            self.open[side.index()] = open;
        }
        self.consumed.clear();
    }
}

fn end_of_class(items: &[Item], start: usize, by: Fields) -> usize {
    let same = |item: &&Item| items[start].order(item, by).is_eq();
    start + items[start..].iter().take_while(same).count()
}

/// The place of each word in the order of texts.
struct Ranks(Vec<u16>);

impl Ranks {
    fn of(records: &Records, words: &Words, ids: &[RecordId]) -> Ranks {
        let largest = |id: &RecordId| records.row(*id).kind.max(records.row(*id).status).0;
        let count = ids.iter().map(largest).max().map_or(0, |largest| usize::from(largest) + 1);
        let mut order: Vec<u16> = (0..=u16::MAX).take(count).collect();
        order.sort_by_key(|word| words.text(Word(*word)));
        let mut ranks = vec![0; count];
        for (rank, word) in (0..=u16::MAX).zip(order) {
            ranks[usize::from(word)] = rank;
        }
        Ranks(ranks)
    }

    fn of_word(&self, word: Word) -> u16 {
        self.0[usize::from(word.0)]
    }
}
