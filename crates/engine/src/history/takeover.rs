//! The beginning of a writer: what is sealed is read again under the new lease, and what is far behind is sealed
//! before the books are loaded.

use super::lines::{Lines, Start, each_record, record_with, sums_before};
use super::sealed::sealed;
use super::works::Works;
use super::{HistoryIndex, Part, Sealed};
use crate::limits::CATCH_UP_TAILS;
use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;
use suanpan_ledger::account::Balance;
use suanpan_store::StoreError;
use suanpan_store::commit::{Head, Lease};

/// Sums of all accounts by number, as they were at a record.
pub(crate) struct SumsAt {
    pub(crate) sums: Vec<Balance>,
    /// The record.
    pub(crate) seq: u64,
    /// The first entry that is not in them.
    pub(crate) entries: u64,
}

impl HistoryIndex {
    /// Goes over to a writer that has just taken a lease: takes the right to write from whoever had it, and reads
    /// what is sealed by now. Runs that are of another journal, or damaged, are given up: they are built again.
    ///
    /// # Errors
    /// When a database does not answer.
    pub(crate) fn take_over(&self, lease: &Lease, head: &Head) -> Result<(), StoreError> {
        // Both threads break off what they do for an earlier writer.
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Lease { epoch: 0, ..*lease };
        let _alone = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        let _changing = self.changing();
        let builds = self.builds();
        if builds {
            self.store.claim(lease)?;
        }
        let found = match sealed(self.store.as_ref(), self.reader.as_ref())? {
            Ok(found) => found,
            Err(why) => {
                if builds {
                    tracing::warn!(why, "the history is dropped and built again from the journal");
                    self.store.clear(lease)?;
                }
                Sealed::default()
            }
        };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = found.with_empty_tail();
        self.set_ids_sealed(&state);
        self.committed.store(head.entries, Ordering::Release);
        self.set_seen(state.tail.ordinals().1);
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = *lease;
        Ok(())
    }

    /// Returns whether so much is missing that [`HistoryIndex::catch_up`] must come before the books are loaded.
    pub(crate) fn is_far_behind(&self, head: &Head) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let sealed = state.tail.ordinals().1.min(self.ids_sealed());
        let bearable = self.tail_entries.saturating_mul(CATCH_UP_TAILS);
        self.builds() && head.entries.saturating_sub(sealed) > bearable
    }

    /// Returns whether nothing is sealed, so that no sums are needed to begin with.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).runs.is_empty()
    }

    /// Seals what the journal has and the history lacks, with one tail in memory. Whoever calls this has the lease
    /// renewed meanwhile.
    ///
    /// # Errors
    /// When the journal cannot be read, a tail cannot be sealed, or this process is ending.
    pub(crate) fn catch_up(&self, start: SumsAt, head: &Head) -> Result<(), StoreError> {
        let _alone = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        let works = Works { index: self, lease: self.lease() };
        tracing::info!(entries = head.entries, "the history is far behind; it is built from the journal");
        self.build(works, start, head)
            .map_err(|reason| StoreError::Unavailable { at: "the history".to_owned(), reason })?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(took_ms, "the history is built");
        Ok(())
    }

    fn build(&self, works: Works<'_>, start: SumsAt, head: &Head) -> Result<(), String> {
        let rows_at = self.state.read().unwrap_or_else(PoisonError::into_inner).tail.ordinals().1;
        let ids_at = self.ids_sealed();
        let reader = self.reader.as_ref();
        let SumsAt { mut sums, seq, entries: mut sums_at } = start;
        if sums_at > rows_at {
            sums = sums_before(self, &sums, (record_with(reader, rows_at, head)?, seq), rows_at)?;
            sums_at = rows_at;
        }
        let mut next = record_with(reader, sums_at.min(rows_at).min(ids_at), head)?;
        let mut lines = Lines::new(works.lease.epoch, Start { sums, sums_at, ids_at });
        while next <= head.seq {
            let (mut full, mut records) = (None, 0);
            // Nothing is written while a stream of records is open.
            let after = each_record(self, next, head.seq, |at, body| {
                full = lines.record(self, at, body)?;
                records += 1;
                let goes_on = full.is_none() && records < RECORDS_AT_ONCE;
                Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            if after == next {
                return Err(format!("record {next} is missing"));
            }
            next = after;
            works.go_on()?;
            if let Some(full) = full {
                works.seal(&full)?;
                self.merge_or_note(works)?;
            }
        }
        Ok(())
    }

    /// Merges; damaged runs do not keep the writer from beginning.
    fn merge_or_note(&self, works: Works<'_>) -> Result<(), String> {
        let done = works.tidy(&mut || works.go_on());
        match done {
            Err(why) if works.go_on().is_err() => Err(why),
            Err(why) => {
                self.note_trouble(Part::Merges, &why);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Records between two looks whether to go on while the history is built.
const RECORDS_AT_ONCE: u32 = 256;
