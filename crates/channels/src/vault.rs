//! What a vault takes in and gives out.

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
        }
    }
}
