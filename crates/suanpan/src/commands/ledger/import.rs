//! `suanpan ledger import`: entries of the past.

use super::post::{Batch, book};
use super::reading::Entries;
use crate::cli::ImportArgs;
use crate::error::Trouble;
use crate::store::Embedded;
use crate::terminal::Terminal;
use std::collections::HashMap;
use suanpan_engine::BooksCommand;
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::entry::{Entry, EntryBatch, Posting};
use suanpan_payments::decision::AccountRef;

/// A number that no account has: such an entry is refused like any other with an unknown account.
const NO_ACCOUNT: AccountNo = AccountNo(u32::MAX);

pub(super) fn run(args: &ImportArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let entries = Entries::open(&args.file, &args.batches, true)?;
    book(entries, &args.batches, &args.write, terminal, command)
}

fn command(engine: &Embedded, batch: &Batch) -> Result<BooksCommand, Trouble> {
    let names: Vec<AccountRef> = batch
        .entries
        .iter()
        .flat_map(|entry| &entry.entry.draft.lines)
        .flat_map(|line| [line.debit.clone(), line.credit.clone()])
        .collect();
    let numbers: HashMap<(String, u16), AccountNo> = engine.query(move |book| {
        let number = |name: &AccountRef| book.find(&name.path, name.currency).unwrap_or(NO_ACCOUNT);
        names.iter().map(|name| ((name.path.clone(), name.currency.numeric()), number(name))).collect()
    })?;
    let number = |name: &AccountRef| {
        numbers.get(&(name.path.clone(), name.currency.numeric())).copied().unwrap_or(NO_ACCOUNT)
    };
    let mut entries = EntryBatch::default();
    let mut postings = Vec::new();
    for entry in &batch.entries {
        let draft = &entry.entry.draft;
        postings.clear();
        postings.extend(draft.lines.iter().map(|line| Posting {
            debit: number(&line.debit),
            credit: number(&line.credit),
            amount_minor: line.amount_minor,
        }));
        let (id, action, code) = (draft.id, draft.action, draft.code);
        let entry = Entry { id, action, code, linked: entry.entry.linked, postings: &postings };
        entries.push(entry).map_err(|error| {
            Trouble::new("batch", error.to_string()).at("--batch").next("give a smaller --batch")
        })?;
    }
    Ok(BooksCommand::Import { entries, booked_at: batch.booked_at.unwrap_or_default() })
}
