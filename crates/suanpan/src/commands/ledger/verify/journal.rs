//! The journal by itself: no record is missing, each follows the one before, and none was changed.

use super::check::Check;
use crate::numbers::grouped;
use std::time::Instant;
use suanpan_ledger::error::Error;
use suanpan_ledger::merkle::{chain_hash, root};
use suanpan_ledger::record::Record;
use suanpan_store::commit::Head;
use suanpan_store::{Mark, Record as Stored};

pub(super) struct Journal {
    cell: u32,
    last: Option<Mark>,
    seen: u64,
    entries: u64,
    records: Check,
    chain: Check,
    roots: Check,
}

impl Journal {
    pub(super) fn new(cell: u32) -> Journal {
        Journal {
            cell,
            last: None,
            seen: 0,
            entries: 0,
            records: Check::new("records", "none is missing; numbers, times and terms go up"),
            chain: Check::new("chain", "each hash follows from the one before and the record"),
            roots: Check::new("roots", "each record's entries have the root that is stored"),
        }
    }

    /// Returns which records are missing before one, and notes them.
    pub(super) fn gap(&mut self, seq: u64) -> Option<String> {
        let expected = self.last.map_or(1, |last| last.seq + 1);
        if seq == expected {
            return None;
        }
        self.missing(expected, seq);
        Some(format!("record {expected} is missing"))
    }

    /// Notes that records from one to before another are not there.
    pub(super) fn missing(&mut self, from: u64, to: u64) {
        let what = match to.saturating_sub(from) {
            0 | 1 => format!("record {from} is missing"),
            count => format!("records {from} to {} are missing: {count}", to - 1),
        };
        self.records.found(what);
    }

    /// Notes what the store says of a row that it cannot give.
    pub(super) fn unreadable(&mut self, reason: &str) {
        // Gaps are named when the next record comes.
        if !reason.ends_with("is missing") {
            self.records.found(reason.to_owned());
        }
    }

    /// Notes bytes that are no record.
    pub(super) fn no_record(&mut self, stored: &Stored, error: &Error) {
        self.records.found(format!("record {} cannot be read: {error}", stored.mark.seq));
        self.seen += 1;
        self.last = Some(stored.mark);
    }

    pub(super) fn add(&mut self, stored: &Stored, record: &Record<'_>) {
        let began = Instant::now();
        self.follow(&stored.mark, record);
        self.records.took(began);
        let began = Instant::now();
        let counted = root(record.leaves());
        if counted != stored.mark.root {
            self.roots.found(format!(
                "record {}: the root is {}, stored is {}",
                stored.mark.seq,
                short(&counted),
                short(&stored.mark.root)
            ));
        }
        self.roots.took(began);
        let began = Instant::now();
        // Each link is held against the stored hash before it, so that one changed record is one finding.
        let before = match self.last {
            Some(last) if last.seq + 1 == stored.mark.seq => Some(last.hash),
            None if stored.mark.seq == 1 => Some([0; 32]),
            _ => None,
        };
        if let Some(before) = before {
            let hash = chain_hash(&before, record.header_bytes(), &counted, &record.events_digest());
            if hash != stored.mark.hash {
                self.chain.found(format!(
                    "record {}: the hash is {}, stored is {}",
                    stored.mark.seq,
                    short(&hash),
                    short(&stored.mark.hash)
                ));
            }
        }
        self.chain.took(began);
        self.seen += 1;
        self.last = Some(stored.mark);
    }

    fn follow(&mut self, mark: &Mark, record: &Record<'_>) {
        let header = record.header();
        let seq = mark.seq;
        for (what, stored, said) in [
            ("number", seq, header.seq),
            ("first entry", mark.first, header.first_entry),
            ("number of entries", mark.entries, u64::from(header.entries)),
            ("term", mark.epoch, header.epoch),
            ("cell", self.cell.into(), header.cell.into()),
        ] {
            if stored != said {
                self.records.found(format!("record {seq}: its {what} is {said}, stored is {stored}"));
            }
        }
        if mark.at != header.at.micros() {
            self.records.found(format!("record {seq}: its time is not the one stored"));
        }
        let last = self.last.filter(|last| last.seq + 1 == seq);
        let first = last.map_or(0, |last| last.first + last.entries);
        if (last.is_some() || seq == 1) && mark.first != first {
            self.records
                .found(format!("record {seq}: its first entry is {}, expected is {first}", mark.first));
        }
        if let Some(last) = last {
            if mark.at < last.at {
                self.records.found(format!("record {seq} is older than the one before"));
            }
            if mark.epoch < last.epoch {
                self.records.found(format!("record {seq} is of an earlier term than the one before"));
            }
        }
        self.entries += u64::from(header.entries);
    }

    /// Holds the end against where the cell stands.
    pub(super) fn end(&mut self, head: &Head) {
        let Some(last) = self.last else { return };
        if last.seq == head.seq && last.hash != head.hash {
            self.chain.found(format!(
                "the cell stands at hash {}, the newest record has {}",
                short(&head.hash),
                short(&last.hash)
            ));
        }
        if last.seq == head.seq && last.first + last.entries != head.entries {
            self.records.found(format!(
                "the cell counts {} entries, the journal {}",
                head.entries,
                last.first + last.entries
            ));
        }
    }

    pub(super) fn into_checks(mut self) -> Vec<Check> {
        let counts = format!("{} records, {} entries", grouped(self.seen), grouped(self.entries));
        self.records.counted(counts);
        self.chain.counted(format!("{} hashes", grouped(self.seen)));
        self.roots.counted(format!("{} leaves", grouped(self.entries)));
        vec![self.records, self.chain, self.roots]
    }
}

fn short(hash: &[u8; 32]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
