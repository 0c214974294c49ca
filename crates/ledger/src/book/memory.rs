//! The newest entries, by id and by ordinal: what repeats are compared with.
//!
//! Entries stand in the order of their ordinals, so that an ordinal needs no table, and forgetting the oldest
//! leaves no holes.

use super::hold::Hold;
use super::places::{Places, narrow};
use crate::account::AccountNo;
use crate::entry::{EntryId, Posting};
use crate::record::{Done, LeafHead, Line};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::{VecDeque, vec_deque};
use std::hash::BuildHasher;
use suanpan_money::Timestamp;

/// What became of a hold or of a posted entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The hold was posted.
    Captured,
    /// The hold was released by a client.
    Voided,
    /// The hold was released by the book when its time had passed.
    Expired,
    /// The entry was reversed.
    Reversed,
}

/// An entry that is remembered, in 40 bytes: most are posts with one posting, which is here.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    id: [u64; 2],
    /// The amount of the one posting; else the number of the first posting among `postings`.
    amount: u64,
    debit: u32,
    /// The account credited; else how many postings there are.
    credit: u32,
    /// The low bits of the number among `extras`.
    extra: u32,
    code: u16,
    kind: u8,
    flags: u8,
}

const ONE_POSTING: u8 = 1;
const HAS_EXTRA: u8 = 2;
const HAS_TIME: u8 = 4;
const WHOLE: u8 = 8;

/// What few entries have.
#[derive(Debug, Clone, Copy)]
struct Extra {
    target: EntryId,
    time: Timestamp,
}

/// A remembered entry as it is compared.
pub(super) struct Recalled<'a> {
    pub(super) ordinal: u64,
    pub(super) done: Done,
    pub(super) code: u16,
    pub(super) booked_at: Option<Timestamp>,
    /// The postings of a post, hold or capture, as posted or held; none of the others.
    pub(super) postings: Postings<'a>,
}

/// One posting, or those that stand elsewhere.
pub(super) struct Postings<'a> {
    one: Option<Posting>,
    others: vec_deque::Iter<'a, Posting>,
}

impl Iterator for Postings<'_> {
    type Item = Posting;

    fn next(&mut self) -> Option<Posting> {
        self.one.take().or_else(|| self.others.next().copied())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Memory {
    hasher: FixedState,
    places: Places,
    entries: VecDeque<Remembered>,
    /// The ordinal of the first entry.
    base: u64,
    postings: VecDeque<Posting>,
    /// How many postings were forgotten.
    postings_base: u64,
    extras: VecDeque<Extra>,
    extras_base: u64,
    /// What remembered entries resolved. The target may be forgotten; a hold that was when it was closed is kept
    /// here, because those who gathered while it was open did not look it up.
    resolved: HashMap<EntryId, (Resolution, Option<Hold>), FixedState>,
}

impl Memory {
    pub(super) fn new(seed: u64, base: u64) -> Memory {
        Memory {
            hasher: FixedState::with_seed(seed),
            places: Places::new(),
            entries: VecDeque::new(),
            base,
            postings: VecDeque::new(),
            postings_base: 0,
            extras: VecDeque::new(),
            extras_base: 0,
            resolved: HashMap::with_hasher(FixedState::with_seed(seed)),
        }
    }

    /// The ordinal of the first entry that is remembered.
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// The ordinal that the next entry gets.
    pub(super) fn next(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    #[inline]
    pub(super) fn contains(&self, id: EntryId) -> bool {
        self.place(id).is_some()
    }

    #[inline]
    pub(super) fn find(&self, id: EntryId) -> Option<Recalled<'_>> {
        self.place(id).map(|low| self.recall(self.index(low)))
    }

    pub(super) fn get(&self, ordinal: u64) -> Option<(EntryId, Recalled<'_>)> {
        let index = usize::try_from(ordinal.checked_sub(self.base)?).ok()?;
        let entry = self.entries.get(index)?;
        Some((join(entry.id), self.recall(index)))
    }

    #[inline]
    pub(super) fn resolution(&self, target: EntryId) -> Option<Resolution> {
        if self.resolved.is_empty() { None } else { self.resolved.get(&target).map(|resolved| resolved.0) }
    }

    /// A hold that was forgotten by its id and closed by an entry that is remembered.
    #[inline]
    pub(super) fn closed_hold(&self, id: EntryId) -> Option<&Hold> {
        if self.resolved.is_empty() { None } else { self.resolved.get(&id)?.1.as_ref() }
    }

    /// Brings what look-ups of these ids need near: the waits for memory overlap.
    pub(super) fn touch(&self, ids: impl Iterator<Item = EntryId>) {
        std::hint::black_box(ids.fold(0, |all, id| all ^ self.places.touch(self.hash(id))));
    }

    /// Remembers the entry with the next ordinal, and the hold that it closed if that is forgotten.
    #[inline]
    pub(super) fn push(&mut self, head: &LeafHead, lines: &[Line], closed: Option<Hold>) {
        let ordinal = self.next();
        let &LeafHead { id, done, code, booked_at, .. } = head;
        let mut entry =
            Remembered { id: split(id), amount: 0, debit: 0, credit: 0, extra: 0, code, kind: 0, flags: 0 };
        let mut time = None;
        match done {
            Done::Post => {
                time = booked_at;
                self.push_postings(&mut entry, lines, Line::posted);
            }
            Done::Hold { expires_at } => {
                entry.kind = 1;
                time = expires_at;
                self.push_postings(&mut entry, lines, Line::held);
            }
            Done::Capture { whole, .. } => {
                entry.kind = 2;
                entry.flags = if whole { WHOLE } else { 0 };
                self.push_postings(&mut entry, lines, Line::posted);
            }
            // Nobody asks for the lines of these again.
            Done::Void { .. } => entry.kind = 3,
            Done::Expiry { .. } => entry.kind = 4,
            Done::Reversal { .. } => entry.kind = 5,
        }
        let resolves = resolves(done);
        if time.is_some() || resolves.is_some() {
            entry.flags |= HAS_EXTRA | if time.is_some() { HAS_TIME } else { 0 };
            entry.extra = (self.extras_base + self.extras.len() as u64) as u32;
            let target = resolves.map_or(EntryId(0), |(target, _)| target);
            self.extras.push_back(Extra { target, time: time.unwrap_or_default() });
        }
        if let Some((target, how)) = resolves {
            let before = self.resolved.insert(target, (how, closed));
            assert!(before.is_none(), "an entry is resolved once");
        }
        if !matches!(done, Done::Expiry { .. }) {
            self.places.insert(self.hash(id), ordinal as u32);
        }
        self.entries.push_back(entry);
    }

    #[inline]
    fn push_postings(&mut self, entry: &mut Remembered, lines: &[Line], which: fn(Line) -> Posting) {
        if let &[line] = lines {
            let posting = which(line);
            entry.flags |= ONE_POSTING;
            entry.amount = posting.amount_minor;
            (entry.debit, entry.credit) = (posting.debit.0, posting.credit.0);
        } else {
            entry.amount = self.postings_base + self.postings.len() as u64;
            entry.credit = lines.len() as u32;
            self.postings.extend(lines.iter().map(|line| which(*line)));
        }
    }

    /// Takes back the newest `push`.
    pub(super) fn pop(&mut self) {
        let entry = self.entries.back().copied().expect("an entry is taken back after it was pushed");
        self.unlink(self.next() - 1, &entry);
        self.entries.pop_back();
        self.postings.truncate(self.postings.len() - entry.others());
        self.extras.truncate(self.extras.len() - entry.extras());
    }

    /// Forgets all entries before `ordinal`.
    pub(super) fn forget_before(&mut self, ordinal: u64) {
        let count = ordinal.saturating_sub(self.base).min(self.entries.len() as u64) as usize;
        let (mut postings, mut extras) = (0, 0);
        self.places_removed(count);
        for index in 0..count {
            let entry = self.entries[index];
            if let Some((target, _)) = resolves(self.recall(index).done) {
                self.resolved.remove(&target);
            }
            postings += entry.others();
            extras += entry.extras();
        }
        self.entries.drain(..count);
        self.postings.drain(..postings);
        self.extras.drain(..extras);
        self.base += count as u64;
        self.postings_base += postings as u64;
        self.extras_base += extras as u64;
    }

    fn places_removed(&mut self, count: usize) {
        let ids = self.entries.range(..count).map(|entry| join(entry.id));
        self.touch(ids);
        for index in 0..count {
            let entry = &self.entries[index];
            if entry.kind != 4 {
                self.places.remove(self.hash(join(entry.id)), (self.base + index as u64) as u32);
            }
        }
    }

    fn unlink(&mut self, ordinal: u64, entry: &Remembered) {
        if let Some((target, _)) = resolves(self.recall((ordinal - self.base) as usize).done) {
            self.resolved.remove(&target);
        }
        if entry.kind != 4 {
            self.places.remove(self.hash(join(entry.id)), ordinal as u32);
        }
    }

    fn recall(&self, index: usize) -> Recalled<'_> {
        let entry = &self.entries[index];
        let (mut target, mut time) = (EntryId(0), None);
        if entry.flags & HAS_EXTRA != 0 {
            let extra = self.extras[entry.extra.wrapping_sub(self.extras_base as u32) as usize];
            target = extra.target;
            time = (entry.flags & HAS_TIME != 0).then_some(extra.time);
        }
        let (done, booked_at) = match entry.kind {
            0 => (Done::Post, time),
            1 => (Done::Hold { expires_at: time }, None),
            2 => (Done::Capture { hold: target, whole: entry.flags & WHOLE != 0 }, None),
            3 => (Done::Void { hold: target }, None),
            4 => (Done::Expiry { hold: target }, None),
            _ => (Done::Reversal { of: target }, None),
        };
        let one = (entry.flags & ONE_POSTING != 0).then_some(Posting {
            debit: AccountNo(entry.debit),
            credit: AccountNo(entry.credit),
            amount_minor: entry.amount,
        });
        let others = match entry.others() {
            0 => self.postings.range(0..0),
            count => {
                let first = (entry.amount - self.postings_base) as usize;
                self.postings.range(first..first + count)
            }
        };
        let ordinal = self.base + index as u64;
        Recalled { ordinal, done, code: entry.code, booked_at, postings: Postings { one, others } }
    }

    #[inline]
    fn place(&self, id: EntryId) -> Option<u32> {
        let halves = split(id);
        self.places.find(self.hash(id), |low| self.entries[self.index(low)].id == halves)
    }

    #[inline]
    fn index(&self, low: u32) -> usize {
        low.wrapping_sub(self.base as u32) as usize
    }

    #[inline]
    fn hash(&self, id: EntryId) -> u32 {
        narrow(self.hasher.hash_one(id.0))
    }
}

impl Remembered {
    /// How many postings stand elsewhere.
    const fn others(&self) -> usize {
        if self.flags & ONE_POSTING != 0 { 0 } else { self.credit as usize }
    }

    const fn extras(&self) -> usize {
        (self.flags & HAS_EXTRA != 0) as usize
    }
}

const fn split(id: EntryId) -> [u64; 2] {
    [id.0 as u64, (id.0 >> 64) as u64]
}

const fn join([low, high]: [u64; 2]) -> EntryId {
    EntryId((high as u128) << 64 | low as u128)
}

fn resolves(done: Done) -> Option<(EntryId, Resolution)> {
    match done {
        Done::Post | Done::Hold { .. } => None,
        Done::Capture { hold, .. } => Some((hold, Resolution::Captured)),
        Done::Void { hold } => Some((hold, Resolution::Voided)),
        Done::Expiry { hold } => Some((hold, Resolution::Expired)),
        Done::Reversal { of } => Some((of, Resolution::Reversed)),
    }
}
