//! The thread that makes runs of full tails, and larger runs of small ones.

use super::lines::FullTail;
use super::works::Works;
use super::{HistoryIndex, Part, RETRY};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use suanpan_store::commit::Lease;

/// How often the thread looks whether a writer has begun.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Sealer {
    index: Arc<HistoryIndex>,
    tails: Receiver<FullTail>,
    /// Taken and not sealed yet.
    taken: Option<FullTail>,
    lease: Lease,
    /// When runs are to be merged and swept again; none while there is nothing to do.
    tidy_at: Option<Instant>,
    wait: Duration,
}

impl Sealer {
    pub(super) fn new(index: Arc<HistoryIndex>, tails: Receiver<FullTail>) -> Sealer {
        let lease = index.lease();
        Sealer { index, tails, taken: None, lease, tidy_at: None, wait: RETRY.start }
    }

    /// Works until there will be no more. A tail that cannot be sealed is tried again, and those behind it wait. Runs
    /// that cannot be merged do not keep tails from being sealed.
    pub(super) fn run(mut self) {
        while self.take() {
            let index = self.index.clone();
            let alone = index.works.lock().unwrap_or_else(PoisonError::into_inner);
            self.look_at_lease();
            if self.lease.epoch == 0 {
                (self.taken, self.tidy_at) = (None, None);
                continue;
            }
            let works = Works { index: &index, lease: self.lease };
            if let Err(why) = seal_taken(works, &mut self.taken) {
                drop(alone);
                self.failed(Part::Sealer, &why);
                index.pause(self.wait);
                continue;
            }
            if self.tidy_at.is_some_and(|at| at <= Instant::now()) {
                self.tidy(works);
            }
        }
    }

    /// Waits for a tail, or for something else to do. Returns false at the end.
    fn take(&mut self) -> bool {
        if self.index.is_stopping() {
            return false;
        }
        if self.taken.is_none() {
            let wait = self.tidy_at.map_or(LOOK, |at| at.saturating_duration_since(Instant::now()).min(LOOK));
            match self.tails.recv_timeout(wait) {
                Ok(full) => {
                    self.taken = Some(full);
                    self.tidy_at = self.tidy_at.or_else(|| Some(Instant::now()));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    fn look_at_lease(&mut self) {
        let lease = self.index.lease();
        if lease != self.lease {
            self.lease = lease;
            self.wait = RETRY.start;
            self.tidy_at = Some(Instant::now());
        }
    }

    /// Merges, sweeps and loads; tails that come meanwhile are sealed between two pages.
    fn tidy(&mut self, works: Works<'_>) {
        let (tails, taken) = (&self.tails, &mut self.taken);
        let mut sealed = false;
        let done = works.tidy(&mut || {
            works.go_on()?;
            while let Ok(full) = tails.try_recv() {
                *taken = Some(full);
                sealed = true;
                seal_taken(works, taken)?;
            }
            Ok(())
        });
        match done {
            Ok(()) => {
                // What was sealed at the very end may be due for a merge.
                self.tidy_at = sealed.then(Instant::now);
                self.wait = RETRY.start;
                self.index.well(Part::Merges);
            }
            Err(why) => {
                self.failed(Part::Merges, &why);
                self.tidy_at = Some(Instant::now() + self.wait);
            }
        }
    }

    /// Notes what went wrong, and looks whether what is stored is what is believed to be.
    fn failed(&mut self, part: Part, why: &str) {
        let works = Works { index: &self.index, lease: self.lease };
        if works.go_on().is_err() {
            return;
        }
        self.index.note_trouble(part, why);
        if let Err(why) = self.index.reclaim(&self.lease) {
            self.index.note_trouble(part, &why);
        }
        self.wait = (self.wait * 2).min(RETRY.end);
    }
}

/// Seals the tail that was taken, unless it is of an earlier writer. After an error it is still there.
fn seal_taken(works: Works<'_>, taken: &mut Option<FullTail>) -> Result<(), String> {
    if let Some(full) = taken
        && full.epoch == works.lease.epoch
    {
        works.seal(full)?;
        works.index.well(Part::Sealer);
    }
    *taken = None;
    Ok(())
}
