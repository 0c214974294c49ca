//! `txn_…`: a movement of a merchant's money.

use crate::object::Tag;
use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

/// A movement. `net` is `amount` less `fee`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BalanceTransaction {
    /// `txn_…`
    pub id: String,
    /// `balance_transaction`
    #[schema(value_type = String)]
    pub object: Tag,
    /// In minor units; below zero when money leaves.
    pub amount: i64,
    /// When the money may be paid out, seconds.
    pub available_on: i64,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// For people.
    pub description: Option<String>,
    /// Always none: one currency.
    pub exchange_rate: Option<String>,
    /// Our fee, in minor units.
    pub fee: i64,
    /// The parts of the fee.
    pub fee_details: Vec<FeeDetail>,
    /// Whether in live mode.
    pub livemode: bool,
    /// What the merchant gets, in minor units.
    pub net: i64,
    /// `charge` or `refund`.
    pub reporting_category: String,
    /// The charge or refund.
    pub source: String,
    /// `pending` until `available_on`; clients should compare the time.
    pub status: String,
    /// `charge` or `refund`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The entry in the books, `je_…`.
    pub entry: String,
}

/// A part of a fee.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FeeDetail {
    /// In minor units.
    pub amount: i64,
    /// Always none.
    pub application: Option<String>,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// For people.
    pub description: String,
    /// `platform_fee`
    #[serde(rename = "type")]
    pub kind: String,
}
