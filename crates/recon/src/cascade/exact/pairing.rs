//! Pairs two sorted lists of amounts so that the sum of differences is least.

/// The most cells of the table that the optimal pairing fills. Beyond it, the lists are paired from
/// their lower ends: still deterministic, no longer the least sum.
const CELLS_MAX: usize = 1 << 22;

/// Returns pairs of indices, as many as the shorter list has entries. Both lists must be sorted.
///
/// Lists of equal length pair in order: no crossing pair can be nearer. Otherwise the entries of the
/// longer list that stay alone are chosen by dynamic programming; of equal sums the one that takes
/// the lower entries wins, on whichever side the longer list is, so that sides can be swapped.
pub(super) fn nearest(left: &[i64], right: &[i64]) -> Vec<(usize, usize)> {
    if left.len() <= right.len() {
        let pairs = nearest_in_longer(left, right);
        pairs.into_iter().enumerate().collect()
    } else {
        let pairs = nearest_in_longer(right, left);
        pairs.into_iter().enumerate().map(|(short, long)| (long, short)).collect()
    }
}

/// Returns for each entry of `short` its partner in `long`, ascending.
fn nearest_in_longer(short: &[i64], long: &[i64]) -> Vec<usize> {
    let spare = long.len() - short.len();
    let cells = (short.len() + 1).saturating_mul(spare + 1);
    if spare == 0 || cells > CELLS_MAX {
        return (0..short.len()).collect();
    }
    // best[o]: least sum for the entries of `short` so far when at most `o` of `long` stay alone
    // among those passed; took[i][o]: entry i then takes long[i + o], rather than a lower one.
    let mut best = vec![0_u128; spare + 1];
    let mut took = vec![false; short.len() * (spare + 1)];
    for (i, amount) in short.iter().enumerate() {
        for o in 0..=spare {
            let with_this = best[o] + u128::from(amount.abs_diff(long[i + o]));
            if o > 0 && best[o - 1] <= with_this {
                best[o] = best[o - 1];
            } else {
                best[o] = with_this;
                took[i * (spare + 1) + o] = true;
            }
        }
    }
    let mut partners = vec![0; short.len()];
    let mut o = spare;
    for i in (0..short.len()).rev() {
        while !took[i * (spare + 1) + o] {
            o -= 1;
        }
        partners[i] = i + o;
    }
    partners
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn sum(left: &[i64], right: &[i64], pairs: &[(usize, usize)]) -> u128 {
        pairs.iter().map(|(l, r)| u128::from(left[*l].abs_diff(right[*r]))).sum()
    }

    /// The least sum over all ways to give each entry of `short` its own entry of `long`.
    fn least(short: &[i64], long: &[i64], used: u32) -> u128 {
        let Some((first, rest)) = short.split_first() else { return 0 };
        let free = (0..long.len()).filter(|at| used & (1 << at) == 0);
        free.map(|at| u128::from(first.abs_diff(long[at])) + least(rest, long, used | (1 << at)))
            .min()
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(2026), ..ProptestConfig::default() })]
        #[test]
        fn pairs_have_the_least_sum(mut left in prop::collection::vec(-20_i64..20, 0..6),
                                    mut right in prop::collection::vec(-20_i64..20, 0..7)) {
            left.sort_unstable();
            right.sort_unstable();
            let pairs = nearest(&left, &right);
            prop_assert_eq!(pairs.len(), left.len().min(right.len()));
            let (short, long) = if left.len() <= right.len() { (&left, &right) } else { (&right, &left) };
            prop_assert_eq!(sum(&left, &right, &pairs), least(short, long, 0));
            let mirrored: Vec<_> = nearest(&right, &left).into_iter().map(|(r, l)| (l, r)).collect();
            prop_assert_eq!(pairs, mirrored);
        }
    }

    #[test]
    fn extremes_do_not_overflow_and_long_lists_still_pair() {
        assert_eq!(nearest(&[i64::MIN, i64::MAX], &[i64::MIN, 0, i64::MAX]), [(0, 0), (1, 2)]);
        let (left, right) = (vec![1; 3000], vec![2; 6000]);
        assert_eq!(nearest(&left, &right).len(), 3000);
    }
}
