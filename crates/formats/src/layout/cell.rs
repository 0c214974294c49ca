//! From the text of a cell to a value, as the layout writes them.

use super::definition::{Implied, Mark, Numbers, Sign};
use crate::checks::negated;
use crate::record::Direction;
use crate::value;
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// Gives an amount its sign and direction.
pub(super) fn signed(
    written: Decimal,
    sign: Sign,
    direction: Option<Direction>,
) -> Result<(Decimal, Direction), &'static str> {
    let by_sign = |amount: Decimal| if amount.is_sign_negative() { Direction::Out } else { Direction::In };
    let amount = if sign == Sign::Reversed { negated(written) } else { written };
    match (sign, direction) {
        (_, Some(Direction::Neutral)) => Ok((amount.abs(), Direction::Neutral)),
        (Sign::Direction, Some(Direction::Out)) => Ok((negated(amount.abs()), Direction::Out)),
        (Sign::Direction, Some(Direction::In)) if amount.is_sign_negative() && !amount.is_zero() => {
            Err("is negative though the row says that it comes in")
        }
        (Sign::Direction, Some(Direction::In)) => Ok((amount.abs(), Direction::In)),
        (Sign::Direction, None) => Err("has no direction"),
        (_, Some(direction)) if !amount.is_zero() && by_sign(amount) != direction => {
            Err("has another sign than the row's direction")
        }
        (_, Some(direction)) => Ok((amount, direction)),
        (_, None) => Ok((if amount.is_zero() { amount.abs() } else { amount }, by_sign(amount))),
    }
}

/// Says whether the sign of a currency in a text is that of a currency.
pub(super) fn sign_fits(text: &str, currency: Currency) -> bool {
    let code = currency.code();
    text.chars().all(|c| match c {
        '€' => code == "EUR",
        '£' => code.ends_with('P'),
        '¥' | '￥' | '元' => matches!(code, "CNY" | "JPY"),
        '$' => code.ends_with('D') || matches!(code, "MXN" | "CLP" | "COP" | "ARS" | "BRL"),
        _ => true,
    })
}

/// Reads an amount outside of the rows, in the currency of the statement where it has one.
pub(super) fn amount_outside(
    text: &str,
    numbers: &Numbers,
    currency: Option<Currency>,
) -> Result<Decimal, &'static str> {
    let decimals = match (numbers.implied, currency) {
        (Some(Implied::Decimals(decimals)), _) => Some(u32::from(decimals)),
        (Some(Implied::Currency), Some(currency)) => Some(u32::from(currency.exponent())),
        _ => None,
    };
    number(text, numbers, decimals)?.ok_or("is not an amount")
}

/// Reads a number as the layout writes them. `decimals` is where the point of a whole number is.
pub(super) fn number(
    text: &str,
    numbers: &Numbers,
    decimals: Option<u32>,
) -> Result<Option<Decimal>, &'static str> {
    let mut rest = text.trim();
    let words = numbers.plus.iter().map(|word| (word, false));
    let words = words.chain(numbers.minus.iter().map(|word| (word, true)));
    let strip = |word: &str| rest.strip_prefix(word).or(rest.strip_suffix(word)).map(str::trim);
    // Of `D` and `DR` the longer one is meant where both are there.
    let found = words.filter(|(word, _)| !word.is_empty() && strip(word).is_some());
    let found = found.max_by_key(|(word, _)| word.len());
    let sign = found.map(|(_, minus)| minus);
    if let Some(inner) = found.and_then(|(word, _)| strip(word)) {
        rest = inner;
    }
    let swapped;
    if numbers.decimal_mark == Mark::Comma {
        let swap = |c: char| match c {
            ',' => '.',
            '.' | '\'' | '\u{a0}' | ' ' => ',',
            other => other,
        };
        swapped = rest.chars().map(swap).collect::<String>();
        rest = &swapped;
    }
    let value = match decimals {
        None => value::amount_or_none(rest)?,
        Some(_) if rest.is_empty() => None,
        Some(decimals) => Some(value::implied(rest, decimals)?),
    };
    if sign.is_some() && value.is_some_and(|value| value.is_sign_negative() && !value.is_zero()) {
        return Err("has two signs");
    }
    Ok(match (value, sign) {
        (Some(value), Some(true)) => Some(negated(value)),
        (value, _) => value,
    })
}

/// Reads a month and a day, `12/29`, as the last such day up to the month of the statement.
pub(super) fn day_of(text: &str, month: Date) -> Option<DateTime> {
    let (own, day) = text.split_once(['/', '-'])?;
    let short = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !short(own) || !short(day) {
        return None;
    }
    let (own, day): (i8, i8) = (own.parse().ok()?, day.parse().ok()?);
    let year = if own > month.month() { month.year() - 1 } else { month.year() };
    Date::new(year, own, day).ok().map(|date| date.at(0, 0, 0, 0))
}

/// Reads a date, or a date and time, in one of the layout's own ways, or in those that are known anyway.
pub(super) fn moment(text: &str, formats: &[String]) -> Result<DateTime, &'static str> {
    let own = formats.iter().find_map(|format| parse_moment(format, text));
    own.map_or_else(|| value::date_time(text), Ok)
}

fn parse_moment(format: &str, text: &str) -> Option<DateTime> {
    let broken = jiff::fmt::strtime::parse(format, text).ok()?;
    let moment =
        broken.to_datetime().ok().or_else(|| broken.to_date().ok().map(|date: Date| date.at(0, 0, 0, 0)));
    // A year of two digits is read by %Y too, and is no year.
    moment.filter(|moment| (1900..3000).contains(&moment.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_layout_writes_them() {
        let numbers = |text: &str| -> Numbers { toml::from_str(text).unwrap() };
        let read = |numbers: &Numbers, text: &str, decimals| {
            number(text, numbers, decimals).unwrap().map(|value| value.to_string())
        };
        let comma = numbers("decimal_mark = \"comma\"");
        assert_eq!(read(&comma, "1.234,50", None).as_deref(), Some("1234.50"));
        assert_eq!(read(&comma, "1 234,50", None).as_deref(), Some("1234.50"));
        let words = numbers("plus = [\"C\", \"CR\"]\nminus = [\"D\", \"DR\"]");
        assert_eq!(read(&words, "D000000000060", Some(2)).as_deref(), Some("-0.60"));
        assert_eq!(read(&words, "12.00 D", None).as_deref(), Some("-12.00"));
        assert_eq!(read(&words, "C000000000000", Some(2)).as_deref(), Some("0.00"));
        assert_eq!(read(&words, "-", None), None);
        assert!(number("1.5", &words, Some(2)).is_err());
        assert!(number("-5 DR", &words, None).is_err());
    }

    #[test]
    fn years_have_four_digits() {
        assert_eq!(parse_moment("%d.%m.%Y", "01.02.26"), None);
        assert!(parse_moment("%d.%m.%Y", "01.02.2026").is_some());
        assert!(parse_moment("%d.%m.%y", "01.02.26").is_some());
    }

    #[test]
    fn a_day_without_a_year_is_the_last_up_to_the_statement() {
        let month = jiff::civil::date(2026, 1, 1);
        let read = |text| day_of(text, month).map(|time| time.date().to_string());
        assert_eq!(read("12/29").as_deref(), Some("2025-12-29"));
        assert_eq!(read("01/02").as_deref(), Some("2026-01-02"));
        assert_eq!(read("1-2").as_deref(), Some("2026-01-02"));
        for wrong in ["13/01", "02/30", "1/2/3", "2026/01", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_sign_is_that_of_the_layout() {
        let ten = Decimal::TEN;
        for (written, sign, direction, given) in [
            (ten, Sign::Written, None, Ok((ten, Direction::In))),
            (-ten, Sign::Written, None, Ok((-ten, Direction::Out))),
            (ten, Sign::Reversed, None, Ok((-ten, Direction::Out))),
            (ten, Sign::Direction, Some(Direction::Out), Ok((-ten, Direction::Out))),
            (-ten, Sign::Direction, Some(Direction::Out), Ok((-ten, Direction::Out))),
            (ten, Sign::Direction, Some(Direction::Neutral), Ok((ten, Direction::Neutral))),
            (-ten, Sign::Direction, Some(Direction::In), Err(())),
            (ten, Sign::Written, Some(Direction::Out), Err(())),
        ] {
            assert_eq!(signed(written, sign, direction).map_err(|_| ()), given, "{written} {sign:?}");
        }
    }
}
