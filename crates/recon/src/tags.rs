//! Sets of key tags: bits of a key's hash, which are spread evenly as they are.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A set of tags.
pub(crate) type TagSet = HashSet<u64, BuildHasherDefault<TagHasher>>;
/// A map by tag.
pub(crate) type TagMap<V> = HashMap<u64, V, BuildHasherDefault<TagHasher>>;

/// Takes a tag for its own hash: tags come from a hash with a secret key, so nobody can choose them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct TagHasher(u64);

impl Hasher for TagHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("tags are whole numbers")
    }

    fn write_u64(&mut self, tag: u64) {
        // Tags have 40 to 52 bits, and tables look at the highest bits too.
        self.0 = tag ^ tag.rotate_left(24);
    }
}
