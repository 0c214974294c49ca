//! Rows of delimited text with their places and raw text, and columns found by name.

use crate::event::{Fault, ReadError};
use crate::input::Lines;
use crate::limits::CELLS_MAX;
use crate::record::Place;
use crate::value;
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// A row of cells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Where it begins.
    pub place: Place,
    /// The text as it is in the file.
    pub raw: String,
    /// The cells, without quotes around them.
    pub cells: Vec<String>,
}

impl Row {
    /// Returns a cell without blanks around it; an absent one is empty.
    pub fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", |cell| cell.trim())
    }

    /// Says whether no cell has any text.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// Reads rows of delimited text.
pub struct Rows<'a> {
    lines: Lines<'a>,
    delimiter: u8,
    quote: Option<u8>,
    /// Whether a cell in quotes may go on in the next line.
    multiline: bool,
    parser: csv_core::Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Takes lines whose cells are separated by `delimiter`. With a quote character, cells may be in
    /// quotes, and then hold delimiters and line ends.
    pub fn new(lines: Lines<'a>, delimiter: u8, quote: Option<u8>) -> Rows<'a> {
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(delimiter).quoting(quote.is_some()).quote(quote.unwrap_or(b'"'));
        // Lines were cut before; a carriage return within one is text.
        builder.terminator(csv_core::Terminator::Any(b'\n'));
        Rows {
            lines,
            delimiter,
            quote,
            multiline: true,
            parser: builder.build(),
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Ends each row with its line, also inside quotes: a quote that is never closed spoils one line.
    #[must_use]
    pub fn of_one_line(mut self) -> Rows<'a> {
        self.multiline = false;
        self
    }

    /// Reads the next row; lines without text are passed over.
    ///
    /// # Errors
    /// When bytes cannot be read, or a size is over its limit.
    pub fn next_row(&mut self) -> Result<Option<Row>, ReadError> {
        loop {
            if self.lines.next_line()?.is_none() {
                return Ok(None);
            }
            if let Some(quote) = self.quote.filter(|_| self.multiline) {
                let mut quotes =
                    Quotes { quote, delimiter: self.delimiter, inside: false, fresh: true, at: 0 };
                while quotes.open_after(self.lines.line().bytes) {
                    if !self.lines.append_line()? {
                        let place = self.lines.line().place();
                        return Err(ReadError::broken(
                            place,
                            "a quote that opens in this row is never closed",
                        ));
                    }
                }
            }
            let line = self.lines.line();
            if line.bytes.trim_ascii().is_empty() {
                continue;
            }
            let (place, raw) = (line.place(), line.text().into_owned());
            let cells = self.split(&raw, place)?;
            return Ok(Some(Row { place, raw, cells }));
        }
    }

    fn split(&mut self, text: &str, place: Place) -> Result<Vec<String>, ReadError> {
        self.parser.reset();
        self.bytes.resize(text.len() + 1, 0);
        self.ends.resize(CELLS_MAX + 1, 0);
        // The whole row at once, then an empty input for its end.
        let (result, _, mut written, mut ends) =
            self.parser.read_record(text.as_bytes(), &mut self.bytes, &mut self.ends);
        if result == csv_core::ReadRecordResult::InputEmpty {
            let (_, _, more, more_ends) =
                self.parser.read_record(&[], &mut self.bytes[written..], &mut self.ends[ends..]);
            ends += more_ends;
            written += more;
        }
        debug_assert!(written <= text.len(), "cells are never longer than their row");
        if ends > CELLS_MAX || result == csv_core::ReadRecordResult::OutputEndsFull {
            return Err(ReadError::Limit { place, what: "the number of cells", max: CELLS_MAX as u64 });
        }
        let mut from = 0;
        let cells = self.ends[..ends].iter().map(|end| {
            let cell = String::from_utf8_lossy(&self.bytes[from..*end]).into_owned();
            from = *end;
            cell
        });
        Ok(cells.collect())
    }
}

/// Whether a row ends inside quotes, as far as it has been read. Goes on where it was, so that a row of
/// many lines is looked at once.
struct Quotes {
    quote: u8,
    delimiter: u8,
    inside: bool,
    /// Whether a cell begins here: only there a quote opens.
    fresh: bool,
    at: usize,
}

impl Quotes {
    fn open_after(&mut self, bytes: &[u8]) -> bool {
        while self.at < bytes.len() {
            let byte = bytes[self.at];
            if self.inside {
                if byte == self.quote {
                    if bytes.get(self.at + 1) == Some(&self.quote) {
                        self.at += 1;
                    } else {
                        self.inside = false;
                    }
                }
            } else if byte == self.quote && self.fresh {
                self.inside = true;
            }
            self.fresh = !self.inside && byte == self.delimiter;
            self.at += 1;
        }
        self.inside
    }
}

/// A header: columns by name.
#[derive(Debug, Clone, Default)]
pub struct Header {
    names: Vec<String>,
}

impl Header {
    /// Takes the cells of a header row. Names are compared without blanks, back-ticks and byte order
    /// marks, and with brackets of either width.
    pub fn new(cells: &[String]) -> Header {
        Header { names: cells.iter().map(|cell| bare_name(cell)).collect() }
    }

    /// Finds a column by the first of some names that is there.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| {
            let name = bare_name(name);
            self.names.iter().position(|own| *own == name)
        })
    }

    /// Returns the names, as they are compared.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns a cell of a row by the first of some names that is there; empty where none is.
    pub fn text<'r>(&self, row: &'r Row, names: &[&str]) -> &'r str {
        self.find(names).map_or("", |at| row.cell(at))
    }

    /// Reads an amount that must be there.
    pub fn amount(&self, row: &Row, names: &[&str]) -> Result<Decimal, Fault> {
        self.value(row, names, value::amount)
    }

    /// Reads an amount that may be empty or a dash.
    pub fn amount_or_none(&self, row: &Row, names: &[&str]) -> Result<Option<Decimal>, Fault> {
        self.value(row, names, value::amount_or_none)
    }

    /// Reads a currency that must be there.
    pub fn currency(&self, row: &Row, names: &[&str]) -> Result<Currency, Fault> {
        self.value(row, names, value::currency)
    }

    /// Reads a date that must be there.
    pub fn date(&self, row: &Row, names: &[&str]) -> Result<Date, Fault> {
        self.value(row, names, value::date)
    }

    /// Reads a date and time that must be there.
    pub fn date_time(&self, row: &Row, names: &[&str]) -> Result<DateTime, Fault> {
        self.value(row, names, value::date_time)
    }

    /// Reads a cell by a reader that says what is wrong.
    pub fn value<T>(
        &self,
        row: &Row,
        names: &[&str],
        read: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, Fault> {
        let at = self.find(names);
        let text = at.map_or("", |at| row.cell(at));
        read(text).map_err(|message| {
            let place = row.place.at_column(at.map_or(0, |at| u32::try_from(at + 1).unwrap_or(u32::MAX)));
            Fault::new(place, names.first().copied().unwrap_or_default(), message, text)
        })
    }
}

/// A name of a column as it is compared.
pub fn bare_name(name: &str) -> String {
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '`' || c == '\u{feff}' || c == '"');
    name.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '（' => '(',
            '）' => ')',
            '：' => ':',
            '／' => '/',
            other => other,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;

    fn rows(text: &str, quote: Option<u8>) -> Vec<(u64, Vec<String>)> {
        let mut rows = Rows::new(Input::of_bytes(text.as_bytes()).lines(None), b',', quote);
        let mut all = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            all.push((row.place.line, row.cells));
        }
        all
    }

    #[test]
    fn rows_keep_their_line_also_after_quoted_line_ends() {
        let text = "\u{feff}a,b\r\n\r\n\"x,\n\"\"y\",2\n3,\"4\"\n,";
        let cells = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            rows(text, Some(b'"')),
            [
                (1, cells(&["a", "b"])),
                (3, cells(&["x,\n\"y", "2"])),
                (5, cells(&["3", "4"])),
                (6, cells(&["", ""]))
            ]
        );
        assert_eq!(rows("a\"b,\"c\n", None), [(1, cells(&["a\"b", "\"c"]))]);
        // A quote that is never closed would take the rest of the file.
        let text = "1,2\n\"a,b\nc\n";
        let mut open = Rows::new(Input::of_bytes(text.as_bytes()).lines(None), b',', Some(b'"'));
        assert!(open.next_row().unwrap().is_some());
        assert!(open.next_row().unwrap_err().to_string().starts_with("line 2: a quote"));
        // A carriage return alone is text, or ends lines where nothing else does.
        assert_eq!(rows("a,b\rc,d\n", Some(b'"')), [(1, cells(&["a", "b\rc", "d"]))]);
        assert_eq!(rows("a,b\rc,d\r", None), [(1, cells(&["a", "b"])), (2, cells(&["c", "d"]))]);
    }

    #[test]
    fn columns_are_found_whatever_their_brackets_and_blanks() {
        let header =
            Header::new(&["`交易时间".to_owned(), " 订单金额（元）".to_owned(), "Net Amount".to_owned()]);
        assert_eq!(header.find(&["订单金额(元)"]), Some(1));
        assert_eq!(header.find(&["记账时间", "交易时间"]), Some(0));
        assert_eq!(header.find(&["net amount"]), Some(2));
        assert_eq!(header.find(&["手续费"]), None);
    }
}
