//! Checkpoints out of a book, and books out of checkpoints.

use super::accounts::Slot;
use super::{Book, Head, Hold};
use crate::account::Account;
use crate::entry::{EntryId, Posting};
use crate::error::Error;
use crate::limits::{ACCOUNTS_MAX, PAGE_ACCOUNTS};
use crate::snapshot::{Checkpoint, PageRow, decode_page, encode_account, encode_hold, encode_page};
use suanpan_money::Timestamp;

/// What a book is loaded from.
#[derive(Debug, Clone, Default)]
pub struct Loading<'a> {
    /// The accounts, in order of number: all that are stored, those opened after the checkpoint as well.
    pub accounts: Vec<Account>,
    /// The pages of balances of all checkpoints, by number; each the newest.
    pub pages: Vec<(u32, &'a [u8])>,
    /// The holds that the checkpoints left open.
    pub holds: Vec<(EntryId, Hold)>,
    /// Where the book stood at the newest checkpoint.
    pub head: Head,
    /// The first entry that the store does not find by its id yet; at most `head.entries`. From there on
    /// the entries must be remembered ([`Book::remember`]) before newer records are replayed.
    pub remembered_from: u64,
}

impl Book {
    /// Returns what changed since the last checkpoint, and starts to count anew. To be written together with
    /// the newest record, or after it.
    ///
    /// # Panics
    /// When a draft is under way: what it holds may still be undone.
    pub fn checkpoint(&mut self) -> Checkpoint {
        assert_eq!(self.memory.next(), self.head.entries, "a checkpoint is made between two drafts");
        let mut pages = Vec::new();
        for (word, bits) in self.dirty.iter_mut().enumerate() {
            let mut left = std::mem::take(bits);
            while left != 0 {
                let page = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let first = page * PAGE_ACCOUNTS;
                // Opening the only account of a page may have been undone.
                if first < self.slots.len() {
                    let last = (first + PAGE_ACCOUNTS).min(self.slots.len());
                    let rows = self.slots[first..last].iter().map(row);
                    pages.push((page as u32, encode_page(rows)));
                }
            }
        }
        let (made, holds_closed) = self.holds.checkpoint(self.head.entries);
        let holds_open = made
            .into_iter()
            .map(|id| (id, encode_hold(self.holds.get(id).expect("those closed were left out"))))
            .collect();
        Checkpoint { seq: self.head.seq, pages, holds_open, holds_closed }
    }

    /// Returns how many pages of balances the next checkpoint will have, at most.
    #[must_use]
    pub fn dirty_pages(&self) -> usize {
        self.dirty.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Makes a book of a checkpoint. It is ready when entries were remembered up to the checkpoint and newer
    /// records replayed.
    ///
    /// # Errors
    /// When the parts do not fit together: numbers with gaps, a name twice, pages without accounts, sums of
    /// debits and credits that differ, holds that are not in the sums.
    pub fn load(cell: u32, seed: u64, loading: Loading<'_>) -> Result<Book, Error> {
        let Loading { accounts, pages, holds, head, remembered_from } = loading;
        if remembered_from > head.entries {
            return Err(Error::Checkpoint("entries are to be remembered that are still to come"));
        }
        if accounts.len() > ACCOUNTS_MAX {
            return Err(Error::Checkpoint("too many accounts"));
        }
        let mut book = Book::empty(cell, seed, head, remembered_from);
        book.accounts_ahead = true;
        for account in accounts {
            book.load_account(account)?;
        }
        for (page, bytes) in pages {
            book.load_page(page, bytes)?;
        }
        for (id, hold) in holds {
            book.load_hold(id, hold)?;
        }
        book.dirty.fill(0);
        book.check_sums()?;
        Ok(book)
    }

    /// Returns a digest of the state: accounts, sums, open holds and head. Two books that agree in it answer
    /// alike, as far as they remember the same entries.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        let Head { seq, entries, at, epoch } = self.head;
        for number in [u64::from(self.cell), seq, entries, at.micros() as u64, epoch, self.memory.next()] {
            add(&number.to_le_bytes());
        }
        for (account, slot) in self.accounts.all().iter().zip(&self.slots) {
            add(account.spec.path.as_bytes());
            add(&account.spec.currency.numeric().to_le_bytes());
            add(&encode_account(account));
            add(&encode_page([row(slot)].into_iter()));
        }
        for (id, hold) in self.holds.in_order() {
            add(&id.0.to_le_bytes());
            add(&encode_hold(hold));
        }
        *hasher.finalize().as_bytes()
    }

    fn load_account(&mut self, account: Account) -> Result<(), Error> {
        if account.number != self.next_number() {
            return Err(Error::Checkpoint("account numbers have a gap"));
        }
        if self.accounts.find(&account.spec.path, account.spec.currency).is_some() {
            return Err(Error::Checkpoint("a path and a currency name two accounts"));
        }
        let (number, limits, standing) = (account.number, account.spec.limits, account.standing);
        let limits_at_opening = account.limits_at_opening;
        self.add_account(account.spec, account.opened_at);
        self.accounts.account_mut(number).limits_at_opening = limits_at_opening;
        self.set(number, limits, standing);
        Ok(())
    }

    fn load_page(&mut self, page: u32, bytes: &[u8]) -> Result<(), Error> {
        let first = (page as usize).saturating_mul(PAGE_ACCOUNTS);
        for (index, row) in decode_page(bytes)?.into_iter().enumerate() {
            let slot = self.slots.get_mut(first.saturating_add(index));
            let slot = slot.ok_or(Error::Checkpoint("a page is of accounts that are not there"))?;
            slot.balance = row.balance;
            slot.last_posted_at = row.last_posted_at.map_or(i64::MIN, Timestamp::micros);
        }
        Ok(())
    }

    fn load_hold(&mut self, id: EntryId, hold: Hold) -> Result<(), Error> {
        if id.0 == 0 || id.0 == u128::MAX || self.holds.get(id).is_some() {
            return Err(Error::Checkpoint("a hold has an id that cannot be"));
        }
        if hold.ordinal >= self.head.entries {
            return Err(Error::Checkpoint("a hold is newer than the checkpoint"));
        }
        for Posting { debit, credit, .. } in &hold.postings {
            if debit.0.max(credit.0) as usize >= self.slots.len() {
                return Err(Error::Checkpoint("a hold is on an account that is not there"));
            }
        }
        self.holds.open(id, hold);
        Ok(())
    }

    /// Checks that debits are credits, and that what is held is what the holds hold.
    fn check_sums(&self) -> Result<(), Error> {
        let mut held = vec![(0_u128, 0_u128); self.slots.len()];
        for (_, hold) in self.holds.in_order() {
            for posting in &hold.postings {
                held[posting.debit.0 as usize].0 += u128::from(posting.amount_minor);
                held[posting.credit.0 as usize].1 += u128::from(posting.amount_minor);
            }
        }
        for (slot, held) in self.slots.iter().zip(held) {
            let balance = slot.balance;
            if (u128::from(balance.debits_held), u128::from(balance.credits_held)) != held {
                return Err(Error::Checkpoint("what is held is not what the holds hold"));
            }
            let sums = [
                (balance.debits_posted, balance.debits_held),
                (balance.credits_posted, balance.credits_held),
            ];
            if sums.iter().any(|(posted, held)| posted.checked_add(*held).is_none()) {
                return Err(Error::Checkpoint("sums leave 64 bits"));
            }
        }
        if self.totals().iter().any(|total| !total.is_balanced()) {
            return Err(Error::Checkpoint("debits are not credits"));
        }
        Ok(())
    }
}

fn row(slot: &Slot) -> PageRow {
    let at = slot.last_posted_at;
    PageRow { balance: slot.balance, last_posted_at: (at != i64::MIN).then(|| Timestamp::from_micros(at)) }
}
