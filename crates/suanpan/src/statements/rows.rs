//! Normalised records as comma-separated rows: what the engine reads in place of a statement.

use crate::error::Trouble;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use suanpan_formats::Record;
use suanpan_recon::record::Side;
use suanpan_recon::rule::guess::Described;

/// The columns, which rules with `format = "statement"` may name.
pub(crate) const COLUMNS: [&str; 23] = [
    "page",
    "line",
    "type",
    "type_text",
    "status",
    "direction",
    "currency",
    "amount",
    "fee",
    "net",
    "balance",
    "own_id",
    "order_id",
    "id",
    "original_id",
    "batch_id",
    "time",
    "day",
    "value_day",
    "account",
    "counterparty",
    "counterparty_account",
    "description",
];

/// Describes the rows to who fits rules to them.
pub(crate) fn described(side: Side) -> Described {
    Described {
        side,
        keys: vec!["own_id", "order_id", "id", "original_id", "batch_id", "description"],
        amount: "amount",
        currency: "currency",
        day: "day",
        more: "\
batch = \"batch_id\"
original = \"original_id\"
account = \"account\"
line = \"line\"

# Only what moved money is compared.
[[SIDE.skip]]
name = \"not booked\"
column = \"status\"
not_in = [\"booked\"]

[[SIDE.skip]]
name = \"neutral\"
column = \"direction\"
in = [\"neutral\"]
",
    }
}

/// Rows that were written.
pub(super) struct Written {
    pub(super) path: PathBuf,
    /// Digest of all rows, without their places.
    pub(super) digest: blake3::Hash,
    /// Digest of the first row.
    pub(super) first: blake3::Hash,
}

/// Writes records as rows.
pub(super) struct RowWriter {
    path: PathBuf,
    file: BufWriter<File>,
    row: Vec<u8>,
    hasher: blake3::Hasher,
    first: Option<blake3::Hash>,
}

impl RowWriter {
    /// Starts a new file in a folder.
    pub(super) fn new(dir: &Path) -> Result<RowWriter, Trouble> {
        let mut number = 0;
        let (path, file) = loop {
            let path = dir.join(format!("statement-{number}"));
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(Trouble::io("create", &path, error)),
            }
        };
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let header = format!("{}\n", COLUMNS.join(","));
        file.write_all(header.as_bytes()).map_err(|error| Trouble::io("write", &path, error))?;
        Ok(RowWriter { path, file, row: Vec::new(), hasher: blake3::Hasher::new(), first: None })
    }

    /// Writes one record.
    pub(super) fn write(&mut self, record: &Record) -> Result<(), Trouble> {
        self.row.clear();
        let place_end = put(&mut self.row, record);
        self.row.push(b'\n');
        self.hasher.update(&self.row[place_end..]);
        if self.first.is_none() {
            self.first = Some(blake3::hash(&self.row[place_end..]));
        }
        self.file.write_all(&self.row).map_err(|error| Trouble::io("write", &self.path, error))
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> Result<Written, Trouble> {
        self.file.flush().map_err(|error| Trouble::io("write", &self.path, error))?;
        let first = self.first.unwrap_or_else(|| blake3::hash(b""));
        Ok(Written { path: self.path, digest: self.hasher.finalize(), first })
    }
}

/// Returns the names of the columns.
pub(crate) fn row_header() -> String {
    COLUMNS.join(",")
}

/// Returns a record as a row behind the name of its file.
pub(crate) fn row_of(file: &str, record: &Record) -> String {
    let mut row = Vec::new();
    cell(&mut row, file);
    row.push(b',');
    put(&mut row, record);
    String::from_utf8_lossy(&row).into_owned()
}

/// Appends the cells of a record, and returns where those of its place end.
fn put(row: &mut Vec<u8>, record: &Record) -> usize {
    let day = record.booked_on.or_else(|| record.time.map(|time| time.local.date())).or(record.value_on);
    // Writing to memory cannot fail.
    let _ = write!(row, "{},{},", record.place.page, record.place.line);
    let place_end = row.len();
    let _ = write!(row, "{},", record.kind.name());
    cell(row, &record.kind_text);
    let _ = write!(row, ",{},{},{},", record.status.name(), record.direction.name(), record.currency.code());
    let _ = write!(row, "{}", record.amount);
    for amount in [record.fee, record.net, record.balance] {
        row.push(b',');
        if let Some(amount) = amount {
            let _ = write!(row, "{amount}");
        }
    }
    let ids = [&record.own_id, &record.order_id, &record.id, &record.original_id, &record.batch_id];
    for id in ids {
        row.push(b',');
        cell(row, id);
    }
    row.push(b',');
    if let Some(time) = record.time {
        let _ = write!(row, "{time}");
    }
    for day in [day, record.value_on] {
        row.push(b',');
        if let Some(day) = day {
            let _ = write!(row, "{day}");
        }
    }
    for text in [&record.account, &record.counterparty, &record.counterparty_account, &record.description] {
        row.push(b',');
        cell(row, text);
    }
    place_end
}

/// Writes a text as a cell on one line: line ends become blanks, quotes are doubled.
fn cell(row: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r')) {
        row.extend_from_slice(text.as_bytes());
        return;
    }
    row.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => row.extend_from_slice(b"\"\""),
            b'\n' | b'\r' => row.push(b' '),
            other => row.push(other),
        }
    }
    row.push(b'"');
}

/// Returns the digest of the first rows of a file, without their places.
pub(super) fn digest_of_first(path: &Path, rows: u64) -> Result<blake3::Hash, Trouble> {
    let trouble = |error| Trouble::io("read", path, error);
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(trouble)?);
    let (mut line, mut hasher) = (Vec::new(), blake3::Hasher::new());
    for number in 0..=rows {
        line.clear();
        file.read_until(b'\n', &mut line).map_err(trouble)?;
        if number > 0 {
            let place = line.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(at, _)| at).nth(1);
            hasher.update(&line[place.map_or(0, |at| at + 1)..]);
        }
    }
    Ok(hasher.finalize())
}
