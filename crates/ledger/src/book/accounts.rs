//! Opening and changing accounts.

use super::{Book, Draft, Step, same_opening};
use crate::account::{
    Account, AccountChange, AccountKind, AccountNo, AccountSpec, Balance, Limits, Side, Standing, is_path,
};
use crate::limits::{ACCOUNTS_MAX, PAGE_ACCOUNTS};
use crate::record::AccountEvent;
use crate::rejection::Rejection;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Bound;
use suanpan_money::{Currency, Timestamp};

/// What a posting needs to know of an account, in one line of the processor's cache.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Slot {
    pub(super) balance: Balance,
    floor: i64,
    ceiling: i64,
    /// Microseconds since the epoch, of the newest posting as it was booked; the least number before the
    /// first.
    pub(super) last_posted_at: i64,
    /// The numeric code.
    pub(super) currency: u16,
    flags: u8,
    pub(super) standing: u8,
}

const HAS_FLOOR: u8 = 1;
const HAS_CEILING: u8 = 2;
const NORMAL_CREDIT: u8 = 4;

impl Slot {
    pub(super) fn new(spec: &AccountSpec) -> Slot {
        let normal_credit = spec.kind.normal_side() == Side::Credit;
        let mut slot = Slot {
            balance: Balance::default(),
            floor: 0,
            ceiling: 0,
            last_posted_at: i64::MIN,
            currency: spec.currency.numeric(),
            flags: if normal_credit { NORMAL_CREDIT } else { 0 },
            standing: Standing::Open.bits(),
        };
        slot.set_limits(spec.limits);
        slot
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.floor = limits.floor.unwrap_or_default();
        self.ceiling = limits.ceiling.unwrap_or_default();
        self.flags = self.flags & NORMAL_CREDIT
            | if limits.floor.is_some() { HAS_FLOOR } else { 0 }
            | if limits.ceiling.is_some() { HAS_CEILING } else { 0 };
    }

    /// The floor before the ceiling, as the order of precedence wants it.
    #[inline]
    pub(super) fn check_limits(&self) -> Result<(), Rejection> {
        if self.flags & (HAS_FLOOR | HAS_CEILING) == 0 {
            return Ok(());
        }
        // Any kind with the right normal side will do.
        let kind = if self.flags & NORMAL_CREDIT == 0 { AccountKind::Asset } else { AccountKind::Liability };
        if self.flags & HAS_FLOOR != 0 && self.balance.available(kind) < i128::from(self.floor) {
            return Err(Rejection::ExceedsFloor);
        }
        if self.flags & HAS_CEILING != 0 && self.balance.expected(kind) > i128::from(self.ceiling) {
            return Err(Rejection::ExceedsCeiling);
        }
        Ok(())
    }
}

/// The accounts with their names.
#[derive(Debug, Clone)]
pub(super) struct Accounts {
    all: Vec<Account>,
    hasher: FixedState,
    by_name: HashTable<u32>,
    in_order: BTreeMap<(Box<str>, Currency), AccountNo>,
}

impl Accounts {
    pub(super) fn new(seed: u64) -> Accounts {
        Accounts {
            all: Vec::new(),
            hasher: FixedState::with_seed(seed),
            by_name: HashTable::new(),
            in_order: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, number: AccountNo) -> Option<&Account> {
        self.all.get(number.0 as usize)
    }

    pub(super) fn account_mut(&mut self, number: AccountNo) -> &mut Account {
        &mut self.all[number.0 as usize]
    }

    pub(super) fn all(&self) -> &[Account] {
        &self.all
    }

    pub(super) fn find(&self, path: &str, currency: Currency) -> Option<AccountNo> {
        let hash = self.hasher.hash_one((path, currency));
        let found = self.by_name.find(hash, |&number| {
            let spec = &self.all[number as usize].spec;
            spec.path == path && spec.currency == currency
        });
        found.map(|&number| AccountNo(number))
    }

    pub(super) fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<(&str, Currency)>,
    ) -> impl Iterator<Item = &'a Account> {
        let lowest = Currency::all().min().expect("there are currencies");
        let from = match after {
            // A cursor before the prefix is the beginning.
            Some((path, currency)) if path >= prefix => Bound::Excluded((Box::from(path), currency)),
            _ => Bound::Included((Box::from(prefix), lowest)),
        };
        self.in_order
            .range((from, Bound::Unbounded))
            .take_while(move |((path, _), _)| path.starts_with(prefix))
            .map(|(_, number)| &self.all[number.0 as usize])
    }

    pub(super) fn push(&mut self, account: Account) {
        let number = account.number;
        let AccountSpec { path, currency, .. } = &account.spec;
        let hash = self.hasher.hash_one((path.as_str(), *currency));
        let name = (Box::from(path.as_str()), *currency);
        self.all.push(account);
        let Accounts { all, hasher, by_name, in_order } = self;
        by_name.insert_unique(hash, number.0, |&number| {
            let spec = &all[number as usize].spec;
            hasher.hash_one((spec.path.as_str(), spec.currency))
        });
        let before = in_order.insert(name, number);
        assert!(before.is_none(), "a path and a currency name one account");
    }

    pub(super) fn pop(&mut self) {
        let account = self.all.last().expect("an account is taken back after it was opened");
        let AccountSpec { path, currency, .. } = &account.spec;
        let hash = self.hasher.hash_one((path.as_str(), *currency));
        let found = self.by_name.find_entry(hash, |&number| number == account.number.0);
        found.expect("every account has a name").remove();
        self.in_order.remove(&(Box::from(path.as_str()), *currency));
        self.all.pop();
    }
}

impl Book {
    /// Opens an account, or finds it if it was opened with the same specification.
    ///
    /// # Errors
    /// `exists_with_different_kind`, `exists_with_different_limits`, `path_invalid`, `limits_crossed`,
    /// `too_many_accounts`, `balance_outside_limits` (zero is outside), `record_full`.
    pub fn open(&mut self, draft: &mut Draft, spec: AccountSpec) -> Result<AccountNo, Rejection> {
        // Repeats are what happens most, and need no room.
        if let Some(number) = self.find(&spec.path, spec.currency) {
            return same_opening(&self.accounts.all()[number.0 as usize], &spec).map(|()| number);
        }
        self.check_opening(&spec)?;
        if !draft.has_room_for_event() {
            return Err(Rejection::RecordFull);
        }
        let number = self.next_number();
        draft.add_event(&AccountEvent::Opened { number, spec: spec.clone() });
        draft.undo.steps.push(Step::AccountOpened);
        self.add_account(spec, draft.at);
        Ok(number)
    }

    /// Changes an account. A change to what is already so is accepted and leaves nothing in the journal.
    ///
    /// # Errors
    /// `account_not_found`, `account_closed`, `limits_crossed`, `balance_outside_limits`, `balance_not_zero`,
    /// `holds_open`, `record_full`.
    pub fn change(
        &mut self,
        draft: &mut Draft,
        number: AccountNo,
        change: AccountChange,
    ) -> Result<(), Rejection> {
        let account = self.account(number).ok_or(Rejection::AccountNotFound)?;
        let balance = self.slots[number.0 as usize].balance;
        let (limits, standing) = decide_change(account, balance, change)?;
        let (limits_before, standing_before) = (account.spec.limits, account.standing);
        if (limits, standing) == (limits_before, standing_before) {
            return Ok(());
        }
        if !draft.has_room_for_event() {
            return Err(Rejection::RecordFull);
        }
        if limits != limits_before {
            draft.add_event(&AccountEvent::LimitsSet { number, limits });
        } else {
            draft.add_event(&AccountEvent::StandingSet { number, standing });
        }
        draft.undo.steps.push(Step::AccountChanged {
            number,
            limits: limits_before,
            standing: standing_before,
        });
        self.set(number, limits, standing);
        Ok(())
    }

    /// Checks the specification of an account that is not there yet.
    pub(super) fn check_opening(&self, spec: &AccountSpec) -> Result<(), Rejection> {
        if !is_path(&spec.path) {
            return Err(Rejection::PathInvalid);
        }
        check_order(spec.limits)?;
        if self.slots.len() >= ACCOUNTS_MAX {
            return Err(Rejection::TooManyAccounts);
        }
        if !Balance::default().is_within(spec.kind, spec.limits) {
            return Err(Rejection::BalanceOutsideLimits);
        }
        Ok(())
    }

    pub(super) fn add_account(&mut self, spec: AccountSpec, opened_at: Timestamp) {
        let number = self.next_number();
        self.slots.push(Slot::new(&spec));
        let limits_at_opening = spec.limits;
        self.accounts.push(Account { number, spec, limits_at_opening, standing: Standing::Open, opened_at });
        let page = number.0 as usize / PAGE_ACCOUNTS;
        if self.dirty.len() * 64 <= page {
            self.dirty.push(0);
        }
        self.dirty[page / 64] |= 1 << (page % 64);
    }

    pub(super) fn set(&mut self, number: AccountNo, limits: Limits, standing: Standing) {
        let account = self.accounts.account_mut(number);
        account.spec.limits = limits;
        account.standing = standing;
        let slot = &mut self.slots[number.0 as usize];
        slot.set_limits(limits);
        slot.standing = standing.bits();
    }
}

fn check_order(limits: Limits) -> Result<(), Rejection> {
    match limits {
        Limits { floor: Some(floor), ceiling: Some(ceiling) } if floor > ceiling => {
            Err(Rejection::LimitsCrossed)
        }
        _ => Ok(()),
    }
}

/// Decides how limits and standing are after a change.
pub(super) fn decide_change(
    account: &Account,
    balance: Balance,
    change: AccountChange,
) -> Result<(Limits, Standing), Rejection> {
    let before = (account.spec.limits, account.standing);
    let bits = account.standing.bits();
    let sides = |debits, credits| Standing::Frozen { debits, credits }.bits();
    let standing = |bits| Standing::from_bits(bits).expect("made of the bits of both sides");
    match (change, account.standing) {
        (AccountChange::Close, Standing::Closed) => Ok(before),
        (_, Standing::Closed) => Err(Rejection::AccountClosed),
        (AccountChange::Limits(limits), Standing::Open | Standing::Frozen { .. }) => {
            check_order(limits)?;
            if !balance.is_within(account.spec.kind, limits) {
                return Err(Rejection::BalanceOutsideLimits);
            }
            Ok((limits, account.standing))
        }
        (AccountChange::Freeze { debits, credits }, Standing::Open | Standing::Frozen { .. }) => {
            Ok((before.0, standing(bits | sides(debits, credits))))
        }
        (AccountChange::Unfreeze { debits, credits }, Standing::Open | Standing::Frozen { .. }) => {
            Ok((before.0, standing(bits & !sides(debits, credits))))
        }
        (AccountChange::Close, Standing::Open | Standing::Frozen { .. }) => {
            if balance.debits_posted != balance.credits_posted {
                return Err(Rejection::BalanceNotZero);
            }
            if balance.debits_held != 0 || balance.credits_held != 0 {
                return Err(Rejection::HoldsOpen);
            }
            Ok((before.0, Standing::Closed))
        }
    }
}
