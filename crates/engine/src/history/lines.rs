//! From records to rows of the tail.

use super::HistoryIndex;
use crate::limits::TAIL_ROWS_PER_ENTRY;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError};
use suanpan_ledger::account::{Balance, Side};
use suanpan_ledger::history::row::{apply, unapply};
use suanpan_ledger::history::{Row, RowKind, Tail};
use suanpan_ledger::ids::{IdRow, What};
use suanpan_ledger::record::{AccountEvent, Done, Line, Record, RecordedEntry};
use suanpan_store::commit::Head;
use suanpan_store::{Read, Record as StoredRecord};

/// A full tail and the ids of its entries, for the sealer.
pub(super) struct FullTail {
    /// Under which lease it was followed.
    pub(super) epoch: u64,
    pub(super) tail: Arc<Tail>,
    pub(super) ids: Vec<IdRow>,
    /// The first entry whose ids are among these; the last is the last of the tail.
    pub(super) ids_first: u64,
    /// The record in which the last entry stands.
    pub(super) head: Head,
}

/// Where lines begin: what is known before the first record.
pub(super) struct Start {
    /// Sums of all accounts by number.
    pub(super) sums: Vec<Balance>,
    /// The first entry that is not in the sums.
    pub(super) sums_at: u64,
    /// The first entry whose ids are wanted.
    pub(super) ids_at: u64,
}

/// Makes rows and ids of one record after the other, for one lease.
pub(super) struct Lines {
    epoch: u64,
    sums: Vec<Balance>,
    sums_at: u64,
    ids: Vec<IdRow>,
    ids_first: u64,
    ids_at: u64,
    rows: Vec<Row>,
}

impl Lines {
    pub(super) fn new(epoch: u64, start: Start) -> Lines {
        let Start { sums, sums_at, ids_at } = start;
        Lines { epoch, sums, sums_at, ids: Vec::new(), ids_first: ids_at, ids_at, rows: Vec::new() }
    }

    /// Puts the lines of a record into the tail, and takes the tail away when it is full. After an error nothing has
    /// changed. It is an error too once another writer has begun.
    pub(super) fn record(
        &mut self,
        index: &HistoryIndex,
        head: &Head,
        bytes: &[u8],
    ) -> Result<Option<FullTail>, String> {
        let record = Record::parse(bytes).map_err(|error| error.to_string())?;
        let header = record.header();
        let end = header.first_entry + u64::from(header.entries);
        let rows_from = index.state.read().unwrap_or_else(PoisonError::into_inner).tail.ordinals().1;
        let ids_before = self.ids.len();
        self.rows.clear();
        let added = self.add(&record, rows_from).and_then(|()| self.push(index, &record, rows_from, head));
        match added {
            Ok(full) => {
                self.sums_at = self.sums_at.max(end);
                if full.is_none() {
                    self.ids_at = self.ids_at.max(end);
                }
                Ok(full)
            }
            Err(error) => {
                self.ids.truncate(ids_before);
                for row in self.rows.drain(..).rev() {
                    if let Some(sum) = self.sums.get_mut(row.account as usize)
                        && let Some(before) = unapply(*sum, row.kind, row.side, row.amount_minor)
                    {
                        *sum = before;
                    }
                }
                Err(error)
            }
        }
    }

    /// Makes the rows of a record.
    fn add(&mut self, record: &Record<'_>, rows_from: u64) -> Result<(), String> {
        for event in record.events() {
            let (_, event) = event.map_err(|error| error.to_string())?;
            if let AccountEvent::Opened { number, .. } = event
                && number.0 as usize == self.sums.len()
            {
                self.sums.push(Balance::default());
            }
        }
        for entry in record.entries() {
            let (ordinal, entry) = entry.map_err(|error| error.to_string())?;
            if ordinal >= self.sums_at {
                self.entry(ordinal, &entry)?;
            } else if ordinal >= rows_from {
                return Err(format!("entry {ordinal} is in the sums already and not in the history"));
            }
            if ordinal >= self.ids_at {
                self.entry_ids(ordinal, &entry);
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        index: &HistoryIndex,
        record: &Record<'_>,
        rows_from: u64,
        head: &Head,
    ) -> Result<Option<FullTail>, String> {
        let header = record.header();
        let end = header.first_entry + u64::from(header.entries);
        let entries = u32::try_from(end.saturating_sub(rows_from))
            .ok()
            .filter(|entries| *entries <= header.entries)
            .ok_or_else(|| format!("record {} does not follow entry {rows_from}", header.seq))?;
        let mut state = index.state.write().unwrap_or_else(PoisonError::into_inner);
        if index.lease().epoch != self.epoch || state.tail.ordinals().1 != rows_from {
            return Err("another writer has begun".to_owned());
        }
        state.tail.begin_record(header.at, entries).map_err(|error| error.to_string())?;
        for row in self.rows.iter().filter(|row| row.ordinal >= rows_from) {
            state.tail.push(*row).map_err(|error| error.to_string())?;
        }
        let full = state.tail.entries() >= index.tail_entries
            || state.tail.rows().len() as u64 >= index.tail_entries.saturating_mul(TAIL_ROWS_PER_ENTRY);
        let full = full.then(|| {
            let room = usize::try_from(index.tail_entries.saturating_mul(2)).unwrap_or(usize::MAX);
            let next = Tail::with_capacity(end, room);
            let tail = Arc::new(std::mem::replace(&mut state.tail, next));
            state.full.push(tail.clone());
            tail
        });
        drop(state);
        index.set_seen(rows_from.max(end));
        Ok(full.map(|tail| {
            let ids = std::mem::take(&mut self.ids);
            let ids_first = std::mem::replace(&mut self.ids_first, self.ids_at.max(end));
            self.ids_at = self.ids_first;
            FullTail { epoch: self.epoch, tail, ids, ids_first, head: *head }
        }))
    }

    fn entry(&mut self, ordinal: u64, entry: &RecordedEntry) -> Result<(), String> {
        let (sums, rows) = (&mut self.sums, &mut self.rows);
        let mut failed = None;
        for_each_row(entry, |mut row| {
            if failed.is_some() {
                return;
            }
            let Some(sum) = sums.get_mut(row.account as usize) else {
                failed = Some(format!("account {} was never opened", row.account));
                return;
            };
            match apply(*sum, row.kind, row.side, row.amount_minor) {
                Some(after) => {
                    *sum = after;
                    (row.ordinal, row.after) = (ordinal, after);
                    rows.push(row);
                }
                None => failed = Some(format!("the sums of account {} leave their range", row.account)),
            }
        });
        failed.map_or(Ok(()), |why| Err(format!("entry {ordinal}: {why}")))
    }

    fn entry_ids(&mut self, ordinal: u64, entry: &RecordedEntry) {
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
    }
}

/// Takes from sums all that records say from an entry on: what is left are the sums before it.
pub(super) fn sums_before(
    index: &HistoryIndex,
    sums: &[Balance],
    (first, until): (u64, u64),
    from: u64,
) -> Result<Vec<Balance>, String> {
    let mut before: Vec<[i128; 4]> = sums
        .iter()
        .map(|sum| [sum.debits_posted, sum.credits_posted, sum.debits_held, sum.credits_held].map(i128::from))
        .collect();
    each_record(index, first, until, |_, body| {
        let record = Record::parse(body).map_err(|error| error.to_string())?;
        for entry in record.entries() {
            let (ordinal, entry) = entry.map_err(|error| error.to_string())?;
            let mut unknown = None;
            if ordinal >= from {
                for_each_row(&entry, |row| match before.get_mut(row.account as usize) {
                    Some(sums) => subtract(sums, &row),
                    None => unknown = Some(row.account),
                });
            }
            if let Some(account) = unknown {
                return Err(format!("entry {ordinal}: account {account} was never opened"));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    before.into_iter().map(balance).collect()
}

/// Shows records with where the journal stands after each, up to one, or until one breaks off. Returns the number of
/// the next one.
pub(super) fn each_record(
    index: &HistoryIndex,
    first: u64,
    until: u64,
    mut each: impl FnMut(&Head, &[u8]) -> Result<ControlFlow<()>, String>,
) -> Result<u64, String> {
    let (mut next, mut failed) = (first, None);
    let mut one = |stored: StoredRecord| {
        let mark = stored.mark;
        if mark.seq > until {
            return Ok(ControlFlow::Break(()));
        }
        if index.is_stopping() {
            return Err("this process is ending".to_owned());
        }
        let head = Head { seq: mark.seq, hash: mark.hash, entries: mark.first + mark.entries, at: mark.at };
        let goes_on = each(&head, &stored.body).map_err(|error| format!("record {}: {error}", mark.seq))?;
        next = mark.seq + 1;
        Ok(goes_on)
    };
    let read = index.reader.records(first, &mut |stored| match one(stored) {
        Ok(goes_on) => goes_on,
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    match failed {
        Some(error) => Err(error),
        None => read.map(|()| next).map_err(|error| error.to_string()),
    }
}

/// Returns the record from which on an entry and all later ones are found, and every account is opened on the way
/// that is not among the sums.
pub(super) fn record_with(reader: &dyn Read, entry: u64, head: &Head) -> Result<u64, String> {
    if entry == 0 {
        return Ok(1);
    }
    let found = reader.record_of(entry).map_err(|error| error.to_string())?;
    Ok(found.map_or(head.seq + 1, |record| record.mark.seq))
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
