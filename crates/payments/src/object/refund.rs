//! `re_…`: money given back.

use crate::object::source::RefundAllocation;
use crate::object::{Metadata, Tag};
use crate::state::refund::RefundStatus;
use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

/// A refund.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    /// `refund`
    #[schema(value_type = String)]
    pub object: Tag,
    /// What of it goes where, where the payment came from several sources; none otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation: Option<RefundAllocation>,
    /// How much, in minor units.
    pub amount: i64,
    /// The movement of the merchant's money, `txn_…`.
    pub balance_transaction: Option<String>,
    /// The channel.
    pub channel: String,
    /// What is given back.
    pub charge: String,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The entry that set the money aside, `je_…`; of the first source where there are several.
    pub hold: String,
    /// How often the channel was asked what became of it.
    pub inquiries: u32,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// The name of the authorization at the channel.
    pub original: String,
    /// The intent.
    pub payment_intent: String,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    pub reason: Option<String>,
    /// Always none: receipts come later.
    pub receipt_number: Option<String>,
    /// Where it stands.
    pub status: RefundStatus,
}
