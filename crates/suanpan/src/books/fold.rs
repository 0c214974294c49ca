//! Sums of all accounts, folded from the journal from its first record on.

use super::rows::{Moved, rows_of};
use suanpan_ledger::account::Balance;
use suanpan_ledger::history::row::apply;
use suanpan_ledger::record::{AccountEvent, Record};

/// Sums of all accounts up to some record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fold {
    /// By number of the account.
    pub(crate) sums: Vec<Balance>,
    /// Accounts that were opened.
    pub(crate) opened: usize,
}

impl Fold {
    /// Adds the entries of a record, and shows each movement with its entry and the sums after it.
    pub(crate) fn add(
        &mut self,
        record: &Record<'_>,
        mut each: impl FnMut(u64, &Moved, Balance),
    ) -> Result<(), String> {
        for event in record.events() {
            if let (_, AccountEvent::Opened { .. }) = event.map_err(|error| error.to_string())? {
                self.opened += 1;
            }
        }
        if self.sums.len() < self.opened {
            self.sums.resize(self.opened, Balance::default());
        }
        for entry in record.entries() {
            let (ordinal, entry) = entry.map_err(|error| error.to_string())?;
            let mut failed = None;
            rows_of(&entry, |moved| {
                let Some(sum) = self.sums.get_mut(moved.account as usize) else {
                    failed = Some(format!(
                        "entry {ordinal} is on account {}, which was not opened",
                        moved.account
                    ));
                    return;
                };
                match apply(*sum, moved.kind, moved.side, moved.amount_minor) {
                    Some(after) => {
                        *sum = after;
                        each(ordinal, &moved, after);
                    }
                    None => {
                        failed = Some(format!(
                            "entry {ordinal}: the sums of account {} leave their range",
                            moved.account
                        ));
                    }
                }
            });
            if let Some(why) = failed {
                return Err(why);
            }
        }
        Ok(())
    }
}
