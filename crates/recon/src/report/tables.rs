//! Merges the sinks of a run and writes their tables, gathering on the way what the page shows.

use super::breaks::{break_columns, matched_columns, open_item_columns, rejected_columns};
use super::csv::{CellText, CsvOut};
use super::names::NameTable;
use super::parquet::ParquetOut;
use super::row::{Cell, Column, Kind, for_each_cell, group_of};
use super::sort::{Sorter, merge};
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
/// `rejected.csv` and, where the sinks kept matches, `matched.parquet`. Uses up to two of `threads`.
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
    let helper = threads > 1;
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
    let table = Table::new(&columns, &names);
    let mut outputs = Outputs {
        csv: Some(CsvOut::create(out, "breaks.csv", &columns)?),
        parquet: Some(ParquetOut::create(out, "breaks.parquet", &columns, &names)?),
    };
    let mut watch = Watch::new(&table);
    table.write(breaks, &mut outputs, helper, |seen, row| watch.see(seen, row))?;
    (written.samples, written.largest) = (watch.samples, watch.largest);
    outputs.finish(&mut written.files)?;

    let columns = open_item_columns();
    let table = Table::new(&columns, &names);
    let parquet = Some(ParquetOut::create(out, "open_items.parquet", &columns, &names)?);
    let mut outputs = Outputs { csv: None, parquet };
    let mut pending = Vec::new();
    table.write(open_items, &mut outputs, helper, |_, row| {
        if pending.len() < SAMPLES_MAX {
            pending.push(table.sample(0, Code::PendingTiming, row));
        }
    })?;
    if !pending.is_empty() {
        written.samples.insert(Code::PendingTiming, pending);
    }
    outputs.finish(&mut written.files)?;

    let columns = rejected_columns();
    let table = Table::new(&columns, &names);
    let csv = Some(CsvOut::create(out, "rejected.csv", &columns)?);
    let mut outputs = Outputs { csv, parquet: None };
    let mut samples = Vec::new();
    table.write(rejected, &mut outputs, helper, |_, row| {
        if samples.len() < SAMPLES_MAX {
            samples.push(table.sample(0, Code::Rejected, row));
        }
    })?;
    if !samples.is_empty() {
        written.samples.insert(Code::Rejected, samples);
    }
    outputs.finish(&mut written.files)?;

    if !matched.is_empty() {
        let columns = numbered("match_number", matched_columns());
        let table = Table::new(&columns, &names);
        let parquet = Some(ParquetOut::create(out, "matched.parquet", &columns, &names)?);
        let mut outputs = Outputs { csv: None, parquet };
        table.write(matched, &mut outputs, helper, |_, _| ())?;
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
    parquet: Option<ParquetOut>,
}

impl Outputs {
    fn finish(self, files: &mut Vec<OutputFile>) -> Result<(), ReportError> {
        files.extend(self.csv.map(CsvOut::finish).transpose()?);
        files.extend(self.parquet.map(ParquetOut::finish).transpose()?);
        Ok(())
    }
}

/// A table's form. Where it is numbered its first column is the group's number and is not stored.
struct Table<'a> {
    columns: &'a [Column],
    numbered: bool,
    currency_at: usize,
    delta_at: usize,
    names: &'a NameTable,
}

/// What a row shows while it is written.
#[derive(Debug, Default)]
struct Seen {
    number: u64,
    code: Option<Code>,
    currency: Option<u16>,
    delta: Option<i128>,
}

impl<'a> Table<'a> {
    fn new(columns: &'a [Column], names: &'a NameTable) -> Table<'a> {
        let place = |name: &str| columns.iter().position(|c| c.name == name).unwrap_or(usize::MAX);
        Table {
            columns,
            numbered: columns.first().is_some_and(|column| column.kind == Kind::Number),
            currency_at: place("currency"),
            delta_at: place("delta"),
            names,
        }
    }

    fn stored(&self) -> &[Column] {
        &self.columns[usize::from(self.numbered)..]
    }

    /// Writes all rows in order, numbering groups from 1, and shows each to `watch`. With `helper`
    /// the Parquet form is made by a second thread.
    fn write(
        &self,
        sorters: Vec<Sorter>,
        outputs: &mut Outputs,
        helper: bool,
        mut watch: impl FnMut(&Seen, &[u8]),
    ) -> Result<(), ReportError> {
        let Outputs { csv, parquet } = outputs;
        match (csv, parquet) {
            (Some(csv), Some(parquet)) if helper => std::thread::scope(|scope| {
                let (send, receive) = crossbeam_channel::bounded::<Batch>(BATCHES_WAITING);
                let worker = scope.spawn(move || {
                    receive.iter().try_for_each(|batch| {
                        batch.rows().try_for_each(|(number, row)| self.parquet_row(parquet, number, row))
                    })
                });
                let mut batch = Batch::default();
                let merged = self.each_row(sorters, |seen, row| {
                    batch.push(seen.number, row);
                    // A refused batch means that the worker failed: its error is told below.
                    if batch.is_full() && send.send(std::mem::take(&mut batch)).is_err() {
                        return Err(Stop::Quietly);
                    }
                    self.csv_row(csv, seen, row)?;
                    watch(seen, row);
                    Ok(())
                });
                if merged.is_ok() {
                    let _ = send.send(batch);
                }
                drop(send);
                let worked = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                worked.and(merged)
            }),
            (csv, parquet) => self.each_row(sorters, |seen, row| {
                if let Some(csv) = csv {
                    self.csv_row(csv, seen, row)?;
                }
                if let Some(parquet) = parquet {
                    self.parquet_row(parquet, seen.number, row)?;
                }
                watch(seen, row);
                Ok(())
            }),
        }
    }

    fn each_row(
        &self,
        sorters: Vec<Sorter>,
        mut each: impl FnMut(&mut Seen, &[u8]) -> Result<(), Stop>,
    ) -> Result<(), ReportError> {
        let mut group = None;
        let mut seen = Seen::default();
        let merged = merge(sorters, |key, row| {
            if group != Some(group_of(key)) {
                group = Some(group_of(key));
                seen.number += 1;
            }
            each(&mut seen, row)
        });
        match merged {
            Err(Stop::Because(error)) => Err(error),
            Ok(()) | Err(Stop::Quietly) => Ok(()),
        }
    }

    fn csv_row(&self, csv: &mut CsvOut, seen: &mut Seen, row: &[u8]) -> Result<(), ReportError> {
        (seen.code, seen.currency, seen.delta) = (None, None, None);
        if self.numbered {
            csv.cell(0, Kind::Number, Cell::Number(seen.number), self.names);
        }
        let first = usize::from(self.numbered);
        for_each_cell(self.stored(), row, |at, cell| {
            let at = at + first;
            match cell {
                Cell::Code(code) => seen.code = Some(code),
                Cell::Currency(currency) if at == self.currency_at => seen.currency = Some(currency),
                Cell::Money(minor, _) if at == self.delta_at => seen.delta = Some(minor),
                _ => (),
            }
            csv.cell(at, self.columns[at].kind, cell, self.names);
        });
        csv.end_row()
    }

    fn parquet_row(&self, parquet: &mut ParquetOut, number: u64, row: &[u8]) -> Result<(), ReportError> {
        let first = usize::from(self.numbered);
        if self.numbered {
            parquet.cell(0, Cell::Number(number), self.names);
        }
        for_each_cell(self.stored(), row, |at, cell| parquet.cell(at + first, cell, self.names));
        parquet.end_row()
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

/// Batches on their way to the thread that makes the Parquet form: with their size, the memory.
const BATCHES_WAITING: usize = 4;
const BATCH_BYTES: usize = 256 << 10;

/// Rows on their way to another thread.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    // For each row its number and where it ends.
    ends: Vec<(u64, usize)>,
}

impl Batch {
    fn push(&mut self, number: u64, row: &[u8]) {
        self.bytes.extend_from_slice(row);
        self.ends.push((number, self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES
    }

    fn rows(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut start = 0;
        self.ends
            .iter()
            .map(move |(number, end)| (*number, &self.bytes[std::mem::replace(&mut start, *end)..*end]))
    }
}

/// Why a merge ended early.
enum Stop {
    Because(ReportError),
    /// The reason is told elsewhere.
    Quietly,
}

impl From<ReportError> for Stop {
    fn from(error: ReportError) -> Self {
        Stop::Because(error)
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

    fn see(&mut self, seen: &Seen, row: &[u8]) {
        let code = seen.code.expect("every break has a code");
        let samples = self.samples.entry(code).or_default();
        if samples.len() < SAMPLES_MAX {
            samples.push(self.table.sample(seen.number, code, row));
        }
        let (Some(currency), Some(delta)) = (seen.currency, seen.delta) else { return };
        let size = delta.unsigned_abs();
        let sizes = self.sizes.entry(currency).or_default();
        // Equal ones stay in order of report, so the answer is one.
        let at = sizes.partition_point(|known| *known >= size);
        if at >= LARGEST_MAX || size == 0 {
            return;
        }
        let largest = self.largest.entry(self.table.names.currency(currency).to_owned()).or_default();
        sizes.insert(at, size);
        largest.insert(at, self.table.sample(seen.number, code, row));
        sizes.truncate(LARGEST_MAX);
        largest.truncate(LARGEST_MAX);
    }
}
