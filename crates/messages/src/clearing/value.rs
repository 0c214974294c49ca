//! The kinds of values that stand in these messages.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use std::fmt;
use suanpan_money::{Timestamp, format_minor, parse_decimal};

/// Characters of a text; names of persons are the longest.
const TEXT_CHARS_MAX: usize = 200;
/// The zone of all times: China has no summer time.
const CHINA_HOURS: i8 = 8;
/// All amounts are of this currency.
const CURRENCY: &str = "CNY";
const CURRENCY_EXPONENT: u8 = 2;

/// A value that is missing, or not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{path} {what}")]
pub struct ValueError {
    /// The element.
    pub path: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
}

/// A value of a message. What is optional is left out where it is none.
pub(super) trait Value: Sized {
    fn text(&self) -> Option<String>;
    fn parse(text: Option<&str>) -> Result<Self, &'static str>;
}

impl Value for String {
    fn text(&self) -> Option<String> {
        Some(self.clone())
    }

    fn parse(text: Option<&str>) -> Result<String, &'static str> {
        let text = text.ok_or("is missing")?;
        if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control) {
            return Err("is too long, or has characters that cannot be shown");
        }
        Ok(text.to_owned())
    }
}

impl<T: Value> Value for Option<T> {
    fn text(&self) -> Option<String> {
        self.as_ref().and_then(Value::text)
    }

    fn parse(text: Option<&str>) -> Result<Option<T>, &'static str> {
        text.map(|text| T::parse(Some(text))).transpose()
    }
}

/// A value that is never shown: the number of an account, of a person, a code.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Value for Secret {
    fn text(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn parse(text: Option<&str>) -> Result<Secret, &'static str> {
        String::parse(text).map(Secret)
    }
}

/// An amount in yuan: `CNY1.00`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Money {
    /// How much, in fen.
    pub minor: u64,
}

impl Value for Money {
    fn text(&self) -> Option<String> {
        let minor = i64::try_from(self.minor).unwrap_or(i64::MAX);
        Some(format!("{CURRENCY}{}", format_minor(minor, CURRENCY_EXPONENT)))
    }

    fn parse(text: Option<&str>) -> Result<Money, &'static str> {
        let text = text.ok_or("is missing")?;
        let digits = text.strip_prefix(CURRENCY).ok_or("is no amount of CNY")?;
        // Two places always, and leading zeros as some traces have them.
        let (whole, part) = digits.split_once('.').ok_or("is no amount of CNY")?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 20 || part.len() != 2 || !plain(whole) || !plain(part) {
            return Err("is no amount of CNY");
        }
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let minor = parse_decimal(format!("{whole}.{part}").as_bytes(), CURRENCY_EXPONENT);
        let minor = minor.ok().and_then(|minor| u64::try_from(minor).ok());
        minor.map(|minor| Money { minor }).ok_or("is no amount of CNY")
    }
}

/// A moment to the second, on the clocks of China: `2018-07-12T14:12:11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChinaTime(pub Timestamp);

impl ChinaTime {
    fn civil(self) -> Option<DateTime> {
        let moment = jiff::Timestamp::from_second(self.0.seconds()).ok()?;
        Some(Offset::constant(CHINA_HOURS).to_datetime(moment))
    }
}

impl Value for ChinaTime {
    fn text(&self) -> Option<String> {
        Some(self.civil()?.strftime("%Y-%m-%dT%H:%M:%S").to_string())
    }

    fn parse(text: Option<&str>) -> Result<ChinaTime, &'static str> {
        let text = text.ok_or("is missing")?;
        let wrong = "is no time to the second";
        let civil = DateTime::strptime("%Y-%m-%dT%H:%M:%S", text).map_err(|_| wrong)?;
        let moment = Offset::constant(CHINA_HOURS).to_timestamp(civil).map_err(|_| wrong)?;
        let time = ChinaTime(Timestamp::from_seconds(moment.as_second()));
        if time.text().as_deref() == Some(text) { Ok(time) } else { Err(wrong) }
    }
}

/// A batch of clearing: `B`, the date in China, and a number of four digits that begins at 1 with each day. How many
/// batches a day has is agreed with the network; each is as long as the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    date: Date,
    number: u16,
}

impl BatchId {
    /// Returns the batch into which a moment falls, of so many a day; at least one.
    #[must_use]
    pub fn of(moment: Timestamp, per_day: u16) -> Option<BatchId> {
        let civil = ChinaTime(moment).civil()?;
        let time = civil.time();
        let second =
            i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        let number = 1 + second * i64::from(per_day.max(1)) / 86_400;
        Some(BatchId { date: civil.date(), number: u16::try_from(number).ok()? })
    }

    /// Reads one.
    #[must_use]
    pub fn read(text: &str) -> Option<BatchId> {
        let digits = text.strip_prefix('B').filter(|rest| rest.len() == 12)?;
        let (date, number) = digits.split_at_checked(8)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let date = Date::strptime("%Y%m%d", date).ok().filter(|_| plain)?;
        number.parse().ok().filter(|number| *number > 0).map(|number| BatchId { date, number })
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B{}{:04}", self.date.strftime("%Y%m%d"), self.number)
    }
}

impl Value for BatchId {
    fn text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn parse(text: Option<&str>) -> Result<BatchId, &'static str> {
        BatchId::read(text.ok_or("is missing")?).ok_or("is no batch")
    }
}

impl Value for u64 {
    fn text(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn parse(text: Option<&str>) -> Result<u64, &'static str> {
        let text = text.ok_or("is missing")?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| plain).ok_or("is no whole number")
    }
}
