//! Fixed layouts: formats whose values have each part at a known place, read without a parser.

use super::{DAY_S, TimeError};
use std::borrow::Cow;

/// The parts of a local date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    /// Days since 1970-01-01.
    pub(super) days: i32,
    /// Seconds since midnight.
    pub(super) clock_s: u32,
    /// Microseconds of the second.
    pub(super) micros: u32,
}

impl Parts {
    /// Returns midnight of a date, or `None` when the calendar does not have it.
    pub(super) fn date(year: i32, month: u8, day: u8) -> Option<Parts> {
        (day >= 1 && day <= days_in_month(year, month)).then(|| Parts {
            days: days_from_civil(year, month, day),
            clock_s: 0,
            micros: 0,
        })
    }

    /// Returns local seconds since 1970-01-01T00:00:00.
    pub(super) fn local_s(self) -> i64 {
        i64::from(self.days) * DAY_S + i64::from(self.clock_s)
    }
}

/// Whether a text has the shape of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has, and these are its parts.
    Fits(Parts),
    /// It has not. It may still follow the format, which is laxer.
    Differs,
}

/// A format as a list of places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    places: Cow<'static, [Place]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Byte(u8),
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// A point and one to nine digits, or nothing, at the end.
    Fraction,
}

/// `%Y-%m-%d`.
pub(super) const ISO_DATE: Layout = Layout { places: Cow::Borrowed(ISO_DATE_PLACES) };

const ISO_DATE_PLACES: &[Place] =
    &[Place::Year, Place::Byte(b'-'), Place::Month, Place::Byte(b'-'), Place::Day];

impl Layout {
    /// Returns the layout of a format, or `None` when it has conversions without a fixed width.
    pub(super) fn compile(format: &str) -> Option<Layout> {
        let mut owned = Vec::new();
        let mut rest = format.as_bytes();
        while let Some((byte, tail)) = rest.split_first() {
            if *byte != b'%' {
                owned.push(Place::Byte(*byte));
                rest = tail;
                continue;
            }
            let (conversion, places): (&str, &[Place]) = CONVERSIONS
                .iter()
                .find(|(conversion, _)| rest.starts_with(conversion.as_bytes()))
                .map(|(conversion, places)| (*conversion, *places))?;
            owned.extend_from_slice(places);
            rest = &rest[conversion.len()..];
        }
        let times = |place: Place| owned.iter().filter(|p| **p == place).count();
        let whole_date = [Place::Year, Place::Month, Place::Day].into_iter().all(|place| times(place) == 1);
        let clock = [Place::Hour, Place::Minute, Place::Second].map(times);
        // Hour, then minute, then second: none of them without the one before.
        let whole_clock = matches!(clock, [0, 0, 0] | [1, 0, 0] | [1, 1, 0] | [1, 1, 1]);
        let fraction_last = match times(Place::Fraction) {
            0 => true,
            1 => clock[2] == 1 && owned.last() == Some(&Place::Fraction),
            _ => false,
        };
        (whole_date && whole_clock && fraction_last).then_some(Layout { places: Cow::Owned(owned) })
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When each part stands in its place but the calendar or the clock has no such value.
    pub(super) fn read(&self, text: &[u8]) -> Result<Shape, TimeError> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
        let mut rest = text;
        for place in &*self.places {
            let taken = match place {
                Place::Byte(byte) => match rest.split_first() {
                    Some((first, tail)) if first == byte => Some(tail),
                    _ => None,
                },
                Place::Year => take::<4>(rest, &mut year),
                Place::Month => take::<2>(rest, &mut month),
                Place::Day => take::<2>(rest, &mut day),
                Place::Hour => take::<2>(rest, &mut hour),
                Place::Minute => take::<2>(rest, &mut minute),
                Place::Second => take::<2>(rest, &mut second),
                Place::Fraction => take_fraction(rest, &mut micros),
            };
            match taken {
                Some(tail) => rest = tail,
                None => return Ok(Shape::Differs),
            }
        }
        if !rest.is_empty() {
            return Ok(Shape::Differs);
        }
        whole(year, month, day, [hour, minute, second, micros]).map(Shape::Fits)
    }
}

const CONVERSIONS: &[(&str, &[Place])] = &[
    ("%Y", &[Place::Year]),
    ("%m", &[Place::Month]),
    ("%d", &[Place::Day]),
    ("%H", &[Place::Hour]),
    ("%M", &[Place::Minute]),
    ("%S", &[Place::Second]),
    ("%.f", &[Place::Fraction]),
    ("%F", ISO_DATE_PLACES),
    ("%T", &[Place::Hour, Place::Byte(b':'), Place::Minute, Place::Byte(b':'), Place::Second]),
    ("%%", &[Place::Byte(b'%')]),
];

/// Reads `2026-11-11T08:00:00.123+08:00`, with `T`, `t` or a blank, and `Z`, `z` or an offset. Returns
/// the local parts and the offset in seconds, or `None` for another shape.
pub(super) fn read_rfc3339(text: &[u8]) -> Result<Option<(Parts, i64)>, TimeError> {
    if text.len() < 20 || !matches!(text[10], b'T' | b't' | b' ') {
        return Ok(None);
    }
    let (mut year, mut month, mut day) = (0, 0, 0);
    let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
    let numbers = take::<4>(text, &mut year).is_some()
        && take::<2>(&text[5..], &mut month).is_some()
        && take::<2>(&text[8..], &mut day).is_some()
        && take::<2>(&text[11..], &mut hour).is_some()
        && take::<2>(&text[14..], &mut minute).is_some()
        && take::<2>(&text[17..], &mut second).is_some();
    if !numbers || [text[4], text[7], text[13], text[16]] != *b"--::" {
        return Ok(None);
    }
    let Some(zone) = take_fraction(&text[19..], &mut micros) else { return Ok(None) };
    let offset_s = match zone {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), digits @ ..] if digits.len() == 5 && digits[2] == b':' => {
            let (mut hours, mut minutes) = (0, 0);
            if take::<2>(digits, &mut hours).is_none()
                || take::<2>(&digits[3..], &mut minutes).is_none()
                || hours > 23
                || minutes > 59
            {
                return Ok(None);
            }
            let offset_s = i64::from(hours) * 3_600 + i64::from(minutes) * 60;
            if *sign == b'-' { -offset_s } else { offset_s }
        }
        _ => return Ok(None),
    };
    whole(year, month, day, [hour, minute, second, micros]).map(|parts| Some((parts, offset_s)))
}

fn whole(year: u32, month: u32, day: u32, clock: [u32; 4]) -> Result<Parts, TimeError> {
    // Two and four digits: all fit.
    let (year, month, day) = (year.cast_signed(), month as u8, day as u8);
    let parts = Parts::date(year, month, day).ok_or(TimeError::Date)?;
    let [hour, minute, second, micros] = clock;
    if hour > 23 || minute > 59 || second > 60 {
        return Err(TimeError::TimeOfDay);
    }
    // A leap second counts as the second before it, as everywhere in POSIX time.
    let second = second.min(59);
    Ok(Parts { clock_s: hour * 3_600 + minute * 60 + second, micros, ..parts })
}

/// Takes `N` digits off the front.
fn take<'t, const N: usize>(text: &'t [u8], into: &mut u32) -> Option<&'t [u8]> {
    let (digits, rest) = text.split_first_chunk::<N>()?;
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u32::from(digit - b'0');
    }
    *into = value;
    Some(rest)
}

/// Takes a point and up to nine digits off the front, if there is a point. Digits beyond microseconds
/// are dropped.
fn take_fraction<'t>(text: &'t [u8], micros: &mut u32) -> Option<&'t [u8]> {
    let Some((b'.', digits)) = text.split_first() else { return Some(text) };
    let width = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if width == 0 || width > 9 {
        return None;
    }
    let mut place = 1_000_000;
    for digit in &digits[..width] {
        place /= 10;
        *micros += place * u32::from(digit - b'0');
    }
    Some(&digits[width..])
}

/// Returns the number of days of a month, or 0 for a month that is none.
fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that start in March and
/// eras of 400 years (H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
fn days_from_civil(year: i32, month: u8, day: u8) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i32::from(month) + 9) % 12) + 2) / 5 + i32::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse: year, month and day of a number of days (`civil_from_days` of the same source).
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
