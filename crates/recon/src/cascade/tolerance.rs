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
