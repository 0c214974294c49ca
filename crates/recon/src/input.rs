//! The inputs of a run: files opened, headers read, rules fitted.

use crate::csv::{Ends, Kernel, Marks, index};
use crate::digest::Secret;
use crate::error::ReconError;
use crate::layout::Layout;
use crate::limits::{COLUMNS_MAX, MARK_BYTES};
use crate::quotes::QuoteStates;
use crate::record::Side;
use crate::rule::{Encoding, Format, Rules};
use crate::source::parquet::ParquetSource;
use crate::source::{Body, HEAD_BYTES, SourceFile};
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// One input file of a run.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) side: Side,
    /// Index within the side.
    pub(crate) file: u16,
    pub(crate) source: SourceFile,
    pub(crate) layout: Layout,
    pub(crate) encoding: Encoding,
    pub(crate) format: TextFormat,
    pub(crate) access: Access,
    /// Where this input starts in its side's numbering of bytes (plain text) or rows (Parquet).
    pub(crate) base: u64,
    /// Rows before the first data row, counted as a spreadsheet does.
    pub(crate) header_rows: u32,
    /// Bytes before the first data row.
    pub(crate) header_bytes: u64,
    /// Rows that start in each unit, once it has been read.
    pub(crate) rows: Vec<AtomicU32>,
    /// For each stretch of [`MARK_BYTES`]: rows of its unit that start before it.
    pub(crate) marks: Vec<AtomicU32>,
    pub(crate) bytes: u64,
    /// Mean length of the first rows.
    pub(crate) row_bytes_mean: u64,
    pub(crate) unit_bytes: usize,
}

/// How rows are found.
#[derive(Debug)]
pub(crate) enum TextFormat {
    Delimited { marks: Marks },
    Ndjson { columns: Vec<String> },
    Parquet,
}

/// How bytes are read.
#[derive(Debug)]
pub(crate) enum Access {
    /// Any unit by itself, in parallel; a quoted one when the quotes before it are counted.
    Plain { file: File, start: u64, len: u64, quoted: AtomicBool, quotes: QuoteStates },
    /// From the beginning to the end, by one worker.
    Stream,
    /// Row groups by themselves, in parallel.
    RowGroups { rows: Vec<u64> },
}

/// A piece of work of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) input: u32,
    pub(crate) unit: u32,
}

impl Input {
    /// Opens a file, reads its header and fits the rules to it.
    pub(crate) fn open(
        source: SourceFile,
        side: Side,
        file: u16,
        rules: &Rules,
        secret: &Secret,
        unit_bytes: usize,
    ) -> Result<Input, ReconError> {
        let own = &rules.sides[side.index()];
        let mut own = own.clone();
        if own.format == Format::Auto {
            let found = source.detect(own.encoding)?;
            own.format = found.format;
            own.delimiter = found.delimiter;
        }
        let name = source.name().to_owned();
        if own.format == Format::Parquet {
            let parquet = ParquetSource::open(&source)?;
            let header = parquet.columns();
            let layout = Layout::new(rules, side, &name, &header, secret)?;
            let rows = parquet.row_groups();
            let units = rows.len();
            return Ok(Input {
                side,
                file,
                layout,
                encoding: own.encoding,
                format: TextFormat::Parquet,
                base: 0,
                header_rows: 0,
                header_bytes: 0,
                rows: counters(units),
                marks: Vec::new(),
                bytes: source.stored_len(),
                row_bytes_mean: 1,
                unit_bytes,
                access: Access::RowGroups { rows },
                source,
            });
        }
        let opened = source.open(own.encoding)?;
        let head_lines = memchr::memchr_iter(b'\n', &opened.head).count().max(1);
        let row_bytes_mean = (opened.head.len() / head_lines) as u64;
        let (header, header_rows, header_bytes, format) = if own.format == Format::Ndjson {
            let header = wanted_columns(rules, side);
            (header.clone(), 0, 0, TextFormat::Ndjson { columns: header })
        } else {
            let marks = Marks {
                delimiter: if own.format == Format::Tsv { b'\t' } else { own.delimiter },
                quote: own.quote,
            };
            let header =
                read_header(&name, &opened.head, opened.head_is_all, marks, own.skip_lines, own.header)?;
            (header.names, header.rows, header.bytes, TextFormat::Delimited { marks })
        };
        let layout = Layout::new(rules, side, &name, &header, secret)?;
        let quoted = match &format {
            TextFormat::Delimited { marks } => {
                marks.quote.is_some_and(|q| memchr::memchr(q, &opened.head).is_some())
            }
            _ => false,
        };
        let (access, units, marks, bytes) = match opened.body {
            Body::Plain { file, start, len } => {
                let units = usize::try_from(len.div_ceil(unit_bytes as u64)).expect("an addressable file");
                let marks = usize::try_from(len.div_ceil(MARK_BYTES as u64)).expect("an addressable file");
                let quoted = AtomicBool::new(quoted);
                let quotes = QuoteStates::new(units);
                (Access::Plain { file, start, len, quoted, quotes }, units, marks, len)
            }
            Body::Stream(_) => (Access::Stream, 1, 0, source.stored_len()),
        };
        Ok(Input {
            side,
            file,
            layout,
            encoding: own.encoding,
            format,
            access,
            base: 0,
            header_rows,
            header_bytes,
            rows: counters(units),
            marks: counters(marks),
            bytes,
            row_bytes_mean,
            unit_bytes,
            source,
        })
    }

    /// Returns the name as shown to people.
    pub(crate) fn name(&self) -> &str {
        self.source.name()
    }

    /// Whether units can be read by themselves.
    pub(crate) fn in_units(&self) -> bool {
        match &self.access {
            Access::Plain { .. } | Access::RowGroups { .. } => true,
            Access::Stream => false,
        }
    }

    /// Returns what is known of the quotes of the units, for an input with quotes.
    pub(crate) fn quotes(&self) -> Option<&QuoteStates> {
        match &self.access {
            Access::Plain { quoted, quotes, .. } if quoted.load(Ordering::Relaxed) => Some(quotes),
            _ => None,
        }
    }

    /// Notes that the input has quotes: from now on line ends within them end no row. What was noted
    /// of its rows before is forgotten.
    pub(crate) fn heed_quotes(&self) {
        let Access::Plain { quoted, .. } = &self.access else { return };
        if !quoted.swap(true, Ordering::Relaxed) {
            for counter in self.rows.iter().chain(&self.marks) {
                counter.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Whether rows can be found by their location: plain text without quotes by offset, Parquet by
    /// row.
    pub(crate) fn by_location(&self) -> bool {
        self.in_units() && self.quotes().is_none() && !matches!(self.format, TextFormat::Ndjson { .. })
    }

    /// Returns how many locations the input takes of its side's numbering.
    pub(crate) fn locations(&self) -> u64 {
        match &self.access {
            Access::RowGroups { rows } => rows.iter().sum(),
            Access::Plain { .. } | Access::Stream => self.bytes,
        }
    }

    /// Returns the row marks of a unit.
    pub(crate) fn marks_of(&self, unit: u32) -> &[AtomicU32] {
        let per_unit = self.unit_bytes / MARK_BYTES;
        let start = (unit as usize * per_unit).min(self.marks.len());
        &self.marks[start..(start + per_unit).min(self.marks.len())]
    }

    /// Appends the jobs that read the whole input.
    pub(crate) fn jobs(&self, input: usize, jobs: &mut Vec<Job>) {
        let input = u32::try_from(input).expect("few inputs");
        let units = if self.in_units() { self.rows.len() } else { 1 };
        jobs.extend((0..units).map(|unit| Job { input, unit: u32::try_from(unit).expect("few units") }));
    }

    /// Returns the number of the last row before a unit, once all units have been read.
    pub(crate) fn rows_before(&self) -> Vec<u64> {
        let mut before = 0;
        self.rows
            .iter()
            .map(|rows| {
                let here = before;
                before += u64::from(rows.load(Ordering::Relaxed));
                here
            })
            .collect()
    }
}

fn counters(count: usize) -> Vec<AtomicU32> {
    (0..count).map(|_| AtomicU32::new(0)).collect()
}

/// The names of the columns that the rules ask of a side: an NDJSON file has no header to fit.
fn wanted_columns(rules: &Rules, side: Side) -> Vec<String> {
    let mut names: Vec<String> =
        rules.sides[side.index()].columns().into_iter().map(|c| c.0.clone()).collect();
    names.sort();
    names.dedup();
    names
}

struct Header {
    names: Vec<String>,
    rows: u32,
    bytes: u64,
}

fn read_header(
    file: &str,
    head: &[u8],
    head_is_all: bool,
    marks: Marks,
    skip_lines: u32,
    has_header: bool,
) -> Result<Header, ReconError> {
    let fail = |message: &str| ReconError::Header { file: file.to_owned(), message: message.to_owned() };
    let mut start = 0;
    for line in 0..skip_lines {
        match memchr::memchr(b'\n', &head[start..]) {
            Some(at) => start += at + 1,
            None => {
                return Err(fail(&format!(
                    "has only {line} of the {skip_lines} lines to skip before its header"
                )));
            }
        }
    }
    let mut ends = Ends::default();
    index::index(Kernel::Plain, head, start, head.len(), marks, &mut ends);
    let end = match ends.lines.first() {
        Some(end) => *end as usize,
        None if head_is_all => {
            ends.fields.push(u32::try_from(head.len()).expect("a short head"));
            head.len()
        }
        None if head.len() < HEAD_BYTES => {
            return Err(fail("its beginning cannot be read as a line of text; is this delimited text?"));
        }
        None => return Err(fail("the first line is longer than 64 KiB; is this delimited text?")),
    };
    let mut names = Vec::new();
    let mut field_start = start;
    for (at, field_end) in ends.fields.iter().map(|e| *e as usize).take_while(|e| *e <= end).enumerate() {
        let name = if has_header {
            let raw = head[field_start..field_end].trim_ascii();
            let raw = marks.quote.map_or_else(|| raw.to_vec(), |q| crate::csv::unquoted(raw, q));
            String::from_utf8_lossy(&raw).trim().to_owned()
        } else {
            format!("#{}", at + 1)
        };
        names.push(name);
        field_start = field_end + 1;
    }
    if names.len() > COLUMNS_MAX {
        return Err(fail(&format!("has {} columns; the limit is {COLUMNS_MAX}", names.len())));
    }
    if has_header && names.iter().all(String::is_empty) {
        return Err(fail("the header line is empty; set skip_lines, or header = false"));
    }
    let (rows, bytes) =
        if has_header { (skip_lines + 1, (end + 1).min(head.len())) } else { (skip_lines, start) };
    Ok(Header { names, rows, bytes: bytes as u64 })
}
