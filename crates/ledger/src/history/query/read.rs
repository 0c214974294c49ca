//! Reading the pages of one run that a question needs.

use super::Wanted;
use crate::{
    account::Balance,
    history::{
        error::{Damage, QueryError},
        page::Page,
        row::Row,
        run::Run,
        source::{PageSource, RunId},
        stamps::read_stamps,
        tail::Stamp,
    },
};
use suanpan_money::Timestamp;

/// The source, with the page that was read last.
pub(crate) struct Pages<'s, S: PageSource> {
    source: &'s mut S,
    rows: Option<(RunId, usize, S::Page)>,
    stamps: Option<(RunId, usize, Vec<Stamp>)>,
}

/// A block in a run: the page, and the place in it.
#[derive(Debug, Clone, Copy)]
struct At {
    page: usize,
    block: usize,
}

/// The rows of a block, oldest first, and the entry of the last.
struct BlockRows {
    rows: Vec<Row>,
    last: u64,
}

impl<'s, S: PageSource> Pages<'s, S> {
    pub(crate) fn new(source: &'s mut S) -> Self {
        Pages { source, rows: None, stamps: None }
    }

    /// Offers the rows of a run, newest first.
    pub(crate) fn newest(&mut self, run: &Run, wanted: &mut Wanted<'_>) -> Result<(), QueryError<S::Error>> {
        let account = wanted.query.account;
        let mut next = self.before(run, account, wanted.to)?;
        while let Some(at) = next {
            let Some(BlockRows { rows, last }) = self.rows(run, at, account)? else { return Ok(()) };
            if last < wanted.from {
                return Ok(());
            }
            for row in rows.into_iter().rev() {
                wanted.offer(row);
            }
            if wanted.is_full() {
                return Ok(());
            }
            next = match (at.page, at.block) {
                (0, 0) => None,
                (page, 0) => {
                    let blocks = self.page(run, page - 1)?.blocks();
                    Some(At { page: page - 1, block: blocks - 1 })
                }
                (page, block) => Some(At { page, block: block - 1 }),
            };
        }
        Ok(())
    }

    /// Offers the rows of a run, oldest first.
    pub(crate) fn oldest(&mut self, run: &Run, wanted: &mut Wanted<'_>) -> Result<(), QueryError<S::Error>> {
        let account = wanted.query.account;
        // The block before the one that begins at `from` may reach into the range; it may also be of another account.
        let mut at = match self.before(run, account, wanted.from)? {
            Some(at) if self.page(run, at.page)?.key(at.block).0 == account => at,
            Some(at) => At { block: at.block + 1, ..at },
            None => At { page: 0, block: 0 },
        };
        while at.page < run.pages.len() {
            if at.block >= self.page(run, at.page)?.blocks() {
                at = At { page: at.page + 1, block: 0 };
                // Without this the page behind the account would be read only to see that it has none of it.
                if run.pages.get(at.page).is_none_or(|page| page.first_account > account) {
                    return Ok(());
                }
                continue;
            }
            let Some(BlockRows { rows, .. }) = self.rows(run, at, account)? else { return Ok(()) };
            if rows.first().is_some_and(|row| row.ordinal >= wanted.to) {
                return Ok(());
            }
            for row in rows {
                wanted.offer(row);
            }
            if wanted.is_full() {
                return Ok(());
            }
            at.block += 1;
        }
        Ok(())
    }

    /// Returns the sums of an account after its last row before `end`; none when the run has no such row.
    pub(crate) fn balance_before(
        &mut self,
        run: &Run,
        account: u32,
        end: u64,
    ) -> Result<Option<Balance>, QueryError<S::Error>> {
        let Some(at) = self.before(run, account, end)? else { return Ok(None) };
        let Some(BlockRows { rows, .. }) = self.rows(run, at, account)? else { return Ok(None) };
        Ok(rows.iter().rev().find(|row| row.ordinal < end).map(|row| row.after))
    }

    /// Returns the first entry of a run that was accepted at `moment` or later; the end when there is none.
    pub(crate) fn entries_before(
        &mut self,
        run: &Run,
        moment: Timestamp,
    ) -> Result<u64, QueryError<S::Error>> {
        let after = run.stamp_pages.partition_point(|page| page.first.at < moment);
        let Some(index) = after.checked_sub(1) else { return Ok(run.first) };
        let stamps = self.stamps(run, index)?;
        let at = stamps.partition_point(|stamp| stamp.at < moment);
        let here = stamps.get(at).map(|stamp| stamp.ordinal);
        let next = || run.stamp_pages.get(after).map_or(run.end, |page| page.first.ordinal);
        Ok(here.unwrap_or_else(next))
    }

    /// Returns when an entry of a run was accepted.
    pub(crate) fn accepted_at(&mut self, run: &Run, ordinal: u64) -> Result<Timestamp, QueryError<S::Error>> {
        let index = run.stamp_pages.partition_point(|page| page.first.ordinal <= ordinal).saturating_sub(1);
        let stamps = self.stamps(run, index)?;
        let at = stamps.partition_point(|stamp| stamp.ordinal <= ordinal).saturating_sub(1);
        Ok(stamps.get(at).map(|stamp| stamp.at).unwrap_or_default())
    }

    /// Finds the last block before (account, ordinal). It may be of a lower account.
    fn before(&mut self, run: &Run, account: u32, ordinal: u64) -> Result<Option<At>, QueryError<S::Error>> {
        let key = (account, ordinal);
        let pages = run.pages.partition_point(|page| (page.first_account, page.first_ordinal) < key);
        let Some(page) = pages.checked_sub(1) else { return Ok(None) };
        let blocks = self.page(run, page)?.blocks_before(account, ordinal);
        match blocks.checked_sub(1) {
            Some(block) => Ok(Some(At { page, block })),
            None => {
                Err(Damage("it does not begin as the directory says").at(run.id, Some(page as u32)).into())
            }
        }
    }

    /// Reads the rows of a block, and the ordinal of the last; none when it is of another account.
    fn rows(&mut self, run: &Run, at: At, account: u32) -> Result<Option<BlockRows>, QueryError<S::Error>> {
        let damaged = |damage: Damage| damage.at(run.id, Some(at.page as u32));
        let page = self.page(run, at.page)?;
        if page.key(at.block).0 != account {
            return Ok(None);
        }
        let block = page.block(at.block).map_err(damaged)?;
        let rows = block.iter().collect::<Result<_, _>>().map_err(damaged)?;
        Ok(Some(BlockRows { rows, last: block.last }))
    }

    fn page(&mut self, run: &Run, index: usize) -> Result<Page<'_>, QueryError<S::Error>> {
        let damaged = |damage: Damage| damage.at(run.id, Some(index as u32));
        let there = self.rows.as_ref().is_some_and(|(id, page, _)| (*id, *page) == (run.id, index));
        if !there {
            let bytes = fetch(self.source, run.id, index)?;
            Page::open(&run.pages[index], bytes.as_ref()).map_err(damaged)?;
            self.rows = Some((run.id, index, bytes));
        }
        let bytes = self.rows.as_ref().map(|(_, _, bytes)| bytes.as_ref()).unwrap_or_default();
        Ok(Page::parse(bytes).map_err(damaged)?)
    }

    fn stamps(&mut self, run: &Run, index: usize) -> Result<&[Stamp], QueryError<S::Error>> {
        let there = self.stamps.as_ref().is_some_and(|(id, page, _)| (*id, *page) == (run.id, index));
        if !there {
            let place = run.pages.len() + index;
            let bytes = fetch(self.source, run.id, place)?;
            let stamps = read_stamps(&run.stamp_pages[index], bytes.as_ref())
                .map_err(|damage| damage.at(run.id, Some(place as u32)))?;
            self.stamps = Some((run.id, index, stamps));
        }
        Ok(self.stamps.as_ref().map(|(_, _, stamps)| stamps.as_slice()).unwrap_or_default())
    }
}

fn fetch<S: PageSource>(source: &mut S, run: RunId, index: usize) -> Result<S::Page, QueryError<S::Error>> {
    let page = index as u32;
    source.page(run, page).map_err(|source| QueryError::Source { run, page, source })
}
