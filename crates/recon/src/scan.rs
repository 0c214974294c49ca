//! Reads all inputs once, in parallel, and shows every row to a visitor.
//!
//! Plain files are cut into units of half a megabyte, which workers take in turn and read by
//! themselves: a unit owns the rows that start in it. Compressed, transcoded and quoted files are
//! read from the beginning by one worker each. Parquet goes by row groups.

use crate::csv::{ChunkRow, Ends, Kernel, NoRow, UnquotedRow, index, rows};
use crate::error::ReconError;
use crate::input::{Access, Input, Job, TextFormat};
use crate::layout::Col;
use crate::limits::{MARK_BYTES, ROW_BYTES_MAX};
use crate::reader::{Fields, Reader, RowError, Totals};
use crate::record::Words;
use crate::source::batch::TextBatch;
use crate::source::ndjson::{LineError, LineReader};
use crate::source::parquet::ParquetSource;
use crate::source::{Body, SourceError};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Rows of a Parquet file or lines of NDJSON that are taken at a time.
const BATCH_ROWS: usize = 8192;

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    /// Unit of its input.
    pub(crate) unit: u32,
    /// Rows of the unit before it; for inputs that one worker reads, rows of the file before it.
    pub(crate) row: u32,
    /// Byte offset in the decoded file; row of the file for Parquet.
    pub(crate) offset: u64,
    /// The row as it stands in the file, where there is such a thing.
    pub(crate) raw: &'a [u8],
}

/// What is done with each row.
pub(crate) trait Visitor: Send {
    /// Whether the visitor looks only at columns that decide, so that others need not be read.
    const DECIDING_ONLY: bool = false;

    /// Takes a row, or the reason why it is none.
    fn visit<F: Fields>(
        &mut self,
        input: &Input,
        reader: &mut Reader<'_>,
        row: Result<&F, RowError>,
        at: At<'_>,
    ) -> Result<(), ReconError>;

    /// Learns that a job is about to be read.
    fn job_starts(&mut self, job: Job) -> Result<(), ReconError> {
        let _ = job;
        Ok(())
    }

    /// Learns that the caller asked to stop: the last chance to keep what was read.
    fn stopped(&mut self) -> Result<(), ReconError> {
        Ok(())
    }

    /// Learns that a whole job is done, with the totals of its rows.
    fn job_done(&mut self, job: Job, input: &Input, reader: &mut Reader<'_>) -> Result<(), ReconError>;
}

/// What a run shares among threads while it reads.
#[derive(Debug)]
pub(crate) struct Control<'a> {
    pub(crate) threads: usize,
    pub(crate) kernel: Kernel,
    pub(crate) words: &'a Mutex<Words>,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) bytes_done: &'a AtomicU64,
    pub(crate) rows_done: &'a AtomicU64,
}

/// Runs `jobs` over `inputs`, one visitor a thread, and returns the visitors.
pub(crate) fn scan<V: Visitor>(
    inputs: &[Input],
    jobs: &[Job],
    control: &Control<'_>,
    visitors: Vec<V>,
) -> Result<Vec<V>, ReconError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Result<V, ReconError>> = std::thread::scope(|scope| {
        let workers: Vec<_> = visitors
            .into_iter()
            .map(|mut visitor| {
                let (next, failed) = (&next, &failed);
                scope.spawn(move || {
                    let mut worker = Worker::new(inputs, control);
                    while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if control.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed) {
                            break;
                        }
                        let done = visitor.job_starts(*job).and_then(|()| worker.run(*job, &mut visitor));
                        match done {
                            // A long job was given up in its middle.
                            Err(ReconError::Interrupted) => break,
                            Err(error) => {
                                failed.store(true, Ordering::Relaxed);
                                return Err(error);
                            }
                            Ok(()) => {}
                        }
                    }
                    if control.stop.load(Ordering::Relaxed) {
                        visitor.stopped()?;
                    }
                    Ok(visitor)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let visitors = results.into_iter().collect::<Result<Vec<V>, _>>()?;
    if control.stop.load(Ordering::Relaxed) {
        return Err(ReconError::Interrupted);
    }
    Ok(visitors)
}

/// One thread's buffers and the reader of its current input.
struct Worker<'a> {
    inputs: &'a [Input],
    control: &'a Control<'a>,
    current: Option<(u32, Reader<'a>)>,
    text: Vec<u8>,
    ends: Ends,
    batch: TextBatch,
    unquoted: UnquotedRow,
}

impl<'a> Worker<'a> {
    fn new(inputs: &'a [Input], control: &'a Control<'a>) -> Self {
        Worker {
            inputs,
            control,
            current: None,
            text: Vec::new(),
            ends: Ends::default(),
            batch: TextBatch::default(),
            unquoted: UnquotedRow::default(),
        }
    }

    fn run<V: Visitor>(&mut self, job: Job, visitor: &mut V) -> Result<(), ReconError> {
        let input = &self.inputs[job.input as usize];
        let mut reader = match self.current.take() {
            Some((at, reader)) if at == job.input => reader,
            _ => Reader::new(&input.layout, self.control.words),
        };
        let rows = match (&input.access, &input.format) {
            (Access::Plain { file, start, len, .. }, _) if input.in_units() => {
                let unit = Unit { file, body: *start, len: *len, number: job.unit };
                self.unit(input, &unit, &mut reader, visitor)?
            }
            (Access::Plain { file, start, len, .. }, _) => {
                let body = Section { file, at: *start, end: start + len };
                self.stream(input, Box::new(body), &mut reader, visitor)?
            }
            (Access::Stream, _) => {
                let opened = input.source.open(input.encoding)?;
                let body: Box<dyn Read + Send> = match opened.body {
                    Body::Stream(stream) => stream,
                    Body::Plain { .. } => return Err(ReconError::Changed { file: input.name().to_owned() }),
                };
                self.stream(input, body, &mut reader, visitor)?
            }
            (Access::RowGroups { .. }, _) => self.row_group(input, job.unit, &mut reader, visitor)?,
        };
        let before = input.rows[job.unit as usize].swap(rows, Ordering::Relaxed);
        // A second reading must find as many rows as the first.
        if before != 0 && before != rows {
            return Err(ReconError::Changed { file: input.name().to_owned() });
        }
        self.control.rows_done.fetch_add(u64::from(rows), Ordering::Relaxed);
        visitor.job_done(job, input, &mut reader)?;
        reader.totals = Totals::default();
        self.current = Some((job.input, reader));
        Ok(())
    }

    /// Reads one unit of a plain file.
    fn unit<V: Visitor>(
        &mut self,
        input: &Input,
        unit: &Unit<'_>,
        reader: &mut Reader<'_>,
        visitor: &mut V,
    ) -> Result<u32, ReconError> {
        let from = unit.number as u64 * input.unit_bytes as u64;
        let header_bytes = input.header_bytes;
        let mut text = std::mem::take(&mut self.text);
        let span = unit.load(input, from, &mut text)?;
        let base = span.offset;
        // The unit with the header counts the header's rows as its own.
        let mut rows_before = 0;
        let first = if header_bytes > from || from == 0 {
            if header_bytes >= from && header_bytes < from + input.unit_bytes as u64 {
                rows_before = input.header_rows;
            }
            (header_bytes - base).min(span.text as u64) as usize
        } else {
            match memchr::memchr(b'\n', &text[..span.text]) {
                Some(at) => at + 1,
                None => span.text,
            }
        };
        let limit = (from + input.unit_bytes as u64 - base).min(span.text as u64) as usize;
        let done = if first < limit {
            let mut ends = std::mem::take(&mut self.ends);
            let done = self.chunk(
                input,
                &text[..],
                Piece { first, limit, to: span.text, base, rows_before },
                &mut ends,
                unit.number,
                reader,
                visitor,
            );
            self.ends = ends;
            done?.0
        } else {
            0
        };
        self.text = text;
        let bytes = (unit.len - from).min(input.unit_bytes as u64);
        self.control.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        Ok(rows_before + done)
    }

    /// Shows the rows of a piece of text to the visitor. Returns how many started in it, and where
    /// the row after the last complete one starts.
    #[expect(clippy::too_many_arguments, reason = "the pieces of a worker, borrowed apart")]
    #[inline(always)]
    fn chunk<V: Visitor>(
        &mut self,
        input: &Input,
        text: &[u8],
        piece: Piece,
        ends: &mut Ends,
        unit: u32,
        reader: &mut Reader<'_>,
        visitor: &mut V,
    ) -> Result<(u32, usize), ReconError> {
        match &input.format {
            TextFormat::Delimited { marks } => {
                let quotes = index::index(self.control.kernel, text, piece.first, piece.to, *marks, ends);
                let in_units = input.in_units();
                if quotes.seen && in_units {
                    let input = self.inputs.iter().position(|i| std::ptr::eq(i, input)).unwrap_or(0);
                    return Err(ReconError::QuotesSeen { input });
                }
                let mut next_mark = mark_after(piece.base + piece.first as u64, in_units);
                let width = input.layout.header.len();
                rows(text, ends, width, piece.first, piece.limit, |chunk: ChunkRow<'_>| {
                    let number = piece.rows_before + chunk.number;
                    let offset = piece.base + chunk.start as u64;
                    if offset >= next_mark {
                        set_marks(input, offset, &mut next_mark, number, unit);
                    }
                    let at = At { unit, row: number, offset, raw: &text[chunk.start..chunk.end] };
                    match chunk.row {
                        Ok(row) if !quotes.seen => visitor.visit(input, reader, Ok(&row), at),
                        Ok(row) => {
                            self.unquoted.fill(&row, marks.quote.unwrap_or(b'"'));
                            visitor.visit(input, reader, Ok(&self.unquoted), at)
                        }
                        Err(NoRow::Blank) => Ok(()),
                        Err(NoRow::FieldCount { found }) => {
                            let error = RowError::FieldCount { found, wanted: width };
                            visitor.visit::<UnquotedRow>(input, reader, Err(error), at)
                        }
                    }
                })
            }
            TextFormat::Ndjson { columns } => {
                let needed = &input.layout.needed;
                let names: Vec<String> = needed.iter().map(|n| columns[*n].clone()).collect();
                self.lines(input, text, piece, &names, unit, reader, visitor)
            }
            TextFormat::Parquet => unreachable!("Parquet is read by row groups"),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the pieces of a worker, borrowed apart")]
    fn lines<V: Visitor>(
        &mut self,
        input: &Input,
        text: &[u8],
        piece: Piece,
        columns: &[String],
        unit: u32,
        reader: &mut Reader<'_>,
        visitor: &mut V,
    ) -> Result<(u32, usize), ReconError> {
        // Whole lines that start before the limit.
        let end = match memchr::memchr(b'\n', &text[piece.limit.max(1) - 1..piece.to]) {
            Some(at) => piece.limit.max(1) - 1 + at + 1,
            None => memchr::memrchr(b'\n', &text[piece.first..piece.to])
                .map_or(piece.first, |at| piece.first + at + 1),
        };
        let lines = &text[piece.first..end];
        let mut batch = std::mem::take(&mut self.batch);
        if batch.columns().len() != columns.len() {
            batch = TextBatch::new(columns.len());
        }
        let mut errors: Vec<LineError> = Vec::new();
        let mut line_reader = LineReader::new(columns);
        let count = line_reader.read_lines(lines, piece.base + piece.first as u64, &mut batch, &mut errors);
        let mut errors = errors.into_iter().peekable();
        let raw = |offset: u64| {
            let line = &text[(offset - piece.base) as usize..end];
            &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())]
        };
        let show_error = |error: LineError, reader: &mut Reader<'_>, visitor: &mut V| {
            let at = At {
                unit,
                row: piece.rows_before + error.line,
                offset: error.offset,
                raw: raw(error.offset),
            };
            let reason = RowError::Json { column: error.column as usize, message: error.message };
            visitor.visit::<UnquotedRow>(input, reader, Err(reason), at)
        };
        for row in 0..batch.rows() {
            let place = batch.places()[row];
            while let Some(error) = errors.next_if(|e| e.line < place.line) {
                show_error(error, reader, visitor)?;
            }
            let at = At {
                unit,
                row: piece.rows_before + place.line,
                offset: place.offset,
                raw: raw(place.offset),
            };
            visitor.visit(input, reader, Ok(&BatchRow { batch: &batch, row, columns: None }), at)?;
        }
        for error in errors {
            show_error(error, reader, visitor)?;
        }
        self.batch = batch;
        Ok((count, end))
    }

    /// Reads an input from beginning to end.
    fn stream<V: Visitor>(
        &mut self,
        input: &Input,
        mut body: Box<dyn Read + Send + '_>,
        reader: &mut Reader<'_>,
        visitor: &mut V,
    ) -> Result<u32, ReconError> {
        let fail = |error| ReconError::Source(SourceError::from_read(input.name(), error));
        let mut text = std::mem::take(&mut self.text);
        let mut ends = std::mem::take(&mut self.ends);
        text.clear();
        // Where the text stands in the file, and the rows before it.
        let mut base = 0_u64;
        let mut rows_before = input.header_rows;
        let mut skip = input.header_bytes as usize;
        let mut room = input.unit_bytes;
        let mut at_end = false;
        let mut seen = 0_u64;
        let stored = input.source.stored_len();
        while !at_end {
            if self.control.stop.load(Ordering::Relaxed) {
                return Err(ReconError::Interrupted);
            }
            let had = text.len();
            let got =
                body.by_ref().take((room - had.min(room)) as u64).read_to_end(&mut text).map_err(fail)?;
            at_end = got == 0;
            if at_end && !text.is_empty() && text.last() != Some(&b'\n') {
                text.push(b'\n');
            }
            if text.len() <= skip && !at_end {
                room += input.unit_bytes;
                continue;
            }
            let to = text.len();
            // Room behind the text lets the reader load words without looking at its end.
            text.resize(to + 64, 0);
            let first = skip.min(to);
            let piece = Piece { first, limit: to, to, base, rows_before };
            let (done, next) = self.chunk(input, &text, piece, &mut ends, 0, reader, visitor)?;
            text.truncate(to);
            skip = 0;
            rows_before += done;
            if at_end && next < to {
                // Only an open quote leaves text behind at the end.
                let at = At {
                    unit: 0,
                    row: rows_before,
                    offset: base + next as u64,
                    raw: &text[next..to.min(next + 4096)],
                };
                visitor.visit::<UnquotedRow>(input, reader, Err(RowError::OpenQuote), at)?;
                rows_before += 1;
            }
            if next == 0 && to >= ROW_BYTES_MAX {
                return Err(ReconError::RowTooLong {
                    file: input.name().to_owned(),
                    offset: base,
                    limit: ROW_BYTES_MAX,
                });
            }
            text.drain(..next.min(to));
            base += next as u64;
            room = if text.len() * 2 > room {
                (text.len() * 2).min(ROW_BYTES_MAX + input.unit_bytes)
            } else {
                input.unit_bytes.max(text.len() * 2)
            };
            // Progress is counted in stored bytes; for a compressed file its share is not known, so
            // it is held at its size.
            let add = (got as u64).min(stored.saturating_sub(seen));
            seen += add;
            self.control.bytes_done.fetch_add(add, Ordering::Relaxed);
        }
        self.text = text;
        self.ends = ends;
        Ok(rows_before)
    }

    fn row_group<V: Visitor>(
        &mut self,
        input: &Input,
        group: u32,
        reader: &mut Reader<'_>,
        visitor: &mut V,
    ) -> Result<u32, ReconError> {
        let Access::RowGroups { rows } = &input.access else { unreachable!("called for Parquet only") };
        let first: u64 = rows[..group as usize].iter().sum();
        let parquet = ParquetSource::open(&input.source)?;
        let mut number = 0_u32;
        let mut failed = Ok(());
        let needed = &input.layout.needed;
        // Which column of the batch holds each needed column.
        let mut columns: Vec<u32> = Vec::new();
        let wanted: Vec<usize> = if V::DECIDING_ONLY {
            columns.resize(needed.len(), 0);
            for (at, slot) in input.layout.deciding.iter().enumerate() {
                columns[*slot as usize] = at as u32;
            }
            input.layout.deciding.iter().map(|slot| needed[*slot as usize]).collect()
        } else {
            needed.clone()
        };
        let columns = V::DECIDING_ONLY.then_some(columns.as_slice());
        parquet.read_group(group as usize, &wanted, BATCH_ROWS, |batch| {
            for row in 0..batch.rows() {
                if failed.is_err() {
                    return;
                }
                let at = At { unit: group, row: number, offset: first + u64::from(number), raw: b"" };
                failed = visitor.visit(input, reader, Ok(&BatchRow { batch, row, columns }), at);
                number += 1;
            }
        })?;
        failed?;
        let total: u64 = rows.iter().sum::<u64>().max(1);
        self.control.bytes_done.fetch_add(
            (u128::from(input.bytes) * u128::from(number) / u128::from(total)) as u64,
            Ordering::Relaxed,
        );
        Ok(number)
    }
}

/// A piece of text to show to the visitor.
#[derive(Clone, Copy)]
struct Piece {
    /// Where its first row starts.
    first: usize,
    /// Rows that start here or later are not its own.
    limit: usize,
    /// Where the text ends.
    to: usize,
    /// Where the text starts in the file.
    base: u64,
    /// Rows of the unit (or file) before the first.
    rows_before: u32,
}

fn mark_after(offset: u64, wanted: bool) -> u64 {
    if wanted { offset / MARK_BYTES as u64 * MARK_BYTES as u64 } else { u64::MAX }
}

/// Notes how many rows of the unit start before each stretch up to the one with `offset`.
#[inline(never)]
fn set_marks(input: &Input, offset: u64, next_mark: &mut u64, rows_before: u32, unit: u32) {
    let unit_start = u64::from(unit) * input.unit_bytes as u64;
    while *next_mark <= offset {
        let stretch = (*next_mark / MARK_BYTES as u64) as usize;
        if *next_mark >= unit_start
            && let Some(mark) = input.marks.get(stretch)
        {
            // The file's first stretch begins with its header, which nothing precedes.
            mark.store(if stretch == 0 { 0 } else { rows_before }, Ordering::Relaxed);
        }
        *next_mark += MARK_BYTES as u64;
    }
}

struct Unit<'a> {
    file: &'a File,
    body: u64,
    len: u64,
    number: u32,
}

struct Span {
    /// Where the loaded text starts in the body.
    offset: u64,
    /// Bytes of text; behind them the buffer has room for wide loads.
    text: usize,
}

impl Unit<'_> {
    /// Loads the unit with the byte before it and enough behind it to complete its last row.
    fn load(&self, input: &Input, from: u64, text: &mut Vec<u8>) -> Result<Span, ReconError> {
        let start = from.saturating_sub(1);
        let own_end = (from + input.unit_bytes as u64).min(self.len);
        let mut reach = own_end.saturating_add(4096).min(self.len);
        let mut have = 0_usize;
        loop {
            let want = (reach - start) as usize;
            if text.len() < want + 128 {
                text.resize(want + 128, 0);
            }
            while have < want {
                let got = self
                    .file
                    .read_at(&mut text[have..want], self.body + start + have as u64)
                    .map_err(|e| ReconError::Source(SourceError::from_read(input.name(), e)))?;
                if got == 0 {
                    return Err(ReconError::Changed { file: input.name().to_owned() });
                }
                have += got;
            }
            if reach == self.len {
                // The last row of a file may lack its line end.
                if have > 0 && text[have - 1] != b'\n' {
                    text[have] = b'\n';
                    have += 1;
                }
                return Ok(Span { offset: start, text: have });
            }
            let last_own = (own_end - 1 - start) as usize;
            if memchr::memchr(b'\n', &text[last_own..have]).is_some() {
                return Ok(Span { offset: start, text: have });
            }
            if have - last_own > ROW_BYTES_MAX {
                return Err(ReconError::RowTooLong {
                    file: input.name().to_owned(),
                    offset: own_end,
                    limit: ROW_BYTES_MAX,
                });
            }
            reach = (reach + (have as u64).max(4096)).min(self.len);
        }
    }
}

/// A stretch of a file as a reader.
struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let got = self.file.read_at(&mut buffer[..len], self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// One row of a batch of columns.
pub(crate) struct BatchRow<'a> {
    pub(crate) batch: &'a TextBatch,
    pub(crate) row: usize,
    /// For each slot its column in the batch; the same number where there is no list.
    pub(crate) columns: Option<&'a [u32]>,
}

impl BatchRow<'_> {
    #[inline(always)]
    fn column(&self, col: Col) -> usize {
        self.columns.map_or(col.slot, |columns| columns[col.slot as usize]) as usize
    }
}

impl Fields for BatchRow<'_> {
    #[inline(always)]
    fn field(&self, col: Col) -> &[u8] {
        self.batch.get(self.column(col), self.row).unwrap_or(b"")
    }

    #[inline(always)]
    fn head32(&self, col: Col) -> Option<([u64; 4], usize)> {
        let (head, len) = self.batch.head32(self.column(col), self.row)?;
        Some((crate::digest::words_of(head), len))
    }

    #[inline(always)]
    fn tail16(&self, col: Col) -> Option<([u8; 16], usize)> {
        self.batch.tail16(self.column(col), self.row)
    }
    #[inline(always)]
    fn number(&self, col: Col) -> Option<(i64, u8)> {
        self.batch.number(self.column(col), self.row)
    }

    #[inline(always)]
    fn entry(&self, col: Col) -> Option<(u64, u32)> {
        self.batch.entry(self.column(col), self.row)
    }
}
