//! Calls of webhook endpoints.

use super::{check_chars, check_expand, check_metadata, check_url};
use crate::limits;
use crate::object::event::EVENT_TYPES;
use crate::rejection::{Rejection, shorten};
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

/// `POST /v1/webhook_endpoints` and `POST /v1/webhook_endpoints/:id`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteWebhookEndpoint {
    /// The version of the shapes; when the endpoint is made.
    #[serde(default, deserialize_with = "wire::text")]
    pub api_version: Option<String>,
    /// What the merchant notes.
    #[serde(default, deserialize_with = "wire::text")]
    pub description: Option<String>,
    /// Sends nothing while true; when the endpoint is changed.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub disabled: Option<bool>,
    /// Types of events, or `*`.
    #[serde(default, deserialize_with = "wire::list")]
    pub enabled_events: Option<Vec<String>>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// Where to.
    #[serde(default, deserialize_with = "wire::text")]
    pub url: Option<String>,
}

impl WriteWebhookEndpoint {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_chars("api_version", self.api_version.as_deref(), limits::ID_CHARS)?;
        check_chars("description", self.description.as_deref(), limits::DESCRIPTION_CHARS)?;
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())?;
        if self.url.as_deref() == Some("") {
            return Err(Rejection::ParameterEmpty { param: "url".to_owned() });
        }
        check_url("url", self.url.as_deref())?;
        let Some(types) = &self.enabled_events else { return Ok(()) };
        if types.is_empty() {
            return Err(Rejection::ParameterEmpty { param: "enabled_events".to_owned() });
        }
        if types.len() > limits::LIST_ENTRIES {
            let (param, limit) = ("enabled_events".to_owned(), limits::LIST_ENTRIES);
            return Err(Rejection::ParameterTooLong { param, limit, unit: "types" });
        }
        for (at, kind) in types.iter().enumerate() {
            if kind != "*" && !EVENT_TYPES.contains(&kind.as_str()) {
                let why = format!("{} is no type of event; * means all", shorten(kind));
                return Err(Rejection::ParameterInvalid { param: format!("enabled_events[{at}]"), why });
            }
        }
        Ok(())
    }
}

/// `POST /v1/webhook_endpoints/:id/roll_secret`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollSecret {
    /// Seconds for which the old secret signs too, at most seven days.
    #[serde(default, deserialize_with = "wire::integer")]
    pub overlap_seconds: Option<i64>,
}

impl RollSecret {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        match self.overlap_seconds {
            Some(seconds) if !(0..=7 * 86_400).contains(&seconds) => Err(Rejection::ParameterInvalid {
                param: "overlap_seconds".to_owned(),
                why: "it is 0 to 604800".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}
