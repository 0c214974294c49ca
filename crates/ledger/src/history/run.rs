//! The directory of a run.
//!
//! ```text
//! directory = "SPHR", u16 version, u8 level, u8 zero,
//!             u64 first ordinal, u64 end ordinal, u64 rows, i64 first time, i64 last time,
//!             u32 pages of rows, u32 pages of stamps,
//!             for each page of rows:   u32 first account, u64 first ordinal, u32 last account, u32 bytes,
//!                                      16 bytes of digest
//!             for each page of stamps: u64 ordinal, i64 time, u32 bytes, 16 bytes of digest
//!             32 bytes: BLAKE3 of all before
//! ```
//!
//! The last digest covers the digests of all pages, and so the whole content of the run. Pages of rows have
//! the numbers from 0, pages of stamps come behind them.

use super::{
    bytes::Bytes,
    error::{Damage, HistoryError},
    limits::{LEVEL_MAX, RUN_PAGES_MAX},
    page::PageInfo,
    source::RunId,
    stamps::StampPageInfo,
    tail::Stamp,
};
use suanpan_money::Timestamp;

const MAGIC: [u8; 4] = *b"SPHR";
const VERSION: u16 = 1;

/// A run as its directory describes it. Its pages stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The name that the caller gave.
    pub id: RunId,
    /// How often its rows were merged, from 0.
    pub level: u8,
    /// The first entry.
    pub first: u64,
    /// The first entry behind the run.
    pub end: u64,
    /// How many rows there are.
    pub rows: u64,
    /// When the first and the last record were accepted.
    pub times: (Timestamp, Timestamp),
    /// The pages of rows.
    pub pages: Vec<PageInfo>,
    /// The pages of stamps.
    pub stamp_pages: Vec<StampPageInfo>,
}

impl Run {
    /// Writes the directory.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(88 + self.pages.len() * 36 + self.stamp_pages.len() * 36);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[self.level, 0]);
        for number in [self.first, self.end, self.rows] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for time in [self.times.0, self.times.1] {
            out.extend_from_slice(&time.micros().to_le_bytes());
        }
        out.extend_from_slice(&(self.pages.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.stamp_pages.len() as u32).to_le_bytes());
        for page in &self.pages {
            out.extend_from_slice(&page.first_account.to_le_bytes());
            out.extend_from_slice(&page.first_ordinal.to_le_bytes());
            out.extend_from_slice(&page.last_account.to_le_bytes());
            out.extend_from_slice(&page.bytes.to_le_bytes());
            out.extend_from_slice(&page.digest);
        }
        for page in &self.stamp_pages {
            out.extend_from_slice(&page.first.ordinal.to_le_bytes());
            out.extend_from_slice(&page.first.at.micros().to_le_bytes());
            out.extend_from_slice(&page.bytes.to_le_bytes());
            out.extend_from_slice(&page.digest);
        }
        let digest = blake3::hash(&out);
        out.extend_from_slice(digest.as_bytes());
        out
    }

    /// Reads a directory.
    ///
    /// # Errors
    /// When it is not what was written, or a newer version wrote it.
    pub fn parse(id: RunId, directory: &[u8]) -> Result<Run, HistoryError> {
        let body = checked_body(MAGIC, directory).map_err(|damage| damage.at(id, None))?;
        let mut bytes = Bytes(body);
        let version = bytes.u16().map_err(|damage| damage.at(id, None))?;
        if version != VERSION {
            return Err(HistoryError::UnknownVersion { run: id, version });
        }
        Run::parse_body(id, bytes).map_err(|damage| damage.at(id, None))
    }

    fn parse_body(id: RunId, mut bytes: Bytes<'_>) -> Result<Run, Damage> {
        let (level, zero) = (bytes.u8()?, bytes.u8()?);
        let (first, end, rows) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
        let times = (Timestamp::from_micros(bytes.i64()?), Timestamp::from_micros(bytes.i64()?));
        let (pages_count, stamps_count) = (bytes.u32()?, bytes.u32()?);
        if zero != 0 || level > LEVEL_MAX || first >= end || times.0 > times.1 {
            return Err(Damage("its head contradicts itself"));
        }
        let length = (u64::from(pages_count) + u64::from(stamps_count)) * 36;
        if pages_count > RUN_PAGES_MAX || stamps_count > RUN_PAGES_MAX || length != bytes.0.len() as u64 {
            return Err(Damage("it names more or fewer pages than it lists"));
        }
        let mut pages = Vec::with_capacity(pages_count as usize);
        for _ in 0..pages_count {
            pages.push(PageInfo {
                first_account: bytes.u32()?,
                first_ordinal: bytes.u64()?,
                last_account: bytes.u32()?,
                bytes: bytes.u32()?,
                digest: bytes.array()?,
            });
        }
        let mut stamp_pages = Vec::with_capacity(stamps_count as usize);
        for _ in 0..stamps_count {
            let first = Stamp { ordinal: bytes.u64()?, at: Timestamp::from_micros(bytes.i64()?) };
            stamp_pages.push(StampPageInfo { first, bytes: bytes.u32()?, digest: bytes.array()? });
        }
        let key = |page: &PageInfo| (page.first_account, page.first_ordinal);
        let starts_right = stamp_pages.first().is_some_and(|page| page.first.ordinal == first);
        if !pages.is_sorted_by_key(key)
            || !stamp_pages.is_sorted_by_key(|page| page.first.ordinal)
            || !stamp_pages.is_sorted_by_key(|page| page.first.at)
            || !starts_right
        {
            return Err(Damage("its pages are not in order"));
        }
        Ok(Run { id, level, first, end, rows, times, pages, stamp_pages })
    }

    /// Returns how many pages the run has, of both sorts.
    #[must_use]
    pub fn page_count(&self) -> u32 {
        (self.pages.len() + self.stamp_pages.len()) as u32
    }

    /// Returns how many bytes all pages have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let rows: u64 = self.pages.iter().map(|page| u64::from(page.bytes)).sum();
        rows + self.stamp_pages.iter().map(|page| u64::from(page.bytes)).sum::<u64>()
    }
}

/// Checks the digest at the end of a directory and its first four bytes; returns what is between.
pub(crate) fn checked_body(magic: [u8; 4], directory: &[u8]) -> Result<&[u8], Damage> {
    let (body, digest) = directory.split_last_chunk::<32>().ok_or(Damage("it ends too early"))?;
    if blake3::hash(body) != *digest {
        return Err(Damage("its digest is not that of its bytes"));
    }
    body.strip_prefix(&magic).ok_or(Damage("it is a directory of something else"))
}
