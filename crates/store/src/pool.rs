//! Connections that many threads share.

use crate::limits::{BUSY_CONNECTIONS, IDLE_CONNECTIONS};
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};

/// Connections that nobody uses, and how many are in use.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    state: Mutex<State<C>>,
    returned: Condvar,
}

#[derive(Debug)]
struct State<C> {
    idle: Vec<C>,
    busy: usize,
}

impl<C> Default for Pool<C> {
    fn default() -> Pool<C> {
        Pool { state: Mutex::new(State { idle: Vec::new(), busy: 0 }), returned: Condvar::new() }
    }
}

/// A connection in use. It is closed when it goes, unless it is to be kept.
pub(crate) struct Lent<'a, C> {
    pool: &'a Pool<C>,
    connection: Option<C>,
    keep: bool,
}

impl<C> Pool<C> {
    /// Takes a connection, or makes one; waits while too many are in use.
    pub(crate) fn take<E>(&self, make: impl FnOnce() -> Result<C, E>) -> Result<Lent<'_, C>, E> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.busy >= BUSY_CONNECTIONS {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        let mut lent = Lent { pool: self, connection: state.idle.pop(), keep: false };
        drop(state);
        if lent.connection.is_none() {
            lent.connection = Some(make()?);
        }
        Ok(lent)
    }
}

impl<C> Lent<'_, C> {
    /// Puts the connection back when it is no longer used, because it is in order.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }
}

impl<C> Deref for Lent<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection.as_ref().expect("a connection is only taken out when the loan ends")
    }
}

impl<C> DerefMut for Lent<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("a connection is only taken out when the loan ends")
    }
}

impl<C> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        if self.keep && state.idle.len() < IDLE_CONNECTIONS {
            state.idle.extend(self.connection.take());
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}
