//! The bounded queue before the sequencer: what waits there has been promised nothing yet.

use crate::limits::PASSED_MAX;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which commands go first when several wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// What ends something that was begun: what channels say, also to inquiries, captures, cancellations, what a
    /// customer was asked for, authorizations that expire; and queries of the books.
    High,
    /// What begins something new, and all else that is small.
    Normal,
    /// Batches of entries and imports.
    Bulk,
}

/// Why something was not taken in. Nothing was done; the same may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// The queue is full.
    #[error("too many requests wait already ({waiting}); try again in {retry_after_ms} ms")]
    Full {
        /// How many wait.
        waiting: usize,
        /// When it is worth trying again, by the rate at which the queue was emptied lately.
        retry_after_ms: u64,
    },
    /// The process is stopping, or is not the writer any more.
    #[error("this process does not write any more")]
    Closed,
}

struct Waiting<T> {
    item: T,
    weight: usize,
}

struct Inner<T> {
    lanes: [VecDeque<Waiting<T>>; 3],
    /// For each lane, to how many batches in a row it added nothing although something waited there.
    passed: [u32; 3],
    weight: usize,
    closed: bool,
    /// What was taken, given away and is not done yet. At zero what is taken is wanted as it is: whoever takes it should
    /// not wait for more.
    ahead: usize,
    /// Weight taken out per second lately, for `retry_after_ms`; at least 1.
    rate: usize,
}

impl<T> Inner<T> {
    fn full(&self) -> NotQueued {
        let waiting = self.lanes.iter().map(VecDeque::len).sum();
        let retry_after_ms = (self.weight as u64 * 1_000 / self.rate as u64).clamp(50, 10_000);
        NotQueued::Full { waiting, retry_after_ms }
    }

    /// Takes up to `limit` in weight, high lane first.
    fn take(&mut self, limit: usize) -> Vec<T> {
        let mut taken = Vec::new();
        let mut weight = 0;
        for lane in 0..self.lanes.len() {
            if self.passed[lane] >= PASSED_MAX {
                weight += self.pop(lane, &mut taken);
            }
        }
        for lane in 0..self.lanes.len() {
            let before = taken.len();
            while let Some(next) = self.lanes[lane].front().map(|waiting| waiting.weight) {
                if weight > 0 && weight + next > limit {
                    break;
                }
                weight += self.pop(lane, &mut taken);
            }
            let passed = taken.len() == before && !self.lanes[lane].is_empty();
            self.passed[lane] = if passed { self.passed[lane] + 1 } else { 0 };
        }
        taken
    }

    /// Takes the first item of a lane, and returns its weight.
    fn pop(&mut self, lane: usize, taken: &mut Vec<T>) -> usize {
        self.passed[lane] = 0;
        let Some(Waiting { item, weight }) = self.lanes[lane].pop_front() else { return 0 };
        self.weight -= weight;
        taken.push(item);
        weight
    }
}

/// A queue of three lanes, bounded by weight (one per command, one per entry of a batch).
pub(crate) struct Queue<T> {
    inner: Mutex<Inner<T>>,
    arrived: Condvar,
    limit: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: usize) -> Queue<T> {
        let inner = Inner {
            lanes: Default::default(),
            passed: [0; 3],
            weight: 0,
            closed: false,
            ahead: 0,
            rate: 1_000,
        };
        Queue { inner: Mutex::new(inner), arrived: Condvar::new(), limit }
    }

    // A panic while the lock is held cannot leave the queue half changed: each change is one push or pop.
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item at the end of its lane. One that alone outweighs the limit is still taken by an empty queue.
    pub(crate) fn push(&self, priority: Priority, weight: usize, item: T) -> Result<(), (T, NotQueued)> {
        let mut inner = self.lock();
        if inner.closed {
            return Err((item, NotQueued::Closed));
        }
        // What ends something keeps a quarter of the room to itself, so that a flood of new requests cannot
        // keep old ones from ending.
        let limit = if priority == Priority::High { self.limit } else { self.limit / 4 * 3 };
        if inner.weight > 0 && inner.weight + weight > limit {
            return Err((item, inner.full()));
        }
        inner.weight += weight;
        inner.lanes[priority as usize].push_back(Waiting { item, weight });
        drop(inner);
        self.arrived.notify_one();
        Ok(())
    }

    /// Says that something is not taken in because too much is here.
    pub(crate) fn full(&self) -> NotQueued {
        self.lock().full()
    }

    /// Takes up to `limit` in weight, high lane first, waiting up to `patience` for the first. Empty when
    /// nothing came; none when the queue is closed and empty. A lane that was passed over for long has its first item
    /// taken before all others, so that the heaviest item gets through however much goes before it.
    pub(crate) fn take(&self, limit: usize, patience: Duration) -> Option<Vec<T>> {
        let mut inner = self.lock();
        if inner.weight == 0 && !inner.closed {
            let waited =
                self.arrived.wait_timeout_while(inner, patience, |inner| inner.weight == 0 && !inner.closed);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if inner.weight == 0 {
            return if inner.closed { None } else { Some(Vec::new()) };
        }
        Some(inner.take(limit))
    }

    /// Begins anew with nothing given away.
    pub(crate) fn begin(&self) {
        self.lock().ahead = 0;
    }

    /// Says that what was taken is given away to be done.
    pub(crate) fn give(&self) {
        self.lock().ahead += 1;
    }

    /// Says that something that was given away is done.
    pub(crate) fn done(&self) {
        let mut inner = self.lock();
        inner.ahead = inner.ahead.saturating_sub(1);
        drop(inner);
        self.arrived.notify_all();
    }

    /// Whether what was taken is wanted as it is.
    pub(crate) fn is_wanted(&self) -> bool {
        self.lock().ahead == 0
    }

    /// Takes more to what was taken, waiting for it up to a moment; none when what was taken is wanted as it is, or
    /// nothing came.
    pub(crate) fn take_more(&self, limit: usize, until: Instant) -> Option<Vec<T>> {
        let inner = self.lock();
        let patience = until.saturating_duration_since(Instant::now());
        let nothing = |inner: &mut Inner<T>| inner.weight == 0 && inner.ahead > 0 && !inner.closed;
        let waited = self.arrived.wait_timeout_while(inner, patience, nothing);
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        (inner.ahead > 0 && inner.weight > 0).then(|| inner.take(limit))
    }

    /// Notes how fast the queue is emptied, as weight per second.
    pub(crate) fn note_rate(&self, per_second: usize) {
        let mut inner = self.lock();
        inner.rate = (inner.rate * 7 / 8 + per_second / 8).max(1);
    }

    /// Returns the weight that waits.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().weight
    }

    /// Takes out all that waits.
    pub(crate) fn take_all(&self) -> Vec<T> {
        let mut inner = self.lock();
        inner.weight = 0;
        inner.lanes.iter_mut().flat_map(std::mem::take).map(|waiting| waiting.item).collect()
    }

    /// Returns whether nothing more is taken in.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes nothing more in. What waits is still given out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BATCH_WEIGHT;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn what_ends_something_goes_first_and_order_within_a_lane_stays() {
        let queue = Queue::new(100);
        for (priority, item) in [
            (Priority::Bulk, 1),
            (Priority::Normal, 2),
            (Priority::High, 3),
            (Priority::Normal, 4),
            (Priority::High, 5),
        ] {
            queue.push(priority, 1, item).unwrap();
        }
        assert_eq!(queue.take(3, SOON), Some(vec![3, 5, 2]));
        assert_eq!(queue.take(9, SOON), Some(vec![4, 1]));
        assert_eq!(queue.take(9, SOON), Some(vec![]));
    }

    #[test]
    fn a_full_queue_says_so_and_keeps_room_for_what_ends_something() {
        let queue = Queue::new(8);
        for item in 0..6 {
            queue.push(Priority::Normal, 1, item).unwrap();
        }
        let (item, error) = queue.push(Priority::Normal, 1, 6).unwrap_err();
        assert_eq!(item, 6);
        assert!(matches!(error, NotQueued::Full { waiting: 6, retry_after_ms: 50..=10_000 }));
        queue.push(Priority::High, 2, 7).unwrap();
        assert!(queue.push(Priority::High, 1, 8).is_err());
        assert_eq!(queue.waiting(), 8);
    }

    #[test]
    fn more_is_only_waited_for_while_something_is_being_done() {
        let queue = Queue::new(8);
        let soon = || Instant::now() + SOON;
        queue.push(Priority::Normal, 1, 1).unwrap();
        assert_eq!(queue.take_more(9, soon()), None, "it is wanted now");
        queue.give();
        assert_eq!(queue.take_more(9, soon()), Some(vec![1]));
        assert_eq!(queue.take_more(9, soon()), None, "nothing came");
        // A second was given away before the first was done: then the second is being done.
        queue.give();
        queue.done();
        assert!(!queue.is_wanted());
        queue.done();
        assert!(queue.is_wanted());
        queue.give();
        queue.begin();
        assert!(queue.is_wanted());
    }

    #[test]
    fn an_item_heavier_than_the_limit_passes_alone() {
        let queue = Queue::new(8);
        queue.push(Priority::Bulk, 50, 1).unwrap();
        assert!(queue.push(Priority::High, 1, 2).is_err());
        assert_eq!(queue.take(4, SOON), Some(vec![1]));
    }

    #[test]
    fn the_largest_batch_of_entries_gets_through_however_many_payments_come() {
        let queue = Queue::new(1 << 20);
        queue.push(Priority::Bulk, 8_192, 0).unwrap();
        // Room is left beside it.
        queue.push(Priority::Normal, 4, 1).unwrap();
        assert_eq!(queue.take(BATCH_WEIGHT, SOON), Some(vec![1, 0]));
        // So many that each batch could be filled with them.
        for number in 0..3 {
            queue.push(Priority::Bulk, 8_192, -number - 1).unwrap();
        }
        let mut taken = Vec::new();
        for _ in 0..4 * (PASSED_MAX + 1) {
            while queue.push(Priority::Normal, 4, 1).is_ok() && queue.waiting() < 100_000 {}
            let batch = queue.take(BATCH_WEIGHT, SOON).unwrap();
            assert!(batch.len() > 500, "others go on");
            taken.extend(batch.into_iter().filter(|item| *item < 0));
        }
        assert_eq!(taken, [-1, -2, -3]);
    }

    #[test]
    fn what_begins_something_gets_through_as_well() {
        let queue = Queue::new(1_000);
        queue.push(Priority::Normal, 1, 0).unwrap();
        for _ in 0..=PASSED_MAX {
            while queue.waiting() < 500 {
                queue.push(Priority::High, 1, 1).unwrap();
            }
            if queue.take(10, SOON).unwrap().contains(&0) {
                return;
            }
        }
        panic!("it starves");
    }

    #[test]
    fn a_closed_queue_gives_out_what_waits_and_then_ends() {
        let queue = Queue::new(8);
        queue.push(Priority::Normal, 1, 1).unwrap();
        queue.close();
        assert_eq!(queue.push(Priority::High, 1, 2).unwrap_err().1, NotQueued::Closed);
        assert_eq!(queue.take(4, SOON), Some(vec![1]));
        assert_eq!(queue.take(4, SOON), None);
    }
}
