//! From full tails to runs, and from runs to larger ones.

use super::follow::FullTail;
use super::{HistoryIndex, Pages};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, PoisonError};
use suanpan_ledger::history::{Merge, Run, RunId, RunLevel, plan, seal};
use suanpan_ledger::ids::{IdMerge, IdRun, seal_ids};
use suanpan_store::{NewRun, RunKind};

pub(super) struct Sealer {
    index: Arc<HistoryIndex>,
    tails: Receiver<FullTail>,
}

/// The name of a run before the store has given it one.
const UNNAMED: RunId = RunId(0);

impl Sealer {
    pub(super) fn new(index: Arc<HistoryIndex>, tails: Receiver<FullTail>) -> Sealer {
        Sealer { index, tails }
    }

    pub(super) fn run(self) {
        while let Ok(tail) = self.tails.recv() {
            if let Err(error) = self.seal(&tail).and_then(|()| self.merge_all()) {
                // Tails stay in memory and the follower stops when too many do; the next start builds again.
                tracing::error!(error, "the history cannot be sealed");
                return;
            }
        }
    }

    fn seal(&self, full: &FullTail) -> Result<(), String> {
        let FullTail { tail, ids, head } = full;
        let mut pages = Vec::new();
        let mut run = seal(UNNAMED, tail, |page| pages.push(page)).map_err(|error| error.to_string())?;
        let (seq, hash) = (head.seq, head.hash);
        let entries = run.first..run.end;
        let directory = run.write();
        let new = NewRun {
            kind: RunKind::History,
            level: 0,
            entries: &entries,
            seq,
            hash,
            directory: &directory,
            pages: &pages,
        };
        run.id = RunId(self.index.store.put(&new, &[]).map_err(|error| error.to_string())?);
        {
            let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
            state.runs.push(Arc::new(run));
            state.full.remove(0);
        }
        self.seal_ids(ids, entries.end, full)
    }

    fn seal_ids(&self, ids: &[suanpan_ledger::ids::IdRow], end: u64, full: &FullTail) -> Result<(), String> {
        let first = self.index.ids_sealed.load(Ordering::Acquire);
        let rows = ids.iter().filter(|row| row.ordinal >= first).copied().collect();
        let mut pages = Vec::new();
        let mut run = seal_ids(UNNAMED, (first, end), rows, |page| pages.push(page))
            .map_err(|error| error.to_string())?;
        let (seq, hash) = (full.head.seq, full.head.hash);
        let entries = first..end;
        let directory = run.write();
        let new = NewRun {
            kind: RunKind::Ids,
            level: 0,
            entries: &entries,
            seq,
            hash,
            directory: &directory,
            pages: &pages,
        };
        run.id = RunId(self.index.store.put(&new, &[]).map_err(|error| error.to_string())?);
        self.index.state.write().unwrap_or_else(PoisonError::into_inner).id_runs.push(Arc::new(run));
        self.index.ids_sealed.store(end, Ordering::Release);
        Ok(())
    }

    /// Merges until nothing is due. A tail that comes meanwhile is sealed between two pages.
    fn merge_all(&self) -> Result<(), String> {
        loop {
            let (runs, id_runs) = {
                let state = self.index.state.read().unwrap_or_else(PoisonError::into_inner);
                (state.runs.clone(), state.id_runs.clone())
            };
            let standings: Vec<RunLevel> = runs.iter().map(|run| RunLevel::from(run.as_ref())).collect();
            let id_standings: Vec<RunLevel> =
                id_runs.iter().map(|run| RunLevel { id: run.id, level: run.level }).collect();
            if let Some(plan) = plan(&standings) {
                self.merge(
                    runs.iter()
                        .filter(|run| plan.runs.contains(&run.id))
                        .map(|run| run.as_ref().clone())
                        .collect(),
                )?;
            } else if let Some(plan) = plan(&id_standings) {
                self.merge_ids(
                    id_runs
                        .iter()
                        .filter(|run| plan.runs.contains(&run.id))
                        .map(|run| run.as_ref().clone())
                        .collect(),
                )?;
            } else {
                return Ok(());
            }
        }
    }

    fn seal_what_waits(&self) -> Result<(), String> {
        loop {
            match self.tails.try_recv() {
                Ok(tail) => self.seal(&tail)?,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(()),
            }
        }
    }

    fn merge(&self, runs: Vec<Run>) -> Result<(), String> {
        let replaced: Vec<u64> = runs.iter().map(|run| run.id.0).collect();
        let mut merge = Merge::new(UNNAMED, runs).map_err(|error| error.to_string())?;
        let mut source = Pages::new(self.index.store.as_ref());
        let mut pages = Vec::new();
        while let Some(page) = merge.next_page(&mut source).map_err(|error| error.to_string())? {
            pages.push(page);
            self.seal_what_waits()?;
        }
        let mut run = merge.finish().ok_or("a merge ended before its end")?;
        let mark = self.mark(run.end)?;
        let new = NewRun {
            kind: RunKind::History,
            level: run.level.into(),
            entries: &(run.first..run.end),
            seq: mark.0,
            hash: mark.1,
            directory: &run.write(),
            pages: &pages,
        };
        run.id = RunId(self.index.store.put(&new, &replaced).map_err(|error| error.to_string())?);
        let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
        let at = state
            .runs
            .iter()
            .position(|run| run.id.0 == replaced[0])
            .ok_or("a run to be replaced is gone")?;
        state.runs.splice(at..at + replaced.len(), [Arc::new(run)]);
        Ok(())
    }

    fn merge_ids(&self, runs: Vec<IdRun>) -> Result<(), String> {
        let replaced: Vec<u64> = runs.iter().map(|run| run.id.0).collect();
        let mut merge = IdMerge::new(UNNAMED, runs).map_err(|error| error.to_string())?;
        let mut source = Pages::new(self.index.store.as_ref());
        let mut pages = Vec::new();
        while let Some(page) = merge.next_page(&mut source).map_err(|error| error.to_string())? {
            pages.push(page);
            self.seal_what_waits()?;
        }
        let mut run = merge.finish().ok_or("a merge ended before its end")?;
        let mark = self.mark(run.end)?;
        let new = NewRun {
            kind: RunKind::Ids,
            level: run.level.into(),
            entries: &(run.first..run.end),
            seq: mark.0,
            hash: mark.1,
            directory: &run.write(),
            pages: &pages,
        };
        run.id = RunId(self.index.store.put(&new, &replaced).map_err(|error| error.to_string())?);
        let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
        let at = state
            .id_runs
            .iter()
            .position(|run| run.id.0 == replaced[0])
            .ok_or("a run to be replaced is gone")?;
        state.id_runs.splice(at..at + replaced.len(), [Arc::new(run)]);
        Ok(())
    }

    /// The record in which the last entry before `end` stands, and its hash.
    fn mark(&self, end: u64) -> Result<(u64, [u8; 32]), String> {
        let record = self.index.reader.record_of(end - 1).map_err(|error| error.to_string())?;
        record
            .map(|record| (record.mark.seq, record.mark.hash))
            .ok_or_else(|| format!("entry {end} is in no record"))
    }
}
