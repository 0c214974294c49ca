//! What is done to the runs under one lease: tails are sealed, runs merged, what was replaced is swept away, filters
//! are loaded. Done by one thread at a time.

use super::lines::FullTail;
use super::{HistoryIndex, Pages};
use crate::limits::{ID_FILTER_BYTES, PAGES_AT_ONCE};
use std::ops::Range;
use std::sync::{Arc, PoisonError};
use suanpan_ledger::history::{Merge, Run, RunId, RunLevel, plan, seal};
use suanpan_ledger::ids::{IdMerge, IdRow, IdRun, seal_ids};
use suanpan_store::commit::Lease;
use suanpan_store::{NewRun, RunKind};

/// The name of a run before the store has given it one.
const UNNAMED: RunId = RunId(0);

/// Called between two pages: does what cannot wait, and breaks the work off by an error.
pub(super) type Tick<'a> = dyn FnMut() -> Result<(), String> + 'a;

/// The works under one lease.
#[derive(Clone, Copy)]
pub(super) struct Works<'a> {
    pub(super) index: &'a HistoryIndex,
    pub(super) lease: Lease,
}

impl<'a> Works<'a> {
    /// Breaks work off that is of no use any more.
    pub(super) fn go_on(&self) -> Result<(), String> {
        if self.index.is_stopping() {
            return Err("this process is ending".to_owned());
        }
        if self.index.lease() != self.lease {
            return Err("another writer has begun".to_owned());
        }
        Ok(())
    }

    /// Seals rows and ids of a full tail. Done again after an error, it does what is missing.
    pub(super) fn seal(&self, full: &FullTail) -> Result<(), String> {
        let (first, end) = full.tail.ordinals();
        let (rows_end, ids_end) = {
            let state = self.index.state.read().unwrap_or_else(PoisonError::into_inner);
            (state.runs.last().map_or(0, |run| run.end), state.id_runs.last().map_or(0, |run| run.end))
        };
        if rows_end < end {
            if rows_end != first {
                return Err(format!("entries from {first} on are to be sealed, and {rows_end} are sealed"));
            }
            self.seal_rows(full)?;
        }
        if ids_end < end {
            if ids_end < full.ids_first {
                return Err(format!(
                    "ids from {} on are to be sealed, and {ids_end} are sealed",
                    full.ids_first
                ));
            }
            let rows = full.ids.iter().filter(|row| row.ordinal >= ids_end).copied().collect();
            self.seal_ids(rows, ids_end..end, full)?;
        }
        Ok(())
    }

    fn seal_rows(&self, full: &FullTail) -> Result<(), String> {
        let mut pages = Vec::new();
        let mut run =
            seal(UNNAMED, &full.tail, |page| pages.push(page)).map_err(|error| error.to_string())?;
        let new = NewRun {
            kind: RunKind::History,
            level: 0,
            entries: &(run.first..run.end),
            seq: full.head.seq,
            hash: full.head.hash,
            directory: &run.write(),
            pages: &pages,
        };
        let _changing = self.index.changing();
        self.go_on()?;
        run.id = RunId(self.index.store.put(&self.lease, &new, &[]).map_err(|error| error.to_string())?);
        let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
        state.full.retain(|tail| tail.ordinals().1 > run.end);
        state.runs.push(Arc::new(run));
        Ok(())
    }

    fn seal_ids(&self, rows: Vec<IdRow>, entries: Range<u64>, full: &FullTail) -> Result<(), String> {
        let mut pages = Vec::new();
        let mut run = seal_ids(UNNAMED, (entries.start, entries.end), rows, |page| pages.push(page))
            .map_err(|error| error.to_string())?;
        let new = NewRun {
            kind: RunKind::Ids,
            level: 0,
            entries: &entries,
            seq: full.head.seq,
            hash: full.head.hash,
            directory: &run.write(),
            pages: &pages,
        };
        let _changing = self.index.changing();
        self.go_on()?;
        run.id = RunId(self.index.store.put(&self.lease, &new, &[]).map_err(|error| error.to_string())?);
        let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
        state.id_runs.push(Arc::new(run));
        self.index.set_ids_sealed(&state);
        Ok(())
    }

    /// Takes away what was replaced, loads filters, and merges until nothing is due. Sweeping comes first, because what
    /// an unfinished merge has left goes with it.
    pub(super) fn tidy(&self, tick: &mut Tick<'_>) -> Result<(), String> {
        loop {
            while self.index.store.sweep(&self.lease).map_err(|error| error.to_string())? {
                tick()?;
            }
            self.load_filters(tick)?;
            if !self.merge_once(tick)? {
                return Ok(());
            }
        }
    }

    fn merge_once(&self, tick: &mut Tick<'_>) -> Result<bool, String> {
        let (runs, id_runs) = {
            let state = self.index.state.read().unwrap_or_else(PoisonError::into_inner);
            (state.runs.clone(), state.id_runs.clone())
        };
        let levels: Vec<RunLevel> = runs.iter().map(|run| RunLevel::from(run.as_ref())).collect();
        let id_levels: Vec<RunLevel> = id_runs.iter().map(|run| RunLevel::from(run.as_ref())).collect();
        if let Some(plan) = plan(&levels) {
            let due = runs.iter().filter(|run| plan.runs.contains(&run.id));
            self.merge(due.map(|run| run.as_ref().clone()).collect(), tick)?;
        } else if let Some(plan) = plan(&id_levels) {
            let due = id_runs.iter().filter(|run| plan.runs.contains(&run.id));
            self.merge_ids(due.map(|run| run.as_ref().clone()).collect(), tick)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn merge(&self, runs: Vec<Run>, tick: &mut Tick<'_>) -> Result<(), String> {
        let replaced: Vec<u64> = runs.iter().map(|run| run.id.0).collect();
        let mut merge = Merge::new(UNNAMED, runs).map_err(|error| error.to_string())?;
        let begun = self.write(RunKind::History, tick, |pages| merge.next_page(pages).map_err(in_full))?;
        let mut run = merge.finish().ok_or("a merge ended before its end")?;
        run.id = RunId(begun.id);
        let _changing = self.index.changing();
        begun.finish(run.level, run.first..run.end, &run.write(), &replaced)?;
        let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
        replace(&mut state.runs, |run| run.id, &replaced, run)
    }

    fn merge_ids(&self, runs: Vec<IdRun>, tick: &mut Tick<'_>) -> Result<(), String> {
        let replaced: Vec<u64> = runs.iter().map(|run| run.id.0).collect();
        let mut merge = IdMerge::new(UNNAMED, runs).map_err(|error| error.to_string())?;
        let begun = self.write(RunKind::Ids, tick, |pages| merge.next_page(pages).map_err(in_full))?;
        let mut run = merge.finish().ok_or("a merge ended before its end")?;
        run.id = RunId(begun.id);
        let _changing = self.index.changing();
        begun.finish(run.level, run.first..run.end, &run.write(), &replaced)?;
        let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
        replace(&mut state.id_runs, |run| run.id, &replaced, run)
    }

    /// Writes a run page by page, all but its end.
    fn write(
        &self,
        kind: RunKind,
        tick: &mut Tick<'_>,
        mut next_page: impl FnMut(&mut Pages<'a>) -> Result<Option<Vec<u8>>, String>,
    ) -> Result<Begun<'a>, String> {
        let mut source = Pages::for_work(self.index);
        let mut begun = Begun::new(*self, kind)?;
        while let Some(page) = next_page(&mut source)? {
            begun.push(page)?;
            tick()?;
        }
        Ok(begun)
    }

    /// Loads the filters of runs of ids, those of the newest first, as far as the memory for them goes.
    fn load_filters(&self, tick: &mut Tick<'_>) -> Result<(), String> {
        loop {
            let runs = self.index.state.read().unwrap_or_else(PoisonError::into_inner).id_runs.clone();
            let loaded: u64 = runs.iter().filter(|run| run.has_filters()).map(|run| run.filter_bytes()).sum();
            let fits = |run: &&Arc<IdRun>| {
                !run.has_filters() && loaded.saturating_add(run.filter_bytes()) <= ID_FILTER_BYTES
            };
            let Some(next) = runs.iter().rev().find(fits) else { return Ok(()) };
            let mut run = next.as_ref().clone();
            run.load_filters(&mut Pages::for_work(self.index)).map_err(in_full)?;
            let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = state.id_runs.iter_mut().find(|there| Arc::ptr_eq(there, next)) {
                *place = Arc::new(run);
            }
            drop(state);
            tick()?;
        }
    }

    /// The record in which the last entry before `end` stands, and its hash.
    fn mark(&self, end: u64) -> Result<(u64, [u8; 32]), String> {
        let record = self.index.reader.record_of(end - 1).map_err(|error| error.to_string())?;
        record
            .map(|record| (record.mark.seq, record.mark.hash))
            .ok_or_else(|| format!("entry {end} is in no record"))
    }
}

/// A run that is written page by page.
struct Begun<'a> {
    works: Works<'a>,
    kind: RunKind,
    id: u64,
    /// Pages that are written.
    written: u32,
    pages: Vec<Vec<u8>>,
}

impl<'a> Begun<'a> {
    fn new(works: Works<'a>, kind: RunKind) -> Result<Begun<'a>, String> {
        let id = works.index.store.begin_run(&works.lease, kind).map_err(|error| error.to_string())?;
        Ok(Begun { works, kind, id, written: 0, pages: Vec::with_capacity(PAGES_AT_ONCE) })
    }

    fn push(&mut self, page: Vec<u8>) -> Result<(), String> {
        self.pages.push(page);
        if self.pages.len() >= PAGES_AT_ONCE {
            let Works { index, lease } = self.works;
            let added = index.store.add_pages(&lease, self.id, self.written, &self.pages);
            added.map_err(|error| error.to_string())?;
            self.written += PAGES_AT_ONCE as u32;
            self.pages.clear();
        }
        Ok(())
    }

    /// Puts the run in the place of others.
    fn finish(
        self,
        level: u8,
        entries: Range<u64>,
        directory: &[u8],
        replaced: &[u64],
    ) -> Result<(), String> {
        let Works { index, lease } = self.works;
        let (seq, hash) = self.works.mark(entries.end)?;
        let new = NewRun {
            kind: self.kind,
            level: level.into(),
            entries: &entries,
            seq,
            hash,
            directory,
            pages: &self.pages,
        };
        self.works.go_on()?;
        index.store.finish_run(&lease, self.id, &new, replaced).map_err(|error| error.to_string())
    }
}

/// Puts a run in the place of those that it was made of.
fn replace<R>(
    runs: &mut Vec<Arc<R>>,
    id: impl Fn(&R) -> RunId,
    replaced: &[u64],
    run: R,
) -> Result<(), String> {
    let at = runs.iter().position(|run| id(run).0 == replaced[0]).ok_or("a run to be replaced is gone")?;
    runs.splice(at..at + replaced.len(), [Arc::new(run)]);
    Ok(())
}

/// An error with the one under it.
fn in_full(error: impl std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
