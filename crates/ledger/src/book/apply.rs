//! Batches: one verdict for each entry, chains all or nothing.

use super::decide::{Asked, Decision, Refused};
use super::{Book, Draft, Known, Resolution};
use crate::account::AccountNo;
use crate::entry::{Action, EntryBatch, EntryId, Posting};
use crate::error::Error;
use crate::record::Done;
use crate::rejection::Rejection;
use suanpan_money::Timestamp;

/// What became of an entry of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was added to the draft.
    Accepted {
        /// Its place among all entries of the journal, from 0.
        ordinal: u64,
    },
    /// It was there already, with the same content. Nothing was done.
    Exists {
        /// Its place among all entries of the journal.
        ordinal: u64,
    },
    /// It was refused and left no trace.
    Rejected {
        /// Why.
        reason: Rejection,
        /// The account that is the cause, where there is one.
        account: Option<AccountNo>,
    },
}

impl Verdict {
    const fn rejected(reason: Rejection) -> Verdict {
        Verdict::Rejected { reason, account: None }
    }
}

impl From<Refused> for Verdict {
    fn from(Refused { reason, account }: Refused) -> Verdict {
        Verdict::Rejected { reason, account }
    }
}

/// What all entries of a batch share.
struct Context<'a> {
    known: &'a Known,
    booked_at: Option<Timestamp>,
}

impl Book {
    /// Returns the ids of which a batch needs to know and the book does not: look them up in the store's index
    /// and give what was found to [`Book::apply`]. Each id once, in no order that matters. Empty as long as
    /// the book has forgotten nothing.
    #[must_use]
    pub fn unknown_ids(&self, batch: &EntryBatch) -> Vec<EntryId> {
        if self.memory.base() == 0 {
            return Vec::new();
        }
        let mut unknown = Vec::new();
        for head in &batch.heads {
            let is_hold = self.holds.get(head.id).or_else(|| self.memory.closed_hold(head.id)).is_some();
            if !is_hold && !self.memory.contains(head.id) {
                unknown.push(head.id);
            }
            let target = match head.action {
                Action::Post | Action::Hold { .. } => continue,
                Action::Capture { hold } | Action::Void { hold } if self.holds.get(hold).is_some() => {
                    continue;
                }
                Action::Capture { hold } | Action::Void { hold } => hold,
                Action::Reversal { of } => of,
            };
            if self.memory.resolution(target).is_none() && !self.memory.contains(target) {
                unknown.push(target);
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// Decides the entries of a batch one after the other and does what is accepted.
    ///
    /// Entries linked to a chain are accepted together or not at all; of a refused chain one entry has the
    /// reason, the others `linked_entry_failed`. A chain that is repeated as a whole is answered with
    /// [`Verdict::Exists`] for each entry.
    ///
    /// # Errors
    /// When the batch itself is not sound, or the store says what cannot be; nothing was done then.
    pub fn apply(
        &mut self,
        draft: &mut Draft,
        batch: &EntryBatch,
        known: &Known,
    ) -> Result<Vec<Verdict>, Error> {
        self.apply_with(draft, batch, &Context { known, booked_at: None })
    }

    /// Does the same for posts of the past, as they were booked elsewhere at `booked_at`: for moving books here.
    /// Limits and standing count as they are now. Accounts must have no postings later than `booked_at`.
    ///
    /// # Errors
    /// As [`Book::apply`].
    pub fn import(
        &mut self,
        draft: &mut Draft,
        batch: &EntryBatch,
        known: &Known,
        booked_at: Timestamp,
    ) -> Result<Vec<Verdict>, Error> {
        self.apply_with(draft, batch, &Context { known, booked_at: Some(booked_at) })
    }

    fn apply_with(
        &mut self,
        draft: &mut Draft,
        batch: &EntryBatch,
        context: &Context<'_>,
    ) -> Result<Vec<Verdict>, Error> {
        batch.check()?;
        self.check_known(context.known)?;
        self.memory.touch(batch.heads.iter().map(|head| head.id));
        let mut verdicts = Vec::with_capacity(batch.heads.len());
        let mut postings = batch.postings.as_slice();
        while verdicts.len() < batch.heads.len() {
            let rest = &batch.heads[verdicts.len()..];
            if !rest[0].linked {
                let (own, others) = postings.split_at(usize::from(rest[0].postings));
                postings = others;
                let asked = Asked { head: &rest[0], postings: own, booked_at: context.booked_at };
                verdicts.push(self.one(draft, &asked, context.known));
                continue;
            }
            let Some(last) = rest.iter().position(|head| !head.linked) else {
                verdicts.extend(rest.iter().map(|_| Verdict::rejected(Rejection::LinkedEntryFailed)));
                let last = verdicts.last_mut().expect("the rest is not empty");
                *last = Verdict::rejected(Rejection::LinkedChainOpen);
                break;
            };
            let chain = &rest[..=last];
            let count = chain.iter().map(|head| usize::from(head.postings)).sum();
            let (own, others) = postings.split_at(count);
            postings = others;
            self.chain(draft, chain, own, context, &mut verdicts);
        }
        Ok(verdicts)
    }

    /// Decides a chain, all or nothing.
    fn chain(
        &mut self,
        draft: &mut Draft,
        heads: &[crate::entry::EntryHead],
        mut postings: &[Posting],
        context: &Context<'_>,
        verdicts: &mut Vec<Verdict>,
    ) {
        let mark = draft.mark();
        let first = verdicts.len();
        for head in heads {
            let (own, others) = postings.split_at(usize::from(head.postings));
            postings = others;
            let asked = Asked { head, postings: own, booked_at: context.booked_at };
            let verdict = self.one(draft, &asked, context.known);
            verdicts.push(verdict);
            if matches!(verdict, Verdict::Rejected { .. }) {
                let failed = verdicts.len() - 1;
                self.rollback(draft, mark);
                verdicts.truncate(first);
                verdicts.extend(heads.iter().map(|_| Verdict::rejected(Rejection::LinkedEntryFailed)));
                verdicts[failed] = verdict;
                return;
            }
        }
        let own = &mut verdicts[first..];
        let accepted = own.iter().filter(|verdict| matches!(verdict, Verdict::Accepted { .. })).count();
        if accepted != 0 && accepted != own.len() {
            self.rollback(draft, mark);
            for verdict in own {
                *verdict = Verdict::rejected(match verdict {
                    Verdict::Exists { .. } => Rejection::LinkedEntryExists,
                    Verdict::Accepted { .. } | Verdict::Rejected { .. } => Rejection::LinkedEntryFailed,
                });
            }
        }
    }

    fn one(&mut self, draft: &mut Draft, asked: &Asked<'_>, known: &Known) -> Verdict {
        match self.decide(asked, draft.at, known) {
            Ok(Decision::Exists(ordinal)) => Verdict::Exists { ordinal },
            Ok(Decision::New(head)) => {
                if !draft.has_room(self.lines.len()) {
                    return Verdict::rejected(Rejection::RecordFull);
                }
                match self.accept(&mut draft.undo, &head, draft.at) {
                    Ok(ordinal) => {
                        draft.add_entry(&head, &self.lines);
                        Verdict::Accepted { ordinal }
                    }
                    Err(refused) => refused.into(),
                }
            }
            Err(refused) => refused.into(),
        }
    }

    /// A hold that is open in the store but not in the book would be captured twice.
    fn check_known(&self, known: &Known) -> Result<(), Error> {
        if known.remembered_from() < self.memory.base() {
            let (known, base) = (known.remembered_from(), self.memory.base());
            return Err(Error::StoreAskedTooEarly { known, base });
        }
        for (id, found) in known.iter() {
            let why = if found.ordinal >= self.memory.next() {
                "its ordinal is still to come"
            } else if matches!(found.entry.done, Done::Hold { .. })
                && found.resolved.is_none()
                && self.holds.get(id).is_none()
                && self.memory.resolution(id).is_none()
            {
                "its hold is open there and not here"
            } else if matches!(found.resolved, Some(Resolution::Reversed))
                == matches!(found.entry.done, Done::Hold { .. })
                && found.resolved.is_some()
            {
                "it was resolved as such an entry is not"
            } else {
                continue;
            };
            return Err(Error::StoreDisagrees { id, why });
        }
        Ok(())
    }
}
