//! Journal entries as they are asked for, in batches.

use crate::account::AccountNo;
use crate::error::Error;
use crate::limits::{BATCH_ENTRIES_MAX, BATCH_POSTINGS_MAX};
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
    /// order of the hold; a line may be zero if another is not. What is not captured is released.
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

/// An entry to be added to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its id.
    pub id: EntryId,
    /// What it does.
    pub action: Action,
    /// What the client means by it; 0 when nothing.
    pub code: u16,
    /// Succeeds or fails together with the next entry.
    pub linked: bool,
    /// Its postings.
    pub postings: &'a [Posting],
}

impl EntryBatch {
    /// Adds an entry at the end.
    ///
    /// # Errors
    /// When the batch is full; it then stays as it was.
    pub fn push(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        fits("entries", self.heads.len() + 1, BATCH_ENTRIES_MAX)?;
        fits("postings", self.postings.len() + entry.postings.len(), BATCH_POSTINGS_MAX)?;
        let Entry { id, action, code, linked, postings } = entry;
        let count = u16::try_from(postings.len()).expect("fewer than BATCH_POSTINGS_MAX, seen above");
        self.heads.push(EntryHead { id, action, code, linked, postings: count });
        self.postings.extend_from_slice(postings);
        Ok(())
    }

    /// Checks sizes and sums, as [`Book::apply`](crate::book::Book::apply) does first.
    ///
    /// # Errors
    /// When there are too many entries or postings, or the heads name another number of postings.
    pub fn check(&self) -> Result<(), Error> {
        fits("entries", self.heads.len(), BATCH_ENTRIES_MAX)?;
        fits("postings", self.postings.len(), BATCH_POSTINGS_MAX)?;
        let named = self.heads.iter().map(|head| usize::from(head.postings)).sum();
        let present = self.postings.len();
        if named == present { Ok(()) } else { Err(Error::BatchPostings { named, present }) }
    }
}

fn fits(what: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count <= limit { Ok(()) } else { Err(Error::BatchTooLarge { what, count, limit }) }
}
