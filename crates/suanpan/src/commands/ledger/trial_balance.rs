//! `suanpan ledger trial-balance`.

use super::accounts::as_json;
use super::kind_name;
use super::table::Table;
use crate::books::{Books, Fold, amount};
use crate::cli::{TrialBalanceArgs, moment};
use crate::error::{Trouble, status};
use crate::numbers::grouped_decimal;
use crate::progress::{Reading, Watch};
use crate::store::{at_store, damaged, open_existing};
use crate::terminal::{Paint, Terminal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use suanpan_ledger::account::{Account, AccountKind, Balance};
use suanpan_ledger::record::Record;
use suanpan_money::{Currency, Timestamp};
use suanpan_store::Database;

const KINDS: [AccountKind; 5] = [
    AccountKind::Asset,
    AccountKind::Expense,
    AccountKind::Liability,
    AccountKind::Income,
    AccountKind::Equity,
];

/// The sums of one currency.
#[derive(Default)]
struct Total {
    accounts: u64,
    debits: i128,
    credits: i128,
    debits_held: i128,
    credits_held: i128,
    /// By kind in the order of `KINDS`, each on its normal side.
    kinds: [i128; 5],
}

impl Total {
    fn add(&mut self, kind: AccountKind, balance: &Balance) {
        self.accounts += 1;
        self.debits += i128::from(balance.debits_posted);
        self.credits += i128::from(balance.credits_posted);
        self.debits_held += i128::from(balance.debits_held);
        self.credits_held += i128::from(balance.credits_held);
        if let Some(place) = KINDS.iter().position(|other| *other == kind) {
            self.kinds[place] += balance.posted(kind);
        }
    }

    fn balanced(&self) -> bool {
        self.debits == self.credits && self.debits_held == self.credits_held
    }
}

pub(super) fn run(args: &TrialBalanceArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let (sums, seq) = match args.at {
        None => (books.book.accounts_and_balances().map(|(_, balance)| balance).collect(), books.head.seq),
        Some(at) => sums_at(&database, &books, at, terminal)?,
    };
    // Accounts opened later have no sums.
    let accounts: Vec<(&Account, &Balance)> =
        books.book.accounts_and_balances().map(|(account, _)| account).zip(&sums).collect();
    let mut totals = BTreeMap::<&str, (Currency, Total)>::new();
    for (account, balance) in &accounts {
        let currency = account.spec.currency;
        let (_, total) = totals.entry(currency.code()).or_insert_with(|| (currency, Total::default()));
        total.add(account.spec.kind, balance);
    }
    let balanced = totals.values().all(|(_, total)| total.balanced());
    if args.json {
        let shown = if args.accounts { accounts.as_slice() } else { &[] };
        terminal.result(&(as_document(args.at, seq, &totals, shown).to_string() + "\n"))?;
    } else {
        terminal.result(&for_people(&totals, terminal))?;
        if args.accounts {
            terminal.result(&list(&accounts))?;
        }
        let at = args.at.map_or(String::new(), |at| format!(", {}", moment(at)));
        terminal.hint(&format!("as of record {seq}{at}"));
    }
    Ok(if balanced { status::FINE } else { status::DIFFERENCES })
}

/// Folds the journal up to a moment.
fn sums_at(
    database: &Database,
    books: &Books,
    at: Timestamp,
    terminal: Terminal,
) -> Result<(Vec<Balance>, u64), Trouble> {
    let done = Arc::new(AtomicU64::new(0));
    let (counter, total) = (Arc::clone(&done), books.head.entries);
    let watch = Watch::start(terminal.progress, move || {
        let rows = counter.load(Ordering::Relaxed);
        Reading { phase: "fold", rows, done: rows, total, ..Reading::default() }
    });
    let (mut fold, mut seq, mut failed) = (Fold::default(), 0, None);
    let read = database.reader().records(1, &mut |stored| {
        if stored.mark.at > at.micros() || stored.mark.seq > books.head.seq {
            return ControlFlow::Break(());
        }
        let added = Record::parse(&stored.body)
            .map_err(|error| error.to_string())
            .and_then(|record| fold.add(&record, |_, _, _| {}));
        if let Err(why) = added {
            failed = Some(format!("record {}: {why}", stored.mark.seq));
            return ControlFlow::Break(());
        }
        seq = stored.mark.seq;
        done.store(stored.mark.first + stored.mark.entries, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    drop(watch);
    read.map_err(at_store)?;
    match failed {
        Some(why) => Err(damaged(database.place(), why)),
        None => Ok((fold.sums, seq)),
    }
}

fn for_people(totals: &BTreeMap<&str, (Currency, Total)>, terminal: Terminal) -> String {
    let paint = Paint(terminal.color);
    let mut out = String::new();
    for (code, (currency, total)) in totals {
        let text = |minor: i128| grouped_decimal(&amount(minor, *currency));
        let verdict =
            if total.balanced() { paint.green("balanced") } else { paint.red("debits are not credits") };
        out.push_str(&format!("{code}  {verdict}\n"));
        let mut table = Table::new(&["", ">debit", ">credit"]);
        for (kind, sum) in KINDS.iter().zip(total.kinds) {
            let (left, right) = match kind {
                AccountKind::Asset | AccountKind::Expense => (text(sum), String::new()),
                AccountKind::Liability | AccountKind::Income | AccountKind::Equity => {
                    (String::new(), text(sum))
                }
            };
            table.row(vec![format!("  {}", kind_name(*kind)), left, right]);
        }
        let [asset, expense, liability, income, equity] = total.kinds;
        table.row(vec!["  together".to_owned(), text(asset + expense), text(liability + income + equity)]);
        table.row(vec!["  all postings".to_owned(), text(total.debits), text(total.credits)]);
        table.row(vec!["  held".to_owned(), text(total.debits_held), text(total.credits_held)]);
        out.push_str(&table.write());
    }
    out
}

fn list(accounts: &[(&Account, &Balance)]) -> String {
    let mut table = Table::new(&["account", "currency", ">debits", ">credits", ">balance"]);
    for (account, balance) in accounts {
        let (spec, currency) = (&account.spec, account.spec.currency);
        table.row(vec![
            spec.path.clone(),
            currency.code().to_owned(),
            grouped_decimal(&amount(balance.debits_posted.into(), currency)),
            grouped_decimal(&amount(balance.credits_posted.into(), currency)),
            grouped_decimal(&amount(balance.posted(spec.kind), currency)),
        ]);
    }
    table.write()
}

fn as_document(
    at: Option<Timestamp>,
    seq: u64,
    totals: &BTreeMap<&str, (Currency, Total)>,
    accounts: &[(&Account, &Balance)],
) -> Value {
    let currencies: Vec<Value> = totals
        .iter()
        .map(|(code, (currency, total))| {
            let text = |minor: i128| amount(minor, *currency);
            let kinds: serde_json::Map<String, Value> = KINDS
                .iter()
                .zip(total.kinds)
                .map(|(kind, sum)| (kind_name(*kind).to_owned(), text(sum).into()))
                .collect();
            json!({
                "currency": code,
                "balanced": total.balanced(),
                "accounts": total.accounts,
                "debits": text(total.debits),
                "credits": text(total.credits),
                "debits_held": text(total.debits_held),
                "credits_held": text(total.credits_held),
                "kinds": kinds,
            })
        })
        .collect();
    let accounts: Vec<Value> = accounts.iter().map(|(account, balance)| as_json(account, balance)).collect();
    json!({ "at": at.map(moment), "record": seq, "currencies": currencies, "accounts": accounts })
}
