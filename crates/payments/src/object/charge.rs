//! `ch_…`: what an answered attempt has come to; refunds and balance transactions hang on it.

use crate::object::source::ChargeSource;
use crate::object::{Metadata, Tag};
use crate::state::charge::ChargeState;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use suanpan_money::Currency;

/// A charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Charge {
    /// `ch_…`
    pub id: String,
    /// `charge`
    #[schema(value_type = String)]
    pub object: Tag,
    /// How much was asked for, in minor units.
    pub amount: i64,
    /// How much was taken, in minor units.
    pub amount_captured: i64,
    /// How much was given back or is on its way back, in minor units.
    pub amount_refunded: i64,
    /// The attempt.
    pub attempt: String,
    /// The movement of the merchant's money, `txn_…`.
    pub balance_transaction: Option<String>,
    /// What the merchant's customer told about himself.
    #[schema(value_type = Object)]
    pub billing_details: Value,
    /// What stands on the customer's statement.
    pub calculated_statement_descriptor: Option<String>,
    /// Whether the money was taken.
    pub captured: bool,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Who pays.
    pub customer: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Always false yet: disputes come later.
    pub disputed: bool,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// Why it failed, for people.
    pub failure_message: Option<String>,
    /// The merchant's fee, in minor units; fixed when the money was taken.
    pub fee: i64,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own particulars, from the intent.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// How the channel judged it.
    pub outcome: Outcome,
    /// Whether the channel approved.
    pub paid: bool,
    /// The intent.
    pub payment_intent: String,
    /// With what.
    pub payment_method: String,
    /// With what, as it was then.
    #[schema(value_type = Object)]
    pub payment_method_details: Value,
    /// Where a receipt goes.
    pub receipt_email: Option<String>,
    /// Whether all of it was given back.
    pub refunded: bool,
    /// How many refunds were made.
    pub refunds_made: u32,
    /// What came from where, where it was paid from several sources, in the order in which they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<ChargeSource>,
    /// Where it stands; more exact than `status`.
    pub state: ChargeState,
    /// `succeeded` or `failed`.
    pub status: String,
}

/// How a channel judged a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outcome {
    /// `approved_by_network` or `declined_by_network`.
    pub network_status: String,
    /// The reason of a decline.
    pub reason: Option<String>,
    /// For people.
    pub seller_message: String,
    /// `authorized` or `issuer_declined`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Charge {
    /// Returns what may still be refunded, in minor units.
    #[must_use]
    pub const fn refundable(&self) -> i64 {
        self.amount_captured.saturating_sub(self.amount_refunded)
    }

    /// Sets the state, and what Stripe's clients read of it.
    pub fn set_state(&mut self, state: ChargeState) {
        self.state = state;
        self.paid = state != ChargeState::Failed;
        self.status = if state == ChargeState::Failed { "failed" } else { "succeeded" }.to_owned();
        self.captured =
            matches!(state, ChargeState::Captured | ChargeState::PartiallyRefunded | ChargeState::Refunded);
        self.refunded = state == ChargeState::Refunded;
    }
}
