//! Looking for many ids at once.

use super::{What, filter::may_have, page::IdPage, run::IdRun};
use crate::history::{
    HistoryError, PageSource, QueryError,
    error::Damage,
    limits::{FILTER_BYTES, FIND_IDS_MAX},
};

/// What is known of an id that was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// The entry that was accepted under the id. None when only runs newer than the entry were asked.
    pub entry: Option<u64>,
    /// How its hold ended, and by which entry.
    pub resolved: Option<(What, u64)>,
    /// By which entry it was undone.
    pub reversed: Option<u64>,
}

impl Found {
    fn learn(&mut self, what: What, ordinal: u64) {
        match what {
            What::Entry => self.entry = Some(ordinal),
            What::Captured | What::Voided | What::Expired => self.resolved = Some((what, ordinal)),
            What::Reversed => self.reversed = Some(ordinal),
        }
    }
}

/// Looks for ids in runs, newest first, and answers in the order asked. An id is done when its entry is found,
/// because all else about it is newer.
///
/// Each page is read at most once for all ids together. An absent id costs no page where it lies outside the
/// bounds of a run or its filters are loaded, but for one in a thousand.
///
/// # Errors
/// When more than 65,536 ids are asked for, or a page cannot be had or is damaged.
pub fn find<'r, S: PageSource>(
    ids: &[u128],
    newest_first: impl IntoIterator<Item = &'r IdRun>,
    source: &mut S,
) -> Result<Vec<Option<Found>>, QueryError<S::Error>> {
    if ids.len() > FIND_IDS_MAX {
        let (count, limit) = (ids.len() as u64, FIND_IDS_MAX as u64);
        return Err(HistoryError::TooMany { what: "ids to find", count, limit }.into());
    }
    let mut found = vec![None; ids.len()];
    let mut open: Vec<(u128, usize)> = ids.iter().copied().zip(0..).collect();
    open.sort_unstable();
    for run in newest_first {
        if open.is_empty() {
            break;
        }
        let from = open.partition_point(|(id, _)| *id < run.bounds.0);
        let to = open.partition_point(|(id, _)| *id <= run.bounds.1);
        if from < to {
            find_in(run, &open[from..to], &mut found, source)?;
            open.retain(|(_, at)| found[*at].is_none_or(|found: Found| found.entry.is_none()));
        }
    }
    Ok(found)
}

/// Looks for ids, in order, in one run.
fn find_in<S: PageSource>(
    run: &IdRun,
    open: &[(u128, usize)],
    found: &mut [Option<Found>],
    source: &mut S,
) -> Result<(), QueryError<S::Error>> {
    let mut left = open;
    while let Some((first, _)) = left.first() {
        // All ids that can only lie in the page of the first one.
        let after = run.pages.partition_point(|page| page.first <= *first);
        let here = match run.pages.get(after) {
            Some(next) => left.partition_point(|(id, _)| *id < next.first),
            None => left.len(),
        };
        let (ids, rest) = left.split_at(here);
        left = rest;
        if let Some(page) = after.checked_sub(1) {
            find_in_page(run, page, ids, found, source)?;
        }
    }
    Ok(())
}

fn find_in_page<S: PageSource>(
    run: &IdRun,
    at: usize,
    ids: &[(u128, usize)],
    found: &mut [Option<Found>],
    source: &mut S,
) -> Result<(), QueryError<S::Error>> {
    let filter = run.filters.as_ref().map(|filters| &filters[at * FILTER_BYTES..][..FILTER_BYTES]);
    let passes = |id: u128| filter.is_none_or(|filter| may_have(filter, id));
    let mut ids = ids.iter().filter(|(id, _)| passes(*id)).peekable();
    if ids.peek().is_none() {
        return Ok(());
    }
    let index = IdRun::row_page(at);
    let damaged = |damage: Damage| damage.at(run.id, Some(index));
    let bytes = source.page(run.id, index).map_err(|source| QueryError::Source {
        run: run.id,
        page: index,
        source,
    })?;
    let page = IdPage::open(&run.pages[at], bytes.as_ref()).map_err(damaged)?;
    for (id, place) in ids {
        for row in page.rows_before(*id)..page.count() {
            let row = page.row(row).map_err(damaged)?;
            if row.id != *id {
                break;
            }
            found[*place].get_or_insert_default().learn(row.what, row.ordinal);
        }
    }
    Ok(())
}
