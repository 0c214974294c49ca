//! Rows of CSV.

use super::{Fields, NAMES};
use crate::error::Trouble;
use std::io::Read;
use std::path::Path;

/// Columns whose names begin so are passed over.
const PASSED_OVER: &str = "x_";

/// Rows of a file, its header read.
pub(super) struct Rows {
    reader: csv::Reader<Box<dyn Read>>,
    record: csv::StringRecord,
    /// The name of each column; none for those that are passed over.
    columns: Vec<Option<&'static str>>,
}

impl Rows {
    pub(super) fn new(file: &str, input: Box<dyn Read>, import: bool) -> Result<Rows, Trouble> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let header = reader.headers().map_err(|error| unreadable(file, error))?;
        let mut columns = Vec::with_capacity(header.len());
        for (at, name) in header.iter().enumerate() {
            // Some programs begin files with a mark of their encoding.
            let name = if at == 0 { name.trim_start_matches('\u{feff}') } else { name };
            let known = NAMES.into_iter().find(|known| *known == name);
            if known.is_none() && !name.starts_with(PASSED_OVER) {
                return Err(unknown(file, name));
            }
            if known.is_some() && columns.contains(&known) {
                return Err(Trouble::new(
                    "ambiguous_column",
                    format!("column `{name}` stands twice in the header"),
                )
                .at(format!("{file}:1:{name}"))
                .next("leave one of them out"));
            }
            columns.push(known);
        }
        let there = |name| columns.contains(&Some(name));
        let needed: &[&str] = if import { &["amount", "booked_at"] } else { &["amount"] };
        if let Some(name) = needed.iter().find(|name| !there(name)) {
            return Err(missing(file, name));
        }
        if !there("id") && !there("reference") {
            return Err(missing(file, "id"));
        }
        Ok(Rows { reader, record: csv::StringRecord::new(), columns })
    }

    /// Returns the next row with its line.
    pub(super) fn next(&mut self, file: &str) -> Result<Option<(u64, Fields)>, Trouble> {
        if !self.reader.read_record(&mut self.record).map_err(|error| unreadable(file, error))? {
            return Ok(None);
        }
        let row = self.record.position().map_or(0, csv::Position::line);
        let mut fields = Fields::default();
        for (name, value) in self.columns.iter().zip(&self.record) {
            if let Some(place) = name.and_then(|name| fields.place(name)).filter(|_| !value.is_empty()) {
                *place = Some(value.to_owned());
            }
        }
        Ok(Some((row, fields)))
    }
}

fn unknown(file: &str, name: &str) -> Trouble {
    let near = NAMES.iter().min_by_key(|known| strsim::levenshtein(known, name));
    let next = match near.filter(|near| strsim::levenshtein(near, name) <= 2) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("columns are {}; others begin with {PASSED_OVER}", NAMES.join(", ")),
    };
    Trouble::new("unknown_column", format!("no field of an entry is called `{name}`"))
        .at(format!("{file}:1:{name}"))
        .next(next)
}

fn missing(file: &str, name: &str) -> Trouble {
    Trouble::new("missing_column", format!("there is no column `{name}`"))
        .at(format!("{file}:1"))
        .next(format!("begin the file with a header of {}", NAMES.join(", ")))
}

fn unreadable(file: &str, error: csv::Error) -> Trouble {
    let row = error.position().map(csv::Position::line);
    let place = row.map_or_else(|| file.to_owned(), |row| format!("{file}:{row}"));
    match error.kind() {
        csv::ErrorKind::Io(io) => {
            let copy = std::io::Error::new(io.kind(), io.to_string());
            Trouble::io("read", Path::new(file), copy)
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Trouble::new("entry", format!("the row has {len} fields, the header {expected_len}"))
                .at(place)
                .next("quote fields that hold commas")
        }
        csv::ErrorKind::Utf8 { .. } => {
            Trouble::new("encoding", "the file is not UTF-8").at(place).next("convert it: iconv -t UTF-8")
        }
        _ => Trouble::new("entry", error.to_string()).at(place).next("correct the row"),
    }
}
