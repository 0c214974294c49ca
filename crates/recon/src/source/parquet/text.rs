//! Parquet values as text, exactly.

use super::{Fail, Refusal};
use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use ::parquet::schema::types::ColumnDescriptor;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The bytes are the text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Signed,
    /// A whole number whose 32 bits are unsigned.
    Unsigned32,
    /// A whole number whose 64 bits are unsigned.
    Unsigned64,
    /// A whole number with this many decimals.
    Decimal(u8),
    /// Days since 1970-01-01.
    Date,
    /// Units since 1970-01-01T00:00:00.
    Timestamp {
        /// Decimals of a second in a unit: 3, 6 or 9.
        decimals: u8,
        /// Whether the time is of UTC, written with `Z`. Without it the zone is the rule's to say.
        utc: bool,
    },
}

/// Decimals that a text may have. An `i128` has 39 digits; more decimals than that are no money.
const SCALE_MAX: i32 = 38;

const CAST: &str = "cast the column to text or DECIMAL where the file is written";

impl Kind {
    /// Tells how a column is written, or why it cannot be.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Kind, Refusal> {
        let physical = column.physical_type();
        let refuse = |kind: String, advice| Err(Refusal { kind, advice });
        if column.max_rep_level() > 0 {
            return refuse(
                "a list or map".to_owned(),
                "unnest it where the file is written: one row per value",
            );
        }
        if let Some(logical) = column.logical_type_ref() {
            let kind = match (logical, physical) {
                (LogicalType::String | LogicalType::Enum | LogicalType::Json, Physical::BYTE_ARRAY) => {
                    Kind::Text
                }
                (LogicalType::Decimal(decimal), _) => return decimal_kind(physical, decimal.scale),
                (LogicalType::Date, Physical::INT32) => Kind::Date,
                (LogicalType::Integer(int), Physical::INT32) if !int.is_signed => Kind::Unsigned32,
                (LogicalType::Integer(int), Physical::INT64) if !int.is_signed => Kind::Unsigned64,
                (LogicalType::Integer(_), Physical::INT32 | Physical::INT64) => Kind::Signed,
                (LogicalType::Timestamp(timestamp), Physical::INT64) => Kind::Timestamp {
                    decimals: match timestamp.unit {
                        TimeUnit::MILLIS => 3,
                        TimeUnit::MICROS => 6,
                        TimeUnit::NANOS => 9,
                    },
                    utc: timestamp.is_adjusted_to_u_t_c,
                },
                // A column of nothing but nulls.
                (LogicalType::Unknown, Physical::INT32 | Physical::INT64) => Kind::Signed,
                (other, _) => return refuse(format!("{other:?}"), CAST),
            };
            return Ok(kind);
        }
        match (column.converted_type(), physical) {
            (ConvertedType::DECIMAL, _) => decimal_kind(physical, column.type_scale()),
            (ConvertedType::DATE, Physical::INT32) => Ok(Kind::Date),
            (ConvertedType::TIMESTAMP_MILLIS, Physical::INT64) => {
                Ok(Kind::Timestamp { decimals: 3, utc: true })
            }
            (ConvertedType::TIMESTAMP_MICROS, Physical::INT64) => {
                Ok(Kind::Timestamp { decimals: 6, utc: true })
            }
            (ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32, Physical::INT32) => {
                Ok(Kind::Unsigned32)
            }
            (ConvertedType::UINT_64, Physical::INT64) => Ok(Kind::Unsigned64),
            (
                ConvertedType::NONE
                | ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::INT_64,
                Physical::INT32 | Physical::INT64,
            ) => Ok(Kind::Signed),
            (
                ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON,
                Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY,
            ) => Ok(Kind::Text),
            (ConvertedType::NONE, Physical::BOOLEAN) => Ok(Kind::Boolean),
            (_, Physical::FLOAT | Physical::DOUBLE) => refuse(
                physical.to_string(),
                "money must not be a float: cast it to DECIMAL(18, 2) or text where the file is written",
            ),
            (_, Physical::INT96) => {
                refuse("INT96".to_owned(), "write the time as TIMESTAMP(MICROS), which replaced INT96")
            }
            (other, _) => refuse(other.to_string(), CAST),
        }
    }

    /// Says whether the bytes of a BYTE_ARRAY value are its text.
    #[inline]
    pub(super) fn is_verbatim(self) -> bool {
        !matches!(self, Kind::Decimal(_))
    }

    /// Returns the decimals of whole numbers that are written by [`write_decimal`].
    pub(super) fn decimals(self) -> Option<u8> {
        match self {
            Kind::Decimal(scale) => Some(scale),
            Kind::Signed => Some(0),
            _ => None,
        }
    }

    /// Writes an INT32 or INT64 value.
    #[inline(always)]
    pub(super) fn write_int(self, value: i64, out: &mut Vec<u8>) {
        match self {
            Kind::Decimal(scale) => write_decimal(value, scale, out),
            Kind::Unsigned32 => write_unsigned(value.cast_unsigned() & 0xFFFF_FFFF, out),
            Kind::Unsigned64 => write_unsigned(value.cast_unsigned(), out),
            Kind::Date => write_date(value, out),
            Kind::Timestamp { decimals, utc } => write_timestamp(value, decimals, utc, out),
            Kind::Signed | Kind::Text | Kind::Boolean => write_decimal(value, 0, out),
        }
    }

    /// Writes a BYTE_ARRAY or FIXED_LEN_BYTE_ARRAY value.
    #[inline]
    pub(super) fn write_bytes(self, value: &[u8], out: &mut Vec<u8>) -> Result<(), Fail> {
        match self {
            Kind::Decimal(scale) => {
                let value = big_endian(value).ok_or(Fail::Value("a decimal of more than 38 digits"))?;
                match i64::try_from(value) {
                    Ok(small) => write_decimal(small, scale, out),
                    Err(_) => write_big_decimal(value, scale, out),
                }
            }
            _ => out.extend_from_slice(value),
        }
        Ok(())
    }
}

fn decimal_kind(physical: Physical, scale: i32) -> Result<Kind, Refusal> {
    let readable = matches!(
        physical,
        Physical::INT32 | Physical::INT64 | Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY
    );
    match u8::try_from(scale) {
        Ok(small) if readable && scale <= SCALE_MAX => Ok(Kind::Decimal(small)),
        _ => Err(Refusal { kind: format!("DECIMAL of scale {scale}"), advice: CAST }),
    }
}

pub(super) fn write_bool(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Reads two's complement, the most significant byte first.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let fill = if negative { 0xFF } else { 0 };
    let surplus = bytes.len().saturating_sub(16);
    if bytes[..surplus].iter().any(|byte| *byte != fill) {
        return None;
    }
    let low = &bytes[surplus..];
    if surplus > 0 && (low[0] & 0x80 != 0) != negative {
        return None;
    }
    let mut wide = [fill; 16];
    wide[16 - low.len()..].copy_from_slice(low);
    Some(i128::from_be_bytes(wide))
}

/// Digits by twos: `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut at = 0;
    while at < 100 {
        #[expect(clippy::cast_possible_truncation, reason = "below 100")]
        let n = at as u8;
        pairs[at] = [b'0' + n / 10, b'0' + n % 10];
        at += 1;
    }
    pairs
};

/// Room for a sign, 20 digits or 39 digits, leading zeros up to [`SCALE_MAX`] and a point.
type Scratch = [u8; 48];

/// Writes the digits of `value` before `end`, at least `digits_min` of them, and returns their start.
#[inline]
fn digits_before(scratch: &mut Scratch, end: usize, mut value: u64, digits_min: usize) -> usize {
    let mut at = end;
    while value >= 100 {
        at -= 2;
        scratch[at..at + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    if value >= 10 {
        at -= 2;
        scratch[at..at + 2].copy_from_slice(&PAIRS[value as usize]);
    } else if value > 0 {
        at -= 1;
        scratch[at] = PAIRS[value as usize][1];
    }
    while end - at < digits_min {
        at -= 1;
        scratch[at] = b'0';
    }
    at
}

fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    let mut scratch = [0; 48];
    let at = digits_before(&mut scratch, 48, value, 1);
    out.extend_from_slice(&scratch[at..]);
}

const TENS: [u64; 20] = {
    let mut tens = [1; 20];
    let mut at = 1;
    while at < 20 {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

/// Writes `value` with `scale` decimals: `-12.30`.
#[inline(always)]
pub(super) fn write_decimal(value: i64, scale: u8, out: &mut Vec<u8>) {
    let magnitude = value.unsigned_abs();
    if scale > 2 || magnitude >= SMALL {
        return write_any_decimal(value, scale, out);
    }
    let mut scratch = if scale == 0 { [b'0'; 16] } else { [b'.'; 16] };
    let mut at = 16;
    let mut whole = magnitude;
    if scale == 2 {
        scratch[14..].copy_from_slice(&PAIRS[(whole % 100) as usize]);
        whole /= 100;
        at = 13;
    } else if scale == 1 {
        scratch[15] = PAIRS[(whole % 10) as usize][1];
        whole /= 10;
        at = 14;
    }
    while whole >= 100 {
        at -= 2;
        scratch[at..at + 2].copy_from_slice(&PAIRS[(whole % 100) as usize]);
        whole /= 100;
    }
    at -= 2;
    scratch[at..at + 2].copy_from_slice(&PAIRS[whole as usize]);
    at += usize::from(whole < 10);
    if value < 0 {
        at -= 1;
        scratch[at] = b'-';
    }
    // Shifted to the front, so that the copy has a fixed length.
    #[expect(clippy::cast_possible_truncation, reason = "at most 16")]
    let text = (u128::from_le_bytes(scratch) >> (at as u32 * 8)).to_le_bytes();
    let end = out.len() + 16 - at;
    out.extend_from_slice(&text);
    out.truncate(end);
}

/// Numbers below this are written in 16 bytes: 12 digits in pairs, a point and a sign.
const SMALL: u64 = 1_000_000_000_000;

/// As [`write_decimal`] for any scale and number.
#[inline(never)]
fn write_any_decimal(value: i64, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    let Some(ten) = TENS.get(scale) else { return write_big_decimal(value.into(), scale_of(scale), out) };
    let mut scratch = [0; 48];
    let magnitude = value.unsigned_abs();
    let mut at = if scale == 0 {
        digits_before(&mut scratch, 48, magnitude, 1)
    } else {
        let point = digits_before(&mut scratch, 48, magnitude % ten, scale) - 1;
        scratch[point] = b'.';
        digits_before(&mut scratch, point, magnitude / ten, 1)
    };
    if value < 0 {
        at -= 1;
        scratch[at] = b'-';
    }
    out.extend_from_slice(&scratch[at..]);
}

fn scale_of(scale: usize) -> u8 {
    u8::try_from(scale).expect("a scale of at most 38")
}

/// As [`write_decimal`] for values beyond 64 bits or scales beyond 19: rare, so plain.
fn write_big_decimal(value: i128, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    if value < 0 {
        out.push(b'-');
    }
    let (whole, fraction) = digits.as_bytes().split_at(digits.len() - scale);
    out.extend_from_slice(whole);
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

/// Writes a day of the proleptic Gregorian calendar, counted from 1970-01-01.
fn write_date(days: i64, out: &mut Vec<u8>) {
    // "Days to civil", H. Hinnant: years begin in March, so that the leap day comes last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if year < 0 {
        out.push(b'-');
    }
    write_padded(year.unsigned_abs(), 4, out);
    out.push(b'-');
    write_padded(month.unsigned_abs(), 2, out);
    out.push(b'-');
    write_padded(day.unsigned_abs(), 2, out);
}

fn write_timestamp(value: i64, decimals: u8, utc: bool, out: &mut Vec<u8>) {
    let per_second = i64::try_from(TENS[usize::from(decimals)]).expect("at most 10^9");
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400).unsigned_abs());
    write_date(day, out);
    out.push(b'T');
    for (at, part) in [second / 3_600, second / 60 % 60, second % 60].into_iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        write_padded(part, 2, out);
    }
    if fraction != 0 {
        out.push(b'.');
        write_padded(fraction.unsigned_abs(), usize::from(decimals), out);
        // One instant has one text, whichever unit it was stored in.
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    if utc {
        out.push(b'Z');
    }
}

fn write_padded(value: u64, digits_min: usize, out: &mut Vec<u8>) {
    let mut scratch = [0; 48];
    let at = digits_before(&mut scratch, 48, value, digits_min);
    out.extend_from_slice(&scratch[at..]);
}
