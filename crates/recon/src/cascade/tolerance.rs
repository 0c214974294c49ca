//! The tolerance test, exact in whole numbers.

use crate::rule::Tolerance;

const MILLION: i128 = 1_000_000;

impl Tolerance {
    /// Returns the largest difference that still counts as equal beside this left amount (or sum):
    /// the larger of the two bounds, the relative one rounded down. Never negative.
    #[must_use]
    pub fn bound(self, left: i128) -> i128 {
        let relative = left.saturating_abs().saturating_mul(i128::from(self.ppm)) / MILLION;
        relative.max(i128::from(self.minor)).max(0)
    }

    /// Says whether only equal amounts count as equal.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.minor <= 0 && self.ppm == 0
    }

    /// Says whether a right amount (or sum) counts as equal to a left one.
    #[must_use]
    pub fn admits(self, left: i128, right: i128) -> bool {
        left.abs_diff(right) <= self.bound(left).unsigned_abs()
    }

    /// Returns a bound that holds for every left sum that counts as equal to this right amount, or
    /// `None` when there is none because the relative tolerance is 100 % or more.
    pub(super) fn bound_from_right(self, right: i128) -> Option<i128> {
        let ppm = i128::from(self.ppm);
        if ppm >= MILLION {
            return None;
        }
        // |l - r| <= |l| p and |l| <= |r| + |l - r| give |l - r| <= |r| p / (1 - p).
        let relative = right.saturating_abs().saturating_mul(ppm) / (MILLION - ppm) + 1;
        Some(if ppm == 0 { self.bound(0) } else { relative.max(self.bound(0)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_bound_holds_and_the_relative_one_is_rounded_down() {
        let cases = [
            // minor, ppm, left, right, equal
            (0, 0, 100, 100, true),
            (0, 0, 100, 101, false),
            (5, 0, 100, 105, true),
            (5, 0, 100, 94, false),
            (0, 10_000, 199, 200, true),
            (0, 10_000, 199, 201, false),
            (0, 10_000, 200, 202, true),
            (0, 10_000, -200, -202, true),
            (3, 10_000, 100, 103, true),
            (3, 10_000, 1_000, 1_010, true),
            (0, 1_000_000, i128::from(i64::MIN), 0, true),
            (-5, 0, 100, 100, true),
            (-5, 0, 100, 101, false),
        ];
        for (minor, ppm, left, right, equal) in cases {
            let tolerance = Tolerance { minor, ppm };
            assert_eq!(tolerance.admits(left, right), equal, "{tolerance:?} {left} {right}");
        }
    }

    #[test]
    fn the_bound_from_the_right_covers_every_left_sum() {
        for (minor, ppm) in [(0, 0), (7, 0), (0, 10_000), (3, 250_000), (0, 999_999)] {
            let tolerance = Tolerance { minor, ppm };
            for right in [-1_000_i128, -37, 0, 1, 50, 999] {
                let bound = tolerance.bound_from_right(right).unwrap();
                let lefts = (-5_000..5_000).filter(|left| tolerance.admits(*left, right));
                for left in lefts {
                    assert!((left - right).abs() <= bound, "{tolerance:?} {left} {right} {bound}");
                }
            }
        }
        assert_eq!(Tolerance { minor: 0, ppm: 1_000_000 }.bound_from_right(5), None);
    }
}
