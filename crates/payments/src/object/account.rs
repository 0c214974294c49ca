//! `acct_…`: a merchant.

use crate::object::{Metadata, Tag};
use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

/// A merchant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Account {
    /// `acct_…`
    pub id: String,
    /// `account`
    #[schema(value_type = String)]
    pub object: Tag,
    /// `company`, `individual` and so on.
    pub business_type: Option<String>,
    /// What the business says of itself.
    pub business_profile: BusinessProfile,
    /// Whether it may take payments.
    pub charges_enabled: bool,
    /// Two letters of ISO 3166-1.
    pub country: String,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency of its country.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub default_currency: Currency,
    /// Whether all was submitted that is needed.
    pub details_submitted: bool,
    /// The address of electronic mail.
    pub email: Option<String>,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// Whether it may be paid out.
    pub payouts_enabled: bool,
    /// `standard`
    #[serde(rename = "type")]
    pub kind: String,
}

/// What a business says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BusinessProfile {
    /// Merchant category code of ISO 18245.
    pub mcc: Option<String>,
    /// The name that customers know.
    pub name: Option<String>,
    /// Its page.
    pub url: Option<String>,
}
