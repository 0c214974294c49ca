//! Money: currencies, and decimal texts to and from whole minor units.
//!
//! Amounts are `i64` minor units of a [`Currency`]; sums run in `i128`. Nothing here rounds: a text
//! with more decimals than its currency is refused, because an engine that reconciles must not
//! decide for its user what half a cent is. No floats anywhere.
//!
//! ```
//! use suanpan_money::{Currency, format_minor, parse_decimal};
//! let cny = Currency::parse("CNY").unwrap();
//! assert_eq!(parse_decimal(b"12.30", cny.exponent()), Ok(1230));
//! assert_eq!(format_minor(-1230, cny.exponent()), "-12.30");
//! ```

mod decimal;
mod table;
mod time;

pub use decimal::{DecimalError, format_minor, format_sum, parse_decimal, parse_minor};
pub use time::Timestamp;

/// A currency of ISO 4217, known by its numeric code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u16);

impl Currency {
    /// Finds a currency by its letter code (`CNY`, any case) or numeric code (`156`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Currency> {
        let entry = match text.parse::<u16>() {
            Ok(number) if text.len() == 3 => table::ISO.iter().find(|(_, n, _)| *n == number),
            Ok(_) => None,
            Err(_) => table::ISO.iter().find(|(code, _, _)| code.eq_ignore_ascii_case(text)),
        };
        entry.map(|(_, number, _)| Currency(*number))
    }

    /// Finds a currency by its numeric code.
    #[must_use]
    pub fn from_numeric(number: u16) -> Option<Currency> {
        let place = PLACES.get(usize::from(number))?;
        (*place != u8::MAX).then_some(Currency(number))
    }

    /// Iterates over all currencies in order of letter code.
    pub fn all() -> impl Iterator<Item = Currency> {
        table::ISO.iter().map(|(_, number, _)| Currency(*number))
    }

    /// Returns the numeric code, below 1,000.
    #[must_use]
    pub const fn numeric(self) -> u16 {
        self.0
    }

    /// Returns the letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.entry().0
    }

    /// Returns the number of decimals of the minor unit: 2 for CNY, 0 for JPY, 3 for KWD, 4 for CLF.
    #[must_use]
    pub fn exponent(self) -> u8 {
        self.entry().2
    }

    fn entry(self) -> &'static (&'static str, u16, u8) {
        &table::ISO[PLACES[self.0 as usize] as usize]
    }
}

// From numeric code to place in the table: exponents are asked for with every amount.
static PLACES: [u8; 1000] = {
    let mut places = [u8::MAX; 1000];
    let mut at = 0;
    while at < table::ISO.len() {
        places[table::ISO[at].1 as usize] = at as u8;
        at += 1;
    }
    assert!(table::ISO.len() < u8::MAX as usize);
    places
};

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_and_numeric_codes_find_the_same_currency() {
        for currency in Currency::all() {
            assert_eq!(Currency::parse(currency.code()), Some(currency));
            assert_eq!(Currency::parse(&format!("{:03}", currency.numeric())), Some(currency));
            assert!(currency.exponent() <= 4);
        }
        assert_eq!(Currency::parse("cny").map(Currency::numeric), Some(156));
        for wrong in ["", "XX", "CN", "0156", "1", "CNYY", "XAU"] {
            assert_eq!(Currency::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn exponents_are_those_of_the_standard() {
        for (code, exponent) in [("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("USD", 2), ("ISK", 0)] {
            assert_eq!(Currency::parse(code).unwrap().exponent(), exponent, "{code}");
        }
    }
}
