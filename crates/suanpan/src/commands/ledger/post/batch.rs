//! Where a file is divided: never within entries that are linked, nor where imported entries change their time.

use super::super::reading::{Entries, FileEntry};
use crate::error::Trouble;
use suanpan_engine::NamedEntry;
use suanpan_ledger::limits::{BATCH_ENTRIES_MAX, BATCH_POSTINGS_MAX};
use suanpan_money::Timestamp;

/// Entries that go to the engine together.
pub(in super::super) struct Batch {
    pub(in super::super) entries: Vec<FileEntry>,
    pub(in super::super) booked_at: Option<Timestamp>,
}

impl Batch {
    /// Returns the entries as the engine takes them.
    pub(in super::super) fn named(&self) -> Vec<NamedEntry> {
        self.entries.iter().map(|entry| entry.entry.clone()).collect()
    }
}

/// Divides a file. The same file and size give the same batches, so that a file that is sent again is known.
pub(in super::super) struct Batches {
    entries: Entries,
    size: usize,
    each: bool,
    /// Read already, and part of the next batch.
    ahead: Option<FileEntry>,
}

impl Batches {
    pub(in super::super) fn new(entries: Entries, size: usize, each: bool) -> Batches {
        Batches { entries, size, each, ahead: None }
    }

    /// Returns the next batch, in which all entries are linked unless each stands for itself.
    pub(in super::super) fn next(&mut self) -> Result<Option<Batch>, Trouble> {
        let first = match self.ahead.take() {
            Some(entry) => entry,
            None => match self.entries.next()? {
                Some(entry) => entry,
                None => return Ok(None),
            },
        };
        let mut batch = Batch { booked_at: first.booked_at, entries: Vec::new() };
        let mut postings = 0;
        let mut next = Some(first);
        // Where the last chain ended: a batch that grows too large is cut there.
        let mut whole = 0;
        while let Some(entry) = next {
            let lines = entry.entry.draft.lines.len();
            let another_time = entry.booked_at != batch.booked_at;
            let full = batch.entries.len() >= self.size || postings + lines > BATCH_POSTINGS_MAX;
            if !batch.entries.is_empty() && whole == batch.entries.len() && (full || another_time) {
                self.ahead = Some(entry);
                break;
            }
            if another_time
                || batch.entries.len() >= BATCH_ENTRIES_MAX
                || postings + lines > BATCH_POSTINGS_MAX
            {
                return Err(self.too_large(&entry, another_time));
            }
            postings += lines;
            let linked = entry.entry.linked;
            batch.entries.push(entry);
            if !linked {
                whole = batch.entries.len();
            }
            next = self.entries.next()?;
        }
        if whole < batch.entries.len() && self.ahead.is_none() {
            let last = &batch.entries[batch.entries.len() - 1];
            return Err(Trouble::new("entry", "the last entry is linked to a next one that is not there")
                .at(format!("{}:{}:linked", self.entries.name(), last.row))
                .next("leave the field empty in the last entry"));
        }
        if !self.each {
            let last = batch.entries.len() - 1;
            for entry in &mut batch.entries[..last] {
                entry.entry.linked = true;
            }
        }
        Ok(Some(batch))
    }

    fn too_large(&self, entry: &FileEntry, another_time: bool) -> Trouble {
        let (what, next) = if another_time {
            ("linked entries have different times".to_owned(), "give them the same booked_at")
        } else {
            (
                format!(
                    "linked entries are more than {BATCH_ENTRIES_MAX}, or their postings more than {BATCH_POSTINGS_MAX}"
                ),
                "divide them",
            )
        };
        Trouble::new("batch_too_large", what).at(format!("{}:{}", self.entries.name(), entry.row)).next(next)
    }
}
