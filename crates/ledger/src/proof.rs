//! Proofs for one entry: a document that shows offline, with nothing but a public key, that the entry is in the
//! journal which the key signed.
//!
//! The document leads from the entry to the root of its record, from there with the header to the chain hash of the
//! record, from there to the root of the log, and so to the signed checkpoint. What it says beside the hashes,
//! such as the number of the record, is read from the header, which the hashes cover.

mod error;

pub use error::ProofError;

use crate::{
    checkpoint::Checkpoint,
    merkle::{Hash, PATH_HASHES_MAX, chain_hash, leaf_hash, node_hash, verify_inclusion},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use suanpan_money::Timestamp;

/// Bytes of a document. Two paths of 65 hashes take less than 8 KiB, an entry some hundred bytes.
pub const PROOF_BYTES_MAX: usize = 1 << 20;

const FORMAT: &str = "suanpan-entry-proof/1";

/// What a proof is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// The entry as it stands in its record.
    pub entry: Vec<u8>,
    /// The place of the entry in its record, from 0.
    pub index: u64,
    /// From the entry to the root of the record, lowest first.
    pub entry_path: Vec<Hash>,
    /// The header of the record.
    pub header: Vec<u8>,
    /// The BLAKE3 of the account events of the record.
    pub events_digest: Hash,
    /// The chain hash of the record before; zeros for the first.
    pub previous: Hash,
    /// From the record to the root of the log, lowest first.
    pub log_path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// What a proof proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The entry as it stands in its record.
    pub entry: Vec<u8>,
    /// The place of the entry in the whole journal, from 0.
    pub ordinal: u64,
    /// The cell.
    pub cell: u32,
    /// The record that holds it.
    pub seq: u64,
    /// The term of the writer.
    pub epoch: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// What was signed.
    pub checkpoint: Checkpoint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    entry: String,
    index: u64,
    entry_path: Vec<String>,
    header: String,
    events_digest: String,
    previous: String,
    log_path: Vec<String>,
    checkpoint: String,
}

impl EntryProof {
    /// Writes the proof as JSON. Bytes and hashes are in base64.
    #[must_use]
    pub fn to_json(&self) -> String {
        let hashes = |hashes: &[Hash]| hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        let document = Document {
            format: FORMAT.to_owned(),
            entry: STANDARD.encode(&self.entry),
            index: self.index,
            entry_path: hashes(&self.entry_path),
            header: STANDARD.encode(&self.header),
            events_digest: STANDARD.encode(self.events_digest),
            previous: STANDARD.encode(self.previous),
            log_path: hashes(&self.log_path),
            checkpoint: self.checkpoint.clone(),
        };
        serde_json::to_string_pretty(&document).expect("texts and numbers can always be written")
    }

    /// Reads a proof. It says nothing yet: see [`EntryProof::verify`].
    ///
    /// # Errors
    /// When it is not such a document.
    pub fn from_json(json: &str) -> Result<EntryProof, ProofError> {
        if json.len() > PROOF_BYTES_MAX {
            return Err(ProofError::Malformed { field: "document" });
        }
        let document: Document =
            serde_json::from_str(json).map_err(|_| ProofError::Malformed { field: "document" })?;
        if document.format != FORMAT {
            return Err(ProofError::Malformed { field: "format" });
        }
        Ok(EntryProof {
            entry: bytes("entry", &document.entry)?,
            index: document.index,
            entry_path: path("entry_path", &document.entry_path)?,
            header: bytes("header", &document.header)?,
            events_digest: hash("events_digest", &document.events_digest)?,
            previous: hash("previous", &document.previous)?,
            log_path: path("log_path", &document.log_path)?,
            checkpoint: document.checkpoint,
        })
    }

    /// Checks the proof with the public key of the cell, and returns what it proves. The caller compares the
    /// origin of the checkpoint with the one that it trusts the key for.
    ///
    /// # Errors
    /// When anything in it is not as it was when it was made, or another key signed the checkpoint.
    pub fn verify(&self, public_key: &[u8; 32]) -> Result<Proven, ProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, public_key)?;
        let header = Header::read(&self.header)?;
        let entry = leaf_hash(&self.entry);
        let root = climb(entry, self.index, header.entries, &self.entry_path)
            .ok_or(ProofError::NotIncluded { field: "entry_path" })?;
        let chain = chain_hash(&self.previous, &self.header, &root, &self.events_digest);
        // The first record has number 1 and place 0.
        let place = header.seq.checked_sub(1).ok_or(ProofError::Malformed { field: "header" })?;
        if !verify_inclusion(&leaf_hash(&chain), place, checkpoint.seq, &self.log_path, &checkpoint.log_root)
        {
            return Err(ProofError::NotIncluded { field: "log_path" });
        }
        let newest = header.seq == checkpoint.seq;
        if newest && chain != checkpoint.chain {
            return Err(ProofError::NotIncluded { field: "checkpoint" });
        }
        let ordinal = header.first_entry.checked_add(self.index);
        let ordinal = ordinal.filter(|ordinal| *ordinal < checkpoint.entries);
        Ok(Proven {
            entry: self.entry.clone(),
            ordinal: ordinal.ok_or(ProofError::NotIncluded { field: "checkpoint" })?,
            cell: header.cell,
            seq: header.seq,
            epoch: header.epoch,
            at: header.at,
            checkpoint,
        })
    }
}

/// Reads a proof as JSON and checks it with the public key of the cell.
///
/// # Errors
/// As [`EntryProof::from_json`] and [`EntryProof::verify`].
pub fn verify(json: &str, public_key: &[u8; 32]) -> Result<Proven, ProofError> {
    EntryProof::from_json(json)?.verify(public_key)
}

/// What a proof needs of the header of a record, version 1 (see the layout of records): version u8, flags u8, cell u32,
/// epoch u64, seq u64, time i64, first entry u64, events u32, entries u32, and more; little-endian.
struct Header {
    cell: u32,
    epoch: u64,
    seq: u64,
    at: Timestamp,
    first_entry: u64,
    entries: u64,
}

impl Header {
    fn read(header: &[u8]) -> Result<Header, ProofError> {
        Header::fields(header).ok_or(ProofError::Malformed { field: "header" })
    }

    fn fields(header: &[u8]) -> Option<Header> {
        if *header.first()? != 1 {
            return None;
        }
        let four = |at: usize| header.get(at..)?.first_chunk::<4>().copied();
        let eight = |at: usize| header.get(at..)?.first_chunk::<8>().copied();
        Some(Header {
            cell: u32::from_le_bytes(four(2)?),
            epoch: u64::from_le_bytes(eight(6)?),
            seq: u64::from_le_bytes(eight(14)?),
            at: Timestamp::from_micros(i64::from_le_bytes(eight(22)?)),
            first_entry: u64::from_le_bytes(eight(30)?),
            entries: u64::from(u32::from_le_bytes(four(42)?)),
        })
    }
}

/// Returns the root to which a path leads from a leaf; none when a path to leaf `index` of a tree of `size` has another
/// length. The root is not known here: it goes into the chain hash.
fn climb(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut node, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut hash = leaf;
    let mut path = path.iter();
    while last > 0 {
        // A node without a right neighbour stands for itself one level up.
        if node & 1 == 1 {
            hash = node_hash(path.next()?, &hash);
        } else if node < last {
            hash = node_hash(&hash, path.next()?);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    path.next().is_none().then_some(hash)
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, ProofError> {
    STANDARD.decode(text).map_err(|_| ProofError::Malformed { field })
}

fn hash(field: &'static str, text: &str) -> Result<Hash, ProofError> {
    bytes(field, text)?.try_into().map_err(|_| ProofError::Malformed { field })
}

fn path(field: &'static str, texts: &[String]) -> Result<Vec<Hash>, ProofError> {
    if texts.len() > PATH_HASHES_MAX {
        return Err(ProofError::Malformed { field });
    }
    texts.iter().map(|text| hash(field, text)).collect()
}
