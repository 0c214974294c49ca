//! Cards, wallets, codes and persons in requests.

use super::card_present::CardPresentData;
use super::{check_chars, check_email, check_metadata, check_word};
use crate::limits;
use crate::object::customer::Address;
use crate::object::payment_method::{BillingDetails, CardNumber, CardSource};
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::{Deserialize, Deserializer};

/// The kind of methods that are cards.
pub const CARD: &str = "card";
/// The kind of methods that are cards which were held to a terminal, for one payment.
pub const CARD_PRESENT: &str = "card_present";
/// The kind of methods that are what the customer of the payment keeps with us.
pub const CUSTOMER_BALANCE: &str = "customer_balance";
/// The kind of methods with which the customer scans what is shown, with Alipay.
pub const ALIPAY: &str = "alipay";
/// The same with WeChat Pay.
pub const WECHAT_PAY: &str = "wechat_pay";
/// The kind of methods that are a code which the customer showed, of whatever wallet.
pub const PAYMENT_CODE: &str = "payment_code";
/// The kind of methods that are agreements with bank accounts.
pub const BANK_AGREEMENT: &str = "bank_agreement";
/// Kinds of methods that are taken now.
pub const TYPES: [&str; 7] =
    [CARD, CARD_PRESENT, CUSTOMER_BALANCE, ALIPAY, WECHAT_PAY, PAYMENT_CODE, BANK_AGREEMENT];

/// Whether methods of a kind are good for one payment, and used up when that begins.
#[must_use]
pub fn is_used_once(kind: &str) -> bool {
    [PAYMENT_CODE, CARD_PRESENT].contains(&kind)
}

/// Makes a payment method inside another call.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentMethodData {
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
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// The code that was scanned.
    pub payment_code: Option<CodeData>,
}

/// A code that a customer showed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeData {
    /// Its digits.
    #[serde(default, deserialize_with = "secret_digits")]
    #[schema(value_type = Option<String>)]
    pub code: Option<CardNumber>,
}

impl PaymentMethodData {
    /// Checks what can be told from the request alone; `at` is the parameter that holds this, or empty.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self, at: &str) -> Result<(), Rejection> {
        let kind = self.kind.as_deref().unwrap_or_default();
        if kind.is_empty() {
            return Err(Rejection::ParameterMissing { param: within(at, "type") });
        }
        check_word(&within(at, "type"), Some(kind), &TYPES)?;
        if kind == BANK_AGREEMENT {
            let why = "a method of this type is made by POST /v1/bank_agreements".to_owned();
            return Err(Rejection::ParameterInvalid { param: within(at, "type"), why });
        }
        let words = ["always", "limited", "unspecified"];
        check_word(&within(at, "allow_redisplay"), self.allow_redisplay.as_deref(), &words)?;
        if let Some(billing) = &self.billing_details {
            billing.check(&within(at, "billing_details"))?;
        }
        check_metadata(self.metadata.as_ref())?;
        let code = self.payment_code.as_ref();
        match code.map(|data| &data.code) {
            Some(Some(_)) if kind == PAYMENT_CODE => {}
            Some(None) | None if kind == PAYMENT_CODE => {
                return Err(Rejection::ParameterMissing { param: within(at, "payment_code[code]") });
            }
            None => {}
            Some(_) => {
                let why = format!("a method of type {kind} has no code");
                return Err(Rejection::ParameterInvalid { param: within(at, "payment_code"), why });
            }
        }
        match &self.card_present {
            None if kind == CARD_PRESENT => {
                return Err(Rejection::ParameterMissing { param: within(at, "card_present") });
            }
            None => {}
            Some(present) if kind == CARD_PRESENT => {
                present.source(&within(at, "card_present"))?;
            }
            Some(_) => {
                let why = format!("a method of type {kind} has no card that is present");
                return Err(Rejection::ParameterInvalid { param: within(at, "card_present"), why });
            }
        }
        match &self.card {
            None if kind == CARD => Err(Rejection::ParameterMissing { param: within(at, "card") }),
            None => Ok(()),
            Some(card) if kind == CARD => card.source(&within(at, "card")).map(drop),
            Some(_) => {
                let why = format!("a method of type {kind} has no card");
                Err(Rejection::ParameterInvalid { param: within(at, "card"), why })
            }
        }
    }
}

/// A card by what stands on it, or by a token for tests.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardData {
    /// The security code.
    #[serde(default, deserialize_with = "secret_digits")]
    #[schema(value_type = Option<String>)]
    pub cvc: Option<CardNumber>,
    /// The month, 1 to 12.
    #[serde(default, deserialize_with = "wire::integer")]
    pub exp_month: Option<i64>,
    /// The year, two or four digits.
    #[serde(default, deserialize_with = "wire::integer")]
    pub exp_year: Option<i64>,
    /// The digits; blanks and hyphens between them are allowed.
    #[serde(default, deserialize_with = "secret_digits")]
    #[schema(value_type = Option<String>)]
    pub number: Option<CardNumber>,
    /// `tok_visa` and the like.
    #[serde(default, deserialize_with = "wire::text")]
    pub token: Option<String>,
}

impl CardData {
    /// Reads the card. Whether its number and date are good is for the vault to say.
    ///
    /// # Errors
    /// The first [`Rejection`] about shapes.
    pub fn source(&self, at: &str) -> Result<CardSource, Rejection> {
        if let Some(token) = self.token.as_deref().filter(|token| !token.is_empty()) {
            check_chars(&within(at, "token"), Some(token), limits::ID_CHARS)?;
            if self.number.is_some() {
                return Err(Rejection::ParametersExclude {
                    param: within(at, "token"),
                    other: within(at, "number"),
                });
            }
            return Ok(CardSource::TestId(token.to_owned()));
        }
        let missing = |name| Rejection::ParameterMissing { param: within(at, name) };
        let number = self.number.as_ref().ok_or_else(|| missing("number"))?;
        let number: String = number.0.chars().filter(|char| !matches!(char, ' ' | '-')).collect();
        if number.is_empty() || number.len() > 19 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            // The number itself must not stand in an answer.
            let why = "a card number has up to 19 digits".to_owned();
            return Err(Rejection::ParameterInvalid { param: within(at, "number"), why });
        }
        let month = self.exp_month.ok_or_else(|| missing("exp_month"))?;
        let year = self.exp_year.ok_or_else(|| missing("exp_year"))?;
        let out_of_range = |name: &str, why: &str| Rejection::ParameterInvalid {
            param: within(at, name),
            why: why.to_owned(),
        };
        let exp_month = u8::try_from(month)
            .ok()
            .filter(|month| (1..=12).contains(month))
            .ok_or_else(|| out_of_range("exp_month", "a month is 1 to 12"))?;
        let full = if (0..100).contains(&year) { 2_000 + year } else { year };
        let exp_year = u16::try_from(full)
            .ok()
            .filter(|year| (1_970..=2_199).contains(year))
            .ok_or_else(|| out_of_range("exp_year", "a year has two or four digits"))?;
        if let Some(cvc) = &self.cvc
            && (!(3..=4).contains(&cvc.0.len()) || !cvc.0.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(out_of_range("cvc", "a security code has three or four digits"));
        }
        Ok(CardSource::Number { number: CardNumber(number), exp_month, exp_year, cvc: self.cvc.clone() })
    }
}

/// Who pays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BillingData {
    /// The postal address.
    pub address: Option<AddressData>,
    /// The address of electronic mail.
    #[serde(default, deserialize_with = "wire::text")]
    pub email: Option<String>,
    /// The name.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: Option<String>,
    /// The telephone number.
    #[serde(default, deserialize_with = "wire::text")]
    pub phone: Option<String>,
}

impl BillingData {
    pub(crate) fn check(&self, at: &str) -> Result<(), Rejection> {
        if let Some(address) = &self.address {
            address.check(&within(at, "address"))?;
        }
        check_email(&within(at, "email"), self.email.as_deref())?;
        check_chars(&within(at, "name"), self.name.as_deref(), limits::NAME_CHARS)?;
        check_chars(&within(at, "phone"), self.phone.as_deref(), limits::PHONE_CHARS)
    }

    pub(crate) fn apply(&self, details: &mut BillingDetails) {
        if let Some(address) = &self.address {
            address.apply(&mut details.address);
        }
        super::set(&mut details.email, self.email.as_ref());
        super::set(&mut details.name, self.name.as_ref());
        super::set(&mut details.phone, self.phone.as_ref());
    }
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressData {
    /// City, district, town.
    #[serde(default, deserialize_with = "wire::text")]
    pub city: Option<String>,
    /// Two letters.
    #[serde(default, deserialize_with = "wire::text")]
    pub country: Option<String>,
    /// Street and number.
    #[serde(default, deserialize_with = "wire::text")]
    pub line1: Option<String>,
    /// Flat, floor, building.
    #[serde(default, deserialize_with = "wire::text")]
    pub line2: Option<String>,
    /// Postal code.
    #[serde(default, deserialize_with = "wire::text")]
    pub postal_code: Option<String>,
    /// State, province, county.
    #[serde(default, deserialize_with = "wire::text")]
    pub state: Option<String>,
}

impl AddressData {
    pub(crate) fn check(&self, at: &str) -> Result<(), Rejection> {
        for (name, text) in [
            ("city", &self.city),
            ("line1", &self.line1),
            ("line2", &self.line2),
            ("postal_code", &self.postal_code),
            ("state", &self.state),
        ] {
            check_chars(&within(at, name), text.as_deref(), limits::ADDRESS_CHARS)?;
        }
        check_country(&within(at, "country"), self.country.as_deref())
    }

    pub(crate) fn apply(&self, address: &mut Address) {
        super::set(&mut address.city, self.city.as_ref());
        super::set(&mut address.country, self.country.as_ref());
        super::set(&mut address.line1, self.line1.as_ref());
        super::set(&mut address.line2, self.line2.as_ref());
        super::set(&mut address.postal_code, self.postal_code.as_ref());
        super::set(&mut address.state, self.state.as_ref());
    }
}

/// Checks the shape of a country code.
pub(crate) fn check_country(param: &str, text: Option<&str>) -> Result<(), Rejection> {
    match text {
        Some(text)
            if !text.is_empty() && (text.len() != 2 || !text.bytes().all(|b| b.is_ascii_alphabetic())) =>
        {
            let why = "a country is two letters of ISO 3166-1".to_owned();
            Err(Rejection::ParameterInvalid { param: param.to_owned(), why })
        }
        _ => Ok(()),
    }
}

pub(crate) fn within(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}[{name}]") }
}

fn secret_digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CardNumber>, D::Error> {
    Ok(wire::digits(deserializer)?.filter(|text| !text.is_empty()).map(CardNumber))
}
