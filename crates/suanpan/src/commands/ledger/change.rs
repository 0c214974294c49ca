//! `suanpan ledger freeze`, `unfreeze` and `close`.

use super::standing_name;
use crate::books::find_account;
use crate::cli::{CloseArgs, FreezeArgs, WriteArgs};
use crate::error::{Trouble, status};
use crate::store::{Embedded, open_existing};
use crate::terminal::Terminal;
use suanpan_engine::{BooksAnswer, BooksCommand};
use suanpan_ledger::account::{AccountChange, Standing};
use suanpan_money::Currency;

pub(super) fn freeze(args: &FreezeArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let (debits, credits) = sides(args);
    change(&args.path, args.currency, AccountChange::Freeze { debits, credits }, &args.write, terminal)
}

pub(super) fn unfreeze(args: &FreezeArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let (debits, credits) = sides(args);
    change(&args.path, args.currency, AccountChange::Unfreeze { debits, credits }, &args.write, terminal)
}

pub(super) fn close(args: &CloseArgs, terminal: Terminal) -> Result<u8, Trouble> {
    change(&args.path, args.currency, AccountChange::Close, &args.write, terminal)
}

/// Without a side both are meant.
const fn sides(args: &FreezeArgs) -> (bool, bool) {
    (!args.credits, !args.debits)
}

fn change(
    path: &str,
    currency: Option<Currency>,
    change: AccountChange,
    write: &WriteArgs,
    terminal: Terminal,
) -> Result<u8, Trouble> {
    let database = open_existing(&write.store)?;
    let engine = Embedded::start(&database, write.cell, None)?;
    let wanted = path.to_owned();
    let number =
        engine.query(move |book| find_account(book, &wanted, currency).map(|account| account.number))??;
    let (answer, receipt) = engine.books(BooksCommand::Change(vec![(number, change)]))?;
    let BooksAnswer::Changed(changed) = answer else { return Err(other_answer()) };
    let refused = changed.into_iter().find_map(Result::err);
    if let Some(why) = refused {
        terminal.result(&format!("refused  {path}  {why}\n"))?;
        return Ok(status::DIFFERENCES);
    }
    let standing = engine.query(move |book| book.account(number).map(|account| account.standing))?;
    terminal.result(&format!("{path}  {}\n", standing_name(standing.unwrap_or(Standing::Open))))?;
    terminal.hint(&format!("record {}", receipt.seq));
    Ok(status::FINE)
}

/// The engine answers each command in its own way; another answer is a fault of the program.
pub(super) fn other_answer() -> Trouble {
    Trouble::new("internal", "the engine gave the answer to another command")
        .at("the engine")
        .next("this is a fault of suanpan: please report it")
}
