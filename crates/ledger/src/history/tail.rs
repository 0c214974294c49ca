//! The newest rows, in memory, until they are sealed.

use super::{error::HistoryError, limits::TAIL_ROWS_MAX, row::Row};
use suanpan_money::Timestamp;

/// From which entry on the journal was accepted at which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The first entry of a record.
    pub ordinal: u64,
    /// When the record was accepted.
    pub at: Timestamp,
}

/// Rows of the newest entries, in the order of the journal. Pushing is a copy and two stores; an account
/// finds its rows by a chain from the newest to the oldest.
#[derive(Debug, Clone)]
pub struct Tail {
    first: u64,
    end: u64,
    rows: Vec<Row>,
    // For each row, one more than the place of the row before it of the same account; 0 for none.
    earlier: Vec<u32>,
    newest: Newest,
    stamps: Vec<Stamp>,
}

impl Tail {
    /// Makes a tail whose first entry will be `first`.
    #[must_use]
    pub fn new(first: u64) -> Tail {
        Tail::with_capacity(first, 0)
    }

    /// Makes a tail with room for so many rows, so that pushing does not move them.
    #[must_use]
    pub fn with_capacity(first: u64, rows: usize) -> Tail {
        let rows = rows.min(TAIL_ROWS_MAX);
        Tail {
            first,
            end: first,
            rows: Vec::with_capacity(rows),
            earlier: Vec::with_capacity(rows),
            newest: Newest::default(),
            stamps: Vec::new(),
        }
    }

    /// Begins the next journal record, which has so many entries. A record without entries leaves no trace.
    ///
    /// # Errors
    /// When the record is older than the one before.
    pub fn begin_record(&mut self, at: Timestamp, entries: u32) -> Result<(), HistoryError> {
        if let Some(last) = self.stamps.last()
            && at < last.at
        {
            return Err(HistoryError::TimeWentBack { at_micros: at.micros(), last_micros: last.at.micros() });
        }
        if entries > 0 {
            // Records of the same time need one stamp.
            if self.stamps.last().is_none_or(|last| last.at < at) {
                self.stamps.push(Stamp { ordinal: self.end, at });
            }
            self.end = self.end.checked_add(u64::from(entries)).ok_or(HistoryError::TooMany {
                what: "entries",
                count: u64::MAX,
                limit: u64::MAX,
            })?;
        }
        Ok(())
    }

    /// Appends a row of the record that was begun.
    ///
    /// # Errors
    /// When its entry comes before that of the last row or lies beyond the record, or the tail is full.
    #[inline]
    pub fn push(&mut self, row: Row) -> Result<(), HistoryError> {
        let from = self.rows.last().map_or(self.first, |last| last.ordinal);
        if row.ordinal < from || row.ordinal >= self.end {
            return Err(HistoryError::OutOfOrder { ordinal: row.ordinal, from, end: self.end });
        }
        let place = self.rows.len();
        if place >= TAIL_ROWS_MAX {
            let limit = TAIL_ROWS_MAX as u64;
            return Err(HistoryError::TooMany { what: "rows in the tail", count: limit, limit });
        }
        let newest = self.newest.slot(row.account);
        self.earlier.push(*newest);
        *newest = place as u32 + 1;
        self.rows.push(row);
        Ok(())
    }

    /// Returns the first entry, and the first one after the last.
    #[must_use]
    pub const fn ordinals(&self) -> (u64, u64) {
        (self.first, self.end)
    }

    /// Returns how many entries there are.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.end - self.first
    }

    /// Returns all rows in the order of the journal.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns when which entries were accepted.
    #[must_use]
    pub fn stamps(&self) -> &[Stamp] {
        &self.stamps
    }

    /// Iterates over the rows of an account, newest first.
    pub fn rows_of(&self, account: u32) -> impl Iterator<Item = &Row> {
        let mut next = self.newest.get(account);
        std::iter::from_fn(move || {
            let place = next.checked_sub(1)? as usize;
            next = self.earlier[place];
            Some(&self.rows[place])
        })
    }
}

/// One more than the place of the newest row of each account; 0 for none. Account numbers are dense, so this
/// is an array, in pieces that are made when they are needed.
#[derive(Debug, Clone, Default)]
struct Newest(Vec<Option<Box<[u32; PIECE]>>>);

const PIECE: usize = 4_096;

impl Newest {
    fn get(&self, account: u32) -> u32 {
        let piece = self.0.get(account as usize / PIECE).and_then(Option::as_ref);
        piece.map_or(0, |piece| piece[account as usize % PIECE])
    }

    #[inline]
    fn slot(&mut self, account: u32) -> &mut u32 {
        let piece = account as usize / PIECE;
        if piece >= self.0.len() {
            self.0.resize_with(piece + 1, || None);
        }
        &mut self.0[piece].get_or_insert_with(|| Box::new([0; PIECE]))[account as usize % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Balance, Side},
        history::RowKind,
    };

    fn row(ordinal: u64, account: u32) -> Row {
        Row {
            ordinal,
            account,
            counterparty: 0,
            side: Side::Debit,
            kind: RowKind::Post,
            amount_minor: 1,
            after: Balance::default(),
        }
    }

    #[test]
    fn an_account_finds_its_rows_newest_first() {
        let mut tail = Tail::new(100);
        tail.begin_record(Timestamp::from_micros(5), 3).unwrap();
        for (ordinal, account) in [(100, 7), (101, 4_000_000_000), (101, 7), (102, 8)] {
            tail.push(row(ordinal, account)).unwrap();
        }
        let ordinals = |account| tail.rows_of(account).map(|row| row.ordinal).collect::<Vec<_>>();
        assert_eq!(ordinals(7), [101, 100]);
        assert_eq!(ordinals(8), [102]);
        assert_eq!(ordinals(4_000_000_000), [101]);
        assert!(ordinals(9).is_empty());
        assert!(ordinals(u32::MAX).is_empty());
    }

    #[test]
    fn what_is_out_of_order_is_refused() {
        let mut tail = Tail::new(5);
        assert_eq!(tail.push(row(5, 1)), Err(HistoryError::OutOfOrder { ordinal: 5, from: 5, end: 5 }));
        tail.begin_record(Timestamp::from_micros(9), 2).unwrap();
        tail.push(row(6, 1)).unwrap();
        assert_eq!(tail.push(row(5, 1)), Err(HistoryError::OutOfOrder { ordinal: 5, from: 6, end: 7 }));
        assert_eq!(tail.push(row(7, 1)), Err(HistoryError::OutOfOrder { ordinal: 7, from: 6, end: 7 }));
        let back = tail.begin_record(Timestamp::from_micros(8), 1);
        assert_eq!(back, Err(HistoryError::TimeWentBack { at_micros: 8, last_micros: 9 }));
        assert_eq!(tail.ordinals(), (5, 7));
    }
}
