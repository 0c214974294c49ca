//! How large amounts are: counts by number of digits, cheap enough to keep for every row.

use crate::report::AMOUNT_BUCKETS;
use crate::report::amount_bucket;

/// Zero, then one to nineteen digits: all that 64 bits hold.
const DIGITS: usize = 20;

/// Counts of amounts by exponent of their currency and number of digits in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// By exponent.
    counts: Vec<[u64; DIGITS]>,
}

/// The powers of ten that 64 bits hold.
const POWERS: [u64; DIGITS] = {
    let mut powers = [1; DIGITS];
    let mut n = 1;
    while n < DIGITS {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// Returns the number of decimal digits, 0 for zero.
#[inline(always)]
fn digits(size: u64) -> usize {
    // The number of bits tells the digits but for one, which a power of ten decides.
    let bits = 64 - (size | 1).leading_zeros() as usize;
    let most = (bits * 1233) >> 12;
    most + usize::from(size >= POWERS[most])
}

impl Sizes {
    /// Counts an amount in minor units.
    #[inline(always)]
    pub(crate) fn add(&mut self, exponent: u8, minor: i64) {
        let digits = digits(minor.unsigned_abs());
        match self.counts.get_mut(usize::from(exponent)) {
            Some(counts) => counts[digits] += 1,
            None => self.add_many(exponent, digits, 1),
        }
    }

    #[cold]
    fn add_many(&mut self, exponent: u8, digits: usize, count: u64) {
        let exponent = usize::from(exponent);
        self.counts.resize(self.counts.len().max(exponent + 1), [0; DIGITS]);
        self.counts[exponent][digits] += count;
    }

    /// Adds other counts.
    pub(crate) fn merge(&mut self, other: &Sizes) {
        for (exponent, digits, count) in other.list() {
            self.add_many(exponent, digits, count);
        }
    }

    /// Returns the counts that are not zero: exponent, digits, count.
    pub(crate) fn list(&self) -> Vec<(u8, usize, u64)> {
        let of = |(exponent, counts): (usize, &[u64; DIGITS])| {
            let exponent = exponent as u8;
            counts.iter().enumerate().map(|(digits, count)| (exponent, digits, *count)).collect::<Vec<_>>()
        };
        self.counts.iter().enumerate().flat_map(of).filter(|(_, _, count)| *count > 0).collect()
    }

    /// Makes counts from their list, `None` when it names what cannot be.
    pub(crate) fn from_list(list: &[(u8, usize, u64)]) -> Option<Sizes> {
        let mut sizes = Sizes::default();
        for (exponent, digits, count) in list {
            if *digits >= DIGITS || usize::from(*exponent) >= DIGITS {
                return None;
            }
            sizes.add_many(*exponent, *digits, *count);
        }
        Some(sizes)
    }

    /// Returns the counts by bucket of reports.
    pub(crate) fn buckets(&self) -> [u64; AMOUNT_BUCKETS] {
        let mut buckets = [0; AMOUNT_BUCKETS];
        for (exponent, digits, count) in self.list() {
            // Any amount of so many digits will do: buckets are powers of ten too.
            let minor = if digits == 0 { 0 } else { POWERS[digits - 1] as i64 };
            buckets[amount_bucket(minor, exponent)] += count;
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_counted_at_every_edge() {
        assert_eq!(digits(0), 0);
        for power in POWERS {
            for size in [power - 1, power, power + 1] {
                let want = if size == 0 { 0 } else { size.to_string().len() };
                assert_eq!(digits(size), want, "{size}");
            }
        }
        assert_eq!(digits(i64::MIN.unsigned_abs()), 19);
    }

    proptest! {
        #[test]
        fn buckets_are_those_of_each_amount(
            list in proptest::collection::vec((0_u8..=4, any::<i64>(), 0_u32..64), 0..50), at in 0_usize..50,
        ) {
            let list: Vec<(u8, i64)> = list.into_iter().map(|(e, minor, shift)| (e, minor >> shift)).collect();
            let mut want = [0; AMOUNT_BUCKETS];
            let (mut first, mut second) = (Sizes::default(), Sizes::default());
            for (n, (exponent, minor)) in list.iter().enumerate() {
                want[amount_bucket(*minor, *exponent)] += 1;
                if n < at { &mut first } else { &mut second }.add(*exponent, *minor);
            }
            first.merge(&Sizes::from_list(&second.list()).unwrap());
            prop_assert_eq!(first.buckets(), want);
        }
    }
}
