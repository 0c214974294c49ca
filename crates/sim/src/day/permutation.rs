//! Pseudo-random numbers without state: a mixer, and permutations that can be asked in any order.

/// Mixes the bits of a number (the finaliser of SplitMix64). Equal inputs give equal outputs, and a
/// change of one input bit changes about half of the output bits.
#[inline]
pub(super) const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A pseudo-random permutation of the numbers below `size`, computed number by number.
///
/// A Feistel network permutes the numbers of as many bits as `size - 1` has; results outside the
/// range are permuted again until one falls inside ("cycle walking"), which takes two steps at
/// most on average. There is no table, so a permutation of any size costs nothing to hold, and
/// there is an inverse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permutation {
    size: u64,
    low_bits: u32,
    low_mask: u64,
    high_mask: u64,
    keys: [u64; 4],
}

impl Permutation {
    /// Makes the permutation of the numbers below `size` that belongs to `seed`.
    pub(super) fn new(size: u64, seed: u64) -> Self {
        assert!(size < 1 << 62, "a permutation of fewer than 2^62 numbers");
        let bits = (64 - size.saturating_sub(1).leading_zeros()).max(2);
        let low_bits = bits / 2;
        Permutation {
            size,
            low_bits,
            low_mask: (1 << low_bits) - 1,
            high_mask: (1 << (bits - low_bits)) - 1,
            keys: [mix(seed), mix(seed ^ 1 << 60), mix(seed ^ 2 << 60), mix(seed ^ 3 << 60)],
        }
    }

    /// Returns the number at position `at`.
    #[inline]
    pub(super) fn apply(&self, at: u64) -> u64 {
        debug_assert!(at < self.size);
        let mut number = at;
        loop {
            let (mut high, mut low) = (number >> self.low_bits, number & self.low_mask);
            high ^= mix(low ^ self.keys[0]) & self.high_mask;
            low ^= mix(high ^ self.keys[1]) & self.low_mask;
            high ^= mix(low ^ self.keys[2]) & self.high_mask;
            low ^= mix(high ^ self.keys[3]) & self.low_mask;
            number = high << self.low_bits | low;
            if number < self.size {
                return number;
            }
        }
    }

    /// Returns the position of `number`: the inverse of [`Permutation::apply`].
    pub(super) fn invert(&self, number: u64) -> u64 {
        debug_assert!(number < self.size);
        let mut at = number;
        loop {
            let (mut high, mut low) = (at >> self.low_bits, at & self.low_mask);
            low ^= mix(high ^ self.keys[3]) & self.low_mask;
            high ^= mix(low ^ self.keys[2]) & self.high_mask;
            low ^= mix(high ^ self.keys[1]) & self.low_mask;
            high ^= mix(low ^ self.keys[0]) & self.high_mask;
            at = high << self.low_bits | low;
            if at < self.size {
                return at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_up_once_and_the_inverse_finds_it(size in 1_u64..3_000, seed: u64) {
            let permutation = Permutation::new(size, seed);
            let mut seen = vec![false; usize::try_from(size).unwrap()];
            for at in 0..size {
                let number = permutation.apply(at);
                prop_assert!(!std::mem::replace(&mut seen[usize::try_from(number).unwrap()], true));
                prop_assert_eq!(permutation.invert(number), at);
            }
        }
    }

    #[test]
    fn seeds_give_different_orders() {
        let order = |seed| (0..100).map(|at| Permutation::new(100, seed).apply(at)).collect::<Vec<_>>();
        assert_ne!(order(1), order(2));
        assert_ne!(order(1), (0..100).collect::<Vec<_>>());
    }
}
