//! Pairs a large component greedily: the nearest candidates first.
//!
//! Candidates are looked at class by class (records of one side with one amount and date have the
//! same candidates), in bands of growing amount difference, so that a component in which everything
//! fits everything never has its candidates written out.

use super::{Classes, Near, Point};

/// The most pairs of classes that are held at a time, unless one amount difference alone has more.
const PAIRS_MAX: usize = 1 << 20;

/// A pair of classes in the order in which pairs are taken. The order is the same from either side:
/// two that are equal in all but the last two fields share no class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    amount_difference: i128,
    day_difference: u64,
    amount_sum: i128,
    date_sum: i64,
    left: usize,
    right: usize,
}

/// Returns pairs of indices into both lists, which are sorted by amount, date and location.
pub(super) fn pairs(left: &[Point], right: &[Point], near: Near) -> Vec<(usize, usize)> {
    let (mut classes_left, mut classes_right) = (Classes::of(left), Classes::of(right));
    let bound_of = |amount: i64| near.tolerance.bound(i128::from(amount));
    let bound_max = left.iter().map(|point| bound_of(point.amount)).max().unwrap_or(0);
    let mut pairs = Vec::new();
    let (mut from, mut width) = (0_i128, 1_i128);
    while from <= bound_max && pairs.len() < left.len().min(right.len()) {
        let to = bound_max.min(from + width - 1);
        let Some(mut candidates) = band(&classes_left, &classes_right, near, from, to) else {
            width = (width / 2).max(1);
            continue;
        };
        if candidates.len() < PAIRS_MAX / 4 {
            width = width.saturating_mul(2);
        }
        candidates.sort_unstable();
        for candidate in candidates {
            let left = &mut classes_left.list[candidate.left];
            let right = &mut classes_right.list[candidate.right];
            while left.start < left.end && right.start < right.end {
                pairs.push((left.start, right.start));
                left.start += 1;
                right.start += 1;
            }
        }
        from = to + 1;
    }
    pairs
}

/// Returns the candidates among open classes whose amounts differ by `from..=to`, or `None` when the
/// band is wider than need be and holds too many.
fn band(left: &Classes, right: &Classes, near: Near, from: i128, to: i128) -> Option<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for (at, class) in left.list.iter().enumerate().filter(|(_, class)| class.start < class.end) {
        let to = to.min(near.tolerance.bound(i128::from(class.amount)));
        if to < from {
            continue;
        }
        let mut visit = |other: usize| {
            let candidate = &right.list[other];
            if candidate.start == candidate.end {
                return;
            }
            candidates.push(Candidate {
                amount_difference: (i128::from(candidate.amount) - i128::from(class.amount)).abs(),
                day_difference: u64::from(candidate.date.abs_diff(class.date)),
                amount_sum: i128::from(candidate.amount) + i128::from(class.amount),
                date_sum: i64::from(candidate.date) + i64::from(class.date),
                left: at,
                right: other,
            });
        };
        right.for_each_near(near, class, from, to, &mut visit);
        // The other direction, without looking at equal amounts twice.
        right.for_each_near(near, class, -to, -from.max(1), &mut visit);
        if candidates.len() > PAIRS_MAX && to > from {
            return None;
        }
    }
    Some(candidates)
}
