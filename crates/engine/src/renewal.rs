//! Renewing the lease while the writer is busy with something that may take longer than it lasts.
//!
//! The writer renews its lease between two batches. Loading millions of accounts, or waiting for the history, takes
//! longer, and another process would take over, and have the same trouble. So a thread with a connection of its own
//! renews it meanwhile. It does so only while the writer has said that it is busy: a writer that hangs elsewhere
//! loses its lease, as it should.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use suanpan_store::commit::Lease;
use suanpan_store::{Store, StoreError};

/// The handle of the writer; without a thread, nothing is renewed.
#[derive(Clone)]
pub(crate) struct Renewal {
    shared: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    /// The lease to be renewed.
    busy: Option<Lease>,
    /// When the newest renewal was begun.
    renewed: Instant,
    ended: bool,
}

impl Renewal {
    pub(crate) fn new() -> Renewal {
        let state = State { busy: None, renewed: Instant::now(), ended: false };
        Renewal { shared: Arc::new((Mutex::new(state), Condvar::new())) }
    }

    // A panic while the lock was held left whole values: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a lease renewed until [`Renewal::end`]; it was renewed last at a moment.
    pub(crate) fn begin(&self, lease: Lease, renewed: Instant) {
        let mut state = self.lock();
        (state.busy, state.renewed) = (Some(lease), renewed);
    }

    /// Stops renewing, and returns when the newest renewal was begun. None is under way afterwards.
    pub(crate) fn end(&self) -> Instant {
        let mut state = self.lock();
        state.busy = None;
        state.renewed
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.lock().ended = true;
        self.shared.1.notify_all();
    }

    /// Renews, until [`Renewal::stop`].
    pub(crate) fn run(&self, mut store: Box<dyn Store>, ttl: Duration) {
        let mut state = self.lock();
        while !state.ended {
            if let Some(lease) = state.busy.filter(|_| state.renewed.elapsed() >= ttl / 3) {
                let began = Instant::now();
                // Under the lock, so that none is under way when the writer goes on and may give the lease back.
                match store.renew(&lease, ttl) {
                    Ok(()) => state.renewed = began,
                    // The writer finds out by itself.
                    Err(StoreError::Fenced { .. }) => state.busy = None,
                    Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
                }
            }
            let waited = self.shared.1.wait_timeout(state, (ttl / 10).max(Duration::from_millis(1)));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
