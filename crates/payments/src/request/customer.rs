//! Calls of customers.

use super::card::AddressData;
use super::{check_chars, check_email, check_expand, check_metadata};
use crate::limits;
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

/// `POST /v1/customers` and `POST /v1/customers/:id`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteCustomer {
    /// The postal address.
    pub address: Option<AddressData>,
    /// What the merchant notes.
    #[serde(default, deserialize_with = "wire::text")]
    pub description: Option<String>,
    /// The address of electronic mail.
    #[serde(default, deserialize_with = "wire::text")]
    pub email: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The method taken when none is named.
    pub invoice_settings: Option<InvoiceData>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// The name.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: Option<String>,
    /// A payment method to attach; when the customer is made.
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_method: Option<String>,
    /// The telephone number.
    #[serde(default, deserialize_with = "wire::text")]
    pub phone: Option<String>,
    /// Languages, the preferred one first.
    #[serde(default, deserialize_with = "wire::list")]
    pub preferred_locales: Option<Vec<String>>,
}

/// What the customer's invoices take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceData {
    /// `pm_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub default_payment_method: Option<String>,
}

impl WriteCustomer {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        if let Some(address) = &self.address {
            address.check("address")?;
        }
        check_chars("description", self.description.as_deref(), limits::DESCRIPTION_CHARS)?;
        check_email("email", self.email.as_deref())?;
        check_expand(self.expand.as_ref())?;
        if let Some(invoice) = &self.invoice_settings {
            let param = "invoice_settings[default_payment_method]";
            check_chars(param, invoice.default_payment_method.as_deref(), limits::ID_CHARS)?;
        }
        check_metadata(self.metadata.as_ref())?;
        check_chars("name", self.name.as_deref(), limits::NAME_CHARS)?;
        check_chars("payment_method", self.payment_method.as_deref(), limits::ID_CHARS)?;
        check_chars("phone", self.phone.as_deref(), limits::PHONE_CHARS)?;
        let Some(locales) = &self.preferred_locales else { return Ok(()) };
        if locales.len() > limits::EXPAND_ENTRIES {
            let (param, limit) = ("preferred_locales".to_owned(), limits::EXPAND_ENTRIES);
            return Err(Rejection::ParameterTooLong { param, limit, unit: "languages" });
        }
        locales.iter().try_for_each(|locale| check_chars("preferred_locales", Some(locale), 35))
    }
}

/// `POST /v1/test_helpers/customers/:id/fund_cash_balance`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FundCashBalance {
    /// How much, in minor units.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
    /// Three letters of ISO 4217.
    #[serde(default, deserialize_with = "wire::text")]
    pub currency: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// What the payer wrote; for people.
    #[serde(default, deserialize_with = "wire::text")]
    pub reference: Option<String>,
}

impl FundCashBalance {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_expand(self.expand.as_ref())?;
        check_chars("reference", self.reference.as_deref(), limits::DESCRIPTION_CHARS)
    }
}
