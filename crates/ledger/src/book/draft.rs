//! The record under construction, and the way back.

use super::hold::Hold;
use crate::account::{AccountNo, Limits, Standing};
use crate::entry::EntryId;
use crate::limits::{
    ENTRY_HEAD_BYTES_MAX, LINE_BYTES_MAX, PATH_BYTES_MAX, RECORD_BYTES_MAX, RECORD_ENTRIES_MAX,
    RECORD_EVENTS_MAX,
};
use crate::record::{AccountEvent, LeafHead, Line, put_entry, put_event};
use suanpan_money::Timestamp;

/// The next record while it grows: all that the book accepted since the last one, already encoded, and how to
/// undo it in memory. [`Book::begin`](super::Book::begin) starts it,
/// [`Book::finish`](super::Book::finish) makes it a record.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub(super) at: Timestamp,
    pub(super) entries: Vec<u8>,
    /// Where each entry ends in `entries`.
    pub(super) ends: Vec<u32>,
    pub(super) events: Vec<u8>,
    /// The account of each event.
    pub(super) changed: Vec<AccountNo>,
    pub(super) undo: Undo,
}

/// A moment in the growth of a draft to which the book can go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Mark {
    pub(super) sums: usize,
    pub(super) steps: usize,
    pub(super) ends: usize,
    entries: usize,
    changed: usize,
    events: usize,
}

/// How to take back what was done, newest first. Sums are by far the most, and stand apart: their order among
/// the other steps does not matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Undo {
    pub(super) sums: Vec<SumsBefore>,
    pub(super) steps: Vec<Step>,
}

/// One side of the sums of an account before it changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct SumsBefore {
    pub(super) posted: u64,
    pub(super) held: u64,
    pub(super) last_posted_at: i64,
    pub(super) number: AccountNo,
    pub(super) is_debit: bool,
}

/// A step that is not a sum.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A hold was opened.
    HoldOpened(EntryId),
    /// A hold was closed.
    HoldClosed(EntryId, Hold),
    /// The newest account was opened.
    AccountOpened,
    /// An account was changed.
    AccountChanged { number: AccountNo, limits: Limits, standing: Standing },
}

impl Mark {
    pub(super) fn is_before(&self, draft: &Draft) -> bool {
        self.sums <= draft.undo.sums.len()
            && self.steps <= draft.undo.steps.len()
            && self.ends <= draft.ends.len()
    }
}

impl Draft {
    /// Returns the time of the record.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// Returns how many entries were accepted.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.ends.len()
    }

    /// Returns how many account events there were.
    #[must_use]
    pub fn events(&self) -> usize {
        self.changed.len()
    }

    /// Returns whether nothing was accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.changed.is_empty()
    }

    /// Returns how many bytes the entries and events take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.len() + self.events.len()
    }

    /// Remembers this moment. Undo it by [`Book::rollback`](super::Book::rollback), or forget the mark.
    pub fn mark(&self) -> Mark {
        Mark {
            sums: self.undo.sums.len(),
            steps: self.undo.steps.len(),
            ends: self.ends.len(),
            entries: self.entries.len(),
            changed: self.changed.len(),
            events: self.events.len(),
        }
    }

    /// Returns whether an entry with so many lines still fits.
    #[inline]
    pub(super) fn has_room(&self, lines: usize) -> bool {
        let bytes = self.entries.len() + ENTRY_HEAD_BYTES_MAX + lines * LINE_BYTES_MAX;
        self.ends.len() < RECORD_ENTRIES_MAX && bytes <= RECORD_BYTES_MAX
    }

    /// Counts an entry that is not encoded, because it comes from a record.
    pub(super) fn count_entry(&mut self) {
        self.ends.push(0);
    }

    /// Returns whether an account event still fits.
    pub(super) fn has_room_for_event(&self) -> bool {
        let bytes = self.events.len() + ENTRY_HEAD_BYTES_MAX + PATH_BYTES_MAX;
        self.changed.len() < RECORD_EVENTS_MAX && bytes <= RECORD_BYTES_MAX
    }

    #[inline]
    pub(super) fn add_entry(&mut self, head: &LeafHead, lines: &[Line]) {
        put_entry(&mut self.entries, head, lines);
        self.ends.push(self.entries.len() as u32);
    }

    pub(super) fn add_event(&mut self, event: &AccountEvent) {
        put_event(&mut self.events, self.ends.len() as u32, event);
        self.changed.push(event.number());
    }

    pub(super) fn cut(&mut self, mark: Mark) {
        self.ends.truncate(mark.ends);
        self.entries.truncate(mark.entries);
        self.changed.truncate(mark.changed);
        self.events.truncate(mark.events);
    }

    pub(super) fn clear(&mut self) {
        self.cut(Mark { sums: 0, steps: 0, ends: 0, entries: 0, changed: 0, events: 0 });
        self.undo.sums.clear();
        self.undo.steps.clear();
    }
}
