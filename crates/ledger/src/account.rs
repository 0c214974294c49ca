//! Accounts: what money is booked on.

use suanpan_money::{Currency, Timestamp};

/// The place of an account in the order of opening, from 0. It never changes and is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNo(pub u32);

/// The side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left side.
    Debit,
    /// The right side.
    Credit,
}

/// What an account stands for; it decides on which side its balance normally stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// What we have or are owed.
    Asset,
    /// What we owe.
    Liability,
    /// What we earn.
    Income,
    /// What we spend.
    Expense,
    /// What belongs to the owners.
    Equity,
}

impl AccountKind {
    /// Returns the side on which the balance normally stands.
    #[must_use]
    pub const fn normal_side(self) -> Side {
        match self {
            AccountKind::Asset | AccountKind::Expense => Side::Debit,
            AccountKind::Liability | AccountKind::Income | AccountKind::Equity => Side::Credit,
        }
    }
}

/// How far a balance may go, in minor units on the normal side. `floor: Some(0)` may not go negative;
/// `floor: Some(-limit)` is a credit limit. Held money counts as gone on the side where it lowers the
/// balance, and not as there on the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// The lowest balance; none when absent.
    pub floor: Option<i64>,
    /// The highest balance; none when absent.
    pub ceiling: Option<i64>,
}

/// Whether an account takes postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes postings.
    Open,
    /// It refuses new postings on the sides named; open holds may still be posted or voided.
    Frozen {
        /// Refuses debits.
        debits: bool,
        /// Refuses credits.
        credits: bool,
    },
    /// It refuses all postings for ever. Only an account with balance zero and no holds can be closed.
    Closed,
}

/// What one opens an account with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSpec {
    /// The name: words of `a-z`, `0-9`, `_`, `-`, `.` joined by `/`, such as `merchant/m1/pending`. A path
    /// and a currency name one account.
    pub path: String,
    /// The currency of all its postings.
    pub currency: Currency,
    /// What it stands for.
    pub kind: AccountKind,
    /// How far its balance may go.
    pub limits: Limits,
}

/// An account as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub number: AccountNo,
    /// What it was opened with, limits as last set.
    pub spec: AccountSpec,
    /// Whether it takes postings.
    pub standing: Standing,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// The running sums of an account, in minor units. Each only grows, but for the held ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// All debits posted since the opening.
    pub debits_posted: u64,
    /// All credits posted since the opening.
    pub credits_posted: u64,
    /// Debits held now.
    pub debits_held: u64,
    /// Credits held now.
    pub credits_held: u64,
}

impl Balance {
    /// Returns the posted balance on the normal side of `kind`, in minor units.
    #[must_use]
    pub fn posted(&self, kind: AccountKind) -> i128 {
        let (debits, credits) = (i128::from(self.debits_posted), i128::from(self.credits_posted));
        match kind.normal_side() {
            Side::Debit => debits - credits,
            Side::Credit => credits - debits,
        }
    }

    /// Returns what may be taken on the normal side of `kind`: the posted balance less what is held against
    /// it. Held money on its way in does not count.
    #[must_use]
    pub fn available(&self, kind: AccountKind) -> i128 {
        let held = match kind.normal_side() {
            Side::Debit => self.credits_held,
            Side::Credit => self.debits_held,
        };
        self.posted(kind) - i128::from(held)
    }
}
