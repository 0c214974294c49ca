//! `pi_…`: what a merchant wants to be paid, once.

use crate::object::source::{PaymentSource, SourceType};
use crate::object::{Metadata, Tag};
use crate::state::intent::IntentStatus;
use crate::state::words;
use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

words! {
    /// When the money is taken.
    CaptureMethod {
        /// At once.
        Automatic = "automatic",
        /// At once, where the channel settles that later; the same for us.
        AutomaticAsync = "automatic_async",
        /// When the merchant says so, within seven days.
        Manual = "manual",
    }
}

/// A payment intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentIntent {
    /// `pi_…`
    pub id: String,
    /// `payment_intent`
    #[schema(value_type = String)]
    pub object: Tag,
    /// What is to be paid, in minor units.
    pub amount: i64,
    /// What is set aside and may be taken, in minor units.
    pub amount_capturable: i64,
    /// What was taken, in minor units.
    pub amount_received: i64,
    /// Set when the methods are chosen by the platform.
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    /// When it was canceled, seconds.
    pub canceled_at: Option<i64>,
    /// Why it was canceled.
    pub cancellation_reason: Option<String>,
    /// When the money is taken.
    pub capture_method: CaptureMethod,
    /// With this and a publishable key a browser may confirm it.
    pub client_secret: String,
    /// The page on which it is paid, `cs_…`, where it was made by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session: Option<String>,
    /// `automatic` or `manual`.
    pub confirmation_method: String,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Who pays, `cus_…`.
    pub customer: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What went wrong last.
    pub last_payment_error: Option<PaymentError>,
    /// The newest attempt, `att_…`.
    pub latest_attempt: Option<String>,
    /// The charge of the newest attempt that was answered.
    pub latest_charge: Option<String>,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own number of the order; unique for ever.
    pub merchant_order_id: Option<String>,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// What the customer must do.
    pub next_action: Option<NextAction>,
    /// With what it is paid, `pm_…`.
    pub payment_method: Option<String>,
    /// With what kinds of methods it may be paid.
    pub payment_method_types: Vec<String>,
    /// What of it comes from where, where it is paid from several sources; none otherwise. They sum to the amount, and the
    /// payment method stands last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_sources: Vec<PaymentSource>,
    /// Where to send a receipt.
    pub receipt_email: Option<String>,
    /// Whether the method is kept for later payments: `on_session` or `off_session`.
    pub setup_future_usage: Option<String>,
    /// What stands on the customer's statement.
    pub statement_descriptor: Option<String>,
    /// What is appended to it.
    pub statement_descriptor_suffix: Option<String>,
    /// Where it stands.
    pub status: IntentStatus,
    /// How many attempts were made.
    pub attempts_made: u32,
}

impl PaymentIntent {
    /// Returns what the payment method pays, in minor units: all of it, or what other sources leave.
    #[must_use]
    pub fn method_amount(&self) -> i64 {
        let rest = self.payment_sources.iter().find(|source| source.kind == SourceType::PaymentMethod);
        rest.map_or(self.amount, |source| source.amount)
    }
}

/// Says that the platform chooses the methods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AutomaticPaymentMethods {
    /// Whether it does.
    pub enabled: bool,
    /// `always` or `never`: whether the customer may be sent to another page.
    pub allow_redirects: String,
}

/// What went wrong in an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentError {
    /// `card_error` or `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The error's code.
    pub code: String,
    /// The issuer's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
    /// What may be told to the customer.
    pub message: String,
    /// What the customer can correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// The charge that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// The method that failed, as a whole.
    #[schema(value_type = Object)]
    pub payment_method: serde_json::Value,
}

/// What the customer must do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NextAction {
    /// `redirect_to_url`, `display_qr_code`, or `confirm_in_wallet` where the wallet asks its customer by itself.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where to send the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_to_url: Option<RedirectToUrl>,
    /// What to show to the customer, to be scanned with the wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_qr_code: Option<DisplayQrCode>,
    /// Until when the wallet waits for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_in_wallet: Option<ConfirmInWallet>,
}

/// A QR code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DisplayQrCode {
    /// The text that the code holds.
    pub data: String,
    /// The code as a picture, for whoever knows this address.
    pub image_url_svg: String,
    /// Until when it can be paid, seconds.
    pub expires_at: i64,
}

/// What the customer was asked by the wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConfirmInWallet {
    /// Until when it can be paid, seconds.
    pub expires_at: i64,
}

/// Where to send a customer, and where the customer comes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedirectToUrl {
    /// The page where the customer proves to be the holder.
    pub url: String,
    /// The page of the merchant behind it.
    pub return_url: Option<String>,
}
