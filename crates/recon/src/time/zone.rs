//! Zones: the offset of a moment, and the moment of a local time.

use super::DAY_S;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Why a zone cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// The zone database does not have it.
    #[error("unknown time zone `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The nearest known name, if one is near.
        nearest: Option<String>,
    },
}

/// A time zone of the IANA database (`Asia/Shanghai`), or a fixed offset (`+08:00`).
///
/// Its clock changes from 1900 to 2200 are laid out in a table at the start, so look-ups need neither
/// locks nor the database. Moments outside of these years go through `jiff`.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
    /// The offset at the start of the table.
    first_offset_s: i32,
    switches: Vec<Switch>,
    /// UTC seconds for which the table holds, with a margin of two days for local times.
    table_s: std::ops::Range<i64>,
}

/// A change of the offset.
#[derive(Debug, Clone, Copy)]
struct Switch {
    /// The moment.
    utc_s: i64,
    /// The first local time to which the new offset applies.
    local_s: i64,
    /// The new offset.
    offset_s: i32,
}

/// 1900-01-01T00:00:00Z.
const TABLE_FROM_S: i64 = -25_567 * DAY_S;
/// 2200-01-01T00:00:00Z.
const TABLE_TO_S: i64 = 84_006 * DAY_S;

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Zone {
    /// Finds a zone by its IANA name (any case), or by an offset such as `+08:00`.
    ///
    /// # Errors
    /// [`ZoneError::Unknown`] with the nearest known name.
    pub fn find(name: &str) -> Result<Zone, ZoneError> {
        if let Some(offset) = fixed_offset(name) {
            return Ok(Zone::new(name, TimeZone::fixed(offset)));
        }
        match TimeZone::get(name) {
            Ok(zone) if zone.iana_name().is_some() => {
                let canonical = zone.iana_name().unwrap_or(name).to_owned();
                Ok(Zone::new(&canonical, zone))
            }
            _ => Err(ZoneError::Unknown { name: name.to_owned(), nearest: nearest_name(name) }),
        }
    }

    /// Returns the zone's name as the database writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the offset from UTC in seconds at a moment in seconds since the epoch.
    #[must_use]
    pub fn offset_s_at(&self, utc_s: i64) -> i32 {
        if self.table_s.contains(&utc_s) {
            let after = self.switches.partition_point(|switch| switch.utc_s <= utc_s);
            return self.offset_s_after(after);
        }
        let bounded = utc_s.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(bounded).map_or(self.first_offset_s, |at| self.zone.to_offset(at).seconds())
    }

    /// Returns the UTC seconds of a local time in seconds, or `None` outside of the years -9999 to 9999.
    pub(super) fn local_to_utc(&self, local_s: i64) -> Option<i64> {
        let margin_s = 2 * DAY_S;
        if (self.table_s.start + margin_s..self.table_s.end - margin_s).contains(&local_s) {
            let after = self.switches.partition_point(|switch| switch.local_s <= local_s);
            return Some(local_s - i64::from(self.offset_s_after(after)));
        }
        let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let local = epoch.checked_add(SignedDuration::from_secs(local_s)).ok()?;
        self.local_to_timestamp(local).map(|at| at.as_nanosecond().div_euclid(1_000_000_000))?.try_into().ok()
    }

    /// The same by jiff alone. A local time that is skipped or repeated is read with the offset from
    /// before the change, as RFC 5545 says.
    pub(super) fn local_to_timestamp(&self, local: DateTime) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(local).compatible().ok()
    }

    fn new(name: &str, zone: TimeZone) -> Zone {
        let from = Timestamp::constant(TABLE_FROM_S, 0);
        let first_offset_s = zone.to_offset(from).seconds();
        let mut before_s = first_offset_s;
        let mut switches = Vec::new();
        for change in zone.following(from).take_while(|change| change.timestamp().as_second() < TABLE_TO_S) {
            let utc_s = change.timestamp().as_second();
            let offset_s = change.offset().seconds();
            // Forward changes skip local times, backward changes repeat them. Both are read with the
            // offset from before, which therefore holds up to the later of both clocks.
            let local_s = utc_s + i64::from(before_s.max(offset_s));
            switches.push(Switch { utc_s, local_s, offset_s });
            before_s = offset_s;
        }
        // The search needs local times in order. No known zone changes twice within hours; should one
        // ever do, everything goes through jiff.
        let ordered = switches.windows(2).all(|pair| pair[0].local_s < pair[1].local_s);
        let table_s = if ordered { TABLE_FROM_S..TABLE_TO_S } else { 0..0 };
        Zone { name: name.to_owned(), zone, first_offset_s, switches, table_s }
    }

    fn offset_s_after(&self, switches: usize) -> i32 {
        match switches.checked_sub(1) {
            Some(last) => self.switches[last].offset_s,
            None => self.first_offset_s,
        }
    }
}

/// Reads `+08:00`, `-0330` and the like.
fn fixed_offset(name: &str) -> Option<Offset> {
    let sign = match name.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = name[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

fn nearest_name(name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase();
    jiff::tz::db()
        .available()
        .map(|known| {
            let known = known.as_str().to_owned();
            let lower = known.to_ascii_lowercase();
            // `Shanghai` is as good as `Asia/Shanghai` to a reader.
            let city = lower.rsplit('/').next().unwrap_or(&lower);
            let distance = strsim::damerau_levenshtein(&wanted, &lower)
                .min(strsim::damerau_levenshtein(&wanted, city) + 1);
            (distance, known)
        })
        .filter(|(distance, _)| *distance <= 1 + wanted.chars().count() / 4)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
impl Zone {
    /// The moments of the table, for tests around them.
    pub(super) fn switches_s(&self) -> Vec<i64> {
        self.switches.iter().map(|switch| switch.utc_s).collect()
    }
}
