//! Layouts: statements of tables, described in TOML instead of in code.
//!
//! A layout says how a file is cut into rows and cells, by what header it is told, which columns are
//! which fields of a record, what words mean, and what the lines around the rows declare. The same
//! description reads text and workbooks. `docs/reference/layouts.md` is its reference.

mod built_in;
mod cell;
mod consistent;
mod definition;
mod plan;
mod table;
mod testing;
mod totals;
mod words;

pub(crate) use built_in::BUILT_IN;
pub use testing::Outcome;

use crate::catalogue::Verdict;
use crate::event::{Fault, ReadError, Stop};
use crate::head::Head;
use crate::input::{Input, Options};
use crate::limits::LAYOUT_BYTES_MAX;
use crate::output::Output;
use crate::record::Place;
use crate::sheet::{Cell, Sheet};
use definition::Definition;
use plan::Plan;
use table::Table;
use totals::{Declared, Totals};

/// The first lines that a pattern of rows must match.
const ROWS_LOOKED_AT: usize = 20;

/// A statement's layout.
#[derive(Debug)]
pub struct Layout {
    definition: Definition,
}

/// Why a text is no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", Self::place_text(*.line, *.column))]
pub struct LayoutError {
    /// Line, from 1; 0 where the layout as a whole is meant.
    pub line: usize,
    /// Character of the line, from 1; 0 likewise.
    pub column: usize,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl LayoutError {
    fn place_text(line: usize, column: usize) -> String {
        if line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
    }
}

impl Layout {
    /// Reads a layout.
    ///
    /// # Errors
    /// When the text is no TOML, or something in it is not what a layout has.
    pub fn parse(text: &str) -> Result<Layout, LayoutError> {
        if text.len() > LAYOUT_BYTES_MAX {
            let message = format!("the layout has {} bytes; at most {LAYOUT_BYTES_MAX} are read", text.len());
            return Err(LayoutError { line: 0, column: 0, message });
        }
        words::count_patterns_anew();
        let definition: Definition = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let (line, column) = before.map_or((0, 0), |before| {
                let line = before.rsplit('\n').next().unwrap_or_default();
                (before.matches('\n').count() + 1, line.chars().count() + 1)
            });
            LayoutError { line, column, message: error.message().trim_end().replace('\n', "; ") }
        })?;
        definition.check().map_err(|message| LayoutError { line: 0, column: 0, message })?;
        Ok(Layout { definition })
    }

    /// Returns its id: `my-bank.statement`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.definition.id
    }

    /// Returns its name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.definition.title
    }

    /// Runs the tests that the layout holds. `open` gives the bytes of a file that a test names.
    pub fn test(&self, open: &dyn Fn(&str) -> std::io::Result<Vec<u8>>) -> Vec<Outcome> {
        testing::run(self, &self.definition.test, open)
    }

    /// Tells from the head whether a file has this layout.
    pub(crate) fn recognise(&self, head: &Head) -> Verdict {
        let definition = &self.definition;
        if !head.is_spreadsheet() {
            return self.recognise_table(Table::of_text(definition, Input::of_head(head)), head.whole);
        }
        if definition.recognise.columns.is_empty() {
            return Verdict::No("it is a workbook, and the layout is for text without a header".to_owned());
        }
        let sheets = match head.sheets() {
            Ok(sheets) => sheets,
            Err(why) => return Verdict::No(why.to_owned()),
        };
        let mut why = Verdict::No("the workbook has no sheet with cells".to_owned());
        for (at, sheet) in (1..).zip(sheets) {
            match self.recognise_table(Table::of_sheet(definition, sheet, at), true) {
                Verdict::Yes(evidence) => {
                    return Verdict::Yes(format!("sheet {}: {evidence}", sheet.name));
                }
                no @ Verdict::No(_) => why = no,
            }
        }
        why
    }

    fn recognise_table(&self, mut table: Table<'_>, whole: bool) -> Verdict {
        let recognise = &self.definition.recognise;
        if let Some(pattern) = &recognise.rows {
            let mut rows = Vec::new();
            while rows.len() <= ROWS_LOOKED_AT
                && let Ok(Some(row)) = table.next_row()
            {
                rows.push(row);
            }
            // The last one may be cut by the end of the head.
            if !whole && rows.len() <= ROWS_LOOKED_AT {
                rows.pop();
            }
            rows.truncate(ROWS_LOOKED_AT);
            return match rows.iter().find(|row| !pattern.matches(&row.raw)) {
                Some(row) => Verdict::No(format!("line {} does not match {pattern}", row.place.line)),
                None if rows.is_empty() => Verdict::No("there is no line".to_owned()),
                None if rows.len() == 1 => Verdict::Yes(format!("the first line matches {pattern}")),
                None => Verdict::Yes(format!("the first {} lines match {pattern}", rows.len())),
            };
        }
        let mut seen = vec![false; recognise.lines.len()];
        let found = table::find_header(&self.definition, &mut table, |row| {
            for (seen, pattern) in seen.iter_mut().zip(&recognise.lines) {
                *seen |= pattern.matches(&row.raw);
            }
        });
        let names = recognise.columns.join(", ");
        match (found, seen.iter().position(|seen| !seen)) {
            (Ok(Some(found)), None) => {
                Verdict::Yes(format!("line {} is the header: it holds {names}", found.place.line))
            }
            (Ok(Some(_)), Some(at)) => {
                Verdict::No(format!("no line before the header matches {}", recognise.lines[at]))
            }
            (Ok(None) | Err(_), _) => Verdict::No(format!("none of the first lines holds {names}")),
        }
    }

    /// Reads a file.
    pub(crate) fn read(
        &self,
        input: Input<'_>,
        options: &Options,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        let definition = &self.definition;
        if !input.head.is_spreadsheet() {
            let read = self.read_table(Table::of_text(definition, input), options, None, output)?;
            return if read { Ok(()) } else { Err(self.no_header().into()) };
        }
        let sheets = input.head.sheets().map_err(|why| ReadError::broken(Place::default(), why))?;
        let (mut any, mut left) = (false, Vec::new());
        for (at, sheet) in (1..).zip(sheets) {
            let table = Table::of_sheet(definition, sheet, at);
            if self.read_table(table, options, Some(sheet), output)? {
                any = true;
            } else if let Some((row, _)) = self.data_of(sheet) {
                let message = format!("sheet {} has rows, but not the header of the others", sheet.name);
                left.push(Fault::new(Place::line(*row).on_page(at), "", message, ""));
            }
        }
        if !any {
            return Err(self.no_header().into());
        }
        left.into_iter().try_for_each(|fault| output.fault(fault))
    }

    /// Finds a row that has as many cells as the header must have: that sheet is more than a remark.
    fn data_of<'s>(&self, sheet: &'s Sheet) -> Option<&'s (u64, Vec<Cell>)> {
        let least = self.definition.recognise.columns.len().max(3);
        let filled = |cells: &[Cell]| cells.iter().filter(|cell| !cell.text.trim().is_empty()).count();
        sheet.rows.iter().find(|(_, cells)| filled(cells) >= least)
    }

    fn no_header(&self) -> ReadError {
        let names = self.definition.recognise.columns.join(", ");
        ReadError::broken(Place::default(), format!("no header with the columns {names} was found"))
    }

    /// Reads a table; gives `false` where its header is not there.
    fn read_table(
        &self,
        mut table: Table<'_>,
        options: &Options,
        sheet: Option<&Sheet>,
        output: &mut Output<'_>,
    ) -> Result<bool, Stop> {
        let definition = &self.definition;
        let mut declared = Declared::default();
        let header = table::find_header(definition, &mut table, |row| declared.look_at(definition, row))?;
        let Some(header) = header else { return Ok(false) };
        let currency = declared.currency(output)?.or(options.currency).or(definition.currency);
        let month = declared.month(output)?;
        let plan = Plan::new(definition, header.columns, header.tail, currency, month)
            .map_err(|message| ReadError::broken(header.place, message))?;
        let mut totals = Totals::new(definition, &plan, header.place)
            .map_err(|message| ReadError::broken(header.place, message))?;
        let mut statement = declared.statement(definition, currency, header.place, output)?;
        if let Some(sheet) = sheet {
            statement.details.push(("sheet".to_owned(), sheet.name.clone()));
        }
        output.statement(statement)?;
        let mut last = header.place;
        let mut ended = false;
        let mut next = header.first;
        loop {
            let row = match next.take() {
                Some(row) => Some(row),
                None => table.next_row()?,
            };
            let Some(mut row) = row else { break };
            last = row.place;
            let matches = |patterns: &[words::Pattern]| patterns.iter().any(|p| p.matches(&row.raw));
            ended = ended || matches(&definition.lines.footer);
            let again = !header.names.is_empty()
                && row
                    .cells
                    .iter()
                    .map(|cell| crate::delimited::bare_name(cell))
                    .take(header.names.len())
                    .eq(header.names.iter().cloned());
            if ended && again {
                let message = "is the header once more, after the line that ends the rows";
                output.fault(Fault::new(row.place, "", message, &row.raw))?;
                break;
            }
            if ended || matches(&definition.lines.skip) {
                declared.look_at(definition, &row);
                continue;
            }
            if row.is_blank() || again {
                continue;
            }
            let read = plan.fit(&mut row, sheet.is_some()).and_then(|()| {
                let mut cells = plan.cells(&row)?;
                let record = plan.record(&mut cells)?;
                Ok((cells, record))
            });
            match read {
                Err(fault) => output.fault(fault)?,
                Ok((mut cells, record)) => {
                    let (check, faults) = totals.add(definition, &plan, &mut cells, &record)?;
                    output.record(record)?;
                    faults.into_iter().try_for_each(|fault: Fault| output.fault(fault))?;
                    check.map_or(Ok(()), |check| output.check(check))?;
                }
            }
        }
        totals.finish(&definition.numbers, &declared, currency, last, output)?;
        Ok(true)
    }
}
