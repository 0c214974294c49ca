//! `suanpan ledger statement`.

use super::table::Table;
use super::{posts, raises, side_name};
use crate::books::{Books, EntryName, Past, amount};
use crate::cli::{LedgerStatementArgs, moment};
use crate::error::{Trouble, status};
use crate::numbers::grouped_decimal;
use crate::store::{at_store, damaged, open_existing};
use crate::terminal::Terminal;
use serde_json::json;
use std::collections::BTreeMap;
use suanpan_ledger::account::{Account, AccountNo};
use suanpan_ledger::history::{Cursor, DatedRow, Order, Range, StatementQuery};
use suanpan_ledger::record::{Record, RecordedEntry};
use suanpan_money::Timestamp;
use suanpan_store::Database;

/// Rows that are asked for at once.
const PAGE: usize = 10_000;

pub(super) fn run(args: &LedgerStatementArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let account = books.account(&args.path, args.currency)?;
    let past = Past::of(&database, account.number.0, &books.head)?;
    // Without a beginning the newest rows are wanted; they are printed in the order of the journal all the same.
    let order = if args.from.is_some() { Order::OldestFirst } else { Order::NewestFirst };
    let range = Range::Times {
        from: args.from.unwrap_or(Timestamp::from_micros(i64::MIN)),
        to: args.to.unwrap_or(Timestamp::from_micros(i64::MAX)),
    };
    let wanted = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let (mut rows, mut after): (Vec<DatedRow>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let limit = (wanted - rows.len()).min(PAGE);
        let page =
            past.statement(&StatementQuery { account: account.number.0, range, order, limit, after })?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() || rows.len() >= wanted {
            break;
        }
    }
    if order == Order::NewestFirst {
        rows.reverse();
    }
    let entries = Entries { database: &database, records: BTreeMap::new() };
    let text = if args.csv {
        csv(&rows, account, &books, entries)?
    } else if args.json {
        ndjson(&rows, account, &books, entries)?
    } else {
        people(&rows, account, &books, entries)?
    };
    terminal.result(&text)?;
    if after.is_some() {
        terminal.hint("there are more rows: give --limit, or --from and --to");
    }
    Ok(status::FINE)
}

/// The entries of rows, out of the journal.
struct Entries<'a> {
    database: &'a Database,
    /// The record read last, by its first entry.
    records: BTreeMap<u64, Vec<RecordedEntry>>,
}

impl Entries<'_> {
    fn of(&mut self, ordinal: u64) -> Result<RecordedEntry, Trouble> {
        if let Some((first, entries)) = self.records.range(..=ordinal).next_back()
            && let Some(entry) = usize::try_from(ordinal - first).ok().and_then(|at| entries.get(at))
        {
            return Ok(entry.clone());
        }
        let place = self.database.place();
        let missing = || damaged(place, format!("entry {ordinal} is in no record"));
        let stored = self.database.reader().record_of(ordinal).map_err(at_store)?.ok_or_else(missing)?;
        let record = Record::parse(&stored.body).map_err(|error| damaged(place, error))?;
        let entries: Result<Vec<RecordedEntry>, _> =
            record.entries().map(|entry| entry.map(|(_, entry)| entry)).collect();
        let entries = entries.map_err(|error| damaged(place, error))?;
        let at = usize::try_from(ordinal - record.header().first_entry).unwrap_or(usize::MAX);
        let entry = entries.get(at).cloned().ok_or_else(missing)?;
        self.records.clear();
        self.records.insert(record.header().first_entry, entries);
        Ok(entry)
    }
}

/// A row in texts.
struct Shown {
    at: String,
    entry: String,
    code: u16,
    kind: &'static str,
    side: &'static str,
    counterparty: String,
    amount: String,
    /// By how much the balance changed; nothing when money was only set aside or freed.
    change: String,
    balance: String,
    available: String,
}

fn shown(
    row: &DatedRow,
    account: &Account,
    books: &Books,
    entries: &mut Entries<'_>,
) -> Result<Shown, Trouble> {
    let (spec, DatedRow { row, at }) = (&account.spec, row);
    let entry = entries.of(row.ordinal)?;
    let other = books.book.account(AccountNo(row.counterparty));
    let text = |minor: i128| amount(minor, spec.currency);
    let minor = i128::from(row.amount_minor);
    let change = match (posts(row.kind), raises(account, row.side)) {
        (false, _) => String::new(),
        (true, true) => text(minor),
        (true, false) => text(-minor),
    };
    Ok(Shown {
        at: moment(entry.booked_at.unwrap_or(*at)),
        // An expiry has no id of its own: its hold names it.
        entry: EntryName::write(if entry.id.0 == 0 {
            entry.done.target().unwrap_or(entry.id)
        } else {
            entry.id
        }),
        code: entry.code,
        kind: row.kind.name(),
        side: side_name(row.side),
        counterparty: other.map_or_else(|| row.counterparty.to_string(), |other| other.spec.path.clone()),
        amount: text(minor),
        change,
        balance: text(row.after.posted(spec.kind)),
        available: text(row.after.available(spec.kind)),
    })
}

fn people(
    rows: &[DatedRow],
    account: &Account,
    books: &Books,
    mut entries: Entries<'_>,
) -> Result<String, Trouble> {
    let mut table =
        Table::new(&["time", "entry", "what", "counterparty", ">amount", ">balance", ">available"]);
    for row in rows {
        let shown = shown(row, account, books, &mut entries)?;
        let amount = if shown.change.is_empty() { format!("({})", shown.amount) } else { shown.change };
        table.row(vec![
            shown.at,
            shown.entry,
            shown.kind.to_owned(),
            shown.counterparty,
            grouped_decimal(&amount),
            grouped_decimal(&shown.balance),
            grouped_decimal(&shown.available),
        ]);
    }
    Ok(table.write())
}

const COLUMNS: [&str; 11] = [
    "time",
    "entry",
    "code",
    "what",
    "side",
    "counterparty",
    "currency",
    "amount",
    "change",
    "balance",
    "available",
];

fn csv(
    rows: &[DatedRow],
    account: &Account,
    books: &Books,
    mut entries: Entries<'_>,
) -> Result<String, Trouble> {
    let broken = |error: csv::Error| {
        Trouble::new("internal", error.to_string())
            .at("stdout")
            .next("this is a fault of suanpan: please report it")
    };
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS).map_err(broken)?;
    for row in rows {
        let shown = shown(row, account, books, &mut entries)?;
        let code = shown.code.to_string();
        let currency = account.spec.currency.code();
        out.write_record([
            shown.at.as_str(),
            &shown.entry,
            &code,
            shown.kind,
            shown.side,
            &shown.counterparty,
            currency,
            &shown.amount,
            &shown.change,
            &shown.balance,
            &shown.available,
        ])
        .map_err(broken)?;
    }
    let bytes = out.into_inner().map_err(|error| broken(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn ndjson(
    rows: &[DatedRow],
    account: &Account,
    books: &Books,
    mut entries: Entries<'_>,
) -> Result<String, Trouble> {
    let mut out = String::new();
    for row in rows {
        let ordinal = row.row.ordinal;
        let shown = shown(row, account, books, &mut entries)?;
        let change = if shown.change.is_empty() { None } else { Some(shown.change) };
        let value = json!({
            "time": shown.at,
            "entry": shown.entry,
            "ordinal": ordinal,
            "code": shown.code,
            "what": shown.kind,
            "side": shown.side,
            "counterparty": shown.counterparty,
            "currency": account.spec.currency.code(),
            "amount": shown.amount,
            "change": change,
            "balance": shown.balance,
            "available": shown.available,
        });
        out.push_str(&(value.to_string() + "\n"));
    }
    Ok(out)
}
