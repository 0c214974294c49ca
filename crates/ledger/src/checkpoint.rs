//! Signed checkpoints: what the journal of a cell was at a moment, in a text that anybody can check offline.
//!
//! The text is a checkpoint of a transparency log as C2SP describes it (tlog-checkpoint, signed-note), so that
//! tools for such logs read it: origin, size of the log, its root in base64, then lines of ours, an empty line,
//! and signatures.
//!
//! ```text
//! books.example/cell/7
//! 41
//! 6BVspF/is548z/xPu1PZTe4sG4mn7+N92ZL6q435zlo=
//! epoch 3
//! chain XP1TmClT8eEQYwMsjvQp0Y98psP9nfKJHno/n8wLbtQ=
//! entries 12345
//! at 1764178067123456
//!
//! — books.example/cell/7 base64 of the id of the key (4 bytes) and the signature (64)
//! ```
//!
//! Hashes are those of [`crate::merkle`], so the root can be checked only with BLAKE3.

use crate::{merkle::Hash, proof::ProofError};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use suanpan_money::Timestamp;

/// Bytes of a checkpoint with its signatures: ours and those of some witnesses.
pub const CHECKPOINT_BYTES_MAX: usize = 16_384;

/// The sort of signature in a key: Ed25519.
const ALGORITHM: u8 = 1;

/// What the journal was at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose journal: the cell as a name without spaces, such as `books.example/cell/7`.
    pub origin: String,
    /// The newest record. The first has number 1, so this is also the size of the log.
    pub seq: u64,
    /// The root of the log over all records up to this one.
    pub log_root: Hash,
    /// The term of the writer.
    pub epoch: u64,
    /// The chain hash of the newest record.
    pub chain: Hash,
    /// How many entries all records hold together.
    pub entries: u64,
    /// When the newest record was accepted.
    pub at: Timestamp,
}

impl Checkpoint {
    /// Returns the text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\nepoch {}\nchain {}\nentries {}\nat {}\n",
            self.origin,
            self.seq,
            STANDARD.encode(self.log_root),
            self.epoch,
            STANDARD.encode(self.chain),
            self.entries,
            self.at.micros(),
        )
    }

    /// Reads such a text. Only the one form that is written is taken.
    fn parse(text: &str) -> Result<Checkpoint, ProofError> {
        let mut lines = text.lines();
        let mut line = |label: &'static str| {
            let line = lines.next().ok_or(ProofError::Malformed { field: "checkpoint" })?;
            line.strip_prefix(label).ok_or(ProofError::Malformed { field: "checkpoint" })
        };
        let checkpoint = Checkpoint {
            origin: line("")?.to_owned(),
            seq: number(line("")?)?,
            log_root: hash(line("")?)?,
            epoch: number(line("epoch ")?)?,
            chain: hash(line("chain ")?)?,
            entries: number(line("entries ")?)?,
            at: Timestamp::from_micros(number(line("at ")?)?),
        };
        if checkpoint.text() != text || !is_origin(&checkpoint.origin) {
            return Err(ProofError::Malformed { field: "checkpoint" });
        }
        Ok(checkpoint)
    }

    /// Signs the checkpoint with an Ed25519 key, given as its seed, and returns the whole text.
    ///
    /// # Errors
    /// When the origin is empty or has spaces, line ends or `+`, or the seed makes no key.
    pub fn sign(&self, seed: &[u8; 32]) -> Result<String, ProofError> {
        if !is_origin(&self.origin) {
            return Err(ProofError::Malformed { field: "origin" });
        }
        let key = key_pair(seed)?;
        let text = self.text();
        let mut signature = key_id(&self.origin, key.public_key().as_ref()).to_vec();
        signature.extend_from_slice(key.sign(text.as_bytes()).as_ref());
        Ok(format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(signature)))
    }

    /// Checks a signed text and reads it. Signatures of others, such as witnesses, are passed over.
    ///
    /// # Errors
    /// When it is no checkpoint, or the key did not sign it under the name of its origin.
    pub fn verify(signed: &str, public_key: &[u8; 32]) -> Result<Checkpoint, ProofError> {
        let malformed = ProofError::Malformed { field: "checkpoint" };
        if signed.len() > CHECKPOINT_BYTES_MAX {
            return Err(malformed);
        }
        let (text, signatures) = signed.split_at(signed.find("\n\n").ok_or(malformed.clone())? + 1);
        let checkpoint = Checkpoint::parse(text)?;
        let signatures = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let id = key_id(&checkpoint.origin, public_key);
        let mut ours = None;
        for line in signatures.ok_or(malformed.clone())?.split('\n') {
            let (name, value) =
                line.strip_prefix("— ").and_then(|line| line.split_once(' ')).ok_or(malformed.clone())?;
            let value = STANDARD.decode(value).map_err(|_| malformed.clone())?;
            let (line_id, signature) = value.split_first_chunk::<4>().ok_or(malformed.clone())?;
            if name == checkpoint.origin && *line_id == id && ours.replace(signature.to_vec()).is_some() {
                return Err(malformed);
            }
        }
        let signature = ours.ok_or(ProofError::NotSigned)?;
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(text.as_bytes(), &signature)
            .map_err(|_| ProofError::NotSigned)?;
        Ok(checkpoint)
    }
}

/// Returns the public key of an Ed25519 key, given as its seed.
///
/// # Errors
/// When the seed makes no key.
pub fn public_key(seed: &[u8; 32]) -> Result<[u8; 32], ProofError> {
    key_pair(seed)?.public_key().as_ref().try_into().map_err(|_| ProofError::Malformed { field: "key" })
}

/// Returns the text by which tools for signed notes know a key: `origin+id+key`.
#[must_use]
pub fn verifier_key(origin: &str, public_key: &[u8; 32]) -> String {
    let id = u32::from_be_bytes(key_id(origin, public_key));
    let mut key = vec![ALGORITHM];
    key.extend_from_slice(public_key);
    format!("{origin}+{id:08x}+{}", STANDARD.encode(key))
}

fn key_pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, ProofError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| ProofError::Malformed { field: "key" })
}

/// The id of a key, as signed-note describes it: SHA-256(name ‖ "\n" ‖ algorithm ‖ key), the first four bytes.
fn key_id(name: &str, public_key: &[u8]) -> [u8; 4] {
    let text = [name.as_bytes(), b"\n", &[ALGORITHM], public_key].concat();
    let digest = digest(&SHA256, &text);
    digest.as_ref().first_chunk::<4>().copied().unwrap_or_default()
}

fn is_origin(origin: &str) -> bool {
    !origin.is_empty() && !origin.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, ProofError> {
    text.parse().map_err(|_| ProofError::Malformed { field: "checkpoint" })
}

fn hash(text: &str) -> Result<Hash, ProofError> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or(ProofError::Malformed { field: "checkpoint" })
}
