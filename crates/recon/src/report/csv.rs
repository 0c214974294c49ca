//! Rows as CSV: RFC 4180 quoting, a header line, `\n` line ends, UTF-8, `.` as decimal point.

use super::ReportError;
use super::names::{NameTable, field_names};
use super::row::{Cell, Column, Kind, places};
use super::staged::{OutputFile, Staged};
use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

/// Writes one table as a CSV file.
pub(super) struct CsvOut {
    file: Staged,
    rows: u64,
}

impl CsvOut {
    /// Starts the file and writes its header.
    pub(super) fn create(dir: &Path, name: &str, columns: &[Column]) -> Result<Self, ReportError> {
        let mut out = CsvOut { file: Staged::create(dir, name)?, rows: 0 };
        let mut header = CsvLines::default();
        for (at, column) in columns.iter().enumerate() {
            header.advance_to(at);
            quote(column.name.as_bytes(), &mut header.text);
        }
        header.text.push(b'\n');
        out.append(&header)?;
        Ok(out)
    }

    /// Adds lines to the end.
    pub(super) fn append(&mut self, lines: &CsvLines) -> Result<(), ReportError> {
        self.rows += lines.rows;
        let written = self.file.write_all(&lines.text);
        written.map_err(|source| ReportError::Write { path: self.file.path().to_owned(), source })
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<OutputFile, ReportError> {
        self.file.finish(Some(self.rows))
    }
}

/// Lines on their way to a CSV file.
#[derive(Debug, Default)]
pub(super) struct CsvLines {
    text: Vec<u8>,
    next: usize,
    rows: u64,
    cells: CellText,
}

impl CsvLines {
    /// Starts anew; memory is kept.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.rows = 0;
    }

    /// Writes the next cell of the row; columns passed over stay empty.
    pub(super) fn cell(&mut self, at: usize, kind: Kind, cell: Cell<'_>, names: &NameTable) {
        self.advance_to(at);
        self.cells.append(kind, cell, names, &mut self.text, true);
    }

    /// Ends a row of so many columns.
    pub(super) fn end_row(&mut self, columns: usize) {
        self.advance_to(columns - 1);
        self.text.push(b'\n');
        self.next = 0;
        self.rows += 1;
    }

    fn advance_to(&mut self, at: usize) {
        while self.next < at {
            self.text.push(b',');
            self.next += 1;
        }
    }
}

/// Turns cells into text. Remembers the last day, since rows of one file share few days.
#[derive(Debug, Default)]
pub(super) struct CellText {
    last_day: Option<(i64, [u8; 10])>,
}

impl CellText {
    /// Returns a cell as a text of its own, without quotes.
    pub(super) fn text(&mut self, kind: Kind, cell: Cell<'_>, names: &NameTable) -> String {
        let mut out = Vec::new();
        self.append(kind, cell, names, &mut out, false);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn append(&mut self, kind: Kind, cell: Cell<'_>, names: &NameTable, out: &mut Vec<u8>, csv: bool) {
        let text =
            |text: &[u8], out: &mut Vec<u8>| if csv { quote(text, out) } else { out.extend_from_slice(text) };
        match cell {
            Cell::Number(number) => push_digits(out, number),
            Cell::Code(code) => out.extend_from_slice(code.name().as_bytes()),
            Cell::Currency(numeric) => out.extend_from_slice(names.currency(numeric).as_bytes()),
            Cell::Money(minor, exponent) => push_decimal(out, minor, exponent),
            Cell::Int(value) => match kind {
                Kind::Time => self.push_time(out, value),
                Kind::Day => self.push_day(out, value),
                _ => {
                    if value < 0 {
                        out.push(b'-');
                    }
                    push_digits(out, value.unsigned_abs());
                }
            },
            Cell::Text(bytes) => text(&readable(bytes), out),
            Cell::Word(word) => text(names.word(word).as_bytes(), out),
            Cell::Fields(mask) => {
                for (n, name) in field_names(mask).enumerate() {
                    if n > 0 {
                        out.push(b' ');
                    }
                    out.extend_from_slice(name.as_bytes());
                }
            }
            Cell::File(side, file) => text(names.file(side, file).as_bytes(), out),
            Cell::Side(side) => out.extend_from_slice(side.name().as_bytes()),
            Cell::Pass(pass) => text(names.pass(pass).as_bytes(), out),
            Cell::Why(why) => text(names.why(why).as_bytes(), out),
            Cell::Places(bytes) => text(&place_list(bytes, names), out),
            Cell::Flag => out.extend_from_slice(b"true"),
        }
    }

    fn push_day(&mut self, out: &mut Vec<u8>, day: i64) {
        match self.day(day) {
            Some(text) => out.extend_from_slice(&text),
            // Outside the calendar of four-digit years: the number itself, never a made-up date.
            None => out.extend_from_slice(day.to_string().as_bytes()),
        }
    }

    fn push_time(&mut self, out: &mut Vec<u8>, micros: i64) {
        const DAY: i64 = 86_400_000_000;
        let Some(day) = self.day(micros.div_euclid(DAY)) else {
            return out.extend_from_slice(micros.to_string().as_bytes());
        };
        let in_day = micros.rem_euclid(DAY).unsigned_abs();
        let (seconds, part) = (in_day / 1_000_000, in_day % 1_000_000);
        out.extend_from_slice(&day);
        for (mark, number) in [(b'T', seconds / 3600), (b':', seconds / 60 % 60), (b':', seconds % 60)] {
            out.push(mark);
            out.extend_from_slice(&two_digits(number));
        }
        if part > 0 {
            out.push(b'.');
            push_padded(out, part, 6);
            let zeros = out.iter().rev().take_while(|digit| **digit == b'0').count();
            out.truncate(out.len() - zeros);
        }
        out.push(b'Z');
    }

    fn day(&mut self, day: i64) -> Option<[u8; 10]> {
        if let Some((last, text)) = self.last_day
            && last == day
        {
            return Some(text);
        }
        let text: [u8; 10] = day_text(day)?.as_bytes().try_into().ok()?;
        self.last_day = Some((day, text));
        Some(text)
    }
}

/// Writes a day since 1970-01-01 as `2026-03-01`; `None` outside the years 0 to 9999.
pub(super) fn day_text(day: i64) -> Option<String> {
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(day).ok()?).ok()?;
    (date.year() >= 0).then(|| date.to_string())
}

/// Joins places as `right:bank.csv:17;right:bank.csv:19`.
pub(super) fn place_list(bytes: &[u8], names: &NameTable) -> Vec<u8> {
    let mut list = Vec::new();
    for (side, file, row) in places(bytes) {
        if !list.is_empty() {
            list.push(b';');
        }
        list.extend_from_slice(side.name().as_bytes());
        list.push(b':');
        list.extend_from_slice(names.file(side, file).as_bytes());
        list.push(b':');
        push_digits(&mut list, row);
    }
    list
}

/// Makes input text valid UTF-8 (a broken sequence becomes U+FFFD), and shows the separator within
/// composite keys as `|`.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, [u8]> {
    // One pass without branches, since nearly all texts are plain.
    let odd = bytes.iter().fold(false, |odd, &byte| odd | (byte == SEPARATOR) | (byte >= 0x80));
    if !odd {
        return Cow::Borrowed(bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(_) if !bytes.contains(&SEPARATOR) => Cow::Borrowed(bytes),
        _ => Cow::Owned(String::from_utf8_lossy(bytes).replace(char::from(SEPARATOR), "|").into_bytes()),
    }
}

/// Joins the columns of a composite key.
const SEPARATOR: u8 = 0x1f;

fn quote(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: u8| (byte == b',') | (byte == b'"') | (byte == b'\n') | (byte == b'\r');
    if !text.iter().fold(false, |found, &byte| found | special(byte)) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn push_digits(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Like `format_minor` of the money crate without an allocation, which counts for millions of rows.
fn push_decimal(out: &mut Vec<u8>, minor: i128, exponent: u8) {
    let Ok(size) = u64::try_from(minor.unsigned_abs()) else {
        return out.extend_from_slice(suanpan_money::format_sum(minor, exponent).as_bytes());
    };
    if minor < 0 {
        out.push(b'-');
    }
    let unit = 10_u64.pow(u32::from(exponent));
    push_digits(out, size / unit);
    if exponent > 0 {
        out.push(b'.');
        push_padded(out, size % unit, usize::from(exponent));
    }
}

fn push_padded(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

fn two_digits(number: u64) -> [u8; 2] {
    let digit = |n: u64| b'0' + u8::try_from(n % 10).expect("a digit");
    [digit(number / 10), digit(number)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimals_are_those_of_the_money_crate(minor in any::<i128>(), small in any::<i64>(), exponent in 0_u8..=4) {
            for minor in [minor, i128::from(small), i128::from(small % 1000)] {
                let mut out = Vec::new();
                push_decimal(&mut out, minor, exponent);
                prop_assert_eq!(String::from_utf8(out).unwrap(), suanpan_money::format_sum(minor, exponent));
            }
        }

        #[test]
        fn times_are_those_of_the_time_library(micros in -62_167_219_200_000_000_i64..253_402_207_200_000_000) {
            let mut out = Vec::new();
            CellText::default().push_time(&mut out, micros);
            let expected = jiff::Timestamp::from_microsecond(micros).unwrap().to_string();
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn texts_are_quoted_only_when_needed() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "=1+1"),
        ] {
            let mut out = Vec::new();
            quote(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        assert_eq!(&*readable(b"M1\x1fO2"), b"M1|O2");
        assert_eq!(&*readable(b"ok\xff"), "ok\u{fffd}".as_bytes());
    }

    #[test]
    fn a_day_outside_the_calendar_is_its_number() {
        let mut text = CellText::default();
        let mut out = Vec::new();
        text.push_day(&mut out, 20_000);
        out.push(b' ');
        text.push_day(&mut out, i64::from(i32::MAX));
        out.push(b' ');
        text.push_time(&mut out, i64::MAX);
        assert_eq!(String::from_utf8(out).unwrap(), "2024-10-04 2147483647 9223372036854775807");
    }
}
