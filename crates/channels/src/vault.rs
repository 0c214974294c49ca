//! What a vault takes in and gives out, and what any of them asks of a card.

use jiff::tz::TimeZone;
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::identifier::luhn_is_valid;
use suanpan_messages::pin::PinBlock;
use suanpan_money::Timestamp;

/// A card number or security code. It is never written.
#[derive(Clone, PartialEq, Eq)]
pub struct CardNumber(pub String);

impl std::fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardNumber(…)")
    }
}

/// A card that is to be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardInput {
    /// By what stands on it.
    Number {
        /// The digits, without blanks.
        number: CardNumber,
        /// The month, 1 to 12.
        exp_month: u8,
        /// The year, four digits.
        exp_year: u16,
        /// The security code.
        cvc: Option<CardNumber>,
    },
    /// By an id for tests, such as `pm_card_visa` or `tok_visa`.
    TestId(String),
    /// By its chip, for one payment.
    Chip(Box<ChipInput>),
}

/// What the chip of a card gave for one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChipInput {
    /// Track 2.
    pub track_2: Track2,
    /// The card among those of its number.
    pub sequence: u8,
    /// What goes to the issuer in field 55.
    pub data: ChipData,
    /// The PIN, as the terminal's PIN pad sealed it.
    pub pin_block: Option<PinBlock>,
}

/// An account that an agreement is to be about. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountInput {
    /// The bank, as the network numbers it.
    pub bank: String,
    /// The number of the account.
    pub number: String,
    /// Whose it is.
    pub holder: String,
    /// The number of the holder's identity card.
    pub id_number: String,
    /// The holder's telephone, as the bank knows it.
    pub phone: String,
}

impl std::fmt::Debug for AccountInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountInput").field("bank", &self.bank).finish_non_exhaustive()
    }
}

/// What may be known of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizedCard {
    /// What the vault calls it. It may be stored and tells the number to nobody else.
    pub token: String,
    /// `visa`, `mastercard` and so on.
    pub brand: &'static str,
    /// Where the issuer sits.
    pub country: Option<&'static str>,
    /// The month on the card.
    pub exp_month: u8,
    /// The year on the card.
    pub exp_year: u16,
    /// The same for the same number, and tells nothing about it.
    pub fingerprint: String,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub funding: &'static str,
    /// The last four digits.
    pub last4: String,
    /// Whether a security code came with it.
    pub cvc_given: bool,
    /// Of what is good for one payment only: the token for all that follows that payment.
    pub token_after: Option<String>,
}

/// Why a vault refuses a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The number has not the length of one, or its check digit is wrong.
    #[error("the card number is incorrect")]
    Number,
    /// The date is past.
    #[error("the card has expired")]
    Expired,
    /// The security code has not the length that its brand prints.
    #[error("the security code is incorrect")]
    Cvc,
    /// There is no such id for tests.
    #[error("there is no such card for tests")]
    NoSuchTestCard,
    /// The channel takes no cards.
    #[error("the channel takes no cards")]
    NoCards,
    /// The channel takes no chips.
    #[error("the channel takes no chips")]
    NoChips,
}

impl VaultError {
    /// Returns the stable code, in the words of card declines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            VaultError::Number => "incorrect_number",
            VaultError::Expired => "expired_card",
            VaultError::Cvc => "incorrect_cvc",
            VaultError::NoSuchTestCard => "resource_missing",
            VaultError::NoCards | VaultError::NoChips => "card_not_supported",
        }
    }
}

/// What stands on a card, checked.
pub(crate) struct CheckedCard<'a> {
    pub(crate) number: &'a str,
    pub(crate) exp_month: u8,
    pub(crate) exp_year: u16,
    pub(crate) cvc_given: bool,
}

/// Checks a card by what stands on it: length and check digit of the number, the date, the length of the code. None for
/// an id for tests.
pub(crate) fn check(card: &CardInput, now: Timestamp) -> Option<Result<CheckedCard<'_>, VaultError>> {
    let (number, exp_month, exp_year, cvc) = match card {
        CardInput::Number { number, exp_month, exp_year, cvc } => {
            (number.0.as_str(), *exp_month, *exp_year, cvc.as_ref())
        }
        CardInput::Chip(chip) => {
            // Four digits: the track was read.
            let (year, month) = chip.track_2.expiry().split_at(2);
            let digits = |text: &str| text.parse::<u8>().unwrap_or_default();
            (chip.track_2.expose_number(), digits(month), 2_000 + u16::from(digits(year)), None)
        }
        CardInput::TestId(_) => return None,
    };
    let code_digits = if brand(number) == "amex" { 3..=4 } else { 3..=3 };
    Some(if !(12..=19).contains(&number.len()) || !luhn_is_valid(number) {
        Err(VaultError::Number)
    } else if (exp_year, exp_month) < year_and_month(now) || !(1..=12).contains(&exp_month) {
        Err(VaultError::Expired)
    } else if cvc.is_some_and(|cvc| !code_digits.contains(&cvc.0.len())) {
        Err(VaultError::Cvc)
    } else {
        Ok(CheckedCard { number, exp_month, exp_year, cvc_given: cvc.is_some() })
    })
}

/// Makes what is the same for the same number and tells nothing about it without the key.
pub(crate) fn fingerprint(number: &str, key: &[u8; 32]) -> String {
    blake3::keyed_hash(key, number.as_bytes()).to_hex().as_str()[..24].to_owned()
}

/// Returns the last four digits of a number that was checked.
pub(crate) fn last4(number: &str) -> String {
    number[number.len() - 4..].to_owned()
}

/// All brands that are told.
pub const BRANDS: [&str; 8] =
    ["amex", "diners", "discover", "jcb", "mastercard", "unionpay", "unknown", "visa"];

/// Tells the brand of a number by its first digits (ISO/IEC 7812 ranges as the brands publish them).
pub(crate) fn brand(number: &str) -> &'static str {
    let head = |digits: usize| number.get(..digits).and_then(|head| head.parse::<u32>().ok()).unwrap_or(0);
    match (head(1), head(2), head(4)) {
        (4, _, _) => "visa",
        (_, 51..=55, _) | (_, _, 2221..=2720) => "mastercard",
        (_, 34 | 37, _) => "amex",
        (_, 62 | 81, _) => "unionpay",
        (_, 65, _) | (_, _, 6011 | 6440..=6499) => "discover",
        (_, _, 3528..=3589) => "jcb",
        (_, 36 | 38 | 39, _) | (_, _, 3000..=3059) => "diners",
        _ => "unknown",
    }
}

/// Returns year and month of an instant, in UTC.
pub(crate) fn year_and_month(now: Timestamp) -> (u16, u8) {
    let moment = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or_default();
    let today = moment.to_zoned(TimeZone::UTC).date();
    (u16::try_from(today.year()).unwrap_or(0), today.month().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, (1970, 1)),
            (951_782_399, (2000, 2)),
            (951_868_800, (2000, 3)),
            (1_735_689_599, (2024, 12)),
            (1_735_689_600, (2025, 1)),
            (4_107_542_400, (2100, 3)),
            (4_107_542_399, (2100, 2)),
        ] {
            assert_eq!(year_and_month(Timestamp::from_seconds(seconds)), expected, "{seconds}");
        }
    }
}
