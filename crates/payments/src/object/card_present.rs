//! What is kept of a card that was held to a terminal.

use serde::{Deserialize, Serialize};
use suanpan_money::Currency;

/// A card that was held to a terminal, for one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CardPresent {
    /// What its cryptogram stands for, in minor units: no other payment can be made with it.
    pub amount: i64,
    /// `unionpay` and so on.
    pub brand: String,
    /// Two letters of ISO 3166-1, where the issuer sits.
    pub country: Option<String>,
    /// The currency that its cryptogram stands for.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// The month on the card, 1 to 12.
    pub exp_month: i64,
    /// The year on the card, four digits.
    pub exp_year: i64,
    /// The same for all methods made of one number, and tells nothing about it.
    pub fingerprint: String,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub funding: String,
    /// The last four digits.
    pub last4: String,
    /// `contactless_emv`
    pub read_method: String,
    /// What a receipt shows of its chip.
    pub receipt: Receipt,
}

/// What a receipt shows of a chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The cryptogram (9F26), in hexadecimal.
    pub application_cryptogram: String,
    /// `arqc`: the issuer is asked.
    pub application_cryptogram_type: String,
    /// How many payments the card had made with this one (9F36).
    pub application_transaction_counter: u16,
    /// `online_pin`, `on_device` or `none`.
    pub cardholder_verification_method: String,
    /// The application (84), in hexadecimal.
    pub dedicated_file_name: Option<String>,
    /// What the terminal found (95), in hexadecimal.
    pub terminal_verification_results: String,
}
