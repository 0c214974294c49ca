//! The life of a hold, as one total function, and the table of open holds.

use crate::entry::{EntryId, Posting};
use crate::rejection::Rejection;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use suanpan_money::Timestamp;

/// Where a hold is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// There is no entry with its id.
    Missing,
    /// The entry with its id is not a hold.
    Other,
    /// The money is set aside.
    Open,
    /// The money is set aside, but its time has passed: the book is about to release it.
    Due,
    /// It was posted, wholly or in part.
    Captured,
    /// It was released by a client.
    Voided,
    /// It was released by the book.
    Expired,
}

/// What may happen to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEvent {
    /// A client captures it.
    Capture,
    /// A client voids it.
    Void,
    /// The book releases it.
    Expire,
}

impl HoldState {
    /// All states.
    pub const ALL: [HoldState; 7] = [
        HoldState::Missing,
        HoldState::Other,
        HoldState::Open,
        HoldState::Due,
        HoldState::Captured,
        HoldState::Voided,
        HoldState::Expired,
    ];

    /// Returns the state after `event`, or why it cannot happen. The table is a golden file,
    /// `tests/golden/hold_transitions.txt`.
    ///
    /// # Errors
    /// When the hold is in a state in which the event is refused. `Expire` is asked by the book alone, of
    /// holds that are due; for others the answer is a reason all the same, so that a record that says
    /// otherwise is refused.
    pub const fn next(self, event: HoldEvent) -> Result<HoldState, Rejection> {
        match (self, event) {
            (HoldState::Missing, HoldEvent::Capture | HoldEvent::Void | HoldEvent::Expire) => {
                Err(Rejection::HoldNotFound)
            }
            (HoldState::Other, HoldEvent::Capture | HoldEvent::Void | HoldEvent::Expire) => {
                Err(Rejection::NotAHold)
            }
            (HoldState::Open, HoldEvent::Capture) => Ok(HoldState::Captured),
            (HoldState::Open, HoldEvent::Void) => Ok(HoldState::Voided),
            (HoldState::Open, HoldEvent::Expire) => Err(Rejection::ExpiryNotInFuture),
            (HoldState::Due, HoldEvent::Capture | HoldEvent::Void) => Err(Rejection::HoldExpired),
            (HoldState::Due, HoldEvent::Expire) => Ok(HoldState::Expired),
            (HoldState::Captured, HoldEvent::Capture | HoldEvent::Void | HoldEvent::Expire) => {
                Err(Rejection::AlreadyCaptured)
            }
            (HoldState::Voided, HoldEvent::Capture | HoldEvent::Void | HoldEvent::Expire) => {
                Err(Rejection::AlreadyVoided)
            }
            (HoldState::Expired, HoldEvent::Capture | HoldEvent::Void | HoldEvent::Expire) => {
                Err(Rejection::HoldExpired)
            }
        }
    }
}

/// A hold that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The ordinal of its entry.
    pub ordinal: u64,
    /// The code of its entry.
    pub code: u16,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// What is set aside, line by line.
    pub postings: Vec<Posting>,
}

impl Hold {
    /// Returns whether its time has passed.
    #[must_use]
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= at)
    }
}

/// All open holds, by id and by the time at which they end.
#[derive(Debug, Clone)]
pub(super) struct Holds {
    open: HashMap<EntryId, Hold, FixedState>,
    due: BTreeMap<(Timestamp, u64), EntryId>,
    /// Holds made since the last checkpoint, some of them closed again.
    made: Vec<EntryId>,
    /// Holds that are in a checkpoint and were closed since.
    closed: Vec<EntryId>,
    /// Entries before this are covered by a checkpoint.
    checkpoint_entries: u64,
}

impl Holds {
    pub(super) fn new(seed: u64, checkpoint_entries: u64) -> Holds {
        Holds {
            open: HashMap::with_hasher(FixedState::with_seed(seed)),
            due: BTreeMap::new(),
            made: Vec::new(),
            closed: Vec::new(),
            checkpoint_entries,
        }
    }

    #[inline]
    pub(super) fn get(&self, id: EntryId) -> Option<&Hold> {
        if self.open.is_empty() { None } else { self.open.get(&id) }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// All open holds in the order in which they were made.
    pub(super) fn in_order(&self) -> Vec<(EntryId, &Hold)> {
        let mut all: Vec<_> = self.open.iter().map(|(id, hold)| (*id, hold)).collect();
        all.sort_unstable_by_key(|(_, hold)| hold.ordinal);
        all
    }

    /// The hold that ends first, if its time has passed.
    pub(super) fn first_due(&self, at: Timestamp) -> Option<EntryId> {
        let ((expires_at, _), id) = self.due.first_key_value()?;
        (*expires_at <= at).then_some(*id)
    }

    /// When the next hold ends by itself.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((expires_at, _), _)| *expires_at)
    }

    pub(super) fn open(&mut self, id: EntryId, hold: Hold) {
        if hold.ordinal >= self.checkpoint_entries {
            self.made.push(id);
        }
        self.insert(id, hold);
    }

    /// Takes back the newest `open`.
    pub(super) fn unopen(&mut self, id: EntryId) {
        self.remove(id);
        let last = self.made.pop();
        assert_eq!(last, Some(id), "holds are taken back in reverse order");
    }

    pub(super) fn close(&mut self, id: EntryId) -> Hold {
        let hold = self.remove(id);
        if hold.ordinal < self.checkpoint_entries {
            self.closed.push(id);
        }
        hold
    }

    /// Takes back the newest `close`.
    pub(super) fn unclose(&mut self, id: EntryId, hold: Hold) {
        if hold.ordinal < self.checkpoint_entries {
            let last = self.closed.pop();
            assert_eq!(last, Some(id), "holds are taken back in reverse order");
        }
        self.insert(id, hold);
    }

    /// Returns the holds made since the last checkpoint that are still open, and those of a checkpoint that
    /// were closed since. From here on, `entries` are covered by a checkpoint.
    pub(super) fn checkpoint(&mut self, entries: u64) -> (Vec<EntryId>, Vec<EntryId>) {
        let mut made = std::mem::take(&mut self.made);
        made.retain(|id| self.open.contains_key(id));
        self.checkpoint_entries = entries;
        (made, std::mem::take(&mut self.closed))
    }

    fn insert(&mut self, id: EntryId, hold: Hold) {
        if let Some(expires_at) = hold.expires_at {
            self.due.insert((expires_at, hold.ordinal), id);
        }
        let before = self.open.insert(id, hold);
        assert!(before.is_none(), "an id is used once");
    }

    fn remove(&mut self, id: EntryId) -> Hold {
        let hold = self.open.remove(&id).expect("callers looked it up");
        if let Some(expires_at) = hold.expires_at {
            self.due.remove(&(expires_at, hold.ordinal));
        }
        hold
    }
}
