//! Times and dates of files: from text to microseconds and days, and back for reports.
//!
//! A [`TimeReader`] is compiled once from a format and a zone and then reads values without any
//! shared state, so all threads may use one. The common fixed layouts are read by hand; every other
//! format, and every value that does not fit its layout, goes through `jiff`, which decides.
//!
//! ```
//! use suanpan_recon::time::{TimeReader, format_time};
//! let reader = TimeReader::compile("%Y-%m-%d %H:%M:%S", "Asia/Shanghai").unwrap();
//! let micros = reader.read(b"2026-11-11 00:00:05").unwrap();
//! assert_eq!(format_time(micros), "2026-11-10T16:00:05Z");
//! ```

mod layout;
mod zone;

use jiff::Timestamp;
use jiff::civil::{DateTime, datetime};
use jiff::fmt::strtime::{self, BrokenDownTime};
use layout::{Layout, Parts, Shape};
pub use zone::{Zone, ZoneError};

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;
/// Seconds in a day.
const DAY_S: i64 = 86_400;
/// The longest text that is looked at as a time or date.
const TEXT_BYTES_MAX: usize = 128;
/// The longest format.
const FORMAT_BYTES_MAX: usize = 128;

/// Why a text is not a time or date of the declared format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// There is no text.
    #[error("time is empty")]
    Empty,
    /// The text does not follow the format.
    #[error("does not follow the declared format")]
    Format,
    /// The calendar has no such date: 30 February.
    #[error("no such date in the calendar")]
    Date,
    /// The clock has no such time: 24:10.
    #[error("no such time of day")]
    TimeOfDay,
    /// Before the year -9999 or after the year 9999.
    #[error("outside of the years -9999 to 9999")]
    Range,
}

/// Why a format cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeFormatError {
    /// The format is empty or too long.
    #[error("a format has 1 to {FORMAT_BYTES_MAX} bytes")]
    Length,
    /// A conversion that is unknown, or that can be written but not read.
    #[error("cannot read times by the format `{format}`: {reason}")]
    Unreadable {
        /// The format.
        format: String,
        /// What the reader says.
        reason: String,
    },
    /// The format does not tell the date.
    #[error("the format `{format}` does not tell the whole date (year, month and day)")]
    NoDate {
        /// The format.
        format: String,
    },
    /// The format does not tell the time of day.
    #[error("the format `{format}` does not tell the hour of the day")]
    NoHour {
        /// The format.
        format: String,
    },
    /// The format names an instant, and a date needs a zone to follow from it.
    #[error("`{format}` is an instant, which is a date only in some zone")]
    InstantAsDate {
        /// The format.
        format: String,
    },
    /// The zone is unknown.
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

/// Reads event times of one format.
#[derive(Debug, Clone)]
pub struct TimeReader {
    how: How,
    zone: Zone,
}

#[derive(Debug, Clone)]
enum How {
    /// RFC 3339, and what else of ISO 8601 carries an offset.
    Rfc3339,
    /// A number of units since the epoch.
    Unix { units_per_second: i64 },
    /// A strftime format, with its fixed layout when it has one.
    Format { format: String, layout: Option<Layout> },
}

impl TimeReader {
    /// Makes a reader for a strftime format, `rfc3339`, `unix` (seconds), `unix_ms` or `unix_us`.
    /// The zone holds for texts without an offset; a local time that a clock change skips or repeats
    /// is read as most clocks would: after the gap, and as the earlier of two.
    ///
    /// # Errors
    /// [`TimeFormatError`] when the zone is unknown, or the format cannot be read or loses the date
    /// or the hour.
    pub fn compile(format: &str, zone: &str) -> Result<TimeReader, TimeFormatError> {
        let zone = Zone::find(zone)?;
        let how = match format {
            "rfc3339" => How::Rfc3339,
            "unix" => How::Unix { units_per_second: 1 },
            "unix_ms" => How::Unix { units_per_second: 1_000 },
            "unix_us" => How::Unix { units_per_second: MICROS },
            _ => How::Format { format: format.to_owned(), layout: Layout::compile(format) },
        };
        let reader = TimeReader { how, zone };
        if matches!(reader.how, How::Format { .. }) {
            let parts = read_sample_back(format)?;
            if parts.timestamp().is_none() {
                check_date(format, &parts)?;
                check_hour(format, &parts)?;
            }
        }
        Ok(reader)
    }

    /// Reads a time as microseconds since 1970-01-01T00:00:00Z. Finer digits are cut off. Blanks
    /// around the text are not removed.
    ///
    /// # Errors
    /// [`TimeError`] says what is wrong.
    pub fn read(&self, text: &[u8]) -> Result<i64, TimeError> {
        if text.is_empty() {
            return Err(TimeError::Empty);
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(TimeError::Format);
        }
        match &self.how {
            How::Rfc3339 => read_rfc3339(text),
            How::Unix { units_per_second } => read_unix(text, *units_per_second),
            How::Format { format, layout } => {
                if let Some(layout) = layout
                    && let Shape::Fits(parts) = layout.read(text)?
                {
                    let utc_s = self.zone.local_to_utc(parts.local_s()).ok_or(TimeError::Range)?;
                    return Ok(utc_s * MICROS + i64::from(parts.micros));
                }
                self.read_slowly(format, text)
            }
        }
    }

    /// Reads by jiff alone: the reference for all fast paths.
    fn read_slowly(&self, format: &str, text: &[u8]) -> Result<i64, TimeError> {
        let parts = BrokenDownTime::parse(format, text).map_err(|_| TimeError::Format)?;
        if let Some(timestamp) = parts.timestamp() {
            return Ok(micros_of(timestamp));
        }
        if parts.iana_time_zone().is_some() {
            return Ok(micros_of(parts.to_zoned().map_err(|_| TimeError::Date)?.timestamp()));
        }
        if parts.offset().is_some() {
            return Ok(micros_of(parts.to_timestamp().map_err(|_| TimeError::Date)?));
        }
        let local = parts.to_datetime().map_err(|_| TimeError::Date)?;
        self.zone.local_to_timestamp(local).map(micros_of).ok_or(TimeError::Range)
    }
}

/// Says whether times of this format carry their own offset (or are instants), so that no zone is needed.
#[must_use]
pub fn format_carries_offset(format: &str) -> bool {
    if matches!(format, "rfc3339" | "unix" | "unix_ms" | "unix_us") {
        return true;
    }
    read_sample_back(format).is_ok_and(|parts| {
        parts.offset().is_some() || parts.timestamp().is_some() || parts.iana_time_zone().is_some()
    })
}

/// Reads business dates of one format.
#[derive(Debug, Clone)]
pub struct DateReader {
    how: DateHow,
}

#[derive(Debug, Clone)]
enum DateHow {
    /// The date as written in an RFC 3339 time.
    Rfc3339,
    /// A strftime format, with its fixed layout when it has one.
    Format { format: String, layout: Option<Layout> },
}

impl DateReader {
    /// Makes a reader for a strftime format, or for the date as written in an `rfc3339` time. A format
    /// may tell a time of day too; it is checked and dropped.
    ///
    /// # Errors
    /// [`TimeFormatError`] when the format cannot be read, loses the date, or is an instant.
    pub fn compile(format: &str) -> Result<DateReader, TimeFormatError> {
        if matches!(format, "unix" | "unix_ms" | "unix_us") {
            return Err(TimeFormatError::InstantAsDate { format: format.to_owned() });
        }
        if format == "rfc3339" {
            return Ok(DateReader { how: DateHow::Rfc3339 });
        }
        let parts = read_sample_back(format)?;
        if parts.timestamp().is_some() {
            return Err(TimeFormatError::InstantAsDate { format: format.to_owned() });
        }
        check_date(format, &parts)?;
        let how = DateHow::Format { format: format.to_owned(), layout: Layout::compile(format) };
        Ok(DateReader { how })
    }

    /// Reads a date as days since 1970-01-01.
    ///
    /// # Errors
    /// [`TimeError`] says what is wrong.
    pub fn read(&self, text: &[u8]) -> Result<i32, TimeError> {
        if text.is_empty() {
            return Err(TimeError::Empty);
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(TimeError::Format);
        }
        match &self.how {
            DateHow::Rfc3339 => {
                read_rfc3339(text)?;
                match layout::ISO_DATE.read(&text[..text.len().min(10)])? {
                    Shape::Fits(parts) => Ok(parts.days),
                    Shape::Differs => Err(TimeError::Format),
                }
            }
            DateHow::Format { format, layout } => {
                if let Some(layout) = layout
                    && let Shape::Fits(parts) = layout.read(text)?
                {
                    return Ok(parts.days);
                }
                read_date_slowly(format, text)
            }
        }
    }
}

/// Returns the business date of an event in days since 1970-01-01: its local date, or the next when it
/// falls at or after the cut-off (seconds after local midnight).
#[must_use]
pub fn business_date(time_micros: i64, zone: &Zone, cut_off_s: Option<u32>) -> i32 {
    let utc_s = time_micros.div_euclid(MICROS);
    let local_s = utc_s.saturating_add(i64::from(zone.offset_s_at(utc_s)));
    let late = cut_off_s.is_some_and(|cut_off_s| local_s.rem_euclid(DAY_S) >= i64::from(cut_off_s));
    let days = local_s.div_euclid(DAY_S) + i64::from(late);
    // An i64 of microseconds spans fewer than 110 million days to each side.
    i32::try_from(days).expect("days of a time in microseconds fit 32 bits")
}

/// Writes a time as RFC 3339 in UTC, with milliseconds or microseconds only where there are some.
#[must_use]
pub fn format_time(time_micros: i64) -> String {
    let seconds = time_micros.div_euclid(MICROS);
    let micros = time_micros.rem_euclid(MICROS);
    let (date, clock) = (format_days(seconds.div_euclid(DAY_S)), seconds.rem_euclid(DAY_S));
    let (hour, minute, second) = (clock / 3_600, clock / 60 % 60, clock % 60);
    let fraction = match micros {
        0 => String::new(),
        _ if micros % 1_000 == 0 => format!(".{:03}", micros / 1_000),
        _ => format!(".{micros:06}"),
    };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Writes a date as `2026-11-11`.
#[must_use]
pub fn format_date(days: i32) -> String {
    format_days(i64::from(days))
}

fn format_days(days: i64) -> String {
    let (year, month, day) = layout::civil_from_days(days);
    if year < 0 {
        format!("-{:04}-{month:02}-{day:02}", -year)
    } else {
        format!("{year:04}-{month:02}-{day:02}")
    }
}

fn read_rfc3339(text: &[u8]) -> Result<i64, TimeError> {
    if let Some((parts, offset_s)) = layout::read_rfc3339(text)? {
        return Ok((parts.local_s() - offset_s) * MICROS + i64::from(parts.micros));
    }
    let text = std::str::from_utf8(text).map_err(|_| TimeError::Format)?;
    text.parse::<Timestamp>().map(micros_of).map_err(|_| TimeError::Format)
}

/// Reads `-12`, `12` or `12.5` units since the epoch.
fn read_unix(text: &[u8], units_per_second: i64) -> Result<i64, TimeError> {
    let micros_per_unit = MICROS / units_per_second;
    let (whole, fraction) = match text.iter().position(|b| *b == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    let (negative, digits) = match whole {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, whole),
    };
    let all_digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    if digits.is_empty() || !all_digits(digits) || !all_digits(fraction) || text.ends_with(b".") {
        return Err(TimeError::Format);
    }
    let mut value: i64 = 0;
    for digit in digits {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i64::from(digit - b'0')))
            .ok_or(TimeError::Range)?;
    }
    let mut micros = value.checked_mul(micros_per_unit).ok_or(TimeError::Range)?;
    let mut place = micros_per_unit;
    let mut cut_off = false;
    for digit in fraction {
        place /= 10;
        micros += place * i64::from(digit - b'0');
        cut_off |= place == 0 && *digit != b'0';
    }
    if negative {
        // Cutting off means going back in time on both sides of the epoch.
        micros = -micros - i64::from(cut_off);
    }
    let seconds = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    if seconds.contains(&micros.div_euclid(MICROS)) { Ok(micros) } else { Err(TimeError::Range) }
}

fn read_date_slowly(format: &str, text: &[u8]) -> Result<i32, TimeError> {
    let parts = BrokenDownTime::parse(format, text).map_err(|_| TimeError::Format)?;
    let date = parts.to_date().map_err(|_| TimeError::Date)?;
    let whole = Parts::date(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs());
    whole.map(|parts| parts.days).ok_or(TimeError::Date)
}

fn micros_of(timestamp: Timestamp) -> i64 {
    // The range of `Timestamp` is within 10,000 years of the epoch: 3.2e17 microseconds.
    i64::try_from(timestamp.as_nanosecond().div_euclid(1_000))
        .expect("a timestamp in microseconds fits 64 bits")
}

/// A date and time whose parts differ from one another and from what a reader might assume when a
/// format lacks them.
const SAMPLE: DateTime = datetime(2013, 11, 25, 16, 47, 39, 0);

/// Writes the sample by the format and reads it back: what a format says is told only by using it.
fn read_sample_back(format: &str) -> Result<BrokenDownTime, TimeFormatError> {
    if format.is_empty() || format.len() > FORMAT_BYTES_MAX {
        return Err(TimeFormatError::Length);
    }
    let unreadable = |error: jiff::Error| TimeFormatError::Unreadable {
        format: format.to_owned(),
        reason: error.to_string(),
    };
    let sample = SAMPLE.to_zoned(jiff::tz::TimeZone::UTC).map_err(unreadable)?;
    let text = strtime::format(format, &sample).map_err(unreadable)?;
    BrokenDownTime::parse(format, &text).map_err(unreadable)
}

fn check_date(format: &str, parts: &BrokenDownTime) -> Result<(), TimeFormatError> {
    match parts.to_date() {
        Ok(date) if date == SAMPLE.date() => Ok(()),
        _ => Err(TimeFormatError::NoDate { format: format.to_owned() }),
    }
}

/// A format may stop at the hour or the minute, but not before.
fn check_hour(format: &str, parts: &BrokenDownTime) -> Result<(), TimeFormatError> {
    match parts.to_time() {
        Ok(time) if time.hour() == SAMPLE.hour() => Ok(()),
        _ => Err(TimeFormatError::NoHour { format: format.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
