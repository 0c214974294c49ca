//! Numbers for people: grouped digits, sizes, durations, rates. All in whole numbers.

use std::time::Duration;

/// Writes a count as `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    grouped_decimal(&count.to_string())
}

/// Groups the digits before the point of a decimal text: `-1234567.89` is `-1,234,567.89`.
pub(crate) fn grouped_decimal(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Writes a count in three figures: `950`, `12.3 k`, `4.56 M`.
pub(crate) fn short(count: u64) -> String {
    scaled(count, 1000, &["", " k", " M", " G", " T", " P", " E"])
}

/// Writes a size: `950 B`, `12.3 KiB`, `4.56 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    scaled(bytes, 1024, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"])
}

fn scaled(count: u64, base: u64, units: &[&str]) -> String {
    let (mut unit, mut factor) = (0, 1_u64);
    while count / factor >= base && unit + 1 < units.len() {
        factor *= base;
        unit += 1;
    }
    let whole = count / factor;
    let hundredths = u128::from(count % factor) * 100 / u128::from(factor);
    match (unit, whole) {
        (0, _) | (_, 100..) => format!("{whole}{}", units[unit]),
        (_, 10..) => format!("{whole}.{}{}", hundredths / 10, units[unit]),
        _ => format!("{whole}.{hundredths:02}{}", units[unit]),
    }
}

/// Writes a duration: `0.85 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub(crate) fn duration(time: Duration) -> String {
    let ms = time.as_millis();
    match ms {
        0..1_000 => format!("0.{:03} s", ms),
        1_000..10_000 => format!("{}.{:02} s", ms / 1000, ms % 1000 / 10),
        10_000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{} h {:02} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// Returns how many a second, or nothing for no time at all.
pub(crate) fn per_second(count: u64, time: Duration) -> Option<u64> {
    let rate = (u128::from(count) * 1_000_000).checked_div(time.as_micros())?;
    Some(u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (text, out) in [
            ("0", "0"),
            ("999", "999"),
            ("-1000", "-1,000"),
            ("1234567.8901", "1,234,567.8901"),
            ("-0.05", "-0.05"),
            (
                "170141183460469231731687303715884105727",
                "170,141,183,460,469,231,731,687,303,715,884,105,727",
            ),
        ] {
            assert_eq!(grouped_decimal(text), out);
        }
        for (count, out) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.00 k"),
            (12_345, "12.3 k"),
            (123_456, "123 k"),
            (4_560_000, "4.56 M"),
            (u64::MAX, "18.4 E"),
        ] {
            assert_eq!(short(count), out);
        }
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(64 << 20), "64.0 MiB");
        assert_eq!(size(1536), "1.50 KiB");
        for (ms, out) in [
            (0, "0.000 s"),
            (85, "0.085 s"),
            (1_250, "1.25 s"),
            (12_345, "12.3 s"),
            (245_000, "4 min 05 s"),
            (7_380_000, "2 h 03 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(ms)), out);
        }
        assert_eq!(per_second(500, Duration::from_millis(250)), Some(2000));
        assert_eq!(per_second(500, Duration::ZERO), None);
    }
}
