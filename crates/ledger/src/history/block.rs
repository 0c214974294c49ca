//! Blocks: up to 512 rows of one account, as bytes that can be read by themselves.
//!
//! ```text
//! body     = varint rows, varint last ordinal - first ordinal, 4 varints of the sums before the first
//!            row (debits posted, credits posted, debits held, credits held), then the rows
//! row      = u16 control, ordinal - ordinal of the row before, amount, counterparty
//! control  = bit 0 side (1 credit), bits 1-3 kind, 4-7 length of the ordinal, 8-11 length of the amount,
//!            12-14 length of the counterparty, 15 zero
//! ```
//!
//! The three numbers of a row are little-endian in as few bytes as they need. Lengths apart from values
//! make both ways free of branches. Sums after each row are not written: they follow from those before. The
//! account and the first ordinal stand in the table of the page; the first row has the difference 0, so
//! that blocks of one account are joined by writing one row anew and copying the others.

use super::{
    bytes::{Bytes, put_varint},
    error::Damage,
    limits::BLOCK_ROWS_MAX,
    row::{Row, RowKind, apply},
};
use crate::account::{Balance, Side};

const ROW_BYTES_MAX: usize = 2 + 8 + 8 + 4;
// Numbers are written eight bytes at a time, so the last one may reach beyond its end.
const ROWS_BYTES: usize = BLOCK_ROWS_MAX * ROW_BYTES_MAX + 8;

/// Gathers the rows of one block.
#[derive(Debug, Clone)]
pub struct BlockWriter {
    account: u32,
    first: u64,
    last: u64,
    rows: usize,
    before: Balance,
    after: Balance,
    bytes: Box<[u8; ROWS_BYTES]>,
    length: usize,
}

impl Default for BlockWriter {
    fn default() -> Self {
        BlockWriter {
            account: 0,
            first: 0,
            last: 0,
            rows: 0,
            before: Balance::default(),
            after: Balance::default(),
            bytes: Box::new([0; ROWS_BYTES]),
            length: 0,
        }
    }
}

impl BlockWriter {
    /// Begins an empty block.
    pub fn begin(&mut self, account: u32, first: u64, before: Balance) {
        (self.account, self.first, self.last) = (account, first, first);
        (self.before, self.after) = (before, before);
        (self.rows, self.length) = (0, 0);
    }

    /// Returns how many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> u32 {
        self.account
    }

    /// Returns the entry of the first row.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Returns the sums after the last row.
    #[must_use]
    pub const fn after(&self) -> Balance {
        self.after
    }

    /// Appends a row of the account of the block, which must not be full. Returns false when the sums of the
    /// row do not follow from those before, or the row comes before the last one; nothing is appended then.
    #[inline]
    #[must_use]
    pub fn push(&mut self, row: &Row) -> bool {
        assert!(self.rows < BLOCK_ROWS_MAX, "a full block is written before the next row comes");
        let Some(delta) = row.ordinal.checked_sub(self.last) else { return false };
        if apply(self.after, row.kind, row.side, row.amount_minor) != Some(row.after) {
            return false;
        }
        let (d, a, c) = (width(delta), width(row.amount_minor), width(u64::from(row.counterparty)));
        let side = u16::from(row.side == Side::Credit);
        let control = side | (row.kind as u16) << 1 | (d as u16) << 4 | (a as u16) << 8 | (c as u16) << 12;
        let out = &mut self.bytes[self.length..self.length + ROW_BYTES_MAX + 8];
        out[..2].copy_from_slice(&control.to_le_bytes());
        out[2..10].copy_from_slice(&delta.to_le_bytes());
        out[2 + d..10 + d].copy_from_slice(&row.amount_minor.to_le_bytes());
        out[2 + d + a..6 + d + a].copy_from_slice(&row.counterparty.to_le_bytes());
        self.length += 2 + d + a + c;
        self.rows += 1;
        self.last = row.ordinal;
        self.after = row.after;
        true
    }

    /// Returns whether the rows of `block`, of the same account, fit behind those here.
    #[must_use]
    pub const fn has_room_for(&self, block: &Block<'_>) -> bool {
        self.rows + block.rows <= BLOCK_ROWS_MAX
    }

    /// Appends all rows of a block of the same account that comes next and fits. Returns false when its sums
    /// do not follow from those here, or it does not come next; nothing is appended then.
    ///
    /// # Errors
    /// When the bytes of the block are damaged.
    pub fn append(&mut self, block: &Block<'_>) -> Result<bool, Damage> {
        assert!(self.account == block.account && self.has_room_for(block), "only what fits is appended");
        let Some(delta) = block.first.checked_sub(self.last) else { return Ok(false) };
        if block.before != self.after {
            return Ok(false);
        }
        let after = block.check()?;
        // The first row again, with its distance from the last row here.
        let mut rows = Bytes(block.bytes);
        let control = rows.u16()?;
        let width = width(delta);
        let head = &mut self.bytes[self.length..self.length + 10];
        head[..2].copy_from_slice(&(control | (width as u16) << 4).to_le_bytes());
        head[2..].copy_from_slice(&delta.to_le_bytes());
        let at = self.length + 2 + width;
        let end = at + rows.0.len();
        let place = self.bytes.get_mut(at..end).ok_or(Damage("a block is longer than its rows can be"))?;
        place.copy_from_slice(rows.0);
        self.length = end;
        self.rows += block.rows;
        self.last = block.last;
        self.after = after;
        Ok(true)
    }

    /// Appends the block to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.rows as u64);
        put_varint(out, self.last - self.first);
        put_varint(out, self.before.debits_posted);
        put_varint(out, self.before.credits_posted);
        put_varint(out, self.before.debits_held);
        put_varint(out, self.before.credits_held);
        out.extend_from_slice(&self.bytes[..self.length]);
    }
}

/// A block as it stands in a page, its head read.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// The account.
    pub account: u32,
    /// The entry of the first row.
    pub first: u64,
    /// The entry of the last row.
    pub last: u64,
    /// How many rows there are: 1 to 512.
    pub rows: usize,
    /// The sums before the first row.
    pub before: Balance,
    bytes: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads the head of a block.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn parse(account: u32, first: u64, body: &'a [u8]) -> Result<Block<'a>, Damage> {
        let mut bytes = Bytes(body);
        let rows = bytes.varint()?;
        if rows == 0 || rows > BLOCK_ROWS_MAX as u64 {
            return Err(Damage("a block has no rows or too many"));
        }
        let last = first.checked_add(bytes.varint()?).ok_or(Damage("an ordinal is too large"))?;
        let before = Balance {
            debits_posted: bytes.varint()?,
            credits_posted: bytes.varint()?,
            debits_held: bytes.varint()?,
            credits_held: bytes.varint()?,
        };
        Ok(Block { account, first, last, rows: rows as usize, before, bytes: bytes.0 })
    }

    /// Iterates over the rows, oldest first. After an error nothing more comes.
    #[must_use]
    pub fn iter(&self) -> Rows<'a> {
        Rows { block: *self, at: 0, left: self.rows, ordinal: self.first, sums: self.before }
    }

    /// Reads all rows and returns the sums after the last one.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn check(&self) -> Result<Balance, Damage> {
        let mut after = self.before;
        for row in self.iter() {
            after = row?.after;
        }
        Ok(after)
    }
}

/// The rows of a block, oldest first.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    block: Block<'a>,
    at: usize,
    left: usize,
    ordinal: u64,
    sums: Balance,
}

impl Rows<'_> {
    #[inline]
    fn read(&mut self) -> Result<Row, Damage> {
        let bytes = self.block.bytes;
        let control = load(bytes, self.at, 2)? as u16;
        let (d, a, c) =
            ((control >> 4 & 15) as usize, (control >> 8 & 15) as usize, (control >> 12) as usize);
        if d > 8 || a > 8 || c > 4 {
            return Err(Damage("a row has a number of impossible length"));
        }
        let kind =
            RowKind::from_number((control >> 1 & 7) as u8).ok_or(Damage("a row has an unknown kind"))?;
        let delta = load(bytes, self.at + 2, d)?;
        let amount_minor = load(bytes, self.at + 2 + d, a)?;
        let counterparty = load(bytes, self.at + 2 + d + a, c)? as u32;
        if self.left == self.block.rows && delta != 0 {
            return Err(Damage("the first row of a block has a distance"));
        }
        let side = if control & 1 == 0 { Side::Debit } else { Side::Credit };
        self.ordinal = self.ordinal.checked_add(delta).ok_or(Damage("an ordinal is too large"))?;
        self.sums = apply(self.sums, kind, side, amount_minor)
            .ok_or(Damage("the sums of a row leave their range"))?;
        self.at += 2 + d + a + c;
        self.left -= 1;
        if self.left == 0 && (self.ordinal != self.block.last || self.at != bytes.len()) {
            return Err(Damage("the rows of a block do not end as its head says"));
        }
        Ok(Row {
            ordinal: self.ordinal,
            account: self.block.account,
            counterparty,
            side,
            kind,
            amount_minor,
            after: self.sums,
        })
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Damage>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let row = self.read();
        if row.is_err() {
            self.left = 0;
        }
        Some(row)
    }
}

#[inline]
const fn width(value: u64) -> usize {
    (64 - value.leading_zeros()).div_ceil(8) as usize
}

/// Reads `width` bytes, at most 8, as a number.
#[inline]
fn load(bytes: &[u8], at: usize, width: usize) -> Result<u64, Damage> {
    if let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let value = u64::from_le_bytes(*eight);
        return Ok(if width == 8 { value } else { value & ((1 << (8 * width)) - 1) });
    }
    let rest = bytes.get(at..).and_then(|rest| rest.get(..width)).ok_or(Damage("it ends too early"))?;
    let mut eight = [0; 8];
    eight[..width].copy_from_slice(rest);
    Ok(u64::from_le_bytes(eight))
}
