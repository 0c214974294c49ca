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

/// Where the fields of a row with quotes stand, without their quotes. Kept from row to row for its
/// memory.
#[derive(Debug, Default)]
pub(crate) struct Unquoting {
    /// For each needed column: start and end, and whether in `own` rather than in the row's text.
    spans: Vec<(usize, usize, bool)>,
    /// Fields that do not stand in the text as they are.
    own: Vec<u8>,
}

impl Unquoting {
    /// Takes the quotes off the needed columns of a row.
    #[inline]
    pub(crate) fn row<'a>(&'a mut self, row: CsvRow<'a>, needed: &[usize], quote: u8) -> UnquotedRow<'a> {
        self.spans.clear();
        self.own.clear();
        for physical in needed {
            let (start, end) = row.span(Col { physical: *physical as u32, slot: 0 });
            let raw = &row.text[start..end];
            let span = match raw {
                // The usual two: no quote at all, or one at each end and none between.
                [first, inner @ .., last] if *first == quote && *last == quote => {
                    if memchr::memchr(quote, inner).is_none() {
                        (start + 1, end - 1, false)
                    } else {
                        self.take_apart(raw, quote)
                    }
                }
                _ if memchr::memchr(quote, raw).is_none() => (start, end, false),
                _ => self.take_apart(raw, quote),
            };
            self.spans.push(span);
        }
        UnquotedRow { text: row.text, fields: self }
    }

    #[cold]
    fn take_apart(&mut self, raw: &[u8], quote: u8) -> (usize, usize, bool) {
        let start = self.own.len();
        self.own.extend_from_slice(&unquoted(raw.trim_ascii(), quote));
        (start, self.own.len(), true)
    }
}

/// A row whose quoted fields were taken apart. It has the needed columns only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnquotedRow<'a> {
    text: &'a [u8],
    fields: &'a Unquoting,
}

impl UnquotedRow<'_> {
    /// Returns the bytes that hold the field, and where it stands in them.
    #[inline(always)]
    fn span(&self, col: Col) -> (&[u8], usize, usize) {
        let (start, end, own) = self.fields.spans[col.slot as usize];
        (if own { &self.fields.own } else { self.text }, start, end)
    }
}

impl Fields for UnquotedRow<'_> {
    #[inline(always)]
    fn field(&self, col: Col) -> &[u8] {
        let (bytes, start, end) = self.span(col);
        &bytes[start..end]
    }

    #[inline(always)]
    fn head32(&self, col: Col) -> Option<([u64; 4], usize)> {
        let (bytes, start, end) = self.span(col);
        let head = bytes.get(start..start + 32)?;
        Some((crate::digest::words_of(head.try_into().ok()?), end - start))
    }

    #[inline(always)]
    fn tail16(&self, col: Col) -> Option<([u8; 16], usize)> {
        let (bytes, start, end) = self.span(col);
        let tail = bytes.get(end.checked_sub(16)?..end)?;
        Some((tail.try_into().ok()?, end - start))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever stands in a row, its fields are those that the plain rule gives.
        #[test]
        fn quotes_come_off_as_the_plain_rule_says(
            fields in proptest::collection::vec("([a ]{0,3}|\"[a, ]{0,3}\"|\"\"|[a\"]{0,5}|\"(a|\"\"){0,3}\" ?)\r?", 1..6),
        ) {
            let mut text = fields.join(",").into_bytes();
            text.push(b'\n');
            let mut ends = Ends::default();
            let marks = Marks { delimiter: b',', quote: None };
            index::index(Kernel::Plain, &text, 0, text.len(), marks, &mut ends);
            // Any cut into fields will do: what is asked is how one field is read.
            let row = CsvRow { text: &text, start: 0, ends: &ends.fields };
            let needed: Vec<usize> = (0..ends.fields.len()).step_by(2).collect();
            let mut unquoting = Unquoting::default();
            let read = unquoting.row(row, &needed, b'"');
            for (slot, physical) in needed.iter().enumerate() {
                let col = Col { physical: *physical as u32, slot: slot as u32 };
                let raw = row.field(col);
                let want = if raw.contains(&b'"') { unquoted(raw.trim_ascii(), b'"') } else { raw.to_vec() };
                prop_assert_eq!(read.field(col), &want);
                if let Some((head, len)) = read.head32(col) {
                    prop_assert_eq!(len, want.len());
                    let head: Vec<u8> = head.iter().flat_map(|w| w.to_le_bytes()).collect();
                    prop_assert_eq!(&head[..len.min(32)], &want[..len.min(32)]);
                }
                if let Some((tail, len)) = read.tail16(col) {
                    prop_assert_eq!(len, want.len());
                    let shown = len.min(16);
                    prop_assert_eq!(&tail[16 - shown..], &want[len - shown..]);
                }
            }
        }
    }
}
