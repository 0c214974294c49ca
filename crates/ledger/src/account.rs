//! Accounts: what money is booked on.

use crate::limits::{PATH_BYTES_MAX, PATH_WORDS_MAX};
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
    /// Returns the number that stands for it in stored bytes.
    pub(crate) const fn number(self) -> u8 {
        match self {
            AccountKind::Asset => 0,
            AccountKind::Liability => 1,
            AccountKind::Income => 2,
            AccountKind::Expense => 3,
            AccountKind::Equity => 4,
        }
    }

    /// Reads what [`AccountKind::number`] wrote.
    pub(crate) const fn from_number(number: u8) -> Option<AccountKind> {
        match number {
            0 => Some(AccountKind::Asset),
            1 => Some(AccountKind::Liability),
            2 => Some(AccountKind::Income),
            3 => Some(AccountKind::Expense),
            4 => Some(AccountKind::Equity),
            _ => None,
        }
    }

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

impl Standing {
    /// Refuses debits.
    pub(crate) const DEBITS: u8 = 1;
    /// Refuses credits.
    pub(crate) const CREDITS: u8 = 2;
    /// Closed.
    pub(crate) const CLOSED: u8 = 4;

    /// Returns the standing as bits.
    pub(crate) const fn bits(self) -> u8 {
        match self {
            Standing::Open => 0,
            Standing::Frozen { debits, credits } => {
                (if debits { Self::DEBITS } else { 0 }) | (if credits { Self::CREDITS } else { 0 })
            }
            Standing::Closed => Self::CLOSED,
        }
    }

    /// Reads what [`Standing::bits`] wrote.
    pub(crate) const fn from_bits(bits: u8) -> Option<Standing> {
        match bits {
            0 => Some(Standing::Open),
            1..=3 => Some(Standing::Frozen {
                debits: bits & Self::DEBITS != 0,
                credits: bits & Self::CREDITS != 0,
            }),
            Self::CLOSED => Some(Standing::Closed),
            _ => None,
        }
    }
}

/// What is to become of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    /// Sets both limits. The balance, with what is held, must be within them.
    Limits(Limits),
    /// Refuses new postings on the sides named, besides those that are refused already.
    Freeze {
        /// Refuses debits.
        debits: bool,
        /// Refuses credits.
        credits: bool,
    },
    /// Takes new postings again on the sides named.
    Unfreeze {
        /// Takes debits.
        debits: bool,
        /// Takes credits.
        credits: bool,
    },
    /// Refuses all postings for ever. The balance must be zero, and nothing held.
    Close,
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
    /// The limits that it was opened with: opening it again must ask for the same.
    pub limits_at_opening: Limits,
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

    /// Returns how high the balance stands on the normal side of `kind` if all that is held on its way in
    /// comes.
    #[must_use]
    pub fn expected(&self, kind: AccountKind) -> i128 {
        let coming = match kind.normal_side() {
            Side::Debit => self.debits_held,
            Side::Credit => self.credits_held,
        };
        self.posted(kind) + i128::from(coming)
    }

    /// Returns whether the balance is within `limits`, with what is held counted as they say.
    #[must_use]
    pub fn is_within(&self, kind: AccountKind, limits: Limits) -> bool {
        limits.floor.is_none_or(|floor| self.available(kind) >= i128::from(floor))
            && limits.ceiling.is_none_or(|ceiling| self.expected(kind) <= i128::from(ceiling))
    }
}

/// Returns whether a path is words of `a-z`, `0-9`, `_`, `-`, `.` joined by `/`, and not too long.
#[must_use]
pub fn is_path(path: &str) -> bool {
    path.len() <= PATH_BYTES_MAX
        && path.split('/').count() <= PATH_WORDS_MAX
        && path.split('/').all(|word| {
            !word.is_empty()
                && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.'))
        })
}
