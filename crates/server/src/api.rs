//! What all handlers share.

use crate::key::{KeyRecord, Keys};
use crate::limits::REFUSED_KEYS_PER_MINUTE;
use crate::problem::Problem;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

/// The address from which a connection came.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

impl Default for Peer {
    fn default() -> Peer {
        Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer(address.ip())
    }
}

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    keys: Keys,
    refusals: DefaultKeyedRateLimiter<IpAddr>,
    key_seed: [u8; 32],
}

impl Api {
    /// Makes the state of a server.
    #[must_use]
    pub fn new(key_seed: [u8; 32]) -> Api {
        let per_minute = NonZeroU32::new(REFUSED_KEYS_PER_MINUTE).expect("a positive limit");
        let refusals = RateLimiter::keyed(Quota::per_minute(per_minute));
        Api(Arc::new(Inner { keys: Keys::default(), refusals, key_seed }))
    }

    /// Returns the keys known in memory.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Returns the keyed hash of a key.
    #[must_use]
    pub fn key_digest(&self, text: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.0.key_seed, text.as_bytes()).as_bytes()
    }

    /// Reads a key from the store.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub async fn load_key(&self, _digest: [u8; 32]) -> Result<Option<KeyRecord>, Problem> {
        Ok(None)
    }

    /// Tells whether an account belongs to a merchant that acts for it.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub async fn is_connected(&self, _merchant: &str, _live: bool, _account: &str) -> Result<bool, Problem> {
        Ok(false)
    }

    /// Counts a refused key against an address. An IPv6 network of 64 bits counts as one address, because
    /// whoever has one address of it has all.
    ///
    /// # Errors
    /// When there were too many: how many seconds to wait.
    pub fn count_refusal(&self, peer: IpAddr) -> Result<(), u64> {
        let network = match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        };
        // Addresses that were quiet for a minute are forgotten, so that the table stays small.
        if self.0.refusals.len() > 10_000 {
            self.0.refusals.retain_recent();
        }
        let checked = self.0.refusals.check_key(&network);
        checked.map_err(|until| until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }

    /// Returns why requests are not taken now; none when they are.
    #[must_use]
    pub fn why_not_ready(&self) -> Option<String> {
        None
    }

    /// Returns the time.
    #[must_use]
    pub fn now_seconds(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}
