//! Doing again what records say.

use super::accounts::decide_change;
use super::decide::{Asked, Decision, First};
use super::hold::HoldEvent;
use super::{Book, Draft, Head, Known, Step};
use crate::account::{AccountChange, Standing};
use crate::entry::{Action, EntryHead, EntryId, Posting};
use crate::error::Error;
use crate::record::{AccountEvent, Done, LeafHead, Line, Record, leaf_id, read_entry};
use crate::rejection::Rejection;
use suanpan_money::Timestamp;

/// What one entry after the other needs, kept to save allocations.
#[derive(Default)]
struct Scratch {
    recorded: Vec<Line>,
    postings: Vec<Posting>,
}

impl Book {
    /// Does again what the next record says, with all checks that were made when it was written. After an
    /// error the book is as before the record.
    ///
    /// A book that was loaded from a checkpoint has accounts as they became by later records, so their limits and
    /// standing are not compared then, until the first [`Book::begin`].
    ///
    /// # Errors
    /// When the record is not the next one, cannot be read, or breaks a rule.
    pub fn replay(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let header = record.header();
        self.check_next(record)?;
        let mut draft = Draft { at: header.at, ..Draft::default() };
        let mark = draft.mark();
        let done = self.replay_parts(record, &mut draft);
        if done.is_err() {
            self.rollback(&mut draft, mark);
            return done;
        }
        let entries = self.memory.next();
        self.head = Head { seq: header.seq, entries, at: header.at, epoch: header.epoch };
        done
    }

    /// Remembers the entries of a record that a checkpoint covers: those whose ids the store does not find yet.
    /// For a book just loaded, from the first record with such entries on.
    ///
    /// # Errors
    /// When the record does not follow, or cannot be read.
    pub fn remember(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let header = record.header();
        let out_of_order = |field, found: u64, expected: u64| Error::OutOfOrder {
            seq: header.seq,
            field,
            found: i128::from(found),
            expected: i128::from(expected),
        };
        if header.seq > self.head.seq {
            return Err(out_of_order("seq", header.seq, self.head.seq));
        }
        let next = self.memory.next();
        if header.first_entry > next {
            return Err(out_of_order("first_entry", header.first_entry, next));
        }
        let mut lines = Vec::new();
        for (ordinal, leaf) in (header.first_entry..).zip(record.leaves()) {
            let head = read_entry(leaf, &mut lines)?;
            if ordinal >= next {
                self.memory.push(&head, &lines, None);
            }
        }
        Ok(())
    }

    fn check_next(&self, record: &Record<'_>) -> Result<(), Error> {
        let header = record.header();
        let head = self.head;
        let exact = [
            ("cell", u64::from(header.cell), u64::from(self.cell)),
            ("seq", header.seq, head.seq + 1),
            ("first_entry", header.first_entry, head.entries),
            ("remembered", self.memory.next(), head.entries),
        ];
        for (field, found, expected) in exact {
            if found != expected {
                let (found, expected) = (i128::from(found), i128::from(expected));
                return Err(Error::OutOfOrder { seq: header.seq, field, found, expected });
            }
        }
        let least = [
            ("epoch", i128::from(header.epoch), i128::from(head.epoch)),
            ("at", i128::from(header.at.micros()), i128::from(head.at.micros())),
        ];
        for (field, found, expected) in least {
            if found < expected {
                return Err(Error::OutOfOrder { seq: header.seq, field, found, expected });
            }
        }
        Ok(())
    }

    fn replay_parts(&mut self, record: &Record<'_>, draft: &mut Draft) -> Result<(), Error> {
        self.memory.touch(record.leaves().filter_map(leaf_id));
        let mut events = record.events().enumerate().peekable();
        let mut scratch = Scratch::default();
        let end = record.header().entries as usize;
        for (index, leaf) in record.leaves().map(Some).chain([None]).enumerate() {
            while let Some((place, event)) = events.next_if(|(_, event)| {
                index == end || !matches!(event, Ok((before, _)) if *before as usize > index)
            }) {
                self.replay_event(&event?.1, draft).map_err(|reason| {
                    let seq = record.header().seq;
                    Error::NotAllowed { seq, part: "account event", index: place, reason }
                })?;
            }
            if let Some(leaf) = leaf {
                self.replay_entry(record, index, leaf, draft, &mut scratch)?;
            }
        }
        Ok(())
    }

    fn replay_entry(
        &mut self,
        record: &Record<'_>,
        index: usize,
        leaf: &[u8],
        draft: &mut Draft,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let seq = record.header().seq;
        let head = read_entry(leaf, &mut scratch.recorded)?;
        let not_allowed = |reason| Error::NotAllowed { seq, part: "entry", index, reason };
        self.decide_again(&head, scratch, draft.at).map_err(not_allowed)?;
        if self.lines != scratch.recorded {
            return Err(Error::OtherLines { seq, index });
        }
        let accepted = self.accept(&mut draft.undo, &head, draft.at);
        accepted.map_err(|refused| not_allowed(refused.reason))?;
        draft.count_entry();
        Ok(())
    }

    /// Decides what was asked when the entry was made, which leaves in `lines` what must be recorded.
    fn decide_again(
        &mut self,
        head: &LeafHead,
        scratch: &mut Scratch,
        at: Timestamp,
    ) -> Result<(), Rejection> {
        let Scratch { recorded, postings } = scratch;
        postings.clear();
        let action = match head.done {
            Done::Post => {
                postings.extend(recorded.iter().map(|line| line.posted()));
                Action::Post
            }
            Done::Hold { expires_at } => {
                postings.extend(recorded.iter().map(|line| line.held()));
                Action::Hold { expires_at }
            }
            Done::Capture { hold, whole } => {
                if !whole {
                    postings.extend(recorded.iter().map(|line| line.posted()));
                }
                Action::Capture { hold }
            }
            Done::Void { hold } => Action::Void { hold },
            Done::Reversal { of } if self.must_trust(of) => {
                self.lines.clone_from(recorded);
                return self.check_trusted(head.id);
            }
            Done::Reversal { of } => Action::Reversal { of },
            Done::Expiry { hold } => {
                self.hold_state(hold, at, &Known::nothing()).next(HoldEvent::Expire)?;
                self.lines.clear();
                self.release_lines(hold);
                return Ok(());
            }
        };
        let count = u16::try_from(postings.len()).expect("at most BATCH_POSTINGS_MAX, seen when it was read");
        let asked = EntryHead { id: head.id, action, code: head.code, linked: head.linked, postings: count };
        let asked = Asked { head: &asked, postings, booked_at: head.booked_at };
        match self.decide(&asked, at, &Known::nothing()) {
            Ok(Decision::New(_)) => Ok(()),
            Ok(Decision::Exists(_)) => Err(Rejection::ExistsWithDifferentAction),
            Err(refused) => Err(refused.reason),
        }
    }

    /// What was reversed may lie before all that is remembered.
    fn must_trust(&self, of: EntryId) -> bool {
        self.memory.base() > 0
            && !self.memory.contains(of)
            && self.memory.resolution(of).is_none()
            && self.holds.get(of).is_none()
    }

    /// Checks what can be checked of a reversal of which only the lines are there.
    fn check_trusted(&self, id: EntryId) -> Result<(), Rejection> {
        match id.0 {
            0 => return Err(Rejection::IdZero),
            u128::MAX => return Err(Rejection::IdMax),
            _ if self.memory.contains(id) || self.holds.get(id).is_some() => {
                return Err(Rejection::ExistsWithDifferentAction);
            }
            _ => {}
        }
        let mut first = First(None);
        for line in &self.lines {
            self.check_accounts(&line.posted(), None, &mut first);
        }
        first.end().map_err(|refused| refused.reason)
    }

    fn replay_event(&mut self, event: &AccountEvent, draft: &mut Draft) -> Result<(), Rejection> {
        if self.accounts_ahead {
            return self.check_ahead(event);
        }
        let (number, limits, standing) = match event {
            AccountEvent::Opened { number, spec } => {
                if *number != self.next_number() || self.find(&spec.path, spec.currency).is_some() {
                    return Err(Rejection::ExistsWithDifferentKind);
                }
                self.check_opening(spec)?;
                draft.undo.steps.push(Step::AccountOpened);
                self.add_account(spec.clone(), draft.at);
                return Ok(());
            }
            AccountEvent::LimitsSet { number, limits } => {
                let account = self.account(*number).ok_or(Rejection::AccountNotFound)?;
                let balance = self.slots[number.0 as usize].balance;
                let (limits, standing) = decide_change(account, balance, AccountChange::Limits(*limits))?;
                (*number, limits, standing)
            }
            AccountEvent::StandingSet { number, standing } => {
                let account = self.account(*number).ok_or(Rejection::AccountNotFound)?;
                let balance = self.slots[number.0 as usize].balance;
                let change = match standing {
                    Standing::Closed => AccountChange::Close,
                    // Whether it may be frozen is the same for all sides.
                    Standing::Open | Standing::Frozen { .. } => {
                        AccountChange::Freeze { debits: true, credits: true }
                    }
                };
                let (limits, _) = decide_change(account, balance, change)?;
                (*number, limits, *standing)
            }
        };
        let account = self.account(number).ok_or(Rejection::AccountNotFound)?;
        let (limits_before, standing_before) = (account.spec.limits, account.standing);
        draft.undo.steps.push(Step::AccountChanged {
            number,
            limits: limits_before,
            standing: standing_before,
        });
        self.set(number, limits, standing);
        Ok(())
    }

    /// The accounts are there as this and later events made them.
    fn check_ahead(&self, event: &AccountEvent) -> Result<(), Rejection> {
        let account = self.account(event.number()).ok_or(Rejection::AccountNotFound)?;
        match event {
            AccountEvent::Opened { spec, .. } => {
                if account.spec.path != spec.path || account.spec.currency != spec.currency {
                    return Err(Rejection::ExistsWithDifferentKind);
                }
                super::same_opening(account, spec)
            }
            AccountEvent::LimitsSet { .. } | AccountEvent::StandingSet { .. } => Ok(()),
        }
    }
}
