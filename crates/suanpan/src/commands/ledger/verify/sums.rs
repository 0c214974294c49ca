//! Balances and holds folded from the records, and as the last checkpoint stored them.

use super::accounts::Accounts;
use super::check::Check;
use crate::books::{Fold, Moved};
use crate::numbers::{grouped, grouped_decimal};
use std::collections::BTreeMap;
use std::time::Instant;
use suanpan_ledger::account::Balance;
use suanpan_ledger::entry::Posting;
use suanpan_ledger::limits::PAGE_ACCOUNTS;
use suanpan_ledger::record::{Done, Record};
use suanpan_ledger::snapshot::{decode_hold, decode_page};
use suanpan_money::{Currency, format_sum};
use suanpan_store::Kept;

/// Open holds by id: ordinal and lines.
type Holds = BTreeMap<u128, (u64, Vec<Posting>)>;

pub(super) struct Sums<'a> {
    kept: &'a Kept,
    fold: Fold,
    holds: Holds,
    entries: u64,
    /// As they were at the record of the checkpoint.
    at_checkpoint: Option<(Vec<Balance>, Holds)>,
    pages: Check,
    open: Check,
}

/// How much there is.
pub(super) struct Counts {
    pub(super) entries: u64,
    pub(super) accounts: u64,
    pub(super) holds: u64,
}

impl<'a> Sums<'a> {
    pub(super) fn new(kept: &'a Kept) -> Sums<'a> {
        Sums {
            kept,
            fold: Fold::default(),
            holds: BTreeMap::new(),
            entries: 0,
            at_checkpoint: (kept.checkpoint == 0).then(Default::default),
            pages: Check::new(
                "balances",
                "those that the last checkpoint stored are what the records add up to",
            ),
            open: Check::new("holds", "those that the last checkpoint stored are the ones that were open"),
        }
    }

    pub(super) fn add(
        &mut self,
        record: &Record<'_>,
        each: impl FnMut(u64, &Moved, Balance),
    ) -> Result<(), String> {
        let began = Instant::now();
        self.fold.add(record, each)?;
        for entry in record.entries() {
            let (ordinal, entry) = entry.map_err(|error| error.to_string())?;
            self.entries += 1;
            match entry.done {
                Done::Hold { .. } => {
                    let lines = entry.lines.iter().map(|line| line.held()).collect();
                    self.holds.insert(entry.id.0, (ordinal, lines));
                }
                Done::Capture { hold, .. } | Done::Void { hold } | Done::Expiry { hold } => {
                    self.holds.remove(&hold.0);
                }
                Done::Post | Done::Reversal { .. } => {}
            }
        }
        if record.header().seq == self.kept.checkpoint {
            self.at_checkpoint = Some((self.fold.sums.clone(), self.holds.clone()));
        }
        self.pages.took(began);
        Ok(())
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { entries: self.entries, accounts: self.fold.opened as u64, holds: self.holds.len() as u64 }
    }

    /// Adds up all accounts by currency, and notes where debits are not credits.
    pub(super) fn totals(&self, check: &mut Check, currencies: impl Iterator<Item = Currency>) {
        let mut totals = BTreeMap::<&str, (Currency, i128, i128)>::new();
        for (currency, sum) in currencies.zip(&self.fold.sums) {
            let (_, debits, credits) = totals.entry(currency.code()).or_insert((currency, 0, 0));
            *debits += i128::from(sum.debits_posted);
            *credits += i128::from(sum.credits_posted);
        }
        let mut words = Vec::new();
        for (code, (currency, debits, credits)) in totals {
            let text = |minor| grouped_decimal(&format_sum(minor, currency.exponent()));
            words.push(format!("{} {code}", text(debits)));
            if debits != credits {
                check.found(format!(
                    "{code}: all debits are {}, all credits {}",
                    text(debits),
                    text(credits)
                ));
            }
        }
        check.counted(if words.is_empty() { "no accounts".to_owned() } else { words.join(", ") });
    }

    /// Holds the checkpoint against what the records added up to there.
    pub(super) fn finish(mut self, accounts: &Accounts) -> [Check; 2] {
        let began = Instant::now();
        let checkpoint = self.kept.checkpoint;
        let Some((sums, holds)) = self.at_checkpoint.take() else {
            let what = format!("the checkpoint is of record {checkpoint}, which was not read");
            self.pages.found(what.clone());
            self.open.found(what);
            return [self.pages, self.open];
        };
        let stored = self.stored(sums.len());
        for (number, (counted, stored)) in (0..).zip(sums.iter().zip(&stored)) {
            if counted != stored {
                let name = accounts.name(number);
                self.pages.found(format!(
                    "{name}: the records add up to {}, stored is {}",
                    words(counted),
                    words(stored)
                ));
            }
        }
        self.pages.counted(format!(
            "{} pages at record {}",
            grouped(self.kept.pages.len() as u64),
            grouped(checkpoint)
        ));
        self.pages.took(began);
        let began = Instant::now();
        self.compare_holds(&holds);
        self.open.counted(format!("{} holds at record {}", grouped(holds.len() as u64), grouped(checkpoint)));
        self.open.took(began);
        [self.pages, self.open]
    }

    /// Reads the pages; accounts without one have no sums.
    fn stored(&mut self, accounts: usize) -> Vec<Balance> {
        let mut stored = vec![Balance::default(); accounts];
        for (page, body) in &self.kept.pages {
            let first = *page as usize * PAGE_ACCOUNTS;
            match decode_page(body) {
                Ok(rows) => {
                    for (place, row) in (first..).zip(rows) {
                        if let Some(slot) = stored.get_mut(place) {
                            *slot = row.balance;
                        } else if row.balance != Balance::default() {
                            self.pages.found(format!(
                                "page {page} has a balance of account {place}, which is not there"
                            ));
                        }
                    }
                }
                Err(error) => self.pages.found(format!("page {page} cannot be read: {error}")),
            }
        }
        stored
    }

    fn compare_holds(&mut self, counted: &BTreeMap<u128, (u64, Vec<Posting>)>) {
        let mut stored = BTreeMap::new();
        for (id, body) in &self.kept.holds {
            let name = name(*id);
            match decode_hold(body) {
                Ok(hold) => match counted.get(id) {
                    Some((ordinal, lines)) if *ordinal == hold.ordinal && *lines == hold.postings => {}
                    Some(_) => {
                        self.open.found(format!("hold {name}: what is stored is not what the record says"))
                    }
                    None => self
                        .open
                        .found(format!("hold {name} is stored as open, and by the records it is not")),
                },
                Err(error) => self.open.found(format!("hold {name} cannot be read: {error}")),
            }
            stored.insert(*id, ());
        }
        for id in counted.keys().filter(|id| !stored.contains_key(*id)) {
            self.open.found(format!("hold {} is open, and not stored", name(*id)));
        }
    }
}

fn name(id: u128) -> String {
    crate::books::EntryName::write(suanpan_ledger::entry::EntryId(id))
}

/// Sums in minor units.
fn words(sums: &Balance) -> String {
    let Balance { debits_posted, credits_posted, debits_held, credits_held } = sums;
    let mut words = format!("debits {debits_posted}, credits {credits_posted}");
    if *debits_held > 0 || *credits_held > 0 {
        words.push_str(&format!(", held {debits_held} and {credits_held}"));
    }
    words + " minor units"
}
