//! Calls of payment methods.

use super::card::{BillingData, CardData, CodeData, PaymentMethodData};
use super::card_present::CardPresentData;
use super::{check_expand, check_id, check_metadata, check_word};
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

/// `POST /v1/payment_methods`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePaymentMethod {
    /// `card`, `card_present` for one that was held to a terminal, `customer_balance` for what the customer of the payment keeps with us, `alipay` or `wechat_pay` for a
    /// code to be shown to the customer, or `payment_code` for one that the customer showed.
    #[serde(rename = "type", default, deserialize_with = "wire::text")]
    pub kind: Option<String>,
    /// `always`, `limited` or `unspecified`.
    #[serde(default, deserialize_with = "wire::text")]
    pub allow_redisplay: Option<String>,
    /// Who pays.
    pub billing_details: Option<BillingData>,
    /// The card.
    pub card: Option<CardData>,
    /// The card that was held to a terminal.
    pub card_present: Option<CardPresentData>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// The code that was scanned.
    pub payment_code: Option<CodeData>,
}

impl CreatePaymentMethod {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_expand(self.expand.as_ref())?;
        self.data().check("")
    }

    /// Returns what the method is made of.
    #[must_use]
    pub fn data(&self) -> PaymentMethodData {
        PaymentMethodData {
            kind: self.kind.clone(),
            allow_redisplay: self.allow_redisplay.clone(),
            billing_details: self.billing_details.clone(),
            card: self.card.clone(),
            card_present: self.card_present.clone(),
            metadata: self.metadata.clone(),
            payment_code: self.payment_code.clone(),
        }
    }
}

/// `POST /v1/payment_methods/:id`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePaymentMethod {
    /// `always`, `limited` or `unspecified`.
    #[serde(default, deserialize_with = "wire::text")]
    pub allow_redisplay: Option<String>,
    /// Who pays.
    pub billing_details: Option<BillingData>,
    /// The date on the card, when the issuer gave a new one.
    pub card: Option<CardDate>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
}

/// The date on a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardDate {
    /// The month, 1 to 12.
    #[serde(default, deserialize_with = "wire::integer")]
    pub exp_month: Option<i64>,
    /// The year, four digits.
    #[serde(default, deserialize_with = "wire::integer")]
    pub exp_year: Option<i64>,
}

impl UpdatePaymentMethod {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        let words = ["always", "limited", "unspecified"];
        check_word("allow_redisplay", self.allow_redisplay.as_deref(), &words)?;
        if let Some(billing) = &self.billing_details {
            billing.check("billing_details")?;
        }
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())?;
        let Some(card) = &self.card else { return Ok(()) };
        let wrong = |param: &str, why: &str| {
            Err(Rejection::ParameterInvalid { param: param.to_owned(), why: why.to_owned() })
        };
        if card.exp_month.is_some_and(|month| !(1..=12).contains(&month)) {
            return wrong("card[exp_month]", "a month is 1 to 12");
        }
        if card.exp_year.is_some_and(|year| !(1_970..=2_199).contains(&year)) {
            return wrong("card[exp_year]", "a year has four digits");
        }
        Ok(())
    }
}

/// `POST /v1/payment_methods/:id/attach`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachPaymentMethod {
    /// `cus_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub customer: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
}

impl AttachPaymentMethod {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        if self.customer.is_none() {
            return Err(Rejection::ParameterMissing { param: "customer".to_owned() });
        }
        check_id("customer", self.customer.as_deref())?;
        check_expand(self.expand.as_ref())
    }
}

/// `POST /v1/payment_methods/:id/detach`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DetachPaymentMethod {
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
}
