//! `cs_…`: a page on which a customer pays, once. Whoever knows the id may open the page, so it is long and random.

use crate::object::source::SourceType;
use crate::object::{Metadata, Tag};
use crate::state::checkout_session::{SessionPaymentStatus, SessionStatus};
use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

/// A checkout session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckoutSession {
    /// `cs_…`; part of the address of the page, and what keeps strangers away from it.
    pub id: String,
    /// `checkout.session`
    #[schema(value_type = String)]
    pub object: Tag,
    /// The sum of the items, in minor units.
    pub amount_subtotal: i64,
    /// What is to be paid, in minor units; the same, since there are no taxes and no discounts.
    pub amount_total: i64,
    /// The page of the merchant for a customer who does not want to pay.
    pub cancel_url: Option<String>,
    /// The merchant's own name for it.
    pub client_reference_id: Option<String>,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Who pays, `cus_…`.
    pub customer: Option<String>,
    /// The customer's address of electronic mail, as the merchant knows it.
    pub customer_email: Option<String>,
    /// Until when it can be paid, seconds.
    pub expires_at: i64,
    /// Money that came when the attempt was over, where some came. It goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_payment: Option<LatePayment>,
    /// What is bought; Stripe shows this where it is expanded only.
    pub line_items: LineItems,
    /// Whether in live mode.
    pub livemode: bool,
    /// The language of the page where the browser names none that it has.
    pub locale: Option<String>,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// `payment`
    pub mode: String,
    /// The payment, made together with this.
    pub payment_intent: String,
    /// With what kinds of methods it may be paid.
    pub payment_method_types: Vec<String>,
    /// What the customer has with the merchant's platform that the page offers beside a method; nothing mostly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_sources: Vec<SourceType>,
    /// Whether it is paid.
    pub payment_status: SessionPaymentStatus,
    /// Where it stands.
    pub status: SessionStatus,
    /// The page of the merchant for a customer who has paid. `{CHECKOUT_SESSION_ID}` in it stands for the id.
    pub success_url: String,
    /// The page, while it is open.
    pub url: Option<String>,
}

impl CheckoutSession {
    /// Returns the page of the merchant for a customer who has paid.
    #[must_use]
    pub fn success_page(&self) -> String {
        self.success_url.replace(ID_IN_URL, &self.id)
    }
}

/// What stands for the id of a session in the merchant's URL, as at Stripe.
const ID_IN_URL: &str = "{CHECKOUT_SESSION_ID}";

/// The items of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineItems {
    /// `list`
    #[schema(value_type = String)]
    pub object: Tag,
    /// The items.
    pub data: Vec<LineItem>,
    /// Always false: all of them are there.
    pub has_more: bool,
    /// Where they can be read.
    pub url: String,
}

/// An item of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineItem {
    /// `li_…`
    pub id: String,
    /// `item`
    #[schema(value_type = String)]
    pub object: Tag,
    /// Unit price times quantity, in minor units.
    pub amount_subtotal: i64,
    /// The same.
    pub amount_total: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// What it is called on the page.
    pub description: String,
    /// The price of one.
    pub price: Price,
    /// How many.
    pub quantity: i64,
}

/// A price that was given with an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Price {
    /// `price`
    #[schema(value_type = String)]
    pub object: Tag,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// `one_time`
    #[serde(rename = "type")]
    pub kind: String,
    /// In minor units.
    pub unit_amount: i64,
}

/// Money that came when its attempt was over or called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LatePayment {
    /// The attempt, `att_…`; its number is what the customer can ask about.
    pub attempt: String,
    /// How much, in minor units.
    pub amount: i64,
    /// When the channel told of it, seconds.
    pub received_at: i64,
    /// When the channel said that it went back, seconds.
    pub returned_at: Option<i64>,
}
