//! Sets of key tags: bits of a key's hash, which are spread evenly as they are.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A set of tags, or of several together.
pub(crate) type TagSet<K = u64> = HashSet<K, BuildHasherDefault<TagHasher>>;
/// A map by tag, or by several.
pub(crate) type TagMap<V, K = u64> = HashMap<K, V, BuildHasherDefault<TagHasher>>;

/// Hashes words that are hashes with a secret key already, so nobody can choose them: one multiplication
/// spreads them over a table.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct TagHasher(u64);

impl Hasher for TagHasher {
    fn finish(&self) -> u64 {
        // Tables look at the lowest bits and at the highest; the product is best in its middle.
        self.0.rotate_left(26)
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("tags are whole numbers")
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
