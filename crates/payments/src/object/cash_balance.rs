//! What a customer keeps with us, from the books, and how it came there.

use crate::object::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// The balance of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CashBalance {
    /// `cash_balance`
    #[schema(value_type = String)]
    pub object: Tag,
    /// What can be paid with, by currency in small letters, in minor units; none when there never was any.
    #[schema(value_type = Option<BTreeMap<String, i64>>)]
    pub available: Option<BTreeMap<String, i64>>,
    /// `cus_…`
    pub customer: String,
    /// Whether in live mode.
    pub livemode: bool,
}

/// Money that came to the balance of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CashBalanceTransaction {
    /// `ccsbtxn_…`
    pub id: String,
    /// `customer_cash_balance_transaction`
    #[schema(value_type = String)]
    pub object: Tag,
    /// When it came, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// `cus_…`
    pub customer: String,
    /// The journal entry, `je_…`.
    pub entry: String,
    /// Whether in live mode.
    pub livemode: bool,
    /// How much, in minor units.
    pub net_amount: i64,
    /// What the payer wrote.
    pub reference: Option<String>,
    /// `funded`
    #[serde(rename = "type")]
    pub kind: String,
}
