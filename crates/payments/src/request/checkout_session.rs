//! Calls of checkout sessions.

use super::card::{ALIPAY, CARD, PaymentMethodData, WECHAT_PAY};
use super::{
    amount, check_chars, check_email, check_expand, check_id, check_metadata, check_url, check_word,
};
use crate::limits;
use crate::object::source::SourceType;
use crate::rejection::{Rejection, shorten};
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

/// Kinds of methods that a page can offer. A balance is not among them: it is offered beside them
/// where the merchant says so, since whoever has the address of a page has not proven to be the customer; and a code that is scanned needs a shop.
pub const PAGE_TYPES: [&str; 3] = [ALIPAY, WECHAT_PAY, CARD];

/// `POST /v1/checkout/sessions`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCheckoutSession {
    /// What the items sum to, in minor units; may be given without items.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
    /// The page for a customer who does not want to pay.
    #[serde(default, deserialize_with = "wire::text")]
    pub cancel_url: Option<String>,
    /// The merchant's own name for it.
    #[serde(default, deserialize_with = "wire::text")]
    pub client_reference_id: Option<String>,
    /// Three letters of ISO 4217; may be left out with items.
    #[serde(default, deserialize_with = "wire::text")]
    pub currency: Option<String>,
    /// `cus_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub customer: Option<String>,
    /// The customer's address of electronic mail.
    #[serde(default, deserialize_with = "wire::text")]
    pub customer_email: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// Until when it can be paid, seconds: 30 minutes to 24 hours from now; 24 hours when it is left out.
    #[serde(default, deserialize_with = "wire::integer")]
    pub expires_at: Option<i64>,
    /// What is bought.
    pub line_items: Option<Vec<LineItemData>>,
    /// The language of the page where the browser names none that it has: `zh`, `en` or `auto`.
    #[serde(default, deserialize_with = "wire::text")]
    pub locale: Option<String>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// `payment`
    #[serde(default, deserialize_with = "wire::text")]
    pub mode: Option<String>,
    /// What the payment is made with.
    pub payment_intent_data: Option<IntentData>,
    /// `card`, `alipay`, `wechat_pay`; all that can be paid with when it is left out.
    #[serde(default, deserialize_with = "wire::list")]
    pub payment_method_types: Option<Vec<String>>,
    /// What the customer has with you that the page offers beside a method: `balance`. Whoever has the address of the page
    /// can pay with it, so name it only for a customer who is signed in with you.
    #[serde(default, deserialize_with = "wire::list")]
    pub payment_sources: Option<Vec<String>>,
    /// The page for a customer who has paid; `{CHECKOUT_SESSION_ID}` in it becomes the id.
    #[serde(default, deserialize_with = "wire::text")]
    pub success_url: Option<String>,
    /// `hosted`
    #[serde(default, deserialize_with = "wire::text")]
    pub ui_mode: Option<String>,
}

/// An item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineItemData {
    /// Its price and name.
    pub price_data: Option<PriceData>,
    /// How many; 1 when it is left out.
    #[serde(default, deserialize_with = "wire::integer")]
    pub quantity: Option<i64>,
}

/// A price, given with the item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceData {
    /// Three letters of ISO 4217; the same for all items.
    #[serde(default, deserialize_with = "wire::text")]
    pub currency: Option<String>,
    /// What it is.
    pub product_data: Option<ProductData>,
    /// Minor units.
    #[serde(default, deserialize_with = "wire::integer")]
    pub unit_amount: Option<i64>,
}

/// What an item is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductData {
    /// What it is called on the page.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: Option<String>,
}

/// What the payment of a session is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntentData {
    /// What it is for.
    #[serde(default, deserialize_with = "wire::text")]
    pub description: Option<String>,
    /// The merchant's own number of the order; unique for ever.
    #[serde(default, deserialize_with = "wire::text")]
    pub merchant_order_id: Option<String>,
    /// Particulars of the payment.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
}

impl CreateCheckoutSession {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_url("cancel_url", self.cancel_url.as_deref())?;
        check_chars("client_reference_id", self.client_reference_id.as_deref(), limits::REFERENCE_CHARS)?;
        check_id("customer", self.customer.as_deref())?;
        check_email("customer_email", self.customer_email.as_deref())?;
        check_expand(self.expand.as_ref())?;
        let items = self.line_items.as_deref().unwrap_or_default();
        if items.len() > limits::LINE_ITEMS {
            let (param, limit) = ("line_items".to_owned(), limits::LINE_ITEMS);
            return Err(Rejection::ParameterTooLong { param, limit, unit: "items" });
        }
        check_locale(self.locale.as_deref())?;
        check_metadata(self.metadata.as_ref())?;
        check_word("mode", self.mode.as_deref(), &["payment"])?;
        if let Some(data) = &self.payment_intent_data {
            let at = "payment_intent_data[description]";
            check_chars(at, data.description.as_deref(), limits::DESCRIPTION_CHARS)?;
            let at = "payment_intent_data[merchant_order_id]";
            check_chars(at, data.merchant_order_id.as_deref(), limits::MERCHANT_ORDER_ID_CHARS)?;
            check_metadata(data.metadata.as_ref())?;
        }
        if let Some(types) = &self.payment_method_types {
            if types.is_empty() {
                return Err(Rejection::ParameterEmpty { param: "payment_method_types".to_owned() });
            }
            for (at, kind) in types.iter().enumerate() {
                let param = format!("payment_method_types[{at}]");
                if kind.is_empty() || types[..at].contains(kind) {
                    let why = "it is empty, or stands there twice".to_owned();
                    return Err(Rejection::ParameterInvalid { param, why });
                }
                check_word(&param, Some(kind), &PAGE_TYPES)?;
            }
        }
        for (at, source) in self.payment_sources.iter().flatten().enumerate() {
            check_word(&format!("payment_sources[{at}]"), Some(source), &[SourceType::Balance.word()])?;
            if at > 0 {
                let why = "it stands there twice".to_owned();
                return Err(Rejection::ParameterInvalid { param: format!("payment_sources[{at}]"), why });
            }
            if self.customer.is_none() {
                return Err(Rejection::ParameterMissing { param: "customer".to_owned() });
            }
        }
        if self.success_url.as_deref().unwrap_or_default().is_empty() {
            return Err(Rejection::ParameterMissing { param: "success_url".to_owned() });
        }
        check_url("success_url", self.success_url.as_deref())?;
        check_word("ui_mode", self.ui_mode.as_deref(), &["hosted"])
    }
}

impl LineItemData {
    /// Reads an item: its name, the price of one, the currency and how many.
    ///
    /// # Errors
    /// The first [`Rejection`]; `at` is its place.
    pub(crate) fn read(&self, at: usize) -> Result<ItemRead<'_>, Rejection> {
        let within = |name: &str| format!("line_items[{at}]{name}");
        let missing = |name: &str| Rejection::ParameterMissing { param: within(name) };
        let price = self.price_data.as_ref().ok_or_else(|| missing("[price_data]"))?;
        let product = price.product_data.as_ref().ok_or_else(|| missing("[price_data][product_data]"))?;
        let name = product.name.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| missing("[price_data][product_data][name]"))?;
        check_chars(&within("[price_data][product_data][name]"), Some(name), limits::NAME_CHARS)?;
        let unit_amount = amount(&within("[price_data][unit_amount]"), price.unit_amount)?;
        let currency = super::currency(&within("[price_data][currency]"), price.currency.as_deref())?;
        let quantity = self.quantity.unwrap_or(1);
        if !(1..=limits::QUANTITY_MAX).contains(&quantity) {
            let why = format!("from 1 to {}", limits::QUANTITY_MAX);
            return Err(Rejection::ParameterInvalid { param: within("[quantity]"), why });
        }
        let sum = unit_amount.checked_mul(quantity).filter(|sum| *sum <= limits::AMOUNT_MINOR_MAX);
        let too_large =
            || Rejection::AmountTooLarge { param: within("[quantity]"), most: limits::AMOUNT_MINOR_MAX };
        Ok(ItemRead { name, unit_amount, currency, quantity, sum: sum.ok_or_else(too_large)? })
    }
}

/// An item that was read.
pub(crate) struct ItemRead<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit_amount: i64,
    pub(crate) currency: suanpan_money::Currency,
    pub(crate) quantity: i64,
    /// In minor units.
    pub(crate) sum: i64,
}

fn check_locale(locale: Option<&str>) -> Result<(), Rejection> {
    check_chars("locale", locale, limits::LOCALE_CHARS)?;
    match locale.filter(|locale| !locale.is_empty()) {
        Some(text) if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            let why = format!("{} is no tag of a language, such as zh or en", shorten(text));
            Err(Rejection::ParameterInvalid { param: "locale".to_owned(), why })
        }
        _ => Ok(()),
    }
}

/// `POST /v1/checkout/sessions/:id/expire`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpireCheckoutSession {
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
}

/// What a customer chose on the page. It comes from the page alone, and has no call of the API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PayCheckoutSession {
    /// How many attempts the page knew of that was sent, so that one that was sent twice begins one attempt.
    pub attempts_seen: u32,
    /// The method; it need not be given where the balance pays all of it.
    pub method: Option<PaymentMethodData>,
    /// What comes out of the customer's balance, in minor units; 0 is nothing.
    pub balance: i64,
    /// Instead, a card for tests such as `pm_card_visa`.
    pub test_card: Option<String>,
    /// Where the customer comes back to from another page.
    pub return_url: String,
}

/// Why a session ends unpaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Its time is over.
    Time,
    /// The merchant asked for it.
    Merchant,
}
