//! The formats in which a side is written.

mod columnar;

use super::DayFormat;
use super::column::{Column, ValueKind, Writing, columns};
use super::error::SimError;
use super::line::{Defect, Line};
use super::plan::{Plan, Side};
use columnar::ColumnFile;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file of rows.
pub(super) enum Sink<'a> {
    Csv(TextFile<'a>),
    Ndjson(TextFile<'a>),
    Parquet(Box<ColumnFile<'a>>),
}

/// How many columns a row without its last fields still has.
const SHORT_ROW_COLUMNS: usize = 3;

impl<'a> Sink<'a> {
    /// Creates the file of a side in a directory.
    pub(super) fn create(plan: &'a Plan, side: Side, dir: &Path) -> Result<Self, SimError> {
        let path = dir.join(format!("{}.{}", side.file_stem(), plan.format.extension()));
        let writing = Writing { side, currencies: &plan.currencies };
        let columns = columns(side, plan.layout);
        match plan.format {
            DayFormat::Csv => {
                let mut file = TextFile::create(path, writing, columns)?;
                file.put_header();
                Ok(Sink::Csv(file))
            }
            DayFormat::Ndjson => Ok(Sink::Ndjson(TextFile::create(path, writing, columns)?)),
            DayFormat::Parquet => Ok(Sink::Parquet(Box::new(ColumnFile::create(path, writing, columns)?))),
        }
    }

    /// Appends a row.
    #[inline]
    pub(super) fn put(&mut self, line: &Line) -> Result<(), SimError> {
        match self {
            Sink::Csv(file) => file.put_csv(line),
            Sink::Ndjson(file) => file.put_ndjson(line),
            Sink::Parquet(file) => file.put(line),
        }
    }

    /// Writes what is left and returns the size of the file in bytes.
    pub(super) fn finish(self) -> Result<(PathBuf, u64), SimError> {
        match self {
            Sink::Csv(file) | Sink::Ndjson(file) => file.finish(),
            Sink::Parquet(file) => file.finish(),
        }
    }
}

/// A file of lines, written a mebibyte at a time.
pub(super) struct TextFile<'a> {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    bytes: u64,
    writing: Writing<'a>,
    columns: Vec<Column>,
}

const BUFFER_BYTES: usize = 1 << 20;
const LINE_BYTES_MAX: usize = 1 << 10;

impl<'a> TextFile<'a> {
    fn create(path: PathBuf, writing: Writing<'a>, columns: Vec<Column>) -> Result<Self, SimError> {
        let file = create_file(&path)?;
        let buffer = Vec::with_capacity(BUFFER_BYTES + LINE_BYTES_MAX);
        Ok(TextFile { path, file, buffer, bytes: 0, writing, columns })
    }

    fn put_header(&mut self) {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name(self.writing.side)).collect();
        self.buffer.extend_from_slice(names.join(",").as_bytes());
        self.buffer.push(b'\n');
    }

    #[inline]
    fn put_csv(&mut self, line: &Line) -> Result<(), SimError> {
        let columns = match line.defect {
            Some(Defect::FieldsMissing) => &self.columns[..SHORT_ROW_COLUMNS],
            _ => &self.columns[..],
        };
        for column in columns {
            // The one value that holds a comma is a grouped amount.
            let quoted = line.defect == Some(Defect::AmountGrouped) && *column == Column::Amount;
            if quoted {
                self.buffer.push(b'"');
            }
            self.writing.put(&mut self.buffer, *column, line);
            if quoted {
                self.buffer.push(b'"');
            }
            self.buffer.push(b',');
        }
        // The last comma becomes the end of the line.
        if let Some(last) = self.buffer.last_mut() {
            *last = b'\n';
        }
        self.flush_when_full()
    }

    /// Null values are left out; minor units are numbers, all else is text.
    fn put_ndjson(&mut self, line: &Line) -> Result<(), SimError> {
        self.buffer.push(b'{');
        for column in &self.columns {
            let start = self.buffer.len();
            let is_number = column.value_kind(self.writing.side) == ValueKind::Minor && line.defect.is_none();
            self.buffer.push(b'"');
            self.buffer.extend_from_slice(column.name(self.writing.side).as_bytes());
            self.buffer.extend_from_slice(if is_number { b"\":" } else { b"\":\"" });
            let value_start = self.buffer.len();
            self.writing.put(&mut self.buffer, *column, line);
            let missing = line.defect == Some(Defect::FieldsMissing) && *column == Column::Amount;
            if missing || self.buffer.len() == value_start {
                self.buffer.truncate(start);
                continue;
            }
            self.buffer.extend_from_slice(if is_number { b"," } else { b"\"," });
        }
        self.buffer.pop();
        self.buffer.extend_from_slice(b"}\n");
        self.flush_when_full()
    }

    #[inline]
    fn flush_when_full(&mut self) -> Result<(), SimError> {
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.flush() }
    }

    #[cold]
    fn flush(&mut self) -> Result<(), SimError> {
        self.bytes += self.buffer.len() as u64;
        self.file.write_all(&self.buffer).map_err(|source| trouble(&self.path, source))?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(PathBuf, u64), SimError> {
        self.flush()?;
        Ok((self.path, self.bytes))
    }
}

pub(super) fn create_file(path: &Path) -> Result<File, SimError> {
    File::create(path).map_err(|source| SimError::Io { doing: "create", path: path.to_owned(), source })
}

pub(super) fn trouble(path: &Path, source: std::io::Error) -> SimError {
    SimError::Io { doing: "write", path: path.to_owned(), source }
}
