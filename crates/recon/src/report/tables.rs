//! Merges the sinks of a run and writes their tables, gathering on the way what the page shows.

use super::breaks::{break_columns, matched_columns, open_item_columns, rejected_columns};
use super::csv::{CellText, CsvLines, CsvOut};
use super::in_order::in_order;
use super::names::NameTable;
use super::parquet::{GroupEncoder, ParquetForm, ParquetOut};
use super::row::{Cell, Column, Kind, for_each_cell, group_of};
use super::sort::{Merge, MergedRow, Sorter, sort_all};
use super::staged::OutputFile;
use super::tally::ReportStats;
use super::{OutcomeSink, ReportError};
use crate::outcome::Code;
use crate::record::Words;
use std::collections::BTreeMap;
use std::path::Path;

/// What [`write_tables`] wrote and learned.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// The counts of all sinks.
    pub stats: ReportStats,
    /// The files, in the order written.
    pub files: Vec<OutputFile>,
    /// The first few rows of each code of difference, and of pending records.
    pub samples: BTreeMap<Code, Vec<RowSample>>,
    /// By letter code of the currency: the breaks with the largest difference either way, largest
    /// first; equal ones in order of report.
    pub largest: BTreeMap<String, Vec<RowSample>>,
}

/// One row of a table as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSample {
    /// The break number, or 0 in tables without.
    pub number: u64,
    /// The outcome.
    pub code: Code,
    cells: Vec<(String, String)>,
}

impl RowSample {
    /// Returns a column's text, or nothing where it is empty.
    #[must_use]
    pub fn get(&self, column: &str) -> &str {
        self.cells.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text)
    }
}

/// Rows kept of each code for the page.
pub(super) const SAMPLES_MAX: usize = 5;
/// Largest differences kept of each currency for the page.
pub(super) const LARGEST_MAX: usize = 10;

/// Makes the output directory where it is not there, and takes away what would mislead beside the
/// files of a new run: the verdict, page and matches of an old one. For the start of a run.
///
/// # Errors
/// When the directory cannot be made or a file cannot be removed.
pub fn prepare_output(out: &Path) -> Result<(), ReportError> {
    let fail = |path: &Path, source| ReportError::Write { path: path.to_owned(), source };
    std::fs::create_dir_all(out).map_err(|source| fail(out, source))?;
    for name in ["summary.json", "report.html", "matched.parquet"] {
        let path = out.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(fail(&path, source)),
            _ => (),
        }
    }
    Ok(())
}

/// Writes the tables of a run into `out`: `breaks.csv`, `breaks.parquet`, `open_items.parquet`,
/// `rejected.csv` and, where the sinks kept matches, `matched.parquet`, with all of `threads`.
///
/// Calls [`prepare_output`] first, so that a killed run never leaves an old verdict beside new
/// tables. The caller writes the summary last: where it is, all is there.
///
/// # Errors
/// When a file cannot be written.
///
/// # Panics
/// Without any sink: a run has one a thread, whatever it finds.
pub fn write_tables(
    out: &Path,
    sinks: Vec<OutcomeSink>,
    words: &Words,
    threads: usize,
) -> Result<Written, ReportError> {
    prepare_output(out)?;
    let shape = &sinks.first().expect("a run has at least one sink").tables.shape.clone();
    let mut written = Written::default();
    let names = NameTable::new(shape, words);
    let (mut breaks, mut matched, mut open_items, mut rejected) = (vec![], vec![], vec![], vec![]);
    for sink in sinks {
        written.stats.merge(&sink.stats);
        breaks.push(sink.tables.breaks);
        matched.extend(sink.tables.matched);
        open_items.push(sink.tables.open_items);
        rejected.push(sink.tables.rejected);
    }

    let columns = numbered("break_number", break_columns(shape));
    let table = Table::new(&columns, &names, Show::ByCode);
    let mut outputs = Outputs::create(out, "breaks", &columns, [true, true])?;
    let watch = table.write(breaks, &mut outputs, threads)?;
    (written.samples, written.largest) = (watch.samples, watch.largest);
    outputs.finish(&mut written.files)?;

    let columns = open_item_columns();
    let table = Table::new(&columns, &names, Show::As(Code::PendingTiming));
    let mut outputs = Outputs::create(out, "open_items", &columns, [false, true])?;
    written.samples.extend(table.write(open_items, &mut outputs, threads)?.samples);
    outputs.finish(&mut written.files)?;

    let columns = rejected_columns();
    let table = Table::new(&columns, &names, Show::As(Code::Rejected));
    let mut outputs = Outputs::create(out, "rejected", &columns, [true, false])?;
    written.samples.extend(table.write(rejected, &mut outputs, threads)?.samples);
    outputs.finish(&mut written.files)?;

    if !matched.is_empty() {
        let columns = numbered("match_number", matched_columns());
        let table = Table::new(&columns, &names, Show::Nothing);
        let mut outputs = Outputs::create(out, "matched", &columns, [false, true])?;
        table.write(matched, &mut outputs, threads)?;
        outputs.finish(&mut written.files)?;
    }
    Ok(written)
}

fn numbered(name: &str, mut columns: Vec<Column>) -> Vec<Column> {
    columns.insert(0, Column::new(name, Kind::Number));
    columns
}

/// The files of one table.
struct Outputs {
    csv: Option<CsvOut>,
    parquet: Option<(ParquetForm, ParquetOut)>,
}

impl Outputs {
    /// Starts `NAME.csv` and `NAME.parquet`, as asked.
    fn create(
        out: &Path,
        name: &str,
        columns: &[Column],
        [csv, parquet]: [bool; 2],
    ) -> Result<Self, ReportError> {
        let csv = csv.then(|| CsvOut::create(out, &format!("{name}.csv"), columns)).transpose()?;
        let parquet =
            parquet.then(|| ParquetOut::create(out, &format!("{name}.parquet"), columns)).transpose()?;
        Ok(Outputs { csv, parquet })
    }

    fn finish(self, files: &mut Vec<OutputFile>) -> Result<(), ReportError> {
        files.extend(self.csv.map(CsvOut::finish).transpose()?);
        files.extend(self.parquet.map(|(_, out)| out.finish()).transpose()?);
        Ok(())
    }
}

/// Which rows of a table the page shows.
#[derive(Clone, Copy)]
enum Show {
    /// None.
    Nothing,
    /// The first ones, under one code.
    As(Code),
    /// The first ones of each code in the rows, and the largest differences.
    ByCode,
}

/// A table's form. Where it is numbered its first column is the group's number and is not stored.
struct Table<'a> {
    columns: &'a [Column],
    numbered: bool,
    currency_at: usize,
    delta_at: usize,
    names: &'a NameTable,
    show: Show,
}

/// What a row shows while it is written.
#[derive(Debug, Default)]
struct Seen {
    code: Option<Code>,
    currency: Option<u16>,
    delta: Option<i128>,
}

/// Some rows in order, enough for a row group of Parquet. Which rows make a batch depends on the rows alone,
/// and so do the bytes of the files.
#[derive(Default)]
struct Batch<'a> {
    rows: Vec<(u64, RowAt<'a>)>,
    /// The bytes of rows that were read from disk.
    read: Vec<u8>,
    bytes: usize,
}

enum RowAt<'a> {
    Kept(&'a [u8]),
    Read { at: usize, len: usize },
}

const BATCH_ROWS_MAX: usize = 1 << 14;
const BATCH_BYTES_MAX: usize = 4 << 20;

impl<'a> Batch<'a> {
    fn push(&mut self, number: u64, row: &MergedRow<'a>) {
        let row = match row {
            MergedRow::Kept(bytes) => {
                self.bytes += bytes.len();
                RowAt::Kept(bytes)
            }
            MergedRow::Read(bytes) => {
                self.bytes += bytes.len();
                self.read.extend_from_slice(bytes);
                RowAt::Read { at: self.read.len() - bytes.len(), len: bytes.len() }
            }
        };
        self.rows.push((number, row));
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.read.clear();
        self.bytes = 0;
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    fn row(&self, at: usize) -> (u64, &[u8]) {
        let (number, row) = &self.rows[at];
        let bytes = match row {
            RowAt::Kept(bytes) => bytes,
            RowAt::Read { at, len } => &self.read[*at..at + len],
        };
        (*number, bytes)
    }

    /// Reads ahead: rows of a batch lie anywhere in memory, and the processor can wait for many of them at once,
    /// but only if nothing else depends on them.
    fn warm(&self, from: usize) {
        let rows = (from..self.rows.len().min(from + WARM_ROWS)).map(|at| self.row(at).1);
        let bytes = rows.flat_map(|row| row.iter().step_by(64));
        std::hint::black_box(bytes.fold(0, |all, byte| all ^ byte));
    }
}

/// Rows that are read ahead: they fit into the first-level cache.
const WARM_ROWS: usize = 64;

/// A batch in the forms of its files.
struct Encoded<'a> {
    csv: Option<CsvLines>,
    parquet: Option<GroupEncoder<'a>>,
    watch: Watch<'a>,
}

impl<'a> Table<'a> {
    fn new(columns: &'a [Column], names: &'a NameTable, show: Show) -> Table<'a> {
        let place = |name: &str| columns.iter().position(|c| c.name == name).unwrap_or(usize::MAX);
        Table {
            columns,
            numbered: columns.first().is_some_and(|column| column.kind == Kind::Number),
            currency_at: place("currency"),
            delta_at: place("delta"),
            names,
            show,
        }
    }

    fn stored(&self) -> &[Column] {
        &self.columns[usize::from(self.numbered)..]
    }

    /// Writes all rows in order, numbering groups from 1, and returns what the page shows of them.
    fn write(
        &self,
        mut sorters: Vec<Sorter>,
        outputs: &mut Outputs,
        threads: usize,
    ) -> Result<Watch<'_>, ReportError> {
        let Outputs { csv, parquet } = outputs;
        let (form, mut parquet) = match parquet {
            Some((form, out)) => (Some(&*form), Some(out)),
            None => (None, None),
        };
        let with_csv = csv.is_some();
        sort_all(&mut sorters, threads);
        let mut merge = Merge::new(&mut sorters)?;
        let mut number = 0;
        let mut group = None;
        let mut watch = Watch::new(self);
        in_order(
            threads,
            Batch::default,
            || Encoded {
                csv: with_csv.then(CsvLines::default),
                parquet: form.map(|form| form.encoder(self.names)),
                watch: Watch::new(self),
            },
            |batch| {
                batch.clear();
                while !batch.is_full() {
                    let next = merge.next(|key, row| {
                        if group != Some(group_of(key)) {
                            group = Some(group_of(key));
                            number += 1;
                        }
                        batch.push(number, row);
                    })?;
                    if next.is_none() {
                        break;
                    }
                }
                Ok(!batch.rows.is_empty())
            },
            |batch, encoded| self.encode(batch, encoded),
            |encoded| {
                if let (Some(csv), Some(lines)) = (csv.as_mut(), &encoded.csv) {
                    csv.append(lines)?;
                }
                if let (Some(parquet), Some(group)) = (parquet.as_mut(), &mut encoded.parquet) {
                    parquet.append(group)?;
                }
                watch.append(&mut encoded.watch);
                Ok(())
            },
        )?;
        Ok(watch)
    }

    fn encode(&self, batch: &Batch<'_>, encoded: &mut Encoded<'_>) -> Result<(), ReportError> {
        let Encoded { csv, parquet, watch } = encoded;
        csv.iter_mut().for_each(CsvLines::clear);
        let first = usize::from(self.numbered);
        for at in 0..batch.rows.len() {
            if at % WARM_ROWS == 0 {
                batch.warm(at);
            }
            let (number, row) = batch.row(at);
            let mut seen = Seen::default();
            let mut cell = |at: usize, cell: Cell<'_>| {
                if let Some(csv) = csv {
                    csv.cell(at, self.columns[at].kind, cell, self.names);
                }
                if let Some(parquet) = parquet {
                    parquet.cell(at, cell);
                }
            };
            if self.numbered {
                cell(0, Cell::Number(number));
            }
            for_each_cell(self.stored(), row, |at, value| {
                let at = at + first;
                match value {
                    Cell::Code(code) => seen.code = Some(code),
                    Cell::Currency(currency) if at == self.currency_at => seen.currency = Some(currency),
                    Cell::Money(minor, _) if at == self.delta_at => seen.delta = Some(minor),
                    _ => (),
                }
                cell(at, value);
            });
            if let Some(csv) = csv {
                csv.end_row(self.columns.len());
            }
            if let Some(parquet) = parquet {
                parquet.end_row();
            }
            watch.see(number, &seen, row);
        }
        parquet.as_mut().map_or(Ok(()), GroupEncoder::finish)
    }

    fn sample(&self, number: u64, code: Code, row: &[u8]) -> RowSample {
        let mut text = CellText::default();
        let mut cells = Vec::new();
        for_each_cell(self.stored(), row, |at, cell| {
            let column = &self.stored()[at];
            cells.push((column.name.clone(), text.text(column.kind, cell, self.names)));
        });
        RowSample { number, code, cells }
    }
}

/// Gathers the first rows of each code and the largest differences.
struct Watch<'a> {
    table: &'a Table<'a>,
    samples: BTreeMap<Code, Vec<RowSample>>,
    largest: BTreeMap<String, Vec<RowSample>>,
    // Beside `largest`: the sizes, by numeric code.
    sizes: BTreeMap<u16, Vec<u128>>,
}

impl<'a> Watch<'a> {
    fn new(table: &'a Table<'a>) -> Watch<'a> {
        Watch { table, samples: BTreeMap::new(), largest: BTreeMap::new(), sizes: BTreeMap::new() }
    }

    fn see(&mut self, number: u64, seen: &Seen, row: &[u8]) {
        let code = match self.table.show {
            Show::Nothing => return,
            Show::As(code) => code,
            Show::ByCode => seen.code.expect("every break has a code"),
        };
        let samples = self.samples.entry(code).or_default();
        if samples.len() < SAMPLES_MAX {
            samples.push(self.table.sample(number, code, row));
        }
        if let (Some(currency), Some(delta)) = (seen.currency, seen.delta) {
            self.see_size(currency, delta.unsigned_abs(), || self.table.sample(number, code, row));
        }
    }

    fn see_size(&mut self, currency: u16, size: u128, sample: impl FnOnce() -> RowSample) {
        let sizes = self.sizes.entry(currency).or_default();
        // Equal ones stay in order of report, so the answer is one.
        let at = sizes.partition_point(|known| *known >= size);
        if at >= LARGEST_MAX || size == 0 {
            return;
        }
        let largest = self.largest.entry(self.table.names.currency(currency).to_owned()).or_default();
        sizes.insert(at, size);
        largest.insert(at, sample());
        sizes.truncate(LARGEST_MAX);
        largest.truncate(LARGEST_MAX);
    }

    /// Takes over what was gathered of the rows that follow.
    fn append(&mut self, later: &mut Watch<'_>) {
        for (code, more) in std::mem::take(&mut later.samples) {
            let samples = self.samples.entry(code).or_default();
            let room = SAMPLES_MAX - samples.len();
            samples.extend(more.into_iter().take(room));
        }
        let mut largest = std::mem::take(&mut later.largest);
        for (currency, sizes) in std::mem::take(&mut later.sizes) {
            let samples = largest.remove(self.table.names.currency(currency)).unwrap_or_default();
            for (size, sample) in sizes.into_iter().zip(samples) {
                self.see_size(currency, size, || sample);
            }
        }
    }
}
