//! From neighbouring runs to one of a higher level.

use super::{
    block::BlockWriter,
    error::{Damage, HistoryError, QueryError},
    limits::{FAN_IN, LEVEL_MAX, PAGE_STAMPS_MAX, RUN_PAGES_MAX},
    page::{Page, PageInfo, PageWriter},
    run::Run,
    source::{PageSource, RunId},
    stamps::{read_stamps, write_stamps},
    tail::Stamp,
};

/// A merge under way. It gives one page at a time, so that its caller can seal between two pages, and keeps one
/// page of each run in memory.
#[derive(Debug)]
pub struct Merge<P> {
    runs: Vec<Run>,
    cursors: Vec<Cursor<P>>,
    block: BlockWriter,
    page: PageWriter,
    stamps: Vec<Stamp>,
    // The next page of stamps: run, page.
    stamps_at: (usize, usize),
    merged: Run,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Rows,
    Stamps,
    Done,
}

#[derive(Debug)]
struct Cursor<P> {
    page: usize,
    block: usize,
    bytes: Option<P>,
    key: Option<(u32, u64)>,
}

impl<P: AsRef<[u8]>> Merge<P> {
    /// Begins to merge runs, oldest first, into a run named `id`.
    ///
    /// # Errors
    /// When there are none or more than eight, they do not adjoin, or are of the highest level.
    pub fn new(id: RunId, runs: Vec<Run>) -> Result<Merge<P>, HistoryError> {
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
        let merged = Run {
            id,
            level,
            first: oldest.first,
            end: newest.end,
            rows: runs.iter().map(|run| run.rows).sum(),
            times: (oldest.times.0, newest.times.1),
            pages: Vec::new(),
            stamp_pages: Vec::new(),
        };
        let cursors = runs.iter().map(|_| Cursor { page: 0, block: 0, bytes: None, key: None }).collect();
        Ok(Merge {
            runs,
            cursors,
            block: BlockWriter::default(),
            page: PageWriter::default(),
            stamps: Vec::new(),
            stamps_at: (0, 0),
            merged,
            state: State::Rows,
        })
    }

    /// Gives the next page; none when all are written. Pages have the numbers of the calls, from 0.
    ///
    /// # Errors
    /// When a page cannot be had or is damaged, or the sums of an account do not follow from run to run.
    pub fn next_page<S>(&mut self, source: &mut S) -> Result<Option<Vec<u8>>, QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        if self.merged.page_count() >= RUN_PAGES_MAX {
            let (count, limit) = (u64::from(self.merged.page_count()), u64::from(RUN_PAGES_MAX));
            return Err(HistoryError::TooMany { what: "pages of a run", count, limit }.into());
        }
        if self.state == State::Rows {
            if let Some(page) = self.next_rows(source)? {
                return Ok(Some(page));
            }
            self.state = State::Stamps;
        }
        if self.state == State::Stamps {
            if let Some(page) = self.next_stamps(source)? {
                return Ok(Some(page));
            }
            self.state = State::Done;
        }
        Ok(None)
    }

    /// Returns the new run once all pages were given; none before.
    #[must_use]
    pub fn finish(self) -> Option<Run> {
        (self.state == State::Done).then_some(self.merged)
    }

    fn next_rows<S>(&mut self, source: &mut S) -> Result<Option<Vec<u8>>, QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        loop {
            for (run, cursor) in self.runs.iter().zip(&mut self.cursors) {
                if cursor.key.is_none() {
                    cursor.load(run, source)?;
                }
            }
            // Runs are in the order of their entries, so the first of the lowest account comes first.
            let accounts = self.cursors.iter().enumerate();
            let lowest = accounts.filter_map(|(at, cursor)| Some((cursor.key?.0, at))).min();
            let Some((_, at)) = lowest else {
                let mut finished = None;
                if self.block.rows() > 0 {
                    finished = self.page.push(&self.block);
                    self.block.begin(0, 0, self.block.after());
                }
                return Ok(finished.or_else(|| self.page.finish()).map(|finished| self.keep(finished)));
            };
            if let Some(page) = self.take_block(at)? {
                return Ok(Some(page));
            }
        }
    }

    /// Takes the next block of the run `at`; returns a page when one became full.
    fn take_block(&mut self, at: usize) -> Result<Option<Vec<u8>>, HistoryError> {
        let cursor = &mut self.cursors[at];
        let run = &self.runs[at];
        let place = Some(cursor.page as u32);
        let Some(bytes) = &cursor.bytes else {
            return Err(Damage("it has no page where one should be").at(run.id, place));
        };
        let damaged = |damage: Damage| damage.at(run.id, place);
        let page = Page::parse(bytes.as_ref()).map_err(damaged)?;
        let block = page.block(cursor.block).map_err(damaged)?;
        let broken = HistoryError::SumsBroken { account: block.account, ordinal: block.first };
        let mut finished = None;
        let goes_on = self.block.rows() > 0 && self.block.account() == block.account;
        if !goes_on || !self.block.has_room_for(&block) {
            if goes_on && self.block.after() != block.before {
                return Err(broken);
            }
            if self.block.rows() > 0 {
                finished = self.page.push(&self.block);
            }
            self.block.begin(block.account, block.first, block.before);
        }
        if !self.block.append(&block).map_err(damaged)? {
            return Err(broken);
        }
        let next = (cursor.block + 1 < page.blocks()).then(|| page.key(cursor.block + 1));
        cursor.advance(next).map_err(damaged)?;
        Ok(finished.map(|finished| self.keep(finished)))
    }

    fn keep(&mut self, (info, bytes): (PageInfo, Vec<u8>)) -> Vec<u8> {
        self.merged.pages.push(info);
        bytes
    }

    fn next_stamps<S>(&mut self, source: &mut S) -> Result<Option<Vec<u8>>, QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        while self.stamps.len() < PAGE_STAMPS_MAX && self.stamps_at.0 < self.runs.len() {
            let run = &self.runs[self.stamps_at.0];
            let Some(info) = run.stamp_pages.get(self.stamps_at.1) else {
                self.stamps_at = (self.stamps_at.0 + 1, 0);
                continue;
            };
            let index = (run.pages.len() + self.stamps_at.1) as u32;
            let bytes = source.page(run.id, index).map_err(|source| QueryError::Source {
                run: run.id,
                page: index,
                source,
            })?;
            let damaged = |damage: Damage| damage.at(run.id, Some(index));
            let stamps = read_stamps(info, bytes.as_ref()).map_err(damaged)?;
            let first = stamps.first().copied();
            let follows = self
                .stamps
                .last()
                .zip(first)
                .is_none_or(|(last, first)| last.ordinal < first.ordinal && last.at <= first.at);
            if !follows {
                return Err(damaged(Damage("its stamps do not follow those before")).into());
            }
            self.stamps.extend(stamps);
            self.stamps_at.1 += 1;
        }
        let count = self.stamps.len().min(PAGE_STAMPS_MAX);
        let page = write_stamps(&self.stamps[..count]);
        self.stamps.drain(..count);
        Ok(page.map(|(info, bytes)| {
            self.merged.stamp_pages.push(info);
            bytes
        }))
    }
}

impl<P: AsRef<[u8]>> Cursor<P> {
    /// Loads the page at which the cursor stands, unless the run is at its end.
    fn load<S>(&mut self, run: &Run, source: &mut S) -> Result<(), QueryError<S::Error>>
    where
        S: PageSource<Page = P>,
    {
        let Some(info) = run.pages.get(self.page) else { return Ok(()) };
        let index = self.page as u32;
        let bytes = source.page(run.id, index).map_err(|source| QueryError::Source {
            run: run.id,
            page: index,
            source,
        })?;
        let key = Page::open(info, bytes.as_ref()).map_err(|damage| damage.at(run.id, Some(index)))?.key(0);
        if key != (info.first_account, info.first_ordinal) {
            return Err(Damage("it does not begin as the directory says").at(run.id, Some(index)).into());
        }
        self.key = Some(key);
        self.bytes = Some(bytes);
        self.block = 0;
        Ok(())
    }

    /// Moves to the block with the key `next`, or to before the next page when there is none.
    fn advance(&mut self, next: Option<(u32, u64)>) -> Result<(), Damage> {
        if next.is_some_and(|next| Some(next) < self.key) {
            return Err(Damage("its blocks are not in order"));
        }
        match next {
            Some(_) => self.block += 1,
            None => self.page += 1,
        }
        self.key = next;
        Ok(())
    }
}
