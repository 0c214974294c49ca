//! Calls of agreements with bank accounts.

use super::{check_chars, check_expand, check_id, check_metadata};
use crate::object::bank_agreement::AccountSource;
use crate::object::payment_method::CardNumber;
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::{Deserialize, Deserializer};

/// Characters of the name of a holder.
const HOLDER_CHARS: usize = 60;
/// The longest code that a bank sends.
const CODE_CHARS: usize = 12;

/// `POST /v1/bank_agreements`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBankAgreement {
    /// The holder's name, as the bank knows it.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = String)]
    pub account_holder_name: Option<CardNumber>,
    /// The number of the account; blanks between its digits are allowed.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = String)]
    pub account_number: Option<CardNumber>,
    /// The bank, as the clearing network numbers it: a capital letter and 13 digits.
    #[serde(default, deserialize_with = "wire::text")]
    pub bank: Option<String>,
    /// Whose it is, `cus_…`.
    #[serde(default, deserialize_with = "wire::text")]
    pub customer: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The number of the holder's identity card: 18 characters.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = String)]
    pub id_number: Option<CardNumber>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// The holder's telephone, as the bank knows it: 11 digits. The bank sends its code there.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = String)]
    pub phone: Option<CardNumber>,
}

impl CreateBankAgreement {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`]. It does not tell what was given.
    pub fn check(&self) -> Result<(), Rejection> {
        if self.customer.is_none() {
            return Err(missing("customer"));
        }
        check_id("customer", self.customer.as_deref())?;
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())?;
        self.source().map(drop)
    }

    /// Returns the account.
    ///
    /// # Errors
    /// The first [`Rejection`] about what is missing, or has not its shape.
    pub fn source(&self) -> Result<AccountSource, Rejection> {
        let bank = self.bank.as_deref().ok_or_else(|| missing("bank"))?;
        let (letter, digits) = bank.split_at_checked(1).unwrap_or_default();
        if bank.len() != 14 || !letter.bytes().all(|it| it.is_ascii_uppercase()) || !is_digits(digits) {
            return Err(wrong("bank", "a bank is a capital letter and 13 digits"));
        }
        let number: String = given(&self.account_number, "account_number")?;
        let number: String = number.chars().filter(|char| !matches!(char, ' ' | '-')).collect();
        if !(8..=32).contains(&number.len()) || !is_digits(&number) {
            return Err(wrong("account_number", "an account has 8 to 32 digits"));
        }
        let holder = given(&self.account_holder_name, "account_holder_name")?;
        let shown = holder.chars().all(|char| !char.is_control() && char != '\u{fffe}' && char != '\u{ffff}');
        if !(1..=HOLDER_CHARS).contains(&holder.chars().count()) || !shown || holder.trim() != holder {
            return Err(wrong(
                "account_holder_name",
                "a name has 1 to 60 characters, without blanks around it",
            ));
        }
        let id_number = given(&self.id_number, "id_number")?.to_ascii_uppercase();
        if !suanpan_messages::identifier::resident_id_is_valid(&id_number) {
            return Err(wrong(
                "id_number",
                "an identity card has 18 characters, of which the last checks the others",
            ));
        }
        let phone = given(&self.phone, "phone")?;
        if phone.len() != 11 || !phone.starts_with('1') || !is_digits(&phone) {
            return Err(wrong("phone", "a mobile telephone has 11 digits, of which the first is 1"));
        }
        Ok(AccountSource {
            bank: bank.to_owned(),
            number: CardNumber(number),
            holder: CardNumber(holder),
            id_number: CardNumber(id_number),
            phone: CardNumber(phone),
        })
    }
}

/// `POST /v1/bank_agreements/:id/confirm`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBankAgreement {
    /// The code that the bank sent to the holder.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = String)]
    pub code: Option<CardNumber>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
}

impl ConfirmBankAgreement {
    /// Checks what can be told from the request alone, and returns the code.
    ///
    /// # Errors
    /// The first [`Rejection`]. It does not tell the code.
    pub fn check(&self) -> Result<&str, Rejection> {
        check_expand(self.expand.as_ref())?;
        let code = self.code.as_ref().map(|code| code.0.as_str()).ok_or_else(|| missing("code"))?;
        check_chars("code", Some(code), CODE_CHARS)?;
        if code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(code);
        }
        Err(wrong("code", "a code has letters and digits"))
    }
}

fn given(secret: &Option<CardNumber>, param: &str) -> Result<String, Rejection> {
    secret.as_ref().map(|secret| secret.0.clone()).ok_or_else(|| missing(param))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn missing(param: &str) -> Rejection {
    Rejection::ParameterMissing { param: param.to_owned() }
}

/// What was given must not stand in an answer.
fn wrong(param: &str, why: &str) -> Rejection {
    Rejection::ParameterInvalid { param: param.to_owned(), why: why.to_owned() }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CardNumber>, D::Error> {
    Ok(wire::digits(deserializer)?.filter(|text| !text.is_empty()).map(CardNumber))
}
