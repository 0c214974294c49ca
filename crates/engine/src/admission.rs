//! How many new calls may be on their way to their first commit at once.
//!
//! Whoever is let in is answered in time; the others hear at once that there is too much, and when to try again. How
//! many are let in follows from how long it took those before: a fast store takes many, a slow one few. What ends
//! something that was begun is not asked for this; the queue keeps room for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The limit moves by sixteenths of a call.
const CALL: usize = 16;
/// How many are always let in: they fill one more commit.
const FEWEST: usize = 96 * CALL;
/// How many at most: they fit into the queue beside what ends something.
const MOST: usize = 1_024 * CALL;
/// How long the first commit may take. A card payment needs two, so it is answered within some 150 ms of ours.
const IN_TIME: Duration = Duration::from_millis(60);
/// By how much each that was in time raises the limit while that is reached, and each that was late lowers it: it comes
/// to rest where one in nine is late.
const RAISE: usize = 1;
const LOWER: usize = 8;

/// See the head of this file.
pub(crate) struct Admission {
    on_their_way: AtomicUsize,
    limit: AtomicUsize,
}

impl Admission {
    pub(crate) fn new() -> Arc<Admission> {
        Arc::new(Admission { on_their_way: AtomicUsize::new(0), limit: AtomicUsize::new(FEWEST) })
    }

    /// Lets a call in, or not.
    pub(crate) fn enter(self: &Arc<Admission>) -> Option<Entry> {
        let entry = Entry { admission: self.clone(), since: Instant::now() };
        // Counted down again by the entry, if it is refused.
        let before = self.on_their_way.fetch_add(1, Ordering::Relaxed);
        ((before + 1) * CALL <= self.limit.load(Ordering::Relaxed)).then_some(entry)
    }

    fn note(&self, took: Duration) {
        let busy = self.on_their_way.load(Ordering::Relaxed) * CALL;
        let moved = |limit: usize| {
            if took > IN_TIME {
                Some((limit - LOWER).max(FEWEST))
            } else if busy >= limit / 4 * 3 {
                Some((limit + RAISE).min(MOST))
            } else {
                None
            }
        };
        // Where nothing moves, nothing is written.
        let _ = self.limit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
    }
}

/// A call that was let in, until this is dropped.
pub(crate) struct Entry {
    admission: Arc<Admission>,
    since: Instant,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Entry").field("since", &self.since).finish_non_exhaustive()
    }
}

impl Entry {
    /// Ends with the first commit of the call.
    pub(crate) fn committed(self) {
        self.admission.note(self.since.elapsed());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.admission.on_their_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(admission: &Arc<Admission>) -> Vec<Entry> {
        std::iter::from_fn(|| admission.enter()).collect()
    }

    #[test]
    fn as_many_are_let_in_as_are_done_in_time() {
        let admission = Admission::new();
        let first = fill(&admission);
        assert_eq!(first.len(), 96);
        assert!(admission.enter().is_none(), "a refusal leaves no trace");
        for _ in 0..16_000 {
            admission.note(IN_TIME);
        }
        let more = fill(&admission);
        // Once three quarters of the limit are free, nothing says that more would be done in time.
        assert_eq!(first.len() + more.len(), 128);
        for _ in 0..1_000 {
            admission.note(IN_TIME + Duration::from_millis(1));
        }
        assert!(admission.enter().is_none());
        drop((first, more));
        assert_eq!(fill(&admission).len(), 96, "never fewer, however late they are");
    }

    #[test]
    fn where_all_are_in_time_the_most_are_let_in() {
        let admission = Admission::new();
        let mut inside = Vec::new();
        for _ in 0..100_000 {
            inside.extend(admission.enter());
            admission.note(Duration::ZERO);
        }
        assert_eq!(inside.len(), 1_024);
    }
}
