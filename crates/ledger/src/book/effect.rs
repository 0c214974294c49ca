//! Doing what was decided: sums, holds, memory, each with its way back.

use super::decide::Refused;
use super::draft::{Step, SumsBefore, Undo};
use super::{Book, Hold};
use crate::account::{AccountNo, Balance};
use crate::limits::PAGE_ACCOUNTS;
use crate::record::{Done, LeafHead, Line};
use crate::rejection::Rejection;
use suanpan_money::Timestamp;

impl Book {
    /// Does the entry whose lines are in `lines`, and gives it the next ordinal. If it is refused, everything
    /// is as before.
    #[inline]
    pub(super) fn accept(&mut self, undo: &mut Undo, head: &LeafHead, at: Timestamp) -> Result<u64, Refused> {
        let start = undo.sums.len();
        let booked_at = head.booked_at.unwrap_or(at).micros();
        let lines = std::mem::take(&mut self.lines);
        let moved = self.move_lines(undo, head.done, &lines, booked_at);
        if let Err(refused) = moved {
            self.lines = lines;
            self.undo_sums(undo, start);
            return Err(refused);
        }
        let ordinal = self.memory.next();
        let mut forgotten = None;
        match head.done {
            Done::Post | Done::Reversal { .. } => {}
            Done::Hold { expires_at } => {
                let postings = lines.iter().map(|line| line.held()).collect();
                self.holds.open(head.id, Hold { ordinal, code: head.code, expires_at, postings });
                undo.steps.push(Step::HoldOpened(head.id));
            }
            Done::Capture { hold, .. } | Done::Void { hold } | Done::Expiry { hold } => {
                let closed = self.holds.close(hold);
                if closed.ordinal < self.memory.base() {
                    forgotten = Some(closed.clone());
                }
                undo.steps.push(Step::HoldClosed(hold, closed));
            }
        }
        self.memory.push(head, &lines, forgotten);
        self.lines = lines;
        Ok(ordinal)
    }

    fn move_lines(
        &mut self,
        undo: &mut Undo,
        done: Done,
        lines: &[Line],
        booked_at: i64,
    ) -> Result<(), Refused> {
        let releases = matches!(done, Done::Capture { .. } | Done::Void { .. } | Done::Expiry { .. });
        for line in lines {
            for (number, is_debit) in [(line.debit, true), (line.credit, false)] {
                if !self.move_side(undo, line, number, is_debit, releases, booked_at) {
                    return Err(Refused { reason: Rejection::SumOverflow, account: Some(number) });
                }
            }
        }
        // What a hold set aside was checked with it, and releasing moves no balance towards a limit.
        if releases || self.accounts_ahead { Ok(()) } else { self.check_limits(lines) }
    }

    /// Checks the accounts as they are after all lines: money may pass through an account.
    #[inline]
    fn check_limits(&self, lines: &[Line]) -> Result<(), Refused> {
        let mut ceiling = None;
        for line in lines {
            for number in [line.debit, line.credit] {
                match self.slots[number.0 as usize].check_limits() {
                    Ok(()) => {}
                    Err(Rejection::ExceedsCeiling) => {
                        ceiling = ceiling.or(Some(number));
                    }
                    Err(reason) => return Err(Refused { reason, account: Some(number) }),
                }
            }
        }
        match ceiling {
            None => Ok(()),
            Some(number) => Err(Refused { reason: Rejection::ExceedsCeiling, account: Some(number) }),
        }
    }

    /// Adds a line to one side of an account; whether the sums have room for it.
    #[inline]
    fn move_side(
        &mut self,
        undo: &mut Undo,
        line: &Line,
        number: AccountNo,
        is_debit: bool,
        releases: bool,
        booked_at: i64,
    ) -> bool {
        let page = number.0 as usize / PAGE_ACCOUNTS;
        self.dirty[page / 64] |= 1 << (page % 64);
        let slot = &mut self.slots[number.0 as usize];
        let (posted, held) = slot.balance.side_mut(is_debit);
        let last_posted_at = slot.last_posted_at;
        undo.sums.push(SumsBefore { posted: *posted, held: *held, last_posted_at, number, is_debit });
        if line.posted_minor > 0 {
            slot.last_posted_at = booked_at;
        }
        add((posted, held), line, releases)
    }

    pub(super) fn undo_sums(&mut self, undo: &mut Undo, start: usize) {
        for before in undo.sums.drain(start..).rev() {
            let slot = &mut self.slots[before.number.0 as usize];
            let (posted, held) = slot.balance.side_mut(before.is_debit);
            (*posted, *held) = (before.posted, before.held);
            slot.last_posted_at = before.last_posted_at;
        }
    }
}

impl Balance {
    /// What is posted and what is held on a side.
    #[inline]
    const fn side_mut(&mut self, is_debit: bool) -> (&mut u64, &mut u64) {
        if is_debit {
            (&mut self.debits_posted, &mut self.debits_held)
        } else {
            (&mut self.credits_posted, &mut self.credits_held)
        }
    }
}

/// Adds a line to the sums of a side. Posted and held together stay within 64 bits, so that a hold can always
/// be captured.
#[inline]
fn add((posted, held): (&mut u64, &mut u64), line: &Line, releases: bool) -> bool {
    let held_after = if releases {
        held.checked_sub(line.held_minor).expect("what a hold set aside is in the sums")
    } else {
        match held.checked_add(line.held_minor) {
            Some(sum) => sum,
            None => return false,
        }
    };
    let Some(posted_after) = posted.checked_add(line.posted_minor) else { return false };
    if posted_after.checked_add(held_after).is_none() {
        return false;
    }
    (*posted, *held) = (posted_after, held_after);
    true
}
