//! Journal entries as they are asked for, in batches.

use crate::account::AccountNo;
use suanpan_money::Timestamp;

/// The name that a client gave to an entry. It is used once for ever; repeating an entry under its id is
/// answered with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u128);

/// One line of an entry: from the account that is debited to the one that is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The account that is debited.
    pub debit: AccountNo,
    /// The account that is credited.
    pub credit: AccountNo,
    /// How much, in minor units of the currency that both accounts have.
    pub amount_minor: u64,
}

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Moves money now.
    Post,
    /// Sets money aside until it is captured, voided or expires.
    Hold {
        /// When the hold ends by itself.
        expires_at: Option<Timestamp>,
    },
    /// Posts a hold, once. Without postings all of it; with postings at most its amounts, line by line in the
    /// order of the hold. What is not captured is released.
    Capture {
        /// The hold.
        hold: EntryId,
    },
    /// Releases a hold.
    Void {
        /// The hold.
        hold: EntryId,
    },
    /// Books a posted entry the other way round, once. Takes no postings of its own.
    Reversal {
        /// What is reversed.
        of: EntryId,
    },
}

/// The head of an entry in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryHead {
    /// Its id.
    pub id: EntryId,
    /// What it does.
    pub action: Action,
    /// What the client means by it, for reports; 0 when nothing.
    pub code: u16,
    /// Succeeds or fails together with the next entry of the batch.
    pub linked: bool,
    /// How many postings it has.
    pub postings: u16,
}

/// Entries in the order in which they are to be decided, with their postings side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryBatch {
    /// The heads.
    pub heads: Vec<EntryHead>,
    /// The postings of all entries, in order.
    pub postings: Vec<Posting>,
}
