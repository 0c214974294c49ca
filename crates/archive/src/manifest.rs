//! `archive.json`: what is in an archive.

use crate::error::ArchiveError;
use crate::limits::MANIFEST_BYTES;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use suanpan_ledger::merkle::Hash;

pub(crate) const NAME: &str = "archive.json";
const VERSION: u32 = 1;

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    /// The cell whose books these are.
    pub cell: u32,
    /// The stretches, the first records first, without gaps.
    pub stretches: Vec<Stretch>,
}

/// A stretch of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// Its first record.
    pub first_record: u64,
    /// Its last record.
    pub last_record: u64,
    /// The ordinal of its first entry.
    pub first_entry: u64,
    /// How many entries it has.
    pub entries: u64,
    /// How many lines they have.
    pub lines: u64,
    /// The hash of the chain before its first record.
    #[serde(with = "hex::serde")]
    pub hash_before: Hash,
    /// The hash of the chain after its last record.
    #[serde(with = "hex::serde")]
    pub hash_after: Hash,
    /// The records as they were committed.
    pub records: NamedFile,
    /// What is in them, in plain columns.
    pub plain: NamedFile,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The BLAKE3 of its bytes.
    #[serde(with = "hex::serde")]
    pub blake3: Hash,
}

impl Manifest {
    pub(crate) fn new(cell: u32) -> Manifest {
        Manifest { version: VERSION, cell, stretches: Vec::new() }
    }

    /// Returns the number of the last record, 0 of an empty archive, and the hash of the chain after it.
    #[must_use]
    pub fn end(&self) -> (u64, Hash) {
        self.stretches.last().map_or((0, [0; 32]), |last| (last.last_record, last.hash_after))
    }

    /// Reads the list of a folder; none when there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Manifest>, ArchiveError> {
        let path = folder.join(NAME);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ArchiveError::Io { path, source }),
        };
        let mut text = Vec::new();
        if let Err(source) = file.take(MANIFEST_BYTES + 1).read_to_end(&mut text) {
            return Err(ArchiveError::Io { path, source });
        }
        if text.len() as u64 > MANIFEST_BYTES {
            return Err(ArchiveError::Manifest { path, reason: format!("more than {MANIFEST_BYTES} bytes") });
        }
        let manifest: Manifest = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(error) => return Err(ArchiveError::Manifest { path, reason: error.to_string() }),
        };
        match manifest.fault() {
            Some(reason) => Err(ArchiveError::Manifest { path, reason }),
            None => Ok(Some(manifest)),
        }
    }

    /// Says what cannot be: another version, a gap, a chain that does not hang together, a name that leads out
    /// of the folder.
    fn fault(&self) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("version {} is not known, only {VERSION}", self.version));
        }
        let (mut next, mut entry, mut hash) = (1, 0, [0; 32]);
        for stretch in &self.stretches {
            let Stretch { first_record: first, last_record: last, .. } = *stretch;
            if first != next || last < first || stretch.first_entry != entry || stretch.hash_before != hash {
                return Some(format!("the stretch from record {first} does not follow record {}", next - 1));
            }
            let end = last.checked_add(1).zip(entry.checked_add(stretch.entries));
            let Some(end) = end else {
                return Some(format!("the stretch from record {first} has no end"));
            };
            ((next, entry), hash) = (end, stretch.hash_after);
            for file in [&stretch.records, &stretch.plain] {
                if file.name.contains(['/', '\\']) || file.name.starts_with('.') {
                    return Some(format!("{:?} is no name of a file of this folder", file.name));
                }
            }
        }
        None
    }

    /// Puts the list in the place of the old one, at once.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), ArchiveError> {
        let path = folder.join(NAME);
        let partial = folder.join(format!("{NAME}.partial"));
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| ArchiveError::Manifest { path: path.clone(), reason: error.to_string() })?;
        text.push(b'\n');
        let written = File::create(&partial).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(|source| ArchiveError::Io { path: partial.clone(), source })?;
        std::fs::rename(&partial, &path)
            .and_then(|()| sync_folder(folder))
            .map_err(|source| ArchiveError::Io { path, source })
    }
}

/// Makes what was done to the names of a folder last.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Reads a file once and returns its length and digest.
pub(crate) fn digest(path: &PathBuf) -> Result<(u64, Hash), ArchiveError> {
    let fault = |source| ArchiveError::Io { path: path.clone(), source };
    let mut file = File::open(path).map_err(fault)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).map_err(fault)? {
            0 => return Ok((hasher.count(), *hasher.finalize().as_bytes())),
            read => hasher.update(&piece[..read]),
        };
    }
}
