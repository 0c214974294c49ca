//! The book: accounts, balances, open holds and the newest entries in memory, and the rules by which they
//! change.
//!
//! ```text
//! begin(draft, at) → expire · open · change · apply …, with mark and rollback → finish(draft) = a record
//! load(checkpoint) → remember(older records)… → replay(newer records)…
//! ```
//!
//! The state depends on nothing but the calls and their arguments, and replaying the records gives the same
//! state. The seed of the tables shows in no result.

mod accounts;
mod apply;
mod decide;
mod draft;
mod effect;
mod expire;
mod hold;
mod known;
mod memory;
mod places;
mod replay;
mod restart;

pub use apply::Verdict;
pub use draft::{Draft, Mark};
pub use hold::{Hold, HoldEvent, HoldState};
pub use known::{Known, StoredEntry};
pub use memory::Resolution;
pub use restart::Loading;

use crate::account::{Account, AccountNo, AccountSpec, Balance};
use crate::entry::EntryId;
use crate::record::{Done, Line, Parts, Record, RecordHeader, RecordedEntry, put_record};
use crate::rejection::Rejection;
use accounts::{Accounts, Slot};
use draft::Step;
use hold::Holds;
use memory::Memory;
use suanpan_money::{Currency, Timestamp};

/// Where a book stands: which records it has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the newest record; 0 before the first.
    pub seq: u64,
    /// How many entries all records hold together.
    pub entries: u64,
    /// The time of the newest record.
    pub at: Timestamp,
    /// The epoch of the newest record.
    pub epoch: u64,
}

/// The book of one cell.
#[derive(Debug, Clone)]
pub struct Book {
    cell: u32,
    head: Head,
    accounts: Accounts,
    /// What postings need, by account number: 64 bytes each.
    slots: Vec<Slot>,
    holds: Holds,
    memory: Memory,
    /// Pages of balances that changed since the last checkpoint, a bit each.
    dirty: Vec<u64>,
    /// The lines of the entry that is being decided.
    lines: Vec<Line>,
    /// The accounts may be ahead of the records that are replayed, so their limits and standing say nothing.
    accounts_ahead: bool,
}

/// A record just made, and where its entries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRecord {
    /// The bytes, as [`Record::parse`](crate::record::Record::parse) reads them.
    pub bytes: Vec<u8>,
    /// Where the book stands with it.
    pub head: Head,
    /// The accounts that were opened or changed (postings aside), each once, in order of number.
    pub accounts_changed: Vec<AccountNo>,
}

impl FinishedRecord {
    /// Returns the record.
    #[must_use]
    pub fn record(&self) -> Record<'_> {
        Record::parse(&self.bytes).expect("it was just written")
    }
}

impl Book {
    /// Makes an empty book. `seed` keeps clients from choosing ids that fall together in the tables; take a
    /// random one.
    #[must_use]
    pub fn new(cell: u32, seed: u64) -> Book {
        Book::empty(cell, seed, Head::default(), 0)
    }

    fn empty(cell: u32, seed: u64, head: Head, remembered_from: u64) -> Book {
        Book {
            cell,
            head,
            accounts: Accounts::new(seed),
            slots: Vec::new(),
            holds: Holds::new(seed, head.entries),
            memory: Memory::new(seed, remembered_from),
            dirty: Vec::new(),
            lines: Vec::new(),
            accounts_ahead: false,
        }
    }

    /// Starts a record. Its time is `at`, or that of the newest record if the clock has gone back; returns
    /// which.
    ///
    /// # Panics
    /// When the draft before was neither finished nor rolled back, or entries that the book was loaded for
    /// were not remembered.
    pub fn begin(&mut self, draft: &mut Draft, at: Timestamp) -> Timestamp {
        assert_eq!(
            self.memory.next(),
            self.head.entries,
            "another draft is under way, or entries are missing"
        );
        assert!(draft.is_empty(), "another draft is under way");
        draft.clear();
        draft.at = at.max(self.head.at);
        self.accounts_ahead = false;
        draft.at
    }

    /// Makes the draft a record of the term `epoch`, none if it is empty. The draft is empty afterwards and
    /// has to be begun again. There is no way back in memory: if the record is not stored, the book is
    /// thrown away.
    ///
    /// # Panics
    /// When `epoch` is lower than that of the newest record: a writer that was replaced must have stopped.
    pub fn finish(&mut self, draft: &mut Draft, epoch: u64) -> Option<FinishedRecord> {
        if draft.is_empty() {
            draft.clear();
            return None;
        }
        Some(self.finish_always(draft, epoch))
    }

    /// Makes the draft a record even if it is empty: for commits that write something beside the books, and for
    /// those that show that this writer can still write.
    ///
    /// # Panics
    /// As [`Book::finish`].
    pub fn finish_always(&mut self, draft: &mut Draft, epoch: u64) -> FinishedRecord {
        assert!(epoch >= self.head.epoch, "epoch {epoch} after {}", self.head.epoch);
        let entries = draft.ends.len() as u64;
        let header = RecordHeader {
            cell: self.cell,
            epoch,
            seq: self.head.seq + 1,
            at: draft.at,
            first_entry: self.head.entries,
            events: draft.changed.len() as u32,
            entries: entries as u32,
        };
        self.head = Head { seq: header.seq, entries: header.first_entry + entries, at: header.at, epoch };
        assert_eq!(self.head.entries, self.memory.next(), "every entry accepted is in the draft");
        let bytes = put_record(&Parts { header, events: &draft.events, entries: &draft.entries });
        let mut accounts_changed = draft.changed.clone();
        accounts_changed.sort_unstable();
        accounts_changed.dedup();
        draft.clear();
        FinishedRecord { bytes, head: self.head, accounts_changed }
    }

    /// Goes back to a moment of the same draft: everything accepted since leaves no trace.
    ///
    /// # Panics
    /// When the draft has gone back behind the mark already.
    pub fn rollback(&mut self, draft: &mut Draft, mark: Mark) {
        assert!(mark.is_before(draft), "the mark is ahead of the draft");
        for _ in mark.ends..draft.ends.len() {
            self.memory.pop();
        }
        self.undo_sums(&mut draft.undo, mark.sums);
        for step in draft.undo.steps.drain(mark.steps..).rev() {
            match step {
                Step::HoldOpened(id) => self.holds.unopen(id),
                Step::HoldClosed(id, hold) => self.holds.unclose(id, hold),
                Step::AccountOpened => {
                    self.accounts.pop();
                    self.slots.pop();
                }
                Step::AccountChanged { number, limits, standing } => self.set(number, limits, standing),
            }
        }
        draft.cut(mark);
    }

    /// Forgets the ids of all entries before `ordinal`, once the store finds them. From then on
    /// [`Book::unknown_ids`] names what has to be looked up.
    pub fn forget_before(&mut self, ordinal: u64) {
        self.memory.forget_before(ordinal.min(self.head.entries));
    }

    /// Returns the cell.
    #[must_use]
    pub const fn cell(&self) -> u32 {
        self.cell
    }

    /// Returns where the book stands; a draft does not count before it is finished.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Returns how many accounts there are; their numbers are all below.
    #[must_use]
    pub fn accounts_len(&self) -> usize {
        self.slots.len()
    }

    /// Returns an account.
    #[must_use]
    pub fn account(&self, number: AccountNo) -> Option<&Account> {
        self.accounts.get(number)
    }

    /// Returns the sums of an account, those of the draft counted in.
    #[must_use]
    pub fn balance(&self, number: AccountNo) -> Option<Balance> {
        self.slots.get(number.0 as usize).map(|slot| slot.balance)
    }

    /// Returns when the account was last posted to.
    #[must_use]
    pub fn last_posted_at(&self, number: AccountNo) -> Option<Timestamp> {
        let at = self.slots.get(number.0 as usize)?.last_posted_at;
        (at != i64::MIN).then(|| Timestamp::from_micros(at))
    }

    /// Iterates over all accounts with their sums, in order of number.
    pub fn accounts_and_balances(&self) -> impl Iterator<Item = (&Account, Balance)> {
        self.accounts.all().iter().zip(self.slots.iter().map(|slot| slot.balance))
    }

    /// Finds an account by its path and currency.
    #[must_use]
    pub fn find(&self, path: &str, currency: Currency) -> Option<AccountNo> {
        self.accounts.find(path, currency)
    }

    /// Returns what an account has and is not set aside, on its normal side, in minor units; none when there is no such
    /// account.
    #[must_use]
    pub fn available(&self, path: &str, currency: Currency) -> Option<i128> {
        let number = self.find(path, currency)?;
        Some(self.balance(number)?.available(self.account(number)?.spec.kind))
    }

    /// Iterates over the accounts whose paths begin with `prefix`, in order of path and currency, from behind
    /// `after`.
    pub fn accounts_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<(&str, Currency)>,
    ) -> impl Iterator<Item = &'a Account> {
        self.accounts.with_prefix(prefix, after)
    }

    /// Returns a hold that is open.
    #[must_use]
    pub fn hold(&self, id: EntryId) -> Option<&Hold> {
        self.holds.get(id)
    }

    /// Returns how many holds are open.
    #[must_use]
    pub fn holds_len(&self) -> usize {
        self.holds.len()
    }

    /// Returns all open holds in the order in which they were made.
    #[must_use]
    pub fn holds(&self) -> Vec<(EntryId, &Hold)> {
        self.holds.in_order()
    }

    /// Returns the ordinal of the first entry that is still remembered by its id.
    #[must_use]
    pub const fn remembered_from(&self) -> u64 {
        self.memory.base()
    }

    /// Returns the ordinal of an entry that is remembered.
    #[must_use]
    pub fn ordinal(&self, id: EntryId) -> Option<u64> {
        self.memory.find(id).map(|entry| entry.ordinal)
    }

    /// Returns what is remembered of the entry with an ordinal. `lines` of voids, expiries and reversals are
    /// empty, `held_minor` of captures and `linked` are not kept: the journal has them.
    #[must_use]
    pub fn remembered(&self, ordinal: u64) -> Option<RecordedEntry> {
        let (id, entry) = self.memory.get(ordinal)?;
        let is_hold = matches!(entry.done, Done::Hold { .. });
        let lines = entry.postings.map(|posting| Line {
            debit: posting.debit,
            credit: posting.credit,
            posted_minor: if is_hold { 0 } else { posting.amount_minor },
            held_minor: if is_hold { posting.amount_minor } else { 0 },
        });
        let (done, code, booked_at) = (entry.done, entry.code, entry.booked_at);
        Some(RecordedEntry { id, done, code, linked: false, booked_at, lines: lines.collect() })
    }

    /// Returns what a remembered entry made of a hold or of a posted entry.
    #[must_use]
    pub fn resolution(&self, target: EntryId) -> Option<Resolution> {
        self.memory.resolution(target)
    }

    fn next_number(&self) -> AccountNo {
        AccountNo(self.slots.len() as u32)
    }
}

/// What an account is opened with when it is opened again, for comparison.
fn same_opening(account: &Account, spec: &AccountSpec) -> Result<(), Rejection> {
    if account.spec.kind != spec.kind {
        Err(Rejection::ExistsWithDifferentKind)
    } else if account.limits_at_opening != spec.limits {
        Err(Rejection::ExistsWithDifferentLimits)
    } else {
        Ok(())
    }
}
