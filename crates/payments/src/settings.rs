//! What is configured about payments.

use crate::books::FeePolicy;
use crate::request::card::CARD;
use crate::routing::{ChannelTerms, Routing};
use suanpan_messages::payment_code::CodeRule;

/// Settings that hold for all merchants of a cell.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The channels, what they take, and which comes first.
    pub routing: Routing,
    /// Whose a code is that a customer shows.
    pub code_rules: Vec<CodeRule>,
    /// What merchants pay for a card payment.
    pub fee: FeePolicy,
    /// Where customers' browsers reach the server, without a slash at the end.
    pub public_url: String,
    /// Seconds from a capture until its money may be paid out.
    pub available_after_seconds: i64,
    /// Seconds for which answers are kept for repeats under the same idempotency key: a day or more, as the API
    /// promises.
    pub keep_answers_seconds: i64,
    /// Seconds for which events can be read and sent again; none for ever. Longer than answers, which may stand within
    /// events, and than an event may wait for its receiver.
    pub keep_events_seconds: Option<i64>,
    /// Whether events may be sent to loopback and private networks: for development, and receivers inside.
    pub private_webhooks: bool,
    /// The key from which secrets of webhooks follow, under which API keys are hashed, and answers that show
    /// secrets are sealed. It must not change while there are any, and must come from the platform's own secrets.
    pub master_key: [u8; 32],
}

impl Settings {
    /// Makes settings with a card simulator in test mode, no cards in live mode, and a fee of 0.60 %. Answers are kept for
    /// a day, events for 90.
    #[must_use]
    pub fn with_simulator(master_key: [u8; 32], public_url: &str) -> Settings {
        Settings {
            routing: Routing {
                channels: vec![ChannelTerms {
                    vault: "card_sim".to_owned(),
                    ..ChannelTerms::of("card_sim", &[CARD])
                }],
                ..Routing::default()
            },
            code_rules: suanpan_messages::payment_code::usual(),
            fee: FeePolicy::default(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            available_after_seconds: 86_400,
            keep_answers_seconds: 86_400,
            keep_events_seconds: Some(90 * 86_400),
            private_webhooks: false,
            master_key,
        }
    }

    /// Returns a key for one purpose, which tells nothing about the master key or the keys of other purposes.
    #[must_use]
    pub fn key_for(&self, purpose: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.master_key);
        hasher.update(b"suanpan key for 1\0").update(purpose.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("routing", &self.routing)
            .field("code_rules", &self.code_rules)
            .field("fee", &self.fee)
            .field("public_url", &self.public_url)
            .field("available_after_seconds", &self.available_after_seconds)
            .field("keep_answers_seconds", &self.keep_answers_seconds)
            .field("keep_events_seconds", &self.keep_events_seconds)
            .field("private_webhooks", &self.private_webhooks)
            .finish_non_exhaustive()
    }
}
