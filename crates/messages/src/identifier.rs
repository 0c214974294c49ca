//! Identifiers of the field: what can be told from the text alone.

/// Says whether the last digit of a card number is its Luhn check digit (ISO/IEC 7812-1, annex B).
///
/// `digits` holds ASCII digits only, at least two; anything else is not valid.
#[must_use]
pub fn luhn_is_valid(digits: &str) -> bool {
    let mut sum = 0_u32;
    for (place, byte) in digits.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        let digit = u32::from(byte - b'0');
        let doubled = if place % 2 == 1 { digit * 2 } else { digit };
        sum += if doubled > 9 { doubled - 9 } else { doubled };
    }
    digits.len() >= 2 && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_checked() {
        assert!(luhn_is_valid("6225881414207430"));
        assert!(!luhn_is_valid("6225881414207431"));
        assert!(!luhn_is_valid(""));
        assert!(!luhn_is_valid("0"));
    }
}
