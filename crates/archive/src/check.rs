//! Reading an archive alone, and holding everything in it against everything else.

use crate::columns::{id_text, place};
use crate::error::ArchiveError;
use crate::limits::ROWS_AT_ONCE;
use crate::manifest::{Manifest, NamedFile, Stretch, digest};
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use suanpan_ledger::merkle::{self, Hash};
use suanpan_ledger::record::{AccountEvent, Line, Record, RecordedEntry};

/// What an archive holds, all of it proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// The cell whose books these are.
    pub cell: u32,
    /// How many stretches.
    pub stretches: u64,
    /// The last record; the first is 1.
    pub records: u64,
    /// How many entries.
    pub entries: u64,
    /// How many lines.
    pub lines: u64,
    /// The hash of the chain after the last record: the same that the store has there, and a signed checkpoint.
    pub hash: Hash,
}

/// Reads an archive: the digest of each file, the chain from the first record on, and each line of the plain columns
/// against the record that it was taken from. `progress` is told the entries read and all that there are.
///
/// # Errors
/// `Changed` names the first file that is not what it was, and how that shows.
pub fn check(folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Checked, ArchiveError> {
    let Some(manifest) = Manifest::read(folder)? else {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(ArchiveError::Io { path: folder.join(crate::manifest::NAME), source });
    };
    let all = manifest.stretches.iter().map(|stretch| stretch.entries).sum();
    let mut names = Names::default();
    let (mut entries, mut lines) = (0, 0);
    for stretch in &manifest.stretches {
        for file in [&stretch.records, &stretch.plain] {
            same_bytes(folder, file)?;
        }
        one(folder, stretch, manifest.cell, &mut names, &mut |done| progress(entries + done, all))?;
        entries += stretch.entries;
        lines += stretch.lines;
    }
    let (records, hash) = manifest.end();
    let (cell, stretches) = (manifest.cell, manifest.stretches.len() as u64);
    Ok(Checked { cell, stretches, records, entries, lines, hash })
}

fn same_bytes(folder: &Path, file: &NamedFile) -> Result<(), ArchiveError> {
    let path = folder.join(&file.name);
    let (bytes, found) = digest(&path)?;
    if (bytes, found) == (file.bytes, file.blake3) {
        return Ok(());
    }
    let reason = match bytes == file.bytes {
        true => format!("its BLAKE3 is {}, not {}", hex::encode(found), hex::encode(file.blake3)),
        false => format!("it has {bytes} bytes, not {}", file.bytes),
    };
    Err(ArchiveError::Changed { path, reason })
}

/// Paths and currencies of accounts by their numbers, as the journal opened them.
#[derive(Default)]
struct Names(Vec<(String, &'static str)>);

impl Names {
    fn learn(&mut self, record: &Record<'_>) -> Result<(), String> {
        for event in record.events() {
            let (_, event) = event.map_err(|error| error.to_string())?;
            if let AccountEvent::Opened { number, spec } = event {
                if number.0 as usize != self.0.len() {
                    return Err(format!("account {} is opened out of turn", number.0));
                }
                self.0.push((spec.path, spec.currency.code()));
            }
        }
        Ok(())
    }

    fn of(&self, number: u32) -> (&str, &str) {
        self.0.get(number as usize).map_or(("", ""), |(path, currency)| (path, currency))
    }
}

/// Checks the two files of a stretch.
fn one(
    folder: &Path,
    stretch: &Stretch,
    cell: u32,
    names: &mut Names,
    progress: &mut dyn FnMut(u64),
) -> Result<(), ArchiveError> {
    let path = folder.join(&stretch.records.name);
    let changed = |reason: String| ArchiveError::Changed { path: path.clone(), reason };
    let mut records = Records::open(&path)?;
    let mut lines = Lines::open(&folder.join(&stretch.plain.name))?;
    let (mut hash, mut next, mut entry) = (stretch.hash_before, stretch.first_record, stretch.first_entry);
    while let Some((stated, body)) = records.next()? {
        let record =
            Record::parse(body.data()).map_err(|error| changed(format!("record {next}: {error}")))?;
        let header = record.header();
        if (header.cell, header.seq, header.first_entry) != (cell, next, entry) {
            return Err(changed(format!("record {next} is not where it should be")));
        }
        let root = merkle::root(record.leaves());
        hash = merkle::chain_hash(&hash, record.header_bytes(), &root, &record.events_digest());
        if stated.data() != hash {
            return Err(changed(format!("record {next} does not give the hash that stands beside it")));
        }
        names.learn(&record).map_err(|reason| changed(format!("record {next}: {reason}")))?;
        for recorded in record.entries() {
            let (ordinal, recorded) = recorded.map_err(|error| changed(format!("record {next}: {error}")))?;
            for line in &recorded.lines {
                lines.expect(next, ordinal, &recorded, line, names)?;
            }
        }
        next += 1;
        entry += u64::from(header.entries);
        progress(entry - stretch.first_entry);
    }
    if (next, entry) != (stretch.last_record + 1, stretch.first_entry + stretch.entries) {
        return Err(changed(format!("it ends before record {next}, entry {entry}")));
    }
    if hash != stretch.hash_after {
        return Err(changed("its last hash is not the one in archive.json".to_owned()));
    }
    lines.end(stretch.lines)
}

/// A file, read a group of rows at a time.
struct Groups {
    path: PathBuf,
    file: SerializedFileReader<File>,
    next: usize,
}

impl Groups {
    fn open(path: &Path, columns: usize) -> Result<Groups, ArchiveError> {
        let file = File::open(path).map_err(|source| ArchiveError::Io { path: path.to_owned(), source })?;
        let file = SerializedFileReader::new(file)
            .map_err(|source| ArchiveError::Parquet { path: path.to_owned(), source })?;
        let found = file.metadata().file_metadata().schema_descr().num_columns();
        if found != columns {
            let reason = format!("it has {found} columns, not {columns}");
            return Err(ArchiveError::Changed { path: path.to_owned(), reason });
        }
        Ok(Groups { path: path.to_owned(), file, next: 0 })
    }

    fn fault(&self, source: ParquetError) -> ArchiveError {
        ArchiveError::Parquet { path: self.path.clone(), source }
    }

    /// Goes to the next group of rows. False at the end.
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.file.num_row_groups()
    }

    fn column<T: DataType>(&self, at: usize) -> Result<ColumnReaderImpl<T>, ArchiveError> {
        let group = self.file.get_row_group(self.next - 1).map_err(|error| self.fault(error))?;
        let expected = group.metadata().column(at).column_type();
        if expected != T::get_physical_type() {
            let reason = format!("column {at} is of another type");
            return Err(ArchiveError::Changed { path: self.path.clone(), reason });
        }
        let reader = group.get_column_reader(at).map_err(|error| self.fault(error))?;
        Ok(get_typed_column_reader::<T>(reader))
    }
}

/// Values of a column, one after the other.
struct Values<T: DataType> {
    reader: ColumnReaderImpl<T>,
    ready: VecDeque<Option<T::T>>,
    at_once: usize,
}

impl<T: DataType> Values<T> {
    fn new(reader: ColumnReaderImpl<T>, at_once: usize) -> Values<T> {
        Values { reader, ready: VecDeque::new(), at_once }
    }

    /// Returns the next value, none at the end; none within where the row has none.
    fn next(&mut self) -> Result<Option<Option<T::T>>, ParquetError> {
        if self.ready.is_empty() {
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            let (rows, found, _) =
                self.reader.read_records(self.at_once, Some(&mut levels), None, &mut values)?;
            // Columns that have a value in each row have no levels.
            if found == rows {
                self.ready.extend(values.into_iter().map(Some));
            } else {
                let mut values = values.into_iter();
                self.ready.extend(levels.iter().map(|level| if *level > 0 { values.next() } else { None }));
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// Hash and body of each record.
struct Records {
    groups: Groups,
    columns: Option<(Values<ByteArrayType>, Values<ByteArrayType>)>,
}

impl Records {
    fn open(path: &Path) -> Result<Records, ArchiveError> {
        Ok(Records { groups: Groups::open(path, place::RECORD_COLUMNS)?, columns: None })
    }

    fn next(&mut self) -> Result<Option<(ByteArray, ByteArray)>, ArchiveError> {
        loop {
            if let Some((hashes, bodies)) = &mut self.columns {
                let row = hashes.next().and_then(|hash| Ok((hash.flatten(), bodies.next()?.flatten())));
                match row.map_err(|error| self.groups.fault(error))? {
                    (Some(hash), Some(body)) => return Ok(Some((hash, body))),
                    (None, None) => {}
                    _ => {
                        let reason = "a record without a hash, or a hash without a record".to_owned();
                        return Err(ArchiveError::Changed { path: self.groups.path.clone(), reason });
                    }
                }
            }
            if !self.groups.advance() {
                return Ok(None);
            }
            // Records may be large: one at a time.
            let hashes = Values::new(self.groups.column(place::RECORD_HASH)?, ROWS_AT_ONCE);
            let bodies = Values::new(self.groups.column(place::RECORD_BODY)?, 1);
            self.columns = Some((hashes, bodies));
        }
    }
}

/// What is compared of each line.
struct LineColumns {
    record: Values<Int64Type>,
    entry: Values<Int64Type>,
    id: Values<ByteArrayType>,
    did: Values<ByteArrayType>,
    debit: Values<ByteArrayType>,
    credit: Values<ByteArrayType>,
    currency: Values<ByteArrayType>,
    posted: Values<Int64Type>,
    held: Values<Int64Type>,
}

struct Lines {
    groups: Groups,
    columns: Option<LineColumns>,
    read: u64,
}

/// A line as the plain columns say it.
type Said = (i64, i64, Option<ByteArray>, [ByteArray; 4], i64, i64);

impl Lines {
    fn open(path: &Path) -> Result<Lines, ArchiveError> {
        Ok(Lines { groups: Groups::open(path, place::LINE_COLUMNS)?, columns: None, read: 0 })
    }

    /// Reads the next line and makes sure that it is this one.
    fn expect(
        &mut self,
        record: u64,
        ordinal: u64,
        entry: &RecordedEntry,
        line: &Line,
        names: &Names,
    ) -> Result<(), ArchiveError> {
        let said = self.next()?;
        let ((debit, currency), (credit, _)) = (names.of(line.debit.0), names.of(line.credit.0));
        let same = said.is_some_and(|(in_record, of, id, texts, posted, held)| {
            let [did_as, from, to, money] = &texts;
            u64::try_from(in_record) == Ok(record)
                && u64::try_from(of) == Ok(ordinal)
                && id.as_ref().map(ByteArray::data)
                    == id_text(entry.id, entry.done).as_deref().map(str::as_bytes)
                && did_as.data() == entry.done.name().as_bytes()
                && (from.data(), to.data()) == (debit.as_bytes(), credit.as_bytes())
                && money.data() == currency.as_bytes()
                && u64::try_from(posted) == Ok(line.posted_minor)
                && u64::try_from(held) == Ok(line.held_minor)
        });
        if same {
            return Ok(());
        }
        let reason = format!("row {} is not what record {record} says of entry {ordinal}", self.read);
        Err(ArchiveError::Changed { path: self.groups.path.clone(), reason })
    }

    fn end(&mut self, lines: u64) -> Result<(), ArchiveError> {
        if self.read == lines && self.next()?.is_none() {
            return Ok(());
        }
        let reason = format!("it has other rows than the {lines} of its records");
        Err(ArchiveError::Changed { path: self.groups.path.clone(), reason })
    }

    fn next(&mut self) -> Result<Option<Said>, ArchiveError> {
        loop {
            if let Some(columns) = &mut self.columns {
                match columns.next() {
                    Ok(Some(said)) => {
                        self.read += 1;
                        return Ok(Some(said));
                    }
                    Ok(None) => {}
                    Err(error) => return Err(self.groups.fault(error)),
                }
            }
            if !self.groups.advance() {
                return Ok(None);
            }
            let number = |at| Ok::<_, ArchiveError>(Values::new(self.groups.column(at)?, ROWS_AT_ONCE));
            let text = |at| Ok::<_, ArchiveError>(Values::new(self.groups.column(at)?, ROWS_AT_ONCE));
            self.columns = Some(LineColumns {
                record: number(place::LINE_RECORD)?,
                entry: number(place::LINE_ENTRY)?,
                id: text(place::LINE_ID)?,
                did: text(place::LINE_DID)?,
                debit: text(place::LINE_DEBIT)?,
                credit: text(place::LINE_CREDIT)?,
                currency: text(place::LINE_CURRENCY)?,
                posted: number(place::LINE_POSTED)?,
                held: number(place::LINE_HELD)?,
            });
        }
    }
}

impl LineColumns {
    fn next(&mut self) -> Result<Option<Said>, ParquetError> {
        let record = self.record.next()?.flatten();
        let entry = self.entry.next()?.flatten();
        let id = self.id.next()?.flatten();
        let texts = [
            self.did.next()?.flatten(),
            self.debit.next()?.flatten(),
            self.credit.next()?.flatten(),
            self.currency.next()?.flatten(),
        ];
        let (posted, held) = (self.posted.next()?.flatten(), self.held.next()?.flatten());
        let (Some(record), Some(entry), [Some(did), Some(debit), Some(credit), Some(currency)]) =
            (record, entry, texts)
        else {
            return Ok(None);
        };
        let (Some(posted), Some(held)) = (posted, held) else { return Ok(None) };
        Ok(Some((record, entry, id, [did, debit, credit, currency], posted, held)))
    }
}
