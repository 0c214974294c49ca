//! Books as they stand in a store, read without its lease: also while a server writes them.

mod entry_id;
mod fold;
mod past;
mod rows;

pub(crate) use entry_id::{EntryName, from_reference};
pub(crate) use fold::Fold;
pub(crate) use past::{Past, Sealed};
pub(crate) use rows::Moved;

use crate::error::Trouble;
use crate::store::{at_store, damaged};
use std::ops::ControlFlow;
use suanpan_ledger::account::{Account, AccountNo};
use suanpan_ledger::book::{Book, Head as BookHead, Loading};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::record::Record;
use suanpan_ledger::snapshot::{decode_account, decode_hold};
use suanpan_money::{Currency, Timestamp, format_sum};
use suanpan_store::commit::{AccountRow, Head};
use suanpan_store::{Database, Kept};

/// The books at the moment when they were read.
pub(crate) struct Books {
    pub(crate) book: Book,
    pub(crate) head: Head,
}

impl Books {
    /// Reads the last checkpoint and does again what the journal says since.
    pub(crate) fn read(database: &Database) -> Result<Books, Trouble> {
        Books::replayed(database, &kept(database)?)
    }

    /// Does again what the journal says since a checkpoint.
    pub(crate) fn replayed(database: &Database, kept: &Kept) -> Result<Books, Trouble> {
        let head = kept.head.ok_or_else(|| empty(database))?;
        let place = database.place();
        let mut book = load(database, kept)?;
        let mut failed = None;
        let from = kept.checkpoint + 1;
        let read = database.reader().records(from, &mut |stored| {
            // A server may have gone on meanwhile.
            if stored.mark.seq > head.seq {
                return ControlFlow::Break(());
            }
            match Record::parse(&stored.body).and_then(|record| book.replay(&record)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(format!("record {}: {error}", stored.mark.seq));
                    ControlFlow::Break(())
                }
            }
        });
        read.map_err(at_store)?;
        if let Some(why) = failed {
            return Err(damaged(place, why));
        }
        if book.head().seq != head.seq {
            let why =
                format!("the journal ends at record {}, the cell stands at {}", book.head().seq, head.seq);
            return Err(damaged(place, why));
        }
        Ok(Books { book, head })
    }

    /// Finds the accounts with a path: of one currency, or of all.
    pub(crate) fn accounts(&self, path: &str, currency: Option<Currency>) -> Result<Vec<&Account>, Trouble> {
        find_accounts(&self.book, path, currency)
    }

    /// Finds the one account with a path.
    pub(crate) fn account(&self, path: &str, currency: Option<Currency>) -> Result<&Account, Trouble> {
        find_account(&self.book, path, currency)
    }
}

/// Finds the accounts with a path: of one currency, or of all.
pub(crate) fn find_accounts<'a>(
    book: &'a Book,
    path: &str,
    currency: Option<Currency>,
) -> Result<Vec<&'a Account>, Trouble> {
    let found: Vec<&Account> = Currency::all()
        .filter(|code| currency.is_none_or(|currency| currency == *code))
        .filter_map(|code| book.account(book.find(path, code)?))
        .collect();
    if found.is_empty() {
        return Err(unknown_account(book, path, currency));
    }
    Ok(found)
}

/// Finds the one account with a path.
pub(crate) fn find_account<'a>(
    book: &'a Book,
    path: &str,
    currency: Option<Currency>,
) -> Result<&'a Account, Trouble> {
    match find_accounts(book, path, currency)?.as_slice() {
        [account] => Ok(account),
        several => {
            let codes: Vec<&str> = several.iter().map(|account| account.spec.currency.code()).collect();
            Err(Trouble::new("currency_missing", format!("{path} has {} currencies", several.len()))
                .at(path)
                .next(format!("give --currency: {}", codes.join(", "))))
        }
    }
}

fn unknown_account(book: &Book, path: &str, currency: Option<Currency>) -> Trouble {
    let other = Currency::all().find_map(|code| book.account(book.find(path, code)?));
    let near = book
        .accounts_and_balances()
        .take(NEAR_MAX)
        .map(|(account, _)| account.spec.path.as_str())
        .map(|known| (strsim::levenshtein(known, path), known))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    let next = match (other, near) {
        (Some(other), _) => format!("it has the currency {}", other.spec.currency.code()),
        (None, Some((_, near))) => format!("did you mean `{near}`?"),
        (None, None) => "suanpan ledger accounts lists all that there are".to_owned(),
    };
    let code = currency.map_or(String::new(), |currency| format!(" in {}", currency.code()));
    Trouble::new("account_unknown", format!("there is no account `{path}`{code}")).at(path).next(next)
}

/// Accounts that are looked at for a name like the one asked for.
const NEAR_MAX: usize = 100_000;

/// Loads what a restart would begin with.
pub(crate) fn kept(database: &Database) -> Result<Kept, Trouble> {
    database.writer().and_then(|mut store| store.load()).map_err(at_store)
}

/// Makes the book of the last checkpoint.
fn load(database: &Database, kept: &Kept) -> Result<Book, Trouble> {
    let place = database.place();
    let head = checkpoint_head(database, kept.checkpoint)?;
    let accounts: Result<Vec<Account>, Trouble> =
        kept.accounts.iter().map(|row| account_of(row).map_err(|why| damaged(place, why))).collect();
    let mut holds = Vec::with_capacity(kept.holds.len());
    for (id, body) in &kept.holds {
        holds.push((EntryId(*id), decode_hold(body).map_err(|error| damaged(place, error))?));
    }
    let cell = database.reader().standing().map_err(at_store)?.map_or(0, |standing| standing.lease.cell);
    // Nothing is booked on it, so the seed of its tables needs no chance, and no ids need to be remembered.
    Book::load(
        cell,
        0,
        Loading {
            accounts: accounts?,
            pages: kept.pages.iter().map(|(page, body)| (*page, body.as_slice())).collect(),
            holds,
            head,
            remembered_from: head.entries,
        },
    )
    .map_err(|error| damaged(place, error))
}

fn checkpoint_head(database: &Database, seq: u64) -> Result<BookHead, Trouble> {
    if seq == 0 {
        return Ok(BookHead::default());
    }
    let marks = database.reader().marks(seq..seq + 1).map_err(at_store)?;
    let mark = marks.first().ok_or_else(|| damaged(database.place(), format!("record {seq} is missing")))?;
    let (entries, at) = (mark.first + mark.entries, Timestamp::from_micros(mark.at));
    Ok(BookHead { seq, entries, at, epoch: mark.epoch })
}

/// Reads an account as it is stored.
pub(crate) fn account_of(row: &AccountRow) -> Result<Account, String> {
    let currency = Currency::from_numeric(row.currency)
        .ok_or_else(|| format!("account {} has currency {}, which is none", row.number, row.currency))?;
    let account = decode_account(&row.path, currency, &row.body).map_err(|error| error.to_string())?;
    if account.number != AccountNo(row.number) {
        return Err(format!("account {} says that it is {}", row.number, account.number.0));
    }
    Ok(account)
}

fn empty(database: &Database) -> Trouble {
    Trouble::new("store_empty", format!("{} holds no books yet", database.place()))
        .at(database.place())
        .next("open accounts: suanpan ledger open")
}

/// Writes an amount in major units.
pub(crate) fn amount(minor: i128, currency: Currency) -> String {
    format_sum(minor, currency.exponent())
}
