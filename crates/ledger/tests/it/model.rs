//! The book against a model that is written another way: plain maps, wide numbers, and for each entry the list
//! of all reasons that hold, of which the first in the order of precedence is expected. Refused work is undone
//! by throwing a copy away.

use std::collections::BTreeMap;
use suanpan_ledger::account::{AccountChange, Limits};
use suanpan_ledger::entry::{Action, EntryBatch, EntryHead, EntryId};

mod run;

/// The order of precedence, written down once more.
const ORDER: &[&str] = &[
    "id_zero",
    "id_max",
    "exists_with_different_action",
    "exists_with_different_target",
    "exists_with_different_expiry",
    "exists_with_different_booked_at",
    "exists_with_different_code",
    "exists_with_different_postings",
    "import_not_a_post",
    "import_in_future",
    "postings_missing",
    "postings_not_allowed",
    "amount_zero",
    "accounts_same",
    "expiry_not_in_future",
    "hold_not_found",
    "not_a_hold",
    "already_captured",
    "already_voided",
    "hold_expired",
    "capture_postings_differ",
    "exceeds_hold",
    "reversed_entry_not_found",
    "not_reversible",
    "already_reversed",
    "account_not_found",
    "currencies_differ",
    "account_closed",
    "debits_frozen",
    "credits_frozen",
    "account_has_later_postings",
    "sum_overflow",
    "exceeds_floor",
    "exceeds_ceiling",
];

#[derive(Debug, Clone)]
struct ModelAccount {
    debit_normal: bool,
    currency: &'static str,
    floor: Option<i64>,
    ceiling: Option<i64>,
    no_debits: bool,
    no_credits: bool,
    closed: bool,
    debits: i128,
    credits: i128,
    debits_held: i128,
    credits_held: i128,
    last: Option<i64>,
}

impl ModelAccount {
    fn outside(&self) -> Option<&'static str> {
        let sign = if self.debit_normal { 1 } else { -1 };
        let balance = sign * (self.debits - self.credits);
        let (out, coming) = if self.debit_normal {
            (self.credits_held, self.debits_held)
        } else {
            (self.debits_held, self.credits_held)
        };
        if self.floor.is_some_and(|floor| balance - out < floor.into()) {
            Some("exceeds_floor")
        } else if self.ceiling.is_some_and(|ceiling| balance + coming > ceiling.into()) {
            Some("exceeds_ceiling")
        } else {
            None
        }
    }
}

type ModelLine = (u32, u32, u64);

#[derive(Debug, Clone, PartialEq)]
enum Fate {
    Settled,
    Open,
    Captured,
    Voided,
    Expired,
    Reversed,
}

#[derive(Debug, Clone)]
struct ModelEntry {
    ordinal: u64,
    action: Action,
    code: u16,
    booked_at: Option<i64>,
    /// What it posted or holds.
    lines: Vec<ModelLine>,
    /// A capture of all that was held.
    whole: bool,
    fate: Fate,
}

#[derive(Debug, Clone, Default)]
struct Model {
    accounts: Vec<ModelAccount>,
    entries: BTreeMap<u128, ModelEntry>,
    count: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Accepted(u64),
    Exists(u64),
    No(&'static str),
}

impl Model {
    fn reasons_of_accounts(&self, lines: &[ModelLine], booked: Option<i64>, reasons: &mut Vec<&'static str>) {
        for &(debit, credit, amount) in lines {
            if amount == 0 {
                reasons.push("amount_zero");
            }
            if debit == credit {
                reasons.push("accounts_same");
            }
            let pair = (self.accounts.get(debit as usize), self.accounts.get(credit as usize));
            let (Some(debit), Some(credit)) = pair else {
                reasons.push("account_not_found");
                continue;
            };
            if debit.currency != credit.currency {
                reasons.push("currencies_differ");
            }
            if debit.closed || credit.closed {
                reasons.push("account_closed");
            }
            if debit.no_debits && !debit.closed {
                reasons.push("debits_frozen");
            }
            if credit.no_credits && !credit.closed {
                reasons.push("credits_frozen");
            }
            if booked.is_some_and(|booked| debit.last > Some(booked) || credit.last > Some(booked)) {
                reasons.push("account_has_later_postings");
            }
        }
    }

    fn differences(
        head: &EntryHead,
        asked: &[ModelLine],
        booked: Option<i64>,
        there: &ModelEntry,
    ) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        let target = |action| match action {
            Action::Capture { hold } | Action::Void { hold } => Some(hold),
            Action::Reversal { of } => Some(of),
            Action::Post | Action::Hold { .. } => None,
        };
        if std::mem::discriminant(&head.action) != std::mem::discriminant(&there.action) {
            return vec!["exists_with_different_action"];
        }
        if target(head.action) != target(there.action) {
            reasons.push("exists_with_different_target");
        } else if head.action != there.action {
            reasons.push("exists_with_different_expiry");
        }
        if booked != there.booked_at {
            reasons.push("exists_with_different_booked_at");
        }
        if head.code != there.code {
            reasons.push("exists_with_different_code");
        }
        let same = match there.action {
            Action::Capture { .. } if asked.is_empty() => there.whole,
            Action::Void { .. } | Action::Reversal { .. } => asked.is_empty(),
            _ => asked == there.lines,
        };
        if !same {
            reasons.push("exists_with_different_postings");
        }
        reasons
    }

    fn hold_reason(&self, id: EntryId, now: i64) -> Result<Vec<ModelLine>, &'static str> {
        let entry = self.entries.get(&id.0).ok_or("hold_not_found")?;
        let Action::Hold { expires_at } = entry.action else { return Err("not_a_hold") };
        match entry.fate {
            Fate::Open if expires_at.is_some_and(|at| at.micros() <= now) => Err("hold_expired"),
            Fate::Open => Ok(entry.lines.clone()),
            Fate::Captured => Err("already_captured"),
            Fate::Voided => Err("already_voided"),
            Fate::Expired => Err("hold_expired"),
            Fate::Settled | Fate::Reversed => unreachable!("no hold has this fate"),
        }
    }

    /// Moves money; says what that breaks.
    fn shift(
        &mut self,
        lines: &[ModelLine],
        posted: i128,
        held: i128,
        at: i64,
        checked: bool,
    ) -> Vec<&'static str> {
        for &(debit, credit, amount) in lines {
            let amount = i128::from(amount);
            let account = &mut self.accounts[debit as usize];
            account.debits += posted * amount;
            account.debits_held += held * amount;
            if posted * amount != 0 {
                account.last = Some(at);
            }
            let account = &mut self.accounts[credit as usize];
            account.credits += posted * amount;
            account.credits_held += held * amount;
            if posted * amount != 0 {
                account.last = Some(at);
            }
        }
        if !checked {
            return Vec::new();
        }
        let touched = lines.iter().flat_map(|line| [line.0, line.1]);
        let mut reasons = Vec::new();
        for account in touched.map(|number| &self.accounts[number as usize]) {
            let most = i128::from(u64::MAX);
            if account.debits + account.debits_held > most || account.credits + account.credits_held > most {
                reasons.push("sum_overflow");
            }
            reasons.extend(account.outside());
        }
        reasons
    }

    fn one(&mut self, head: &EntryHead, asked: &[ModelLine], booked: Option<i64>, now: i64) -> Answer {
        let before = self.clone();
        let answer = self.decide(head, asked, booked, now);
        match answer {
            Ok(answer) => answer,
            Err(reasons) => {
                *self = before;
                let first = ORDER.iter().find(|reason| reasons.contains(reason));
                Answer::No(first.expect("every reason has a place"))
            }
        }
    }

    fn decide(
        &mut self,
        head: &EntryHead,
        asked: &[ModelLine],
        booked: Option<i64>,
        now: i64,
    ) -> Result<Answer, Vec<&'static str>> {
        if head.id.0 == 0 {
            return Err(vec!["id_zero"]);
        }
        if let Some(there) = self.entries.get(&head.id.0) {
            let reasons = Self::differences(head, asked, booked, there);
            return if reasons.is_empty() { Ok(Answer::Exists(there.ordinal)) } else { Err(reasons) };
        }
        let mut reasons = Vec::new();
        if let Some(booked) = booked {
            if head.action != Action::Post {
                reasons.push("import_not_a_post");
            }
            if booked > now {
                reasons.push("import_in_future");
            }
        }
        let at = booked.unwrap_or(now);
        let mut whole = false;
        let (lines, fate, broken) = match head.action {
            Action::Post | Action::Hold { .. } => {
                if asked.is_empty() {
                    reasons.push("postings_missing");
                }
                if let Action::Hold { expires_at: Some(expires_at) } = head.action
                    && expires_at.micros() <= now
                {
                    reasons.push("expiry_not_in_future");
                }
                self.reasons_of_accounts(asked, booked, &mut reasons);
                if !reasons.is_empty() {
                    return Err(reasons);
                }
                let post = head.action == Action::Post;
                let broken = self.shift(asked, i128::from(post), i128::from(!post), at, true);
                (asked.to_vec(), if post { Fate::Settled } else { Fate::Open }, broken)
            }
            Action::Capture { hold } => {
                if !asked.is_empty() && asked.iter().all(|line| line.2 == 0) {
                    reasons.push("amount_zero");
                }
                let held = match self.hold_reason(hold, now) {
                    Ok(held) => held,
                    Err(reason) => {
                        reasons.push(reason);
                        return Err(reasons);
                    }
                };
                let wanted = if asked.is_empty() { held.clone() } else { asked.to_vec() };
                let accounts =
                    |lines: &[ModelLine]| lines.iter().map(|line| (line.0, line.1)).collect::<Vec<_>>();
                if accounts(&wanted) != accounts(&held) {
                    reasons.push("capture_postings_differ");
                }
                if wanted.iter().zip(&held).any(|(wanted, held)| wanted.2 > held.2) {
                    reasons.push("exceeds_hold");
                }
                if !reasons.is_empty() {
                    return Err(reasons);
                }
                whole = wanted == held;
                self.shift(&held, 0, -1, at, false);
                let broken = self.shift(&wanted, 1, 0, at, true);
                self.entries.get_mut(&hold.0).unwrap().fate = Fate::Captured;
                (wanted, Fate::Settled, broken)
            }
            Action::Void { hold } => {
                if !asked.is_empty() {
                    reasons.push("postings_not_allowed");
                }
                match self.hold_reason(hold, now) {
                    Ok(held) if reasons.is_empty() => {
                        let broken = self.shift(&held, 0, -1, at, true);
                        self.entries.get_mut(&hold.0).unwrap().fate = Fate::Voided;
                        (held, Fate::Settled, broken)
                    }
                    Ok(_) => return Err(reasons),
                    Err(reason) => {
                        reasons.push(reason);
                        return Err(reasons);
                    }
                }
            }
            Action::Reversal { of } => {
                if !asked.is_empty() {
                    reasons.push("postings_not_allowed");
                }
                let mut lines = Vec::new();
                match self.entries.get(&of.0) {
                    None => reasons.push("reversed_entry_not_found"),
                    Some(there) if !matches!(there.action, Action::Post | Action::Capture { .. }) => {
                        reasons.push("not_reversible");
                    }
                    Some(there) if there.fate == Fate::Reversed => reasons.push("already_reversed"),
                    Some(there) => {
                        let moved = there.lines.iter().filter(|line| line.2 > 0);
                        lines.extend(moved.map(|&(debit, credit, amount)| (credit, debit, amount)));
                    }
                }
                self.reasons_of_accounts(&lines, None, &mut reasons);
                if !reasons.is_empty() {
                    return Err(reasons);
                }
                let broken = self.shift(&lines, 1, 0, at, true);
                self.entries.get_mut(&of.0).unwrap().fate = Fate::Reversed;
                (lines, Fate::Settled, broken)
            }
        };
        if !reasons.is_empty() || !broken.is_empty() {
            return Err(reasons.into_iter().chain(broken).collect());
        }
        let ordinal = self.count;
        self.count += 1;
        let EntryHead { id, action, code, .. } = *head;
        let entry = ModelEntry { ordinal, action, code, booked_at: booked, lines, whole, fate };
        self.entries.insert(id.0, entry);
        Ok(Answer::Accepted(ordinal))
    }

    fn batch(&mut self, batch: &EntryBatch, booked: Option<i64>, now: i64) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut postings = batch.postings.iter();
        let mut asked = Vec::new();
        for head in &batch.heads {
            let own = postings.by_ref().take(head.postings.into());
            asked.push((head, own.map(|p| (p.debit.0, p.credit.0, p.amount_minor)).collect::<Vec<_>>()));
        }
        let mut rest = asked.as_slice();
        while !rest.is_empty() {
            let linked = rest.iter().take_while(|(head, _)| head.linked).count();
            if linked == rest.len() {
                answers.extend(vec![Answer::No("linked_entry_failed"); linked - 1]);
                answers.push(Answer::No("linked_chain_open"));
                break;
            }
            let (chain, others) = rest.split_at(linked + 1);
            rest = others;
            let before = self.clone();
            let mut own: Vec<_> =
                chain.iter().map(|(head, asked)| self.one(head, asked, booked, now)).collect();
            let failed = own.iter().position(|answer| matches!(answer, Answer::No(_)));
            let some = own.iter().any(|answer| matches!(answer, Answer::Accepted(_)));
            let exists = own.iter().any(|answer| matches!(answer, Answer::Exists(_)));
            if let Some(failed) = failed {
                *self = before;
                for (place, answer) in own.iter_mut().enumerate() {
                    if place != failed {
                        *answer = Answer::No("linked_entry_failed");
                    }
                }
            } else if some && exists {
                *self = before;
                for answer in &mut own {
                    *answer = Answer::No(match answer {
                        Answer::Exists(_) => "linked_entry_exists",
                        _ => "linked_entry_failed",
                    });
                }
            }
            answers.extend(own);
        }
        answers
    }

    fn expire(&mut self, now: i64) -> usize {
        let mut due = Vec::new();
        for (id, entry) in &self.entries {
            if let Action::Hold { expires_at: Some(at) } = entry.action
                && at.micros() <= now
                && entry.fate == Fate::Open
            {
                due.push(*id);
            }
        }
        for id in &due {
            let lines = self.entries[id].lines.clone();
            self.shift(&lines, 0, -1, now, false);
            self.entries.get_mut(id).unwrap().fate = Fate::Expired;
            self.count += 1;
        }
        due.len()
    }

    fn change(&mut self, number: u32, change: AccountChange) -> Option<&'static str> {
        let Some(account) = self.accounts.get_mut(number as usize) else { return Some("account_not_found") };
        if account.closed {
            return (change != AccountChange::Close).then_some("account_closed");
        }
        let before = account.clone();
        match change {
            AccountChange::Limits(Limits { floor, ceiling }) => {
                if floor.is_some() && ceiling.is_some() && floor > ceiling {
                    return Some("limits_crossed");
                }
                (account.floor, account.ceiling) = (floor, ceiling);
                if account.outside().is_some() {
                    *account = before;
                    return Some("balance_outside_limits");
                }
            }
            AccountChange::Freeze { debits, credits } => {
                account.no_debits |= debits;
                account.no_credits |= credits;
            }
            AccountChange::Unfreeze { debits, credits } => {
                account.no_debits &= !debits;
                account.no_credits &= !credits;
            }
            AccountChange::Close => {
                if account.debits != account.credits {
                    return Some("balance_not_zero");
                }
                if account.debits_held + account.credits_held != 0 {
                    return Some("holds_open");
                }
                account.closed = true;
            }
        }
        None
    }
}
