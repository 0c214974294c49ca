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
    let ms = parse_span(text, &[("ms", 1), ("", 1_000), ("s", 1_000), ("m", 60_000), ("min", 60_000)]);
    let lease = Duration::from_millis(ms.ok_or("write a time such as 10s or 1m")?);
    if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
        return Err("must be from 1s to 10m".to_owned());
    }
    Ok(lease)
}

/// Reads how long answers are kept for repeats, such as `24h` or `3d`. Returns seconds.
pub(super) fn parse_keep_answers(text: &str) -> Result<i64, String> {
    let seconds = parse_long(text).ok_or("write a time such as 24h or 3d")?;
    if !(DAY..=7 * DAY).contains(&seconds) {
        return Err("must be from 24h, which the API promises, to 7d".to_owned());
    }
    Ok(seconds)
}

/// How long events are kept: seconds, or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeepEvents(pub(crate) Option<i64>);

/// Reads how long events are kept, such as `90d` or `forever`.
pub(super) fn parse_keep_events(text: &str) -> Result<KeepEvents, String> {
    if text == "forever" {
        return Ok(KeepEvents(None));
    }
    let seconds = parse_long(text).ok_or("write a time such as 90d, or forever")?;
    if !(14 * DAY..=36_500 * DAY).contains(&seconds) {
        return Err(
            "must be from 14d, for so long an event may wait for its receiver, to 36500d, or forever"
                .to_owned(),
        );
    }
    Ok(KeepEvents(Some(seconds)))
}

const DAY: i64 = 86_400;

fn parse_long(text: &str) -> Option<i64> {
    parse_span(text, &[("h", 3_600), ("d", 86_400)]).and_then(|seconds| i64::try_from(seconds).ok())
}

/// Reads a whole number with one of some units; none for anything else, and for zero.
fn parse_span(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|span| *span > 0)
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
    fn times_to_keep_are_read_within_their_bounds() {
        assert_eq!(parse_keep_answers("24h"), Ok(DAY));
        assert_eq!(parse_keep_answers("7d"), Ok(7 * DAY));
        assert_eq!(parse_keep_events("14d"), Ok(KeepEvents(Some(14 * DAY))));
        assert_eq!(parse_keep_events("forever"), Ok(KeepEvents(None)));
        for text in ["", "24", "23h", "8d", "1w", "-1d", "forever", "99999999999999999999d"] {
            assert!(parse_keep_answers(text).is_err(), "{text}");
        }
        for text in ["", "13d", "36501d", "ever", "90", "9223372036854775807d"] {
            assert!(parse_keep_events(text).is_err(), "{text}");
        }
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
