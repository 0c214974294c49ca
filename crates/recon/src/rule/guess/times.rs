//! Times and dates: format, zone, and by how many hours the two sides differ.

use super::column::{Profile, Role};
use super::money::CurrencyGuess;
use super::{Finding, Pairs, Profiles, Sureness, Taken, grouped};
use crate::time::{DateReader, TimeReader, format_carries_offset};
use std::collections::BTreeMap;

/// Formats of times, the commonest first; where two fit, the first is taken.
const TIME_FORMATS: &[&str] = &[
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "rfc3339",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日%H时%M分%S秒",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d-%b-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
];

/// Formats of instants as numbers; anything of ten digits looks so, hence they need a name too.
const UNIX_FORMATS: &[&str] = &["unix", "unix_ms", "unix_us"];

const DATE_FORMATS: &[&str] = &[
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d.%m.%y",
];

/// Values that are looked at in the first place.
const TRIED_VALUES_MAX: usize = 200;
/// 1990-01-01 and 2100-01-01 in days: outside of them a number is no date.
const DAYS: std::ops::Range<i64> = 7_305..47_482;

const ZONE_GUESSED: &str = "the zone is a guess";

/// A guessed event time.
#[derive(Debug, Clone)]
pub(super) struct TimeGuess {
    pub(super) column: usize,
    pub(super) format: &'static str,
    /// The zone, where the format carries no offset.
    pub(super) zone: Option<String>,
    pub(super) finding: Finding,
}

/// A guessed business date.
#[derive(Debug, Clone)]
pub(super) struct DateGuess {
    /// The column and its format, or `None` for a date from the time.
    pub(super) column: Option<(usize, &'static str)>,
    /// The zone, for a date from the time.
    pub(super) zone: String,
    pub(super) finding: Finding,
}

/// Says whether the values of a column read as times or dates.
pub(super) fn looks_like_time(column: &Profile<'_>) -> bool {
    time_format(column, false).is_some() || date_format(column).is_some()
}

/// Finds the event time of each side.
pub(super) fn find_times(
    profiles: &Profiles<'_>,
    pairs: &Pairs,
    taken: &Taken,
    currency: &[CurrencyGuess; 2],
) -> [Option<TimeGuess>; 2] {
    let candidates = [0, 1].map(|side: usize| {
        let columns = profiles[side].iter().enumerate().filter(|(at, _)| !taken[side].contains(at));
        let mut found: Vec<(usize, &'static str)> = columns
            .filter_map(|(at, column)| Some((at, time_format(column, column.hint(Role::Time) >= 1)?)))
            .collect();
        found.sort_by_key(|(at, _)| (std::cmp::Reverse(profiles[side][*at].hint(Role::Time)), *at));
        found.truncate(6);
        found
    });
    // Of all pairs of columns take the one whose times differ most steadily.
    let mut steady: Option<(Shift, [(usize, &'static str); 2])> = None;
    for left in &candidates[0] {
        for right in &candidates[1] {
            let shift = shift_of(profiles, pairs, [*left, *right]);
            if steady.as_ref().is_none_or(|(best, _)| shift.near > best.near) {
                steady = Some((shift, [*left, *right]));
            }
        }
    }
    let steady = steady.filter(|(shift, _)| shift.is_steady());
    let chosen = match &steady {
        Some((_, columns)) => columns.map(Some),
        None => [0, 1].map(|side: usize| candidates[side].first().copied()),
    };
    let home = home_zone(currency);
    let zones = zones(&chosen, steady.as_ref().map(|(shift, _)| shift), home);
    let mut zones = zones.into_iter();
    [0, 1].map(|side: usize| {
        let zone = zones.next().flatten();
        let (at, format) = chosen[side]?;
        let column = &profiles[side][at];
        let what = format!("values read as {format}");
        let mut finding = Finding::counted("time", read_as_time(column, format), column.filled, &what);
        if ambiguous(column, format) {
            finding.sureness = Sureness::Unsure;
            finding.evidence.push_str(", but day and month could be the other way round");
        }
        if let Some((_, note)) = &zone {
            finding.evidence.push_str("; ");
            finding.evidence.push_str(note);
            if note.starts_with(ZONE_GUESSED) {
                finding.sureness = finding.sureness.min(Sureness::Likely);
            }
        }
        Some(TimeGuess { column: at, format, zone: zone.map(|(zone, _)| zone), finding })
    })
}

/// Finds the business date of each side: a column of dates, or the date of the time.
pub(super) fn find_dates(
    profiles: &Profiles<'_>,
    taken: &Taken,
    times: &[Option<TimeGuess>; 2],
) -> [Option<DateGuess>; 2] {
    [0, 1].map(|side: usize| {
        let time_column = times[side].as_ref().map(|time| time.column);
        let columns = profiles[side].iter().enumerate();
        let free = columns.filter(|(at, _)| !taken[side].contains(at) && Some(*at) != time_column);
        let mut dated: Vec<(usize, &'static str)> =
            free.filter_map(|(at, column)| Some((at, date_format(column)?))).collect();
        dated.sort_by_key(|(at, _)| (std::cmp::Reverse(profiles[side][*at].hint(Role::Date)), *at));
        if let Some((at, format)) = dated.first() {
            let column = &profiles[side][*at];
            let what = format!("values read as {format}");
            let mut finding = Finding::counted("date", read_as_date(column, format), column.filled, &what);
            if ambiguous(column, format) {
                finding.sureness = Sureness::Unsure;
                finding.evidence.push_str(", but day and month could be the other way round");
            }
            return Some(DateGuess { column: Some((*at, format)), zone: String::new(), finding });
        }
        let time = times[side].as_ref()?;
        // Both sides must cut their days in the same zone.
        let zone =
            times.iter().flatten().find_map(|time| time.zone.clone()).unwrap_or_else(|| "UTC".to_owned());
        let evidence = format!(
            "from `{}`, with days that start at midnight in {zone}",
            profiles[side][time.column].name
        );
        Some(DateGuess { column: None, zone, finding: Finding::unsure("date", &evidence) })
    })
}

/// Returns the first format by which nearly all values of a column read.
fn time_format(column: &Profile<'_>, named: bool) -> Option<&'static str> {
    let unix = if named { UNIX_FORMATS } else { &[] };
    best_format(column, TIME_FORMATS.iter().chain(unix), |format| {
        let reader = TimeReader::compile(format, "UTC").ok()?;
        Some(move |value: &str| {
            reader.read(value.as_bytes()).ok().map(|micros| micros.div_euclid(86_400_000_000))
        })
    })
}

fn date_format(column: &Profile<'_>) -> Option<&'static str> {
    best_format(column, DATE_FORMATS.iter(), |format| {
        let reader = DateReader::compile(format).ok()?;
        Some(move |value: &str| reader.read(value.as_bytes()).ok().map(i64::from))
    })
}

/// Returns the format of a column of days, or else of times; numbers count as instants where the name
/// says so.
pub(super) fn day_or_time_format(column: &Profile<'_>) -> Option<&'static str> {
    let named = column.hint(Role::Time) >= 2;
    date_format(column).or_else(|| time_format(column, named))
}

/// Says whether a format of [`day_or_time_format`] is one of days alone.
pub(super) fn is_day_format(format: &str) -> bool {
    DATE_FORMATS.contains(&format)
}

/// Makes a reader of days since 1970 from texts of a format; times are read as UTC.
pub(super) fn day_reader(format: &str) -> impl Fn(&str) -> Option<i64> {
    let days = if is_day_format(format) { DateReader::compile(format).ok() } else { None };
    let times = if days.is_none() { TimeReader::compile(format, "UTC").ok() } else { None };
    move |text| match (&days, &times) {
        (Some(days), _) => days.read(text.as_bytes()).ok().map(i64::from),
        (None, Some(times)) => {
            times.read(text.as_bytes()).ok().map(|micros| micros.div_euclid(86_400_000_000))
        }
        (None, None) => None,
    }
}

fn best_format<R: Fn(&str) -> Option<i64>>(
    column: &Profile<'_>,
    formats: impl Iterator<Item = &'static &'static str>,
    reader: impl Fn(&'static str) -> Option<R>,
) -> Option<&'static str> {
    let first: Vec<&str> =
        column.values.iter().copied().filter(|value| !value.is_empty()).take(TRIED_VALUES_MAX).collect();
    let digits = |value: &str| value.bytes().filter(u8::is_ascii_digit).count();
    if first.is_empty() || !first.iter().all(|value| digits(value) >= 5 && value.len() <= 64) {
        return None;
    }
    let mut best: Option<(usize, &'static str)> = None;
    for format in formats {
        let Some(read) = reader(format) else { continue };
        let good = |value: &&&str| read(value).is_some_and(|days| DAYS.contains(&days));
        let count = first.iter().filter(good).count();
        if count * 50 >= first.len() * 49 && best.is_none_or(|(most, _)| count > most) {
            // A format that reads the beginning may fail later: 01/02 is both, 13/02 is not.
            let filled = column.values.iter().filter(|value| !value.is_empty());
            let all = filled.clone().filter(good).count();
            if all * 50 >= column.filled * 49 {
                best = Some((count, format));
            }
        }
    }
    best.map(|(_, format)| format)
}

fn read_as_time(column: &Profile<'_>, format: &str) -> usize {
    let Ok(reader) = TimeReader::compile(format, "UTC") else { return 0 };
    column.values.iter().filter(|value| reader.read(value.as_bytes()).is_ok()).count()
}

fn read_as_date(column: &Profile<'_>, format: &str) -> usize {
    let Ok(reader) = DateReader::compile(format) else { return 0 };
    column.values.iter().filter(|value| reader.read(value.as_bytes()).is_ok()).count()
}

/// Says whether all values read as well with day and month exchanged.
fn ambiguous(column: &Profile<'_>, format: &str) -> bool {
    let turned = if format.starts_with("%d/%m") {
        format.replacen("%d/%m", "%m/%d", 1)
    } else if format.starts_with("%m/%d") {
        format.replacen("%m/%d", "%d/%m", 1)
    } else {
        return false;
    };
    let reads = read_as_time(column, &turned).max(read_as_date(column, &turned));
    reads == column.filled
}

/// How the times of matched rows differ.
struct Shift {
    /// The commonest difference, right minus left, in quarters of an hour.
    quarters: i64,
    /// Rows that differ by that, within five minutes.
    near: usize,
    of: usize,
}

impl Shift {
    fn is_steady(&self) -> bool {
        self.of >= 5 && self.near * 10 >= self.of * 7
    }
}

fn shift_of(profiles: &Profiles<'_>, pairs: &Pairs, columns: [(usize, &'static str); 2]) -> Shift {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    let mut of = 0;
    let [Ok(left), Ok(right)] = columns.map(|(_, format)| TimeReader::compile(format, "UTC")) else {
        return Shift { quarters: 0, near: 0, of };
    };
    for (l, r) in pairs.iter().take(4_000) {
        let left = left.read(profiles[0][columns[0].0].values[*l].as_bytes());
        let right = right.read(profiles[1][columns[1].0].values[*r].as_bytes());
        let (Ok(left), Ok(right)) = (left, right) else { continue };
        of += 1;
        let seconds = (right - left).div_euclid(1_000_000);
        let quarters = (seconds + 450).div_euclid(900);
        if (seconds - quarters * 900).abs() <= 300 {
            *counts.entry(quarters).or_default() += 1;
        }
    }
    let best = counts.into_iter().max_by_key(|(quarters, near)| (*near, std::cmp::Reverse(quarters.abs())));
    let (quarters, near) = best.unwrap_or((0, 0));
    Shift { quarters, near, of }
}

/// Returns for each side the zone, and what speaks for it, where its format carries no offset.
fn zones(
    chosen: &[Option<(usize, &'static str)>; 2],
    shift: Option<&Shift>,
    home: (&'static str, i64),
) -> [Option<(String, String)>; 2] {
    let local = chosen.map(|choice| choice.is_some_and(|(_, format)| !format_carries_offset(format)));
    let (home_name, home_quarters) = home;
    let unsure = |note: &str| Some((home_name.to_owned(), format!("{ZONE_GUESSED}{note}")));
    let Some(shift) = shift else {
        return local.map(|local| if local { unsure("") } else { None });
    };
    let counted = format!("{} of {} matched rows", grouped(shift.near), grouped(shift.of));
    let hours = |quarters: i64| {
        let (hours, rest) = (quarters.abs() / 4, quarters.abs() % 4 * 15);
        if rest == 0 { format!("{hours} h") } else { format!("{hours} h {rest} min") }
    };
    let in_range = |quarters: i64| (-48..=56).contains(&quarters);
    match local {
        [false, false] => [None, None],
        // One side says its offset, so the other's follows from the difference.
        [true, false] if in_range(-shift.quarters) => {
            let note = format!("in {counted} it is {} from the right side's instant", hours(shift.quarters));
            [Some((zone_name(-shift.quarters), note)), None]
        }
        [false, true] if in_range(shift.quarters) => {
            let note = format!("in {counted} it is {} from the left side's instant", hours(shift.quarters));
            [None, Some((zone_name(shift.quarters), note))]
        }
        [true, true] if shift.quarters == 0 => {
            let note = format!(", but both sides have the same: times agree in {counted}");
            [unsure(&note), unsure(&note)]
        }
        [true, true] if in_range(home_quarters + shift.quarters) => {
            let word = if shift.quarters > 0 { "after" } else { "before" };
            let note = format!("in {counted} the right side is {} {word} the left", hours(shift.quarters));
            let zone = zone_name(home_quarters + shift.quarters);
            [unsure(&format!("; {note}")), Some((zone, format!("{note}, if the left is {home_name}")))]
        }
        local => local.map(|local| if local { unsure("") } else { None }),
    }
}

/// Returns a zone with an offset in quarters of an hour. Offsets that few zones share are written as such.
fn zone_name(quarters: i64) -> String {
    match quarters {
        0 => "UTC".to_owned(),
        22 => "Asia/Kolkata".to_owned(),
        28 => "Asia/Bangkok".to_owned(),
        32 => "Asia/Shanghai".to_owned(),
        36 => "Asia/Tokyo".to_owned(),
        _ => {
            let sign = if quarters < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", quarters.abs() / 4, quarters.abs() % 4 * 15)
        }
    }
}

/// The zone that local times most likely are in, by the currency, with its offset in quarters of an hour.
fn home_zone(currency: &[CurrencyGuess; 2]) -> (&'static str, i64) {
    let said =
        currency.iter().find(|guess| guess.finding.sureness > Sureness::Unsure).unwrap_or(&currency[0]);
    match said.fixed.code() {
        "CNY" => ("Asia/Shanghai", 32),
        "JPY" => ("Asia/Tokyo", 36),
        "HKD" => ("Asia/Hong_Kong", 32),
        "TWD" => ("Asia/Taipei", 32),
        "SGD" => ("Asia/Singapore", 32),
        "KRW" => ("Asia/Seoul", 36),
        "THB" => ("Asia/Bangkok", 28),
        "VND" => ("Asia/Ho_Chi_Minh", 28),
        "INR" => ("Asia/Kolkata", 22),
        _ => ("UTC", 0),
    }
}
