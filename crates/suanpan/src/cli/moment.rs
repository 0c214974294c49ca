//! Moments and spans of time as people write them.

use std::time::Duration;
use suanpan_money::Timestamp;

/// The shortest lease: it must outlast a slow commit.
const LEASE_MIN: Duration = Duration::from_secs(1);
/// The longest lease: so long nobody writes when the writer dies.
const LEASE_MAX: Duration = Duration::from_secs(600);

/// Reads a moment: `2026-08-01` (its beginning in UTC), `2026-08-01T12:00:00Z` with any offset and up to six
/// decimals, or seconds since the epoch.
pub(crate) fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || "write 2026-08-01, 2026-08-01T12:00:00Z, or seconds since the epoch".to_owned();
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000_000).map(Timestamp::from_micros).ok_or_else(wrong);
    }
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let date = text.parse::<jiff::civil::Date>().map_err(|_| wrong())?;
            date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?.timestamp()
        }
    };
    if time.subsec_nanosecond() % 1_000 != 0 {
        return Err("moments have at most six decimals of a second".to_owned());
    }
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

/// Writes a moment in UTC, with as many decimals as it has.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| at.micros().to_string(), |time| time.to_string())
}

/// Reads how long a lease lasts, such as `10s`, `500ms` or `1m`.
pub(super) fn parse_lease(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        _ => 0_u64,
    };
    let ms = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).filter(|ms| *ms > 0);
    let lease = Duration::from_millis(ms.ok_or("write a time such as 10s or 1m")?);
    if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
        return Err("must be from 1s to 10m".to_owned());
    }
    Ok(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_written_and_written_in_utc() {
        for (text, micros) in [
            ("0", 0),
            ("1785542400", 1_785_542_400_000_000),
            ("2026-08-01", 1_785_542_400_000_000),
            ("2026-08-01T08:00:00.25+08:00", 1_785_542_400_250_000),
            ("2026-08-01T00:00:00.000001Z", 1_785_542_400_000_001),
        ] {
            assert_eq!(parse_moment(text), Ok(Timestamp::from_micros(micros)), "{text}");
        }
        for text in
            ["", "yesterday", "2026-13-01", "12:00", "2026-08-01T00:00:00.0000001Z", "9223372036854775807"]
        {
            assert!(parse_moment(text).is_err(), "{text}");
        }
        assert_eq!(moment(Timestamp::from_micros(1_785_542_400_250_000)), "2026-08-01T00:00:00.25Z");
    }

    #[test]
    fn leases_are_read_within_their_bounds() {
        assert_eq!(parse_lease("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_lease("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_lease("10m"), Ok(Duration::from_secs(600)));
        for text in ["", "s", "0s", "999ms", "11m", "-1s", "1h", "99999999999999999999s"] {
            assert!(parse_lease(text).is_err(), "{text}");
        }
    }
}
