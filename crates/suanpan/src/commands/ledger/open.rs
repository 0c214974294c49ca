//! `suanpan ledger open`.

use crate::cli::OpenArgs;
use crate::error::{Trouble, status};
use crate::store::{Embedded, open_or_make};
use crate::terminal::Terminal;
use suanpan_engine::{BooksAnswer, BooksCommand};
use suanpan_ledger::account::{AccountSpec, Limits};
use suanpan_money::{Currency, parse_decimal};
use suanpan_payments::books::chart;

pub(super) fn run(args: &OpenArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let specs: Vec<AccountSpec> =
        args.paths.iter().map(|path| spec(path, args)).collect::<Result<_, Trouble>>()?;
    let database = open_or_make(&args.write.store)?;
    let engine = Embedded::start(&database, args.write.cell, None)?;
    let (answer, receipt) = engine.books(BooksCommand::Open(specs))?;
    let BooksAnswer::Opened(opened) = answer else { return Err(super::change::other_answer()) };
    let mut all = true;
    let mut text = String::new();
    for (path, opened) in args.paths.iter().zip(opened) {
        match opened {
            Ok(number) => {
                text.push_str(&format!("open     {path} {}  number {}\n", args.currency.code(), number.0))
            }
            Err(why) => {
                all = false;
                text.push_str(&format!("refused  {path} {}  {why}\n", args.currency.code()));
            }
        }
    }
    terminal.result(&text)?;
    terminal.hint(&format!("record {}", receipt.seq));
    Ok(if all { status::FINE } else { status::DIFFERENCES })
}

fn spec(path: &str, args: &OpenArgs) -> Result<AccountSpec, Trouble> {
    let charted = chart(path);
    let kind = match (args.kind, charted) {
        (Some(kind), _) => kind.kind(),
        (None, Some((kind, _))) => kind,
        (None, None) => {
            return Err(Trouble::new(
                "kind_missing",
                format!("`{path}` is not in the chart of payments, so its kind is not known"),
            )
            .at(path)
            .next("give --kind: asset, liability, income, expense or equity"));
        }
    };
    let of_chart = charted.filter(|_| args.kind.is_none()).map_or(Limits::default(), |(_, limits)| limits);
    let limits = Limits {
        floor: limit("--floor", args.floor.as_deref(), args.currency)?.or(of_chart.floor),
        ceiling: limit("--ceiling", args.ceiling.as_deref(), args.currency)?.or(of_chart.ceiling),
    };
    Ok(AccountSpec { path: path.to_owned(), currency: args.currency, kind, limits })
}

fn limit(flag: &str, text: Option<&str>, currency: Currency) -> Result<Option<i64>, Trouble> {
    let Some(text) = text else { return Ok(None) };
    parse_decimal(text.as_bytes(), currency.exponent()).map(Some).map_err(|error| {
        Trouble::new("amount", format!("`{text}` is not an amount in {}: {error}", currency.code()))
            .at(flag)
            .next("write major units, such as 500.00")
    })
}
