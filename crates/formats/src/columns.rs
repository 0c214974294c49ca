//! Tables whose columns come in any order and number: columns are found once, and what no field takes
//! goes to the details of the record under the file's own name.

use crate::delimited::{Row, Rows, bare_name};
use crate::event::{Fault, ReadError};
use crate::head::{Head, TextEncoding};
use crate::input::Input;
use crate::record::Record;

/// A column of a table, or none where the table lacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Column(pub(crate) Option<usize>);

impl Column {
    /// Says whether the table has it.
    pub(crate) const fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Returns the cell of a row without blanks around it; empty where the column or the cell is absent.
    pub(crate) fn text(self, row: &Row) -> &str {
        self.0.map_or("", |at| row.cell(at))
    }
}

/// The columns of a table by their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    names: Vec<String>,
    bare: Vec<String>,
    taken: Vec<bool>,
}

impl Columns {
    /// Takes the cells of a header row.
    pub(crate) fn new(cells: &[String]) -> Columns {
        let names: Vec<String> =
            cells.iter().map(|cell| cell.trim_matches(['\u{feff}', ' ', '\t']).to_owned()).collect();
        let bare = names.iter().map(|name| bare_name(name)).collect();
        Columns { taken: vec![false; names.len()], names, bare }
    }

    /// Returns how many columns there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the name of a column, as the file writes it.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// Returns all names, as the file writes them.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Says whether there is a column of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Counts how many of some names are there.
    pub(crate) fn count_of(&self, names: &[&str]) -> usize {
        names.iter().filter(|name| self.has(name)).count()
    }

    /// Finds the first of some names that is there, and keeps it out of the details.
    pub(crate) fn take(&mut self, names: &[&str]) -> Column {
        let found = names.iter().find_map(|name| self.find(name));
        if let Some(at) = found {
            self.taken[at] = true;
        }
        Column(found)
    }

    /// Finds the first of some names that is there, and leaves it in the details.
    pub(crate) fn look(&self, names: &[&str]) -> Column {
        Column(names.iter().find_map(|name| self.find(name)))
    }

    /// Finds the first column whose name passes a test, and leaves it in the details.
    pub(crate) fn look_for(&self, test: impl Fn(&str) -> bool) -> Column {
        Column(self.bare.iter().position(|name| test(name)))
    }

    /// Reads a cell by a reader that says what is wrong.
    pub(crate) fn value<T>(
        &self,
        row: &Row,
        column: Column,
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, Fault> {
        read(column.text(row)).map_err(|message| self.fault(row, column, message))
    }

    /// Makes a fault of a cell.
    pub(crate) fn fault(&self, row: &Row, column: Column, message: &str) -> Fault {
        let number = column.0.map_or(0, |at| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let name = column.0.and_then(|at| self.names.get(at)).map_or("", String::as_str);
        Fault::new(row.place.at_column(number), name, message, column.text(row))
    }

    /// Puts all cells that no field took into the details of a record, and the row into its raw text.
    pub(crate) fn fill(&self, row: &Row, record: &mut Record) {
        for (at, cell) in row.cells.iter().enumerate() {
            if self.taken.get(at).copied().unwrap_or(false) {
                continue;
            }
            match self.names.get(at) {
                Some(name) if !name.is_empty() => record.detail(name, cell.trim()),
                _ => record.detail(&format!("column {}", at + 1), cell.trim()),
            }
        }
        record.set_raw(&row.raw);
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = bare_name(name);
        self.bare.iter().position(|own| *own == name)
    }
}

/// Tells the character between cells from the first line that has text: the commonest of comma,
/// semicolon and tab outside quotes.
pub(crate) fn delimiter_of(head: &Head) -> u8 {
    let line = head.find_line(20, |line| !line.trim().is_empty()).map_or("", |(_, line)| line);
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut inside = false;
    for byte in line.bytes() {
        inside ^= byte == b'"';
        if !inside && let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte) {
            *count += 1;
        }
    }
    // The last of equals would win, so the order is turned around: commas before the others.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// Reads the first rows of the head; one that the end of the head may have cut is left out.
pub(crate) fn head_rows(head: &Head, rows_max: usize) -> Vec<Row> {
    if head.text.is_empty() {
        return Vec::new();
    }
    let lines = Input::of_bytes(head.text.as_bytes()).lines(Some(TextEncoding::Utf8));
    let mut rows = Rows::new(lines, delimiter_of(head), Some(b'"'));
    let mut all = Vec::new();
    let mut ended = false;
    while all.len() < rows_max {
        match rows.next_row() {
            Ok(Some(row)) => all.push(row),
            Ok(None) => {
                ended = true;
                break;
            }
            Err(_) => break,
        }
    }
    if ended && !head.whole && all.len() > 1 {
        all.pop();
    }
    all
}

/// Opens a table: its header, and the rows after it.
///
/// # Errors
/// When bytes cannot be read, or there is no header.
pub(crate) fn open(input: Input<'_>) -> Result<(Columns, Row, Rows<'_>), ReadError> {
    let delimiter = delimiter_of(&input.head);
    let mut rows = Rows::new(input.lines(None), delimiter, Some(b'"'));
    match rows.next_row()? {
        Some(header) => Ok((Columns::new(&header.cells), header, rows)),
        None => Err(ReadError::broken(crate::record::Place::default(), "the file has no header line")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_commonest_outside_quotes() {
        for (text, delimiter) in
            [("a,b,c\n", b','), ("a;b;\"c,d,e\"\n", b';'), ("\n\na\tb\n", b'\t'), ("one\n", b','), ("", b',')]
        {
            assert_eq!(delimiter_of(&Head::new(text.as_bytes().to_vec(), true)), delimiter, "{text:?}");
        }
    }

    #[test]
    fn untaken_cells_go_to_the_details() {
        let (mut columns, _, mut rows) = open(Input::of_bytes(b"Id,Odd Name,\n1,x,y,z\n")).unwrap();
        let id = columns.take(&["ID"]);
        let row = rows.next_row().unwrap().unwrap();
        assert_eq!(id.text(&row), "1");
        let eur = suanpan_money::Currency::parse("EUR").unwrap();
        let mut record = Record::new(crate::Kind::Other, rust_decimal::Decimal::ZERO, eur, row.place);
        columns.fill(&row, &mut record);
        let pairs: Vec<(&str, &str)> =
            record.details.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(pairs, [("Odd Name", "x"), ("column 3", "y"), ("column 4", "z")]);
        assert_eq!(record.raw, "1,x,y,z");
    }
}
