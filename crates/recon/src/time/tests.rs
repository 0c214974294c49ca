use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;

fn read(format: &str, zone: &str, text: &str) -> Result<String, TimeError> {
    TimeReader::compile(format, zone).unwrap().read(text.as_bytes()).map(format_time)
}

#[test]
fn times_table() {
    use TimeError::{Date, Empty, Format, Range, TimeOfDay};
    let iso = "%Y-%m-%d %H:%M:%S";
    for (format, zone, text, want) in [
        (iso, "Asia/Shanghai", "2026-11-11 00:00:05", Ok("2026-11-10T16:00:05Z")),
        (iso, "UTC", "2024-02-29 23:59:59", Ok("2024-02-29T23:59:59Z")),
        (iso, "UTC", "2023-02-29 00:00:00", Err(Date)),
        (iso, "UTC", "2023-13-01 00:00:00", Err(Date)),
        (iso, "UTC", "2023-00-10 00:00:00", Err(Date)),
        (iso, "UTC", "2023-04-31 00:00:00", Err(Date)),
        (iso, "UTC", "2023-04-30 24:00:00", Err(TimeOfDay)),
        (iso, "UTC", "2023-04-30 23:60:00", Err(TimeOfDay)),
        (iso, "UTC", "2016-12-31 23:59:60", Ok("2016-12-31T23:59:59Z")),
        (iso, "UTC", "2023-04-30 23:59:61", Err(TimeOfDay)),
        (iso, "UTC", "2023-4-3 1:2:3", Ok("2023-04-03T01:02:03Z")),
        (iso, "UTC", "2023-04-30", Err(Format)),
        (iso, "UTC", "2023-04-30 01:02:03 ", Err(Format)),
        (iso, "UTC", "", Err(Empty)),
        // Shanghai kept summer time in 1988: the clock skipped 02:00 to 03:00 on 17 April.
        (iso, "Asia/Shanghai", "1988-04-17 02:30:00", Ok("1988-04-16T18:30:00Z")),
        (iso, "America/New_York", "2024-03-10 02:30:00", Ok("2024-03-10T07:30:00Z")),
        (iso, "America/New_York", "2024-11-03 01:30:00", Ok("2024-11-03T05:30:00Z")),
        (iso, "America/New_York", "2024-11-03 02:00:00", Ok("2024-11-03T07:00:00Z")),
        (iso, "+08:00", "2024-03-10 02:30:00", Ok("2024-03-09T18:30:00Z")),
        (iso, "-0330", "2024-03-10 02:30:00", Ok("2024-03-10T06:00:00Z")),
        ("%Y%m%d%H%M%S", "UTC", "20261111080910", Ok("2026-11-11T08:09:10Z")),
        ("%Y%m%d%H%M%S", "UTC", "2026111108091", Ok("2026-11-11T08:09:01Z")),
        ("%Y%m%d%H%M%S", "UTC", "202611110809101", Err(Format)),
        ("%Y年%m月%d日 %H时%M分", "UTC", "2026年11月11日 08时09分", Ok("2026-11-11T08:09:00Z")),
        ("%F %T%.f", "UTC", "2026-11-11 08:09:10.123456789", Ok("2026-11-11T08:09:10.123456Z")),
        ("%F %T%.f", "UTC", "2026-11-11 08:09:10", Ok("2026-11-11T08:09:10Z")),
        ("%F %T%.f", "UTC", "1969-12-31 23:59:59.5", Ok("1969-12-31T23:59:59.500Z")),
        ("%d/%m/%Y %I:%M:%S %p", "UTC", "11/12/2026 04:09:10 PM", Ok("2026-12-11T16:09:10Z")),
        ("%Y-%m-%d %H:%M:%S %z", "UTC", "2026-11-11 08:00:00 +0800", Ok("2026-11-11T00:00:00Z")),
        ("rfc3339", "UTC", "2026-11-11T08:00:00+08:00", Ok("2026-11-11T00:00:00Z")),
        ("rfc3339", "UTC", "2026-11-11 08:00:00.250Z", Ok("2026-11-11T08:00:00.250Z")),
        ("rfc3339", "UTC", "2026-11-11T08:00:00-03:30", Ok("2026-11-11T11:30:00Z")),
        ("rfc3339", "UTC", "20261111T080000Z", Ok("2026-11-11T08:00:00Z")),
        ("rfc3339", "UTC", "2026-11-11T08:00:00", Err(Format)),
        ("rfc3339", "UTC", "2026-02-30T08:00:00Z", Err(Date)),
        ("rfc3339", "UTC", "2026-11-11T08:00:00+26:00", Err(Format)),
        ("unix", "UTC", "1700000000", Ok("2023-11-14T22:13:20Z")),
        ("unix", "UTC", "1700000000.25", Ok("2023-11-14T22:13:20.250Z")),
        ("unix", "UTC", "-1", Ok("1969-12-31T23:59:59Z")),
        ("unix", "UTC", "-0.5", Ok("1969-12-31T23:59:59.500Z")),
        ("unix_ms", "UTC", "1700000000123", Ok("2023-11-14T22:13:20.123Z")),
        ("unix_ms", "UTC", "1700000000123.9999", Ok("2023-11-14T22:13:20.123999Z")),
        ("unix_us", "UTC", "1700000000123456", Ok("2023-11-14T22:13:20.123456Z")),
        ("unix_us", "UTC", "-1.5", Ok("1969-12-31T23:59:59.999998Z")),
        ("unix", "UTC", "1.", Err(Format)),
        ("unix", "UTC", "-", Err(Format)),
        ("unix", "UTC", "1e9", Err(Format)),
        ("unix", "UTC", "99999999999999999999", Err(Range)),
        ("unix", "UTC", "999999999999", Err(Range)),
    ] {
        let got = read(format, zone, text);
        assert_eq!(got.as_deref().map_err(|e| *e), want, "{text} by {format} in {zone}");
    }
}

#[test]
fn dates_table() {
    use TimeError::{Date, Empty, Format};
    for (format, text, want) in [
        ("%Y-%m-%d", "2026-11-11", Ok("2026-11-11")),
        ("%Y%m%d", "20261111", Ok("2026-11-11")),
        ("%Y%m%d", "20260230", Err(Date)),
        ("%Y%m%d", "2026111", Ok("2026-11-01")),
        ("%Y%m%d", "202611111", Err(Format)),
        ("%Y%m%d", "", Err(Empty)),
        ("%d.%m.%y", "01.02.26", Ok("2026-02-01")),
        ("%d %b %Y", "1 Feb 2026", Ok("2026-02-01")),
        ("%d %b %Y", "31 Feb 2026", Err(Date)),
        ("%Y-%m-%d %H:%M:%S", "2026-11-11 23:59:59", Ok("2026-11-11")),
        ("%Y-%m-%d %H:%M:%S", "2026-11-11 25:59:59", Err(TimeError::TimeOfDay)),
        ("rfc3339", "2026-11-11T23:00:00-05:00", Ok("2026-11-11")),
        ("rfc3339", "2026-11-11", Err(Format)),
        ("%Y-%m-%d", "0001-01-01", Ok("0001-01-01")),
        ("%Y-%m-%d", "9999-12-31", Ok("9999-12-31")),
    ] {
        let got = DateReader::compile(format).unwrap().read(text.as_bytes()).map(format_date);
        assert_eq!(got.as_deref().map_err(|e| *e), want, "{text} by {format}");
    }
}

#[test]
fn formats_that_lose_something_are_refused() {
    type Wrong = fn(&TimeFormatError) -> bool;
    let no_date: Wrong = |e| matches!(e, TimeFormatError::NoDate { .. });
    let no_hour: Wrong = |e| matches!(e, TimeFormatError::NoHour { .. });
    let unreadable: Wrong = |e| matches!(e, TimeFormatError::Unreadable { .. });
    let length: Wrong = |e| matches!(e, TimeFormatError::Length);
    for (format, wrong) in [
        ("%Y-%M-%d %H:%m:%S", None),
        ("%Y-%M-%d %H:%M:%S", Some(no_date)),
        ("%H:%M:%S", Some(no_date)),
        ("%Y-%m %H:%M", Some(no_date)),
        ("%Y-%m-%d", Some(no_hour)),
        ("%Y-%m-%d %I:%M", Some(no_hour)),
        ("%Y-%m-%d %H:%M", None),
        ("%Y-%m-%d %H", None),
        ("%Y-%m-%d %H:%M:%S %Z", Some(unreadable)),
        ("%Y-%m-%d %K", Some(unreadable)),
        ("yyyy-MM-dd HH:mm:ss", Some(no_date)),
        ("", Some(length)),
        ("%s", None),
    ] {
        let got = TimeReader::compile(format, "UTC");
        match wrong {
            None => assert!(got.is_ok(), "{format}: {got:?}"),
            Some(wrong) => assert!(got.as_ref().is_err_and(wrong), "{format}: {got:?}"),
        }
    }
    assert!(DateReader::compile("%Y-%m").is_err_and(|e| no_date(&e)));
    for instant in ["unix", "unix_ms", "%s"] {
        let got = DateReader::compile(instant);
        assert!(matches!(got, Err(TimeFormatError::InstantAsDate { .. })), "{instant}: {got:?}");
    }
}

#[test]
fn unknown_zones_name_the_nearest() {
    for (name, want) in [
        ("Asia/Shangai", Some("Asia/Shanghai")),
        ("Shanghai", Some("Asia/Shanghai")),
        ("asia/shanghai ", Some("Asia/Shanghai")),
        ("qqqqqqqqqqqqqqqqq", None),
        ("+8", None),
        ("+24:00", None),
    ] {
        let Err(ZoneError::Unknown { nearest, .. }) = Zone::find(name) else { panic!("{name} was found") };
        if want.is_some() || name.starts_with('q') {
            assert_eq!(nearest.as_deref(), want, "{name}");
        }
    }
    assert_eq!(Zone::find("asia/SHANGHAI").unwrap().name(), "Asia/Shanghai");
}

#[test]
fn formats_that_carry_an_offset() {
    for (format, want) in [
        ("rfc3339", true),
        ("unix_ms", true),
        ("%Y-%m-%dT%H:%M:%S%:z", true),
        ("%s", true),
        ("%Y-%m-%d %H:%M:%S", false),
        ("%F %T[%Q]", true),
        ("%K", false),
    ] {
        assert_eq!(format_carries_offset(format), want, "{format}");
    }
}

#[test]
fn business_dates_turn_at_the_cut_off() {
    let zone = Zone::find("Asia/Shanghai").unwrap();
    let reader = TimeReader::compile("%Y-%m-%d %H:%M:%S", "Asia/Shanghai").unwrap();
    for (time, cut_off_s, want) in [
        ("2026-11-11 00:00:00", None, "2026-11-11"),
        ("2026-11-11 23:59:59", None, "2026-11-11"),
        ("2026-11-11 22:59:59", Some(23 * 3_600), "2026-11-11"),
        ("2026-11-11 23:00:00", Some(23 * 3_600), "2026-11-12"),
        ("2026-12-31 23:00:00", Some(23 * 3_600), "2027-01-01"),
        ("1969-12-31 23:00:00", Some(23 * 3_600), "1970-01-01"),
    ] {
        let got = business_date(reader.read(time.as_bytes()).unwrap(), &zone, cut_off_s);
        assert_eq!(format_date(got), want, "{time} with {cut_off_s:?}");
    }
    // Far outside of the calendar nothing panics.
    let _ = business_date(i64::MAX, &zone, Some(0));
    let _ = business_date(i64::MIN, &zone, Some(0));
}

const ZONES: [&str; 10] = [
    "Asia/Shanghai",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "UTC",
    "Antarctica/Troll",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The tables answer as jiff does, in every zone and around every clock change.
    #[test]
    fn zones_agree_with_jiff(
        zone in proptest::sample::select(&ZONES[..]),
        second in -5_000_000_000_i64..12_000_000_000,
        pick in any::<prop::sample::Index>(),
        near in prop::option::of(-8_000_i64..8_000),
    ) {
        let ours = Zone::find(zone).unwrap();
        let theirs = TimeZone::get(zone).unwrap();
        let second = match near {
            Some(near) if !ours.switches_s().is_empty() => *pick.get(&ours.switches_s()) + near,
            _ => second,
        };
        let at = Timestamp::from_second(second).unwrap();
        prop_assert_eq!(ours.offset_s_at(second), theirs.to_offset(at).seconds());
        // The same number read as a local time.
        let local = theirs_local(second);
        let want = theirs.to_ambiguous_timestamp(local).compatible().unwrap().as_second();
        prop_assert_eq!(ours.local_to_utc(second), Some(want));
        let shifted = second + i64::from(ours.offset_s_at(second));
        let want = theirs.to_ambiguous_timestamp(theirs_local(shifted)).compatible().unwrap().as_second();
        prop_assert_eq!(ours.local_to_utc(shifted), Some(want));
    }

    /// A fast path never changes an answer: what it reads, jiff reads alike, and what it refuses,
    /// jiff refuses.
    #[test]
    fn layouts_agree_with_jiff(
        format in proptest::sample::select(&[
            "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M:%S%.f", "%F %T", "%Y-%m-%dT%H",
        ][..]),
        zone in proptest::sample::select(&ZONES[..]),
        (year, month, day) in (0_u32..10_000, 0_u32..14, 0_u32..33),
        (hour, minute, second) in (0_u32..26, 0_u32..62, 0_u32..63),
        fraction in prop::option::of("[0-9]{1,10}"),
        (cut, noise) in (any::<prop::sample::Index>(), prop::option::weighted(0.2, any::<char>())),
    ) {
        let mut text = format
            .replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
            .replace("%Y", &format!("{year:04}")).replace("%m", &format!("{month:02}"))
            .replace("%d", &format!("{day:02}")).replace("%H", &format!("{hour:02}"))
            .replace("%M", &format!("{minute:02}")).replace("%S", &format!("{second:02}"))
            .replace("%.f", &fraction.map_or(String::new(), |f| format!(".{f}")));
        if let Some(noise) = noise {
            let at = cut.index(text.len() + 1);
            text.insert(at, noise);
        }
        let reader = TimeReader::compile(format, zone).unwrap();
        let got = reader.read(text.as_bytes());
        let slow = reader.read_slowly(format, text.as_bytes());
        match (got, slow) {
            (Ok(got), Ok(slow)) => prop_assert_eq!(got, slow, "{} by {}", text, format),
            (got, slow) => prop_assert!(got.is_err() && slow.is_err(), "{text} by {format}: {got:?} {slow:?}"),
        }
    }

    #[test]
    fn dates_agree_with_jiff(year in 0_i16..=9999, month in 0_i8..=13, day in 0_i8..=32) {
        let text = format!("{year:04}{month:02}{day:02}");
        let got = DateReader::compile("%Y%m%d").unwrap().read(text.as_bytes());
        match jiff::civil::Date::new(year, month, day) {
            Ok(date) => {
                let days = date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
                prop_assert_eq!(got, Ok(days));
                prop_assert_eq!(format_date(days), date.to_string());
            }
            Err(_) => prop_assert_eq!(got, Err(TimeError::Date)),
        }
    }

    #[test]
    fn rfc3339_agrees_with_jiff(second in -60_000_000_000_i64..200_000_000_000, nano in 0_i32..1_000_000_000, offset in -1_400_i32..1_400) {
        let at = Timestamp::new(second, nano).unwrap();
        let zone = jiff::tz::Offset::from_seconds(offset * 60).unwrap();
        let text = at.display_with_offset(zone).to_string();
        let micros = at.as_nanosecond().div_euclid(1_000);
        let reader = TimeReader::compile("rfc3339", "UTC").unwrap();
        prop_assert_eq!(reader.read(text.as_bytes()).map(i128::from), Ok(micros), "{}", text);
        // And what is written is read again.
        let micros = i64::try_from(micros).unwrap();
        prop_assert_eq!(reader.read(format_time(micros).as_bytes()), Ok(micros));
    }

    #[test]
    fn no_bytes_panic(text in proptest::collection::vec(any::<u8>(), 0..40), micros in any::<i64>()) {
        for format in ["rfc3339", "unix", "unix_ms", "%Y-%m-%d %H:%M:%S%.f", "%d %b %Y %H"] {
            let _ = TimeReader::compile(format, "Asia/Shanghai").unwrap().read(&text);
        }
        let _ = DateReader::compile("%Y%m%d").unwrap().read(&text);
        let _ = format_time(micros);
    }
}

fn theirs_local(second: i64) -> DateTime {
    datetime(1970, 1, 1, 0, 0, 0, 0).checked_add(jiff::SignedDuration::from_secs(second)).unwrap()
}
