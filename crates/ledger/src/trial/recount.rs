//! Balances counted again from the records: an auditor that shares no rule with the book. It reads what
//! entries say they did, adds, and sees whether that can be: no limits passed, nothing captured that is not
//! held, no id used twice, no hold resolved twice. For that it keeps every id: some 100 bytes an entry.

use crate::account::{AccountKind, AccountNo, Balance, Limits, Side, Standing};
use crate::book::Book;
use crate::entry::EntryId;
use crate::error::Error;
use crate::record::{AccountEvent, Done, Record, RecordedEntry};
use std::collections::{BTreeMap, BTreeSet};

/// The sums of one account, counted again.
#[derive(Debug, Clone, Default)]
struct Counted {
    kind: Option<AccountKind>,
    currency: u16,
    limits: Limits,
    closed: bool,
    debits: i128,
    credits: i128,
    debits_held: i128,
    credits_held: i128,
}

/// Something that the records or the book have wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// An account has other sums in the book.
    Sums {
        /// Which.
        number: AccountNo,
        /// What the records add up to: debits and credits posted, debits and credits held.
        counted: [i128; 4],
        /// What the book says.
        booked: [i128; 4],
    },
    /// The book and the records do not have the same accounts.
    Accounts {
        /// By the records.
        counted: usize,
        /// In the book.
        booked: usize,
    },
    /// An entry did what it could not do.
    Entry {
        /// Its ordinal.
        ordinal: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An account event cannot be.
    Event {
        /// The record.
        seq: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Debits are not credits.
    Unbalanced {
        /// Numeric code of the currency.
        currency: u16,
        /// By how much debits are more than credits.
        by: i128,
    },
    /// The holds that are open differ in number.
    Holds {
        /// By the records.
        counted: usize,
        /// In the book.
        booked: usize,
    },
}

/// Counts records, from the first on.
#[derive(Debug, Clone, Default)]
pub struct Recount {
    accounts: Vec<Counted>,
    ids: BTreeSet<u128>,
    holds: BTreeMap<u128, Vec<[u64; 3]>>,
    posted: BTreeMap<u128, Vec<[u64; 3]>>,
    entries: u64,
    differences: Vec<Difference>,
}

impl Recount {
    /// Counts the next record.
    ///
    /// # Errors
    /// When the record cannot be read. What can be read and is wrong becomes a [`Difference`].
    pub fn add(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let header = record.header();
        if header.first_entry != self.entries {
            let why = "its record begins with another ordinal";
            self.differences.push(Difference::Entry { ordinal: header.first_entry, why });
        }
        let mut entries = record.entries();
        let mut counted = 0;
        for event in record.events() {
            let (before, event) = event?;
            for entry in entries.by_ref().take((before - counted) as usize) {
                let (ordinal, entry) = entry?;
                self.entry(ordinal, &entry, header.at.micros());
            }
            counted = before;
            self.event(header.seq, &event);
        }
        for entry in entries {
            let (ordinal, entry) = entry?;
            self.entry(ordinal, &entry, header.at.micros());
        }
        self.entries = header.first_entry + u64::from(header.entries);
        Ok(())
    }

    /// Compares with a book at the same record, and returns all that is wrong.
    #[must_use]
    pub fn compare(mut self, book: &Book) -> Vec<Difference> {
        let (counted, booked) = (self.accounts.len(), book.accounts_len());
        if counted != booked {
            self.differences.push(Difference::Accounts { counted, booked });
        }
        let mut net = BTreeMap::<u16, i128>::new();
        for (number, account) in (0..).map(AccountNo).zip(&self.accounts) {
            *net.entry(account.currency).or_default() += account.debits - account.credits;
            let counted = [account.debits, account.credits, account.debits_held, account.credits_held];
            let Some(Balance { debits_posted, credits_posted, debits_held, credits_held }) =
                book.balance(number)
            else {
                continue;
            };
            let booked = [debits_posted, credits_posted, debits_held, credits_held].map(i128::from);
            if counted != booked {
                self.differences.push(Difference::Sums { number, counted, booked });
            }
        }
        for (currency, by) in net.into_iter().filter(|(_, by)| *by != 0) {
            self.differences.push(Difference::Unbalanced { currency, by });
        }
        let (counted, booked) = (self.holds.len(), book.holds_len());
        if counted != booked {
            self.differences.push(Difference::Holds { counted, booked });
        }
        self.differences
    }

    fn event(&mut self, seq: u64, event: &AccountEvent) {
        let mut wrong = |why| self.differences.push(Difference::Event { seq, why });
        match event {
            AccountEvent::Opened { number, spec } => {
                if number.0 as usize != self.accounts.len() {
                    wrong("an account is not opened with the next number");
                }
                self.accounts.push(Counted {
                    kind: Some(spec.kind),
                    currency: spec.currency.numeric(),
                    limits: spec.limits,
                    ..Counted::default()
                });
            }
            AccountEvent::LimitsSet { number, limits } => match self.accounts.get_mut(number.0 as usize) {
                Some(account) => {
                    account.limits = *limits;
                    if account.is_outside() {
                        wrong("limits are set that the balance is outside of");
                    }
                }
                None => wrong("an account is changed that is not there"),
            },
            AccountEvent::StandingSet { number, standing } => {
                match self.accounts.get_mut(number.0 as usize) {
                    Some(account) if account.closed => wrong("a closed account is changed"),
                    Some(account) if *standing == Standing::Closed => {
                        account.closed = true;
                        let held = account.debits_held + account.credits_held;
                        if account.debits != account.credits || held != 0 {
                            wrong("an account is closed that is not empty");
                        }
                    }
                    Some(_) => {}
                    None => wrong("an account is changed that is not there"),
                }
            }
        }
    }

    fn entry(&mut self, ordinal: u64, entry: &RecordedEntry, record_at: i64) {
        if let Err(why) = self.count(entry, record_at) {
            self.differences.push(Difference::Entry { ordinal, why });
        }
    }

    fn count(&mut self, entry: &RecordedEntry, record_at: i64) -> Result<(), &'static str> {
        if entry.booked_at.is_some_and(|at| at.micros() > record_at) {
            return Err("it is booked in the future");
        }
        let expiry = matches!(entry.done, Done::Expiry { .. });
        if !expiry && (matches!(entry.id.0, 0 | u128::MAX) || !self.ids.insert(entry.id.0)) {
            return Err("its id is used twice, or cannot be");
        }
        let moved = |posted: bool| {
            entry.lines.iter().map(move |line| {
                let amount = if posted { line.posted_minor } else { line.held_minor };
                [u64::from(line.debit.0), u64::from(line.credit.0), amount]
            })
        };
        match entry.done {
            Done::Post => {
                self.posted.insert(entry.id.0, moved(true).collect());
            }
            Done::Hold { .. } => {
                self.holds.insert(entry.id.0, moved(false).collect());
            }
            Done::Capture { hold, .. } => {
                self.resolve(hold, moved(false).collect())?;
                if entry.lines.iter().any(|line| line.posted_minor > line.held_minor) {
                    return Err("it captures more than was held");
                }
                self.posted.insert(entry.id.0, moved(true).filter(|line| line[2] > 0).collect());
            }
            Done::Void { hold } | Done::Expiry { hold } => self.resolve(hold, moved(false).collect())?,
            Done::Reversal { of } => {
                let swapped = self.posted.remove(&of.0).ok_or("it reverses what cannot be reversed")?;
                let swapped = swapped.into_iter().map(|[debit, credit, amount]| [credit, debit, amount]);
                if !moved(true).eq(swapped) {
                    return Err("it does not reverse what was posted");
                }
            }
        }
        self.sum(entry)
    }

    fn resolve(&mut self, hold: EntryId, lines: Vec<[u64; 3]>) -> Result<(), &'static str> {
        match self.holds.remove(&hold.0) {
            Some(held) if held == lines => Ok(()),
            Some(_) => Err("it releases something else than was held"),
            None => Err("its hold is not open"),
        }
    }

    fn sum(&mut self, entry: &RecordedEntry) -> Result<(), &'static str> {
        let held_sign = if matches!(entry.done, Done::Hold { .. }) { 1 } else { -1 };
        for line in &entry.lines {
            let (posted, held) = (i128::from(line.posted_minor), held_sign * i128::from(line.held_minor));
            let debit = self.accounts.get_mut(line.debit.0 as usize).ok_or("an account is missing")?;
            debit.debits += posted;
            debit.debits_held += held;
            let (currency, debit_closed) = (debit.currency, debit.closed);
            let credit = self.accounts.get_mut(line.credit.0 as usize).ok_or("an account is missing")?;
            credit.credits += posted;
            credit.credits_held += held;
            if credit.currency != currency {
                return Err("its accounts have two currencies");
            }
            if debit_closed || credit.closed {
                return Err("an account is closed");
            }
        }
        let numbers = entry.lines.iter().flat_map(|line| [line.debit, line.credit]);
        for number in numbers {
            if self.accounts[number.0 as usize].is_outside() {
                return Err("an account is beyond its limits");
            }
        }
        Ok(())
    }
}

impl Counted {
    fn is_outside(&self) -> bool {
        let Some(kind) = self.kind else { return false };
        let (balance, out, coming) = match kind.normal_side() {
            Side::Debit => (self.debits - self.credits, self.credits_held, self.debits_held),
            Side::Credit => (self.credits - self.debits, self.debits_held, self.credits_held),
        };
        self.limits.floor.is_some_and(|floor| balance - out < i128::from(floor))
            || self.limits.ceiling.is_some_and(|ceiling| balance + coming > i128::from(ceiling))
    }
}
