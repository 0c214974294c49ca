//! Keys that are not good, counted by the address from which they come, so that nobody tries them by the thousand.

use crate::limits::REFUSED_KEYS_PER_MINUTE;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Addresses whose refused keys are counted before those that were quiet are forgotten.
const ADDRESSES: usize = 10_000;

/// How many keys that are not good came from each address lately.
#[derive(Debug)]
pub struct Guesses(DefaultKeyedRateLimiter<IpAddr>);

impl Default for Guesses {
    fn default() -> Guesses {
        let per_minute = NonZeroU32::new(REFUSED_KEYS_PER_MINUTE).expect("a positive limit");
        Guesses(RateLimiter::keyed(Quota::per_minute(per_minute)))
    }
}

impl Guesses {
    /// Counts a key that is not good. One that is good is never counted: many merchants may come through one proxy.
    ///
    /// # Errors
    /// When there were too many: how many seconds to wait.
    pub fn count(&self, peer: IpAddr) -> Result<(), u64> {
        if self.0.len() > ADDRESSES {
            self.0.retain_recent();
        }
        let checked = self.0.check_key(&network(peer));
        checked.map_err(|until| until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

/// Returns what counts as one address. An IPv6 network of 64 bits does, because whoever has one address of it has
/// all.
#[must_use]
pub fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_counted_by_network() {
        let guesses = Guesses::default();
        for at in 1..=REFUSED_KEYS_PER_MINUTE {
            let peer = format!("2001:db8::{at:x}").parse().unwrap();
            assert_eq!(guesses.count(peer), Ok(()));
        }
        assert!(matches!(guesses.count("2001:db8::1".parse().unwrap()), Err(1..=2)));
        assert_eq!(guesses.count("2001:db8:0:1::1".parse().unwrap()), Ok(()));
    }

    #[test]
    fn an_address_of_four_numbers_is_one_in_both_writings() {
        let plain: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), plain);
        assert_eq!(network(plain), plain);
    }
}
