//! Parquet: chosen columns of a row group, as text.
//!
//! Pages are found by the `parquet` crate, and unpacked by it unless they are packed with Snappy; the
//! two encodings that nearly all files use are decoded here straight into text, so that a dictionary
//! is turned into text once and not once a row. Rarer encodings go through the crate's own decoders.

mod library;
mod pages;
mod snappy;
mod text;

use super::batch::{TextBatch, TextColumn};
use super::{SourceError, SourceFile, read_at_most};
use ::parquet::basic::{Compression, Encoding, Type as Physical};
use ::parquet::column::page::PageReader;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, FileReader, Length, RowGroupReader, SerializedFileReader};
use ::parquet::file::serialized_reader::SerializedPageReader;
use ::parquet::schema::types::ColumnDescPtr;
use bytes::Bytes;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use text::Kind;

/// An open Parquet file. It can be shared: several threads may read row groups at the same time.
pub struct ParquetSource {
    name: Arc<str>,
    len: u64,
    file: Arc<Positioned>,
    reader: SerializedFileReader<Positioned>,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    kind: Result<Kind, Refusal>,
    description: ColumnDescPtr,
}

/// Why a column cannot be read. It matters only when the column is needed.
#[derive(Debug, Clone)]
struct Refusal {
    kind: String,
    advice: &'static str,
}

/// Something wrong inside a column.
enum Fail {
    /// The bytes are not what the format says.
    Damaged(String),
    /// What the crate says.
    Library(ParquetError),
    /// A value that has no text.
    Value(&'static str),
}

impl From<ParquetError> for Fail {
    fn from(error: ParquetError) -> Fail {
        Fail::Library(error)
    }
}

const DAMAGED: fn(&'static str) -> Fail = |what| Fail::Damaged(what.to_owned());

impl std::fmt::Debug for ParquetSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetSource").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ParquetSource {
    /// Opens a Parquet file and reads its footer. A file that is compressed as a whole or a member of
    /// an archive is unpacked into the spool directory first, since Parquet is read at random.
    ///
    /// # Errors
    /// When the file cannot be read, is cut off or damaged, or is no Parquet file.
    pub fn open(source: &SourceFile) -> Result<ParquetSource, SourceError> {
        let file = source.open_at_random()?;
        let name: Arc<str> = Arc::from(source.name());
        let len = check_ends(&name, &file)?;
        let file = Positioned { file: Arc::new(file), len };
        let reader = guarded(|| SerializedFileReader::new(file.clone()))
            .map_err(|error| named_library(&name, len, "its footer", error))?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let columns = schema
            .columns()
            .iter()
            .map(|description| Column {
                name: description.path().string(),
                kind: Kind::of(description),
                description: Arc::clone(description),
            })
            .collect();
        let rows = reader.metadata().row_groups().iter().map(|group| group.num_rows());
        if rows.map(u64::try_from).any(|rows| rows.is_err()) {
            return Err(damaged(&name, len, "a row group has a negative number of rows".to_owned()));
        }
        Ok(ParquetSource { name, len, file: Arc::new(file), reader, columns })
    }

    /// Returns the names of the columns, those of nested fields as dotted paths.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// Returns the number of rows of each row group.
    #[must_use]
    pub fn row_groups(&self) -> Vec<u64> {
        self.group_rows().collect()
    }

    fn group_rows(&self) -> impl Iterator<Item = u64> {
        let groups = self.reader.metadata().row_groups();
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default())
    }

    /// Says whether columns (by their index in [`ParquetSource::columns`]) can be read as text.
    ///
    /// # Errors
    /// Names the first column that cannot, and what to do about it.
    pub fn check(&self, columns: &[usize]) -> Result<(), SourceError> {
        columns.iter().try_for_each(|index| self.kind(*index).map(drop))
    }

    fn kind(&self, index: usize) -> Result<Kind, SourceError> {
        let column = &self.columns[index];
        column.kind.clone().map_err(|refusal| SourceError::ColumnType {
            name: self.name.to_string(),
            column: column.name.clone(),
            kind: refusal.kind,
            advice: refusal.advice,
        })
    }

    /// Reads the columns of a row group in batches of at most `batch_rows` rows. The columns of the
    /// batches are in the order of `columns`.
    ///
    /// # Errors
    /// When a column cannot be read as text, or the file is damaged. Batches given before stand.
    ///
    /// # Panics
    /// When there is no such group or column, or `batch_rows` is 0.
    pub fn read_group(
        &self,
        group: usize,
        columns: &[usize],
        batch_rows: usize,
        mut sink: impl FnMut(&TextBatch),
    ) -> Result<(), SourceError> {
        assert!(batch_rows > 0, "a batch has rows");
        let first: u64 = self.group_rows().take(group).sum();
        let rows = self.group_rows().nth(group).expect("a row group of the file");
        let (kinds, mut cursors) = self.cursors(group, columns)?;
        let mut batch = TextBatch::new(columns.len());
        let mut at = 0;
        while at < rows {
            let mut now = usize::try_from(rows - at).unwrap_or(usize::MAX).min(batch_rows);
            // Texts of one page need not be copied, so a batch ends where a page does.
            for ((cursor, kind), index) in cursors.iter_mut().zip(&kinds).zip(columns) {
                let left = cursor.rows_at_hand(*kind).map_err(|fail| self.named(fail, *index, first + at))?;
                now = if left >= CUT_ROWS_MIN { now.min(left) } else { now };
            }
            batch.clear();
            for (((cursor, kind), index), out) in
                cursors.iter_mut().zip(&kinds).zip(columns).zip(batch.columns_mut())
            {
                cursor
                    .set(*kind, now, out)
                    .map_err(|fail| self.named(fail, *index, first + at + out.len() as u64))?;
            }
            batch.end_rows(first + at, u32::try_from(now).expect("a batch of fewer than 2^32 rows"));
            sink(&batch);
            at += now as u64;
        }
        Ok(())
    }

    /// Reads the columns of some rows of a row group, given as ascending numbers within the group, in
    /// batches. Other rows are passed over without being turned into text, and pages without any of
    /// the rows are not decompressed. The columns of the batches are in the order of `columns`.
    ///
    /// # Errors
    /// When a column cannot be read as text, or the file is damaged. Batches given before stand.
    ///
    /// # Panics
    /// When there is no such group, column or row, or the rows do not ascend.
    pub fn read_group_rows(
        &self,
        group: usize,
        columns: &[usize],
        rows: &[u64],
        mut sink: impl FnMut(&TextBatch),
    ) -> Result<(), SourceError> {
        let first: u64 = self.group_rows().take(group).sum();
        let count = self.group_rows().nth(group).expect("a row group of the file");
        assert!(rows.is_sorted_by(|one, next| one < next), "rows ascend");
        assert!(rows.last().is_none_or(|last| *last < count), "rows of the group");
        let (kinds, mut cursors) = self.cursors(group, columns)?;
        let mut batch = TextBatch::new(columns.len());
        // The first row that the cursors have not passed.
        let mut at = 0;
        for rows in rows.chunks(PICKED_ROWS) {
            batch.clear();
            for (((cursor, kind), index), out) in
                cursors.iter_mut().zip(&kinds).zip(columns).zip(batch.columns_mut())
            {
                pick(cursor, *kind, at, rows, out).map_err(|fail| {
                    let row = rows.get(out.len()).or(rows.last()).copied().unwrap_or_default();
                    self.named(fail, *index, first + row)
                })?;
            }
            batch.end_picked_rows(rows.iter().map(|row| first + row));
            sink(&batch);
            at = rows.last().map_or(at, |last| last + 1);
        }
        Ok(())
    }

    /// Begins reading columns of a row group.
    fn cursors(&self, group: usize, columns: &[usize]) -> Result<(Vec<Kind>, Vec<Cursor>), SourceError> {
        let kinds: Vec<Kind> = columns.iter().map(|index| self.kind(*index)).collect::<Result<_, _>>()?;
        let cursors = guarded(|| {
            let reader = self.reader.get_row_group(group)?;
            columns.iter().map(|index| self.cursor(&*reader, *index)).collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| named_library(&self.name, self.len, &format!("row group {group}"), error))?;
        Ok((kinds, cursors))
    }

    fn cursor(&self, group: &dyn RowGroupReader, index: usize) -> Result<Cursor, ParquetError> {
        let known = |encoding| {
            use Encoding::{PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
            // Old writers list BIT_PACKED for levels that take no bits.
            #[expect(deprecated, reason = "files still have it")]
            let old = encoding == Encoding::BIT_PACKED;
            old || matches!(encoding, PLAIN | PLAIN_DICTIONARY | RLE | RLE_DICTIONARY)
        };
        let description = &self.columns[index].description;
        if group.metadata().column(index).encodings().all(known) {
            let (reader, packing) = self.pages(group, index)?;
            return Ok(Cursor::Pages(Box::new(pages::Pages::new(description, reader, packing))));
        }
        let library = library::Library::new(description, group.get_column_reader(index)?);
        Ok(Cursor::Library(Box::new(library)))
    }

    /// Reads the pages of a column. Those packed with Snappy come as they are, to be unpacked here.
    fn pages(
        &self,
        group: &dyn RowGroupReader,
        index: usize,
    ) -> Result<(Box<dyn PageReader>, Packing), ParquetError> {
        let chunk = group.metadata().column(index);
        if chunk.compression() != Compression::SNAPPY {
            return Ok((group.get_column_page_reader(index)?, Packing::Undone));
        }
        let plain = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let rows = usize::try_from(group.metadata().num_rows())?;
        let reader = SerializedPageReader::new(Arc::clone(&self.file), &plain, rows, None)?;
        Ok((Box::new(reader), Packing::Snappy))
    }

    fn named(&self, fail: Fail, column: usize, row: u64) -> SourceError {
        let column = self.columns[column].name.clone();
        let place = || format!("column `{column}`, near row {row}");
        match fail {
            Fail::Damaged(reason) => damaged(&self.name, self.len, format!("{}: {reason}", place())),
            Fail::Library(error) => named_library(&self.name, self.len, &place(), error),
            Fail::Value(reason) => SourceError::Value { name: self.name.to_string(), row, column, reason },
        }
    }
}

/// How pages come from the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// Unpacked.
    Undone,
    /// As they stand in the file.
    Snappy,
}

/// Reads one column of one row group in steps.
enum Cursor {
    Pages(Box<pages::Pages>),
    Library(Box<library::Library>),
}

impl Cursor {
    /// Returns how many rows can be taken in one piece; 0 where that makes no difference.
    fn rows_at_hand(&mut self, kind: Kind) -> Result<usize, Fail> {
        match self {
            Cursor::Pages(pages) => pages.rows_at_hand(kind),
            Cursor::Library(_) => Ok(0),
        }
    }

    /// Makes a column of the next `rows` texts.
    fn set(&mut self, kind: Kind, rows: usize, out: &mut TextColumn) -> Result<(), Fail> {
        match self {
            Cursor::Pages(pages) => pages.set(kind, rows, out),
            Cursor::Library(library) => library.read(kind, rows, out),
        }
    }

    /// Pushes the next `rows` texts.
    fn read(&mut self, kind: Kind, rows: usize, out: &mut TextColumn) -> Result<(), Fail> {
        match self {
            Cursor::Pages(pages) => pages.read(kind, rows, out),
            Cursor::Library(library) => library.read(kind, rows, out),
        }
    }

    /// Passes over the next `rows` texts.
    fn skip(&mut self, kind: Kind, rows: u64) -> Result<(), Fail> {
        let rows = usize::try_from(rows).map_err(|_| DAMAGED("more rows than memory could hold"))?;
        match self {
            Cursor::Pages(pages) => pages.skip(kind, rows),
            Cursor::Library(library) => library.skip(rows),
        }
    }
}

/// Pushes the texts of ascending rows, from a cursor that stands at row `at`.
fn pick(
    cursor: &mut Cursor,
    kind: Kind,
    mut at: u64,
    mut rows: &[u64],
    out: &mut TextColumn,
) -> Result<(), Fail> {
    while let Some(first) = rows.first() {
        let neighbours = rows.iter().zip(*first..).take_while(|(row, next)| **row == *next).count();
        cursor.skip(kind, first - at)?;
        cursor.read(kind, neighbours, out)?;
        at = first + neighbours as u64;
        rows = &rows[neighbours..];
    }
    Ok(())
}

/// Runs the crate's code on bytes from outside. Some of its decoders panic on damaged pages; that is
/// damage like any other, and no reason for a run to die.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        Err(ParquetError::General(format!("the decoder gave up: {text}")))
    })
}

fn named_library(name: &str, len: u64, place: &str, error: ParquetError) -> SourceError {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => match error.kind() {
                // What decompressors say of bytes that they cannot unpack.
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    damaged(name, len, format!("{place}: {error}"))
                }
                _ => SourceError::io(name, "read")(*error),
            },
            Err(error) => damaged(name, len, format!("{place}: {error}")),
        },
        error => damaged(name, len, format!("{place}: {error}")),
    }
}

fn damaged(name: &str, len: u64, reason: String) -> SourceError {
    SourceError::Damaged { name: name.to_owned(), container: "parquet", offset: len, reason }
}

/// Looks at the magic bytes at both ends and returns the length of the file.
fn check_ends(name: &str, file: &File) -> Result<u64, SourceError> {
    let len = file.metadata().map_err(SourceError::io(name, "read"))?.len();
    if len == 0 {
        return Err(SourceError::Empty { name: name.to_owned() });
    }
    let (mut head, mut tail) = ([0; 4], [0; 4]);
    let tail_at = len.saturating_sub(4);
    for (bytes, at) in [(&mut head, 0), (&mut tail, tail_at)] {
        read_at_most(file, bytes, at).map_err(SourceError::io(name, "read"))?;
    }
    let unsupported = |what, advice| SourceError::Unsupported { name: name.to_owned(), what, advice };
    match (&head, &tail) {
        (b"PAR1", b"PAR1") if len >= 12 => Ok(len),
        (b"PARE", _) | (_, b"PARE") => {
            Err(unsupported("an encrypted Parquet file", "decrypt it where its keys are"))
        }
        (b"PAR1", _) => {
            Err(SourceError::Truncated { name: name.to_owned(), container: "parquet", offset: len })
        }
        _ => Err(unsupported("something else than Parquet", "set `format = \"auto\"` for this side")),
    }
}

/// A file read by position, so that threads do not disturb one another's place.
#[derive(Clone)]
struct Positioned {
    file: Arc<File>,
    len: u64,
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Positioned {
    type T = io::BufReader<PositionedRead>;

    fn get_read(&self, start: u64) -> ::parquet::errors::Result<Self::T> {
        // Only headers of pages are read this way.
        Ok(io::BufReader::with_capacity(
            HEADER_BYTES,
            PositionedRead { file: Arc::clone(&self.file), at: start },
        ))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ::parquet::errors::Result<Bytes> {
        // Checked before the memory is taken: a damaged footer may ask for anything.
        if start.checked_add(length as u64).is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} lie beyond the end at {}",
                self.len
            )));
        }
        let mut lent = Lent::of(length);
        self.file.read_exact_at(lent.bytes_mut(), start)?;
        Ok(Bytes::from_owner(lent))
    }
}

/// Memory for a page, packed or unpacked. It is used again and again by its thread, so that it need
/// not be zeroed each time.
struct Lent {
    bytes: Vec<u8>,
    len: usize,
}

/// Memory that a thread keeps for pages: at most so many pieces of so many bytes.
const KEPT_PIECES: usize = 12;
const KEPT_BYTES_MAX: usize = 2 << 20;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

impl Lent {
    fn of(len: usize) -> Lent {
        let mut bytes = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
        if bytes.len() < len {
            bytes.resize(len, 0);
        }
        Lent { bytes, len }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// Leaves out what is behind `len` bytes.
    fn of_len(mut self, len: usize) -> Lent {
        self.len = self.len.min(len);
        self
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.len() <= KEPT_BYTES_MAX {
            // A thread that ends has given up its store already; then the memory is freed.
            let _ = KEPT.try_with(|kept| {
                let mut kept = kept.borrow_mut();
                if kept.len() < KEPT_PIECES {
                    kept.push(bytes);
                }
            });
        }
    }
}

struct PositionedRead {
    file: Arc<File>,
    at: u64,
}

impl Read for PositionedRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(buf, self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}

/// Bytes read at a time where the header of a page is looked for.
const HEADER_BYTES: usize = 512;

/// Batches are not made smaller than this for the sake of a page's end.
const CUT_ROWS_MIN: usize = if cfg!(test) { 16 } else { 512 };

/// Rows that are picked for one batch.
const PICKED_ROWS: usize = 1024;

/// Text that one column of a batch, or one dictionary, may hold. At 8,192 rows that is 128 KiB a row;
/// beyond it the column is no key of anything.
const COLUMN_BYTES_MAX: usize = 1 << 30;

/// Pushes `rows` texts: nulls where `levels` says so, and for the rest what `write` writes.
#[inline(always)]
fn push_rows<L: Copy + PartialEq>(
    out: &mut TextColumn,
    rows: usize,
    levels: Option<(&[L], L)>,
    mut write: impl FnMut(&mut Vec<u8>) -> Result<(), Fail>,
) -> Result<(), Fail> {
    let mut write = |bytes: &mut Vec<u8>| {
        write(bytes)?;
        if bytes.len() > COLUMN_BYTES_MAX {
            return Err(Fail::Value("the texts around this row take more than 1 GiB"));
        }
        Ok(())
    };
    match levels {
        None => out.push_written(rows, write)?,
        Some((levels, present)) => {
            for level in levels {
                if *level == present {
                    write(out.bytes_mut())?;
                    out.end_text();
                } else {
                    out.push_null();
                }
            }
        }
    }
    Ok(())
}

/// Bytes of a fixed-width physical type; `None` for the others.
fn width(physical: Physical, type_length: i32) -> Option<usize> {
    match physical {
        Physical::INT32 | Physical::FLOAT => Some(4),
        Physical::INT64 | Physical::DOUBLE => Some(8),
        Physical::INT96 => Some(12),
        Physical::FIXED_LEN_BYTE_ARRAY => usize::try_from(type_length).ok(),
        Physical::BOOLEAN | Physical::BYTE_ARRAY => None,
    }
}

#[cfg(test)]
mod tests;
