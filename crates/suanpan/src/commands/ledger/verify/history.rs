//! The history of accounts and the index of ids, held against the journal from which they were made.

use super::check::Check;
use crate::books::{Moved, Sealed};
use crate::error::Trouble;
use crate::numbers::grouped;
use crate::store::at_store;
use std::time::Instant;
use suanpan_ledger::account::{Balance, Side};
use suanpan_ledger::history::limits::STATEMENT_ROWS_MAX;
use suanpan_ledger::history::{DatedRow, Order, QueryError, Range, StatementQuery};
use suanpan_ledger::ids::{What, find};
use suanpan_ledger::record::{Done, Record};
use suanpan_money::Timestamp;
use suanpan_store::{Database, StoreError};

/// How often something is asked again when a server merges the runs that are read.
const TRIES: usize = 5;
/// Ids that are looked up at once.
const IDS_AT_ONCE: usize = 32_768;

/// What is known of the rows of one account: how many, and a sum of their hashes, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    sum: u128,
}

impl Rows {
    fn add(&mut self, row: &Moved, ordinal: u64, at: Timestamp, after: Balance) {
        let mut hasher = blake3::Hasher::new();
        for number in [
            ordinal,
            u64::from(row.account) << 32 | u64::from(row.counterparty),
            row.amount_minor,
            row.kind as u64 * 2 + u64::from(row.side == Side::Credit),
            after.debits_posted,
            after.credits_posted,
            after.debits_held,
            after.credits_held,
        ] {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(&at.micros().to_le_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(bytes));
    }
}

pub(super) struct History {
    check: Check,
    /// The first entry that was not sealed when the journal was begun to be read.
    end: u64,
    accounts: Vec<Rows>,
}

impl History {
    pub(super) fn new(sealed: &Result<Sealed, String>) -> History {
        let mut check = Check::new("history", "sealed statements are what the records say");
        let end = match sealed {
            Ok(sealed) => sealed.end(),
            Err(why) => {
                check.found(why.clone());
                0
            }
        };
        History { check, end, accounts: Vec::new() }
    }

    pub(super) fn add(&mut self, ordinal: u64, at: Timestamp, moved: &Moved, after: Balance) {
        if ordinal >= self.end {
            return;
        }
        let place = moved.account as usize;
        if self.accounts.len() <= place {
            self.accounts.resize(place + 1, Rows::default());
        }
        self.accounts[place].add(moved, ordinal, at, after);
    }

    pub(super) fn finish(mut self, database: &Database) -> Result<Check, Trouble> {
        let began = Instant::now();
        let mut tries = 0;
        loop {
            match self.compare(database) {
                Ok(()) => break,
                Err(StoreError::Unavailable { .. }) if tries < TRIES => tries += 1,
                Err(error) => return Err(at_store(error)),
            }
        }
        let rows = self.accounts.iter().map(|rows| rows.count).sum();
        self.check.counted(format!("{} rows of {} entries", grouped(rows), grouped(self.end)));
        self.check.took(began);
        Ok(self.check)
    }

    fn compare(&mut self, database: &Database) -> Result<(), StoreError> {
        if self.end == 0 {
            return Ok(());
        }
        let sealed = match Sealed::read(database)? {
            Ok(sealed) if sealed.end() >= self.end => sealed,
            Ok(sealed) => {
                self.check.found(format!("it went back from entry {} to {}", self.end, sealed.end()));
                return Ok(());
            }
            Err(why) => {
                self.check.found(why);
                return Ok(());
            }
        };
        for (account, counted) in (0..).zip(&self.accounts) {
            match read_rows(&sealed, account, self.end) {
                Ok(stored) if stored == *counted => {}
                Ok(stored) => self.check.found(format!(
                    "account {account}: {} rows are stored, the records make {}, or their content differs",
                    stored.count, counted.count
                )),
                Err(QueryError::Source { source: source @ StoreError::Unavailable { .. }, .. }) => {
                    return Err(source);
                }
                Err(error) => self.check.found(format!("account {account}: {error:?}")),
            }
        }
        Ok(())
    }
}

fn read_rows(sealed: &Sealed, account: u32, end: u64) -> Result<Rows, QueryError<StoreError>> {
    let view = sealed.view()?;
    let (mut rows, mut after) = (Rows::default(), None);
    loop {
        let query = StatementQuery {
            account,
            range: Range::Ordinals { from: 0, to: end },
            order: Order::OldestFirst,
            limit: STATEMENT_ROWS_MAX,
            after,
        };
        let page = view.statement(&query, &mut sealed.pages())?;
        for DatedRow { row, at } in &page.rows {
            let moved = Moved {
                account: row.account,
                counterparty: row.counterparty,
                side: row.side,
                kind: row.kind,
                amount_minor: row.amount_minor,
            };
            rows.add(&moved, row.ordinal, *at, row.after);
        }
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
}

pub(super) struct Ids {
    check: Check,
    sealed: Option<Sealed>,
    end: u64,
    waiting: Vec<(u128, u64, What)>,
    looked_up: u64,
}

impl Ids {
    pub(super) fn new(sealed: Result<Sealed, String>) -> Ids {
        // What is wrong with directories the history has told already.
        let sealed = sealed.ok();
        let end = sealed.as_ref().and_then(|sealed| sealed.id_runs.last()).map_or(0, |run| run.end);
        let check = Check::new("ids", "each sealed id is found, with what became of its entry");
        Ids { check, sealed, end, waiting: Vec::new(), looked_up: 0 }
    }

    pub(super) fn add(&mut self, database: &Database, record: &Record<'_>) {
        if record.header().first_entry >= self.end {
            return;
        }
        let began = Instant::now();
        // Entries that cannot be read are named by the rules.
        for (ordinal, entry) in record.entries().flatten().take_while(|(ordinal, _)| *ordinal < self.end) {
            if entry.id.0 != 0 {
                self.waiting.push((entry.id.0, ordinal, What::Entry));
            }
            let (target, what) = match entry.done {
                Done::Post | Done::Hold { .. } => continue,
                Done::Capture { hold, .. } => (hold, What::Captured),
                Done::Void { hold } => (hold, What::Voided),
                Done::Expiry { hold } => (hold, What::Expired),
                Done::Reversal { of } => (of, What::Reversed),
            };
            self.waiting.push((target.0, ordinal, what));
        }
        if self.waiting.len() >= IDS_AT_ONCE {
            self.look_up(database);
        }
        self.check.took(began);
    }

    fn look_up(&mut self, database: &Database) {
        for waiting in std::mem::take(&mut self.waiting).chunks(IDS_AT_ONCE) {
            self.looked_up += waiting.len() as u64;
            let ids: Vec<u128> = waiting.iter().map(|(id, _, _)| *id).collect();
            let found = match self.find(database, &ids) {
                Ok(found) => found,
                Err(why) => {
                    self.check.found(why);
                    // One damaged page is told once.
                    self.end = 0;
                    return;
                }
            };
            for ((id, ordinal, what), found) in waiting.iter().zip(found) {
                let told = found.and_then(|found| match what {
                    What::Entry => found.entry,
                    What::Reversed => found.reversed,
                    What::Captured | What::Voided | What::Expired => {
                        found.resolved.filter(|(resolved, _)| resolved == what).map(|(_, by)| by)
                    }
                });
                if told != Some(*ordinal) {
                    let name = crate::books::EntryName::write(suanpan_ledger::entry::EntryId(*id));
                    self.check.found(format!("{name}: entry {ordinal} is not found as {what:?}"));
                }
            }
        }
    }

    fn find(
        &mut self,
        database: &Database,
        ids: &[u128],
    ) -> Result<Vec<Option<suanpan_ledger::ids::Found>>, String> {
        for _ in 0..TRIES {
            let Some(sealed) = &self.sealed else { return Err("it cannot be read".to_owned()) };
            match find(ids, sealed.id_runs.iter().rev(), &mut sealed.pages()) {
                Ok(found) => return Ok(found),
                Err(QueryError::Source { source: StoreError::Unavailable { .. }, .. }) => {
                    self.sealed = Sealed::read(database).map_err(|error| error.to_string())?.ok();
                }
                Err(error) => return Err(format!("{error:?}")),
            }
        }
        Err("the runs changed all the time".to_owned())
    }

    pub(super) fn finish(mut self, database: &Database) -> Check {
        let began = Instant::now();
        self.look_up(database);
        self.check.took(began);
        self.check.counted(format!("{} ids of {} entries", grouped(self.looked_up), grouped(self.end)));
        self.check
    }
}
