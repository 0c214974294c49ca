//! Reads the rows that need a decision again, in full.
//!
//! Rows of plain files and of Parquet are read by their location. All other inputs are read once more from the
//! beginning, and rows are picked by the hash of their key.

use crate::csv::{Ends, Kernel, NoRow, index, rows};
use crate::error::ReconError;
use crate::input::{Access, Input, Job, TextFormat};
use crate::limits::{MARK_BYTES, ROW_BYTES_MAX};
use crate::pool::Pool;
use crate::reader::{Digest, Fields, Reader, RowError};
use crate::record::{Loc, NewRecord, Side, Word, Words};
use crate::report::OutcomeSink;
use crate::scan::{At, BatchRow, Visitor};
use crate::sift::{Candidate, Part};
use crate::source::parquet::ParquetSource;
use crate::store::Shape;
use crate::tags::TagSet;
use std::collections::HashSet;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

/// A row that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedRow {
    /// Which side.
    pub side: Side,
    /// Where it stands.
    pub loc: Loc,
    /// Why.
    pub error: RowError,
    /// The row as it stands in the file; at most its first 4 KiB.
    pub raw: Vec<u8>,
}

/// A key (as canonical bytes) and a type of which rows were matched without being fetched.
pub(crate) type Consumed = (Vec<u8>, Word);

/// Where a thread puts what it fetches.
#[derive(Debug)]
pub(crate) struct Fetching<'p, 's> {
    pub(crate) pool: Pool<'p>,
    /// For rows that are rejected now, since only now all of their fields are read.
    pub(crate) sink: &'s mut OutcomeSink,
    /// The key by which rows are known to be of one group.
    pub(crate) first_key: usize,
    pub(crate) matched: HashSet<Consumed>,
}

const RAW_MAX: usize = 4096;

/// Most stretches that are read in one go: their text stays in a core's cache.
const STRETCHES_MAX: u64 = 16;

/// Reads candidates of one side by location. They are sorted by location; all inputs of the side
/// are plain and unquoted.
pub(crate) fn by_location(
    inputs: &[&Input],
    rows_before: &[&[u64]],
    candidates: &[Candidate],
    words: &Mutex<Words>,
    kernel: Kernel,
    into: &mut Fetching<'_, '_>,
) -> Result<(), ReconError> {
    let mut text: Vec<u8> = Vec::new();
    let mut ends = Ends::default();
    let mut rest = candidates;
    let mut reader: Option<(usize, Reader<'_>)> = None;
    while let Some(next) = rest.first() {
        let at = inputs.partition_point(|i| i.base <= next.loc) - 1;
        let input = inputs[at];
        let Access::Plain { file, start: body, len, .. } = &input.access else {
            unreachable!("only plain inputs are read by location")
        };
        let TextFormat::Delimited { marks } = &input.format else {
            unreachable!("only delimited text is read by location")
        };
        let current = match reader.take() {
            Some((had, reader)) if had == at => reader,
            _ => Reader::new(&input.layout, words),
        };
        let (_, reader) = reader.insert((at, current));
        let offset = next.loc - input.base;
        let stretch = offset / MARK_BYTES as u64;
        let stretch_start = stretch * MARK_BYTES as u64;
        // Neighbouring stretches with wanted rows are read in one go.
        let end = |stretches: u64| (stretch_start + stretches * MARK_BYTES as u64).min(*len);
        let before_end = |from: usize, stretches: u64| {
            rest[from..].iter().take_while(|c| c.loc < input.base + end(stretches)).count()
        };
        let (mut stretches, mut count) = (1, before_end(0, 1));
        while stretches < STRETCHES_MAX {
            match before_end(count, stretches + 1) {
                0 => break,
                more => count += more,
            }
            stretches += 1;
        }
        let stretch_end = end(stretches);
        let (mut wanted, later) = rest.split_at(count);
        rest = later;
        // The text from the byte before the stretch to the end of its last wanted row.
        let from = stretch_start.saturating_sub(1);
        let last = wanted.last().map_or(offset, |c| c.loc - input.base);
        let mut reach = (last + 1024).min(*len);
        let to = loop {
            let want = (reach - from) as usize;
            if text.len() < want + 128 {
                text.resize(want + 128, 0);
            }
            file.read_exact_at(&mut text[..want], body + from)
                .map_err(|_| ReconError::Changed { file: input.name().to_owned() })?;
            let mut to = want;
            if reach == *len && text[to - 1] != b'\n' {
                text[to] = b'\n';
                to += 1;
            }
            if memchr::memchr(b'\n', &text[(last - from) as usize..to]).is_some() {
                text[to..to + 64].fill(0);
                break to;
            }
            if reach - last > ROW_BYTES_MAX as u64 || reach == *len {
                return Err(ReconError::Changed { file: input.name().to_owned() });
            }
            reach = (reach + (reach - last)).min(*len);
        };
        let first = if stretch_start == 0 {
            0
        } else {
            match memchr::memchr(b'\n', &text[..to]) {
                Some(at) => at + 1,
                None => return Err(ReconError::Changed { file: input.name().to_owned() }),
            }
        };
        let text = &text[..to + 64];
        index::index(kernel, text, first, to, *marks, &mut ends);
        let unit = (stretch_start / input.unit_bytes as u64) as usize;
        let before = rows_before[at][unit]
            + u64::from(input.marks[stretch as usize].load(std::sync::atomic::Ordering::Relaxed));
        let width = input.layout.header.len();
        rows(text, &ends, width, first, (stretch_end - from) as usize, |chunk| -> Result<(), ReconError> {
            let here = input.base + from + chunk.start as u64;
            while let Some(candidate) = wanted.first().filter(|c| c.loc == here) {
                wanted = &wanted[1..];
                let loc = Loc {
                    file: input.file,
                    row: before + u64::from(chunk.number) + 1,
                    offset: here - input.base,
                };
                let raw = &text[chunk.start..chunk.end];
                match &chunk.row {
                    Ok(row) => into.take(reader, row, loc, candidate.part, raw)?,
                    Err(NoRow::FieldCount { found }) => {
                        let error = RowError::FieldCount { found: *found, wanted: width };
                        into.reject(input.side, loc, error, raw)?;
                    }
                    Err(NoRow::Blank) => return Err(ReconError::Changed { file: input.name().to_owned() }),
                }
            }
            Ok(())
        })?;
        if !wanted.is_empty() {
            // A row that was there in the scan is not there now.
            return Err(ReconError::Changed { file: input.name().to_owned() });
        }
    }
    Ok(())
}

impl Fetching<'_, '_> {
    fn take<F: Fields>(
        &mut self,
        reader: &mut Reader<'_>,
        row: &F,
        loc: Loc,
        part: Part,
        raw: &[u8],
    ) -> Result<(), ReconError> {
        let side = reader.layout.side;
        let result = reader.record(row, loc, |record: &NewRecord<'_>| {
            if part != Part::Open
                && let Some(key) = record.texts[self.first_key]
            {
                self.matched.insert((key.to_vec(), record.kind));
            }
            if part == Part::Witness { Ok(()) } else { self.pool.push(record) }
        });
        match result {
            Ok(pushed) => pushed,
            Err(error) => self.reject(side, loc, error, raw),
        }
    }

    fn reject(&mut self, side: Side, loc: Loc, error: RowError, raw: &[u8]) -> Result<(), ReconError> {
        rejected(side, loc, error, raw).with_report(|row| self.sink.reject(row))?;
        Ok(())
    }
}

fn rejected(side: Side, loc: Loc, error: RowError, raw: &[u8]) -> RejectedRow {
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    RejectedRow { side, loc, error, raw: raw[..raw.len().min(RAW_MAX)].to_vec() }
}

/// Which rows a second reading picks.
#[derive(Debug)]
pub(crate) struct Wanted {
    tags: TagSet,
    /// A bit for each of 2^20 values of a tag's last bits: most rows are told by it alone.
    filter: Vec<u64>,
    shape: Shape,
    everything: bool,
    unkeyed: bool,
    rejected: bool,
    sides: [bool; 2],
    /// Only rows with a wanted key, so that the keys decide.
    keys_alone: bool,
}

const FILTER_BITS: u32 = 20;

impl Wanted {
    /// Wants the rows of some keys, and on demand those without a key and those that are rejected.
    pub(crate) fn new(shape: Shape, tags: TagSet, unkeyed: bool, rejected: bool) -> Wanted {
        let mut filter = vec![0_u64; 1 << (FILTER_BITS - 6)];
        for tag in &tags {
            let bit = tag & ((1 << FILTER_BITS) - 1);
            filter[(bit >> 6) as usize] |= 1 << (bit & 63);
        }
        Wanted {
            tags,
            filter,
            shape,
            everything: false,
            unkeyed,
            rejected,
            sides: [true; 2],
            keys_alone: !unkeyed && !rejected,
        }
    }

    /// Wants every row.
    pub(crate) fn everything(shape: Shape) -> Wanted {
        Wanted { everything: true, keys_alone: false, ..Wanted::new(shape, TagSet::default(), true, true) }
    }

    /// Leaves the other sides alone.
    pub(crate) fn only(mut self, sides: &[Side]) -> Wanted {
        self.sides = Side::BOTH.map(|side| sides.contains(&side));
        self
    }

    /// Says whether rows of a side are wanted at all.
    pub(crate) fn side(&self, side: Side) -> bool {
        self.sides[side.index()]
    }

    #[inline(always)]
    fn has(&self, key_lo: u64) -> bool {
        let tag = self.shape.tag(key_lo);
        let bit = tag & ((1 << FILTER_BITS) - 1);
        self.filter[(bit >> 6) as usize] >> (bit & 63) & 1 == 1 && self.tags.contains(&tag)
    }
}

/// Picks rows in a second reading.
pub(crate) struct Picker<'a> {
    wanted: &'a Wanted,
    /// For each input: the rows before each of its units.
    rows_before: &'a [Vec<u64>],
    inputs: &'a [Input],
    sink: &'a mut OutcomeSink,
    /// The rows picked.
    pub(crate) pool: Pool<'a>,
}

impl<'a> Picker<'a> {
    pub(crate) fn new(
        wanted: &'a Wanted,
        rows_before: &'a [Vec<u64>],
        inputs: &'a [Input],
        pool: Pool<'a>,
        sink: &'a mut OutcomeSink,
    ) -> Self {
        Picker { wanted, rows_before, inputs, sink, pool }
    }

    fn loc(&self, input: &Input, at: At<'_>) -> Loc {
        let number = self.inputs.iter().position(|i| std::ptr::eq(i, input)).expect("an input of this run");
        let before = self.rows_before[number][at.unit as usize];
        Loc { file: input.file, row: before + u64::from(at.row) + 1, offset: at.offset }
    }

    #[cold]
    fn reject(&mut self, input: &Input, error: RowError, at: At<'_>) -> Result<(), ReconError> {
        if self.wanted.rejected {
            let row = rejected(input.side, self.loc(input, at), error, at.raw);
            row.with_report(|row| self.sink.reject(row))?;
        }
        Ok(())
    }
}

impl Visitor for Picker<'_> {
    #[inline(always)]
    fn visit<F: Fields>(
        &mut self,
        input: &Input,
        reader: &mut Reader<'_>,
        row: Result<&F, RowError>,
        at: At<'_>,
    ) -> Result<(), ReconError> {
        let fields = match row {
            Ok(fields) => fields,
            Err(error) => return self.reject(input, error, at),
        };
        if self.wanted.keys_alone {
            // Nearly all rows are told by their keys, without a look at the rest of them.
            let key = reader.layout.first_key.map_or(Ok(None), |n| reader.key_hash(fields, n));
            if !matches!(key, Ok(Some(key)) if self.wanted.has(key.lo)) {
                return Ok(());
            }
        }
        let picked = match reader.digest(fields) {
            Ok(Digest::Skipped(_)) => return Ok(()),
            Ok(Digest::Keyed { key, .. }) => self.wanted.everything || self.wanted.has(key.lo),
            Ok(Digest::Unkeyed) => self.wanted.unkeyed,
            Err(error) => return self.reject(input, error, at),
        };
        if !picked {
            return Ok(());
        }
        let loc = self.loc(input, at);
        match reader.record(fields, loc, |record| self.pool.push(record)) {
            Ok(pushed) => pushed,
            Err(error) => self.reject(input, error, at),
        }
    }

    fn job_done(&mut self, _: Job, _: &Input, _: &mut Reader<'_>) -> Result<(), ReconError> {
        Ok(())
    }
}

/// Reads candidates of one row group of Parquet by their location. They are sorted by location, and
/// `first` is the location of the group's first row.
pub(crate) fn by_row(
    input: &Input,
    group: usize,
    candidates: &[Candidate],
    first: u64,
    words: &Mutex<Words>,
    into: &mut Fetching<'_, '_>,
) -> Result<(), ReconError> {
    let Access::RowGroups { rows: counts } = &input.access else { unreachable!("called for Parquet only") };
    let parquet = ParquetSource::open(&input.source)?;
    if parquet.row_groups().get(group) != counts.get(group) {
        return Err(ReconError::Changed { file: input.name().to_owned() });
    }
    let mut rows: Vec<u64> = candidates.iter().map(|c| c.loc - first).collect();
    rows.dedup();
    let mut reader = Reader::new(&input.layout, words);
    let mut wanted = candidates;
    let mut failed = Ok(());
    parquet.read_group_rows(group, &input.layout.needed, &rows, |batch| {
        for (row, place) in batch.places().iter().enumerate() {
            let here = input.base + place.offset;
            let loc = Loc { file: input.file, row: place.offset + 1, offset: place.offset };
            while let Some((candidate, later)) = wanted.split_first().filter(|(c, _)| c.loc == here) {
                wanted = later;
                let fields = BatchRow { batch, row, columns: None };
                if failed.is_ok() {
                    failed = into.take(&mut reader, &fields, loc, candidate.part, b"");
                }
            }
        }
    })?;
    failed
}

impl RejectedRow {
    /// Returns the row in the form that reports take.
    pub(crate) fn with_report<T>(&self, take: impl FnOnce(&crate::report::RejectedRow<'_>) -> T) -> T {
        let message = self.error.to_string();
        take(&crate::report::RejectedRow {
            side: self.side,
            file: self.loc.file,
            row: self.loc.row,
            column: self.error.column().unwrap_or(""),
            reason: self.error.code(),
            message: &message,
            raw: &self.raw,
        })
    }
}
