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
use suanpan_payments::object::api_key::KeyKind;
use subtle::ConstantTimeEq;

/// A key as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// `key_…`
    pub id: String,
    /// The keyed hash of the key, in hexadecimal digits.
    pub digest: String,
    /// What kind of key.
    pub kind: KeyKind,
    /// Whether it acts in live mode.
    pub live: bool,
    /// Whose it is, `acct_…`.
    pub merchant: String,
    /// What it may do; restricted keys only.
    pub scopes: Vec<String>,
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

/// Keys known in memory, found by the first half of their hash; all of it is compared in constant time.
#[derive(Debug, Default)]
pub struct Keys {
    known: RwLock<HashMap<[u8; 32], Arc<Key>>>,
}

impl Keys {
    /// Finds a key by its hash. None when it is not known here, or was read too long ago to be believed.
    #[must_use]
    pub fn find(&self, digest: &str) -> Option<Arc<Key>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = known.get(&half(digest)?)?;
        let same = bool::from(key.record.digest.as_bytes().ct_eq(digest.as_bytes()));
        (same && key.loaded.elapsed() < KEY_CACHE_TIME).then(|| key.clone())
    }

    /// Keeps a key that the store has. The rate limit of one that was known goes on.
    pub fn keep(&self, record: KeyRecord) -> Arc<Key> {
        let Some(half) = half(&record.digest) else { return Arc::new(Key::new(record)) };
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

/// The digits by which a hash is looked up.
fn half(digest: &str) -> Option<[u8; 32]> {
    digest.as_bytes().first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(digest: String) -> KeyRecord {
        KeyRecord {
            id: "key_1".into(),
            digest,
            kind: KeyKind::Secret,
            live: false,
            merchant: "acct_1".into(),
            scopes: Vec::new(),
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
        let digest = "7".repeat(64);
        keys.keep(record(digest.clone()));
        assert_eq!(keys.find(&digest).unwrap().record.id, "key_1");
        let near = format!("{}8", "7".repeat(63));
        for wrong in [near.as_str(), "", "7", &"8".repeat(64), &"7".repeat(63), &"7".repeat(65)] {
            assert!(keys.find(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn requests_are_counted_also_over_a_reload() {
        let keys = Keys::default();
        let key = keys.keep(record("7".repeat(64)));
        assert!(key.count_request().is_ok() && key.count_request().is_ok());
        assert!(key.count_request().unwrap_err() <= Duration::from_secs(1));
        assert!(keys.keep(record("7".repeat(64))).count_request().is_err());
    }
}
