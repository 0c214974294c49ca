//! Pages: blocks side by side, with a table to find them.
//!
//! ```text
//! page  = u16 blocks, that many entries of the table, bodies
//! entry = u32 account, u64 first ordinal, u16 offset of the body in the page
//! ```
//!
//! Blocks are in the order of (account, first ordinal). All numbers are little-endian.

use super::{
    block::{Block, BlockWriter},
    bytes::page_digest,
    error::Damage,
    limits::PAGE_BYTES_MAX,
};

const HEAD: usize = 2;
const ENTRY: usize = 14;

/// What a directory says of a page of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageInfo {
    /// The account of the first block.
    pub first_account: u32,
    /// The first ordinal of the first block.
    pub first_ordinal: u64,
    /// The account of the last block.
    pub last_account: u32,
    /// How many bytes the page has.
    pub bytes: u32,
    /// The digest of the page.
    pub digest: [u8; 16],
}

/// Gathers blocks until a page is full.
#[derive(Debug, Default)]
pub struct PageWriter {
    table: Vec<(u32, u64, usize)>,
    bodies: Vec<u8>,
    last_account: u32,
}

impl PageWriter {
    /// Appends a block. When it does not fit any more, the page is finished and returned, and the block
    /// begins the next one.
    pub fn push(&mut self, block: &BlockWriter) -> Option<(PageInfo, Vec<u8>)> {
        let start = self.bodies.len();
        block.write(&mut self.bodies);
        let full = HEAD + (self.table.len() + 1) * ENTRY + self.bodies.len() > PAGE_BYTES_MAX;
        let mut finished = None;
        let mut at = start;
        if full && !self.table.is_empty() {
            let body = self.bodies.split_off(start);
            finished = self.finish();
            self.bodies = body;
            at = 0;
        }
        self.table.push((block.account(), block.first(), at));
        self.last_account = block.account();
        finished
    }

    /// Finishes the page; none when there is no block.
    pub fn finish(&mut self) -> Option<(PageInfo, Vec<u8>)> {
        let (first_account, first_ordinal, _) = *self.table.first()?;
        let bodies_at = HEAD + self.table.len() * ENTRY;
        let mut page = Vec::with_capacity(bodies_at + self.bodies.len());
        page.extend_from_slice(&(self.table.len() as u16).to_le_bytes());
        for (account, first, at) in self.table.drain(..) {
            page.extend_from_slice(&account.to_le_bytes());
            page.extend_from_slice(&first.to_le_bytes());
            page.extend_from_slice(&((bodies_at + at) as u16).to_le_bytes());
        }
        page.append(&mut self.bodies);
        assert!(page.len() <= PAGE_BYTES_MAX, "one block always fits a page");
        let info = PageInfo {
            first_account,
            first_ordinal,
            last_account: self.last_account,
            bytes: page.len() as u32,
            digest: page_digest(&page),
        };
        Some((info, page))
    }
}

/// A page as it was stored, found to be what was written.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    bytes: &'a [u8],
    blocks: usize,
}

impl<'a> Page<'a> {
    /// Checks a page against the directory.
    ///
    /// # Errors
    /// When it is not the page that was written.
    pub fn open(info: &PageInfo, bytes: &'a [u8]) -> Result<Page<'a>, Damage> {
        if bytes.len() != info.bytes as usize || page_digest(bytes) != info.digest {
            return Err(Damage("its digest is not that of the directory"));
        }
        Page::parse(bytes)
    }

    /// Reads a page that was checked before.
    ///
    /// # Errors
    /// When the table does not fit.
    pub fn parse(bytes: &'a [u8]) -> Result<Page<'a>, Damage> {
        let count = bytes.first_chunk::<2>().ok_or(Damage("it ends too early"))?;
        let blocks = usize::from(u16::from_le_bytes(*count));
        if blocks == 0 || HEAD + blocks * ENTRY > bytes.len() {
            return Err(Damage("its table has no entries or too many"));
        }
        Ok(Page { bytes, blocks })
    }

    /// Returns how many blocks there are: at least 1.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.blocks
    }

    /// Returns account and first ordinal of a block. `at` is below [`Page::blocks`].
    #[must_use]
    pub fn key(&self, at: usize) -> (u32, u64) {
        let entry = self.entry(at);
        let account = entry.first_chunk::<4>().copied().unwrap_or_default();
        let first = entry[4..].first_chunk::<8>().copied().unwrap_or_default();
        (u32::from_le_bytes(account), u64::from_le_bytes(first))
    }

    /// Returns how many blocks come before (account, ordinal).
    #[must_use]
    pub fn blocks_before(&self, account: u32, ordinal: u64) -> usize {
        let (mut low, mut high) = (0, self.blocks);
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle) < (account, ordinal) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Reads the head of a block. `at` is below [`Page::blocks`].
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn block(&self, at: usize) -> Result<Block<'a>, Damage> {
        let (account, first) = self.key(at);
        let start = self.offset(at);
        let end = if at + 1 < self.blocks { self.offset(at + 1) } else { self.bytes.len() };
        if start < HEAD + self.blocks * ENTRY {
            return Err(Damage("a block begins inside the table"));
        }
        let body = self.bytes.get(start..end).ok_or(Damage("a block lies outside the page"))?;
        Block::parse(account, first, body)
    }

    fn offset(&self, at: usize) -> usize {
        let entry = self.entry(at);
        usize::from(u16::from_le_bytes([entry[12], entry[13]]))
    }

    fn entry(&self, at: usize) -> &'a [u8] {
        &self.bytes[HEAD + at * ENTRY..][..ENTRY]
    }
}
