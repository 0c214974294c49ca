//! Decimal texts to minor units and back, exactly.

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// There is no text.
    #[error("amount is empty")]
    Empty,
    /// A character that is not a digit, sign or point stands at this byte.
    #[error("not a plain decimal number: unexpected character at position {at}", at = .0 + 1)]
    Character(usize),
    /// More decimals than the currency has, and not all of the rest are zeros.
    #[error("more decimals than the currency has")]
    TooManyDecimals,
    /// The amount does not fit in 64 bits of minor units.
    #[error("amount is too large")]
    TooLarge,
}

/// Reads a decimal number of major units (`-12.30`) into minor units of a currency with `exponent`
/// decimals. A leading `+` or `-` is allowed; group separators, blanks and exponents are not.
///
/// # Errors
/// [`DecimalError`] tells what is wrong and where. Nothing is rounded.
pub fn parse_decimal(text: &[u8], exponent: u8) -> Result<i64, DecimalError> {
    let (negative, start) = sign(text)?;
    let mut value: i64 = 0;
    let mut digits = 0_usize;
    let mut point: Option<usize> = None;
    let mut decimals = 0_u8;
    for (at, &byte) in text.iter().enumerate().skip(start) {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                if point.is_some() {
                    if decimals == exponent {
                        if byte != b'0' {
                            return Err(check_rest(text, at));
                        }
                        continue;
                    }
                    decimals += 1;
                }
                value = push_digit(value, byte)?;
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return Err(DecimalError::Character(at)),
        }
    }
    if digits == 0 {
        return Err(DecimalError::Empty);
    }
    for _ in decimals..exponent {
        value = value.checked_mul(10).ok_or(DecimalError::TooLarge)?;
    }
    apply_sign(value, negative)
}

/// Reads a whole number of minor units (`-1230`).
///
/// # Errors
/// [`DecimalError`] tells what is wrong and where.
pub fn parse_minor(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, start) = sign(text)?;
    if start == text.len() {
        return Err(DecimalError::Empty);
    }
    let mut value: i64 = 0;
    for (at, &byte) in text.iter().enumerate().skip(start) {
        if !byte.is_ascii_digit() {
            return Err(DecimalError::Character(at));
        }
        value = push_digit(value, byte)?;
    }
    apply_sign(value, negative)
}

fn sign(text: &[u8]) -> Result<(bool, usize), DecimalError> {
    match text.first() {
        None => Err(DecimalError::Empty),
        Some(b'-') => Ok((true, 1)),
        Some(b'+') => Ok((false, 1)),
        Some(_) => Ok((false, 0)),
    }
}

// Digits are gathered as a negative number, because i64 reaches one further on that side.
fn push_digit(value: i64, byte: u8) -> Result<i64, DecimalError> {
    value.checked_mul(10).and_then(|v| v.checked_sub(i64::from(byte - b'0'))).ok_or(DecimalError::TooLarge)
}

fn apply_sign(value: i64, negative: bool) -> Result<i64, DecimalError> {
    if negative { Ok(value) } else { value.checked_neg().ok_or(DecimalError::TooLarge) }
}

// A surplus decimal is only the fault when the rest of the text is a number at all.
fn check_rest(text: &[u8], from: usize) -> DecimalError {
    match text[from..].iter().position(|b| !b.is_ascii_digit()) {
        Some(at) => DecimalError::Character(from + at),
        None => DecimalError::TooManyDecimals,
    }
}

/// Writes minor units as a decimal number of major units, always with all decimals.
#[must_use]
pub fn format_minor(minor: i64, exponent: u8) -> String {
    format_sum(i128::from(minor), exponent)
}

/// Writes a sum of minor units as a decimal number of major units, always with all decimals.
#[must_use]
pub fn format_sum(minor: i128, exponent: u8) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = minor.unsigned_abs().to_string();
    let decimals = usize::from(exponent);
    if decimals == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, part) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_table() {
        use DecimalError::{Character, Empty, TooLarge, TooManyDecimals};
        for (text, exponent, want) in [
            ("0", 2, Ok(0)),
            ("12.30", 2, Ok(1230)),
            ("12.3", 2, Ok(1230)),
            ("12", 2, Ok(1200)),
            ("-12.30", 2, Ok(-1230)),
            ("+12.30", 2, Ok(1230)),
            (".5", 2, Ok(50)),
            ("5.", 2, Ok(500)),
            ("12.3000", 2, Ok(1230)),
            ("12.301", 2, Err(TooManyDecimals)),
            ("12.30x", 2, Err(Character(5))),
            ("12.345x", 2, Err(Character(6))),
            ("1,234.5", 2, Err(Character(1))),
            ("1.2.3", 2, Err(Character(3))),
            (" 1", 2, Err(Character(0))),
            ("1e3", 2, Err(Character(1))),
            ("", 2, Err(Empty)),
            ("-", 2, Err(Empty)),
            (".", 2, Err(Empty)),
            ("100", 0, Ok(100)),
            ("100.0", 0, Ok(100)),
            ("100.1", 0, Err(TooManyDecimals)),
            ("1.234", 3, Ok(1234)),
            ("1.2345", 4, Ok(12345)),
            ("92233720368547758.07", 2, Ok(i64::MAX)),
            ("-92233720368547758.08", 2, Ok(i64::MIN)),
            ("92233720368547758.08", 2, Err(TooLarge)),
            ("99999999999999999999", 0, Err(TooLarge)),
        ] {
            assert_eq!(parse_decimal(text.as_bytes(), exponent), want, "{text} with {exponent}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(minor in any::<i64>(), exponent in 0_u8..=4) {
            prop_assert_eq!(parse_decimal(format_minor(minor, exponent).as_bytes(), exponent), Ok(minor));
            prop_assert_eq!(parse_minor(minor.to_string().as_bytes()), Ok(minor));
        }

        #[test]
        fn no_bytes_panic(text in proptest::collection::vec(any::<u8>(), 0..40), exponent in 0_u8..=4) {
            let _ = parse_decimal(&text, exponent);
            let _ = parse_minor(&text);
        }
    }
}
