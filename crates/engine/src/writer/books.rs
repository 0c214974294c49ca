//! Commands for the books alone.

use super::batch::{After, Batch, Refusal};
use super::decider::Decider;
use crate::command::{BooksAnswer, BooksCommand, NamedEntry, Receipt, Refused, Reply};
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::entry::{Entry, EntryBatch, Posting};
use suanpan_payments::decision::AccountRef;

/// A number that no account has: entries that name an unknown path are refused like those with an unknown number.
const NO_ACCOUNT: AccountNo = AccountNo(u32::MAX);

impl Decider {
    pub(super) fn books(
        &mut self,
        command: BooksCommand,
        reply: Reply<(BooksAnswer, Receipt)>,
        batch: &mut Batch,
    ) {
        match self.do_books(command) {
            Ok(answer) => {
                batch.replays |= answer.repeats();
                batch.after.push(After::Books { reply, answer });
            }
            Err(refused) => batch.refuse(Refusal::Books(reply, refused)),
        }
    }

    fn do_books(&mut self, command: BooksCommand) -> Result<BooksAnswer, Refused> {
        match command {
            BooksCommand::Open(specs) => {
                let opened = specs.into_iter().map(|spec| self.book.open(&mut self.draft, spec));
                Ok(BooksAnswer::Opened(opened.collect()))
            }
            BooksCommand::Change(changes) => {
                let changed = changes.into_iter();
                let changed =
                    changed.map(|(number, change)| self.book.change(&mut self.draft, number, change));
                Ok(BooksAnswer::Changed(changed.collect()))
            }
            BooksCommand::Post(entries) => self.post(&entries),
            BooksCommand::PostNamed(entries) => {
                let entries = self.numbered(&entries)?;
                self.post(&entries)
            }
            BooksCommand::Import { entries, booked_at } => {
                let known = self.known(&entries)?;
                Ok(BooksAnswer::Posted(self.book.import(&mut self.draft, &entries, &known, booked_at)?))
            }
        }
    }

    fn post(&mut self, entries: &EntryBatch) -> Result<BooksAnswer, Refused> {
        let known = self.known(entries)?;
        Ok(BooksAnswer::Posted(self.book.apply(&mut self.draft, entries, &known)?))
    }

    fn numbered(&self, named: &[NamedEntry]) -> Result<EntryBatch, Refused> {
        let number = |named: &AccountRef| self.book.find(&named.path, named.currency).unwrap_or(NO_ACCOUNT);
        let mut entries = EntryBatch::default();
        let mut postings = Vec::new();
        for NamedEntry { draft, linked } in named {
            postings.clear();
            postings.extend(draft.lines.iter().map(|line| Posting {
                debit: number(&line.debit),
                credit: number(&line.credit),
                amount_minor: line.amount_minor,
            }));
            let (id, action, code) = (draft.id, draft.action, draft.code);
            entries.push(Entry { id, action, code, linked: *linked, postings: &postings })?;
        }
        Ok(entries)
    }
}

impl BooksCommand {
    /// What it counts for in the queue.
    pub(crate) fn weight(&self) -> usize {
        match self {
            BooksCommand::Open(specs) => specs.len().max(1),
            BooksCommand::Change(changes) => changes.len().max(1),
            BooksCommand::Post(entries) | BooksCommand::Import { entries, .. } => entries.heads.len().max(1),
            BooksCommand::PostNamed(entries) => entries.len().max(1),
        }
    }
}

impl BooksAnswer {
    /// Whether any part of it may have been done before.
    fn repeats(&self) -> bool {
        // Opening an account again may be a repeat.
        self.has_repeats() || matches!(self, BooksAnswer::Opened(_) | BooksAnswer::Changed(_))
    }

    /// Whether any entry was there before.
    pub(super) fn has_repeats(&self) -> bool {
        use suanpan_ledger::book::Verdict;
        let exists = |verdict: &Verdict| matches!(verdict, Verdict::Exists { .. });
        matches!(self, BooksAnswer::Posted(verdicts) if verdicts.iter().any(exists))
    }
}
