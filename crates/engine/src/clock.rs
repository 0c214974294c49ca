//! The one clock of the platform. Rules never read it: they are given the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use suanpan_money::Timestamp;

/// Tells the time: the system's, or one that tests move by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// Returns the system's clock.
    #[must_use]
    pub fn system() -> Clock {
        Clock { manual: None }
    }

    /// Returns a clock that stands at `start` until it is moved. Clones move together.
    #[must_use]
    pub fn manual(start: Timestamp) -> Clock {
        Clock { manual: Some(Arc::new(AtomicI64::new(start.micros()))) }
    }

    /// Moves a manual clock on; does nothing to the system's.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Some(at) = &self.manual {
            at.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
        }
    }

    /// Waits; a manual clock moves on instead, so that whoever moves it need not wait.
    pub(crate) fn pause(&self, how_long: Duration) {
        match &self.manual {
            Some(at) => {
                at.fetch_add(i64::try_from(how_long.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
            }
            None => std::thread::sleep(how_long),
        }
    }

    /// Tells the time. A system clock before 1970 reads as 1970.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        if let Some(at) = &self.manual {
            return Timestamp::from_micros(at.load(Ordering::SeqCst));
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
