//! `key_…`: who may use the API, and for what. Only a keyed hash of the key is kept.

use crate::object::Tag;
use crate::rejection::Rejection;
use crate::state::words;
use serde::{Deserialize, Serialize};

words! {
    /// What kind of key.
    KeyKind {
        /// `sk_…`: may do everything.
        Secret = "secret",
        /// `rk_…`: may do what its scopes say.
        Restricted = "restricted",
        /// `pk_…`: may do what a browser may do.
        Publishable = "publishable",
    }
}

/// Scopes that a restricted key may have.
pub const SCOPES: [&str; 16] = [
    "accounts:read",
    "accounts:write",
    "balance:read",
    "customers:read",
    "customers:write",
    "events:read",
    "ledger:read",
    "ledger:write",
    "payment_methods:read",
    "payment_methods:write",
    "payments:read",
    "payments:write",
    "refunds:read",
    "refunds:write",
    "webhooks:read",
    "webhooks:write",
];

/// What a browser may do.
const BROWSER_SCOPES: [&str; 1] = ["payment_methods:write"];

/// A key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiKey {
    /// `key_…`
    pub id: String,
    /// `api_key`
    #[schema(value_type = String)]
    pub object: Tag,
    /// When it was made, seconds.
    pub created: i64,
    /// When it stops, seconds.
    pub expires_at: Option<i64>,
    /// The first and last letters, to know it by.
    pub hint: String,
    /// What kind of key.
    #[serde(rename = "type")]
    pub kind: KeyKind,
    /// Whether in live mode.
    pub livemode: bool,
    /// What the merchant calls it.
    pub name: Option<String>,
    /// What it may do; restricted keys only.
    pub scopes: Vec<String>,
    /// What is not shown.
    #[schema(ignore)]
    pub internal: KeyInternal,
}

/// What of a key is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyInternal {
    /// The keyed hash, in hexadecimal digits.
    pub digest: String,
}

impl ApiKey {
    /// Checks that a key is good now and may do something.
    ///
    /// # Errors
    /// [`Rejection::ScopeMissing`].
    pub fn allow(&self, scope: &'static str) -> Result<(), Rejection> {
        let allowed = match self.kind {
            KeyKind::Secret => true,
            KeyKind::Restricted => self.scopes.iter().any(|own| own == scope),
            KeyKind::Publishable => BROWSER_SCOPES.contains(&scope),
        };
        if allowed { Ok(()) } else { Err(Rejection::ScopeMissing { scope }) }
    }

    /// Says whether it is past its end.
    #[must_use]
    pub fn expired(&self, now_seconds: i64) -> bool {
        self.expires_at.is_some_and(|end| now_seconds >= end)
    }
}

/// Returns the hash under which a key is found: [`crate::link::API_KEY`].
#[must_use]
pub fn digest(master_key: &[u8; 32], key: &str) -> String {
    let mut hasher = blake3::Hasher::new_keyed(master_key);
    hasher.update(b"suanpan api key 1\0").update(key.as_bytes());
    hasher.finalize().to_hex().to_string()
}
