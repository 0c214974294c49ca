//! Reads all inputs once, in parallel, and shows every row to a visitor.
//!
//! Plain files are cut into units of half a megabyte, which workers take in turn and read by
//! themselves: a unit owns the rows that start in it. In files with quotes a unit first learns
//! whether it starts inside them ([`crate::quotes`]). Compressed and transcoded files are read from
//! the beginning by one worker each. Parquet goes by row groups.

use crate::ahead::{STRETCH_BYTES, read_ahead};
use crate::csv::{ChunkRow, CsvRow, Ends, Kernel, NoRow, Unquoting, index, rows};
use crate::error::ReconError;
use crate::input::{Access, Input, Job, TextFormat};
use crate::layout::Col;
use crate::limits::{MARK_BYTES, ROW_BYTES_MAX};
use crate::quotes::{line_end, odd_quotes};
use crate::reader::{Fields, Reader, RowError, Totals};
use crate::record::Words;
use crate::sizes::Sizes;
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
    let results: Vec<Result<V, (usize, ReconError)>> = std::thread::scope(|scope| {
        let workers: Vec<_> = visitors
            .into_iter()
            .map(|mut visitor| {
                let (next, failed) = (&next, &failed);
                scope.spawn(move || {
                    let mut worker = Worker::new(inputs, control, failed);
                    // A job that was taken is always begun: others may wait for what it finds.
                    while !control.stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(number) else { break };
                        let guard = FailOnPanic(failed);
                        let done = visitor.job_starts(*job).and_then(|()| worker.run(*job, &mut visitor));
                        std::mem::forget(guard);
                        match done {
                            // A long job was given up in its middle.
                            Err(ReconError::Interrupted) => break,
                            Err(error) => {
                                failed.store(true, Ordering::Relaxed);
                                return Err((number, error));
                            }
                            Ok(()) => {}
                        }
                    }
                    if control.stop.load(Ordering::Relaxed) {
                        visitor.stopped().map_err(|error| (usize::MAX, error))?;
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
    let (mut visitors, mut first_error) = (Vec::new(), None);
    for result in results {
        match result {
            Ok(visitor) => visitors.push(visitor),
            // Jobs are taken in order, and only those behind a failed one are given up, so the first of
            // several errors is the one that any number of threads would find.
            Err((number, error)) => {
                if first_error.as_ref().is_none_or(|(first, _)| number < *first) {
                    first_error = Some((number, error));
                }
            }
        }
    }
    if let Some((_, error)) = first_error {
        return Err(error);
    }
    if control.stop.load(Ordering::Relaxed) {
        return Err(ReconError::Interrupted);
    }
    Ok(visitors)
}

/// Tells the other workers when one of them panics, for they may be waiting for it.
struct FailOnPanic<'a>(&'a AtomicBool);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One thread's buffers and the reader of its current input.
struct Worker<'a> {
    inputs: &'a [Input],
    control: &'a Control<'a>,
    /// Another worker failed.
    failed: &'a AtomicBool,
    current: Option<(u32, Reader<'a>)>,
    text: Vec<u8>,
    ends: Ends,
    batch: TextBatch,
    unquoting: Unquoting,
}

impl<'a> Worker<'a> {
    fn new(inputs: &'a [Input], control: &'a Control<'a>, failed: &'a AtomicBool) -> Self {
        Worker {
            inputs,
            control,
            failed,
            current: None,
            text: Vec::new(),
            ends: Ends::default(),
            batch: TextBatch::default(),
            unquoting: Unquoting::default(),
        }
    }

    fn run<V: Visitor>(&mut self, job: Job, visitor: &mut V) -> Result<(), ReconError> {
        let input = &self.inputs[job.input as usize];
        let mut reader = match self.current.take() {
            Some((at, reader)) if at == job.input => reader,
            _ => Reader::new(&input.layout, self.control.words),
        };
        let rows = match (&input.access, &input.format) {
            (Access::Plain { file, start, len, .. }, _) => {
                let unit = Unit { file, body: *start, len: *len, number: job.unit };
                self.unit(input, &unit, &mut reader, visitor)?
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
        reader.sizes = Sizes::default();
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
        if from.is_multiple_of(STRETCH_BYTES) {
            read_ahead(unit.file, unit.body + from);
        }
        let mut text = std::mem::take(&mut self.text);
        let span = match input.quotes() {
            None => unit.load(input, from, &mut text)?,
            Some(_) => unit.load_quoted(input, from, &mut text, self.failed)?,
        };
        // The unit with the header counts the header's rows as its own.
        let header_bytes = input.header_bytes;
        let has_header = header_bytes >= from && header_bytes < from + input.unit_bytes as u64;
        let rows_before = if has_header { input.header_rows } else { 0 };
        let mut rows = rows_before;
        if span.first < span.limit {
            let mut ends = std::mem::take(&mut self.ends);
            let Span { first, limit, text: to, offset: base } = span;
            let piece = Piece { first, limit, to, base, rows_before };
            let done = self.chunk(input, &text[..], piece, &mut ends, unit.number, reader, visitor);
            self.ends = ends;
            let (done, next) = done?;
            rows += done;
            if next < limit {
                // Only an open quote leaves a row without its end.
                let raw = &text[next..to.min(next + 4096)];
                let at = At { unit: unit.number, row: rows, offset: base + next as u64, raw };
                visitor.visit::<CsvRow<'_>>(input, reader, Err(RowError::OpenQuote), at)?;
                rows += 1;
            }
        }
        self.text = text;
        let bytes = (unit.len - from).min(input.unit_bytes as u64);
        self.control.bytes_done.fetch_add(bytes, Ordering::Relaxed);
        Ok(rows)
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
                if quotes.seen && in_units && input.quotes().is_none() {
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
                            let quote = marks.quote.unwrap_or(b'"');
                            let row = self.unquoting.row(row, &input.layout.needed, quote);
                            visitor.visit(input, reader, Ok(&row), at)
                        }
                        Err(NoRow::Blank) => Ok(()),
                        Err(NoRow::FieldCount { found }) => {
                            let error = RowError::FieldCount { found, wanted: width };
                            visitor.visit::<CsvRow<'_>>(input, reader, Err(error), at)
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
            visitor.visit::<CsvRow<'_>>(input, reader, Err(reason), at)
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
                visitor.visit::<CsvRow<'_>>(input, reader, Err(RowError::OpenQuote), at)?;
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

/// What was loaded for a unit. Positions are within the text.
struct Span {
    /// Where the loaded text starts in the body.
    offset: u64,
    /// Where the first row of the unit starts.
    first: usize,
    /// Rows that start here or later are those of the next unit.
    limit: usize,
    /// Bytes of text; behind them the buffer has room for wide loads.
    text: usize,
}

impl Unit<'_> {
    /// Loads the unit with the byte before it and enough behind it to complete its last row.
    fn load(&self, input: &Input, from: u64, text: &mut Vec<u8>) -> Result<Span, ReconError> {
        let start = from.saturating_sub(1);
        let own_end = (from + input.unit_bytes as u64).min(self.len);
        let limit = (own_end - start) as usize;
        let mut reach = own_end.saturating_add(4096).min(self.len);
        let mut have = 0_usize;
        loop {
            have = self.read_to(input, start, reach, have, text)?;
            if reach == self.len || memchr::memchr(b'\n', &text[limit - 1..have]).is_some() {
                break;
            }
            if have - limit > ROW_BYTES_MAX {
                let last = memchr::memrchr(b'\n', &text[..limit - 1]).map_or(0, |at| at as u64 + 1);
                return Err(too_long(input, start + last));
            }
            reach = self.further(reach, have, own_end);
        }
        if reach == self.len {
            have = end_last_row(text, have);
        }
        let first = match self.header_end(input, from, limit) {
            Some(first) => first,
            None => memchr::memchr(b'\n', &text[..have]).map_or(have, |at| at + 1),
        };
        Ok(Span { offset: start, first, limit: limit.min(have), text: have })
    }

    /// Loads the unit of a file with quotes: as above, but a line end within quotes ends no row. The
    /// quotes of the unit are counted first, for all units behind it wait for that.
    fn load_quoted(
        &self,
        input: &Input,
        from: u64,
        text: &mut Vec<u8>,
        failed: &AtomicBool,
    ) -> Result<Span, ReconError> {
        let quotes = input.quotes().expect("called for inputs with quotes only");
        let quote = match &input.format {
            TextFormat::Delimited { marks } => marks.quote.unwrap_or(b'"'),
            TextFormat::Ndjson { .. } | TextFormat::Parquet => unreachable!("they have no quotes"),
        };
        let start = from.saturating_sub(1);
        let own_end = (from + input.unit_bytes as u64).min(self.len);
        let limit = (own_end - start) as usize;
        let mut have = self.read_to(input, start, own_end, 0, text)?;
        let header_end = self.header_end(input, from, limit);
        // What stands before the first row is no part of the count: lines that are skipped may hold
        // anything.
        let body = header_end.unwrap_or((from - start) as usize);
        let odd = match quotes.odd(self.number) {
            Some(odd) => odd,
            None => {
                let odd = odd_quotes(&text[body..limit], quote);
                quotes.note(self.number, odd);
                odd
            }
        };
        let Some(starts_inside) = quotes.starts_inside(self.number, failed) else {
            return Err(ReconError::Interrupted);
        };
        let first = match header_end {
            Some(first) => first,
            None if !starts_inside && text[0] == b'\n' => 1,
            None => line_end(text, body, limit, quote, starts_inside).map_or(limit, |at| at + 1),
        };
        let mut span = Span { offset: start, first, limit, text: limit };
        let mut inside = starts_inside ^ odd;
        if first < limit && (inside || text[limit - 1] != b'\n') {
            // The last row goes on behind the unit.
            let mut looked = limit;
            let mut reach = own_end.saturating_add(4096).min(self.len);
            loop {
                have = self.read_to(input, start, reach, have, text)?;
                match line_end(text, looked, have, quote, inside) {
                    Ok(at) => {
                        span.text = at + 1;
                        break;
                    }
                    Err(now_inside) => inside = now_inside,
                }
                if reach == self.len {
                    span.text = end_last_row(text, have);
                    break;
                }
                looked = have;
                if have - limit > ROW_BYTES_MAX {
                    span.text = have;
                    break;
                }
                reach = self.further(reach, have, own_end);
            }
            if span.text > ROW_BYTES_MAX {
                let mut last = first;
                while let Ok(end) = line_end(text, last, limit, quote, false) {
                    last = end + 1;
                }
                if span.text - last > ROW_BYTES_MAX {
                    return Err(too_long(input, start + last as u64));
                }
            }
        }
        Ok(span)
    }

    /// Returns how far to read next in search of the end of a row: twice as far, but no farther than
    /// a row may reach.
    fn further(&self, reach: u64, have: usize, own_end: u64) -> u64 {
        (reach + (have as u64).max(4096)).min(own_end + ROW_BYTES_MAX as u64 + 1).min(self.len)
    }

    /// Returns where the header ends within the loaded text, for the units that start in it: at the
    /// limit where it goes on.
    fn header_end(&self, input: &Input, from: u64, limit: usize) -> Option<usize> {
        let start = from.saturating_sub(1);
        let here = input.header_bytes > from || from == 0;
        here.then(|| ((input.header_bytes - start) as usize).min(limit))
    }

    /// Reads on until the text holds the body from `start` to `reach`. Returns its length.
    fn read_to(
        &self,
        input: &Input,
        start: u64,
        reach: u64,
        mut have: usize,
        text: &mut Vec<u8>,
    ) -> Result<usize, ReconError> {
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
        Ok(have)
    }
}

/// The last row of a file may lack its line end.
fn end_last_row(text: &mut [u8], have: usize) -> usize {
    if have > 0 && text[have - 1] != b'\n' {
        text[have] = b'\n';
        return have + 1;
    }
    have
}

fn too_long(input: &Input, offset: u64) -> ReconError {
    ReconError::RowTooLong { file: input.name().to_owned(), offset, limit: ROW_BYTES_MAX }
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

#[cfg(test)]
mod tests;
