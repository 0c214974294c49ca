//! The cards for tests: their numbers, ids and what happens to them.

/// How a card behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It is approved.
    Approve,
    /// It is declined, always.
    Decline(&'static str),
    /// The holder must prove to be the holder; then it is approved.
    Authenticate,
    /// The holder must prove to be the holder; then it is declined.
    AuthenticateThenDecline(&'static str),
    /// It is approved, and the answer is lost.
    LostAfter,
    /// The request is lost: nothing is done.
    LostBefore,
    /// It is approved after the slow time.
    Slow,
    /// It is approved, and the answer is garbled.
    Garbled,
    /// It is approved; captures are refused.
    CaptureRefused,
    /// It is approved; voids are refused.
    VoidRefused,
    /// It is approved; refunds are refused.
    RefundRefused,
}

/// A card for tests.
#[derive(Debug, Clone, Copy)]
pub struct TestCard {
    /// Its number.
    pub number: &'static str,
    /// The end of its id, after `pm_card_` or `tok_`; empty when it has none.
    pub id: &'static str,
    /// How it behaves.
    pub behaviour: Behaviour,
    /// The word for that in tokens.
    pub word: &'static str,
    /// `credit`, `debit` or `prepaid`.
    pub funding: &'static str,
}

const fn card(
    number: &'static str,
    id: &'static str,
    behaviour: Behaviour,
    word: &'static str,
    funding: &'static str,
) -> TestCard {
    TestCard { number, id, behaviour, word, funding }
}

use Behaviour as B;

/// All of them. The numbers that payment processors publish for tests come first; ours begin with 400000990.
pub const CARDS: [TestCard; 46] = [
    card("4242424242424242", "visa", B::Approve, "ok", "credit"),
    card("4000056655665556", "visa_debit", B::Approve, "ok", "debit"),
    card("5555555555554444", "mastercard", B::Approve, "ok", "credit"),
    card("2223003122003222", "mastercard_2_series", B::Approve, "ok", "credit"),
    card("5200828282828210", "mastercard_debit", B::Approve, "ok", "debit"),
    card("5105105105105100", "mastercard_prepaid", B::Approve, "ok", "prepaid"),
    card("378282246310005", "amex", B::Approve, "ok", "credit"),
    card("371449635398431", "", B::Approve, "ok", "credit"),
    card("6011111111111117", "discover", B::Approve, "ok", "credit"),
    card("3056930009020004", "diners", B::Approve, "ok", "credit"),
    card("36227206271667", "", B::Approve, "ok", "credit"),
    card("3566002020360505", "jcb", B::Approve, "ok", "credit"),
    card("6200000000000005", "unionpay", B::Approve, "ok", "credit"),
    card("6200000000000047", "unionpay_debit", B::Approve, "ok", "debit"),
    card("6205500000000000004", "", B::Approve, "ok", "credit"),
    card("4000000000000077", "bypassPending", B::Approve, "ok", "credit"),
    card("4000000000000002", "chargeDeclined", B::Decline("generic_decline"), "generic_decline", "credit"),
    card(
        "4000000000009995",
        "chargeDeclinedInsufficientFunds",
        B::Decline("insufficient_funds"),
        "insufficient_funds",
        "credit",
    ),
    card("4000000000009987", "chargeDeclinedLostCard", B::Decline("lost_card"), "lost_card", "credit"),
    card("4000000000009979", "chargeDeclinedStolenCard", B::Decline("stolen_card"), "stolen_card", "credit"),
    card(
        "4000000000000069",
        "chargeDeclinedExpiredCard",
        B::Decline("expired_card"),
        "expired_card",
        "credit",
    ),
    card(
        "4000000000000127",
        "chargeDeclinedIncorrectCvc",
        B::Decline("incorrect_cvc"),
        "incorrect_cvc",
        "credit",
    ),
    card(
        "4000000000000119",
        "chargeDeclinedProcessingError",
        B::Decline("processing_error"),
        "processing_error",
        "credit",
    ),
    card(
        "4000000000006975",
        "chargeDeclinedVelocityLimitExceeded",
        B::Decline("card_velocity_exceeded"),
        "card_velocity_exceeded",
        "credit",
    ),
    card("4100000000000019", "radarBlock", B::Decline("fraudulent"), "fraudulent", "credit"),
    card("4000000000000101", "cvcCheckFail", B::Decline("incorrect_cvc"), "incorrect_cvc", "credit"),
    card(
        "4000000000000341",
        "chargeCustomerFail",
        B::Decline("generic_decline"),
        "generic_decline",
        "credit",
    ),
    card("4000002500003155", "authenticationRequiredOnSetup", B::Authenticate, "authenticate", "credit"),
    card("4000002760003184", "authenticationRequired", B::Authenticate, "authenticate", "credit"),
    card("4000000000003220", "threeDSecure2Required", B::Authenticate, "authenticate", "credit"),
    card("4000000000003063", "threeDSecureRequired", B::Authenticate, "authenticate", "credit"),
    card("4000000000003055", "threeDSecureOptional", B::Approve, "ok", "credit"),
    card(
        "4000008400001629",
        "threeDSecureRequiredChargeDeclined",
        B::AuthenticateThenDecline("generic_decline"),
        "authenticate_then_generic_decline",
        "credit",
    ),
    card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        B::AuthenticateThenDecline("insufficient_funds"),
        "authenticate_then_insufficient_funds",
        "credit",
    ),
    card("4000000000005126", "refundFail", B::RefundRefused, "refund_refused", "credit"),
    card("4000000000007726", "pendingRefund", B::Approve, "ok", "credit"),
    card("4000009900000012", "lostAfter", B::LostAfter, "lost_after", "credit"),
    card("4000009900000020", "lostBefore", B::LostBefore, "lost_before", "credit"),
    card("4000009900000038", "slow", B::Slow, "slow", "credit"),
    card("4000009900000046", "garbled", B::Garbled, "garbled", "credit"),
    card("4000009900000053", "captureRefused", B::CaptureRefused, "capture_refused", "credit"),
    card("4000009900000061", "voidRefused", B::VoidRefused, "void_refused", "credit"),
    card("4000009900000079", "doNotHonor", B::Decline("do_not_honor"), "do_not_honor", "credit"),
    card("4000001560000002", "cn", B::Approve, "ok", "credit"),
    card("4000007020000003", "sg", B::Approve, "ok", "credit"),
    card("4000003920000003", "jp", B::Approve, "ok", "credit"),
];

/// Finds a card by its number.
#[must_use]
pub fn by_number(number: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.number == number)
}

/// Finds a card by its id for tests, `pm_card_…` or `tok_…`.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static TestCard> {
    let end = id.strip_prefix("pm_card_").or_else(|| id.strip_prefix("tok_"))?;
    CARDS.iter().find(|card| !card.id.is_empty() && card.id == end)
}

/// Finds how a card behaves by the word in its token.
#[must_use]
pub fn behaviour(word: &str) -> Option<Behaviour> {
    CARDS.iter().find(|card| card.word == word).map(|card| card.behaviour)
}

/// Tells where the issuer of a card for tests sits: those that begin with 4000 have the numeric country
/// code behind three zeros, as the published ones for countries do.
#[must_use]
pub fn country(number: &str) -> &'static str {
    match (number.get(..4), number.get(4..10)) {
        (Some("4000"), Some("001560")) => "CN",
        (Some("4000"), Some("007020")) => "SG",
        (Some("4000"), Some("003920")) => "JP",
        _ if crate::vault::brand(number) == "unionpay" => "CN",
        _ => "US",
    }
}
