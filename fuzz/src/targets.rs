//! What is fuzzed. Add a target for every new reader of outside bytes, with seeds beside it.

use crate::engine::digest;
use std::mem::discriminant;
use suanpan_money::{Currency, format_minor, parse_decimal, parse_minor};

/// A reader under test.
pub(crate) struct Target {
    /// Its name, and that of its folder of seeds.
    pub(crate) name: &'static str,
    /// Pieces of its language, for mutations.
    pub(crate) words: &'static [&'static str],
    /// Runs it; must not panic. Returns a trait of the answer.
    pub(crate) run: fn(&[u8]) -> u64,
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[Target {
    name: "money",
    words: &["-", "+", ".", ",", "0", "9", "00", " ", "1e", "e-", "９"],
    run: money,
}];

/// A text that is read as an amount, written, and read again is the same amount.
fn money(input: &[u8]) -> u64 {
    let mut answers = String::new();
    for code in ["JPY", "CNY", "KWD", "CLF"] {
        let Some(currency) = Currency::parse(code) else { continue };
        let read = parse_decimal(input, currency.exponent());
        if let Ok(minor) = read {
            let written = format_minor(minor, currency.exponent());
            assert_eq!(parse_decimal(written.as_bytes(), currency.exponent()), Ok(minor), "{written}");
        }
        // Sign and length make kinds, not every amount; which error, not every place of it.
        let kind = read.map(|minor| (minor.signum(), minor.unsigned_abs().checked_ilog10()));
        let kind = kind.map_err(|error| discriminant(&error));
        let minor = parse_minor(input).map(i64::signum).map_err(|error| discriminant(&error));
        answers.push_str(&format!("{kind:?} {minor:?}"));
    }
    digest(answers.as_bytes())
}
