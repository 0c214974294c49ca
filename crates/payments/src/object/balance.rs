//! The balance of a merchant, from the books.

use crate::object::Tag;
use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

/// A balance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Balance {
    /// `balance`
    #[schema(value_type = String)]
    pub object: Tag,
    /// What may be paid out.
    pub available: Vec<Money>,
    /// Whether in live mode.
    pub livemode: bool,
    /// What may be paid out later.
    pub pending: Vec<Money>,
}

/// An amount of a balance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Money {
    /// In minor units; below zero when the merchant owes us.
    pub amount: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// By kind of method.
    pub source_types: SourceTypes,
}

/// An amount by kind of method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SourceTypes {
    /// What came by card, in minor units.
    pub card: i64,
}

/// One currency of a merchant's accounts, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The currency.
    pub currency: Currency,
    /// The balance of the account of pending money.
    pub pending: i128,
    /// The balance of the account of available money.
    pub available: i128,
}

/// Makes the balance of a merchant. Sums beyond 64 bits are shown as the largest number there is.
#[must_use]
pub fn balance(live: bool, standings: &[Standing]) -> Balance {
    let money = |currency, amount: i128| {
        let bounded = amount.clamp(i64::MIN.into(), i64::MAX.into());
        let amount = i64::try_from(bounded).expect("it was clamped to 64 bits");
        Money { amount, currency, source_types: SourceTypes { card: amount } }
    };
    Balance {
        object: "balance".into(),
        available: standings.iter().map(|s| money(s.currency, s.available)).collect(),
        livemode: live,
        pending: standings.iter().map(|s| money(s.currency, s.pending)).collect(),
    }
}
