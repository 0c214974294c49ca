//! From the hash of an id to the place of its entry: 8 bytes each, one line of the processor's cache for a
//! look-up as well as for an insertion. A table of a library keeps its tags and its values apart, which is two
//! lines and costs a fifth of all the time of applying an entry.
//!
//! The bucket is the highest bits of the hash, so the order of the table is that of the hashes, and growing
//! copies it from front to back.

/// Places of entries, by hash.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Hash in the high half, place in the low half; [`EMPTY`] where nothing is.
    slots: Vec<u64>,
    /// The highest bits of a hash that make its bucket.
    bits: u32,
    len: usize,
}

const EMPTY: u64 = u64::MAX;
const BITS_MIN: u32 = 10;

/// Makes a hash of 32 bits one that no empty slot has.
pub(super) const fn narrow(hash: u64) -> u32 {
    let hash = (hash >> 32) as u32;
    if hash == u32::MAX { hash - 1 } else { hash }
}

impl Places {
    pub(super) fn new() -> Places {
        Places { slots: vec![EMPTY; 1 << BITS_MIN], bits: BITS_MIN, len: 0 }
    }

    #[inline]
    pub(super) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.bucket(hash);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            if (slot >> 32) as u32 == hash && is_it(slot as u32) {
                return Some(slot as u32);
            }
            at = self.after(at);
        }
    }

    /// Reads the slot of a hash, so that it is near when it is asked for: the waits of many reads overlap.
    #[inline]
    pub(super) fn touch(&self, hash: u32) -> u64 {
        self.slots[self.bucket(hash)]
    }

    #[inline]
    pub(super) fn insert(&mut self, hash: u32, place: u32) {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        self.put(u64::from(hash) << 32 | u64::from(place));
        self.len += 1;
    }

    /// Removes what [`Places::insert`] put there.
    pub(super) fn remove(&mut self, hash: u32, place: u32) {
        let wanted = u64::from(hash) << 32 | u64::from(place);
        let mut hole = self.bucket(hash);
        while self.slots[hole] != wanted {
            assert_ne!(self.slots[hole], EMPTY, "only what was inserted is removed");
            hole = self.after(hole);
        }
        self.len -= 1;
        // Those behind move up, unless that would be before their bucket.
        let mut at = self.after(hole);
        while self.slots[at] != EMPTY {
            let home = self.bucket((self.slots[at] >> 32) as u32);
            let mask = self.slots.len() - 1;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.slots[hole] = EMPTY;
    }

    fn put(&mut self, slot: u64) {
        let mut at = self.bucket((slot >> 32) as u32);
        while self.slots[at] != EMPTY {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    #[cold]
    fn grow(&mut self) {
        self.bits += 1;
        assert!(self.bits < 32, "more entries are remembered than the table can hold");
        let before = std::mem::replace(&mut self.slots, vec![EMPTY; 1 << self.bits]);
        for slot in before.into_iter().filter(|slot| *slot != EMPTY) {
            self.put(slot);
        }
    }

    #[inline]
    const fn bucket(&self, hash: u32) -> usize {
        (hash >> (32 - self.bits)) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Few hashes, at both ends, so that chains run together and over the end of the table.
    #[test]
    fn it_does_what_a_map_does() {
        let mut places = Places::new();
        let mut model = BTreeMap::new();
        let mut draw = 1_u64;
        for place in 0..20_000_u32 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let hash = match draw >> 62 {
                0 => (draw >> 40) as u32 % 8,
                1 => u32::MAX - 1 - (draw >> 40) as u32 % 8,
                _ => narrow(draw),
            };
            places.insert(hash, place);
            model.insert(place, hash);
            if draw >> 20 & 1 == 1 {
                let (&oldest, &hash) = model.range((draw >> 32) as u32 % (place + 1)..).next().unwrap();
                places.remove(hash, oldest);
                model.remove(&oldest);
            }
        }
        assert_eq!(places.len, model.len());
        for place in 0..20_000 {
            match model.get(&place) {
                Some(&hash) => assert_eq!(places.find(hash, |found| found == place), Some(place)),
                None => assert!(places.slots.iter().all(|&slot| slot == EMPTY || slot as u32 != place)),
            }
        }
    }
}
