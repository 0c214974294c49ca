//! Several sources of one payment: what of it comes from where, and what of a refund goes back there.

use crate::state::words;
use serde::{Deserialize, Serialize};

words! {
    /// What kind of source it is.
    SourceType {
        /// What the customer keeps with us.
        Balance = "balance",
        /// The payment method with which the intent is confirmed. It takes the rest, so it always stands last.
        PaymentMethod = "payment_method",
    }
}

words! {
    /// Where the part of a payment stands that comes from what the customer has with us.
    LegState {
        /// It is set aside.
        Held = "held",
        /// It was taken, together with the rest.
        Taken = "taken",
        /// It was given free, because the rest did not come.
        Released = "released",
    }
}

words! {
    /// How a refund is divided among the sources of its payment.
    RefundPolicy {
        /// What was asked last gives back first: the payment method, then what the customer has with us.
        Reverse = "reverse",
        /// Each source gets its share of what it can still get, rounded by largest remainder.
        Proportional = "proportional",
    }
}

/// What comes from one source, as it was agreed before the customer confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentSource {
    /// What kind of source.
    #[serde(rename = "type")]
    pub kind: SourceType,
    /// How much, in minor units, at least 1. All of them sum to the amount of the payment.
    pub amount: i64,
}

/// What an attempt takes from what the customer has with us, besides what its channel is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Leg {
    /// What kind of source.
    #[serde(rename = "type")]
    pub kind: SourceType,
    /// Which, as attempts name it in `channel`: `balance/cus_…`.
    pub source: String,
    /// How much, in minor units.
    pub amount: i64,
    /// The entry that set it aside, `je_…`.
    pub hold: String,
    /// Where it stands.
    pub state: LegState,
}

/// What a charge has from one source, and gave back there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChargeSource {
    /// What kind of source.
    #[serde(rename = "type")]
    pub kind: SourceType,
    /// Which, as attempts name it in `channel`.
    pub source: String,
    /// How much it paid, in minor units.
    pub amount: i64,
    /// How much of that was given back or is on its way back, in minor units.
    pub amount_refunded: i64,
}

/// What of a refund goes to one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefundSource {
    /// What kind of source.
    #[serde(rename = "type")]
    pub kind: SourceType,
    /// Which, as attempts name it in `channel`.
    pub source: String,
    /// How much, in minor units, at least 1. All of them sum to the amount of the refund.
    pub amount: i64,
    /// The entry that set it aside, `je_…`.
    pub hold: String,
}

/// How a refund is divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefundAllocation {
    /// By which rule.
    pub policy: RefundPolicy,
    /// What goes where, in the order in which the sources paid; those that get nothing are left out.
    pub sources: Vec<RefundSource>,
}
