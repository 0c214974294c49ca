//! Delimited text: rows of a chunk by position.

pub mod index;

use crate::layout::Col;
use crate::reader::Fields;
pub use index::{Ends, Kernel, Marks, Quotes};

/// One row of a chunk, known by where its fields end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CsvRow<'a> {
    text: &'a [u8],
    start: usize,
    ends: &'a [u32],
}

impl CsvRow<'_> {
    #[inline(always)]
    fn span(&self, col: Col) -> (usize, usize) {
        let at = col.physical as usize;
        let start = if at == 0 { self.start } else { self.ends[at - 1] as usize + 1 };
        let mut end = self.ends[at] as usize;
        if at + 1 == self.ends.len() && end > start && self.text[end - 1] == b'\r' {
            end -= 1;
        }
        (start, end)
    }
}

impl Fields for CsvRow<'_> {
    #[inline(always)]
    fn field(&self, col: Col) -> &[u8] {
        let (start, end) = self.span(col);
        &self.text[start..end]
    }

    #[inline(always)]
    fn head32(&self, col: Col) -> Option<([u64; 4], usize)> {
        let (start, end) = self.span(col);
        let head = self.text.get(start..start + 32)?;
        Some((crate::digest::words_of(head.try_into().ok()?), end - start))
    }

    #[inline(always)]
    fn tail16(&self, col: Col) -> Option<([u8; 16], usize)> {
        let (start, end) = self.span(col);
        let tail = self.text.get(end.checked_sub(16)?..end)?;
        Some((tail.try_into().ok()?, end - start))
    }
}

/// Takes the quotes off a field: the outer pair, and one of each doubled pair within.
pub(crate) fn unquoted(raw: &[u8], quote: u8) -> Vec<u8> {
    let Some(inner) = raw.strip_prefix(&[quote]) else { return raw.to_vec() };
    let mut out = Vec::with_capacity(inner.len());
    let mut at = 0;
    while at < inner.len() {
        if inner[at] != quote {
            out.push(inner[at]);
            at += 1;
        } else if inner.get(at + 1) == Some(&quote) {
            out.push(quote);
            at += 2;
        } else {
            // Text behind the closing quote is kept as it is.
            at += 1;
        }
    }
    out
}

/// A row whose quoted fields were taken apart.
#[derive(Debug, Default)]
pub(crate) struct UnquotedRow {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl UnquotedRow {
    pub(crate) fn fill(&mut self, row: &CsvRow<'_>, quote: u8) {
        self.bytes.clear();
        self.ends.clear();
        for physical in 0..row.ends.len() {
            let raw = row.field(Col { physical: physical as u32, slot: 0 });
            if raw.contains(&quote) {
                self.bytes.extend_from_slice(&unquoted(raw.trim_ascii(), quote));
            } else {
                self.bytes.extend_from_slice(raw);
            }
            self.ends.push(self.bytes.len());
        }
    }
}

impl Fields for UnquotedRow {
    fn field(&self, col: Col) -> &[u8] {
        let at = col.physical as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }
}

/// Why a line is not a row.
pub(crate) enum NoRow {
    Blank,
    FieldCount { found: usize },
}

/// A line of a chunk, as [`rows`] gives it.
pub(crate) struct ChunkRow<'a> {
    pub(crate) row: Result<CsvRow<'a>, NoRow>,
    /// Position of its first byte in the chunk.
    pub(crate) start: usize,
    /// Position of its line feed.
    pub(crate) end: usize,
    /// Rows of the chunk before it, blank lines counted.
    pub(crate) number: u32,
}

/// Gives the rows of `text` that start at `first` or later and before `limit`. Returns how many rows started there, and where the next would.
#[inline(always)]
pub(crate) fn rows<'a, E>(
    text: &'a [u8],
    ends: &'a Ends,
    width: usize,
    first: usize,
    limit: usize,
    mut each: impl FnMut(ChunkRow<'a>) -> Result<(), E>,
) -> Result<(u32, usize), E> {
    let mut start = first;
    let mut at = 0;
    let mut number = 0;
    for &line in &ends.lines {
        if start >= limit {
            break;
        }
        let end = line as usize;
        let row = match ends.fields.get(at..at + width) {
            Some(own) if own[width - 1] == line && (width > 1 || !is_blank(&text[start..end])) => {
                at += width;
                Ok(CsvRow { text, start, ends: own })
            }
            _ => {
                let found =
                    ends.fields[at..].iter().position(|e| *e == line).expect("a line end is a field end") + 1;
                at += found;
                Err(if is_blank(&text[start..end]) { NoRow::Blank } else { NoRow::FieldCount { found } })
            }
        };
        each(ChunkRow { row, start, end, number })?;
        start = end + 1;
        number += 1;
    }
    Ok((number, start))
}

fn is_blank(line: &[u8]) -> bool {
    line.is_empty() || line == b"\r"
}
