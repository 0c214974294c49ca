//! What can go wrong that is not a matter of business.

use crate::entry::EntryId;
use crate::rejection::Rejection;

/// What is wrong with bytes or with their order. A business "no" is a [`Rejection`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A batch has more entries or postings than one may have.
    #[error("a batch has {count} {what}, more than {limit}")]
    BatchTooLarge {
        /// Entries or postings.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The heads of a batch name another number of postings than there are.
    #[error("the entries of a batch have {named} postings, but there are {present}")]
    BatchPostings {
        /// What the heads add up to.
        named: usize,
        /// How many there are.
        present: usize,
    },
    /// Bytes are not what they should be.
    #[error("{what} cannot be read at byte {at}: {why}")]
    Malformed {
        /// Of what kind the bytes should be.
        what: &'static str,
        /// Where reading ended.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A record does not follow the one before it.
    #[error("record {seq} does not follow: {field} is {found}, expected {expected}")]
    OutOfOrder {
        /// Its number.
        seq: u64,
        /// What does not fit.
        field: &'static str,
        /// What the record says.
        found: i128,
        /// What would follow, or the least that may.
        expected: i128,
    },
    /// A record holds what the rules do not allow.
    #[error("record {seq} holds an {part} that cannot be, at place {index}: {}", reason.code())]
    NotAllowed {
        /// The record.
        seq: u64,
        /// Entry or account event.
        part: &'static str,
        /// Its place among those of the record, from 0.
        index: usize,
        /// Which rule.
        reason: Rejection,
    },
    /// A record says that an entry did something else than it must have done.
    #[error("record {seq}, entry {index}: the lines are not those that the entry must have")]
    OtherLines {
        /// The record.
        seq: u64,
        /// The place of the entry, from 0.
        index: usize,
    },
    /// What was looked up in the store cannot be, by what is in memory.
    #[error("the store knows entry {:032x} otherwise than the book: {why}", id.0)]
    StoreDisagrees {
        /// Which entry.
        id: EntryId,
        /// How.
        why: &'static str,
    },
    /// The book has forgotten ids since the store was asked, so that an id might be taken for new.
    #[error("the store was asked when ids from entry {known} on were remembered; now it is from {base} on")]
    StoreAskedTooEarly {
        /// The first entry remembered when the store was asked.
        known: u64,
        /// The first entry remembered now.
        base: u64,
    },
    /// A checkpoint does not hold together.
    #[error("the checkpoint does not hold together: {0}")]
    Checkpoint(&'static str),
}

impl Error {
    /// Returns the stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Error::BatchTooLarge { .. } => "batch_too_large",
            Error::BatchPostings { .. } => "batch_postings_do_not_add_up",
            Error::Malformed { .. } => "malformed",
            Error::OutOfOrder { .. } => "record_out_of_order",
            Error::NotAllowed { .. } => "record_not_allowed",
            Error::OtherLines { .. } => "record_lines_differ",
            Error::StoreDisagrees { .. } => "store_disagrees",
            Error::StoreAskedTooEarly { .. } => "store_asked_too_early",
            Error::Checkpoint(_) => "checkpoint_broken",
        }
    }
}
