//! What an entry does to accounts, told from the journal alone. It is written apart from what builds the history,
//! so that one can be held against the other.

use suanpan_ledger::account::Side;
use suanpan_ledger::history::RowKind;
use suanpan_ledger::record::{Done, RecordedEntry};

/// One movement on one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) account: u32,
    pub(crate) counterparty: u32,
    pub(crate) side: Side,
    pub(crate) kind: RowKind,
    pub(crate) amount_minor: u64,
}

/// Shows the movements of an entry: line by line, of each the debited account first.
pub(crate) fn rows_of(entry: &RecordedEntry, mut each: impl FnMut(Moved)) {
    for line in &entry.lines {
        let (posted, held) = (line.posted_minor, line.held_minor);
        let mut both = |kind: RowKind, amount_minor: u64| {
            if amount_minor == 0 {
                return;
            }
            let (debit, credit) = (line.debit.0, line.credit.0);
            each(Moved { account: debit, counterparty: credit, side: Side::Debit, kind, amount_minor });
            each(Moved { account: credit, counterparty: debit, side: Side::Credit, kind, amount_minor });
        };
        match entry.done {
            Done::Post => both(RowKind::Post, posted),
            Done::Reversal { .. } => both(RowKind::Reversal, posted),
            Done::Hold { .. } => both(RowKind::Hold, held),
            Done::Void { .. } => both(RowKind::Void, held),
            Done::Expiry { .. } => both(RowKind::Expiry, held),
            Done::Capture { .. } => {
                both(RowKind::Capture, posted);
                both(RowKind::Release, held.saturating_sub(posted));
            }
        }
    }
}
