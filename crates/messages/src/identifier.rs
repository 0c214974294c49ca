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

/// Says whether a text is an International Bank Account Number: length and structure of its country (IBAN
/// registry) and check digits (ISO 13616). Blanks between groups of four are allowed.
#[must_use]
pub fn iban_is_valid(text: &str) -> bool {
    text.parse::<iban::Iban>().is_ok()
}

/// Says whether a text has the shape of a Business Identifier Code (ISO 9362): four letters or digits, a
/// country, two and possibly three more letters or digits. There is no check digit.
#[must_use]
pub fn bic_has_shape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let capital = |b: &u8| b.is_ascii_uppercase();
    let either = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    matches!(bytes.len(), 8 | 11)
        && bytes[..4].iter().all(either)
        && bytes[4..6].iter().all(capital)
        && bytes[6..].iter().all(either)
}

/// Says whether a text is a Legal Entity Identifier (ISO 17442): eighteen letters or digits and two check
/// digits of ISO 7064 mod 97-10.
#[must_use]
pub fn lei_is_valid(text: &str) -> bool {
    let shaped = text.len() == 20
        && text.bytes().take(18).all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && text.bytes().skip(18).all(|b| b.is_ascii_digit());
    shaped && mod_97(text) == 1
}

/// Reads letters as 10 to 35 and returns the whole number modulo 97.
fn mod_97(text: &str) -> u32 {
    text.bytes().fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        other => (rest * 100 + u32::from(other.to_ascii_uppercase() - b'A') + 10) % 97,
    })
}

/// Says whether a text is a Unique End-to-end Transaction Reference: a UUID of version 4 in small letters.
#[must_use]
pub fn uetr_is_valid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// Says whether a text is a routing number of the American Bankers Association: nine digits, of which the
/// last follows from weights 3, 7, 1.
#[must_use]
pub fn routing_number_is_valid(text: &str) -> bool {
    let weights = [3, 7, 1, 3, 7, 1, 3, 7, 1];
    let sum: u32 =
        text.bytes().zip(weights).map(|(byte, weight)| u32::from(byte.wrapping_sub(b'0')) * weight).sum();
    text.len() == 9 && text.bytes().all(|b| b.is_ascii_digit()) && sum.is_multiple_of(10)
}

/// Says whether a text has the shape of a bank number of the Chinese clearing system (联行号): twelve digits.
/// How its last digit follows is not public, so only a directory can tell more.
#[must_use]
pub fn cnaps_has_shape(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// What the text of a unified social credit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditCode {
    /// Its check character follows.
    Valid,
    /// Its check character does not follow. Some companies are known that have such a code, so this is a reason
    /// to ask and not to refuse.
    Doubtful,
    /// It does not have the shape: eighteen of the 31 characters.
    Malformed,
}

/// The characters of the code: digits and letters without I, O, S, V, Z.
const CREDIT_CODE: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Tells whether a text is a unified social credit code (统一社会信用代码, GB 32100-2015).
#[must_use]
pub fn credit_code(text: &str) -> CreditCode {
    let mut values = [0_usize; 18];
    if text.len() != 18 {
        return CreditCode::Malformed;
    }
    for (value, byte) in values.iter_mut().zip(text.bytes()) {
        match CREDIT_CODE.iter().position(|character| *character == byte) {
            Some(place) => *value = place,
            None => return CreditCode::Malformed,
        }
    }
    let mut weight = 1;
    let mut sum = 0;
    for value in &values[..17] {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    // A sum that 31 divides gives 0, not 31: there is no such character.
    if (31 - sum % 31) % 31 == values[17] { CreditCode::Valid } else { CreditCode::Doubtful }
}

/// Returns whether a text is the number of a Chinese identity card: 17 digits, of which the seventh to fourteenth are a
/// date, and a last character that checks them (GB 11643-1999, by ISO 7064 mod 11-2).
#[must_use]
pub fn resident_id_is_valid(text: &str) -> bool {
    let Some((digits, check)) = text.split_at_checked(17).filter(|(_, check)| check.len() == 1) else {
        return false;
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit())
        || jiff::civil::Date::strptime("%Y%m%d", &digits[6..14]).is_err()
    {
        return false;
    }
    let sum = digits.bytes().fold(0_u32, |sum, byte| (sum + u32::from(byte - b'0')) * 2 % 11);
    let wanted = (12 - sum) % 11;
    let given = if check == "X" { Some(10) } else { check.parse().ok() };
    given == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_cards_are_checked() {
        // The number that GB 11643-1999 has for an example.
        assert!(resident_id_is_valid("11010519491231002X"));
        for wrong in
            ["110105194912310021", "11010519491331002X", "1101051949123100", "", "11010519491231002x"]
        {
            assert!(!resident_id_is_valid(wrong), "{wrong}");
        }
        assert!(resident_id_is_valid("440524188001010014"));
    }

    #[test]
    fn card_numbers_are_checked() {
        assert!(luhn_is_valid("6225881414207430"));
        assert!(!luhn_is_valid("6225881414207431"));
        assert!(!luhn_is_valid(""));
        assert!(!luhn_is_valid("0"));
    }

    #[test]
    fn account_numbers_are_checked() {
        for iban in [
            "GB82WEST12345698765432",
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "SA0380000000608010167519",
        ] {
            assert!(iban_is_valid(iban), "{iban}");
        }
        assert!(!iban_is_valid("DE89370400440532013001") && !iban_is_valid("DE8937040044053201300"));
        assert!(routing_number_is_valid("021000021") && !routing_number_is_valid("021000022"));
        assert!(cnaps_has_shape("102100099996") && !cnaps_has_shape("10210009999X"));
    }

    #[test]
    fn institutions_are_checked() {
        assert!(bic_has_shape("DEUTDEFF") && bic_has_shape("DEUTDEFFXXX"));
        for wrong in ["DEUTDEF", "DEUT1EFF", "deutdeff", "DEUTDEFFXX"] {
            assert!(!bic_has_shape(wrong), "{wrong}");
        }
        for lei in ["2594007XIACKNMUAW223", "5493001KJTIIGC8Y1R12", "969500KSV493XWY0PS33"] {
            assert!(lei_is_valid(lei), "{lei}");
        }
        assert!(!lei_is_valid("2594007XIACKNMUAW222"));
    }

    #[test]
    fn credit_codes_are_told_apart() {
        for valid in ["91110000101623741K", "911101066976941872"] {
            assert_eq!(credit_code(valid), CreditCode::Valid, "{valid}");
        }
        for doubtful in ["91350211M0000XUF46", "91310115MA1H8R7C6D"] {
            assert_eq!(credit_code(doubtful), CreditCode::Doubtful, "{doubtful}");
        }
        for wrong in ["9111000010162374", "9111000010162374IK", ""] {
            assert_eq!(credit_code(wrong), CreditCode::Malformed, "{wrong}");
        }
    }

    #[test]
    fn references_are_checked() {
        assert!(uetr_is_valid("97ed4827-7b6f-4491-a06f-b548d5a7512d"));
        for wrong in [
            "97ED4827-7b6f-4491-a06f-b548d5a7512d",
            "97ed4827-7b6f-1491-a06f-b548d5a7512d",
            "97ed4827-7b6f-4491-c06f-b548d5a7512d",
            "97ed48277b6f4491a06fb548d5a7512d",
        ] {
            assert!(!uetr_is_valid(wrong), "{wrong}");
        }
    }
}
