//! `pm_…`: with what a customer pays. The number of a card is never kept: only what the channel's vault
//! calls it, its last four digits and a fingerprint.

use crate::object::card_present::CardPresent;
use crate::object::customer::Address;
use crate::object::{Metadata, Tag};
use serde::{Deserialize, Serialize};
use std::fmt;
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::pin::PinBlock;

/// A payment method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentMethod {
    /// `pm_…`
    pub id: String,
    /// `payment_method`
    #[schema(value_type = String)]
    pub object: Tag,
    /// `always`, `limited` or `unspecified`: where it may be shown again.
    pub allow_redisplay: String,
    /// The account, where the customer pays by an agreement with a bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_agreement: Option<BankAccount>,
    /// Who pays, as the bank of the customer knows it.
    pub billing_details: BillingDetails,
    /// The card, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// The card that was held to a terminal, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_present: Option<CardPresent>,
    /// There, and empty, where the customer pays with Alipay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alipay: Option<Wallet>,
    /// When it was made, seconds.
    pub created: i64,
    /// Whose it is.
    pub customer: Option<String>,
    /// There, and empty, where it is the balance that the customer of the payment keeps with us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_balance: Option<CustomerBalance>,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// Whose the code is that was scanned, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_code: Option<PaymentCode>,
    /// There, and empty, where the customer pays with WeChat Pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wechat_pay: Option<Wallet>,
    /// `card`, `card_present`, `customer_balance`, `alipay`, `wechat_pay`, `payment_code` or `bank_agreement`
    #[serde(rename = "type")]
    pub kind: String,
    /// What is not shown.
    #[schema(ignore)]
    pub internal: Internal,
}

/// What of a payment method is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Internal {
    /// The channel whose vault keeps the card, or that knows the code; empty without one.
    pub channel: String,
    /// What the vault calls the card, or the bank its agreement; or the code that was scanned.
    pub token: String,
    /// What the vault calls the card in all that follows the one payment for which `token` is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_after: Option<String>,
    /// The vault, which several channels may share; empty without one, and in methods of before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vault: String,
}

/// A code that the customer showed is as good as money, so it is not shown.
impl fmt::Debug for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Internal")
            .field("channel", &self.channel)
            .field("vault", &self.vault)
            .field("has_token", &!self.token.is_empty())
            .finish()
    }
}

impl PaymentMethod {
    /// Returns the brand of a card and the country of its issuer, whether its number was typed or its chip was read.
    #[must_use]
    pub fn brand_and_country(&self) -> Option<(&str, Option<&str>)> {
        match (&self.card, &self.card_present) {
            (Some(card), _) => Some((&card.brand, card.country.as_deref())),
            (None, Some(card)) => Some((&card.brand, card.country.as_deref())),
            (None, None) => None,
        }
    }
}

/// A wallet that the customer pays with, by scanning what is shown. It is the wallet that knows the customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Wallet {}

/// A code that the customer showed. It is good once, for a minute, and not shown again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentCode {
    /// Whose it is, as the table of codes says: `alipay`, `wechat_pay` and so on.
    pub wallet: String,
}

/// An account that is paid from by agreement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BankAccount {
    /// The agreement, `bagr_…`.
    pub agreement: String,
    /// The bank, as the clearing network numbers it.
    pub bank: String,
    /// The last four digits of the account.
    pub last4: String,
}

/// The balance of a customer: there is one in each currency, so nothing needs saying.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CustomerBalance {}

/// Who pays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BillingDetails {
    /// The postal address.
    pub address: Address,
    /// The address of electronic mail.
    pub email: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
}

/// What is kept of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Card {
    /// `visa`, `mastercard`, `amex`, `unionpay` and so on.
    pub brand: String,
    /// What was checked.
    pub checks: Checks,
    /// Two letters of ISO 3166-1, where the issuer sits.
    pub country: Option<String>,
    /// The brand as shown.
    pub display_brand: String,
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
    /// Over what networks it may go.
    pub networks: Networks,
    /// Whether the holder can be asked to prove to be one.
    pub three_d_secure_usage: ThreeDSecureUsage,
}

/// What was checked of a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Checks {
    /// The first line of the address.
    pub address_line1_check: Option<String>,
    /// The postal code.
    pub address_postal_code_check: Option<String>,
    /// The security code.
    pub cvc_check: Option<String>,
}

/// Networks of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Networks {
    /// All of them.
    pub available: Vec<String>,
    /// The one preferred.
    pub preferred: Option<String>,
}

/// Whether a card supports 3-D Secure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ThreeDSecureUsage {
    /// Whether it does.
    pub supported: bool,
}

/// A card number on its way to the vault. It is never written: not in errors, not in logs, not in JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct CardNumber(pub String);

impl std::fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CardNumber(…)")
    }
}

/// A card that the vault is to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardSource {
    /// By what stands on it.
    Number {
        /// Its digits.
        number: CardNumber,
        /// The month, 1 to 12.
        exp_month: u8,
        /// The year, four digits.
        exp_year: u16,
        /// The security code.
        cvc: Option<CardNumber>,
    },
    /// By an id for tests, such as `pm_card_visa` or `tok_visa`.
    TestId(String),
    /// By its chip, for one payment.
    Chip(Box<ChipCard>),
}

/// What the chip of a card gave for one payment, read and of the right shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChipCard {
    /// Track 2.
    pub track_2: Track2,
    /// The card among those of its number.
    pub sequence: u8,
    /// What goes to the issuer.
    pub data: ChipData,
    /// The PIN under the key of the terminals.
    pub pin_block: Option<PinBlock>,
}

/// A card as the vault of a channel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultedCard {
    /// The channel.
    pub channel: String,
    /// What the vault calls it.
    pub token: String,
    /// The brand.
    pub brand: String,
    /// Where the issuer sits.
    pub country: Option<String>,
    /// The month on the card.
    pub exp_month: u8,
    /// The year on the card.
    pub exp_year: u16,
    /// What names the number without telling it.
    pub fingerprint: String,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub funding: String,
    /// The last four digits.
    pub last4: String,
    /// Whether a security code came with it.
    pub cvc_given: bool,
    /// Of what is good for one payment only: what the vault calls the card in all that follows that payment.
    pub token_after: Option<String>,
}
