//! Proofs: the trial balance, and balances counted again from the records alone.

mod recount;

pub use recount::{Difference, Recount};

use crate::account::{AccountKind, Balance};
use crate::book::Book;
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// The sums of all accounts of one currency, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// The currency.
    pub currency: Currency,
    /// How many accounts there are.
    pub accounts: usize,
    /// All debits posted.
    pub debits_posted: u128,
    /// All credits posted; as much as the debits.
    pub credits_posted: u128,
    /// All debits held.
    pub debits_held: u128,
    /// All credits held; as much as the debits.
    pub credits_held: u128,
    /// The balances of each kind of account, on its normal side: assets and expenses together are as much as
    /// the other three.
    pub by_kind: Vec<(AccountKind, i128)>,
}

const KINDS: [AccountKind; 5] = [
    AccountKind::Asset,
    AccountKind::Liability,
    AccountKind::Income,
    AccountKind::Expense,
    AccountKind::Equity,
];

impl TrialBalance {
    fn new(currency: Currency) -> TrialBalance {
        TrialBalance {
            currency,
            accounts: 0,
            debits_posted: 0,
            credits_posted: 0,
            debits_held: 0,
            credits_held: 0,
            by_kind: KINDS.into_iter().map(|kind| (kind, 0)).collect(),
        }
    }

    fn add(&mut self, kind: AccountKind, balance: Balance) {
        self.accounts += 1;
        self.debits_posted += u128::from(balance.debits_posted);
        self.credits_posted += u128::from(balance.credits_posted);
        self.debits_held += u128::from(balance.debits_held);
        self.credits_held += u128::from(balance.credits_held);
        self.by_kind[usize::from(kind.number())].1 += balance.posted(kind);
    }

    /// Returns whether debits are credits, posted and held.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.debits_posted == self.credits_posted && self.debits_held == self.credits_held
    }
}

impl Book {
    /// Adds up all accounts, by currency.
    ///
    /// # Panics
    /// When debits are not credits: the book is broken, and must not go on.
    #[must_use]
    pub fn trial_balance(&self) -> Vec<TrialBalance> {
        let totals = self.totals();
        for total in &totals {
            assert!(total.is_balanced(), "debits are not credits: {total:?}");
        }
        totals
    }

    pub(crate) fn totals(&self) -> Vec<TrialBalance> {
        let mut totals = BTreeMap::new();
        for (account, balance) in self.accounts_and_balances() {
            let currency = account.spec.currency;
            let total = totals.entry(currency).or_insert_with(|| TrialBalance::new(currency));
            total.add(account.spec.kind, balance);
        }
        totals.into_values().collect()
    }
}
