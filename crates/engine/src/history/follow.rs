//! From records to rows of the tail.

use super::{Feed, HistoryIndex};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, PoisonError};
use suanpan_ledger::account::{Balance, Side};
use suanpan_ledger::history::row::apply;
use suanpan_ledger::history::{Row, RowKind, Tail};
use suanpan_ledger::ids::{IdRow, What};
use suanpan_ledger::record::{Done, Line, Record, RecordedEntry};
use suanpan_store::commit::Head;

/// Entries after which a tail is full.
const TAIL_ENTRIES: u64 = 262_144;

/// A full tail and the ids of its entries, for the sealer.
pub(super) struct FullTail {
    pub(super) tail: Arc<Tail>,
    pub(super) ids: Vec<IdRow>,
    /// The record in which the last entry stands.
    pub(super) head: Head,
}

pub(super) struct Follower {
    index: Arc<HistoryIndex>,
    records: Receiver<Feed>,
    full: SyncSender<FullTail>,
    /// Sums of the accounts behind the newest row.
    sums: Vec<Balance>,
    ids: Vec<IdRow>,
    rows: Vec<Row>,
}

impl Follower {
    pub(super) fn new(
        index: Arc<HistoryIndex>,
        records: Receiver<Feed>,
        full: SyncSender<FullTail>,
    ) -> Follower {
        Follower { index, records, full, sums: Vec::new(), ids: Vec::new(), rows: Vec::new() }
    }

    pub(super) fn run(mut self) {
        while let Ok(feed) = self.records.recv() {
            let done = match feed {
                Feed::Stop => return,
                Feed::Begin { sums, head } => self.begin(sums, &head),
                Feed::Record(head, record) => self.record(&head, &record),
            };
            if let Err(error) = done {
                // The journal is right; only what is made of it is missing until the next start.
                tracing::error!(error, "the history cannot follow the journal");
                return;
            }
        }
    }

    /// Goes from what is sealed to the head of the journal. The sums at the start of the tail are those of now less
    /// all that the tail holds.
    fn begin(&mut self, sums: Vec<Balance>, head: &Head) -> Result<(), String> {
        let from = {
            let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
            // What an earlier writer left in memory may not have been committed.
            let from = state
                .runs
                .last()
                .map_or(0, |run| run.end)
                .max(state.full.last().map_or(0, |t| t.ordinals().1));
            state.tail = Tail::new(from);
            from
        };
        self.ids.clear();
        self.index.set_seen(from);
        let first = match self.index.reader.record_of(from) {
            Ok(Some(record)) => record.mark.seq,
            Ok(None) => head.seq + 1,
            Err(error) => return Err(error.to_string()),
        };
        let mut before: Vec<[i128; 4]> = sums
            .iter()
            .map(|sum| {
                [sum.debits_posted, sum.credits_posted, sum.debits_held, sum.credits_held].map(i128::from)
            })
            .collect();
        self.each_record(first, head, |_, record| {
            for (ordinal, entry) in entries(record)? {
                if ordinal >= from {
                    for_each_row(&entry, |row| subtract(&mut before[row.account as usize], &row));
                }
            }
            Ok(())
        })?;
        self.sums = before.into_iter().map(balance).collect::<Result<_, _>>()?;
        let records: Result<(), String> = Ok(());
        let mut failed = records;
        let index = self.index.clone();
        index
            .reader
            .records(first, &mut |stored| {
                if stored.mark.seq > head.seq {
                    return ControlFlow::Break(());
                }
                let mark = stored.mark;
                let at =
                    Head { seq: mark.seq, hash: mark.hash, entries: mark.first + mark.entries, at: mark.at };
                match self.record(&at, &stored.body) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Err(error);
                        ControlFlow::Break(())
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        failed
    }

    fn each_record(
        &self,
        first: u64,
        head: &Head,
        mut each: impl FnMut(u64, &Record<'_>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut failed = Ok(());
        let read = self.index.reader.records(first, &mut |stored| {
            if stored.mark.seq > head.seq {
                return ControlFlow::Break(());
            }
            let parsed = Record::parse(&stored.body).map_err(|error| error.to_string());
            failed = parsed.and_then(|record| each(stored.mark.seq, &record));
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        read.map_err(|error| error.to_string())?;
        failed
    }

    /// Puts the lines of a record into the tail, and hands the tail over when it is full.
    fn record(&mut self, head: &Head, bytes: &[u8]) -> Result<(), String> {
        let record = Record::parse(bytes).map_err(|error| error.to_string())?;
        let header = record.header();
        let from = {
            let state = self.index.state.read().unwrap_or_else(PoisonError::into_inner);
            state.tail.ordinals().1
        };
        self.rows.clear();
        for (ordinal, entry) in entries(&record)? {
            if ordinal >= from {
                self.entry(ordinal, &entry)?;
            }
        }
        let new = (header.first_entry + u64::from(header.entries)).saturating_sub(from);
        let full = {
            let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
            let entries = u32::try_from(new).map_err(|_| "a record of too many entries".to_owned())?;
            state.tail.begin_record(header.at, entries).map_err(|error| error.to_string())?;
            for row in &self.rows {
                state.tail.push(*row).map_err(|error| error.to_string())?;
            }
            (state.tail.entries() >= TAIL_ENTRIES).then(|| {
                let next =
                    Tail::with_capacity(head.entries, self.rows.capacity().max(TAIL_ENTRIES as usize * 2));
                let tail = Arc::new(std::mem::replace(&mut state.tail, next));
                state.full.push(tail.clone());
                tail
            })
        };
        self.index.set_seen(head.entries);
        if let Some(tail) = full {
            let ids = std::mem::take(&mut self.ids);
            // Waits while the sealer has too much before it.
            let _ = self.full.send(FullTail { tail, ids, head: *head });
        }
        Ok(())
    }

    fn entry(&mut self, ordinal: u64, entry: &RecordedEntry) -> Result<(), String> {
        let (sums, rows) = (&mut self.sums, &mut self.rows);
        let mut failed = None;
        for_each_row(entry, |mut row| {
            let place = row.account as usize;
            if sums.len() <= place {
                sums.resize(place + 1, Balance::default());
            }
            match apply(sums[place], row.kind, row.side, row.amount_minor) {
                Some(after) => {
                    sums[place] = after;
                    (row.ordinal, row.after) = (ordinal, after);
                    rows.push(row);
                }
                None => failed = Some(row.account),
            }
        });
        if let Some(account) = failed {
            return Err(format!("entry {ordinal}: the sums of account {account} leave their range"));
        }
        if entry.id.0 != 0 {
            self.ids.push(IdRow { id: entry.id.0, ordinal, what: What::Entry });
        }
        let target = |what, id: suanpan_ledger::entry::EntryId| IdRow { id: id.0, ordinal, what };
        match entry.done {
            Done::Post | Done::Hold { .. } => {}
            Done::Capture { hold, .. } => self.ids.push(target(What::Captured, hold)),
            Done::Void { hold } => self.ids.push(target(What::Voided, hold)),
            Done::Expiry { hold } => self.ids.push(target(What::Expired, hold)),
            Done::Reversal { of } => self.ids.push(target(What::Reversed, of)),
        }
        Ok(())
    }
}

fn entries(record: &Record<'_>) -> Result<Vec<(u64, RecordedEntry)>, String> {
    record.entries().collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Makes the rows of an entry; ordinal and sums are left to the caller.
fn for_each_row(entry: &RecordedEntry, mut each: impl FnMut(Row)) {
    for line in &entry.lines {
        let Line { posted_minor, held_minor, .. } = *line;
        let left = held_minor.saturating_sub(posted_minor);
        let kinds: [(RowKind, u64); 2] = match entry.done {
            Done::Post => [(RowKind::Post, posted_minor), (RowKind::Release, 0)],
            Done::Reversal { .. } => [(RowKind::Reversal, posted_minor), (RowKind::Release, 0)],
            Done::Hold { .. } => [(RowKind::Hold, held_minor), (RowKind::Release, 0)],
            Done::Capture { .. } => [(RowKind::Capture, posted_minor), (RowKind::Release, left)],
            Done::Void { .. } => [(RowKind::Void, held_minor), (RowKind::Release, 0)],
            Done::Expiry { .. } => [(RowKind::Expiry, held_minor), (RowKind::Release, 0)],
        };
        for (kind, amount_minor) in kinds.into_iter().filter(|(_, amount)| *amount > 0) {
            for (account, counterparty, side) in
                [(line.debit, line.credit, Side::Debit), (line.credit, line.debit, Side::Credit)]
            {
                each(Row {
                    ordinal: 0,
                    after: Balance::default(),
                    amount_minor,
                    account: account.0,
                    counterparty: counterparty.0,
                    side,
                    kind,
                });
            }
        }
    }
}

/// Takes back what a row did to the sums: debits and credits posted, debits and credits held.
fn subtract(sums: &mut [i128; 4], row: &Row) {
    let amount = i128::from(row.amount_minor);
    let side = usize::from(row.side == Side::Credit);
    match row.kind {
        RowKind::Post | RowKind::Reversal => sums[side] -= amount,
        RowKind::Hold => sums[2 + side] -= amount,
        RowKind::Capture => {
            sums[side] -= amount;
            sums[2 + side] += amount;
        }
        RowKind::Release | RowKind::Void | RowKind::Expiry => sums[2 + side] += amount,
    }
}

fn balance(sums: [i128; 4]) -> Result<Balance, String> {
    let sum =
        |at: usize| u64::try_from(sums[at]).map_err(|_| format!("sums before the tail of {}", sums[at]));
    Ok(Balance {
        debits_posted: sum(0)?,
        credits_posted: sum(1)?,
        debits_held: sum(2)?,
        credits_held: sum(3)?,
    })
}
