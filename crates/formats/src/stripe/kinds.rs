//! What Stripe's words for movements mean.

use crate::record::Kind;

/// Returns the kind of a reporting category or of a type of balance transactions. Where the words do not
/// decide, the source's id and the sign do: a dispute takes money first and gives it back when won.
pub(super) fn kind(word: &str, source: &str, description: &str, negative: bool) -> Kind {
    match word {
        "charge"
        | "payment"
        | "unreconciled_customer_funds"
        | "payment_unreconciled"
        | "platform_earning"
        | "application_fee" => Kind::Payment,
        "refund"
        | "payment_refund"
        | "platform_earning_refund"
        | "application_fee_refund"
        | "partial_capture_reversal"
        | "payment_reversal" => Kind::Refund,
        "charge_failure"
        | "refund_failure"
        | "payment_failure_refund"
        | "payout_reversal"
        | "payout_failure"
        | "payout_cancel"
        | "topup_reversal"
        | "transfer_reversal"
        | "transfer_refund"
        | "transfer_failure"
        | "transfer_cancel" => Kind::Return,
        "dispute" => Kind::Chargeback,
        "dispute_reversal" => Kind::ChargebackReversal,
        "fee"
        | "network_cost"
        | "tax"
        | "stripe_fee"
        | "stripe_fx_fee"
        | "tax_fee"
        | "network_fee"
        | "stripe_balance_payment_debit"
        | "stripe_balance_payment_debit_reversal" => Kind::Fee,
        "payout" => Kind::Payout,
        "topup" => Kind::TopUp,
        "transfer"
        | "connect_collection_transfer"
        | "contribution"
        | "climate_order_purchase"
        | "climate_order_refund"
        | "issuing_transaction"
        | "financing_payout"
        | "financing_payout_reversal"
        | "financing_paydown"
        | "financing_paydown_reversal"
        | "advance"
        | "advance_funding"
        | "anticipation_repayment" => Kind::Transfer,
        "risk_reserved_funds"
        | "connect_reserved_funds"
        | "reserve_transaction"
        | "reserved_funds"
        | "issuing_authorization_hold"
        | "issuing_authorization_release"
        | "payment_network_reserve_hold"
        | "payment_network_reserve_release"
        | "payout_minimum_balance_hold"
        | "payout_minimum_balance_release"
        | "reserve_hold"
        | "reserve_release" => Kind::Reserve,
        "other_adjustment" | "adjustment" | "issuing_dispute" => {
            let dispute = ["dp_", "du_", "dispute_"].iter().any(|start| source.starts_with(start));
            let told = description.to_ascii_lowercase();
            if word != "issuing_dispute" && (dispute || told.starts_with("chargeback")) {
                if negative { Kind::Chargeback } else { Kind::ChargebackReversal }
            } else {
                Kind::Adjustment
            }
        }
        _ => Kind::Other,
    }
}
