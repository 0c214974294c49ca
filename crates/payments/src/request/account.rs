//! Calls of accounts of merchants and their keys.

use super::card::check_country;
use super::{check_chars, check_email, check_expand, check_metadata, check_url, check_word};
use crate::limits;
use crate::object::api_key::SCOPES;
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

/// `POST /v1/accounts` and `POST /v1/accounts/:id`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteAccount {
    /// `company`, `individual`, `non_profit` or `government_entity`.
    #[serde(default, deserialize_with = "wire::text")]
    pub business_type: Option<String>,
    /// What the business says of itself.
    pub business_profile: Option<ProfileData>,
    /// Two letters; when the account is made.
    #[serde(default, deserialize_with = "wire::text")]
    pub country: Option<String>,
    /// Three letters.
    #[serde(default, deserialize_with = "wire::text")]
    pub default_currency: Option<String>,
    /// The address of electronic mail.
    #[serde(default, deserialize_with = "wire::text")]
    pub email: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// `standard`; when the account is made.
    #[serde(rename = "type", default, deserialize_with = "wire::text")]
    pub kind: Option<String>,
}

/// What a business says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileData {
    /// Four digits of ISO 18245.
    #[serde(default, deserialize_with = "wire::digits")]
    pub mcc: Option<String>,
    /// The name that customers know.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: Option<String>,
    /// Its page.
    #[serde(default, deserialize_with = "wire::text")]
    pub url: Option<String>,
}

impl WriteAccount {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        let types = ["company", "individual", "non_profit", "government_entity"];
        check_word("business_type", self.business_type.as_deref(), &types)?;
        if let Some(profile) = &self.business_profile {
            let mcc = profile.mcc.as_deref().filter(|mcc| !mcc.is_empty());
            if mcc.is_some_and(|mcc| mcc.len() != 4 || !mcc.bytes().all(|byte| byte.is_ascii_digit())) {
                let why = "a category is four digits of ISO 18245".to_owned();
                return Err(Rejection::ParameterInvalid { param: "business_profile[mcc]".to_owned(), why });
            }
            check_chars("business_profile[name]", profile.name.as_deref(), limits::NAME_CHARS)?;
            check_url("business_profile[url]", profile.url.as_deref())?;
        }
        check_country("country", self.country.as_deref())?;
        if self.default_currency.is_some() {
            super::currency("default_currency", self.default_currency.as_deref())?;
        }
        check_email("email", self.email.as_deref())?;
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())?;
        check_word("type", self.kind.as_deref(), &["standard"])
    }
}

/// `POST /v1/api_keys`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// When it stops, seconds.
    #[serde(default, deserialize_with = "wire::integer")]
    pub expires_at: Option<i64>,
    /// `secret`, `restricted` or `publishable`.
    #[serde(rename = "type", default, deserialize_with = "wire::text")]
    pub kind: Option<String>,
    /// What the merchant calls it.
    #[serde(default, deserialize_with = "wire::text")]
    pub name: Option<String>,
    /// What it may do; restricted keys only.
    #[serde(default, deserialize_with = "wire::list")]
    pub scopes: Option<Vec<String>>,
}

impl CreateApiKey {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_word("type", self.kind.as_deref(), &["secret", "restricted", "publishable"])?;
        check_chars("name", self.name.as_deref(), limits::NAME_CHARS)?;
        let scopes = self.scopes.as_deref().unwrap_or_default();
        for (at, scope) in scopes.iter().enumerate() {
            if !SCOPES.contains(&scope.as_str()) {
                check_word(&format!("scopes[{at}]"), Some(scope), &SCOPES)?;
                return Err(Rejection::ParameterEmpty { param: format!("scopes[{at}]") });
            }
        }
        let restricted = self.kind.as_deref() == Some("restricted");
        if restricted == scopes.is_empty() {
            let why = "restricted keys need scopes, and no others take them".to_owned();
            return Err(Rejection::ParameterInvalid { param: "scopes".to_owned(), why });
        }
        Ok(())
    }
}
