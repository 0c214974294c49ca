//! API keys: what they may do, and the ones known in memory.
//!
//! A key is `sk_test_…` (secret), `rk_live_…` (restricted) or `pk_test_…` (publishable). Only a keyed hash of it
//! is stored, so that neither the store nor its backups can be used to act for a merchant.

use crate::limits::{KEY_CACHE_TIME, KEYS_CACHED_MAX};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// `sk_…`: may do everything.
    Secret,
    /// `rk_…`: may do what its scopes say.
    Restricted,
    /// `pk_…`: may do what a browser may do.
    Publishable,
}

/// What a key may do, as words like `payments:write`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u32);

/// The scopes that there are.
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

impl Scopes {
    /// Returns the scopes named; words that are no scopes give nothing.
    #[must_use]
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Scopes {
        let places = words.into_iter().filter_map(|word| SCOPES.iter().position(|scope| *scope == word));
        Scopes(places.fold(0, |bits, place| bits | 1 << place))
    }

    /// Tells whether a scope is among them.
    #[must_use]
    pub fn has(self, scope: &str) -> bool {
        SCOPES.iter().position(|known| *known == scope).is_some_and(|place| self.0 >> place & 1 == 1)
    }
}

/// A key as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// `key_…`
    pub id: String,
    /// The keyed hash of the key.
    pub digest: [u8; 32],
    /// What kind of key.
    pub kind: KeyKind,
    /// Whether it acts in live mode.
    pub live: bool,
    /// Whose it is, `acct_…`.
    pub merchant: String,
    /// What it may do; restricted keys only.
    pub scopes: Scopes,
    /// When it stops, seconds since the epoch.
    pub expires_at: Option<i64>,
    /// Requests per second that it may send.
    pub requests_per_second: NonZeroU32,
}

/// A key in memory, with its own rate limit.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub record: KeyRecord,
    limiter: Arc<DefaultDirectRateLimiter>,
    loaded: Instant,
}

impl Key {
    fn new(record: KeyRecord) -> Key {
        let limiter = Arc::new(RateLimiter::direct(Quota::per_second(record.requests_per_second)));
        Key { record, limiter, loaded: Instant::now() }
    }

    /// Counts a request. When there were too many, returns how long to wait.
    ///
    /// # Errors
    /// The time until the next request would be taken.
    pub fn count_request(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}

/// Reads what kind of key a text claims to be, and in which mode. None when it is no key.
#[must_use]
pub fn claims(text: &str) -> Option<(KeyKind, bool)> {
    let (kind, rest) = text.split_once('_')?;
    let (mode, secret) = rest.split_once('_')?;
    let kind = match kind {
        "sk" => KeyKind::Secret,
        "rk" => KeyKind::Restricted,
        "pk" => KeyKind::Publishable,
        _ => return None,
    };
    let live = match mode {
        "live" => true,
        "test" => false,
        _ => return None,
    };
    let fits = (16..=200).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some((kind, live))
}

/// Keys known in memory, found by the first half of their hash; the other half is compared in constant time.
#[derive(Debug, Default)]
pub struct Keys {
    known: RwLock<HashMap<[u8; 16], Arc<Key>>>,
}

impl Keys {
    /// Finds a key by its hash. None when it is not known here, or was read too long ago to be believed.
    #[must_use]
    pub fn find(&self, digest: &[u8; 32]) -> Option<Arc<Key>> {
        let (half, _) = digest.split_first_chunk::<16>()?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = known.get(half)?;
        let same = bool::from(key.record.digest.ct_eq(digest)) && key.loaded.elapsed() < KEY_CACHE_TIME;
        same.then(|| key.clone())
    }

    /// Keeps a key that the store has. The rate limit of one that was known goes on.
    pub fn keep(&self, record: KeyRecord) -> Arc<Key> {
        let mut half = [0; 16];
        half.copy_from_slice(&record.digest[..16]);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut key = Key::new(record);
        if let Some(before) = known.get(&half)
            && before.record.requests_per_second == key.record.requests_per_second
        {
            key.limiter = before.limiter.clone();
        }
        if known.len() >= KEYS_CACHED_MAX {
            known.clear();
        }
        let key = Arc::new(key);
        known.insert(half, key.clone());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(digest: [u8; 32]) -> KeyRecord {
        KeyRecord {
            id: "key_1".into(),
            digest,
            kind: KeyKind::Secret,
            live: false,
            merchant: "acct_1".into(),
            scopes: Scopes::default(),
            expires_at: None,
            requests_per_second: NonZeroU32::new(2).unwrap(),
        }
    }

    #[test]
    fn a_text_claims_to_be_a_key() {
        let secret = "0123456789abcdefghjkmnpqrstvwxyz";
        let claimed = |prefix: &str| claims(&format!("{prefix}{secret}"));
        assert_eq!(claimed("sk_test_"), Some((KeyKind::Secret, false)));
        assert_eq!(claimed("rk_live_"), Some((KeyKind::Restricted, true)));
        assert_eq!(claimed("pk_test_"), Some((KeyKind::Publishable, false)));
        for wrong in ["", "sk_", "sk_test", "sk_prod_", "xk_test_", "sk_test_!"] {
            assert_eq!(claimed(wrong), None, "{wrong}");
        }
        assert_eq!(claims("sk_test_short"), None);
    }

    #[test]
    fn keys_are_found_by_all_of_their_hash() {
        let keys = Keys::default();
        keys.keep(record([7; 32]));
        assert_eq!(keys.find(&[7; 32]).unwrap().record.id, "key_1");
        let mut near = [7; 32];
        near[31] = 8;
        assert!(keys.find(&near).is_none());
        assert!(keys.find(&[8; 32]).is_none());
    }

    #[test]
    fn requests_are_counted_also_over_a_reload() {
        let keys = Keys::default();
        let key = keys.keep(record([7; 32]));
        assert!(key.count_request().is_ok() && key.count_request().is_ok());
        assert!(key.count_request().unwrap_err() <= Duration::from_secs(1));
        assert!(keys.keep(record([7; 32])).count_request().is_err());
    }

    #[test]
    fn scopes_are_words() {
        let scopes = Scopes::of(["payments:read", "webhooks:write", "nonsense"]);
        assert!(scopes.has("payments:read") && scopes.has("webhooks:write"));
        assert!(!scopes.has("payments:write") && !scopes.has("nonsense"));
    }
}
