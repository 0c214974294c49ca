//! Keys that are not known, counted by the address from which they come, so that keys cannot be guessed and the
//! store is not asked for every guess.

use crate::limits::{ADDRESSES_COUNTED_MAX, REFUSED_KEYS_PER_MINUTE};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// How many keys that are not known came from each address in its last minute.
#[derive(Debug, Default)]
pub struct Guesses {
    counted: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Guesses {
    /// Counts a key that is not known here, before anybody looks for it.
    ///
    /// # Errors
    /// When there were too many: how many seconds to wait.
    pub fn count(&self, peer: IpAddr) -> Result<(), u64> {
        self.count_at(peer, Instant::now())
    }

    /// Takes back what [`Guesses::count`] counted: the key was good.
    pub fn forgive(&self, peer: IpAddr) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = counted.get_mut(&network(peer)) {
            *count = count.saturating_sub(1);
        }
    }

    fn count_at(&self, peer: IpAddr, now: Instant) -> Result<(), u64> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= ADDRESSES_COUNTED_MAX {
            counted.retain(|_, (begun, _)| now.saturating_duration_since(*begun) < WINDOW);
            // A flood from everywhere: all begin anew, rather than memory growing.
            if counted.len() >= ADDRESSES_COUNTED_MAX {
                counted.clear();
            }
        }
        let (begun, count) = counted.entry(network(peer)).or_insert((now, 0));
        let passed = now.saturating_duration_since(*begun);
        if passed >= WINDOW {
            (*begun, *count) = (now, 0);
        }
        if *count >= REFUSED_KEYS_PER_MINUTE {
            return Err(WINDOW.saturating_sub(passed).as_secs() + 1);
        }
        *count += 1;
        Ok(())
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
    fn guesses_are_counted_by_network_until_the_minute_is_over() {
        let guesses = Guesses::default();
        let (near, far) = ("2001:db8::1".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
        let now = Instant::now();
        for at in 0..REFUSED_KEYS_PER_MINUTE {
            let peer =
                IpAddr::V6((u128::from_str_radix("20010db8", 16).unwrap() << 96 | u128::from(at)).into());
            assert_eq!(guesses.count_at(peer, now), Ok(()));
        }
        assert_eq!(guesses.count_at(near, now), Err(61));
        assert_eq!(guesses.count_at(near, now + Duration::from_secs(50)), Err(11));
        assert_eq!(guesses.count_at(far, now), Ok(()));
        guesses.forgive(near);
        assert_eq!(guesses.count_at(near, now), Ok(()), "a good key was not a guess");
        assert!(guesses.count_at(near, now).is_err());
        assert_eq!(guesses.count_at(near, now + WINDOW), Ok(()));
    }

    #[test]
    fn an_address_of_four_numbers_is_one_in_both_writings() {
        let plain: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), plain);
        assert_eq!(network(plain), plain);
    }
}
