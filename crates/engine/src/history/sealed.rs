//! What is sealed, as the store has it, and how it comes into memory.

use super::{HistoryIndex, Sealed, State};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use suanpan_ledger::history::{Run, RunId, Tail};
use suanpan_ledger::ids::IdRun;
use suanpan_store::commit::Lease;
use suanpan_store::{History, Read, RunKind, StoreError};

/// Reads what is sealed; a reason instead when it does not fit the journal.
pub(super) fn sealed(store: &dyn History, reader: &dyn Read) -> Result<Result<Sealed, String>, StoreError> {
    let (mut runs, mut id_runs) = (Vec::new(), Vec::new());
    for kind in [RunKind::History, RunKind::Ids] {
        let mut end = 0;
        for stored in store.runs(kind)? {
            if stored.entries.start != end {
                return Ok(Err(format!("run {} does not begin with entry {end}", stored.id)));
            }
            end = stored.entries.end;
            let marks = reader.marks(stored.seq..stored.seq + 1)?;
            if marks.first().is_none_or(|mark| mark.hash != stored.hash || mark.first + mark.entries != end) {
                return Ok(Err(format!("run {} is of another journal", stored.id)));
            }
            let id = RunId(stored.id);
            let parsed = match kind {
                RunKind::History => Run::parse(id, &stored.directory).map(|run| {
                    let span = run.first..run.end;
                    runs.push(Arc::new(run));
                    span
                }),
                RunKind::Ids => IdRun::parse(id, &stored.directory).map(|run| {
                    let span = run.first..run.end;
                    id_runs.push(Arc::new(run));
                    span
                }),
            };
            match parsed {
                Ok(span) if span == stored.entries => {}
                Ok(_) => return Ok(Err(format!("run {} covers other entries than it says", stored.id))),
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
    }
    Ok(Ok(Sealed { runs, id_runs }))
}

impl Sealed {
    /// Returns the first entry that is in no run.
    pub(super) fn end(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.end)
    }

    /// Returns the first entry whose id is in no run.
    pub(super) fn ids_end(&self) -> u64 {
        self.id_runs.last().map_or(0, |run| run.end)
    }

    /// Makes this the state, with a tail of nothing.
    pub(super) fn with_empty_tail(self) -> State {
        let tail = Tail::new(self.end());
        State { runs: self.runs, id_runs: self.id_runs, full: Vec::new(), tail }
    }
}

impl HistoryIndex {
    /// Says again that this process writes the history, after somebody else did or it is not known what was written,
    /// and reads what is sealed.
    pub(super) fn reclaim(&self, lease: &Lease) -> Result<(), String> {
        let standing = self.reader.standing().map_err(|error| error.to_string())?;
        if standing.is_some_and(|standing| standing.lease == *lease) {
            self.store.claim(lease).map_err(|error| error.to_string())?;
        }
        self.reload().map_err(|error| error.to_string())
    }

    /// Reads again what is sealed: another process may have merged what is asked for here. What is not sealed yet
    /// stays, unless another process writes now.
    pub(super) fn reload(&self) -> Result<(), StoreError> {
        let _changing = self.changing();
        let mine = self.lease();
        let standing = self.reader.standing()?;
        let writes = mine.epoch != 0 && standing.is_some_and(|standing| standing.lease == mine);
        let damaged = |reason| StoreError::Damaged { at: "the history".to_owned(), reason };
        let found = sealed(self.store.as_ref(), self.reader.as_ref())?.map_err(damaged)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Filters that are loaded stay so.
        let id_runs = found.id_runs.into_iter().map(|run| {
            let known = state.id_runs.iter().find(|known| (known.id, known.end) == (run.id, run.end));
            known.cloned().unwrap_or(run)
        });
        let found = Sealed { id_runs: id_runs.collect(), runs: found.runs };
        let end = found.end();
        if writes {
            let waits = state.full.iter().find(|tail| tail.ordinals().1 > end).map(|tail| tail.ordinals().0);
            let follows = waits.unwrap_or_else(|| state.tail.ordinals().0);
            if follows != end || found.ids_end() < self.ids_sealed() {
                return Err(damaged(format!(
                    "up to entry {end} it is sealed, and what this process has begins with entry {follows}; \
                     it is put right when this process starts again"
                )));
            }
            state.full.retain(|tail| tail.ordinals().1 > end);
            (state.runs, state.id_runs) = (found.runs, found.id_runs);
        } else {
            *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Lease { epoch: 0, ..mine };
            *state = found.with_empty_tail();
            self.committed.store(end, Ordering::Release);
            self.set_seen(end);
            self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        self.set_ids_sealed(&state);
        Ok(())
    }
}
