//! Zones as Adyen's reports name them in each row.

use crate::record::Moment;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// Returns the moment of a local time in a named zone; without an offset where the name tells none for
/// sure. Short names are the ones Java gives to zones, which is where the reports have them from: `CST`
/// is that of America. `IST` is that of three countries, and is left open.
pub(super) fn moment(local: DateTime, zone: &str) -> Moment {
    let zone = zone.trim();
    let offset = short(&zone.to_ascii_uppercase()).or_else(|| relative(zone)).or_else(|| named(local, zone));
    Moment { local, offset }
}

fn short(zone: &str) -> Option<Offset> {
    let minutes: i32 = match zone {
        "UTC" | "GMT" | "WET" | "Z" => 0,
        "BST" | "CET" | "WEST" | "MET" => 60,
        "CEST" | "EET" | "SAST" | "MEST" => 120,
        "EEST" | "MSK" | "TRT" => 180,
        "GST" => 240,
        "ICT" | "WIB" => 420,
        "SGT" | "HKT" | "MYT" | "PHT" | "AWST" => 480,
        "JST" | "KST" => 540,
        "ACST" => 570,
        "AEST" => 600,
        "ACDT" => 630,
        "AEDT" => 660,
        "NZST" => 720,
        "NZDT" => 780,
        "NST" => -210,
        "NDT" => -150,
        "BRST" => -120,
        "BRT" | "ART" | "ADT" | "CLST" => -180,
        "AST" | "EDT" | "CLT" => -240,
        "EST" | "CDT" | "COT" | "PET" => -300,
        "CST" | "MDT" => -360,
        "MST" | "PDT" => -420,
        "PST" | "AKDT" => -480,
        "AKST" => -540,
        "HST" => -600,
        _ => return None,
    };
    Offset::from_seconds(minutes * 60).ok()
}

/// Reads `+02:00`, `GMT+2` and `UTC-0330`.
fn relative(zone: &str) -> Option<Offset> {
    let rest = ["GMT", "UTC"].iter().find_map(|start| zone.strip_prefix(start)).unwrap_or(zone);
    let (negative, digits) = match rest.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, rest.strip_prefix('+')?),
    };
    let digits = digits.replace(':', "");
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = if digits.len() > 2 { digits.split_at(digits.len() - 2) } else { (&*digits, "0") };
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

/// Looks up a name of the zone database, such as `Europe/Amsterdam`. A local time that is there twice, or
/// not at all, has no offset.
fn named(local: DateTime, zone: &str) -> Option<Offset> {
    if !zone.contains('/') || zone.len() > 64 {
        return None;
    }
    match TimeZone::get(zone).ok()?.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some(offset),
        AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_the_offsets_of_their_names() {
        let local = jiff::civil::date(2024, 7, 1).at(12, 0, 0, 0);
        for (zone, expected) in [
            ("PST", "-08:00"),
            ("PDT", "-07:00"),
            ("CET", "+01:00"),
            ("cest", "+02:00"),
            ("UTC", "Z"),
            ("AEST", "+10:00"),
            ("ACST", "+09:30"),
            ("GMT+8", "+08:00"),
            ("UTC-0330", "-03:30"),
            ("+05:30", "+05:30"),
            ("Europe/Amsterdam", "+02:00"),
            ("America/Los_Angeles", "-07:00"),
            ("IST", ""),
            ("", ""),
            ("+99:99", ""),
            ("Nowhere/Else", ""),
        ] {
            let written = moment(local, zone).to_string();
            assert_eq!(written, format!("2024-07-01T12:00:00{expected}"), "{zone}");
        }
        let twice = jiff::civil::date(2024, 10, 27).at(2, 30, 0, 0);
        assert_eq!(moment(twice, "Europe/Amsterdam").offset, None);
    }
}
