//! `suanpan ledger balance`.

use super::accounts::as_json;
use super::table::Table;
use crate::books::{Books, Past, amount};
use crate::cli::{BalanceArgs, moment};
use crate::error::{Trouble, status};
use crate::numbers::grouped_decimal;
use crate::store::open_existing;
use crate::terminal::Terminal;

pub(super) fn run(args: &BalanceArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let mut table = Table::new(&["account", "currency", ">balance", ">available", ">held out", ">held in"]);
    let mut lines = String::new();
    for account in books.accounts(&args.path, args.currency)? {
        let spec = &account.spec;
        let balance = match args.at {
            None => books.book.balance(account.number).unwrap_or_default(),
            Some(at) => Past::of(&database, account.number.0, &books.head)?.balance_at(at)?,
        };
        if args.json {
            let mut value = as_json(account, &balance);
            value["at"] = args.at.map(moment).into();
            value["record"] = books.head.seq.into();
            lines.push_str(&(value.to_string() + "\n"));
        }
        let text = |minor: i128| grouped_decimal(&amount(minor, spec.currency));
        let (posted, available) = (balance.posted(spec.kind), balance.available(spec.kind));
        table.row(vec![
            spec.path.clone(),
            spec.currency.code().to_owned(),
            text(posted),
            text(available),
            text(posted - available),
            text(balance.expected(spec.kind) - posted),
        ]);
    }
    if args.json {
        terminal.result(&lines)?;
    } else {
        terminal.result(&table.write())?;
        match args.at {
            Some(at) => terminal.hint(&format!("as of {}", moment(at))),
            None => terminal.hint(&format!("as of record {}", books.head.seq)),
        }
    }
    Ok(status::FINE)
}
