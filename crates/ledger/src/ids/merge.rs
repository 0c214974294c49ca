//! From neighbouring runs of ids to one of a higher level.

use super::{
    IdRow,
    page::IdPage,
    run::{IdRun, IdWriter},
};
use crate::history::{
    HistoryError, PageSource, QueryError, RunId,
    error::Damage,
    limits::{FAN_IN, LEVEL_MAX, RUN_PAGES_MAX},
};
use std::collections::VecDeque;

/// A merge under way. It gives one page at a time and keeps one page of each run in memory.
#[derive(Debug)]
pub struct IdMerge<P> {
    runs: Vec<IdRun>,
    cursors: Vec<Cursor<P>>,
    // None once everything was written.
    writer: Option<IdWriter>,
    ready: VecDeque<Vec<u8>>,
    merged: Option<IdRun>,
}

#[derive(Debug)]
struct Cursor<P> {
    page: usize,
    at: usize,
    bytes: Option<P>,
    head: Option<IdRow>,
}

impl<P: AsRef<[u8]>> IdMerge<P> {
    /// Begins to merge runs, oldest first, into a run named `id`.
    ///
    /// # Errors
    /// When there are none or more than eight, they do not adjoin, or are of the highest level.
    pub fn new(id: RunId, runs: Vec<IdRun>) -> Result<IdMerge<P>, HistoryError> {
        let (Some(oldest), Some(newest)) = (runs.first(), runs.last()) else {
            return Err(HistoryError::Empty { what: "merge" });
        };
        if runs.len() > FAN_IN {
            let (count, limit) = (runs.len() as u64, FAN_IN as u64);
            return Err(HistoryError::TooMany { what: "runs to merge", count, limit });
        }
        let level = runs.iter().map(|run| run.level).max().unwrap_or_default() + 1;
        if level > LEVEL_MAX {
            let (count, limit) = (u64::from(level), u64::from(LEVEL_MAX));
            return Err(HistoryError::TooMany { what: "levels", count, limit });
        }
        if let Some(pair) = runs.windows(2).find(|pair| pair[0].end != pair[1].first) {
            return Err(HistoryError::Gap { end: pair[0].end, next: pair[1].first });
        }
        let writer = IdWriter::new(IdRun::empty(id, level, oldest.first, newest.end));
        let cursors = runs.iter().map(|_| Cursor { page: 0, at: 0, bytes: None, head: None }).collect();
        Ok(IdMerge { runs, cursors, writer: Some(writer), ready: VecDeque::new(), merged: None })
    }

    /// Gives the next page; none when all are written. Pages have the numbers of the calls, from 0.
    ///
    /// # Errors
    /// When a page cannot be had or is damaged.
    pub fn next_page<S>(&mut self, source: &mut S) -> Result<Option<Vec<u8>>, QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        while self.ready.is_empty()
            && let Some(mut writer) = self.writer.take()
        {
            let count = u64::from(writer.run.page_count());
            if count >= u64::from(RUN_PAGES_MAX) {
                let limit = u64::from(RUN_PAGES_MAX);
                return Err(HistoryError::TooMany { what: "pages of a run", count, limit }.into());
            }
            if self.take_rows(&mut writer, source)? {
                self.writer = Some(writer);
            } else {
                self.merged = Some(writer.finish(&mut |page| self.ready.push_back(page)));
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Returns the new run once all pages were given; none before.
    #[must_use]
    pub fn finish(self) -> Option<IdRun> {
        if self.ready.is_empty() { self.merged } else { None }
    }

    /// Takes rows of the run with the lowest id for as long as they stay below those of the others. Runs of ids that
    /// grow with time hardly overlap, so this is mostly one run at a time. Returns false when no rows are left.
    fn take_rows<S>(&mut self, writer: &mut IdWriter, source: &mut S) -> Result<bool, QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        for (run, cursor) in self.runs.iter().zip(&mut self.cursors) {
            if cursor.head.is_none() {
                cursor.load(run, source)?;
            }
        }
        // The lowest head and the next one. Of equal ids the older run comes first: its entries are older.
        let (mut lowest, mut limit): (Option<(IdRow, usize)>, Option<u128>) = (None, None);
        for (at, cursor) in self.cursors.iter().enumerate() {
            let Some(head) = cursor.head else { continue };
            match lowest {
                Some((row, _)) if row.id <= head.id => {
                    limit = Some(limit.map_or(head.id, |limit| limit.min(head.id)));
                }
                _ => {
                    limit = lowest.map(|(row, _)| row.id);
                    lowest = Some((head, at));
                }
            }
        }
        let Some((mut row, at)) = lowest else { return Ok(false) };
        let (run, cursor) = (&self.runs[at], &mut self.cursors[at]);
        let damaged = |damage: Damage| damage.at(run.id, Some(IdRun::row_page(cursor.page)));
        if writer.last >= Some(row) {
            return Err(damaged(Damage("its rows are not in order")).into());
        }
        let bytes = cursor.bytes.as_ref().map(|bytes| bytes.as_ref()).unwrap_or_default();
        let page = IdPage::parse(bytes).map_err(damaged)?;
        loop {
            writer.push(row, &mut |page| self.ready.push_back(page))?;
            cursor.at += 1;
            if cursor.at == page.count() {
                cursor.head = None;
                cursor.page += 1;
                return Ok(true);
            }
            let next = page.row(cursor.at).map_err(damaged)?;
            if next <= row {
                return Err(damaged(Damage("its rows are not in order")).into());
            }
            row = next;
            if limit.is_some_and(|limit| limit <= row.id) {
                cursor.head = Some(row);
                return Ok(true);
            }
        }
    }
}

impl<P: AsRef<[u8]>> Cursor<P> {
    /// Loads the page at which the cursor stands, unless the run is at its end.
    fn load<S>(&mut self, run: &IdRun, source: &mut S) -> Result<(), QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        let Some(info) = run.pages.get(self.page) else { return Ok(()) };
        let index = IdRun::row_page(self.page);
        let bytes = source.page(run.id, index).map_err(|source| QueryError::Source {
            run: run.id,
            page: index,
            source,
        })?;
        let head = IdPage::open(info, bytes.as_ref()).and_then(|page| page.row(0));
        self.head = Some(head.map_err(|damage| damage.at(run.id, Some(index)))?);
        self.at = 0;
        self.bytes = Some(bytes);
        Ok(())
    }
}
