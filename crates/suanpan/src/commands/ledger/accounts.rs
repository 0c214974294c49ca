//! `suanpan ledger accounts`.

use super::table::Table;
use super::{kind_name, standing_name};
use crate::books::{Books, amount};
use crate::cli::{AccountsArgs, moment};
use crate::error::{Trouble, status};
use crate::numbers::{grouped, grouped_decimal};
use crate::store::open_existing;
use crate::terminal::Terminal;
use serde_json::{Value, json};
use suanpan_ledger::account::{Account, Balance};

pub(super) fn run(args: &AccountsArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut accounts = books.book.accounts_with_prefix(&args.prefix, None);
    let shown: Vec<&Account> = accounts.by_ref().take(limit).collect();
    let more = accounts.count();
    let sums = |account: &Account| books.book.balance(account.number).unwrap_or_default();
    if args.json {
        let lines = shown.iter().map(|account| as_json(account, &sums(account)).to_string() + "\n");
        terminal.result(&lines.collect::<String>())?;
    } else {
        let mut table = Table::new(&["account", "currency", "kind", ">balance", ">available", "standing"]);
        for account in &shown {
            let (spec, balance) = (&account.spec, sums(account));
            table.row(vec![
                spec.path.clone(),
                spec.currency.code().to_owned(),
                kind_name(spec.kind).to_owned(),
                grouped_decimal(&amount(balance.posted(spec.kind), spec.currency)),
                grouped_decimal(&amount(balance.available(spec.kind), spec.currency)),
                standing_name(account.standing).to_owned(),
            ]);
        }
        terminal.result(&table.write())?;
    }
    if more > 0 {
        terminal.hint(&format!("{} more: give --limit or a longer prefix", grouped(more as u64)));
    }
    Ok(status::FINE)
}

/// An account with its sums: amounts in major units as texts.
pub(super) fn as_json(account: &Account, balance: &Balance) -> Value {
    let spec = &account.spec;
    let text = |minor: i128| amount(minor, spec.currency);
    let limit = |limit: Option<i64>| limit.map(|minor| text(minor.into()));
    json!({
        "account": spec.path,
        "currency": spec.currency.code(),
        "number": account.number.0,
        "kind": kind_name(spec.kind),
        "balance": text(balance.posted(spec.kind)),
        "available": text(balance.available(spec.kind)),
        "expected": text(balance.expected(spec.kind)),
        "debits_posted": text(balance.debits_posted.into()),
        "credits_posted": text(balance.credits_posted.into()),
        "debits_held": text(balance.debits_held.into()),
        "credits_held": text(balance.credits_held.into()),
        "floor": limit(spec.limits.floor),
        "ceiling": limit(spec.limits.ceiling),
        "standing": standing_name(account.standing),
        "opened_at": moment(account.opened_at),
    })
}
