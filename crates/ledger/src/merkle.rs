//! Merkle trees in the manner of RFC 9162, with BLAKE3: over the entries of a record, and over the records of
//! the journal.
//!
//! ```text
//! empty tree   BLAKE3()
//! leaf         BLAKE3(0x00 ‖ bytes)
//! node         BLAKE3(0x01 ‖ left ‖ right), where left is the largest complete tree that leaves a right
//! ```
//!
//! A writer appends to a [`Frontier`], which is a hash for each bit of the size. Proofs need the hashes of complete
//! subtrees, which the caller gives by level and place: from a table, or by [`subtree`] from the leaves.

mod proofs;

pub use proofs::{consistency_proof, inclusion_path, subtree, verify_consistency, verify_inclusion};

/// A hash of 256 bits.
pub type Hash = [u8; 32];

/// Hashes that a proof may have: one for each level of a tree of 2^64 leaves, and one more.
pub const PATH_HASHES_MAX: usize = 65;

/// Returns the hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    // Most leaves are entries of less than a hundred bytes: in one piece they are hashed without setting up a
    // hasher.
    let mut piece = [0_u8; 192];
    if let Some(place) = piece.get_mut(1..1 + leaf.len()) {
        place.copy_from_slice(leaf);
        return *blake3::hash(&piece[..1 + leaf.len()]).as_bytes();
    }
    *blake3::Hasher::new().update(&[0]).update(leaf).finalize().as_bytes()
}

/// Returns the hash of a node above two others.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut piece = [1_u8; 65];
    piece[1..33].copy_from_slice(left);
    piece[33..].copy_from_slice(right);
    *blake3::hash(&piece).as_bytes()
}

/// Returns the root of the tree over some leaves.
#[must_use]
pub fn root<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(leaf_hash(leaf));
    }
    frontier.root()
}

/// Returns the hash of a record: it covers the record before, and by it all before that.
///
/// `hash_n = BLAKE3(hash_{n-1} ‖ header ‖ root_n ‖ events digest)`. The hash before the first record is zeros. `header`
/// is the header of the record as bytes, `root` that of the tree over its entries, `events_digest` the BLAKE3 of
/// its account events as bytes. All but the header have 32 bytes, so no two inputs run together alike. The leaf
/// of the log for record n is `leaf_hash(hash_n)`, at place n - 1.
#[must_use]
pub fn chain_hash(previous: &Hash, header: &[u8], root: &Hash, events_digest: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(header).update(root).update(events_digest);
    *hasher.finalize().as_bytes()
}

/// The right edge of a growing tree: all that is needed to append and to tell the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    // The roots of the complete trees that the size is made of, largest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Takes up a tree from its size and its peaks, largest first; none when they do not fit together.
    #[must_use]
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Frontier> {
        (peaks.len() == size.count_ones() as usize).then_some(Frontier { size, peaks })
    }

    /// Returns how many leaves there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the complete trees that the size is made of, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf by its hash, see [`leaf_hash`].
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf by its hash, and shows every subtree that it completes: level, place in the level, hash. The leaf
    /// itself comes first, with level 0. A caller that keeps those of some levels need not go back to the
    /// leaves for proofs.
    pub fn push_with(&mut self, leaf: Hash, mut completed: impl FnMut(u32, u64, &Hash)) {
        let mut hash = leaf;
        completed(0, self.size, &hash);
        for level in 1..=self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
                completed(level, self.size >> level, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let smallest_first = self.peaks.iter().rev().copied();
        smallest_first.reduce(|right, left| node_hash(&left, &right)).unwrap_or(*blake3::hash(&[]).as_bytes())
    }
}
