//! Workbooks (XLSX, XLS) as rows of text.
//!
//! The container formats are read by the `calamine` crate. What is added here are limits, and texts that
//! are exact: a number is written with the 15 digits that a spreadsheet holds, so that 0.1 + 0.2 of a
//! formula is `0.3` as the person saw it, and a date is written as ISO 8601 does.

use crate::event::ReadError;
use crate::limits::{CELLS_MAX, SHEET_CELLS_MAX, SHEET_INFLATED_BYTES_MAX};
use crate::record::Place;
use calamine::{Data, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xls, Xlsx};
use rust_decimal::Decimal;
use std::io::{Cursor, Read};

/// The text of one sheet: rows that have any cell, with their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// Its name on the tab.
    pub name: String,
    /// Rows with their number, from 1, in the sheet's order. Blank rows are left out.
    pub rows: Vec<(u64, Vec<Cell>)>,
}

/// A cell of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What it holds, as text. An error is what the spreadsheet shows of it: `#DIV/0!`.
    pub text: String,
    /// Whether it holds a number, whose text then has a point before its decimals.
    pub number: bool,
}

/// Reads the sheets of a workbook that have cells. Sheets that are hidden, and charts, are left out: what
/// nobody sees is often a copy.
///
/// # Errors
/// When it is no workbook that can be read, has a password, or is over a limit.
pub fn sheets(bytes: &[u8]) -> Result<Vec<Sheet>, ReadError> {
    // The library trusts some sizes in damaged files and would take the program down with it.
    let read = || if bytes.starts_with(b"PK") { office_open(bytes) } else { binary(bytes) };
    let sheets = std::panic::catch_unwind(read).map_err(|_| broken("it is damaged"))??;
    Ok(sheets.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect())
}

/// An XLSX workbook, cell by cell: a sheet with one cell in its last corner costs nothing.
fn office_open(bytes: &[u8]) -> Result<Vec<Sheet>, ReadError> {
    inflates_within(bytes)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error.to_string()))?;
    let mut left = SHEET_CELLS_MAX;
    let mut all = Vec::new();
    for name in shown(book.sheets_metadata()) {
        let mut cells =
            book.worksheet_cells_reader(&name).map_err(|error| broken(&format!("sheet {name}: {error}")))?;
        let mut sheet = Sheet { name: name.clone(), rows: Vec::new() };
        while let Some(cell) = cells.next_cell().map_err(|error| broken(&error.to_string()))? {
            let (row, column) = cell.get_position();
            put(&mut sheet, u64::from(row) + 1, column as usize, cell_of_ref(cell.get_value()), &mut left)?;
        }
        all.push(sheet);
    }
    Ok(all)
}

/// An XLS workbook: at most 65,536 rows of 256 cells a sheet by its format.
fn binary(bytes: &[u8]) -> Result<Vec<Sheet>, ReadError> {
    whole_container(bytes)?;
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| broken(&error.to_string()))?;
    let mut left = SHEET_CELLS_MAX;
    let mut all = Vec::new();
    for name in shown(book.sheets_metadata()) {
        let range = book.worksheet_range(&name).map_err(|error| broken(&format!("sheet {name}: {error}")))?;
        let mut sheet = Sheet { name, rows: Vec::new() };
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let number = u64::from(first_row) + row as u64 + 1;
            put(&mut sheet, number, first_column as usize + column, cell_of(value), &mut left)?;
        }
        all.push(sheet);
    }
    Ok(all)
}

fn put(sheet: &mut Sheet, row: u64, column: usize, cell: Cell, left: &mut u64) -> Result<(), ReadError> {
    if cell.text.trim().is_empty() {
        return Ok(());
    }
    let place = Place::line(row);
    if column >= CELLS_MAX {
        return Err(ReadError::Limit { place, what: "the number of cells", max: CELLS_MAX as u64 });
    }
    *left = left.checked_sub(1).ok_or(ReadError::Limit {
        place,
        what: "the number of cells of the workbook",
        max: SHEET_CELLS_MAX,
    })?;
    if sheet.rows.last().is_none_or(|(number, _)| *number != row) {
        sheet.rows.push((row, Vec::new()));
    }
    if let Some((_, cells)) = sheet.rows.last_mut() {
        if cells.len() <= column {
            cells.resize(column + 1, Cell::default());
        }
        cells[column] = cell;
    }
    Ok(())
}

/// Checks what the parts of the container hold when they are unpacked, by unpacking them once: what a
/// container says of its own sizes need not be true.
fn inflates_within(bytes: &[u8]) -> Result<(), ReadError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error.to_string()))?;
    let mut left = SHEET_INFLATED_BYTES_MAX;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|error| broken(&error.to_string()))?;
        let mut part = part.take(left + 1);
        let read = std::io::copy(&mut part, &mut std::io::sink())?;
        left = left.checked_sub(read).ok_or(ReadError::Limit {
            place: Place::default(),
            what: "the size of the workbook's unpacked parts in bytes",
            max: SHEET_INFLATED_BYTES_MAX,
        })?;
    }
    Ok(())
}

/// Checks the container of an XLS workbook: chains that end, sectors that are there.
fn whole_container(bytes: &[u8]) -> Result<(), ReadError> {
    let book = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|error| broken(&error.to_string()))?;
    let has = |name: &str| book.is_stream(name);
    if has("/Workbook") || has("/Book") { Ok(()) } else { Err(broken("it holds no workbook")) }
}

fn broken(why: &str) -> ReadError {
    ReadError::broken(Place::default(), format!("the workbook cannot be read: {why}"))
}

fn cell_of_ref(value: &DataRef<'_>) -> Cell {
    let text = |text: &str| Cell { text: text.to_owned(), number: false };
    match value {
        DataRef::SharedString(shared) => text(shared),
        DataRef::String(own) | DataRef::DateTimeIso(own) | DataRef::DurationIso(own) => text(own),
        DataRef::Int(number) => Cell { text: number.to_string(), number: true },
        DataRef::Float(number) => Cell { text: number_text(*number), number: true },
        DataRef::Bool(truth) => text(&truth.to_string()),
        DataRef::DateTime(moment) => text(&moment_text(moment)),
        DataRef::Error(error) => text(&error.to_string()),
        DataRef::Empty => Cell::default(),
    }
}

fn cell_of(value: &Data) -> Cell {
    let text = |text: &str| Cell { text: text.to_owned(), number: false };
    match value {
        Data::String(own) | Data::DateTimeIso(own) | Data::DurationIso(own) => text(own),
        Data::Int(number) => Cell { text: number.to_string(), number: true },
        Data::Float(number) => Cell { text: number_text(*number), number: true },
        Data::Bool(truth) => text(&truth.to_string()),
        Data::DateTime(moment) => text(&moment_text(moment)),
        Data::Error(error) => text(&error.to_string()),
        Data::Empty => Cell::default(),
    }
}

/// Names the sheets that a person sees.
fn shown(sheets: &[calamine::Sheet]) -> Vec<String> {
    let seen = |sheet: &&calamine::Sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    };
    sheets.iter().filter(seen).map(|sheet| sheet.name.clone()).collect()
}

/// Writes a number with 15 significant digits, as spreadsheets hold and show them, without an exponent
/// where that can be done.
fn number_text(number: f64) -> String {
    let scientific = format!("{number:.14e}");
    match Decimal::from_scientific(&scientific) {
        Ok(decimal) => decimal.normalize().to_string(),
        Err(_) => scientific,
    }
}

/// Writes a date, a time of day, or both.
fn moment_text(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    if moment.is_duration() {
        return number_text(moment.as_f64());
    }
    let clock = match milli {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    };
    let whole_day = (hour, minute, second, milli) == (0, 0, 0, 0);
    // Day zero of a spreadsheet's calendar stands for a time of day alone.
    match (moment.as_f64() < 1.0, whole_day) {
        (true, _) => clock,
        (false, true) => format!("{year:04}-{month:02}-{day:02}"),
        (false, false) => format!("{year:04}-{month:02}-{day:02} {clock}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_are_written_as_a_spreadsheet_shows_them() {
        for (number, text) in [
            (0.1 + 0.2, "0.3"),
            (1234.5, "1234.5"),
            (-71.89, "-71.89"),
            (0.0, "0"),
            (100.0, "100"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e-7, "0.0000001"),
            (4.35, "4.35"),
            (1e300, "1.00000000000000e300"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn dates_and_times_are_told_apart() {
        let text = |value| moment_text(&ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        assert_eq!(text(46_028.0), "2026-01-06");
        assert_eq!(text(46_028.5), "2026-01-06 12:00:00");
        assert_eq!(text(0.25), "06:00:00");
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        for bytes in [&b"PK\x03\x04"[..], b"", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and nothing else"] {
            assert!(sheets(bytes).is_err());
        }
    }
}
