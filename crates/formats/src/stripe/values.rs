//! Values as Stripe writes them.

use crate::record::Moment;
use crate::value;
use jiff::Timestamp;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// Reads an amount of major units. The dashboard writes a decimal comma in some languages: `12,50`.
pub(super) fn major(text: &str) -> Result<Decimal, &'static str> {
    if let Some((whole, decimals)) = text.trim().rsplit_once(',')
        && (1..=2).contains(&decimals.len())
        && !decimals.contains('.')
        && !whole.contains(',')
    {
        return value::amount(&format!("{}.{decimals}", whole.replace('.', "")));
    }
    value::amount(text)
}

/// Returns the decimals of an amount of the API. They are those of ISO 4217, but ISK and UGX are still
/// counted in hundredths, and MGA in whole units.
pub(super) fn decimals(currency: Currency) -> u32 {
    match currency.code() {
        "ISK" | "UGX" => 2,
        "MGA" => 0,
        _ => u32::from(currency.exponent()),
    }
}

/// Reads an amount of minor units.
pub(super) fn minor(text: &str, currency: Currency) -> Result<Decimal, &'static str> {
    value::implied(text, decimals(currency))
}

/// Reads a time of UTC: a date with or without a time of day, with `UTC`, `Z` or `+00:00` behind it or
/// not, or whole seconds since 1970. An empty text is none.
pub(super) fn moment(text: &str) -> Result<Option<Moment>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if (9..=11).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse().map_err(|_| "is not a time")?;
        let timestamp = Timestamp::from_second(seconds).map_err(|_| "is not a time")?;
        return Ok(Some(Moment::utc(jiff::tz::Offset::UTC.to_datetime(timestamp))));
    }
    let bare =
        ["UTC", "Z", "+00:00", "+0000", "+00"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    value::date_time(bare.trim_end()).map(|local| Some(Moment::utc(local)))
}

/// Reads a date as the day of a [`moment`].
pub(super) fn day(text: &str) -> Result<Option<jiff::civil::Date>, &'static str> {
    moment(text).map(|moment| moment.map(|moment| moment.local.date()))
}
