//! Deciding one entry, up to the limits: those are seen when the sums are changed.

use super::hold::{HoldEvent, HoldState};
use super::memory::Resolution;
use super::{Book, Known};
use crate::account::{AccountNo, Standing};
use crate::entry::{Action, EntryHead, EntryId, Posting};
use crate::record::{Done, LeafHead, Line};
use crate::rejection::Rejection;
use suanpan_money::Timestamp;

/// An entry as it is asked for.
pub(super) struct Asked<'a> {
    pub(super) head: &'a EntryHead,
    pub(super) postings: &'a [Posting],
    /// When it was booked, if it is imported.
    pub(super) booked_at: Option<Timestamp>,
}

/// Why not, and by which account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) reason: Rejection,
    pub(super) account: Option<AccountNo>,
}

impl From<Rejection> for Refused {
    fn from(reason: Rejection) -> Refused {
        Refused { reason, account: None }
    }
}

/// What is to be done. The lines of a new entry are left in the book's `lines`.
pub(super) enum Decision {
    New(LeafHead),
    Exists(u64),
}

/// Keeps the reason that comes first in the order of precedence.
pub(super) struct First(pub(super) Option<Refused>);

impl First {
    pub(super) fn note(&mut self, reason: Rejection, account: Option<AccountNo>) {
        if self.0.is_none_or(|first| reason < first.reason) {
            self.0 = Some(Refused { reason, account });
        }
    }

    pub(super) fn end(self) -> Result<(), Refused> {
        self.0.map_or(Ok(()), Err)
    }
}

impl Book {
    pub(super) fn decide(
        &mut self,
        asked: &Asked<'_>,
        at: Timestamp,
        known: &Known,
    ) -> Result<Decision, Refused> {
        let head = asked.head;
        if head.id.0 == 0 {
            return Err(Rejection::IdZero.into());
        }
        if head.id.0 == u128::MAX {
            return Err(Rejection::IdMax.into());
        }
        if let Some(ordinal) = self.existing(asked, known)? {
            return Ok(Decision::Exists(ordinal));
        }
        if let Some(booked_at) = asked.booked_at {
            if !matches!(head.action, Action::Post) {
                return Err(Rejection::ImportNotAPost.into());
            }
            if booked_at > at {
                return Err(Rejection::ImportInFuture.into());
            }
        }
        self.lines.clear();
        let done = match head.action {
            Action::Post => {
                self.decide_postings(asked, None)?;
                Done::Post
            }
            Action::Hold { expires_at } => {
                self.decide_postings(asked, expires_at.filter(|&expires_at| expires_at <= at))?;
                Done::Hold { expires_at }
            }
            Action::Capture { hold } => self.decide_capture(asked, hold, at, known)?,
            Action::Void { hold } => {
                if !asked.postings.is_empty() {
                    return Err(Rejection::PostingsNotAllowed.into());
                }
                self.hold_state(hold, at, known).next(HoldEvent::Void)?;
                self.release_lines(hold);
                Done::Void { hold }
            }
            Action::Reversal { of } => self.decide_reversal(asked, of, known)?,
        };
        let &EntryHead { id, code, linked, .. } = head;
        Ok(Decision::New(LeafHead { id, done, code, linked, booked_at: asked.booked_at }))
    }

    /// Looks for an entry with the id, and compares.
    #[inline]
    fn existing(&self, asked: &Asked<'_>, known: &Known) -> Result<Option<u64>, Refused> {
        let id = asked.head.id;
        if let Some(there) = self.memory.find(id) {
            compare(asked, (there.done, there.code, there.booked_at), there.postings)?;
            return Ok(Some(there.ordinal));
        }
        if let Some(hold) = self.holds.get(id).or_else(|| self.memory.closed_hold(id)) {
            let done = Done::Hold { expires_at: hold.expires_at };
            compare(asked, (done, hold.code, None), hold.postings.iter().copied())?;
            return Ok(Some(hold.ordinal));
        }
        if let Some(found) = known.get(id) {
            let there = &found.entry;
            let is_hold = matches!(there.done, Done::Hold { .. });
            let postings = there.lines.iter().map(|line| if is_hold { line.held() } else { line.posted() });
            compare(asked, (there.done, there.code, there.booked_at), postings)?;
            return Ok(Some(found.ordinal));
        }
        Ok(None)
    }

    /// Decides the postings of a post or a hold, and makes them lines. `expired` is the time of a hold that has
    /// passed.
    fn decide_postings(&mut self, asked: &Asked<'_>, expired: Option<Timestamp>) -> Result<(), Refused> {
        let is_hold = matches!(asked.head.action, Action::Hold { .. });
        if asked.postings.is_empty() {
            return Err(Rejection::PostingsMissing.into());
        }
        let mut first = First(None);
        if expired.is_some() {
            first.note(Rejection::ExpiryNotInFuture, None);
        }
        for posting in asked.postings {
            self.check_accounts(posting, asked.booked_at, &mut first);
            let &Posting { debit, credit, amount_minor } = posting;
            let (posted_minor, held_minor) = if is_hold { (0, amount_minor) } else { (amount_minor, 0) };
            self.lines.push(Line { debit, credit, posted_minor, held_minor });
        }
        first.end()
    }

    /// Checks that a posting moves something, and that both accounts take it.
    #[inline]
    pub(super) fn check_accounts(&self, posting: &Posting, booked_at: Option<Timestamp>, first: &mut First) {
        if posting.amount_minor == 0 {
            first.note(Rejection::AmountZero, None);
        }
        if posting.debit == posting.credit {
            first.note(Rejection::AccountsSame, Some(posting.debit));
        }
        let slots = (self.slots.get(posting.debit.0 as usize), self.slots.get(posting.credit.0 as usize));
        let (Some(debit), Some(credit)) = slots else {
            let missing = if slots.0.is_none() { posting.debit } else { posting.credit };
            first.note(Rejection::AccountNotFound, Some(missing));
            return;
        };
        if debit.currency != credit.currency {
            first.note(Rejection::CurrenciesDiffer, Some(posting.credit));
        }
        if debit.standing | credit.standing != 0 && !self.accounts_ahead {
            if debit.standing & Standing::CLOSED != 0 {
                first.note(Rejection::AccountClosed, Some(posting.debit));
            }
            if credit.standing & Standing::CLOSED != 0 {
                first.note(Rejection::AccountClosed, Some(posting.credit));
            }
            if debit.standing & Standing::DEBITS != 0 {
                first.note(Rejection::DebitsFrozen, Some(posting.debit));
            }
            if credit.standing & Standing::CREDITS != 0 {
                first.note(Rejection::CreditsFrozen, Some(posting.credit));
            }
        }
        if let Some(booked_at) = booked_at {
            for (slot, number) in [(debit, posting.debit), (credit, posting.credit)] {
                if slot.last_posted_at > booked_at.micros() {
                    first.note(Rejection::AccountHasLaterPostings, Some(number));
                }
            }
        }
    }

    fn decide_capture(
        &mut self,
        asked: &Asked<'_>,
        id: EntryId,
        at: Timestamp,
        known: &Known,
    ) -> Result<Done, Refused> {
        let wanted = asked.postings;
        if !wanted.is_empty() && wanted.iter().all(|posting| posting.amount_minor == 0) {
            return Err(Rejection::AmountZero.into());
        }
        self.hold_state(id, at, known).next(HoldEvent::Capture)?;
        let hold = self.holds.get(id).expect("its state was open");
        if wanted.is_empty() {
            self.lines.extend(hold.postings.iter().map(|held| line_of(held, held.amount_minor)));
            return Ok(Done::Capture { hold: id, whole: true });
        }
        let same_accounts =
            |(held, wanted): (&Posting, &Posting)| held.debit == wanted.debit && held.credit == wanted.credit;
        if wanted.len() != hold.postings.len() || !hold.postings.iter().zip(wanted).all(same_accounts) {
            return Err(Rejection::CapturePostingsDiffer.into());
        }
        let mut whole = true;
        for (held, wanted) in hold.postings.iter().zip(wanted) {
            if wanted.amount_minor > held.amount_minor {
                return Err(Rejection::ExceedsHold.into());
            }
            whole &= wanted.amount_minor == held.amount_minor;
            self.lines.push(line_of(held, wanted.amount_minor));
        }
        Ok(Done::Capture { hold: id, whole })
    }

    fn decide_reversal(&mut self, asked: &Asked<'_>, of: EntryId, known: &Known) -> Result<Done, Refused> {
        if !asked.postings.is_empty() {
            return Err(Rejection::PostingsNotAllowed.into());
        }
        if self.memory.resolution(of) == Some(Resolution::Reversed) {
            return Err(Rejection::AlreadyReversed.into());
        }
        // An open hold may be forgotten by its id, and is not to be reversed.
        if self.holds.get(of).is_some() {
            return Err(Rejection::NotReversible.into());
        }
        let lines = &mut self.lines;
        let mut take = |done: Done, postings: &mut dyn Iterator<Item = Posting>| match done {
            Done::Post | Done::Capture { .. } => {
                let moved = postings.filter(|posting| posting.amount_minor > 0);
                lines.extend(moved.map(|Posting { debit, credit, amount_minor }| Line {
                    debit: credit,
                    credit: debit,
                    posted_minor: amount_minor,
                    held_minor: 0,
                }));
                Ok(())
            }
            Done::Hold { .. } | Done::Void { .. } | Done::Expiry { .. } | Done::Reversal { .. } => {
                Err(Rejection::NotReversible)
            }
        };
        if let Some(mut there) = self.memory.find(of) {
            take(there.done, &mut there.postings)?;
        } else if let Some(found) = known.get(of) {
            if found.resolved == Some(Resolution::Reversed) {
                return Err(Rejection::AlreadyReversed.into());
            }
            take(found.entry.done, &mut found.entry.lines.iter().map(|line| line.posted()))?;
        } else if self.memory.resolution(of).is_some() {
            // A hold that was resolved lately, and forgotten itself.
            return Err(Rejection::NotReversible.into());
        } else {
            return Err(Rejection::ReversedEntryNotFound.into());
        }
        let mut first = First(None);
        for line in &self.lines {
            self.check_accounts(&line.posted(), None, &mut first);
        }
        first.end()?;
        Ok(Done::Reversal { of })
    }

    /// Where a hold is in its life, by all that is known.
    pub(super) fn hold_state(&self, id: EntryId, at: Timestamp, known: &Known) -> HoldState {
        if let Some(hold) = self.holds.get(id) {
            return if hold.is_due(at) { HoldState::Due } else { HoldState::Open };
        }
        let resolved = self.memory.resolution(id).or_else(|| known.get(id).and_then(|found| found.resolved));
        match resolved {
            Some(Resolution::Captured) => HoldState::Captured,
            Some(Resolution::Voided) => HoldState::Voided,
            Some(Resolution::Expired) => HoldState::Expired,
            Some(Resolution::Reversed) => HoldState::Other,
            // Holds without resolution are open, and were found first.
            None if self.memory.contains(id) || known.get(id).is_some() => HoldState::Other,
            None => HoldState::Missing,
        }
    }

    /// Makes lines that release a hold.
    pub(super) fn release_lines(&mut self, id: EntryId) {
        let hold = self.holds.get(id).expect("its state was open or due");
        self.lines.extend(hold.postings.iter().map(|held| line_of(held, 0)));
    }
}

fn line_of(held: &Posting, posted_minor: u64) -> Line {
    Line { debit: held.debit, credit: held.credit, posted_minor, held_minor: held.amount_minor }
}

/// Compares what is asked with what is there under the same id.
fn compare(
    asked: &Asked<'_>,
    (done, code, booked_at): (Done, u16, Option<Timestamp>),
    postings: impl Iterator<Item = Posting>,
) -> Result<(), Refused> {
    let same = match (asked.head.action, done) {
        (Action::Post, Done::Post) => Ok(()),
        (Action::Hold { expires_at }, Done::Hold { expires_at: there }) => {
            if expires_at == there {
                Ok(())
            } else {
                Err(Rejection::ExistsWithDifferentExpiry)
            }
        }
        (Action::Capture { hold }, Done::Capture { hold: there, .. })
        | (Action::Void { hold }, Done::Void { hold: there })
        | (Action::Reversal { of: hold }, Done::Reversal { of: there }) => {
            if hold == there {
                Ok(())
            } else {
                Err(Rejection::ExistsWithDifferentTarget)
            }
        }
        (
            Action::Post
            | Action::Hold { .. }
            | Action::Capture { .. }
            | Action::Void { .. }
            | Action::Reversal { .. },
            _,
        ) => Err(Rejection::ExistsWithDifferentAction),
    };
    same?;
    if asked.booked_at != booked_at {
        return Err(Rejection::ExistsWithDifferentBookedAt.into());
    }
    if asked.head.code != code {
        return Err(Rejection::ExistsWithDifferentCode.into());
    }
    let same = match done {
        Done::Capture { whole, .. } if asked.postings.is_empty() => whole,
        Done::Post | Done::Hold { .. } | Done::Capture { .. } => postings.eq(asked.postings.iter().copied()),
        Done::Void { .. } | Done::Expiry { .. } | Done::Reversal { .. } => asked.postings.is_empty(),
    };
    if same { Ok(()) } else { Err(Rejection::ExistsWithDifferentPostings.into()) }
}
