//! `cus_…`: who pays.

use crate::object::{Metadata, Tag};
use serde::{Deserialize, Serialize};

/// A customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Customer {
    /// `cus_…`
    pub id: String,
    /// `customer`
    #[schema(value_type = String)]
    pub object: Tag,
    /// Where the customer lives.
    pub address: Option<Address>,
    /// Always zero yet: invoices come later.
    pub balance: i64,
    /// When it was made, seconds.
    pub created: i64,
    /// Always none yet.
    pub currency: Option<String>,
    /// Always none: methods are named by `invoice_settings`.
    pub default_source: Option<String>,
    /// Always false yet.
    pub delinquent: bool,
    /// What the merchant notes.
    pub description: Option<String>,
    /// The address of electronic mail.
    pub email: Option<String>,
    /// The method taken when none is named.
    pub invoice_settings: InvoiceSettings,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// The name.
    pub name: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// Languages, the preferred one first.
    pub preferred_locales: Vec<String>,
    /// Always none yet.
    pub shipping: Option<String>,
    /// Whether it was deleted. A deleted one stays, without what was known about the person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// What the customer's invoices take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InvoiceSettings {
    /// The method, `pm_…`.
    pub default_payment_method: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Address {
    /// City, district, town.
    pub city: Option<String>,
    /// Two letters of ISO 3166-1.
    pub country: Option<String>,
    /// Street and number.
    pub line1: Option<String>,
    /// Flat, floor, building.
    pub line2: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// State, province, county.
    pub state: Option<String>,
}

/// What stays of a customer that was deleted, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeletedObject<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its kind.
    pub object: &'a str,
    /// Always true.
    pub deleted: bool,
}
