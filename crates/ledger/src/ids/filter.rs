//! A filter for the ids of one page: a split-block Bloom filter, as Apache Parquet describes it.
//!
//! A block has eight words of 32 bits; an id sets one bit in each word of one block. So a test touches one
//! cache line. With 16 bits for each id about one absent id in a thousand passes.

use crate::history::limits::FILTER_BYTES;

const BLOCK: usize = 32;
const BLOCKS: u64 = (FILTER_BYTES / BLOCK) as u64;

// The salts of Parquet's BloomFilter.md.
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// Appends the filter of some ids.
pub(super) fn write_filter(out: &mut Vec<u8>, ids: impl Iterator<Item = u128>) {
    let start = out.len();
    out.resize(start + FILTER_BYTES, 0);
    let filter = &mut out[start..];
    for id in ids {
        let (block, hash) = place(id);
        for (word, salt) in filter[block..block + BLOCK].chunks_exact_mut(4).zip(SALTS) {
            let bit = hash.wrapping_mul(salt) >> 27;
            word[bit as usize / 8] |= 1 << (bit % 8);
        }
    }
}

/// Returns whether an id may be among those of the filter, which has its full size.
pub(super) fn may_have(filter: &[u8], id: u128) -> bool {
    let (block, hash) = place(id);
    filter[block..block + BLOCK].chunks_exact(4).zip(SALTS).all(|(word, salt)| {
        let bit = hash.wrapping_mul(salt) >> 27;
        word[bit as usize / 8] & (1 << (bit % 8)) != 0
    })
}

/// Returns the offset of the block of an id, and the bits that choose within it. Stored filters rest on this
/// function: it never changes within a version of runs.
fn place(id: u128) -> (usize, u32) {
    let hash = mix((id >> 64) as u64 ^ mix(id as u64));
    let block = ((hash >> 32) * BLOCKS) >> 32;
    (block as usize * BLOCK, hash as u32)
}

/// The finalizer of SplitMix64: every bit of the value reaches every bit of the result.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::limits::PAGE_IDS_MAX;

    #[test]
    fn what_is_there_passes_and_what_is_not_hardly_ever() {
        for stride in [1_u128, 1 << 64, 0x1234_5678_9ABC_DEF0_0123_4567_89AB_CDEF] {
            let id = |at: usize| (at as u128).wrapping_mul(stride);
            let mut filter = Vec::new();
            write_filter(&mut filter, (0..PAGE_IDS_MAX).map(id));
            assert_eq!(filter.len(), FILTER_BYTES);
            assert!((0..PAGE_IDS_MAX).all(|at| may_have(&filter, id(at))));
            let passed = (PAGE_IDS_MAX..102_048).filter(|at| may_have(&filter, id(*at))).count();
            assert!(passed < 300, "{passed} of 100,000 with stride {stride:x}");
        }
    }

    #[test]
    fn the_hash_is_the_one_stored_filters_were_written_with() {
        assert_eq!([place(0), place(1), place(u128::MAX)], GOLDEN);
    }

    const GOLDEN: [(usize, u32); 3] = [(2656, 1_293_516_399), (1504, 1_949_917_470), (1568, 1_738_832_182)];
}
