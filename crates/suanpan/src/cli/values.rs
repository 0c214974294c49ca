//! Values as people write them: sizes of memory and counts of records.

/// The least memory limit: what the smallest plan needs with its readers, and what is measured.
pub(crate) const MEMORY_BYTES_MIN: u64 = 64 << 20;
/// The most worker threads: more than any machine that runs this has, and each needs buffers.
pub(crate) const THREADS_MAX: usize = 1024;

/// Reads a size such as `512m`, `2GiB` or `1500MB`.
///
/// `k`, `m`, `g`, `t` and `KiB` … are powers of 1,024; `kB`, `MB`, `GB`, `TB` powers of 1,000.
pub(crate) fn parse_memory(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)
        .ok_or("write a number and a unit, such as 512m, 2GiB or 1500MB (the least is 64MiB)")?;
    if bytes < MEMORY_BYTES_MIN {
        return Err(format!("too little memory to work with; the least is {}MiB", MEMORY_BYTES_MIN >> 20));
    }
    Ok(bytes)
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text);
    let unit = unit.trim();
    let power = match unit.chars().next().map(|c| c.to_ascii_lowercase()) {
        None | Some('b') => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some(_) => return None,
    };
    let rest = if power == 0 { unit } else { &unit[1..] };
    let base: u64 = match rest.to_ascii_lowercase().as_str() {
        "" | "ib" => 1024,
        "b" => 1000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(base.checked_pow(power)?)
}

/// Reads the address of a server as browsers reach it: `https://pay.example.com`, maybe with a path.
pub(crate) fn parse_public_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| format!("{error}; write https://pay.example.com"))?;
    let plain = matches!(url.scheme(), "https" | "http")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        return Err("write https:// and a host, without user, ? or #".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Reads how many connections may be open.
pub(crate) fn parse_connections(text: &str) -> Result<usize, String> {
    // Far more than processes are allowed files.
    let most = 1_000_000_usize;
    text.parse()
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| format!("write a number from 1 to {most}"))
}

/// Reads a currency by its letter code.
pub(crate) fn parse_currency(text: &str) -> Result<suanpan_money::Currency, String> {
    suanpan_money::Currency::parse(text)
        .ok_or_else(|| format!("`{text}` is not a currency of ISO 4217, such as CNY"))
}

/// Reads a count such as `50000000`, `50_000_000`, `50m` or `250k`.
pub(crate) fn parse_count(text: &str) -> Result<u64, String> {
    let (number, unit) = split_number(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" | "b" => 1_000_000_000,
        _ => 0,
    };
    let count = number.replace('_', "").parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
    count.filter(|_| factor > 0).ok_or_else(|| "write a whole number, such as 250000, 250k or 50m".to_owned())
}

/// Reads a count that is at least one.
pub(crate) fn parse_positive(text: &str) -> Result<u64, String> {
    parse_count(text).and_then(|n| if n == 0 { Err("must be at least 1".to_owned()) } else { Ok(n) })
}

/// Reads a number of worker threads.
pub(crate) fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if (1..=THREADS_MAX).contains(&threads) => Ok(threads),
        _ => Err(format!("must be a whole number from 1 to {THREADS_MAX}")),
    }
}

/// Reads a time as seconds since the epoch: a date is its beginning in UTC.
pub(super) fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_second());
    }
    let date = text.parse::<jiff::civil::Date>().ok();
    let midnight = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    midnight
        .map(|time| time.timestamp().as_second())
        .ok_or_else(|| "write 2026-08-01, 2026-08-01T12:00:00Z, or seconds since the epoch".to_owned())
}

fn split_number(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

/// Reads the name of a payment scheme.
pub(super) fn parse_scheme(text: &str) -> Result<suanpan_formats::Scheme, String> {
    suanpan_formats::Scheme::parse(text).ok_or_else(|| "expected cbpr, sepa or fednow".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_of_the_web_and_nothing_else() {
        for (text, read) in [
            ("https://pay.example.com", "https://pay.example.com"),
            ("https://pay.example.com/", "https://pay.example.com"),
            ("http://127.0.0.1:4242/base/", "http://127.0.0.1:4242/base"),
        ] {
            assert_eq!(parse_public_url(text).as_deref(), Ok(read));
        }
        for text in [
            "",
            "pay.example.com",
            "ftp://pay.example.com",
            "javascript:alert(1)",
            "https://",
            "https://u:p@pay.example.com",
            "https://pay.example.com?a=1",
            "https://pay.example.com#a",
        ] {
            assert!(parse_public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn memory_is_read_as_written() {
        for (text, bytes) in [
            ("64m", 64 << 20),
            ("64MiB", 64 << 20),
            ("512M", 512 << 20),
            ("2g", 2 << 30),
            ("2GiB", 2 << 30),
            ("2 gib", 2 << 30),
            ("1t", 1 << 40),
            ("70000k", 70_000 << 10),
            ("1500MB", 1_500_000_000),
            ("2GB", 2_000_000_000),
            ("2gb", 2_000_000_000),
            ("67108864", 64 << 20),
            ("67108864B", 64 << 20),
        ] {
            assert_eq!(parse_memory(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn memory_that_is_none_is_refused_and_the_least_is_named() {
        for text in ["", "x", "m", "-1g", "1.5g", "2gx", "2mb3", "99999999999g", "20000000t", "GiB", "2bb"] {
            let error = parse_memory(text).expect_err(text);
            assert!(error.contains("64MiB"), "{text}: {error}");
        }
        for text in ["0", "63m", "1k", "67108863"] {
            assert_eq!(
                parse_memory(text).expect_err(text),
                "too little memory to work with; the least is 64MiB",
                "{text}"
            );
        }
    }

    #[test]
    fn times_are_read_as_written_and_a_date_is_its_beginning_in_utc() {
        for (text, seconds) in [
            ("0", 0),
            ("1785542400", 1_785_542_400),
            ("2026-08-01", 1_785_542_400),
            ("2026-08-01T00:00:00Z", 1_785_542_400),
            ("2026-08-01T08:00:00+08:00", 1_785_542_400),
        ] {
            assert_eq!(parse_time(text), Ok(seconds), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "12:00", "2026-08-01T25:00:00Z"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_are_read_as_written() {
        for (text, count) in [
            ("0", 0),
            ("7", 7),
            ("250k", 250_000),
            ("1m", 1_000_000),
            ("50M", 50_000_000),
            ("2b", 2_000_000_000),
            ("50_000_000", 50_000_000),
        ] {
            assert_eq!(parse_count(text), Ok(count), "{text}");
        }
        for text in ["", "k", "1.5m", "-1", "1mm", "99999999999999999999", "99999999999g", "1 m"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
        assert!(parse_positive("0").is_err() && parse_positive("1") == Ok(1));
        assert!(parse_threads("0").is_err() && parse_threads("1025").is_err() && parse_threads("2") == Ok(2));
    }
}
