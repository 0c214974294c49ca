//! Doing what was decided: sums, holds, memory, each with its way back.

use super::decide::Refused;
use super::draft::Undo;
use super::{Book, Hold};
use crate::account::AccountNo;
use crate::limits::PAGE_ACCOUNTS;
use crate::record::{Done, LeafHead, Line};
use crate::rejection::Rejection;
use suanpan_money::Timestamp;

impl Book {
    /// Does the entry whose lines are in `lines`, and gives it the next ordinal. If it is refused, everything
    /// is as before.
    #[inline]
    pub(super) fn accept(
        &mut self,
        undo: &mut Vec<Undo>,
        head: &LeafHead,
        at: Timestamp,
    ) -> Result<u64, Refused> {
        let start = undo.len();
        let booked_at = head.booked_at.unwrap_or(at).micros();
        let lines = std::mem::take(&mut self.lines);
        let moved = self.move_lines(undo, head.done, &lines, booked_at);
        if let Err(refused) = moved {
            self.lines = lines;
            self.undo_sums(undo, start);
            return Err(refused);
        }
        let ordinal = self.memory.next();
        match head.done {
            Done::Post | Done::Reversal { .. } => {}
            Done::Hold { expires_at } => {
                let postings = lines.iter().map(|line| line.held()).collect();
                self.holds.open(head.id, Hold { ordinal, code: head.code, expires_at, postings });
                undo.push(Undo::HoldOpened(head.id));
            }
            Done::Capture { hold, .. } | Done::Void { hold } | Done::Expiry { hold } => {
                let closed = self.holds.close(hold);
                undo.push(Undo::HoldClosed(Box::new((hold, closed))));
            }
        }
        self.memory.push(head.id, head.done, head.code, head.booked_at, &lines);
        undo.push(Undo::Entry);
        self.lines = lines;
        Ok(ordinal)
    }

    fn move_lines(
        &mut self,
        undo: &mut Vec<Undo>,
        done: Done,
        lines: &[Line],
        booked_at: i64,
    ) -> Result<(), Refused> {
        let releases = matches!(done, Done::Capture { .. } | Done::Void { .. } | Done::Expiry { .. });
        for line in lines {
            self.touch(undo, line.debit);
            let slot = &mut self.slots[line.debit.0 as usize];
            let balance = &mut slot.balance;
            let sums = (&mut balance.debits_posted, &mut balance.debits_held);
            if !add(sums, line, releases) {
                return Err(Refused { reason: Rejection::SumOverflow, account: Some(line.debit) });
            }
            if line.posted_minor > 0 {
                slot.last_posted_at = booked_at;
            }
            self.touch(undo, line.credit);
            let slot = &mut self.slots[line.credit.0 as usize];
            let balance = &mut slot.balance;
            let sums = (&mut balance.credits_posted, &mut balance.credits_held);
            if !add(sums, line, releases) {
                return Err(Refused { reason: Rejection::SumOverflow, account: Some(line.credit) });
            }
            if line.posted_minor > 0 {
                slot.last_posted_at = booked_at;
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

    #[inline]
    fn touch(&mut self, undo: &mut Vec<Undo>, number: AccountNo) {
        let slot = &self.slots[number.0 as usize];
        undo.push(Undo::Sums { number, before: slot.balance, last_posted_at: slot.last_posted_at });
        let page = number.0 as usize / PAGE_ACCOUNTS;
        self.dirty[page / 64] |= 1 << (page % 64);
    }

    fn undo_sums(&mut self, undo: &mut Vec<Undo>, start: usize) {
        for step in undo.drain(start..).rev() {
            if let Undo::Sums { number, before, last_posted_at } = step {
                let slot = &mut self.slots[number.0 as usize];
                slot.balance = before;
                slot.last_posted_at = last_posted_at;
            }
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
