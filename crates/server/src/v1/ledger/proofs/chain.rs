//! The check of the journal: each record is what its hash says and follows the one before, and the last one is where
//! the cell stands.

use super::LedgerVerification;
use std::ops::ControlFlow;
use suanpan_ledger::merkle;
use suanpan_ledger::record::Record;
use suanpan_store::commit::Head;
use suanpan_store::{Mark, Read, Record as Stored, StoreError};

/// Checks so many records from a number on. None when the journal ends before that.
pub(super) fn check(
    reader: &dyn Read,
    from: u64,
    limit: u64,
) -> Result<Option<LedgerVerification>, StoreError> {
    // Read first: what is committed meanwhile only makes the journal longer.
    let Some(standing) = reader.standing()? else { return Ok(None) };
    if from > standing.head.seq + 1 {
        return Ok(None);
    }
    let before = if from > 1 { reader.marks(from - 1..from)?.first().copied() } else { None };
    let mut walk = Walk { cell: standing.lease.cell, last: before, at: from - 1, records: 0, entries: 0 };
    let (mut next, mut fault) = (None, None);
    let read = reader.records(from, &mut |stored| {
        if walk.records == limit {
            next = Some(stored.mark.seq);
            return ControlFlow::Break(());
        }
        fault = walk.step(&stored).err().map(|why| format!("record {}: {why}", stored.mark.seq));
        if fault.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match read {
        // A record that is not there is what is looked for, and no trouble of the store.
        Err(StoreError::Damaged { reason, .. }) if fault.is_none() => fault = Some(reason),
        read => read?,
    }
    if fault.is_none() && next.is_none() {
        fault = walk.end(&standing.head).err();
    }
    let hash = walk.last.map_or([0; 32], |mark| mark.hash);
    Ok(Some(LedgerVerification {
        object: "ledger_verification",
        verified: fault.is_none(),
        records: walk.records,
        entries: walk.entries,
        seq: walk.at,
        hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        fault,
        next,
    }))
}

struct Walk {
    cell: u32,
    /// The record before the next one; none before the first, and where it is not there.
    last: Option<Mark>,
    /// Its number.
    at: u64,
    records: u64,
    entries: u64,
}

impl Walk {
    /// Checks a record.
    fn step(&mut self, stored: &Stored) -> Result<(), String> {
        let mark = stored.mark;
        let expected = self.at + 1;
        let last = self.last.replace(mark);
        (self.at, self.records) = (mark.seq, self.records + 1);
        if mark.seq != expected {
            return Err(format!("record {expected} is missing before it"));
        }
        let previous = match last {
            Some(last) => last.hash,
            None if mark.seq == 1 => [0; 32],
            None => return Err("the record before it is missing".to_owned()),
        };
        let record = Record::parse(&stored.body).map_err(|error| error.to_string())?;
        let header = record.header();
        // What stands beside a record is what reads rest on, and must say the same as the record.
        for (what, beside, said) in [
            ("number", mark.seq, header.seq),
            ("first entry", mark.first, header.first_entry),
            ("number of entries", mark.entries, u64::from(header.entries)),
            ("term", mark.epoch, header.epoch),
            ("cell", self.cell.into(), header.cell.into()),
        ] {
            if beside != said {
                return Err(format!("its {what} is {said}, and {beside} stands beside it"));
            }
        }
        if mark.at != header.at.micros() {
            return Err("its time is not the one that stands beside it".to_owned());
        }
        let first = last.map_or(0, |last| last.first + last.entries);
        if mark.first != first {
            return Err(format!("its first entry is {}, and {first} comes next", mark.first));
        }
        let root = merkle::root(record.leaves());
        if root != mark.root {
            return Err("its entries do not have the root that is stored".to_owned());
        }
        if merkle::chain_hash(&previous, record.header_bytes(), &root, &record.events_digest()) != mark.hash {
            return Err("it does not have the hash that is stored".to_owned());
        }
        self.entries += mark.entries;
        Ok(())
    }

    /// Checks that the journal goes as far as the cell stands, or further.
    fn end(&self, head: &Head) -> Result<(), String> {
        if self.at < head.seq {
            let (first, last) = (self.at + 1, head.seq);
            return Err(format!("records {first} to {last} are missing: the cell stands at record {last}"));
        }
        let end = self.last.map_or((0, [0; 32]), |last| (last.first + last.entries, last.hash));
        if self.at == head.seq && end != (head.entries, head.hash) {
            return Err(format!("record {}: the cell stands at another hash or number of entries", self.at));
        }
        Ok(())
    }
}
