//! Laws that every row of a table, or every group of rows, should keep.

use crate::checks::Sums;
use crate::event::{Check, ReadError};
use crate::record::Place;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// The most failures of one law that get a check of their own; the check over all counts them all.
const FAILURES_SHOWN: u64 = 20;

/// A law of rows: something that the row says against what follows from its other cells. A check is made
/// for each row that breaks it, up to a few, and one for all.
#[derive(Debug, Clone)]
pub(crate) struct Law {
    each: &'static str,
    all: &'static str,
    rows: u64,
    kept: u64,
}

impl Law {
    /// Makes a law: what is compared in a row, and the name of the check over all rows.
    pub(crate) const fn new(each: &'static str, all: &'static str) -> Law {
        Law { each, all, rows: 0, kept: 0 }
    }

    /// Compares a row; gives a check where it breaks the law.
    pub(crate) fn follow(&mut self, declared: Decimal, computed: Decimal, place: Place) -> Option<Check> {
        self.rows += 1;
        if declared == computed {
            self.kept += 1;
            return None;
        }
        (self.rows - self.kept <= FAILURES_SHOWN).then(|| Check::amount(self.each, declared, computed, place))
    }

    /// Returns the check over all rows, or `None` where there was nothing to compare.
    pub(crate) fn finish(&self, place: Place) -> Option<Check> {
        (self.rows > 0).then(|| Check::count(self.all, self.rows, self.kept, place))
    }
}

/// The rows of one payout, and the payout.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    rows: Sums,
    total: Option<(Decimal, Place)>,
}

/// Sums of rows by a name and a currency, each against one total that the file also says. Holds no more
/// than [`Groups::MAX`] names; those that come later are not followed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    all: BTreeMap<(String, Currency), Group>,
    left_out: bool,
}

impl Groups {
    /// The most names that are followed: three centuries of daily payouts.
    const MAX: usize = 100_000;

    /// The longest name that is followed: ids of payouts have some thirty characters.
    const NAME_BYTES_MAX: usize = 200;

    /// Adds a row.
    ///
    /// # Errors
    /// When the sum cannot be held.
    pub(crate) fn add(
        &mut self,
        name: &str,
        currency: Currency,
        amount: Decimal,
        place: Place,
    ) -> Result<(), ReadError> {
        match self.group(name, currency) {
            Some(group) => group.rows.add(amount, place),
            None => Ok(()),
        }
    }

    /// Sets the total of a name. Of several, the first counts.
    pub(crate) fn total(&mut self, name: &str, currency: Currency, amount: Decimal, place: Place) {
        if let Some(group) = self.group(name, currency) {
            group.total.get_or_insert((amount, place));
        }
    }

    /// Returns a check for each name, up to a few, whose rows do not give its total, and one for all that
    /// have both.
    pub(crate) fn finish(&self, each: &str, all: &str, place: Place) -> Vec<Check> {
        let (mut both, mut kept, mut checks) = (0_u64, 0_u64, Vec::new());
        for ((name, currency), group) in &self.all {
            let Some((total, at)) = group.total.filter(|_| group.rows.count > 0) else { continue };
            both += 1;
            if total == group.rows.amount {
                kept += 1;
            } else if both - kept <= FAILURES_SHOWN {
                let what = format!("{each} {name} in {currency}");
                checks.push(Check::amount(&what, total, group.rows.amount, at));
            }
        }
        if both > 0 {
            let end = if self.left_out { ", of those that were followed" } else { "" };
            checks.push(Check::count(&format!("{all}{end}"), both, kept, place));
        }
        checks
    }

    fn group(&mut self, name: &str, currency: Currency) -> Option<&mut Group> {
        if name.len() > Self::NAME_BYTES_MAX {
            self.left_out = true;
            return None;
        }
        let key = (name.to_owned(), currency);
        if self.all.len() >= Self::MAX && !self.all.contains_key(&key) {
            self.left_out = true;
            return None;
        }
        Some(self.all.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_law_is_shown_and_counted() {
        let mut law = Law::new("net", "rows");
        assert!(law.finish(Place::line(1)).is_none());
        assert!(law.follow(Decimal::ONE, Decimal::ONE, Place::line(2)).is_none());
        for line in 0..30 {
            let shown = law.follow(Decimal::ONE, Decimal::TWO, Place::line(line)).is_some();
            assert_eq!(shown, line < 20, "{line}");
        }
        let check = law.finish(Place::line(33)).unwrap();
        assert_eq!((check.declared.as_str(), check.computed.as_str(), check.agrees), ("31", "1", false));
    }

    #[test]
    fn groups_are_compared_where_both_sides_are_there() {
        let eur = Currency::parse("EUR").unwrap();
        let mut groups = Groups::default();
        groups.add("a", eur, Decimal::ONE, Place::line(1)).unwrap();
        groups.add("b", eur, Decimal::ONE, Place::line(2)).unwrap();
        groups.total("b", eur, Decimal::TWO, Place::line(3));
        groups.total("c", eur, Decimal::TWO, Place::line(4));
        let checks = groups.finish("payout", "payouts", Place::line(5));
        assert_eq!(checks.len(), 2);
        assert_eq!((checks[0].what.as_str(), checks[0].difference.as_str()), ("payout b in EUR", "1"));
        assert_eq!((checks[1].declared.as_str(), checks[1].computed.as_str()), ("1", "0"));
    }
}
