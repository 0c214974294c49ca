//! Columns in the PLAIN and dictionary encodings, decoded page by page.
//!
//! Format: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use super::super::batch::{Dictionary, Numbers, TextColumn};
use super::snappy::{self, Packed, SLACK, Torn};
use super::text::{Kind, write_bool, write_decimal};
use super::{DAMAGED, Fail, Lent, Packing, guarded, push_rows, width};
use ::parquet::basic::{Encoding, Type as Physical};
use ::parquet::column::page::{Page, PageReader};
use ::parquet::schema::types::ColumnDescriptor;
use bytes::Bytes;
use std::sync::Arc;

/// A column of a row group.
pub(super) struct Pages {
    reader: Box<dyn PageReader>,
    packing: Packing,
    /// A page that was read along with the one before it, or why it could not be.
    ahead: Option<Result<Ahead, Fail>>,
    /// Whether the page after the next is likely to be needed as well.
    dense: bool,
    physical: Physical,
    type_length: i32,
    /// The definition level of a value that is not null; 0 where nothing can be null.
    present: u32,
    /// The dictionary as it stands in the file, with its number of values, until it is needed.
    unread_dictionary: Option<(Bytes, usize)>,
    /// The dictionary as text, turned once. Behind its last text stands padding.
    dictionary: Option<Arc<Dictionary>>,
    page: Option<DataPage>,
    levels: Vec<u32>,
    indexes: Vec<u32>,
}

/// A page that nobody asked for yet.
enum Ahead {
    Unpacked(Page),
    /// One that did not unpack. That matters only when it is needed.
    Packed(Page),
}

impl Ahead {
    /// Returns its rows, where it is a page of rows.
    fn rows(&self) -> Option<usize> {
        let (Ahead::Unpacked(page) | Ahead::Packed(page)) = self;
        (!matches!(page, Page::DictionaryPage { .. })).then(|| page.num_values() as usize)
    }
}

/// What is left of a data page.
struct DataPage {
    rows: usize,
    levels: Option<Hybrid>,
    values: Values,
}

enum Values {
    Plain { bytes: Bytes, at: usize },
    PlainBits { bytes: Bytes, bit: usize },
    Bits(Hybrid),
    Indexes(Hybrid),
}

impl Pages {
    pub(super) fn new(column: &ColumnDescriptor, reader: Box<dyn PageReader>, packing: Packing) -> Pages {
        Pages {
            reader,
            packing,
            ahead: None,
            dense: true,
            physical: column.physical_type(),
            type_length: column.type_length(),
            present: column.max_def_level().unsigned_abs().into(),
            unread_dictionary: None,
            dictionary: None,
            page: None,
            levels: Vec::new(),
            indexes: Vec::new(),
        }
    }

    /// Returns how many rows stand in the current page, after turning to the next where none do.
    pub(super) fn rows_at_hand(&mut self, kind: Kind) -> Result<usize, Fail> {
        loop {
            match &self.page {
                Some(page) if page.rows > 0 => return Ok(page.rows),
                _ => self.next_page(kind)?,
            }
        }
    }

    /// Makes a column of the next `rows` texts, without copying where they need not be.
    pub(super) fn set(&mut self, kind: Kind, rows: usize, out: &mut TextColumn) -> Result<(), Fail> {
        let Some(page) = self.page.as_mut().filter(|page| page.rows >= rows) else {
            return self.read(kind, rows, out);
        };
        let in_place = match (&page.values, self.physical) {
            (Values::Plain { .. }, Physical::BYTE_ARRAY) => kind.is_verbatim(),
            (Values::Plain { .. }, Physical::INT32 | Physical::INT64) => kind.decimals().is_some(),
            (Values::Indexes(_), _) => self.dictionary.is_some(),
            _ => false,
        };
        // A column with nulls is written.
        let no_nulls = |levels: &mut Hybrid| levels.skip_if_all(rows, self.present);
        if !in_place || !page.levels.as_mut().map_or(Ok(true), no_nulls)? {
            return self.read(kind, rows, out);
        }
        page.rows -= rows;
        match &mut page.values {
            Values::Plain { bytes, at } => {
                if let Some(end) = set_plain(kind, self.physical, bytes, *at, rows, out) {
                    *at = end;
                    return Ok(());
                }
                // Something is wrong: say so at its row.
                let rest = bytes.get(*at..).unwrap_or_default();
                *at += push_plain(kind, self.physical, self.type_length, rest, (rows, rows, None), out)?;
            }
            Values::Indexes(hybrid) => {
                let dictionary =
                    self.dictionary.as_ref().ok_or_else(|| DAMAGED("a page without its dictionary"))?;
                self.indexes.resize(rows, 0);
                hybrid.fill(&mut self.indexes)?;
                if self.indexes.iter().all(|index| (*index as usize) < dictionary.texts.len()) {
                    out.set_entries(dictionary, &mut self.indexes);
                } else {
                    push_indexed(&dictionary.texts, &self.indexes, (rows, None), out)?;
                }
            }
            Values::PlainBits { .. } | Values::Bits(_) => {}
        }
        Ok(())
    }

    /// Pushes the next `rows` texts.
    pub(super) fn read(&mut self, kind: Kind, mut rows: usize, out: &mut TextColumn) -> Result<(), Fail> {
        while rows > 0 {
            if self.page.as_ref().is_none_or(|page| page.rows == 0) {
                self.next_page(kind)?;
                continue;
            }
            let Some(page) = &mut self.page else { continue };
            let now = rows.min(page.rows);
            let mut present = now;
            let levels = match &mut page.levels {
                None => None,
                Some(levels) => {
                    self.levels.resize(now, 0);
                    levels.fill(&mut self.levels)?;
                    present = self.levels.iter().filter(|level| **level == self.present).count();
                    (present < now).then_some((self.levels.as_slice(), self.present))
                }
            };
            match &mut page.values {
                Values::Plain { bytes, at } => {
                    let rest = bytes.get(*at..).unwrap_or_default();
                    *at +=
                        push_plain(kind, self.physical, self.type_length, rest, (now, present, levels), out)?;
                }
                Values::PlainBits { bytes, bit } => push_rows(out, now, levels, |out| {
                    let byte =
                        bytes.get(*bit / 8).ok_or_else(|| DAMAGED("a page of booleans ends too early"))?;
                    write_bool(byte >> (*bit % 8) & 1 == 1, out);
                    *bit += 1;
                    Ok(())
                })?,
                Values::Bits(hybrid) => {
                    self.indexes.resize(present, 0);
                    hybrid.fill(&mut self.indexes)?;
                    let mut bits = self.indexes.iter();
                    push_rows(out, now, levels, |out| {
                        write_bool(bits.next() == Some(&1), out);
                        Ok(())
                    })?;
                }
                Values::Indexes(hybrid) => {
                    let dictionary =
                        self.dictionary.as_ref().ok_or_else(|| DAMAGED("a page without its dictionary"))?;
                    self.indexes.resize(present, 0);
                    hybrid.fill(&mut self.indexes)?;
                    push_indexed(&dictionary.texts, &self.indexes, (now, levels), out)?;
                }
            }
            page.rows -= now;
            rows -= now;
        }
        Ok(())
    }

    /// Passes over the next `rows` texts.
    pub(super) fn skip(&mut self, kind: Kind, mut rows: usize) -> Result<(), Fail> {
        while rows > 0 {
            let Some(page) = self.page.as_mut().filter(|page| page.rows > 0) else {
                if let Some(ahead) = &self.ahead {
                    match ahead.as_ref().ok().and_then(Ahead::rows) {
                        Some(whole) if whole <= rows => {
                            rows -= whole;
                            self.ahead = None;
                            self.dense = false;
                        }
                        _ => self.next_page(kind)?,
                    }
                    continue;
                }
                let next = guarded(|| self.reader.peek_next_page())?;
                let next = next.ok_or_else(|| DAMAGED("fewer values than the row group has rows"))?;
                // A column that can be read has no lists: each row has one level.
                match next.num_levels.or(next.num_rows) {
                    Some(whole) if !next.is_dict && whole <= rows => {
                        guarded(|| self.reader.skip_next_page())?;
                        self.dense = false;
                        rows -= whole;
                    }
                    _ => self.next_page(kind)?,
                }
                continue;
            };
            let now = rows.min(page.rows);
            page.skip(now, self.present, width(self.physical, self.type_length))?;
            rows -= now;
        }
        Ok(())
    }

    fn next_page(&mut self, kind: Kind) -> Result<(), Fail> {
        let page = match self.ahead.take().transpose()? {
            Some(Ahead::Unpacked(page)) => page,
            Some(Ahead::Packed(page)) => unpacked(page)?,
            None => self.unpacked_page()?,
        };
        match page {
            Page::DictionaryPage { buf, num_values, .. } => {
                self.unread_dictionary = Some((buf, num_values as usize));
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let (levels, values) = if self.present == 0 {
                    (None, buf)
                } else {
                    if def_level_encoding != Encoding::RLE {
                        return Err(Fail::Damaged(format!(
                            "levels in the old {def_level_encoding} encoding"
                        )));
                    }
                    let (levels, values) = split_prefixed(&buf)?;
                    (Some(Hybrid::new(levels, bits(self.present))), values)
                };
                let values = self.values(kind, encoding, values)?;
                self.page = Some(DataPage { rows: num_values as usize, levels, values });
            }
            Page::DataPageV2 {
                buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, ..
            } => {
                let start = rep_levels_byte_len as usize;
                let end = start + def_levels_byte_len as usize;
                if end > buf.len() {
                    return Err(DAMAGED("a page is shorter than its levels"));
                }
                let levels =
                    (self.present > 0).then(|| Hybrid::new(buf.slice(start..end), bits(self.present)));
                let values = self.values(kind, encoding, buf.slice(end..))?;
                self.page = Some(DataPage { rows: num_values as usize, levels, values });
            }
        }
        Ok(())
    }

    /// Reads and unpacks the next page, and the one after it where that is as quick.
    fn unpacked_page(&mut self) -> Result<Page, Fail> {
        let page = guarded(|| self.reader.get_next_page())?;
        let page = page.ok_or_else(|| DAMAGED("fewer values than the row group has rows"))?;
        if self.packing == Packing::Undone {
            return Ok(page);
        }
        if !std::mem::replace(&mut self.dense, true) || matches!(page, Page::DictionaryPage { .. }) {
            return unpacked(page);
        }
        match guarded(|| self.reader.get_next_page()) {
            Ok(None) => unpacked(page),
            Ok(Some(next)) => {
                let Some([(out, len), (next_out, next_len)]) = try_both(&page, &next) else {
                    self.ahead = Some(Ok(Ahead::Packed(next)));
                    return unpacked(page);
                };
                self.ahead = Some(Ok(Ahead::Unpacked(with_unpacked(next, next_out, next_len))));
                Ok(with_unpacked(page, out, len))
            }
            Err(error) => {
                self.ahead = Some(Err(error.into()));
                unpacked(page)
            }
        }
    }

    fn values(&mut self, kind: Kind, encoding: Encoding, bytes: Bytes) -> Result<Values, Fail> {
        match (encoding, self.physical) {
            (Encoding::PLAIN, Physical::BOOLEAN) => Ok(Values::PlainBits { bytes, bit: 0 }),
            (Encoding::PLAIN, _) => Ok(Values::Plain { bytes, at: 0 }),
            (Encoding::RLE, Physical::BOOLEAN) => Ok(Values::Bits(Hybrid::new(split_prefixed(&bytes)?.0, 1))),
            (Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY, _) => {
                if let Some((buf, count)) = self.unread_dictionary.take() {
                    let mut texts = TextColumn::default();
                    let values = (count, count, None);
                    push_plain(kind, self.physical, self.type_length, &buf, values, &mut texts)?;
                    texts.bytes_mut().extend_from_slice(&[0; SHORT]);
                    self.dictionary = Some(Arc::new(Dictionary::new(texts)));
                }
                // A page of nothing but nulls may leave the width out.
                let width = u32::from(bytes.first().copied().unwrap_or(0));
                if width > 32 {
                    return Err(DAMAGED("dictionary indexes of more than 32 bits"));
                }
                Ok(Values::Indexes(Hybrid::new(bytes.slice(bytes.len().min(1)..), width)))
            }
            (other, _) => {
                Err(Fail::Damaged(format!("a page in the {other} encoding, which the footer does not list")))
            }
        }
    }
}

/// Unpacks a page that came as it stands in the file.
fn unpacked(page: Page) -> Result<Page, Fail> {
    let Some(bytes) = packed_bytes(&page) else { return Ok(page) };
    let block = Packed::new(&bytes).map_err(torn)?;
    let mut out = Lent::of(block.len + SLACK);
    snappy::unpack(block, out.bytes_mut()).map_err(torn)?;
    Ok(with_unpacked(page, out, block.len))
}

/// Unpacks two pages at the same time. `None` where one of them does not unpack.
fn try_both(one: &Page, two: &Page) -> Option<[(Lent, usize); 2]> {
    let (one, two) = (packed_bytes(one)?, packed_bytes(two)?);
    let blocks = [Packed::new(&one).ok()?, Packed::new(&two).ok()?];
    let [mut one, mut two] = blocks.map(|block| Lent::of(block.len + SLACK));
    snappy::unpack_two(blocks, [one.bytes_mut(), two.bytes_mut()]).ok()?;
    Some([(one, blocks[0].len), (two, blocks[1].len)])
}

fn torn(_: Torn) -> Fail {
    DAMAGED("a page cannot be unpacked")
}

/// Returns the part of a page that is packed; `None` where nothing is.
fn packed_bytes(page: &Page) -> Option<Bytes> {
    match page {
        // A page of nothing but nulls, or a dictionary of nothing, may have nothing to pack.
        Page::DictionaryPage { buf, .. } | Page::DataPage { buf, .. } => {
            (!buf.is_empty()).then(|| buf.clone())
        }
        Page::DataPageV2 { buf, is_compressed, .. } => {
            let start = levels_len(page);
            (*is_compressed && start < buf.len()).then(|| buf.slice(start..))
        }
    }
}

/// Bytes of levels that stand before the packed part of a page.
fn levels_len(page: &Page) -> usize {
    match page {
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            *def_levels_byte_len as usize + *rep_levels_byte_len as usize
        }
        Page::DictionaryPage { .. } | Page::DataPage { .. } => 0,
    }
}

/// Puts what was unpacked in the place of what was packed.
fn with_unpacked(mut page: Page, out: Lent, len: usize) -> Page {
    let start = levels_len(&page);
    let unpacked = Bytes::from_owner(out.of_len(len));
    match &mut page {
        Page::DictionaryPage { buf, .. } | Page::DataPage { buf, .. } => *buf = unpacked,
        Page::DataPageV2 { buf, .. } if start == 0 => *buf = unpacked,
        Page::DataPageV2 { buf, .. } => *buf = [&buf[..start], &unpacked].concat().into(),
    }
    page
}

impl DataPage {
    /// Passes over `rows` of its rows.
    fn skip(&mut self, rows: usize, present: u32, width: Option<usize>) -> Result<(), Fail> {
        let short = || DAMAGED("a page ends before its last value");
        let values = match &mut self.levels {
            None => rows,
            Some(levels) => levels.count(rows, present)?,
        };
        match (&mut self.values, width) {
            (Values::Plain { bytes, at }, Some(width)) => {
                let taken = values.checked_mul(width).ok_or_else(short)?;
                *at = at.checked_add(taken).filter(|end| *end <= bytes.len()).ok_or_else(short)?;
            }
            (Values::Plain { bytes, at }, None) => {
                for _ in 0..values {
                    let len = bytes.get(*at..).and_then(<[u8]>::first_chunk).ok_or_else(short)?;
                    *at += 4 + u32::from_le_bytes(*len) as usize;
                }
                if *at > bytes.len() {
                    return Err(short());
                }
            }
            (Values::PlainBits { bit, .. }, _) => *bit += values,
            (Values::Bits(hybrid) | Values::Indexes(hybrid), _) => hybrid.skip(values)?,
        }
        self.rows -= rows;
        Ok(())
    }
}

/// Texts up to so many bytes are copied in one step of this length, which takes no call.
const SHORT: usize = 32;

/// Copies a text of `len` bytes, which begins `source`.
#[inline(always)]
fn copy_text(source: &[u8], len: usize, out: &mut Vec<u8>) {
    match source.first_chunk::<SHORT>() {
        Some(head) if len <= SHORT => {
            let end = out.len() + len;
            out.extend_from_slice(head);
            out.truncate(end);
        }
        _ => out.extend_from_slice(&source[..len]),
    }
}

/// Splits off a block that begins with its length in four bytes.
fn split_prefixed(bytes: &Bytes) -> Result<(Bytes, Bytes), Fail> {
    let short = || DAMAGED("a page is shorter than its levels");
    let len = bytes.first_chunk().map(|len| u32::from_le_bytes(*len) as usize).ok_or_else(short)?;
    let end = len.checked_add(4).filter(|end| *end <= bytes.len()).ok_or_else(short)?;
    Ok((bytes.slice(4..end), bytes.slice(end..)))
}

/// Returns the bits that hold numbers up to `max`.
fn bits(max: u32) -> u32 {
    u32::BITS - max.leading_zeros()
}

/// Pushes rows whose values stand in the PLAIN encoding, and returns the bytes that they took.
#[inline]
fn push_plain(
    kind: Kind,
    physical: Physical,
    type_length: i32,
    bytes: &[u8],
    (rows, present, levels): (usize, usize, Option<(&[u32], u32)>),
    out: &mut TextColumn,
) -> Result<usize, Fail> {
    let short = || DAMAGED("a page ends before its last value");
    let Some(width) = width(physical, type_length) else {
        // Each value has its length before it. Looked at first, since a damaged page may claim any
        // number of values.
        if present > bytes.len() / 4 {
            return Err(short());
        }
        let mut rest = bytes;
        if kind.is_verbatim() {
            push_rows(out, rows, levels, |out| {
                let (len, values) = rest.split_first_chunk().ok_or_else(short)?;
                let len = u32::from_le_bytes(*len) as usize;
                rest = values.get(len..).ok_or_else(short)?;
                copy_text(values, len, out);
                Ok(())
            })?;
            return Ok(bytes.len() - rest.len());
        }
        push_rows(out, rows, levels, |out| {
            let (len, values) = rest.split_first_chunk().ok_or_else(short)?;
            let (value, after) =
                values.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or_else(short)?;
            rest = after;
            kind.write_bytes(value, out)
        })?;
        return Ok(bytes.len() - rest.len());
    };
    let taken = present.checked_mul(width).filter(|taken| *taken <= bytes.len()).ok_or_else(short)?;
    let bytes = &bytes[..taken];
    match physical {
        Physical::INT32 => {
            let mut values = bytes.as_chunks::<4>().0.iter();
            let next = || Some(i32::from_le_bytes(*values.next()?).into());
            push_ints(kind, next, (rows, levels), out)?;
        }
        Physical::INT64 => {
            let mut values = bytes.as_chunks::<8>().0.iter();
            let next = || values.next().copied().map(i64::from_le_bytes);
            push_ints(kind, next, (rows, levels), out)?;
        }
        Physical::FIXED_LEN_BYTE_ARRAY if width > 0 => {
            let mut values = bytes.chunks_exact(width);
            push_rows(out, rows, levels, |out| kind.write_bytes(values.next().ok_or_else(short)?, out))?;
        }
        _ => return Err(DAMAGED("a type that has no text")),
    }
    Ok(taken)
}

/// Makes a column of values that stand in the PLAIN encoding from byte `at` on, and returns where
/// they end. `None` where the page has not that many.
fn set_plain(
    kind: Kind,
    physical: Physical,
    page: &Bytes,
    at: usize,
    rows: usize,
    out: &mut TextColumn,
) -> Option<usize> {
    if let Some(decimals) = kind.decimals() {
        let width = width(physical, 0)?;
        let end = at.checked_add(rows.checked_mul(width)?)?;
        if end > page.len() {
            return None;
        }
        out.set_numbers(Numbers { bytes: page.slice(at..end), width, decimals, write: write_decimal });
        return Some(end);
    }
    // Each value has its length before it.
    if rows > page.len() / 4 {
        return None;
    }
    out.set_spans(page, |spans| {
        let mut at = u32::try_from(at).ok()?;
        spans.resize(rows, [0; 2]);
        for span in spans {
            let len = page.get(at as usize..)?.first_chunk()?;
            let start = at + 4;
            at = start.checked_add(u32::from_le_bytes(*len))?;
            *span = [start, at];
        }
        (at as usize <= page.len()).then_some(at as usize)
    })
}

/// Pushes rows of whole numbers. The scales of money have loops of their own, in which the divisors
/// are constants.
#[inline]
fn push_ints(
    kind: Kind,
    mut next: impl FnMut() -> Option<i64>,
    (rows, levels): (usize, Option<(&[u32], u32)>),
    out: &mut TextColumn,
) -> Result<(), Fail> {
    let short = || DAMAGED("a page ends before its last value");
    macro_rules! rows_of {
        ($kind:expr) => {
            push_rows(out, rows, levels, |out| {
                $kind.write_int(next().ok_or_else(short)?, out);
                Ok(())
            })
        };
    }
    match kind {
        Kind::Decimal(2) => rows_of!(Kind::Decimal(2)),
        Kind::Signed => rows_of!(Kind::Signed),
        other => rows_of!(other),
    }
}

/// Pushes rows whose values stand in a dictionary.
#[inline]
fn push_indexed(
    dictionary: &TextColumn,
    indexes: &[u32],
    (rows, levels): (usize, Option<(&[u32], u32)>),
    out: &mut TextColumn,
) -> Result<(), Fail> {
    let (texts, ends) = dictionary.parts();
    let mut indexes = indexes.iter();
    push_rows(out, rows, levels, |out| {
        let index = *indexes.next().ok_or_else(|| DAMAGED("a page ends before its last value"))? as usize;
        let end = *ends.get(index).ok_or_else(|| DAMAGED("an index beyond the dictionary"))? as usize;
        let start = if index == 0 { 0 } else { ends[index - 1] as usize };
        copy_text(&texts[start..], end - start, out);
        Ok(())
    })
}

/// The hybrid of runs and bit-packed groups in which levels and dictionary indexes are written.
struct Hybrid {
    bytes: Bytes,
    at: usize,
    width: u32,
    run: Run,
}

enum Run {
    /// One number, so many times more.
    Repeat { value: u32, left: usize },
    /// Numbers side by side: the next begins at bit `bit`; the run ends before byte `end`.
    Packed { bit: usize, left: usize, end: usize },
}

impl Hybrid {
    fn new(bytes: Bytes, width: u32) -> Hybrid {
        Hybrid { bytes, at: 0, width, run: Run::Repeat { value: 0, left: 0 } }
    }

    /// Reads the next numbers.
    fn fill(&mut self, mut out: &mut [u32]) -> Result<(), Fail> {
        while !out.is_empty() {
            match &mut self.run {
                Run::Repeat { left: 0, .. } | Run::Packed { left: 0, .. } => self.next_run()?,
                Run::Repeat { value, left } => {
                    let now = out.len().min(*left);
                    out[..now].fill(*value);
                    *left -= now;
                    out = &mut out[now..];
                }
                Run::Packed { bit, left, end } => {
                    let now = out.len().min(*left);
                    unpack(&self.bytes[..*end], *bit, self.width, &mut out[..now])?;
                    *bit += now * self.width as usize;
                    *left -= now;
                    out = &mut out[now..];
                }
            }
        }
        Ok(())
    }

    /// Passes over the next numbers.
    fn skip(&mut self, mut count: usize) -> Result<(), Fail> {
        while count > 0 {
            match &mut self.run {
                Run::Repeat { left: 0, .. } | Run::Packed { left: 0, .. } => self.next_run()?,
                Run::Repeat { left, .. } => {
                    let now = count.min(*left);
                    *left -= now;
                    count -= now;
                }
                Run::Packed { bit, left, .. } => {
                    let now = count.min(*left);
                    *bit += now * self.width as usize;
                    *left -= now;
                    count -= now;
                }
            }
        }
        Ok(())
    }

    /// Passes over the next numbers if all of them are `wanted` and stand in one run.
    fn skip_if_all(&mut self, count: usize, wanted: u32) -> Result<bool, Fail> {
        while let Run::Repeat { left: 0, .. } | Run::Packed { left: 0, .. } = self.run {
            self.next_run()?;
        }
        match &mut self.run {
            Run::Repeat { value, left } if *value == wanted && *left >= count => {
                *left -= count;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Passes over the next numbers and returns how many of them are `wanted`.
    fn count(&mut self, mut count: usize, wanted: u32) -> Result<usize, Fail> {
        let mut found = 0;
        let mut numbers = [0; 256];
        while count > 0 {
            let now = match self.run {
                Run::Repeat { value, left } if left > 0 => {
                    let now = count.min(left);
                    self.skip(now)?;
                    found += if value == wanted { now } else { 0 };
                    now
                }
                _ => {
                    let numbers = &mut numbers[..count.min(256)];
                    self.fill(numbers)?;
                    found += numbers.iter().filter(|number| **number == wanted).count();
                    numbers.len()
                }
            };
            count -= now;
        }
        Ok(found)
    }

    fn next_run(&mut self) -> Result<(), Fail> {
        let short = || DAMAGED("a run of levels or indexes ends too early");
        let (mut header, mut shift) = (0_u64, 0);
        loop {
            let byte = *self.bytes.get(self.at).ok_or_else(short)?;
            self.at += 1;
            header |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if shift > 35 {
                return Err(short());
            }
        }
        let count = usize::try_from(header >> 1).map_err(|_| short())?;
        if header & 1 == 1 {
            // Groups of eight. The last may be cut off behind its last number in use.
            let bytes = count.saturating_mul(self.width as usize);
            let end = self.at.saturating_add(bytes).min(self.bytes.len());
            self.run = Run::Packed { bit: self.at * 8, left: count.saturating_mul(8), end };
            self.at = end;
        } else {
            let bytes = self.width.div_ceil(8) as usize;
            let value = self.bytes.get(self.at..self.at + bytes).ok_or_else(short)?;
            let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            self.run = Run::Repeat { value, left: count };
            self.at += bytes;
        }
        if count == 0 && self.at >= self.bytes.len() {
            return Err(short());
        }
        Ok(())
    }
}

/// Reads numbers of `width` bits, the least significant bit first, from bit `bit` on.
fn unpack(bytes: &[u8], mut bit: usize, width: u32, out: &mut [u32]) -> Result<(), Fail> {
    let mask = (1_u64 << width) - 1;
    for number in out {
        let rest = bytes.get(bit / 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => {
                if rest.len() * 8 < bit % 8 + width as usize {
                    return Err(DAMAGED("a run of levels or indexes ends too early"));
                }
                let mut word = [0; 8];
                word[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(word)
            }
        };
        *number = u32::try_from(word >> (bit % 8) & mask).expect("at most 32 bits");
        bit += width as usize;
    }
    Ok(())
}
