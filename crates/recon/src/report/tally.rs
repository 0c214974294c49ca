//! Counts and sums of a run. Everything here adds up, so threads may fill their own and merge them
//! in any order.

use crate::outcome::{Code, Verdict};
use crate::record::{Records, Row, Side};
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// What a run's outcomes come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportStats {
    outcomes: [Outcome; Code::ALL.len()],
    amounts: [[u64; AMOUNT_BUCKETS]; 3],
    /// Today's records of the left side in all verdicts.
    left_decided: [u64; AMOUNT_BUCKETS],
    days: Days,
    undated: [u64; 3],
}

/// What all verdicts of one code come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Verdicts: matches, breaks, netted groups. For `REJECTED`, rows.
    pub groups: u64,
    /// Records by side: left, right.
    pub records: [u64; 2],
    /// Sums of minor units by side for each currency.
    pub sums: BTreeMap<Currency, [i128; 2]>,
}

/// How charts group codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nobody needs to look.
    Clean,
    /// It may still arrive.
    Pending,
    /// Somebody needs to look.
    Difference,
}

impl Class {
    /// All classes.
    pub const ALL: [Class; 3] = [Class::Clean, Class::Pending, Class::Difference];

    /// Returns the class of a code.
    #[must_use]
    pub const fn of(code: Code) -> Class {
        if code.is_clean() {
            Class::Clean
        } else if code.is_difference() {
            Class::Difference
        } else {
            Class::Pending
        }
    }
}

/// Buckets of amounts: zero, below one major unit, then one for each power of ten of major units.
pub const AMOUNT_BUCKETS: usize = 21;

/// Returns the bucket of an amount: 0 for zero, 1 for less than one major unit, `2 + n` for
/// 10^n up to 10^(n+1) major units.
#[must_use]
pub fn amount_bucket(minor: i64, exponent: u8) -> usize {
    let size = minor.unsigned_abs();
    let major = size / 10_u64.pow(u32::from(exponent));
    match (size, major) {
        (0, _) => 0,
        (_, 0) => 1,
        (_, major) => 2 + major.ilog10() as usize,
    }
}

impl ReportStats {
    /// Adds a verdict.
    pub fn add(&mut self, records: &Records, verdict: &Verdict) {
        let outcome = &mut self.outcomes[verdict.code as usize];
        outcome.groups += 1;
        for id in verdict.left.iter().chain(&verdict.right) {
            let row = records.row(*id);
            outcome.records[row.side.index()] += 1;
            outcome.sums.entry(row.currency).or_default()[row.side.index()] += i128::from(row.amount);
            if row.side == Side::Left && row.age == 0 {
                self.left_decided[amount_bucket(row.amount, row.currency.exponent())] += 1;
            }
        }
        if let Some(first) = verdict.left.first().or(verdict.right.first()) {
            let row = records.row(*first);
            let class = Class::of(verdict.code);
            self.add_amount(class, row.amount, row.currency.exponent(), 1);
            self.add_day(class, day_of(row), 1);
        }
    }

    /// Adds `pairs` matched pairs that were closed in bulk, with the sum of one side in minor units.
    /// Amounts are counted by [`ReportStats::add_matched_amounts`]; days are not.
    pub fn add_matched(&mut self, currency: Currency, pairs: u64, sum_minor: i128) {
        let outcome = &mut self.outcomes[Code::Matched as usize];
        outcome.groups += pairs;
        outcome.records[0] += pairs;
        outcome.records[1] += pairs;
        let sums = outcome.sums.entry(currency).or_default();
        sums[0] += sum_minor;
        sums[1] += sum_minor;
    }

    /// Adds matched pairs that were closed in bulk to the histogram of amounts.
    pub fn add_matched_amounts(&mut self, pairs: &[u64; AMOUNT_BUCKETS]) {
        for (sum, pairs) in self.amounts[Class::Clean as usize].iter_mut().zip(pairs) {
            *sum += pairs;
        }
    }

    /// Returns how many of today's records of the left side are in verdicts, by bucket of their amount.
    pub(crate) fn left_decided(&self, bucket: usize) -> u64 {
        self.left_decided[bucket]
    }

    /// Returns how many rows of a side were rejected.
    #[must_use]
    pub fn rejected(&self, side: Side) -> u64 {
        self.outcome(Code::Rejected).records[side.index()]
    }

    /// Counts a rejected row.
    pub fn add_rejected(&mut self, side: Side) {
        let outcome = &mut self.outcomes[Code::Rejected as usize];
        outcome.groups += 1;
        outcome.records[side.index()] += 1;
    }

    /// Counts verdicts in the histogram of amounts.
    pub fn add_amount(&mut self, class: Class, minor: i64, exponent: u8, verdicts: u64) {
        self.amounts[class as usize][amount_bucket(minor, exponent)] += verdicts;
    }

    /// Counts verdicts on a business day.
    pub fn add_day(&mut self, class: Class, day: Option<i32>, verdicts: u64) {
        match day {
            Some(day) => self.days.add(day, class, verdicts),
            None => self.undated[class as usize] += verdicts,
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &ReportStats) {
        for (mine, theirs) in self.outcomes.iter_mut().zip(&other.outcomes) {
            mine.groups += theirs.groups;
            for side in 0..2 {
                mine.records[side] += theirs.records[side];
            }
            for (currency, sums) in &theirs.sums {
                let mine = mine.sums.entry(*currency).or_default();
                mine[0] += sums[0];
                mine[1] += sums[1];
            }
        }
        for class in Class::ALL.map(|class| class as usize) {
            self.undated[class] += other.undated[class];
            for bucket in 0..AMOUNT_BUCKETS {
                self.amounts[class][bucket] += other.amounts[class][bucket];
            }
        }
        for (mine, theirs) in self.left_decided.iter_mut().zip(&other.left_decided) {
            *mine += theirs;
        }
        self.days.merge(&other.days);
    }

    /// Returns what a code comes to.
    #[must_use]
    pub fn outcome(&self, code: Code) -> &Outcome {
        &self.outcomes[code as usize]
    }

    /// Returns the verdicts of a class.
    #[must_use]
    pub fn groups(&self, class: Class) -> u64 {
        Code::ALL
            .into_iter()
            .filter(|code| Class::of(*code) == class)
            .map(|code| self.outcome(code).groups)
            .sum()
    }

    /// Returns the verdicts of a class by bucket of the amount of their first record.
    #[must_use]
    pub fn amounts(&self, class: Class) -> &[u64; AMOUNT_BUCKETS] {
        &self.amounts[class as usize]
    }

    /// Returns the verdicts by business day of their first record, in order of day.
    #[must_use]
    pub fn days(&self) -> &Days {
        &self.days
    }

    /// Returns the verdicts whose first record has neither business date nor time.
    #[must_use]
    pub fn undated(&self, class: Class) -> u64 {
        self.undated[class as usize]
    }
}

fn day_of(row: &Row) -> Option<i32> {
    const DAY_US: i64 = 86_400_000_000;
    row.date.or_else(|| row.time.and_then(|time| i32::try_from(time.div_euclid(DAY_US)).ok()))
}

/// Counts by day, for at most the latest [`Days::MAX`] days. What lies before them is summed up.
///
/// Which days are kept depends on the days alone: a day that was ever dropped lies before
/// [`Days::MAX`] later ones, and more days can only raise that bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Days {
    counts: BTreeMap<i32, [u64; 3]>,
    earlier: [u64; 3],
}

impl Days {
    /// The most days that are counted one by one: bounds memory whatever the dates of a hostile file.
    pub const MAX: usize = 1024;

    fn add(&mut self, day: i32, class: Class, verdicts: u64) {
        let mut counts = [0; 3];
        counts[class as usize] = verdicts;
        self.add_all(day, counts);
    }

    fn merge(&mut self, other: &Days) {
        for class in 0..3 {
            self.earlier[class] += other.earlier[class];
        }
        for (day, counts) in &other.counts {
            self.add_all(*day, *counts);
        }
    }

    fn add_all(&mut self, day: i32, add: [u64; 3]) {
        let add_to = |counts: &mut [u64; 3]| (0..3).for_each(|class| counts[class] += add[class]);
        add_to(self.counts.entry(day).or_default());
        if self.counts.len() > Self::MAX
            && let Some((_, dropped)) = self.counts.pop_first()
        {
            (0..3).for_each(|class| self.earlier[class] += dropped[class]);
        }
    }

    /// Iterates over days (since 1970-01-01) and their counts by class, earliest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, [u64; 3])> {
        self.counts.iter().map(|(day, counts)| (*day, *counts))
    }

    /// Returns the counts by class of all days before the first that is kept.
    #[must_use]
    pub fn earlier(&self) -> [u64; 3] {
        self.earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_powers_of_ten_of_major_units() {
        for (minor, exponent, bucket) in [
            (0, 2, 0),
            (1, 2, 1),
            (-99, 2, 1),
            (100, 2, 2),
            (999, 2, 2),
            (-1000, 2, 3),
            (1, 0, 2),
            (9_999, 3, 2),
            (10_000, 3, 3),
            (i64::MAX, 0, 20),
            (i64::MIN, 0, 20),
        ] {
            assert_eq!(amount_bucket(minor, exponent), bucket, "{minor} {exponent}");
        }
        assert_eq!(amount_bucket(i64::MIN, 0) + 1, AMOUNT_BUCKETS);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn days_do_not_depend_on_order_or_split(
            seed in prop::collection::vec((0..3_000_i32, 0_usize..3), 0..4_000), at in 0_usize..4_000,
        ) {
            let add = |stats: &mut ReportStats, list: &[(i32, usize)]| {
                for (day, class) in list {
                    stats.add_day(Class::ALL[*class], Some(*day), 1);
                }
            };
            let mut whole = ReportStats::default();
            add(&mut whole, &seed);
            let (first, second) = seed.split_at(at.min(seed.len()));
            let (mut a, mut b) = (ReportStats::default(), ReportStats::default());
            add(&mut a, second);
            add(&mut b, first);
            a.merge(&b);
            prop_assert_eq!(&a, &whole);
            let total: u64 = whole.days().iter().map(|(_, c)| c.iter().sum::<u64>()).sum();
            prop_assert_eq!(total + whole.days().earlier().iter().sum::<u64>(), seed.len() as u64);
            prop_assert!(whole.days().iter().count() <= Days::MAX);
        }
    }
}
