//! Accounts as the journal makes them, and as they are stored.

use super::check::Check;
use crate::books::account_of;
use crate::numbers::grouped;
use std::time::Instant;
use suanpan_ledger::account::{Account, AccountNo};
use suanpan_ledger::record::{AccountEvent, Record};
use suanpan_money::Currency;
use suanpan_store::commit::AccountRow;

pub(super) struct Accounts {
    all: Vec<Account>,
    check: Check,
}

impl Accounts {
    pub(super) fn new() -> Accounts {
        Accounts {
            all: Vec::new(),
            check: Check::new("accounts", "what is stored of them is what the records say"),
        }
    }

    pub(super) fn add(&mut self, record: &Record<'_>) {
        let began = Instant::now();
        // Events that cannot be read are named by the rules.
        for (_, event) in record.events().flatten() {
            match event {
                AccountEvent::Opened { number, spec } => {
                    let limits_at_opening = spec.limits;
                    let (standing, opened_at) = (suanpan_ledger::account::Standing::Open, record.header().at);
                    self.all.push(Account { number, spec, limits_at_opening, standing, opened_at });
                }
                AccountEvent::LimitsSet { number, limits } => {
                    if let Some(account) = self.all.get_mut(number.0 as usize) {
                        account.spec.limits = limits;
                    }
                }
                AccountEvent::StandingSet { number, standing } => {
                    if let Some(account) = self.all.get_mut(number.0 as usize) {
                        account.standing = standing;
                    }
                }
            }
        }
        self.check.took(began);
    }

    /// Returns the currency of each account, by number.
    pub(super) fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.all.iter().map(|account| account.spec.currency)
    }

    /// Returns how an account is called.
    pub(super) fn name(&self, number: u32) -> String {
        match self.all.get(number as usize) {
            Some(account) => format!("{} {}", account.spec.path, account.spec.currency.code()),
            None => format!("account {number}"),
        }
    }

    pub(super) fn finish(mut self, stored: &[AccountRow]) -> Check {
        let began = Instant::now();
        for row in stored {
            match (account_of(row), self.all.get(row.number as usize)) {
                (Err(why), _) => self.check.found(format!("{}: {why}", row.path)),
                (Ok(found), Some(expected)) if found == *expected => {}
                (Ok(_), Some(_)) => {
                    let name = self.name(row.number);
                    self.check.found(format!("{name}: what is stored is not what the records say"));
                }
                (Ok(_), None) => self.check.found(format!("{}: no record opens it", row.path)),
            }
        }
        let mut there = stored.iter().map(|row| row.number);
        for number in (0..).take(self.all.len()) {
            if there.next() != Some(number) {
                let name = self.name(number);
                debug_assert_eq!(self.all[number as usize].number, AccountNo(number));
                self.check.found(format!("{name}: the records open it, and it is not stored"));
                break;
            }
        }
        self.check.counted(format!("{} accounts", grouped(stored.len() as u64)));
        self.check.took(began);
        self.check
    }
}
