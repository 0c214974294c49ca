//! The newest entries, by id and by ordinal: what repeats are compared with.
//!
//! Entries stand in the order of their ordinals, so the index needs no more than 8 bytes for each: its place
//! and part of the hash of its id. Growing the index therefore does not touch the entries.

use crate::entry::{EntryId, Posting};
use crate::record::{Done, Line};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use suanpan_money::Timestamp;

/// What became of a hold or of a posted entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The hold was posted.
    Captured,
    /// The hold was released by a client.
    Voided,
    /// The hold was released by the book when its time had passed.
    Expired,
    /// The entry was reversed.
    Reversed,
}

/// An entry that is remembered, without its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) id: EntryId,
    pub(super) done: Done,
    pub(super) booked_at: Option<Timestamp>,
    /// Counted over all postings ever remembered.
    first_posting: u64,
    postings: u32,
    pub(super) code: u16,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u32,
    /// The low bits of the ordinal.
    ordinal: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Memory {
    hasher: FixedState,
    places: HashTable<Place>,
    entries: VecDeque<Remembered>,
    postings: VecDeque<Posting>,
    /// The ordinal of the first entry.
    base: u64,
    postings_base: u64,
    /// What remembered entries resolved, and by which ordinal. The target may be forgotten.
    resolved: HashMap<EntryId, (Resolution, u64), FixedState>,
}

impl Memory {
    pub(super) fn new(seed: u64, base: u64) -> Memory {
        Memory {
            hasher: FixedState::with_seed(seed),
            places: HashTable::new(),
            entries: VecDeque::new(),
            postings: VecDeque::new(),
            base,
            postings_base: 0,
            resolved: HashMap::with_hasher(FixedState::with_seed(seed)),
        }
    }

    /// The ordinal of the first entry that is remembered.
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// The ordinal that the next entry gets.
    pub(super) fn next(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    #[inline]
    pub(super) fn find(&self, id: EntryId) -> Option<(u64, &Remembered)> {
        let hash = self.hash(id);
        let found = self.places.find(widen(hash), |place| {
            place.hash == hash && self.entries[self.index(place.ordinal)].id == id
        })?;
        let index = self.index(found.ordinal);
        Some((self.base + index as u64, &self.entries[index]))
    }

    pub(super) fn get(&self, ordinal: u64) -> Option<&Remembered> {
        let index = usize::try_from(ordinal.checked_sub(self.base)?).ok()?;
        self.entries.get(index)
    }

    /// The postings of a post, hold or capture, as posted or held; none of the others.
    pub(super) fn postings(&self, entry: &Remembered) -> impl ExactSizeIterator<Item = Posting> {
        let first = (entry.first_posting - self.postings_base) as usize;
        self.postings.range(first..first + entry.postings as usize).copied()
    }

    #[inline]
    pub(super) fn resolution(&self, target: EntryId) -> Option<Resolution> {
        if self.resolved.is_empty() { None } else { self.resolved.get(&target).map(|(how, _)| *how) }
    }

    /// Remembers the entry with the next ordinal.
    #[inline]
    pub(super) fn push(
        &mut self,
        id: EntryId,
        done: Done,
        code: u16,
        booked_at: Option<Timestamp>,
        lines: &[Line],
    ) {
        let ordinal = self.next();
        let first_posting = self.postings_base + self.postings.len() as u64;
        let postings = match done {
            Done::Post | Done::Capture { .. } => {
                self.postings.extend(lines.iter().map(|line| line.posted()));
                lines.len()
            }
            Done::Hold { .. } => {
                self.postings.extend(lines.iter().map(|line| line.held()));
                lines.len()
            }
            // Nobody asks for the lines of these again.
            Done::Void { .. } | Done::Expiry { .. } | Done::Reversal { .. } => 0,
        } as u32;
        if let Some((target, how)) = resolves(done) {
            let before = self.resolved.insert(target, (how, ordinal));
            assert!(before.is_none(), "an entry is resolved once");
        }
        if !matches!(done, Done::Expiry { .. }) {
            let hash = self.hash(id);
            let place = Place { hash, ordinal: ordinal as u32 };
            self.places.insert_unique(widen(hash), place, |place| widen(place.hash));
        }
        self.entries.push_back(Remembered { id, done, booked_at, first_posting, postings, code });
    }

    /// Takes back the newest `push`.
    pub(super) fn pop(&mut self) {
        let entry = *self.entries.back().expect("an entry is taken back after it was pushed");
        self.unlink(self.next() - 1, &entry);
        self.entries.pop_back();
        self.postings.truncate(self.postings.len() - entry.postings as usize);
    }

    /// Forgets all entries before `ordinal`.
    pub(super) fn forget_before(&mut self, ordinal: u64) {
        while self.base < ordinal
            && let Some(&entry) = self.entries.front()
        {
            self.unlink(self.base, &entry);
            self.entries.pop_front();
            self.postings.drain(..entry.postings as usize);
            self.postings_base += u64::from(entry.postings);
            self.base += 1;
        }
    }

    fn unlink(&mut self, ordinal: u64, entry: &Remembered) {
        if let Some((target, _)) = resolves(entry.done) {
            self.resolved.remove(&target);
        }
        if !matches!(entry.done, Done::Expiry { .. }) {
            let hash = self.hash(entry.id);
            let low = ordinal as u32;
            let found = self.places.find_entry(widen(hash), |place| place.ordinal == low);
            found.expect("every entry with an id has a place").remove();
        }
    }

    #[inline]
    fn index(&self, low: u32) -> usize {
        low.wrapping_sub(self.base as u32) as usize
    }

    #[inline]
    fn hash(&self, id: EntryId) -> u32 {
        (self.hasher.hash_one(id.0) >> 32) as u32
    }
}

/// The index takes its bucket from the low bits and its tag from the highest seven, which are bits of their own
/// up to 32 million places.
#[inline]
const fn widen(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}

fn resolves(done: Done) -> Option<(EntryId, Resolution)> {
    match done {
        Done::Post | Done::Hold { .. } => None,
        Done::Capture { hold, .. } => Some((hold, Resolution::Captured)),
        Done::Void { hold } => Some((hold, Resolution::Voided)),
        Done::Expiry { hold } => Some((hold, Resolution::Expired)),
        Done::Reversal { of } => Some((of, Resolution::Reversed)),
    }
}
