//! Pages of stamps: which entries were accepted when.
//!
//! ```text
//! page = u16 stamps, u64 first ordinal, i64 first time, then for each further stamp
//!        varint ordinal - ordinal before, varint time - time before
//! ```
//!
//! Times are microseconds since the epoch. Both grow from stamp to stamp.

use super::{
    bytes::{Bytes, page_digest, put_varint},
    error::Damage,
    limits::PAGE_STAMPS_MAX,
    tail::Stamp,
};
use suanpan_money::Timestamp;

/// What a directory says of a page of stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StampPageInfo {
    /// The first stamp of the page.
    pub first: Stamp,
    /// How many bytes the page has.
    pub bytes: u32,
    /// The digest of the page.
    pub digest: [u8; 16],
}

/// Writes up to 2,048 stamps as a page.
#[must_use]
pub fn write_stamps(stamps: &[Stamp]) -> Option<(StampPageInfo, Vec<u8>)> {
    assert!(stamps.len() <= PAGE_STAMPS_MAX, "the caller divides stamps into pages");
    let first = *stamps.first()?;
    let mut page = Vec::with_capacity(18 + stamps.len() * 4);
    page.extend_from_slice(&(stamps.len() as u16).to_le_bytes());
    page.extend_from_slice(&first.ordinal.to_le_bytes());
    page.extend_from_slice(&first.at.micros().to_le_bytes());
    for pair in stamps.windows(2) {
        put_varint(&mut page, pair[1].ordinal - pair[0].ordinal);
        put_varint(&mut page, pair[1].at.micros().abs_diff(pair[0].at.micros()));
    }
    let info = StampPageInfo { first, bytes: page.len() as u32, digest: page_digest(&page) };
    Some((info, page))
}

/// Reads a page of stamps after checking it against the directory.
///
/// # Errors
/// When it is not the page that was written.
pub fn read_stamps(info: &StampPageInfo, page: &[u8]) -> Result<Vec<Stamp>, Damage> {
    if page.len() != info.bytes as usize || page_digest(page) != info.digest {
        return Err(Damage("its digest is not that of the directory"));
    }
    parse_stamps(page)
}

/// Reads a page of stamps that was checked before.
///
/// # Errors
/// When the bytes are damaged.
pub fn parse_stamps(page: &[u8]) -> Result<Vec<Stamp>, Damage> {
    let mut bytes = Bytes(page);
    let count = usize::from(bytes.u16()?);
    if count == 0 || count > PAGE_STAMPS_MAX {
        return Err(Damage("it has no stamps or too many"));
    }
    let mut stamps = Vec::with_capacity(count);
    let mut last = Stamp { ordinal: bytes.u64()?, at: Timestamp::from_micros(bytes.i64()?) };
    stamps.push(last);
    for _ in 1..count {
        let ordinal = last.ordinal.checked_add(bytes.varint()?).ok_or(Damage("an ordinal is too large"))?;
        let micros =
            last.at.micros().checked_add_unsigned(bytes.varint()?).ok_or(Damage("a time is too large"))?;
        last = Stamp { ordinal, at: Timestamp::from_micros(micros) };
        stamps.push(last);
    }
    if !bytes.0.is_empty() {
        return Err(Damage("it goes on behind its last stamp"));
    }
    Ok(stamps)
}
