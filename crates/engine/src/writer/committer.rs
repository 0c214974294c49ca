//! Committing: one decided batch after the other, each told when it is durable; and the upkeep of the lease.

use super::batch::{After, Decided, Told};
use super::decider::{Give, Lost};
use super::forget::Forget;
use super::{Ended, Failed, undone};
use crate::command::{Envelope, Refused};
use crate::endpoints::DELIVERY;
use crate::engine::Shared;
use crate::queue::Queue;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, Sender, SyncSender, channel};
use std::time::{Duration, Instant};
use suanpan_store::commit::{Commit, CommitError, Lease};
use suanpan_store::{Store, StoreError};

/// How often a commit that was certainly not done is tried again before the batch is given up.
const TRIES: usize = 3;

/// What commits. Only this holds the store.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) store: Box<dyn Store>,
    pub(super) lease: Lease,
    pub(super) ttl: Duration,
    /// When the newest renewal of the lease was begun, and when one was tried.
    pub(super) renewed: Instant,
    pub(super) tried: Instant,
    /// When answers are to be forgotten next.
    pub(super) forget: Forget,
}

impl Committer {
    /// Commits what is given until nobody gives any more, or it cannot go on. Waking all who wait takes a part of a
    /// commit's time, so another thread does it.
    pub(super) fn run(&mut self, given: &Receiver<Decided>) -> Result<(), Failed> {
        std::thread::scope(|scope| {
            let (tell, told) = channel::<Told>();
            let teller = std::thread::Builder::new().name("teller".to_owned());
            let spawned = teller.spawn_scoped(scope, || told.into_iter().for_each(Told::tell));
            spawned.map_err(|error| Ended::Reload(error.to_string()))?;
            self.commit_all(given, &tell)
        })
    }

    fn commit_all(&mut self, given: &Receiver<Decided>, tell: &Sender<Told>) -> Result<(), Failed> {
        loop {
            let Ok(decided) = given.recv() else { return Ok(()) };
            let (began, weight, commits) = (Instant::now(), decided.weight, decided.commit.is_some());
            if let Err(SendError(told)) = tell.send(self.take(decided)?) {
                told.tell();
            }
            if weight > 0 && commits {
                let micros = usize::try_from(began.elapsed().as_micros()).unwrap_or(usize::MAX).max(1);
                self.shared.queue.note_rate(weight.saturating_mul(1_000_000) / micros);
            }
            self.shared.high_water.write_when_due();
            self.between()?;
        }
    }

    /// Commits a batch, and returns what is to be told now.
    pub(super) fn take(&mut self, decided: Decided) -> Result<Told, Failed> {
        let Decided { commit, after, receipt, entries, .. } = decided;
        let Some(commit) = commit else {
            self.shared.queue.done();
            return self.uncommitted(Told { after, receipt, entries });
        };
        let began = Instant::now();
        self.shared.jobs.plan(&commit.jobs);
        if let Err(ended) = self.write(&commit) {
            self.shared.jobs.unplan(&commit.jobs);
            // What of this was done, if anything, the store will tell: the same under the same key.
            let refused = match &ended {
                Ended::Reload(why) if !why.starts_with(UNKNOWN) => Refused::Unavailable(why.clone()),
                other => Refused::Unknown(other.to_string()),
            };
            return Err(failed(ended, after, &refused));
        }
        self.shared.queue.done();
        self.shared.high_water.note(receipt);
        measure(&commit, began.elapsed());
        self.shared.watches.tell(&commit.objects);
        // It waits while the history is too far behind.
        self.shared.renewal.begin(self.lease, self.renewed);
        self.shared.history.follow(commit.after, commit.record);
        self.renewed = self.shared.renewal.end();
        for id in &commit.jobs_done {
            self.shared.jobs.done(id);
            self.shared.outbox.remove(id);
        }
        for job in commit.jobs {
            if job.kind == DELIVERY {
                self.shared.outbox.add(&job);
            } else {
                self.shared.jobs.start(job);
            }
        }
        Ok(Told { after, receipt, entries })
    }

    /// Writes a commit and finds out how it ended.
    fn write(&mut self, commit: &Commit) -> Result<(), Ended> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.store.commit(commit) {
                Ok(()) => return Ok(()),
                Err(CommitError::Fenced { .. }) => return Err(Ended::fenced()),
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

    /// Lets be told what needs no commit, if this process is still the one that writes.
    fn uncommitted(&mut self, told: Told) -> Result<Told, Failed> {
        if told.after.is_empty() {
            return Ok(told);
        }
        let Err(error) = self.assure_lease() else { return Ok(told) };
        if matches!(error, StoreError::Fenced { .. }) {
            let ended = Ended::fenced();
            let refused = undone(&ended);
            return Err(failed(ended, told.after, &refused));
        }
        for after in told.after {
            after.fail(Refused::Unavailable(error.to_string()));
        }
        Ok(Told { after: Vec::new(), ..told })
    }

    /// What is done between two batches when it is time.
    fn between(&mut self) -> Result<(), Failed> {
        if self.renewal_in().is_zero() {
            match self.renew() {
                Ok(()) => {}
                Err(StoreError::Fenced { .. }) => return Err(Ended::fenced().into()),
                // The next commit tells; what needs none is not answered once the lease is over.
                Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
            }
        }
        Ok(self.forget()?)
    }

    /// How long until the lease should be renewed, or that be tried again.
    fn renewal_in(&self) -> Duration {
        let due = (self.ttl / 3).saturating_sub(self.renewed.elapsed());
        due.max((self.ttl / 30).saturating_sub(self.tried.elapsed()))
    }

    fn renew(&mut self) -> Result<(), StoreError> {
        self.tried = Instant::now();
        self.store.renew(&self.lease, self.ttl)?;
        self.renewed = self.tried;
        Ok(())
    }

    /// Makes sure that nobody else can have begun to write. Commits find out by themselves; what is answered from
    /// memory alone rests on this.
    fn assure_lease(&mut self) -> Result<(), StoreError> {
        // Clocks of two machines do not run at quite the same rate.
        if self.renewed.elapsed() < self.ttl - self.ttl / 10 { Ok(()) } else { self.renew() }
    }

    /// Gives the lease back.
    pub(super) fn release(&mut self) {
        if let Err(error) = self.store.release(&self.lease) {
            tracing::warn!(%error, "the lease could not be given back; it expires by itself");
        }
    }
}

/// It commits in the thread that decides.
impl Give for Committer {
    fn give(&mut self, decided: Decided) -> Result<(), Lost> {
        let told = self.take(decided).map_err(|failed| Lost { failed: Some(failed), untried: Vec::new() })?;
        told.tell();
        Ok(())
    }
}

/// It commits in the thread that decides, each batch when the next one is decided: what two threads come to when the
/// one that commits is always late.
pub(super) struct Late<'a> {
    pub(super) committer: &'a mut Committer,
    pub(super) held: &'a mut Option<Decided>,
}

impl Give for Late<'_> {
    fn give(&mut self, decided: Decided) -> Result<(), Lost> {
        match self.held.take().map(|before| self.committer.take(before)).transpose() {
            Ok(told) => {
                told.into_iter().for_each(Told::tell);
                *self.held = Some(decided);
                Ok(())
            }
            Err(failed) => Err(Lost { failed: Some(failed), untried: decided.after }),
        }
    }
}

/// It commits in another thread. There is no room in between: whoever has given a batch away knows that the one before
/// is durable.
pub(super) struct ToCommitter<'a> {
    pub(super) queue: &'a Queue<Envelope>,
    pub(super) give: SyncSender<Decided>,
}

impl Give for ToCommitter<'_> {
    fn give(&mut self, decided: Decided) -> Result<(), Lost> {
        self.queue.give();
        let sent = self.give.send(decided);
        sent.map_err(|SendError(decided)| Lost { failed: None, untried: decided.after })
    }

    fn wanted(&self) -> bool {
        self.queue.is_wanted()
    }

    fn more(&mut self, weight: usize, until: Instant) -> Option<Vec<Envelope>> {
        self.queue.take_more(weight, until)
    }
}

/// Begins the reason of a reload after which nobody knows whether the last batch was done.
const UNKNOWN: &str = "the end of the last commit is not known: ";

/// Tells everybody in a batch that it failed; who waits for a channel is told by whoever knows them.
fn failed(ended: Ended, after: Vec<After>, refused: &Refused) -> Failed {
    let parked = after.into_iter().filter_map(|after| after.fail(refused.clone()));
    Failed { parked: parked.map(|reference| (reference, refused.clone())).collect(), ended }
}

fn measure(commit: &Commit, took: Duration) {
    metrics::histogram!("suanpan_commit_seconds").record(took);
    metrics::counter!("suanpan_commits_total").increment(1);
    let entries = commit.after.entries - commit.before.entries;
    metrics::counter!("suanpan_entries_total").increment(entries);
    metrics::gauge!("suanpan_record").set(counted(commit.after.seq));
    metrics::histogram!("suanpan_commit_objects").record(counted(commit.objects.len() as u64));
    metrics::histogram!("suanpan_commit_entries").record(counted(entries));
    // What became of payments and refunds is what their events say.
    for name in commit.events.iter().flat_map(|block| &block.names).filter(|name| !name.kind.is_empty()) {
        metrics::counter!("suanpan_events_total", "type" => name.kind).increment(name.count.into());
    }
}

// Metrics are floats; these are counts, not money.
fn counted(count: u64) -> f64 {
    count as f64
}
