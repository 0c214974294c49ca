//! Calls of refunds.

use super::{amount, check_expand, check_id, check_metadata, check_word};
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

/// `POST /v1/refunds`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRefund {
    /// How it is divided among several sources of the payment: `reverse` or `proportional`; `reverse` when it is left out.
    #[serde(default, deserialize_with = "wire::text")]
    pub allocation: Option<String>,
    /// Minor units; all that is left when absent.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
    /// `ch_…`; this or `payment_intent`.
    #[serde(default, deserialize_with = "wire::text")]
    pub charge: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// `pi_…`; this or `charge`.
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_intent: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default, deserialize_with = "wire::text")]
    pub reason: Option<String>,
}

impl CreateRefund {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        if self.charge.is_none() && self.payment_intent.is_none() {
            return Err(Rejection::ParameterMissing { param: "payment_intent".to_owned() });
        }
        check_id("charge", self.charge.as_deref())?;
        check_id("payment_intent", self.payment_intent.as_deref())?;
        if self.amount.is_some() {
            amount("amount", self.amount)?;
        }
        let words = ["duplicate", "fraudulent", "requested_by_customer"];
        check_word("allocation", self.allocation.as_deref(), &["reverse", "proportional"])?;
        check_word("reason", self.reason.as_deref(), &words)?;
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())
    }
}

/// `POST /v1/refunds/:id`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRefund {
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
}

impl UpdateRefund {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())
    }
}
