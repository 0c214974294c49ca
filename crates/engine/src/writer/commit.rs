//! The end of a batch: one commit, and what is told afterwards.

use super::{After, Batch, Committed, Ended, Writer};
use crate::command::{Answered, Refused};
use crate::endpoints::DELIVERY;
use crate::limits::{CHECKPOINT_ENTRIES, CHECKPOINT_PAGES};
use std::time::{Duration, Instant};
use suanpan_ledger::book::FinishedRecord;
use suanpan_ledger::merkle;
use suanpan_ledger::record::Record;
use suanpan_ledger::snapshot;
use suanpan_payments::link::EVENT_TYPE;
use suanpan_payments::object::event::EVENT_TYPES;
use suanpan_store::StoreError;
use suanpan_store::commit::{AccountRow, Checkpoint, Commit, CommitError, Head};

/// How long nothing must have happened before a checkpoint is written for that reason.
const IDLE: Duration = Duration::from_millis(500);
/// How often a commit that was certainly not done is tried again before the batch is given up.
const TRIES: usize = 3;

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

    fn due(&self, entries: u64, pages: usize, idle: bool) -> bool {
        entries - self.entries >= CHECKPOINT_ENTRIES
            || pages >= CHECKPOINT_PAGES
            || (idle && self.dirty && self.last_write.elapsed() >= IDLE)
    }
}

impl Writer {
    pub(super) fn commit(&mut self, mut batch: Batch, idle: bool) -> Result<(), Ended> {
        let (jobs, jobs_done) = batch.take_jobs();
        let Batch { after, objects, links, replays, .. } = batch;
        let changed = !self.draft.is_empty()
            || self.world.is_changed()
            || !jobs.is_empty()
            || !jobs_done.is_empty()
            || !objects.is_empty();
        let checkpoint = self.checkpoints.due(self.book.head().entries, self.book.dirty_pages(), idle);
        if !changed && !replays && !checkpoint {
            self.world.committed();
            return self.tell_from_memory(after);
        }
        let began = Instant::now();
        let record = self.book.finish_always(&mut self.draft, self.lease.epoch);
        let mut commit = self.make(&record);
        (commit.jobs, commit.jobs_done) = (jobs, jobs_done);
        (commit.objects, commit.links) = (objects, links);
        self.world.changes(&mut commit);
        if checkpoint {
            commit.checkpoint = Some(self.checkpoint());
        }
        self.shared.jobs.plan(&commit.jobs);
        if let Err(ended) = self.write(&commit) {
            self.shared.jobs.unplan(&commit.jobs);
            // What of this was done, if anything, the store will tell: the same under the same key.
            let refused = match &ended {
                Ended::Reload(why) if !why.starts_with(UNKNOWN) => Refused::Unavailable(why.clone()),
                other => Refused::Unknown(other.to_string()),
            };
            for after in after {
                after.fail(refused.clone());
            }
            return Err(ended);
        }
        self.head = commit.after;
        self.shared.high_water.note(self.receipt());
        self.world.committed();
        self.checkpoints.last_write = Instant::now();
        self.checkpoints.dirty = !checkpoint;
        if checkpoint {
            self.checkpoints.entries = self.head.entries;
        }
        measure(&commit, began.elapsed());
        // It waits while the history is too far behind.
        self.shared.renewal.begin(self.lease, self.renewed);
        self.shared.history.follow(commit.after, commit.record);
        self.renewed = self.shared.renewal.end();
        for id in &commit.jobs_done {
            self.shared.jobs.done(id);
            self.shared.outbox.remove(id);
        }
        self.tell(after);
        for job in commit.jobs {
            if job.kind == DELIVERY {
                self.shared.outbox.add(&job);
            } else {
                self.shared.jobs.start(job);
            }
        }
        self.book.forget_before(self.shared.history.ids_sealed());
        Ok(())
    }

    fn make(&mut self, record: &FinishedRecord) -> Commit {
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
            record: record.bytes.clone(),
            root,
            objects: Vec::new(),
            links: Vec::new(),
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

    pub(crate) fn last_checkpoint(&mut self) -> Result<(), Ended> {
        if !self.checkpoints.dirty {
            return Ok(());
        }
        self.book.begin(&mut self.draft, self.shared.clock.now());
        self.checkpoints.last_write = Instant::now().checked_sub(IDLE).unwrap_or_else(Instant::now);
        self.commit(Batch::default(), true)
    }

    /// Writes a commit and finds out how it ended.
    fn write(&mut self, commit: &Commit) -> Result<(), Ended> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.store.commit(commit) {
                Ok(()) => return Ok(()),
                Err(CommitError::Fenced { .. }) => {
                    return Err(Ended::Fenced("its epoch is higher".to_owned()));
                }
                Err(CommitError::Unknown(why)) => {
                    tracing::warn!(
                        why,
                        seq = commit.after.seq,
                        "the end of a commit is not known; asking the store"
                    );
                    match self.ask_head(commit) {
                        Some(true) => return Ok(()),
                        Some(false) if tries < TRIES => {}
                        Some(false) => return Err(Ended::Reload(why)),
                        None => return Err(Ended::Reload(format!("{UNKNOWN}{why}"))),
                    }
                }
                Err(error @ CommitError::Unavailable(_)) if tries < TRIES => {
                    tracing::warn!(%error, "a commit was not taken; trying again");
                    self.shared.clock.pause(Duration::from_millis(20));
                }
                Err(error) => return Err(Ended::Reload(error.to_string())),
            }
        }
    }

    /// Says whether a commit was done, by where the journal stands; none when that cannot be found out within the
    /// time of the lease.
    fn ask_head(&mut self, commit: &Commit) -> Option<bool> {
        let began = Instant::now();
        loop {
            match self.store.head() {
                Ok(head) if head == commit.after => return Some(true),
                Ok(head) if head == commit.before => return Some(false),
                // Somebody else has gone on from one of the two: which, the journal tells after loading.
                Ok(_) => return None,
                Err(error) => tracing::warn!(%error, "the store does not say where the journal stands"),
            }
            if began.elapsed() >= self.ttl {
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Tells what needs no commit, if this process is still the one that writes.
    fn tell_from_memory(&mut self, after: Vec<After>) -> Result<(), Ended> {
        if after.is_empty() {
            return Ok(());
        }
        let Err(error) = self.assure_lease() else {
            self.tell(after);
            return Ok(());
        };
        let fenced = matches!(error, StoreError::Fenced { .. });
        let refused = if fenced { Refused::Standby } else { Refused::Unavailable(error.to_string()) };
        for after in after {
            after.fail(refused.clone());
        }
        if fenced { Err(Ended::Fenced("its epoch is higher".to_owned())) } else { Ok(()) }
    }

    fn tell(&mut self, after: Vec<After>) {
        let receipt = self.receipt();
        for after in after {
            match after {
                After::Answer { reply, status, body, replayed } => {
                    let _ = reply.send(Ok(Answered { status, body, replayed, receipt }));
                }
                After::Outcome { reply, status, body } => {
                    let _ = reply.send(Ok(Answered { status, body, replayed: false, receipt }));
                }
                After::Books { reply, answer } => {
                    let _ = reply.send(Ok((answer, receipt)));
                }
                After::Upkeep { reply } => {
                    let _ = reply.send(Ok(()));
                }
                After::Park { reference, parked } => {
                    self.parked_order.push_back((parked.until, reference.clone()));
                    self.parked.insert(reference, parked);
                }
                After::Refuse(refusal) => refusal.tell(),
                After::Query(query) => query(&Committed { book: &self.book, receipt }),
            }
        }
    }
}

/// Begins the reason of a reload after which nobody knows whether the last batch was done.
const UNKNOWN: &str = "the end of the last commit is not known: ";

fn measure(commit: &Commit, took: Duration) {
    metrics::histogram!("suanpan_commit_seconds").record(took);
    metrics::counter!("suanpan_commits_total").increment(1);
    let entries = commit.after.entries - commit.before.entries;
    metrics::counter!("suanpan_entries_total").increment(entries);
    metrics::gauge!("suanpan_record").set(counted(commit.after.seq));
    metrics::histogram!("suanpan_commit_objects").record(counted(commit.objects.len() as u64));
    metrics::histogram!("suanpan_commit_entries").record(counted(entries));
    // What became of payments and refunds is what their events say.
    for link in commit.links.iter().filter(|link| link.name == EVENT_TYPE) {
        let kind = EVENT_TYPES.into_iter().find(|kind| link.key.rsplit('/').next() == Some(kind));
        metrics::counter!("suanpan_events_total", "type" => kind.unwrap_or("other")).increment(1);
    }
}

// Metrics are floats; these are counts, not money.
fn counted(count: u64) -> f64 {
    count as f64
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
