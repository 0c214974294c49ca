//! Running comparisons that several formats share.

use crate::event::{Check, ReadError};
use crate::record::Place;
use rust_decimal::Decimal;

/// A sum and a count, kept while a file is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub amount: Decimal,
}

impl Sums {
    /// Adds one amount.
    ///
    /// # Errors
    /// When the sum cannot be held.
    pub fn add(&mut self, amount: Decimal, place: Place) -> Result<(), ReadError> {
        self.count += 1;
        self.amount = add(self.amount, amount, place)?;
        Ok(())
    }
}

/// Adds two amounts.
pub(crate) fn add(a: Decimal, b: Decimal, place: Place) -> Result<Decimal, ReadError> {
    a.checked_add(b).ok_or_else(|| ReadError::broken(place, "a sum of amounts is too large to be held"))
}

/// Turns the sign of an amount around. Nothing stays nothing, and is never written as `-0.00`.
pub(crate) fn negated(amount: Decimal) -> Decimal {
    if amount.is_zero() { amount.abs() } else { -amount }
}

/// A balance that is followed from entry to entry: what the file says after each against what the
/// entries give. One check is made for each row that differs, up to a few, and one for all.
#[derive(Debug, Clone, Default)]
pub struct Balance {
    now: Option<Decimal>,
    rows: u64,
    agreed: u64,
}

impl Balance {
    /// The most rows of which each gets a check of its own.
    const DIFFERENCES_SHOWN: u64 = 20;

    /// Starts from a balance that the file declares.
    #[must_use]
    pub const fn from(opening: Decimal) -> Balance {
        Balance { now: Some(opening), rows: 0, agreed: 0 }
    }

    /// Returns the balance so far, where one is known.
    #[must_use]
    pub const fn now(&self) -> Option<Decimal> {
        self.now
    }

    /// Follows a movement after which the file declares a balance, and returns a check where it differs.
    /// The declared balance is what the next row is measured against.
    ///
    /// # Errors
    /// When the sum cannot be held.
    pub fn follow(
        &mut self,
        amount: Decimal,
        declared: Decimal,
        place: Place,
    ) -> Result<Option<Check>, ReadError> {
        let mut differs = None;
        if let Some(before) = self.now {
            let computed = add(before, amount, place)?;
            self.rows += 1;
            if computed == declared {
                self.agreed += 1;
            } else if self.rows - self.agreed <= Self::DIFFERENCES_SHOWN {
                differs = Some(Check::amount("balance after the row", declared, computed, place));
            }
        }
        self.now = Some(declared);
        Ok(differs)
    }

    /// Returns the check over all rows, or `None` where there was nothing to compare.
    #[must_use]
    pub fn finish(&self, place: Place) -> Option<Check> {
        (self.rows > 0).then(|| Check::count("rows whose balance follows", self.rows, self.agreed, place))
    }
}
