//! A store as simple as can be: it keeps records and answers about ids by reading all of them.

use std::collections::BTreeMap;
use suanpan_ledger::account::{Account, AccountNo};
use suanpan_ledger::book::{Book, Known, Loading, Resolution, StoredEntry};
use suanpan_ledger::entry::EntryBatch;
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::record::{Done, Record};
use suanpan_ledger::snapshot::{Checkpoint, decode_account, decode_hold, encode_account};

/// Records, the rows of accounts, and what checkpoints left.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) records: Vec<Vec<u8>>,
    accounts: BTreeMap<AccountNo, (String, suanpan_money::Currency, Vec<u8>)>,
    pages: BTreeMap<u32, Vec<u8>>,
    holds: BTreeMap<EntryId, Vec<u8>>,
    head: suanpan_ledger::book::Head,
}

impl Stored {
    /// Keeps a record and the accounts that it changed.
    pub(crate) fn commit(&mut self, finished: &suanpan_ledger::book::FinishedRecord, book: &Book) {
        self.records.push(finished.bytes.clone());
        for number in &finished.accounts_changed {
            let account: &Account = book.account(*number).unwrap();
            let row = (account.spec.path.clone(), account.spec.currency, encode_account(account));
            self.accounts.insert(*number, row);
        }
    }

    /// Keeps a checkpoint.
    pub(crate) fn checkpoint(&mut self, book: &mut Book) {
        let Checkpoint { seq, pages, holds_open, holds_closed } = book.checkpoint();
        assert_eq!(seq, book.head().seq);
        self.head = book.head();
        self.pages.extend(pages);
        self.holds.extend(holds_open);
        for id in holds_closed {
            assert!(self.holds.remove(&id).is_some(), "only holds of a checkpoint are closed in the next");
        }
    }

    /// Looks up what the book does not know.
    pub(crate) fn look_up(&self, book: &Book, batch: &EntryBatch) -> Known {
        let wanted = book.unknown_ids(batch);
        let mut known = Known::new(book.remembered_from());
        if wanted.is_empty() {
            return known;
        }
        let mut resolved = BTreeMap::new();
        let mut found = Vec::new();
        for record in &self.records {
            for entry in Record::parse(record).unwrap().entries() {
                let (ordinal, entry) = entry.unwrap();
                // The index of the store ends where the memory of the book begins.
                if ordinal >= book.remembered_from() {
                    continue;
                }
                match entry.done {
                    Done::Post | Done::Hold { .. } => None,
                    Done::Capture { hold, .. } => resolved.insert(hold, Resolution::Captured),
                    Done::Void { hold } => resolved.insert(hold, Resolution::Voided),
                    Done::Expiry { hold } => resolved.insert(hold, Resolution::Expired),
                    Done::Reversal { of } => resolved.insert(of, Resolution::Reversed),
                };
                if wanted.contains(&entry.id) {
                    found.push((ordinal, entry));
                }
            }
        }
        for (ordinal, entry) in found {
            let resolved = resolved.get(&entry.id).copied();
            known.insert(StoredEntry { ordinal, entry, resolved });
        }
        known
    }

    /// Makes the book again from the newest checkpoint and the records after it.
    pub(crate) fn restart(&self, seed: u64, remembered_from: u64) -> Book {
        let accounts = self.accounts.values();
        let loading = Loading {
            accounts: accounts
                .map(|(path, currency, body)| decode_account(path, *currency, body).unwrap())
                .collect(),
            pages: self.pages.iter().map(|(number, page)| (*number, page.as_slice())).collect(),
            holds: self.holds.iter().map(|(id, hold)| (*id, decode_hold(hold).unwrap())).collect(),
            head: self.head,
            remembered_from: remembered_from.min(self.head.entries),
        };
        let mut book = Book::load(7, seed, loading).unwrap();
        for record in &self.records {
            let record = Record::parse(record).unwrap();
            if record.header().seq <= self.head.seq {
                let end = record.header().first_entry + u64::from(record.header().entries);
                if end > remembered_from {
                    book.remember(&record).unwrap();
                }
            } else {
                book.replay(&record).unwrap();
            }
        }
        book
    }

    /// Makes the book again from all records.
    pub(crate) fn replay_all(&self, seed: u64) -> Book {
        let mut book = Book::new(7, seed);
        for record in &self.records {
            book.replay(&Record::parse(record).unwrap()).unwrap();
        }
        book
    }
}
