//! What the store knows of entries that the book has forgotten.

use super::memory::Resolution;
use crate::entry::EntryId;
use crate::record::RecordedEntry;
use std::collections::BTreeMap;

/// An entry found in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its ordinal.
    pub ordinal: u64,
    /// The entry, from the journal.
    pub entry: RecordedEntry,
    /// What became of it by entries that are in the store's index. What newer entries did, the book knows.
    pub resolved: Option<Resolution>,
}

/// What was found of the ids that [`Book::unknown_ids`](super::Book::unknown_ids) named. Whoever makes this
/// has looked up all of them: an id that is not here does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    remembered_from: u64,
    found: BTreeMap<EntryId, StoredEntry>,
}

impl Known {
    /// Begins with nothing found. `remembered_from` is what
    /// [`Book::remembered_from`](super::Book::remembered_from) said when the unknown ids were named.
    #[must_use]
    pub const fn new(remembered_from: u64) -> Known {
        Known { remembered_from, found: BTreeMap::new() }
    }

    /// Serves a book that has forgotten nothing.
    #[must_use]
    pub const fn nothing() -> Known {
        Known::new(0)
    }

    pub(super) const fn remembered_from(&self) -> u64 {
        self.remembered_from
    }

    /// Adds an entry that was found, under its own id.
    pub fn insert(&mut self, found: StoredEntry) {
        self.found.insert(found.entry.id, found);
    }

    /// Returns what was found under an id.
    #[must_use]
    #[inline]
    pub fn get(&self, id: EntryId) -> Option<&StoredEntry> {
        if self.found.is_empty() { None } else { self.found.get(&id) }
    }

    /// Iterates over all that was found, by id.
    pub fn iter(&self) -> impl Iterator<Item = (EntryId, &StoredEntry)> {
        self.found.iter().map(|(id, found)| (*id, found))
    }
}
