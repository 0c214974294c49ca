//! Pages of ids: rows of one width, so that a page is searched without reading it whole.
//!
//! ```text
//! page = u16 rows, u8 length of the prefix, u8 width of an ordinal, u64 lowest ordinal, prefix, rows
//! row  = the id behind the prefix, ordinal - lowest ordinal, u8 what
//! ```
//!
//! The prefix is what all ids of the page begin with, big-endian: ids that grow with time share most of their
//! bytes. Ordinals are little-endian.

use super::{IdRow, What};
use crate::history::{
    bytes::{Bytes, page_digest},
    error::Damage,
    limits::PAGE_IDS_MAX,
};

/// What a directory says of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdPageInfo {
    pub(super) first: u128,
    pub(super) bytes: u32,
    pub(super) digest: [u8; 16],
}

/// Writes rows, which are in order, as a page.
pub(super) fn write_page(rows: &[IdRow]) -> Option<(IdPageInfo, Vec<u8>)> {
    assert!(rows.len() <= PAGE_IDS_MAX, "the caller divides rows into pages");
    let (first, last) = (rows.first()?, rows.last()?);
    let prefix = ((first.id ^ last.id).leading_zeros() / 8) as usize;
    let lowest = rows.iter().map(|row| row.ordinal).min()?;
    let highest = rows.iter().map(|row| row.ordinal).max()?;
    let width = (64 - (highest - lowest).leading_zeros()).div_ceil(8) as usize;
    let mut page = Vec::with_capacity(12 + 16 + rows.len() * (17 - prefix + width));
    page.extend_from_slice(&(rows.len() as u16).to_le_bytes());
    page.extend_from_slice(&[prefix as u8, width as u8]);
    page.extend_from_slice(&lowest.to_le_bytes());
    page.extend_from_slice(&first.id.to_be_bytes()[..prefix]);
    for row in rows {
        page.extend_from_slice(&row.id.to_be_bytes()[prefix..]);
        page.extend_from_slice(&(row.ordinal - lowest).to_le_bytes()[..width]);
        page.push(row.what as u8);
    }
    let info = IdPageInfo { first: first.id, bytes: page.len() as u32, digest: page_digest(&page) };
    Some((info, page))
}

/// A page as it was stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdPage<'a> {
    rows: &'a [u8],
    count: usize,
    prefix: u128,
    prefix_length: usize,
    width: usize,
    lowest: u64,
}

impl<'a> IdPage<'a> {
    /// Checks a page against the directory.
    pub(super) fn open(info: &IdPageInfo, bytes: &'a [u8]) -> Result<IdPage<'a>, Damage> {
        if bytes.len() != info.bytes as usize || page_digest(bytes) != info.digest {
            return Err(Damage("its digest is not that of the directory"));
        }
        let page = IdPage::parse(bytes)?;
        if page.id(0) != info.first {
            return Err(Damage("it does not begin as the directory says"));
        }
        Ok(page)
    }

    /// Reads the head of a page that was checked before.
    pub(super) fn parse(page: &'a [u8]) -> Result<IdPage<'a>, Damage> {
        let mut bytes = Bytes(page);
        let count = usize::from(bytes.u16()?);
        let (prefix_length, width) = (usize::from(bytes.u8()?), usize::from(bytes.u8()?));
        let lowest = bytes.u64()?;
        if count == 0 || count > PAGE_IDS_MAX || prefix_length > 16 || width > 8 {
            return Err(Damage("its head contradicts itself"));
        }
        let mut prefix = [0; 16];
        prefix[..prefix_length].copy_from_slice(bytes.take(prefix_length)?);
        if bytes.0.len() != count * (17 - prefix_length + width) {
            return Err(Damage("it has more or fewer rows than it says"));
        }
        Ok(IdPage { rows: bytes.0, count, prefix: u128::from_be_bytes(prefix), prefix_length, width, lowest })
    }

    /// Returns how many rows there are: at least 1.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Returns the id of a row. `at` is below the count.
    pub(super) fn id(&self, at: usize) -> u128 {
        let mut id = self.prefix.to_be_bytes();
        id[self.prefix_length..].copy_from_slice(&self.bytes(at)[..16 - self.prefix_length]);
        u128::from_be_bytes(id)
    }

    /// Returns a row. `at` is below the count.
    pub(super) fn row(&self, at: usize) -> Result<IdRow, Damage> {
        let bytes = &self.bytes(at)[16 - self.prefix_length..];
        let mut delta = [0; 8];
        delta[..self.width].copy_from_slice(&bytes[..self.width]);
        let ordinal =
            self.lowest.checked_add(u64::from_le_bytes(delta)).ok_or(Damage("an ordinal is too large"))?;
        let what = What::from_number(bytes[self.width]).ok_or(Damage("a row says something unknown"))?;
        Ok(IdRow { id: self.id(at), ordinal, what })
    }

    /// Returns how many rows have lower ids.
    pub(super) fn rows_before(&self, id: u128) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.id(middle) < id { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn bytes(&self, at: usize) -> &'a [u8] {
        let length = 17 - self.prefix_length + self.width;
        &self.rows[at * length..][..length]
    }
}
