//! Why issuers and channels decline, in the words that Stripe's clients know.

/// The reason of a decline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclineCode {
    /// The holder must prove to be the holder.
    AuthenticationRequired,
    /// No reason was given that may be told.
    GenericDecline,
    /// The account has too little.
    InsufficientFunds,
    /// The card was reported lost.
    LostCard,
    /// The card was reported stolen.
    StolenCard,
    /// The card is past its date.
    ExpiredCard,
    /// The code on the card is another one.
    IncorrectCvc,
    /// The number belongs to no card.
    IncorrectNumber,
    /// The PIN is wrong, or one is wanted and was not given.
    IncorrectPin,
    /// The PIN was wrong too often.
    PinTryExceeded,
    /// The issuer could not answer; it may be tried again.
    ProcessingError,
    /// It looks like fraud. The customer must not be told.
    Fraudulent,
    /// Too many payments on the card.
    CardVelocityExceeded,
    /// The card does not do this kind of payment.
    CardNotSupported,
    /// The issuer says no and not why.
    DoNotHonor,
    /// The customer did not agree in time, and cannot any more.
    AttemptExpired,
    /// The code that was scanned is used up, too old, or of no account.
    InvalidPaymentCode,
    /// The wallet says no and not why.
    WalletDeclined,
    /// The code that the bank sent to the holder is another one.
    IncorrectVerificationCode,
    /// The code that the bank sent was wrong too often, or came too late.
    VerificationFailed,
    /// The bank knows the account under another name, or not at all.
    BankAccountMismatch,
    /// The holder, or the bank, has ended the agreement.
    AgreementInactive,
}

impl DeclineCode {
    /// All reasons.
    pub const ALL: [DeclineCode; 22] = [
        DeclineCode::AuthenticationRequired,
        DeclineCode::GenericDecline,
        DeclineCode::InsufficientFunds,
        DeclineCode::LostCard,
        DeclineCode::StolenCard,
        DeclineCode::ExpiredCard,
        DeclineCode::IncorrectCvc,
        DeclineCode::IncorrectNumber,
        DeclineCode::IncorrectPin,
        DeclineCode::PinTryExceeded,
        DeclineCode::ProcessingError,
        DeclineCode::Fraudulent,
        DeclineCode::CardVelocityExceeded,
        DeclineCode::CardNotSupported,
        DeclineCode::DoNotHonor,
        DeclineCode::AttemptExpired,
        DeclineCode::InvalidPaymentCode,
        DeclineCode::WalletDeclined,
        DeclineCode::IncorrectVerificationCode,
        DeclineCode::VerificationFailed,
        DeclineCode::BankAccountMismatch,
        DeclineCode::AgreementInactive,
    ];

    /// Reads a word; one that is not known is a generic decline, because a decline it is in any case.
    #[must_use]
    pub fn parse(word: &str) -> DeclineCode {
        DeclineCode::ALL.into_iter().find(|code| code.word() == word).unwrap_or(DeclineCode::GenericDecline)
    }

    /// Returns the word that stands as `decline_code`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            DeclineCode::AuthenticationRequired => "authentication_required",
            DeclineCode::GenericDecline => "generic_decline",
            DeclineCode::InsufficientFunds => "insufficient_funds",
            DeclineCode::LostCard => "lost_card",
            DeclineCode::StolenCard => "stolen_card",
            DeclineCode::ExpiredCard => "expired_card",
            DeclineCode::IncorrectCvc => "incorrect_cvc",
            DeclineCode::IncorrectNumber => "incorrect_number",
            DeclineCode::IncorrectPin => "incorrect_pin",
            DeclineCode::PinTryExceeded => "pin_try_exceeded",
            DeclineCode::ProcessingError => "processing_error",
            DeclineCode::Fraudulent => "fraudulent",
            DeclineCode::CardVelocityExceeded => "card_velocity_exceeded",
            DeclineCode::CardNotSupported => "card_not_supported",
            DeclineCode::DoNotHonor => "do_not_honor",
            DeclineCode::AttemptExpired => "attempt_expired",
            DeclineCode::InvalidPaymentCode => "invalid_payment_code",
            DeclineCode::WalletDeclined => "wallet_declined",
            DeclineCode::IncorrectVerificationCode => "incorrect_verification_code",
            DeclineCode::VerificationFailed => "verification_failed",
            DeclineCode::BankAccountMismatch => "bank_account_mismatch",
            DeclineCode::AgreementInactive => "agreement_inactive",
        }
    }

    /// Returns the error code that goes with it: some reasons have one of their own, the others are
    /// `card_declined`.
    #[must_use]
    pub const fn error_code(self) -> &'static str {
        match self {
            DeclineCode::AuthenticationRequired => "authentication_required",
            DeclineCode::ExpiredCard => "expired_card",
            DeclineCode::IncorrectCvc => "incorrect_cvc",
            DeclineCode::IncorrectNumber => "incorrect_number",
            DeclineCode::ProcessingError => "processing_error",
            DeclineCode::AttemptExpired => "payment_intent_payment_attempt_expired",
            DeclineCode::InvalidPaymentCode
            | DeclineCode::WalletDeclined
            | DeclineCode::IncorrectVerificationCode
            | DeclineCode::VerificationFailed
            | DeclineCode::BankAccountMismatch
            | DeclineCode::AgreementInactive => "payment_method_provider_decline",
            DeclineCode::GenericDecline
            | DeclineCode::InsufficientFunds
            | DeclineCode::IncorrectPin
            | DeclineCode::PinTryExceeded
            | DeclineCode::LostCard
            | DeclineCode::StolenCard
            | DeclineCode::Fraudulent
            | DeclineCode::CardVelocityExceeded
            | DeclineCode::CardNotSupported
            | DeclineCode::DoNotHonor => "card_declined",
        }
    }

    /// Returns the parameter that the customer can correct.
    #[must_use]
    pub const fn param(self) -> Option<&'static str> {
        match self {
            DeclineCode::ExpiredCard => Some("exp_month"),
            DeclineCode::IncorrectCvc => Some("cvc"),
            DeclineCode::IncorrectNumber => Some("number"),
            _ => None,
        }
    }

    /// Says whether the same card may succeed later, or over another channel.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self, DeclineCode::ProcessingError | DeclineCode::CardVelocityExceeded)
    }

    /// Says whether the same payment may be tried over another channel at once: nobody has decided about it. What an
    /// issuer or a wallet has decided, it decides again.
    #[must_use]
    pub const fn elsewhere(self) -> bool {
        matches!(self, DeclineCode::ProcessingError)
    }

    /// Returns what may be told to a customer.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            DeclineCode::AuthenticationRequired => {
                "The card was declined: the payment needs the customer to prove to be its holder."
            }
            DeclineCode::InsufficientFunds => "There are insufficient funds for this payment.",
            DeclineCode::ExpiredCard => "The card has expired.",
            DeclineCode::IncorrectCvc => "The security code of the card is incorrect.",
            DeclineCode::IncorrectNumber => "The card number is incorrect.",
            DeclineCode::IncorrectPin => "The PIN is missing or incorrect.",
            DeclineCode::PinTryExceeded => "The PIN was incorrect too often.",
            DeclineCode::ProcessingError => {
                "An error occurred while the payment was processed. Try again in a little while."
            }
            DeclineCode::AttemptExpired => "The customer did not pay in time.",
            DeclineCode::InvalidPaymentCode => {
                "The payment code is not valid. Ask the customer for a new one."
            }
            DeclineCode::WalletDeclined => "The wallet declined the payment.",
            DeclineCode::IncorrectVerificationCode => "The code is not the one that the bank has sent.",
            DeclineCode::VerificationFailed => {
                "The code of the bank was wrong too often, or came too late. Ask for a new agreement."
            }
            DeclineCode::BankAccountMismatch => "The bank does not know the account under these particulars.",
            DeclineCode::AgreementInactive => {
                "The agreement with the bank does not stand any more. Ask for a new one."
            }
            DeclineCode::CardNotSupported => "The card does not support this kind of purchase.",
            DeclineCode::GenericDecline
            | DeclineCode::LostCard
            | DeclineCode::StolenCard
            | DeclineCode::Fraudulent
            | DeclineCode::CardVelocityExceeded
            | DeclineCode::DoNotHonor => "The card was declined.",
        }
    }
}
