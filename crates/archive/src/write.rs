//! Writing an archive, a stretch at a time.

use crate::columns::{
    LineRow, Out, RecordRow, lines_schema, properties, records_schema, write_lines, write_records,
};
use crate::error::ArchiveError;
use crate::limits::{GROUP_BYTES, GROUP_LINES, STRETCH_ENTRIES};
use crate::manifest::{Manifest, NamedFile, Stretch, digest, sync_folder};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;
use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::merkle::{self, Hash};
use suanpan_ledger::record::Record;
use suanpan_money::Currency;

/// A record as the store has it.
#[derive(Debug, Clone, Copy)]
pub struct Committed<'a> {
    /// Its number.
    pub seq: u64,
    /// The hash of the chain after it.
    pub hash: Hash,
    /// The record.
    pub body: &'a [u8],
}

/// An archive that may grow.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    manifest: Manifest,
}

impl Archive {
    /// Opens the archive in a folder, or begins one; the folder is made when it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made or read, holds the archive of another cell, or a list that cannot be.
    pub fn open(folder: &Path, cell: u32) -> Result<Archive, ArchiveError> {
        std::fs::create_dir_all(folder)
            .map_err(|source| ArchiveError::Io { path: folder.to_owned(), source })?;
        let manifest = Manifest::read(folder)?.unwrap_or_else(|| Manifest::new(cell));
        if manifest.cell != cell {
            let path = folder.to_owned();
            return Err(ArchiveError::OtherCell { path, found: manifest.cell, wanted: cell });
        }
        Ok(Archive { folder: folder.to_owned(), manifest })
    }

    /// Returns what is in it.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Begins a stretch after the last record. `name` knows the path and the currency of each account.
    ///
    /// # Errors
    /// When the files cannot be made.
    pub fn stretch<'a>(
        &'a mut self,
        name: &'a dyn Fn(AccountNo) -> Option<(String, Currency)>,
    ) -> Result<StretchWriter<'a>, ArchiveError> {
        let (last, hash) = self.manifest.end();
        let entry = self.manifest.stretches.last().map_or(0, |last| last.first_entry + last.entries);
        let records = Parquet::create(self.folder.join("records.partial"), records_schema)?;
        let plain = Parquet::create(self.folder.join("lines.partial"), lines_schema)?;
        Ok(StretchWriter {
            archive: self,
            name,
            names: HashMap::new(),
            begin: (last + 1, entry, hash),
            last,
            hash,
            entries: 0,
            lines: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            rows: Vec::new(),
            records,
            plain,
        })
    }
}

/// A file that is being written.
struct Parquet {
    path: PathBuf,
    out: Out,
}

impl Parquet {
    fn create(
        path: PathBuf,
        schema: impl Fn() -> Result<TypePtr, ParquetError>,
    ) -> Result<Parquet, ArchiveError> {
        let file = match File::create(&path) {
            Ok(file) => BufWriter::new(file),
            Err(source) => return Err(ArchiveError::Io { path, source }),
        };
        match schema().and_then(|schema| SerializedFileWriter::new(file, schema, properties())) {
            Ok(out) => Ok(Parquet { path, out }),
            Err(source) => Err(ArchiveError::Parquet { path, source }),
        }
    }

    fn write(&mut self, rows: impl FnOnce(&mut Out) -> Result<(), ParquetError>) -> Result<(), ArchiveError> {
        rows(&mut self.out).map_err(|source| ArchiveError::Parquet { path: self.path.clone(), source })
    }

    /// Closes the file and gives it its name.
    fn finish(self, name: String) -> Result<NamedFile, ArchiveError> {
        let parquet = |source| ArchiveError::Parquet { path: self.path.clone(), source };
        let file = self.out.into_inner().map_err(parquet)?;
        let io = |source| ArchiveError::Io { path: self.path.clone(), source };
        file.into_inner().map_err(|error| io(error.into_error()))?.sync_all().map_err(io)?;
        let (bytes, blake3) = digest(&self.path)?;
        std::fs::rename(&self.path, self.path.with_file_name(&name)).map_err(io)?;
        Ok(NamedFile { name, bytes, blake3 })
    }
}

/// A stretch that is being written. Dropping it leaves the archive as it was.
pub struct StretchWriter<'a> {
    archive: &'a mut Archive,
    name: &'a dyn Fn(AccountNo) -> Option<(String, Currency)>,
    names: HashMap<AccountNo, (ByteArray, ByteArray)>,
    begin: (u64, u64, Hash),
    last: u64,
    hash: Hash,
    entries: u64,
    lines: u64,
    waiting: Vec<RecordRow>,
    waiting_bytes: usize,
    rows: Vec<LineRow>,
    records: Parquet,
    plain: Parquet,
}

impl StretchWriter<'_> {
    /// Adds the next record, after making sure that it continues the chain.
    ///
    /// # Errors
    /// `Fork` when it does not; then the stretch must be given up. When a file cannot be written.
    pub fn push(&mut self, committed: &Committed<'_>) -> Result<(), ArchiveError> {
        let fork = |reason: String| ArchiveError::Fork { seq: committed.seq, reason };
        let record = Record::parse(committed.body).map_err(|error| fork(error.to_string()))?;
        let header = record.header();
        if committed.seq != self.last + 1 || header.seq != committed.seq {
            return Err(fork(format!("record {} was expected", self.last + 1)));
        }
        if header.first_entry != self.begin.1 + self.entries {
            return Err(fork(format!("its first entry should be {}", self.begin.1 + self.entries)));
        }
        let root = merkle::root(record.leaves());
        let hash = merkle::chain_hash(&self.hash, record.header_bytes(), &root, &record.events_digest());
        if hash != committed.hash {
            return Err(fork("its hash is not what record and chain give".to_owned()));
        }
        for entry in record.entries() {
            let (ordinal, entry) = entry.map_err(|error| fork(error.to_string()))?;
            let head = Arc::new(entry);
            for (number, line) in head.lines.iter().enumerate() {
                let (debit, currency) = self.named(line.debit).map_err(fork)?;
                let (credit, _) = self.named(line.credit).map_err(fork)?;
                let (head, line, at) = (Arc::clone(&head), *line, header.at.micros());
                let record = header.seq;
                self.rows.push(LineRow { record, at, ordinal, number, head, line, debit, credit, currency });
            }
            self.lines += head.lines.len() as u64;
            if self.rows.len() >= GROUP_LINES {
                self.write_lines()?;
            }
        }
        self.waiting_bytes += committed.body.len();
        self.waiting.push(RecordRow {
            seq: header.seq,
            at: header.at.micros(),
            epoch: header.epoch,
            first_entry: header.first_entry,
            entries: header.entries,
            hash,
            body: committed.body.to_vec(),
        });
        if self.waiting_bytes >= GROUP_BYTES {
            self.write_records()?;
        }
        (self.last, self.hash) = (header.seq, hash);
        self.entries += u64::from(header.entries);
        Ok(())
    }

    /// Returns whether the stretch is long enough.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.entries >= STRETCH_ENTRIES
    }

    /// Ends the stretch and puts it on the list; none when it has no record.
    ///
    /// # Errors
    /// When a file cannot be written; the archive is as it was then.
    pub fn finish(mut self) -> Result<Option<Stretch>, ArchiveError> {
        let (first, first_entry, hash_before) = self.begin;
        if self.last < first {
            for file in [&self.records, &self.plain] {
                // It is empty; a later run writes over it.
                let _ = std::fs::remove_file(&file.path);
            }
            return Ok(None);
        }
        self.write_records()?;
        self.write_lines()?;
        let last = self.last;
        let records = self.records.finish(format!("records-{first:012}-{last:012}.parquet"))?;
        let plain = self.plain.finish(format!("lines-{first:012}-{last:012}.parquet"))?;
        let folder = &self.archive.folder;
        sync_folder(folder).map_err(|source| ArchiveError::Io { path: folder.clone(), source })?;
        let stretch = Stretch {
            first_record: first,
            last_record: last,
            first_entry,
            entries: self.entries,
            lines: self.lines,
            hash_before,
            hash_after: self.hash,
            records,
            plain,
        };
        let mut manifest = self.archive.manifest.clone();
        manifest.stretches.push(stretch.clone());
        manifest.write(folder)?;
        self.archive.manifest = manifest;
        Ok(Some(stretch))
    }

    fn named(&mut self, account: AccountNo) -> Result<(ByteArray, ByteArray), String> {
        if let Some(known) = self.names.get(&account) {
            return Ok(known.clone());
        }
        let (path, currency) =
            (self.name)(account).ok_or_else(|| format!("account {} is not known", account.0))?;
        let names =
            (ByteArray::from(path.into_bytes()), ByteArray::from(currency.code().as_bytes().to_vec()));
        self.names.insert(account, names.clone());
        Ok(names)
    }

    fn write_records(&mut self) -> Result<(), ArchiveError> {
        if !self.waiting.is_empty() {
            self.records.write(|out| write_records(out, &self.waiting))?;
        }
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }

    fn write_lines(&mut self) -> Result<(), ArchiveError> {
        if !self.rows.is_empty() {
            self.plain.write(|out| write_lines(out, &self.rows))?;
        }
        self.rows.clear();
        Ok(())
    }
}
