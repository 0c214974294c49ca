//! Sketches that leave this machine: two parties, or two data centres, find their differences from a
//! few MiB each, without either handing over its records.
//!
//! Both agree on a secret and on what is compared, and each makes a [`PartySketch`] of its own side.
//! The difference of the two sketches gives, for each differing record, a keyed hash of its key and
//! of its compared values, and on which side it is. Each party finds the rows behind the hashes in
//! its own files with [`locate`].
//!
//! Limits. A sketch says exactly what differs only up to its capacity; beyond that it says only that
//! there is more. Copies that both sides hold in equal number cancel. Rows without a key and rejected
//! rows are not in it, but are counted in its head. The hashes are made with BLAKE3 keyed by the
//! secret: without the secret nobody can test whether a key is in a sketch; with it, a guessed key
//! can be tested, so treat a sketch like the data of a partner, and send it over a protected way.

use crate::error::ReconError;
use crate::fetch::Wanted;
use crate::outcome::Code;
use crate::record::{Records, Side, Words};
use crate::rule::{Field, PassKind, Rules};
use crate::run::{Options, Progress, SideCounts};
use crate::sketch::{Difference, Element, Sketch};
use crate::store::Shape;
use crate::tags::TagSet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use suanpan_money::format_sum;

const MAGIC: &[u8; 8] = b"SUANSKT1";
/// The most bytes of a sketch file that are read.
const FILE_BYTES_MAX: u64 = 1 << 30;
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Tags of located keys keep so many bits of the hash.
const LOCATE: Shape = Shape { bits: 12 };

/// The head of a sketch file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SketchHead {
    /// Form of the file.
    pub version: u32,
    /// `left` or `right`.
    pub side: String,
    /// What is compared besides the key, in order. Both parties must agree.
    pub compare: Vec<String>,
    /// Tells whether two sketches were made with one secret, without giving it away.
    pub secret_check: String,
    /// Records in the sketch.
    pub records: u64,
    /// Records without a key, which are not in the sketch.
    pub unkeyed: u64,
    /// Rejected rows, which are not in the sketch.
    pub rejected: u64,
    /// Sum of amounts by currency, as decimal text.
    pub amounts: BTreeMap<String, String>,
    /// Cells.
    pub cells: u64,
}

/// A sketch with its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartySketch {
    /// The head.
    pub head: SketchHead,
    sketch: Sketch,
}

/// Why two sketches give no difference.
#[derive(Debug, thiserror::Error)]
pub enum SketchError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is no sketch, or is damaged.
    #[error("{path}: {message}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The two sketches do not go together.
    #[error("the sketches do not go together: {0}")]
    Mismatch(String),
}

/// A differing record, by hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Differing {
    /// On which side it is surplus.
    pub side: Side,
    /// Hash of its key.
    pub key: u64,
    /// Hash of its compared values.
    pub value: u64,
    /// The other side has the key too, with other values.
    pub same_key_on_other_side: bool,
}

/// What the difference of two sketches tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SketchDifference {
    /// Every differing record.
    Exact(Vec<Differing>),
    /// More differences than the sketches bear.
    TooMany {
        /// What they bear.
        capacity: usize,
    },
}

impl SketchDifference {
    /// Counts records that only the left has, only the right has, and keys that both have with other
    /// values.
    #[must_use]
    pub fn counts(&self) -> Option<[u64; 3]> {
        let SketchDifference::Exact(list) = self else { return None };
        let count =
            |side, same| list.iter().filter(|d| d.side == side && d.same_key_on_other_side == same).count();
        let keys: HashSet<u64> = list.iter().filter(|d| d.same_key_on_other_side).map(|d| d.key).collect();
        Some([count(Side::Left, false) as u64, count(Side::Right, false) as u64, keys.len() as u64])
    }
}

fn compared(rules: &Rules) -> Vec<String> {
    let Some(PassKind::Exact { compare, .. }) = rules.passes.first().map(|p| &p.kind) else {
        return Vec::new();
    };
    let mut names = vec!["currency".to_owned(), "amount".to_owned()];
    for (field, name) in
        [(Field::Kind, "type"), (Field::Status, "status"), (Field::Fee, "fee"), (Field::Date, "date")]
    {
        if compare.contains(&field) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Makes a sketch of the inputs of one side. `options.secret` must come from `Secret::shared`.
///
/// # Errors
/// As a run; also when the first pass of the rules is not `exact`.
pub fn make_sketch(
    options: &Options,
    side: Side,
    cells: usize,
    progress: &Progress,
) -> Result<PartySketch, ReconError> {
    let compare = compared(&options.rules);
    let Some(secret) = options.secret.as_ref().filter(|s| s.is_strong() && !compare.is_empty()) else {
        return Err(ReconError::Header {
            file: "rules".to_owned(),
            message: "a sketch needs a shared secret, and rules whose first pass is `exact`".to_owned(),
        });
    };
    let (counts, sketch) = crate::run::sketch_side(options, secret, side, cells, progress)?;
    let counts: &SideCounts = &counts[side.index()];
    let amounts = counts.totals.sorted();
    let amounts =
        amounts.iter().map(|t| (t.currency.code().to_owned(), format_sum(t.sum, t.currency.exponent())));
    Ok(PartySketch {
        head: SketchHead {
            version: 1,
            side: side.name().to_owned(),
            compare,
            secret_check: format!("{:016x}", secret.key(b"suanpan sketch secret check").hi),
            records: counts.records,
            unkeyed: counts.unkeyed,
            rejected: counts.rejected,
            amounts: amounts.collect(),
            cells: sketch.cells() as u64,
        },
        sketch,
    })
}

impl PartySketch {
    /// Returns the sketch as a file's content.
    ///
    /// # Panics
    /// Never: the head has a JSON form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = serde_json::to_vec(&self.head).expect("a head of plain values");
        let cells = self.sketch.to_bytes();
        let mut out = Vec::with_capacity(cells.len() + head.len() + 48);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&(head.len() as u32).to_le_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(&cells);
        let digest = blake3::hash(&out);
        out.extend_from_slice(digest.as_bytes());
        out
    }

    /// Reads a sketch from a file's content.
    ///
    /// # Errors
    /// [`SketchError::Damaged`] says what is wrong.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<PartySketch, SketchError> {
        let damaged =
            |message: &str| SketchError::Damaged { path: name.to_owned(), message: message.to_owned() };
        let (body, digest) =
            bytes.split_last_chunk::<32>().ok_or_else(|| damaged("too short for a sketch"))?;
        let rest = body.strip_prefix(MAGIC).ok_or_else(|| damaged("not a sketch of this version"))?;
        if blake3::hash(body).as_bytes() != digest {
            return Err(damaged("its checksum does not fit: it was cut off or changed on the way"));
        }
        let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("its head is cut off"))?;
        let len = u32::from_le_bytes(*len) as usize;
        if len > rest.len() || len > HEAD_BYTES_MAX {
            return Err(damaged("its head is cut off"));
        }
        let head: SketchHead = serde_json::from_slice(&rest[..len])
            .map_err(|e| damaged(&format!("its head cannot be read: {e}")))?;
        let sketch = Sketch::from_bytes(&rest[len..], SALT).filter(|s| s.cells() as u64 == head.cells);
        Ok(PartySketch { head, sketch: sketch.ok_or_else(|| damaged("its cells are cut off"))? })
    }

    /// Reads a sketch file.
    ///
    /// # Errors
    /// When it cannot be read or is no sketch.
    pub fn read(path: &Path) -> Result<PartySketch, SketchError> {
        let name = path.display().to_string();
        let io = |source| SketchError::Io { path: name.clone(), source };
        let len = std::fs::metadata(path).map_err(io)?.len();
        if len > FILE_BYTES_MAX {
            return Err(SketchError::Damaged { path: name, message: "larger than any sketch".to_owned() });
        }
        Self::from_bytes(&name, &std::fs::read(path).map_err(io)?)
    }

    /// Returns how many differences the sketch bears.
    #[must_use]
    pub fn capacity(&self) -> usize {
        Sketch::capacity(self.sketch.cells())
    }
}

/// The salt of cells is fixed: their elements are keyed hashes already.
pub(crate) const SALT: u64 = 0x7375_616e_7061_6e31;

/// Finds the difference of a left and a right sketch.
///
/// # Errors
/// [`SketchError::Mismatch`] when they were not made to go together.
pub fn diff_sketches(left: &PartySketch, right: &PartySketch) -> Result<SketchDifference, SketchError> {
    let (a, b) = (&left.head, &right.head);
    let refuse = |what: String| Err(SketchError::Mismatch(what));
    if a.secret_check != b.secret_check {
        return refuse("they were made with different secrets".to_owned());
    }
    if a.compare != b.compare {
        return refuse(format!("one compares {}, the other {}", a.compare.join(", "), b.compare.join(", ")));
    }
    if a.cells != b.cells {
        return refuse(format!(
            "one has {} cells, the other {}; make both with the same --cells",
            a.cells, b.cells
        ));
    }
    if a.side == b.side {
        return refuse(format!("both are of the {} side", a.side));
    }
    let (first, second) = if a.side == "left" { (left, right) } else { (right, left) };
    let mut sketch = first.sketch.clone();
    sketch.subtract_all(&second.sketch);
    let Some(Difference { left: only_left, right: only_right }) = sketch.peel() else {
        return Ok(SketchDifference::TooMany { capacity: left.capacity() });
    };
    let keys = |list: &[Element]| list.iter().map(|e| e.key).collect::<HashSet<u64>>();
    let (left_keys, right_keys) = (keys(&only_left), keys(&only_right));
    let of = |side, list: Vec<Element>, other: &HashSet<u64>| {
        list.into_iter()
            .map(|e| Differing {
                side,
                key: e.key,
                value: e.value,
                same_key_on_other_side: other.contains(&e.key),
            })
            .collect::<Vec<_>>()
    };
    let mut list = of(Side::Left, only_left, &right_keys);
    list.extend(of(Side::Right, only_right, &left_keys));
    list.sort_unstable();
    Ok(SketchDifference::Exact(list))
}

/// Finds the rows of one's own side whose keys differ.
///
/// # Errors
/// As a run.
pub fn locate(
    options: &Options,
    side: Side,
    differing: &[Differing],
    progress: &Progress,
) -> Result<(Records, Words), ReconError> {
    let tags: TagSet = differing.iter().map(|d| LOCATE.tag(d.key)).collect();
    let wanted = Wanted::new(LOCATE, tags, false, false).only(&[side]);
    crate::run::pick_side(options, side, &wanted, progress)
}

/// The code that a differing record would most likely get in a reconciliation of both sides.
#[must_use]
pub fn likely_code(differing: &Differing) -> Code {
    if differing.same_key_on_other_side {
        Code::AmountMismatch
    } else {
        Code::missing_from_other(differing.side)
    }
}
