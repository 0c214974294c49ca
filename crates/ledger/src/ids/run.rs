//! Runs of ids and their directory.
//!
//! ```text
//! directory = "SPIR", u16 version, u8 level, u8 zero,
//!             u64 first ordinal, u64 end ordinal, u64 rows, u128 lowest id, u128 highest id, u32 pages of rows,
//!             for each page of rows: u128 first id, u32 bytes, 16 bytes of digest
//!             for each page of filters: 16 bytes of digest
//!             32 bytes: BLAKE3 of all before
//! ```
//!
//! Behind every fifteen pages of rows stands one page with their filters, so that pages are written in one go
//! and a filter is found by counting. The last group may be shorter.

use super::{
    IdRow,
    filter::write_filter,
    page::{IdPageInfo, write_page},
};
use crate::history::{
    HistoryError, PageSource, QueryError, RunId, RunLevel,
    bytes::{Bytes, page_digest},
    error::Damage,
    limits::{FILTER_BYTES, FILTERS_PER_PAGE, LEVEL_MAX, PAGE_IDS_MAX, ROWS_PER_ID_MAX, RUN_PAGES_MAX},
    run::checked_body,
};
use std::sync::Arc;

const MAGIC: [u8; 4] = *b"SPIR";
const VERSION: u16 = 1;

/// A run of ids as its directory describes it, and its filters once they are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdRun {
    /// The name that the caller gave.
    pub id: RunId,
    /// How often its rows were merged, from 0.
    pub level: u8,
    /// The first entry of the journal that the run knows of.
    pub first: u64,
    /// The first entry behind.
    pub end: u64,
    /// How many rows there are.
    pub rows: u64,
    /// The lowest and the highest id. A run without rows has the highest possible before the lowest.
    pub bounds: (u128, u128),
    pub(super) pages: Vec<IdPageInfo>,
    pub(super) filter_digests: Vec<[u8; 16]>,
    // Shared by copies of the run: they are by far its largest part.
    pub(super) filters: Option<Arc<Vec<u8>>>,
}

impl IdRun {
    pub(super) fn empty(id: RunId, level: u8, first: u64, end: u64) -> IdRun {
        let (pages, filter_digests) = (Vec::new(), Vec::new());
        let bounds = (u128::MAX, 0);
        IdRun { id, level, first, end, rows: 0, bounds, pages, filter_digests, filters: None }
    }

    /// Writes the directory.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(100 + self.pages.len() * 38);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[self.level, 0]);
        for number in [self.first, self.end, self.rows] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.bounds.0.to_le_bytes());
        out.extend_from_slice(&self.bounds.1.to_le_bytes());
        out.extend_from_slice(&(self.pages.len() as u32).to_le_bytes());
        for page in &self.pages {
            out.extend_from_slice(&page.first.to_le_bytes());
            out.extend_from_slice(&page.bytes.to_le_bytes());
            out.extend_from_slice(&page.digest);
        }
        self.filter_digests.iter().for_each(|digest| out.extend_from_slice(digest));
        let digest = blake3::hash(&out);
        out.extend_from_slice(digest.as_bytes());
        out
    }

    /// Reads a directory.
    ///
    /// # Errors
    /// When it is not what was written, or a newer version wrote it.
    pub fn parse(id: RunId, directory: &[u8]) -> Result<IdRun, HistoryError> {
        let body = checked_body(MAGIC, directory).map_err(|damage| damage.at(id, None))?;
        let mut bytes = Bytes(body);
        let version = bytes.u16().map_err(|damage| damage.at(id, None))?;
        if version != VERSION {
            return Err(HistoryError::UnknownVersion { run: id, version });
        }
        IdRun::parse_body(id, bytes).map_err(|damage| damage.at(id, None))
    }

    fn parse_body(id: RunId, mut bytes: Bytes<'_>) -> Result<IdRun, Damage> {
        let (level, zero) = (bytes.u8()?, bytes.u8()?);
        let mut run = IdRun::empty(id, level, bytes.u64()?, bytes.u64()?);
        run.rows = bytes.u64()?;
        run.bounds = (u128::from_le_bytes(bytes.array()?), u128::from_le_bytes(bytes.array()?));
        let pages = bytes.u32()?;
        if zero != 0 || level > LEVEL_MAX || run.first > run.end || pages > RUN_PAGES_MAX {
            return Err(Damage("its head contradicts itself"));
        }
        let filters = (pages as usize).div_ceil(FILTERS_PER_PAGE);
        if pages as usize * 36 + filters * 16 != bytes.0.len() {
            return Err(Damage("it names more or fewer pages than it lists"));
        }
        for _ in 0..pages {
            let first = u128::from_le_bytes(bytes.array()?);
            run.pages.push(IdPageInfo { first, bytes: bytes.u32()?, digest: bytes.array()? });
        }
        for _ in 0..filters {
            run.filter_digests.push(bytes.array()?);
        }
        if !run.pages.is_sorted_by(|a, b| a.first < b.first)
            || run.pages.first().is_some_and(|page| page.first != run.bounds.0)
        {
            return Err(Damage("its pages are not in order"));
        }
        Ok(run)
    }

    /// Reads all filters into memory: two bytes for each id. Without them a question about an id within the bounds
    /// reads a page of this run.
    ///
    /// # Errors
    /// When a page cannot be had or is damaged.
    pub fn load_filters<S: PageSource>(&mut self, source: &mut S) -> Result<(), QueryError<S::Error>> {
        let mut filters = Vec::with_capacity(self.pages.len() * FILTER_BYTES);
        for (group, digest) in self.filter_digests.iter().enumerate() {
            let index = self.filter_page(group);
            let page = source.page(self.id, index).map_err(|source| QueryError::Source {
                run: self.id,
                page: index,
                source,
            })?;
            let page = page.as_ref();
            let count = FILTERS_PER_PAGE.min(self.pages.len() - group * FILTERS_PER_PAGE);
            if page.len() != count * FILTER_BYTES || page_digest(page) != *digest {
                let damage = Damage("its digest is not that of the directory");
                return Err(damage.at(self.id, Some(index)).into());
            }
            filters.extend_from_slice(page);
        }
        self.filters = Some(Arc::new(filters));
        Ok(())
    }

    /// Lets the filters go.
    pub fn drop_filters(&mut self) {
        self.filters = None;
    }

    /// Returns whether the filters are in memory.
    #[must_use]
    pub const fn has_filters(&self) -> bool {
        self.filters.is_some()
    }

    /// Returns how many bytes the filters have or would have in memory.
    #[must_use]
    pub fn filter_bytes(&self) -> u64 {
        (self.pages.len() * FILTER_BYTES) as u64
    }

    /// Returns how many pages the run has, of both sorts.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        (self.pages.len() + self.filter_digests.len()) as u32
    }

    /// Returns how many bytes all pages have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let rows: u64 = self.pages.iter().map(|page| u64::from(page.bytes)).sum();
        rows + (self.pages.len() * FILTER_BYTES) as u64
    }

    /// Returns the number under which a page of rows is stored.
    pub(super) const fn row_page(at: usize) -> u32 {
        (at + at / FILTERS_PER_PAGE) as u32
    }

    /// Returns the number under which the page of filters of a group is stored.
    fn filter_page(&self, group: usize) -> u32 {
        let pages = self.pages.len().min((group + 1) * FILTERS_PER_PAGE);
        (pages + group) as u32
    }
}

impl From<&IdRun> for RunLevel {
    fn from(run: &IdRun) -> RunLevel {
        RunLevel { id: run.id, level: run.level }
    }
}

/// Gathers rows in order and writes them as pages.
#[derive(Debug)]
pub(super) struct IdWriter {
    pub(super) run: IdRun,
    pub(super) last: Option<IdRow>,
    rows: Vec<IdRow>,
    filters: Vec<u8>,
}

impl IdWriter {
    pub(super) fn new(run: IdRun) -> IdWriter {
        IdWriter { run, last: None, rows: Vec::with_capacity(PAGE_IDS_MAX), filters: Vec::new() }
    }

    /// Appends a row; pages that are full go to `sink`. Rows of one id stay in one page.
    pub(super) fn push(&mut self, row: IdRow, sink: &mut impl FnMut(Vec<u8>)) -> Result<(), HistoryError> {
        let new_id = self.rows.last().is_none_or(|last| last.id != row.id);
        if new_id && self.rows.len() > PAGE_IDS_MAX - ROWS_PER_ID_MAX {
            self.flush(sink);
        }
        if self.rows.len() >= PAGE_IDS_MAX {
            let (count, limit) = (self.rows.len() as u64, ROWS_PER_ID_MAX as u64);
            return Err(HistoryError::TooMany { what: "rows of one id", count, limit });
        }
        self.run.bounds = (self.run.bounds.0.min(row.id), self.run.bounds.1.max(row.id));
        self.run.rows += 1;
        self.last = Some(row);
        self.rows.push(row);
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(mut self, sink: &mut impl FnMut(Vec<u8>)) -> IdRun {
        self.flush(sink);
        self.flush_filters(sink);
        self.run
    }

    fn flush(&mut self, sink: &mut impl FnMut(Vec<u8>)) {
        if let Some((info, page)) = write_page(&self.rows) {
            write_filter(&mut self.filters, self.rows.iter().map(|row| row.id));
            self.run.pages.push(info);
            self.rows.clear();
            sink(page);
        }
        if self.filters.len() == FILTERS_PER_PAGE * FILTER_BYTES {
            self.flush_filters(sink);
        }
    }

    fn flush_filters(&mut self, sink: &mut impl FnMut(Vec<u8>)) {
        if !self.filters.is_empty() {
            self.run.filter_digests.push(page_digest(&self.filters));
            sink(std::mem::take(&mut self.filters));
        }
    }
}

/// Sorts rows and writes them as a run of level 0 about the entries from `first` to before `end`. Pages go to
/// `sink` in the order of their numbers, from 0.
///
/// # Errors
/// When one id has more rows than can be.
pub fn seal_ids(
    id: RunId,
    (first, end): (u64, u64),
    mut rows: Vec<IdRow>,
    mut sink: impl FnMut(Vec<u8>),
) -> Result<IdRun, HistoryError> {
    rows.sort_unstable();
    let mut writer = IdWriter::new(IdRun::empty(id, 0, first, end));
    for row in rows {
        writer.push(row, &mut sink)?;
    }
    Ok(writer.finish(&mut sink))
}
