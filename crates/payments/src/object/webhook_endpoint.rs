//! `we_…`: where events are sent to.

use crate::id::LETTERS;
use crate::object::{Metadata, Tag};
use crate::state::words;
use serde::{Deserialize, Serialize};

words! {
    /// Whether events are sent.
    EndpointStatus {
        /// They are.
        Enabled = "enabled",
        /// They are not.
        Disabled = "disabled",
    }
}

words! {
    /// Why nothing is sent any more although the merchant did not say so.
    DisabledReason {
        /// The receiver answered that it is gone (410).
        Gone = "gone",
        /// Nothing was delivered for days.
        Failing = "failing",
    }
}

/// What attempts tell about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointHealth {
    /// Something was delivered again.
    Works,
    /// An event was tried in vain for minutes.
    Fails,
    /// Nothing was delivered for days: it is disabled.
    FailedForDays,
    /// The receiver says that it is gone: it is disabled.
    Gone,
}

/// An endpoint. Its secret is shown once, when it is made or rolled, and is never stored: it follows from the
/// master key, the id and the generation; see [`secret`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WebhookEndpoint {
    /// `we_…`
    pub id: String,
    /// `webhook_endpoint`
    #[schema(value_type = String)]
    pub object: Tag,
    /// The version of the shapes; none for the newest.
    pub api_version: Option<String>,
    /// Always none.
    pub application: Option<String>,
    /// When it was made, seconds.
    pub created: i64,
    /// What the merchant notes.
    pub description: Option<String>,
    /// Why the platform disabled it, `failing` or `gone`; none when it did not.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub disabled_reason: Option<DisabledReason>,
    /// The types of events, or `*`.
    pub enabled_events: Vec<String>,
    /// Whether in live mode.
    pub livemode: bool,
    /// The merchant's own particulars.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub metadata: Metadata,
    /// Whether events are sent.
    pub status: EndpointStatus,
    /// Where to.
    pub url: String,
    /// What is not shown.
    #[schema(ignore)]
    pub internal: Secrets,
}

/// Which secrets of an endpoint are good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Secrets {
    /// The generation that signs.
    pub generation: u32,
    /// Until when the one before signs too, seconds.
    pub previous_until: Option<i64>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Since when nothing was delivered although it was tried, seconds.
    #[serde(default)]
    pub failing_since: Option<i64>,
}

impl WebhookEndpoint {
    /// Says whether anything is sent at all.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.status == EndpointStatus::Enabled && !self.internal.deleted
    }

    /// Says whether an event of this type is to be sent.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.is_enabled() && self.enabled_events.iter().any(|wanted| wanted == "*" || wanted == event_type)
    }

    /// Returns the secrets that sign at a time, the newest first.
    #[must_use]
    pub fn secrets(&self, master_key: &[u8; 32], now_seconds: i64) -> Vec<String> {
        let mut secrets = vec![secret(master_key, &self.id, self.internal.generation)];
        if self.internal.previous_until.is_some_and(|until| now_seconds < until) {
            secrets.push(secret(master_key, &self.id, self.internal.generation.saturating_sub(1)));
        }
        secrets
    }
}

/// Returns the secret of an endpoint: `whsec_` and 32 letters, which are base64 of 24 bytes as well, so that
/// verifiers of Standard Webhooks take it.
#[must_use]
pub fn secret(master_key: &[u8; 32], id: &str, generation: u32) -> String {
    let mut hasher = blake3::Hasher::new_keyed(master_key);
    hasher.update(b"suanpan webhook secret 1\0").update(&generation.to_le_bytes()).update(id.as_bytes());
    let hash = hasher.finalize();
    let letters = hash.as_bytes().iter().map(|&byte| char::from(LETTERS[usize::from(byte & 31)]));
    std::iter::once("whsec_".to_owned()).chain(letters.map(String::from)).collect()
}
