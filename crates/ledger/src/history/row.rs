//! Rows of history, and how each changes the running sums.

use crate::account::{Balance, Side};

/// What a row says of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// Money was posted.
    Post = 0,
    /// Money was posted to undo an earlier entry.
    Reversal = 1,
    /// Money was set aside.
    Hold = 2,
    /// Held money was posted.
    Capture = 3,
    /// Held money that a capture left over was set free.
    Release = 4,
    /// Held money was set free by a void.
    Void = 5,
    /// Held money was set free because its time was over.
    Expiry = 6,
}

impl RowKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [RowKind; 7] = [
        RowKind::Post,
        RowKind::Reversal,
        RowKind::Hold,
        RowKind::Capture,
        RowKind::Release,
        RowKind::Void,
        RowKind::Expiry,
    ];

    /// Finds a kind by its number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<RowKind> {
        RowKind::ALL.get(usize::from(number)).copied()
    }

    /// Returns the name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            RowKind::Post => "post",
            RowKind::Reversal => "reversal",
            RowKind::Hold => "hold",
            RowKind::Capture => "capture",
            RowKind::Release => "release",
            RowKind::Void => "void",
            RowKind::Expiry => "expiry",
        }
    }

    const fn posts(self) -> bool {
        matches!(self, RowKind::Post | RowKind::Reversal | RowKind::Capture)
    }

    const fn frees(self) -> bool {
        matches!(self, RowKind::Capture | RowKind::Release | RowKind::Void | RowKind::Expiry)
    }
}

/// One line in the history of an account. A posting gives two, one for each account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The place of its entry in the whole journal, from 0.
    pub ordinal: u64,
    /// The running sums of the account after this row, in minor units.
    pub after: Balance,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The account.
    pub account: u32,
    /// The account on the other side.
    pub counterparty: u32,
    /// The side of this account.
    pub side: Side,
    /// What happened.
    pub kind: RowKind,
}

/// Returns the sums after a row of this kind; none when a sum would leave its range.
#[must_use]
pub fn apply(before: Balance, kind: RowKind, side: Side, amount_minor: u64) -> Option<Balance> {
    change(before, kind, side, amount_minor, u64::checked_add, u64::checked_sub)
}

/// Returns the sums before a row of this kind; none when a sum would leave its range.
#[must_use]
pub fn unapply(after: Balance, kind: RowKind, side: Side, amount_minor: u64) -> Option<Balance> {
    change(after, kind, side, amount_minor, u64::checked_sub, u64::checked_add)
}

#[inline(always)]
fn change(
    mut sums: Balance,
    kind: RowKind,
    side: Side,
    amount: u64,
    more: impl Fn(u64, u64) -> Option<u64>,
    less: impl Fn(u64, u64) -> Option<u64>,
) -> Option<Balance> {
    let (posted, held) = match side {
        Side::Debit => (&mut sums.debits_posted, &mut sums.debits_held),
        Side::Credit => (&mut sums.credits_posted, &mut sums.credits_held),
    };
    if kind.posts() {
        *posted = more(*posted, amount)?;
    }
    if kind.frees() {
        *held = less(*held, amount)?;
    }
    if kind as u8 == RowKind::Hold as u8 {
        *held = more(*held, amount)?;
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_changes_its_own_sums() {
        let before = Balance { debits_posted: 10, credits_posted: 20, debits_held: 30, credits_held: 40 };
        let table = [
            (RowKind::Post, 13, 30),
            (RowKind::Reversal, 13, 30),
            (RowKind::Hold, 10, 33),
            (RowKind::Capture, 13, 27),
            (RowKind::Release, 10, 27),
            (RowKind::Void, 10, 27),
            (RowKind::Expiry, 10, 27),
        ];
        for (kind, posted, held) in table {
            let after = apply(before, kind, Side::Debit, 3).unwrap();
            assert_eq!(
                after,
                Balance { debits_posted: posted, debits_held: held, ..before },
                "{}",
                kind.name()
            );
            assert_eq!(unapply(after, kind, Side::Debit, 3), Some(before), "{}", kind.name());
            let after = apply(before, kind, Side::Credit, 3).unwrap();
            let expected = Balance { credits_posted: posted + 10, credits_held: held + 10, ..before };
            assert_eq!(after, expected, "{}", kind.name());
            assert_eq!(RowKind::from_number(kind as u8), Some(kind));
        }
        assert_eq!(apply(before, RowKind::Void, Side::Debit, 31), None);
        assert_eq!(apply(before, RowKind::Post, Side::Debit, u64::MAX), None);
        assert_eq!(RowKind::from_number(7), None);
    }
}
