//! Connections of one address: so many at once, so that one client cannot take all places.

use crate::guess::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts open connections by address.
#[derive(Debug, Clone)]
pub(super) struct Seats {
    most: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of one connection, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    of: IpAddr,
}

impl Seats {
    pub(super) fn new(most: usize) -> Seats {
        Seats { most, taken: Arc::default() }
    }

    /// Returns a place for a connection from an address; none when it has as many as it may.
    pub(super) fn take(&self, peer: IpAddr) -> Option<Seat> {
        let of = network(peer);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Seat { seats: self.clone(), of })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}
