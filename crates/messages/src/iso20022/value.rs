//! Values of elements: texts with their limits, amounts, numbers, dates.

use super::part::{Check, Part, Sink};
use super::source::{Halt, Source, Tag, is_xml};
use crate::identifier;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use rust_decimal::Decimal;
use std::ops::Deref;
use suanpan_money::Currency;

/// A text of one to `MAX` characters. Blanks at either end are not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<const MAX: usize>(String);

/// Tells what no text may be, whatever its length.
fn check_text(text: &str, check: &mut Check) {
    if text.is_empty() {
        check.tell("is empty");
    }
    if text.trim_ascii().len() != text.len() {
        check.tell("has blanks at its beginning or end");
    }
    if let Some(wrong) = text.chars().find(|c| !is_xml(*c)) {
        check.tell(format!("has the character {}, which XML does not allow", wrong.escape_unicode()));
    }
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident $([$max:ident])?, |$random:ident| $any:expr, |$text:ident, $check:ident| $body:block)*) => {$(
        impl$(<const $max: usize>)? $name$(<$max>)? {
            /// Makes it of a text, which is checked when it is written.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
        }

        impl$(<const $max: usize>)? Deref for $name$(<$max>)? {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl$(<const $max: usize>)? From<&str> for $name$(<$max>)? {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl$(<const $max: usize>)? std::fmt::Display for $name$(<$max>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl$(<const $max: usize>)? Part for $name$(<$max>)? {
            fn read(_: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
                source.content().map(Self)
            }

            fn of_text(text: &str) -> Option<Self> {
                Some(Self::new(text))
            }

            fn write(&self, name: &str, sink: &mut Sink) {
                sink.element(name, |sink| sink.text(&self.0));
            }

            fn check(&self, $check: &mut Check) {
                let $text: &str = &self.0;
                check_text($text, $check);
                $check.text($text);
                $body
            }

            #[cfg(test)]
            fn any($random: &mut super::tests::Random) -> Self {
                Self::new($any)
            }
        }
    )*};
}

macro_rules! shaped {
    ($($(#[$meta:meta])* $name:ident = $what:literal, [$($example:literal),*], |$text:ident| $test:expr;)*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq, Eq, Default)]
            pub struct $name(String);
        )*
        texts! {$(
            $name, |random| random.one_of(&[$($example),*]), |$text, check| {
                if !$text.is_empty() && !$test {
                    check.tell(format!("is not {}: `{}`", $what, $text.escape_debug()));
                }
            }
        )*}
    };
}

texts! {
    Text[MAX], |random| random.text(MAX), |text, check| {
        let length = text.chars().count();
        if length > MAX {
            check.tell(format!("has {length} characters, of at most {MAX}"));
        }
    }
}

shaped! {
    /// A Business Identifier Code.
    Bic = "a BIC", ["DEUTDEFF", "AAAAGB2LXXX"], |text| identifier::bic_has_shape(text);
    /// An International Bank Account Number, without blanks.
    Iban = "an IBAN", ["DE89370400440532013000", "GB82WEST12345698765432"], |text| identifier::iban_is_valid(text) && !text.contains(' ');
    /// A Unique End-to-end Transaction Reference.
    Uetr = "a UUID of version 4 in small letters", ["97ed4827-7b6f-4491-a06f-b548d5a7512d"], |text| identifier::uetr_is_valid(text);
    /// The two letters of a country.
    Country = "two capitals", ["CN", "DE"], |text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    /// The three letters of a currency, where there is no amount.
    CurrencyCode = "a currency of ISO 4217", ["CNY", "JPY"],
        |text| text.bytes().all(|b| b.is_ascii_uppercase()) && Currency::parse(text).is_some();
    /// Who bears the charges.
    ChargeBearer = "one of DEBT, CRED, SHAR, SLEV", ["DEBT", "SLEV"], |text| matches!(text, "DEBT" | "CRED" | "SHAR" | "SLEV");
    /// How a payment is settled.
    SettlementMethod = "one of INDA, INGA, COVE, CLRG", ["INDA", "CLRG"], |text| matches!(text, "INDA" | "INGA" | "COVE" | "CLRG");
    /// How a customer's order is paid.
    PaymentMethod = "one of CHK, TRF, TRA, DD", ["TRF"], |text| matches!(text, "CHK" | "TRF" | "TRA" | "DD");
    /// How urgent an instruction is.
    Priority = "one of URGT, HIGH, NORM", ["HIGH", "NORM"], |text| matches!(text, "URGT" | "HIGH" | "NORM");
    /// Whether an amount is owed or due.
    Side = "CRDT or DBIT", ["CRDT", "DBIT"], |text| matches!(text, "CRDT" | "DBIT");
}

/// A Legal Entity Identifier. One of the right shape whose check digits do not follow is doubtful: systems
/// that only know the shape pass it on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lei(String);

texts! {
    Lei, |random| random.one_of(&["5493001KJTIIGC8Y1R12"]), |text, check| {
        let (body, digits) = text.split_at_checked(18).unwrap_or((text, ""));
        let shaped = digits.len() == 2
            && digits.bytes().all(|b| b.is_ascii_digit())
            && body.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !shaped && !text.is_empty() {
            check.tell(format!("is not a LEI: `{}`", text.escape_debug()));
        } else if shaped && !identifier::lei_is_valid(text) {
            check.doubt(format!("is a LEI whose check digits do not follow: `{text}`"));
        }
    }
}

/// An amount with its currency. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Major units.
    pub value: Decimal,
    /// The currency.
    pub currency: Currency,
}

impl Amount {
    /// Makes an amount.
    #[must_use]
    pub const fn new(value: Decimal, currency: Currency) -> Amount {
        Amount { value, currency }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.value, self.currency)
    }
}

impl Part for Amount {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        let start = source.tag_start();
        let code = tag.attribute("Ccy").unwrap_or_default();
        let value = source.value(tag, decimal)?;
        let known = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
        match Currency::parse(code).filter(|_| known) {
            Some(currency) => Ok(Amount { value, currency }),
            None => Err(source.fault(start, tag, "has no currency of ISO 4217", code)),
        }
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element_with(name, &[("Ccy", self.currency.code())], |sink| sink.text(&self.value.to_string()));
    }

    fn check(&self, check: &mut Check) {
        if self.value.is_sign_negative() {
            check.tell(format!("is negative: {self}"));
        }
        check_digits(self.value, 18, 5, check);
        // ISO 20022 CurrencyAmount: no more decimals than ISO 4217 gives the currency. Zeros do not count.
        if self.value.normalize().scale() > u32::from(self.currency.exponent()) {
            check.tell(format!("has more decimals than {} has: {}", self.currency, self.value));
        }
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        let code = random.one_of(&["CNY", "EUR", "JPY", "KWD", "USD"]);
        let currency = Currency::parse(code).expect("a currency");
        let minor = i64::try_from(random.below(1 << 40)).expect("forty bits");
        Amount { value: Decimal::new(minor, u32::from(currency.exponent())), currency }
    }
}

fn check_digits(value: Decimal, total: u32, fraction: u32, check: &mut Check) {
    let digits = value.mantissa().unsigned_abs().checked_ilog10().map_or(1, |digits| digits + 1);
    if digits.max(value.scale()) > total {
        check.tell(format!("has more than {total} digits: {value}"));
    }
    if value.scale() > fraction {
        check.tell(format!("has more than {fraction} decimals: {value}"));
    }
}

/// Reads a decimal of XML Schema: digits with a point, without exponent.
fn decimal(text: &str) -> Result<Decimal, &'static str> {
    const WRONG: &str = "is not a decimal number";
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().filter(|b| *b == b'.').count() <= 1;
    if !plain {
        return Err(WRONG);
    }
    if digits.len() > 40 {
        return Err("has more digits than an amount can have");
    }
    let point = text.strip_suffix('.').unwrap_or(text);
    let value = Decimal::from_str_exact(point).map_err(|_| "has more digits than an amount can have")?;
    Ok(if value.is_zero() { value.abs() } else { value })
}

impl Part for Decimal {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        source.value(tag, decimal)
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| sink.text(&self.to_string()));
    }

    fn check(&self, check: &mut Check) {
        check_digits(*self, 18, 17, check);
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        let scale = u32::try_from(random.below(10)).expect("small");
        Decimal::new(i64::try_from(random.below(1 << 40)).expect("forty bits"), scale)
    }
}

impl Part for u64 {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        source.value(tag, |text| {
            let digits = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| digits).ok_or("is not a number of one to fifteen digits")
        })
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| sink.text(&self.to_string()));
    }

    fn check(&self, check: &mut Check) {
        if *self > 999_999_999_999_999 {
            check.tell(format!("has more than fifteen digits: {self}"));
        }
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        random.below(1 << 40) as u64
    }
}

impl Part for bool {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        source.value(tag, |text| match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("is neither true nor false"),
        })
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| sink.text(if *self { "true" } else { "false" }));
    }

    fn check(&self, _: &mut Check) {}

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        random.below(2) == 0
    }
}

/// Reads a date of XML Schema. Where it names a distance from UTC, that is left out: it is a day of business.
fn date(text: &str) -> Result<Date, &'static str> {
    const WRONG: &str = "is not a date";
    let (day, zone) = text.split_at_checked(10).ok_or(WRONG)?;
    let shaped = day.bytes().enumerate().all(|(at, b)| match at {
        4 | 7 => b == b'-',
        _ => b.is_ascii_digit(),
    });
    if !shaped || (!zone.is_empty() && offset(zone).is_none()) {
        return Err(WRONG);
    }
    day.parse().map_err(|_| WRONG)
}

/// Reads `Z`, `+01:00`.
fn offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let two = |text: &str| -> Option<i32> {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    // XML Schema goes to fourteen hours.
    let wide = hours < 14 || (hours == 14 && minutes == 0);
    (wide && minutes < 60).then(|| Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok())?
}

impl Part for Date {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        source.value(tag, date)
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| sink.text(&self.to_string()));
    }

    fn check(&self, check: &mut Check) {
        if self.year() < 1 {
            check.tell(format!("is before the year 1: {self}"));
        }
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        random.day()
    }
}

/// A date with a time, and its distance from UTC where it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The date and time as they are written.
    pub local: DateTime,
    /// Their distance from UTC.
    pub offset: Option<Offset>,
}

impl Moment {
    /// Reads a date with a time of XML Schema: `2010-10-18T12:30:00+01:00`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Moment, &'static str> {
        const WRONG: &str = "is not a date with a time";
        let (day, rest) = text.split_at_checked(10).ok_or(WRONG)?;
        let rest = rest.strip_prefix('T').ok_or(WRONG)?;
        let (clock, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
        let offset = if zone.is_empty() { None } else { Some(offset(zone).ok_or(WRONG)?) };
        let local = date(day).map_err(|_| WRONG)?.to_datetime(time(clock).ok_or(WRONG)?);
        Ok(Moment { local, offset })
    }
}

/// Reads `12:30:00` with or without decimals of a second, of which nine count.
fn time(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let shaped = clock.len() == 8
        && clock
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 2 || at == 5 { b == b':' } else { b.is_ascii_digit() })
        && !fraction.is_empty()
        && fraction.len() <= 9
        && fraction.bytes().all(|b| b.is_ascii_digit());
    if !shaped {
        return None;
    }
    let part = |from: usize| clock.get(from..from + 2)?.parse::<i8>().ok();
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Time::new(part(0)?, part(3)?, part(6)?, nanoseconds).ok()
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.local)?;
        match self.offset {
            None => Ok(()),
            Some(offset) if offset == Offset::UTC => f.write_str("Z"),
            Some(offset) => {
                let minutes = offset.seconds().unsigned_abs() / 60;
                let sign = if offset.seconds() < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl Part for Moment {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        source.value(tag, Moment::parse)
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| sink.text(&self.to_string()));
    }

    fn check(&self, check: &mut Check) {
        if self.local.year() < 1 {
            check.tell(format!("is before the year 1: {self}"));
        }
        // What XML Schema can say: whole minutes up to fourteen hours.
        if self.offset.is_some_and(|o| o.seconds() % 60 != 0 || o.seconds().abs() > 14 * 3_600) {
            check.tell(format!("has a distance from UTC that cannot be written: {self}"));
        }
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        let nanoseconds = i32::try_from(random.below(1_000) * 1_000_000).expect("below a second");
        let clock = |most: usize, random: &mut super::tests::Random| random.below(most) as i8;
        let time = Time::new(clock(24, random), clock(60, random), clock(60, random), nanoseconds);
        let minutes = i32::try_from(random.below(1_681)).expect("small") - 840;
        Moment {
            local: random.day().to_datetime(time.expect("a time")),
            offset: (random.below(3) > 0).then(|| Offset::from_seconds(minutes * 60).expect("an offset")),
        }
    }
}
