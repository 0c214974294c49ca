//! The index of entry ids: whether an id was used, and what became of its entry.
//!
//! Like history it is built behind the commit, in runs that are sealed, merged by levels and read through
//! [`PageSource`](crate::history::PageSource), and can be built again from the journal. Rows are sorted by id. Ids that grow with time lie in
//! few runs, which their bounds show; random ids lie in all, and a small filter for each page keeps absent
//! ones from being read.
//!
//! The filters are ours, not a crate's: they are stored for years, and a hash that changed with a version
//! would say "absent" of an id that is there, which lets an entry be booked twice.

mod filter;
mod find;
mod merge;
mod page;
mod run;

pub use find::{Found, find};
pub use merge::IdMerge;
pub use run::{IdRun, seal_ids};

/// What happened to an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum What {
    /// The entry was accepted.
    Entry = 0,
    /// The hold was posted, in full or in part.
    Captured = 1,
    /// The hold was set free.
    Voided = 2,
    /// The hold ended by itself.
    Expired = 3,
    /// The entry was undone.
    Reversed = 4,
}

impl What {
    /// All of them, in the order of their numbers.
    pub const ALL: [What; 5] = [What::Entry, What::Captured, What::Voided, What::Expired, What::Reversed];

    /// Finds one by its number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<What> {
        What::ALL.get(usize::from(number)).copied()
    }
}

/// One fact about an id. Rows are ordered by id, then by ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdRow {
    /// The id.
    pub id: u128,
    /// The entry by which it happened: the one accepted under the id, or the one that captured, voided,
    /// expired or reversed it.
    pub ordinal: u64,
    /// What happened.
    pub what: What,
}
