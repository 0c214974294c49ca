//! The end of deciding a batch: what is to be committed.

use super::batch::{Batch, Decided};
use super::decider::Decider;
use crate::limits::{CHECKPOINT_ENTRIES, CHECKPOINT_PAGES};
use std::time::{Duration, Instant};
use suanpan_ledger::book::FinishedRecord;
use suanpan_ledger::merkle;
use suanpan_ledger::record::Record;
use suanpan_ledger::snapshot;
use suanpan_store::commit::{AccountRow, Checkpoint, Commit, Head};

/// How long nothing must have happened before a checkpoint is written for that reason.
const IDLE: Duration = Duration::from_millis(500);

/// When the next checkpoint is due.
pub(super) struct Checkpoints {
    /// Entries up to the last one.
    entries: u64,
    last_write: Instant,
    dirty: bool,
}

impl Checkpoints {
    pub(super) fn new(entries: u64, dirty: bool) -> Checkpoints {
        Checkpoints { entries, last_write: Instant::now(), dirty }
    }

    /// How long until an idle writer should write one; none when there is nothing to write.
    pub(super) fn idle_patience(&self) -> Option<Duration> {
        self.dirty.then(|| IDLE.saturating_sub(self.last_write.elapsed()))
    }

    /// Makes the next one due now; false when there is nothing to write.
    pub(super) fn hurry(&mut self) -> bool {
        self.last_write = Instant::now().checked_sub(IDLE).unwrap_or_else(Instant::now);
        self.dirty
    }

    fn due(&self, entries: u64, pages: usize, idle: bool) -> bool {
        entries - self.entries >= CHECKPOINT_ENTRIES
            || pages >= CHECKPOINT_PAGES
            || (idle && self.dirty && self.last_write.elapsed() >= IDLE)
    }
}

impl Decider {
    /// Ends a batch.
    pub(super) fn finish(&mut self, mut batch: Batch, idle: bool) -> Decided {
        let (jobs, jobs_done) = batch.take_jobs();
        let Batch { after, objects, links, replays, weight, entries, .. } = batch;
        let changed = !self.draft.is_empty()
            || self.world.is_changed()
            || !jobs.is_empty()
            || !jobs_done.is_empty()
            || !objects.is_empty();
        let checkpoint = self.checkpoints.due(self.book.head().entries, self.book.dirty_pages(), idle);
        if !changed && !replays && !checkpoint {
            return Decided {
                commit: None,
                after: self.ask(after),
                receipt: self.receipt(),
                weight,
                entries,
            };
        }
        let record = self.book.finish_always(&mut self.draft, self.lease.epoch);
        let mut commit = self.make(record);
        (commit.jobs, commit.jobs_done) = (jobs, jobs_done);
        (commit.objects, commit.links) = (objects, links);
        self.world.changes(&mut commit);
        if checkpoint {
            commit.checkpoint = Some(self.checkpoint());
        }
        self.head = commit.after;
        self.checkpoints.last_write = Instant::now();
        self.checkpoints.dirty = !checkpoint;
        if checkpoint {
            self.checkpoints.entries = self.head.entries;
        }
        Decided { commit: Some(commit), after: self.ask(after), receipt: self.receipt(), weight, entries }
    }

    fn make(&mut self, record: FinishedRecord) -> Commit {
        let parsed = Record::parse(&record.bytes).expect("the book's own record");
        let root = merkle::root(parsed.leaves());
        let hash = merkle::chain_hash(&self.head.hash, parsed.header_bytes(), &root, &parsed.events_digest());
        let accounts = record.accounts_changed.iter().map(|&number| {
            let account = self.book.account(number).expect("the book changed it");
            AccountRow {
                number: number.0,
                path: account.spec.path.clone(),
                currency: account.spec.currency.numeric(),
                body: snapshot::encode_account(account),
            }
        });
        Commit {
            lease: self.lease,
            before: self.head,
            after: Head {
                seq: record.head.seq,
                hash,
                entries: record.head.entries,
                at: record.head.at.micros(),
            },
            accounts: accounts.collect(),
            record: record.bytes,
            root,
            objects: Vec::new(),
            links: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            jobs: Vec::new(),
            jobs_done: Vec::new(),
            checkpoint: None,
        }
    }

    /// Copies out what a restart needs; the book counts its pages as written from here on.
    fn checkpoint(&mut self) -> Checkpoint {
        let taken = self.book.checkpoint();
        Checkpoint {
            seq: taken.seq,
            pages: taken.pages,
            holds_open: taken.holds_open.into_iter().map(|(id, body)| (id.0, body)).collect(),
            holds_closed: taken.holds_closed.into_iter().map(|id| id.0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_by_entries_by_pages_and_when_nothing_happens() {
        let after = |entries, pages, idle, dirty| Checkpoints::new(100, dirty).due(entries, pages, idle);
        assert!(!after(100, 0, false, true));
        assert!(!after(99 + CHECKPOINT_ENTRIES, CHECKPOINT_PAGES - 1, false, true));
        assert!(after(100 + CHECKPOINT_ENTRIES, 0, false, true));
        // In a book of many millions of accounts a few entries change many pages.
        assert!(after(101, CHECKPOINT_PAGES, false, true));
        let rested = |dirty| {
            let last_write = Instant::now().checked_sub(IDLE).unwrap();
            Checkpoints { entries: 0, last_write, dirty }.due(1, 1, true)
        };
        assert!(rested(true) && !rested(false));
        // One commit takes all pages that one batch can change on top of those.
        const { assert!(CHECKPOINT_PAGES < suanpan_store::PAGES_PER_COMMIT / 2) };
    }
}
