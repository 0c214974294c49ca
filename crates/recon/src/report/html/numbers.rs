//! Numbers as people read them, exact to the last digit.

/// Writes a count with group separators: `1,234,567`.
pub(super) fn grouped(count: u64) -> String {
    grouped_decimal(&count.to_string())
}

/// Puts group separators into a decimal text: `-1,234.50`.
pub(super) fn grouped_decimal(decimal: &str) -> String {
    let (sign, rest) = match decimal.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", decimal),
    };
    let (whole, part) = rest.split_once('.').map_or((rest, None), |(whole, part)| (whole, Some(part)));
    let mut out = sign.to_owned();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// Writes a signed decimal text with its sign always shown, but for zero: `+1,234.50`.
pub(super) fn signed(decimal: &str) -> String {
    let zero = decimal.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let plus = if zero || decimal.starts_with('-') { "" } else { "+" };
    format!("{plus}{}", grouped_decimal(decimal))
}

/// Writes a share with four decimals, rounded down: only a whole is ever 100 %.
pub(super) fn share_text(part: u64, whole: u64) -> String {
    if part == whole {
        return "100 %".to_owned();
    }
    let share = u128::from(part) * 1_000_000 / u128::from(whole.max(1));
    format!("{}.{:04} %", share / 10_000, share % 10_000)
}

/// Writes a size with one decimal, rounded down: `12.3 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| bytes >> shift > 0) {
        None => format!("{bytes} B"),
        Some((shift, unit)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {unit}", grouped(u64::try_from(tenths / 10).unwrap_or(u64::MAX)), tenths % 10)
        }
    }
}

/// Writes a time: `1.234 s`.
pub(super) fn duration(ms: u64) -> String {
    format!("{}.{:03} s", grouped(ms / 1000), ms % 1000)
}

/// Writes a speed per second of something done in so many milliseconds.
pub(super) fn per_second(amount: u64, ms: u64) -> u64 {
    u64::try_from(u128::from(amount) * 1000 / u128::from(ms.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        for (decimal, expected) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.00", "-1,234,567.00"),
            ("-0.05", "-0.05"),
            (
                "170141183460469231731687303715884105727",
                "170,141,183,460,469,231,731,687,303,715,884,105,727",
            ),
        ] {
            assert_eq!(grouped_decimal(decimal), expected);
        }
        assert_eq!([signed("0.00"), signed("12.30"), signed("-12.30")], ["0.00", "+12.30", "-12.30"]);
        assert_eq!(share_text(999_999_999, 1_000_000_000), "99.9999 %");
        assert_eq!(share_text(5, 5), "100 %");
        assert_eq!(share_text(1, 3), "33.3333 %");
        assert_eq!([size(1023), size(1536), size(5 << 30)], ["1023 B", "1.5 KiB", "5.0 GiB"]);
        assert_eq!(duration(61_005), "61.005 s");
        assert_eq!(per_second(u64::MAX, 1), u64::MAX);
    }
}
