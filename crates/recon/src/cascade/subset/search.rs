//! Meet in the middle: all subsets of a few amounts whose sum is near a target.

use crate::record::Side;
use crate::rule::Tolerance;

/// The most amounts of one half: 2^20 sums of 32 bytes are 32 MiB.
const HALF_MAX: u32 = 20;

/// The most amounts that can be searched at all.
pub(super) const ITEMS_MAX: usize = 2 * HALF_MAX as usize;

/// A candidate.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) amount: i64,
    /// It may only be chosen if the one before it is: both are the same in all but location.
    pub(super) copy_of_previous: bool,
}

/// The sum that is looked for.
pub(super) struct Wanted {
    pub(super) target: i128,
    pub(super) tolerance: Tolerance,
    /// The side of the target: relative tolerances go by the left amount.
    pub(super) one: Side,
}

impl Wanted {
    /// Returns how far a sum may be from the target, at most.
    pub(super) fn slack(&self, amounts: &[i64]) -> u128 {
        let slack = match self.one {
            Side::Left => Some(self.tolerance.bound(self.target)),
            Side::Right => self.tolerance.bound_from_right(self.target),
        };
        let all = || amounts.iter().map(|amount| u128::from(amount.unsigned_abs())).sum::<u128>();
        slack.map_or_else(|| all() + self.target.unsigned_abs(), i128::unsigned_abs)
    }

    fn admits(&self, sum: i128) -> bool {
        match self.one {
            Side::Left => self.tolerance.admits(self.target, sum),
            Side::Right => self.tolerance.admits(sum, self.target),
        }
    }
}

/// What was found.
pub(super) struct Found {
    /// Chosen items as bits, best first: least difference, fewest items, then lowest items.
    pub(super) best: Vec<u64>,
    /// How many there are, or were met before the steps ran out.
    pub(super) count: u64,
    /// Every subset was looked at.
    pub(super) complete: bool,
}

/// Returns how many candidates can be searched within a number of steps.
pub(super) fn searchable(steps_max: u64) -> usize {
    // Two halves of n/2 amounts make 2 · 2^(n/2) sums. As many steps are kept for looking at hits.
    let half = (steps_max / 4).checked_ilog2().unwrap_or(0).min(HALF_MAX);
    2 * half as usize
}

/// Finds the subsets of `items` (at most [`searchable`]) that are wanted; shows at most `best_max`.
pub(super) fn subsets(items: &[Item], wanted: &Wanted, steps_max: u64, best_max: usize) -> Found {
    let mut found = Found { best: Vec::new(), count: 0, complete: true };
    if items.is_empty() {
        return found;
    }
    let amounts: Vec<i64> = items.iter().map(|item| item.amount).collect();
    let slack = wanted.slack(&amounts);
    let middle = items.len() / 2;
    let (mut low, mut high) = (sums(&items[..middle], 0), sums(&items[middle..], middle));
    low.sort_unstable();
    high.sort_unstable_by(|a, b| b.cmp(a));
    let mut steps = (low.len() + high.len()) as u64;
    let slack = i128::try_from(slack).unwrap_or(i128::MAX / 4);
    let (least, most) = (wanted.target - slack, wanted.target + slack);
    let mut best: Vec<(u128, u32, u64)> = Vec::new();
    let mut start = 0;
    'low: for (sum_low, mask_low) in &low {
        // As the low sums rise, the high sums that fit fall.
        while high.get(start).is_some_and(|(sum, _)| sum_low + sum > most) {
            start += 1;
        }
        for (sum_high, mask_high) in &high[start..] {
            let sum = sum_low + sum_high;
            if sum < least {
                break;
            }
            steps += 1;
            if steps > steps_max {
                found.complete = false;
                break 'low;
            }
            let mask = mask_low | mask_high;
            if mask == 0 || !wanted.admits(sum) || (middle > 0 && breaks_copies(items, mask, middle)) {
                continue;
            }
            found.count += 1;
            let key = (sum.abs_diff(wanted.target), mask.count_ones(), mask);
            let at = best.partition_point(|known| *known < key);
            if at < best_max {
                best.insert(at, key);
                best.truncate(best_max);
            }
        }
    }
    found.best = best.into_iter().map(|(_, _, mask)| mask).collect();
    found
}

/// Says whether a copy is chosen at the border of the halves without the one before it.
fn breaks_copies(items: &[Item], mask: u64, border: usize) -> bool {
    items[border].copy_of_previous && mask & (1 << border) != 0 && mask & (1 << (border - 1)) == 0
}

/// Lists the sums of all subsets of one half, with the chosen items as bits from `shift` up.
fn sums(items: &[Item], shift: usize) -> Vec<(i128, u64)> {
    let mut sums = vec![(0_i128, 0_u64)];
    for (at, item) in items.iter().enumerate() {
        let bit = 1_u64 << (shift + at);
        let needs = if at > 0 && item.copy_of_previous { bit >> 1 } else { 0 };
        for known in 0..sums.len() {
            let (sum, mask) = sums[known];
            if mask & needs == needs {
                sums.push((sum + i128::from(item.amount), mask | bit));
            }
        }
    }
    sums
}
