//! From texts of statements to values. Each answers with what is wrong, for a [`Fault`](crate::Fault).

use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;
use std::str::FromStr;
use suanpan_money::Currency;

/// The longest text of an amount.
const AMOUNT_CHARS_MAX: usize = 64;

/// Reads a decimal amount such as `-1,234.50`, `+0.01`, `¥12.00` or `12.00元`. Commas may stand as group
/// separators before groups of three digits only. An empty text is an error.
pub fn amount(text: &str) -> Result<Decimal, &'static str> {
    let text = text.trim();
    if text.len() > AMOUNT_CHARS_MAX {
        return Err("is too long for an amount");
    }
    let (negative, rest) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let signed = negative || text.starts_with('+');
    let rest = rest.trim_start_matches(['¥', '￥', '$', '€', '£']);
    let (negative, rest) = match rest.strip_prefix('-') {
        Some(inner) if !signed => (true, inner),
        _ => (negative, rest),
    };
    let rest = rest.strip_suffix('元').unwrap_or(rest).trim();
    let value = plain(rest)?;
    Ok(if negative { -value } else { value })
}

/// Reads digits with an optional point and group commas.
fn plain(text: &str) -> Result<Decimal, &'static str> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && decimals.is_empty() || !digits(decimals) {
        return Err("is not an amount");
    }
    if whole.contains(',') {
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let first_fits = (1..=3).contains(&first.len()) && digits(first);
        if !first_fits || !groups.all(|group| group.len() == 3 && digits(group)) {
            return Err("has commas where an amount has none");
        }
        return exact(&text.replace(',', ""));
    }
    if !digits(whole) {
        return Err("is not an amount");
    }
    exact(text)
}

fn exact(text: &str) -> Result<Decimal, &'static str> {
    Decimal::from_str_exact(text).map_err(|_| "has more digits than an amount may have")
}

/// Reads an amount where an empty text, or a lone `-` or `/`, means that there is none.
pub fn amount_or_none(text: &str) -> Result<Option<Decimal>, &'static str> {
    match text.trim() {
        "" | "-" | "/" | "--" => Ok(None),
        text => amount(text).map(Some),
    }
}

/// Reads a whole number of the smallest units as an amount with `decimals` decimals: `1050` as 10.50.
pub fn implied(text: &str, decimals: u32) -> Result<Decimal, &'static str> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 27 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("is not a whole number");
    }
    let units =
        i128::from_str(text.strip_prefix('+').unwrap_or(text)).map_err(|_| "is not a whole number")?;
    Decimal::try_from_i128_with_scale(units, decimals).map_err(|_| "has more digits than an amount may have")
}

/// Reads a letter or numeric code of ISO 4217, or a Chinese name of the commonest currencies.
pub fn currency(text: &str) -> Result<Currency, &'static str> {
    let text = text.trim();
    let code = match text {
        "人民币" | "人民币元" | "元" | "RMB" | "￥" | "¥" => "CNY",
        "美元" => "USD",
        "港币" | "港元" => "HKD",
        "欧元" => "EUR",
        "日元" => "JPY",
        "英镑" => "GBP",
        other => other,
    };
    Currency::parse(code).ok_or("is not a currency of ISO 4217")
}

/// Reads a date written as `2026-11-26`, `2026/11/26`, `2026/1/6`, `2026.01.06`, `20261126` or `2026年11月26日`.
pub fn date(text: &str) -> Result<Date, &'static str> {
    const WRONG: &str = "is not a date";
    let text = text.trim();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return parts_to_date(&text[..4], &text[4..6], &text[6..8]).ok_or(WRONG);
    }
    let text = text.strip_suffix('日').unwrap_or(text);
    let mut parts = text.split(['-', '/', '.', '年', '月']);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day), None) if year.len() == 4 => {
            parts_to_date(year, month, day).ok_or(WRONG)
        }
        _ => Err(WRONG),
    }
}

fn parts_to_date(year: &str, month: &str, day: &str) -> Option<Date> {
    let number = |text: &str| -> Option<i16> {
        let fits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| text.parse().ok()).flatten()
    };
    let small = |text: &str| number(text).and_then(|n| i8::try_from(n).ok());
    Date::new(number(year)?, small(month)?, small(day)?).ok()
}

/// Reads a time of day written as `07:42:45`, `7:42`, `074245` or `07:42:45.123`.
pub fn time(text: &str) -> Result<Time, &'static str> {
    const WRONG: &str = "is not a time of day";
    let text = text.trim();
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let two = |part: Option<&str>| -> Option<i8> {
        let part = part?;
        let fits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse().ok()).flatten()
    };
    let nanos = || -> Option<i32> {
        if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        format!("{fraction:0<9}").parse().ok()
    };
    let (hour, minute, second) = if text.contains(':') {
        let mut parts = text.split(':');
        let (hour, minute) = (two(parts.next()), two(parts.next()));
        let second = match parts.next() {
            None => Some(0),
            some => two(some),
        };
        if parts.next().is_some() {
            return Err(WRONG);
        }
        (hour, minute, second)
    } else if text.len() == 6 && text.is_ascii() {
        (two(Some(&text[..2])), two(Some(&text[2..4])), two(Some(&text[4..])))
    } else {
        return Err(WRONG);
    };
    match (hour, minute, second, nanos()) {
        (Some(hour), Some(minute), Some(second), Some(nanos)) => {
            Time::new(hour, minute, second, nanos).map_err(|_| WRONG)
        }
        _ => Err(WRONG),
    }
}

/// Reads a date and a time of day with blanks or a `T` between, or a date alone as its midnight.
pub fn date_time(text: &str) -> Result<DateTime, &'static str> {
    const WRONG: &str = "is not a date and time";
    let text = text.trim();
    if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
        let (day, clock) = text.split_at(8);
        return Ok(date(day).map_err(|_| WRONG)?.to_datetime(time(clock).map_err(|_| WRONG)?));
    }
    let Some((day, clock)) = text.split_once([' ', 'T', '\t', '\u{3000}']) else {
        return date(text).map(|date| date.to_datetime(Time::midnight())).map_err(|_| WRONG);
    };
    Ok(date(day).map_err(|_| WRONG)?.to_datetime(time(clock).map_err(|_| WRONG)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        for (text, value) in [
            ("12.30", "12.30"),
            ("-0.01", "-0.01"),
            ("+5", "5"),
            ("¥1,234,567.8", "1234567.8"),
            ("-¥3.00", "-3.00"),
            ("¥-3.00", "-3.00"),
            ("12.00元", "12.00"),
            (".50", "0.50"),
            ("7.", "7"),
            ("\t0.04000 ", "0.04000"),
        ] {
            assert_eq!(amount(text), Ok(value.parse().unwrap()), "{text}");
        }
        for wrong in [
            "",
            "-",
            ".",
            "1,23",
            "12,345,6.0",
            "1.2.3",
            "1e5",
            "１２",
            "--1",
            "+-1",
            "-$-1",
            "1 2",
            "9999999999999999999999999999999",
        ] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
        assert_eq!(amount_or_none(" / "), Ok(None));
        assert_eq!(implied("15000", 2), Ok("150.00".parse().unwrap()));
        assert_eq!(implied("-5", 2), Ok("-0.05".parse().unwrap()));
        assert!(implied("1.5", 2).is_err() && implied("", 2).is_err() && implied("-", 2).is_err());
    }

    #[test]
    fn dates_and_times_are_read_as_they_are_written_in_statements() {
        let expected = jiff::civil::date(2026, 1, 6);
        for text in ["2026-01-06", "2026/1/6", "20260106", "2026年1月6日", "2026.01.06"] {
            assert_eq!(date(text), Ok(expected), "{text}");
        }
        assert_eq!(date_time("2026/1/6 7:42"), Ok(expected.at(7, 42, 0, 0)));
        assert_eq!(date_time("2026-01-06 07:42:45.5"), Ok(expected.at(7, 42, 45, 500_000_000)));
        assert_eq!(date_time("20260106074245"), Ok(expected.at(7, 42, 45, 0)));
        for wrong in [
            "2026-02-30",
            "26-01-06",
            "2026-1-6-1",
            "",
            "2026-13-01",
            "2026-01-06 25:00",
            "2026-01-06 1:2:3:4",
        ] {
            assert!(date_time(wrong).is_err(), "{wrong}");
        }
    }
}
