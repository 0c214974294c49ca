//! Calls about routing.

use super::{amount, check_chars, check_id, currency};
use crate::limits;
use crate::rejection::Rejection;
use crate::wire;
use serde::Deserialize;
use suanpan_money::Currency;

/// `POST /v1/routing/simulate`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateRouting {
    /// Minor units.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
    /// Seconds since the epoch; now when absent.
    #[serde(default, deserialize_with = "wire::integer")]
    pub at: Option<i64>,
    /// The card, where there is no payment method.
    pub card: Option<SimulatedCard>,
    /// Three letters of ISO 4217.
    #[serde(default, deserialize_with = "wire::text")]
    pub currency: Option<String>,
    /// `pm_…`; this or `payment_method_type`.
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_method: Option<String>,
    /// What is paid with: `card`, or a wallet such as `alipay`.
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_method_type: Option<String>,
}

/// A card that is made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatedCard {
    /// Its brand, such as `unionpay`.
    #[serde(default, deserialize_with = "wire::text")]
    pub brand: Option<String>,
    /// The country that it was issued in, two letters.
    #[serde(default, deserialize_with = "wire::text")]
    pub country: Option<String>,
}

impl SimulateRouting {
    /// Checks what can be told from the request alone; returns amount and currency.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(i64, Currency), Rejection> {
        check_id("payment_method", self.payment_method.as_deref())?;
        check_chars("payment_method_type", self.payment_method_type.as_deref(), limits::ID_CHARS)?;
        if let Some(card) = &self.card {
            check_chars("card[brand]", card.brand.as_deref(), limits::ID_CHARS)?;
            check_chars("card[country]", card.country.as_deref(), limits::ID_CHARS)?;
        }
        if self.payment_method.is_some() && self.payment_method_type.is_some() {
            let (param, other) = ("payment_method".to_owned(), "payment_method_type".to_owned());
            return Err(Rejection::ParametersExclude { param, other });
        }
        if self.payment_method.is_none() && self.payment_method_type.is_none() {
            return Err(Rejection::ParameterMissing { param: "payment_method_type".to_owned() });
        }
        Ok((amount("amount", self.amount)?, currency("currency", self.currency.as_deref())?))
    }
}
