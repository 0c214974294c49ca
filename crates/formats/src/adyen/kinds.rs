//! What Adyen's words for entries mean.

use crate::record::{Kind, Status};

/// Returns the kind and the status of an entry of a settlement batch, or of a step of a payment.
///
/// What was settled `Externally` was paid by someone else than Adyen; it is told for information.
pub(super) fn kind(word: &str) -> (Kind, Status) {
    let external = word.contains("Externally");
    let word = word.strip_suffix("WithInfo").unwrap_or(word);
    let word = word.strip_suffix("Externally").unwrap_or(word);
    let word = word.strip_suffix("Bulk").unwrap_or(word);
    let word = word.strip_suffix("InInstallments").unwrap_or(word);
    let (kind, status) = match word {
        "Settled" => (Kind::Payment, Status::Booked),
        "Refunded" => (Kind::Refund, Status::Booked),
        "RefundedReversed"
        | "RefundReversed"
        | "SettledReversed"
        | "BankInstructionReturned"
        | "PaidOutReversed"
        | "PayoutReversed"
        | "MerchantPayoutReversed" => (Kind::Return, Status::Booked),
        "Chargeback" | "SecondChargeback" => (Kind::Chargeback, Status::Booked),
        "ChargebackReversed" | "SecondChargebackReversed" => (Kind::ChargebackReversal, Status::Booked),
        "Fee" | "PaymentCost" | "MiscCosts" | "InvoiceDeduction" | "AdvancementCommission" | "Commission" => {
            (Kind::Fee, Status::Booked)
        }
        "DepositCorrection" | "ReserveAdjustment" => (Kind::Reserve, Status::Booked),
        "MerchantPayout" => (Kind::Payout, Status::Booked),
        "MerchantPayin" | "MerchantPayIn" => (Kind::TopUp, Status::Booked),
        "Balancetransfer"
        | "BalanceTransfer"
        | "InternalTransfer"
        | "PaidOut"
        | "Advancement"
        | "AdvancementRepayment"
        | "AdvancementPayout" => (Kind::Transfer, Status::Booked),
        "ManualCorrected" | "ManualCorrection" | "Correction" | "InvoiceCorrection" => {
            (Kind::Adjustment, Status::Booked)
        }
        "Conversion" | "CurrencyConversion" => (Kind::Conversion, Status::Booked),
        // Steps on the way.
        "Received" | "Authorised" | "Authorized" | "AuthorisedPending" | "Authorised-Pending"
        | "SentForSettle" | "SentForCapture" | "SettleScheduled" | "SettledPending" | "Captured"
        | "Handled" => (Kind::Payment, Status::Information),
        "SentForRefund" | "RefundAuthorised" | "RefundAuthorized" | "RefundScheduled" => {
            (Kind::Refund, Status::Information)
        }
        "Refused" | "Error" | "CaptureFailed" | "SettleFailed" => (Kind::Payment, Status::Failed),
        "RefundFailed" | "RefundNotCleared" => (Kind::Refund, Status::Failed),
        "Cancelled" | "Canceled" | "Expired" | "Retried" => (Kind::Notice, Status::Information),
        "NotificationOfChargeback"
        | "NotificationOfFraud"
        | "RequestForInformation"
        | "InformationSupplied"
        | "DisputeOpened"
        | "DisputeDefended"
        | "ChargebackDefended" => (Kind::Notice, Status::Information),
        _ => (Kind::Other, Status::Booked),
    };
    if external { (kind, Status::Information) } else { (kind, status) }
}
