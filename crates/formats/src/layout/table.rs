//! The rows of a file or of one sheet, cut into cells as a layout says.

use super::definition::{Definition, FileShape, Mark, Shape, Unit};
use crate::columns::Columns;
use crate::delimited::{Row, Rows, bare_name};
use crate::event::ReadError;
use crate::head::TextEncoding;
use crate::input::{Input, Lines};
use crate::limits::HEADER_ROWS_MAX;
use crate::record::Place;
use crate::sheet::{Cell, Sheet};

/// Where rows come from.
pub(super) enum Table<'a> {
    /// Lines with a character between cells.
    Delimited(Box<Rows<'a>>),
    /// Lines with columns of fixed width.
    Fixed(Box<FixedLines<'a>>),
    /// A sheet of a workbook.
    Sheet(std::slice::Iter<'a, (u64, Vec<Cell>)>, u32, &'a Definition),
}

/// Lines of fixed width.
pub(super) struct FixedLines<'a> {
    lines: Lines<'a>,
    file: &'a FileShape,
    encoding: TextEncoding,
    unit: Unit,
    /// For each column whether it is an amount, of which no digit may be lost.
    amounts: Vec<bool>,
}

impl<'a> Table<'a> {
    /// Opens a file of text.
    pub(super) fn of_text(definition: &'a Definition, input: Input<'a>) -> Table<'a> {
        let file = &definition.file;
        let encoding = file.encoding.unwrap_or(input.head.encoding);
        let lines = input.lines(Some(encoding));
        match file.shape {
            Shape::FixedWidth => {
                // Lines of UTF-16 come as UTF-8, whose bytes say nothing of columns.
                let wide = matches!(encoding, TextEncoding::Utf16Le | TextEncoding::Utf16Be);
                let (encoding, unit) =
                    if wide { (TextEncoding::Utf8, Unit::Characters) } else { (encoding, file.unit) };
                let amounts = file.columns.iter().map(|column| definition.is_amount(&column.name)).collect();
                Table::Fixed(Box::new(FixedLines { lines, file, encoding, unit, amounts }))
            }
            Shape::Delimited => {
                let rows = Rows::new(lines, file.delimiter.byte(), file.quote.byte());
                Table::Delimited(Box::new(if file.multiline { rows } else { rows.of_one_line() }))
            }
        }
    }

    /// Opens a sheet; `number` counts from 1.
    pub(super) fn of_sheet(definition: &'a Definition, sheet: &'a Sheet, number: u32) -> Table<'a> {
        Table::Sheet(sheet.rows.iter(), number, definition)
    }

    /// Reads the next row that has any text.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, ReadError> {
        match self {
            Table::Delimited(rows) => {
                let Some(mut row) = rows.next_row()? else { return Ok(None) };
                for cell in &mut row.cells {
                    unwrap(cell);
                }
                Ok(Some(row))
            }
            Table::Fixed(fixed) => loop {
                let FixedLines { lines, file, encoding, unit, amounts } = &mut **fixed;
                let Some(line) = lines.next_line()? else { return Ok(None) };
                if line.bytes.trim_ascii().is_empty() {
                    continue;
                }
                let raw = line.text().into_owned();
                let cells = match unit {
                    Unit::Bytes => cut(line.bytes.len(), file, amounts, |from, to| {
                        encoding.decode(&line.bytes[from..to]).into_owned()
                    }),
                    Unit::Characters => {
                        let characters: Vec<char> = raw.chars().collect();
                        cut(characters.len(), file, amounts, |from, to| characters[from..to].iter().collect())
                    }
                };
                return Ok(Some(Row { place: line.place(), raw, cells }));
            },
            Table::Sheet(rows, number, definition) => {
                let Some((row, cells)) = rows.next() else { return Ok(None) };
                let place = Place::line(*row).on_page(*number);
                let comma = definition.numbers.decimal_mark == Mark::Comma;
                let text = |cell: &Cell| match comma && cell.number {
                    true => cell.text.replace('.', ","),
                    false => cell.text.clone(),
                };
                let cells: Vec<String> = cells.iter().map(text).collect();
                let between = char::from(definition.file.delimiter.byte()).to_string();
                Ok(Some(Row { place, raw: cells.join(&between), cells }))
            }
        }
    }
}

/// Cuts a line of some length into columns. What a short line lacks is empty, since trailing blanks are
/// easily lost; an amount that was cut is made one that cannot be read. What a long line has beyond the last
/// column is a cell of its own.
fn cut(len: usize, file: &FileShape, amounts: &[bool], part: impl Fn(usize, usize) -> String) -> Vec<String> {
    let mut cells = Vec::with_capacity(file.columns.len());
    let mut at: usize = 0;
    for (column, amount) in file.columns.iter().zip(amounts) {
        let (from, to) = (at.min(len), (at + column.width).min(len));
        let mut cell = part(from, to);
        if *amount && to > from && to < at + column.width {
            cell.push('…');
        }
        cells.push(cell);
        at += column.width + file.gap;
    }
    let end = at.saturating_sub(file.gap);
    if end < len {
        let rest = part(end, len);
        if !rest.trim().is_empty() {
            cells.push(rest);
        }
    }
    cells
}

/// Takes off what keeps a spreadsheet from changing a long number: `="123"`, `'123`, a back-tick.
fn unwrap(cell: &mut String) {
    let text = cell.trim();
    let inner = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.or_else(|| text.strip_prefix(['`', '\'']));
    if let Some(inner) = inner {
        *cell = inner.to_owned();
    }
}

/// A table whose header was found.
pub(super) struct Found {
    /// The columns.
    pub(super) columns: Columns,
    /// The bare names of the header's cells: a row with the same is the header once more.
    pub(super) names: Vec<String>,
    /// Empty cells at the end of the header's line: rows have as many.
    pub(super) tail: usize,
    /// Where it is.
    pub(super) place: Place,
    /// A row that was read in looking for the header and is one of the data.
    pub(super) first: Option<Row>,
}

/// Reads on to the header, giving each row before it to `before`. Without one, `None`.
pub(super) fn find_header(
    definition: &Definition,
    table: &mut Table<'_>,
    mut before: impl FnMut(&Row),
) -> Result<Option<Found>, ReadError> {
    if !definition.file.columns.is_empty() {
        let cells: Vec<String> = definition.file.columns.iter().map(|column| column.name.clone()).collect();
        let first = table.next_row()?;
        let place = first.as_ref().map_or(Place::line(1), |row| row.place);
        let columns = Columns::new(&cells);
        return Ok(Some(Found { columns, names: Vec::new(), tail: 0, place, first }));
    }
    for _ in 0..HEADER_ROWS_MAX {
        let Some(mut row) = table.next_row()? else { return Ok(None) };
        if is_header(definition, &row.cells) {
            let written = row.cells.len();
            while row.cells.last().is_some_and(|cell| cell.trim().is_empty()) {
                row.cells.pop();
            }
            let names: Vec<String> = row.cells.iter().map(|cell| bare_name(cell)).collect();
            let columns = Columns::new(&numbered(&row.cells));
            let tail = written - names.len();
            return Ok(Some(Found { columns, names, tail, place: row.place, first: None }));
        }
        before(&row);
    }
    Ok(None)
}

fn is_header(definition: &Definition, cells: &[String]) -> bool {
    let wanted = &definition.recognise.columns;
    if cells.len() < wanted.len() {
        return false;
    }
    let names: Vec<String> = cells.iter().map(|cell| bare_name(cell)).collect();
    let has = |name: &String| names.contains(&bare_name(name));
    wanted.iter().all(has) && !definition.recognise.without.iter().any(has)
}

/// Gives repeated names numbers: the second `金额` is `金额#2`.
fn numbered(cells: &[String]) -> Vec<String> {
    let mut seen: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    let number = |cell: &String| {
        let times = seen.entry(bare_name(cell)).or_default();
        *times += 1;
        if *times == 1 || cell.trim().is_empty() { cell.clone() } else { format!("{}#{times}", cell.trim()) }
    };
    cells.iter().map(number).collect()
}
