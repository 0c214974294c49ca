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

/// Writes the tables of a run into `out`: `breaks.csv`, `breaks.parquet`, `open_items.parquet`,
/// `rejected.csv` and, where the sinks kept matches, `matched.parquet`.
///
/// Takes away `summary.json` and `report.html` of an earlier run first, so that a killed run never
/// leaves an old verdict beside new tables. The summary is written last by the caller: where it is,
/// all is there.
///
/// # Errors
/// When a file cannot be written.
pub fn write_tables(out: &Path, sinks: Vec<OutcomeSink>, words: &Words) -> Result<Written, ReportError> {
    for name in ["summary.json", "report.html", "matched.parquet"] {
        remove_old(&out.join(name))?;
    }
    let mut written = Written::default();
    let Some(shape) = sinks.first().map(|sink| sink.tables.shape.clone()) else { return Ok(written) };
    let names = NameTable::new(&shape, words);
    let (mut breaks, mut matched, mut open_items, mut rejected) = (vec![], vec![], vec![], vec![]);
    for sink in sinks {
        written.stats.merge(&sink.stats);
        breaks.push(sink.tables.breaks);
        matched.extend(sink.tables.matched);
        open_items.push(sink.tables.open_items);
        rejected.push(sink.tables.rejected);
    }

    let columns = numbered("break_number", break_columns(&shape));
    let table = Table::new(&columns, &names);
    let mut outputs = Outputs {
        csv: Some(CsvOut::create(out, "breaks.csv", &columns)?),
        parquet: Some(ParquetOut::create(out, "breaks.parquet", &columns, &names)?),
    };
    let mut watch = Watch::new(&table);
    table.write(breaks, &mut outputs, |seen, row| watch.see(seen, row))?;
    (written.samples, written.largest) = (watch.samples, watch.largest);
    outputs.finish(&mut written.files)?;

    let columns = open_item_columns();
    let table = Table::new(&columns, &names);
    let parquet = Some(ParquetOut::create(out, "open_items.parquet", &columns, &names)?);
    let mut outputs = Outputs { csv: None, parquet };
    let mut pending = Vec::new();
    table.write(open_items, &mut outputs, |_, row| {
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
    table.write(rejected, &mut outputs, |_, row| {
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
        table.write(matched, &mut outputs, |_, _| ())?;
        outputs.finish(&mut written.files)?;
    }
    Ok(written)
}

fn remove_old(path: &Path) -> Result<(), ReportError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(ReportError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
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

    /// Writes all rows in order, numbering groups from 1, and shows each to `watch`.
    fn write(
        &self,
        sorters: Vec<Sorter>,
        outputs: &mut Outputs,
        mut watch: impl FnMut(&Seen, &[u8]),
    ) -> Result<(), ReportError> {
        let first = usize::from(self.numbered);
        let mut group = None;
        let mut seen = Seen::default();
        merge(sorters, |key, row| {
            if group != Some(group_of(key)) {
                group = Some(group_of(key));
                seen.number += 1;
            }
            (seen.code, seen.currency, seen.delta) = (None, None, None);
            let Outputs { csv, parquet } = &mut *outputs;
            let mut each = |at: usize, cell: Cell<'_>| {
                match cell {
                    Cell::Code(code) => seen.code = Some(code),
                    Cell::Currency(currency) if at == self.currency_at => seen.currency = Some(currency),
                    Cell::Money(minor, _) if at == self.delta_at => seen.delta = Some(minor),
                    _ => (),
                }
                if let Some(csv) = csv {
                    csv.cell(at, self.columns[at].kind, cell, self.names);
                }
                if let Some(parquet) = parquet {
                    parquet.cell(at, cell, self.names);
                }
            };
            let number = seen.number;
            if self.numbered {
                each(0, Cell::Number(number));
            }
            for_each_cell(self.stored(), row, |at, cell| each(at + first, cell));
            csv.as_mut().map_or(Ok(()), CsvOut::end_row)?;
            parquet.as_mut().map_or(Ok(()), ParquetOut::end_row)?;
            watch(&seen, row);
            Ok::<(), ReportError>(())
        })
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
