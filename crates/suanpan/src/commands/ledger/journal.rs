//! `suanpan ledger journal`.

use super::{kind_name, standing_name};
use crate::books::{Books, EntryName, amount};
use crate::cli::{JournalArgs, moment};
use crate::error::{Trouble, status};
use crate::store::{at_store, damaged, open_existing};
use crate::terminal::Terminal;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::book::Book;
use suanpan_ledger::error::Error;
use suanpan_ledger::record::{AccountEvent, Done, Line, Record, RecordedEntry};

pub(super) fn run(args: &JournalArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let last = books.head.seq.min(args.from.saturating_add(args.limit - 1));
    let mut failed = None;
    let read = database.reader().records(args.from, &mut |stored| {
        if stored.mark.seq > last {
            return ControlFlow::Break(());
        }
        let hash: String = stored.mark.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let printed = Record::parse(&stored.body)
            .and_then(|record| {
                if args.json {
                    as_json(&record, &hash, &books.book)
                } else {
                    as_text(&record, &hash, &books.book)
                }
            })
            .map_err(|error| damaged(database.place(), format!("record {}: {error}", stored.mark.seq)))
            .and_then(|text| terminal.result(&text));
        match printed {
            Ok(()) => ControlFlow::Continue(()),
            Err(trouble) => {
                failed = Some(trouble);
                ControlFlow::Break(())
            }
        }
    });
    read.map_err(at_store)?;
    if let Some(trouble) = failed {
        return Err(trouble);
    }
    if last < books.head.seq {
        terminal.hint(&format!("more: --from {}; the newest record is {}", last + 1, books.head.seq));
    }
    Ok(status::FINE)
}

fn as_text(record: &Record<'_>, hash: &str, book: &Book) -> Result<String, Error> {
    let header = record.header();
    let mut out = format!(
        "record {}  {}  epoch {}  {} entries  {}\n",
        header.seq,
        moment(header.at),
        header.epoch,
        header.entries,
        &hash[..16]
    );
    for event in record.events() {
        let (_, event) = event?;
        out.push_str(&format!("  {}\n", event_words(&event, book)));
    }
    for entry in record.entries() {
        let (_, entry) = entry?;
        out.push_str(&format!("  {}  {}\n", EntryName::write(entry.id), done_words(&entry)));
        for line in &entry.lines {
            let (debit, credit) = (path(book, line.debit), path(book, line.credit));
            out.push_str(&format!("    debit {debit}, credit {credit}, {}\n", money(book, line)));
        }
    }
    Ok(out)
}

fn event_words(event: &AccountEvent, book: &Book) -> String {
    match event {
        AccountEvent::Opened { number, spec } => {
            format!(
                "opened {} {} as {}, number {}",
                spec.path,
                spec.currency.code(),
                kind_name(spec.kind),
                number.0
            )
        }
        AccountEvent::LimitsSet { number, .. } => format!("limits of {} set", path(book, *number)),
        AccountEvent::StandingSet { number, standing } => {
            format!("{} is {} now", path(book, *number), standing_name(*standing))
        }
    }
}

fn done_words(entry: &RecordedEntry) -> String {
    let mut words = match entry.done {
        Done::Post => "post".to_owned(),
        Done::Hold { expires_at: None } => "hold".to_owned(),
        Done::Hold { expires_at: Some(at) } => format!("hold until {}", moment(at)),
        Done::Capture { hold, whole: true } => format!("capture of {}", EntryName::write(hold)),
        Done::Capture { hold, whole: false } => format!("capture in part of {}", EntryName::write(hold)),
        Done::Void { hold } => format!("void of {}", EntryName::write(hold)),
        Done::Expiry { hold } => format!("expiry of {}", EntryName::write(hold)),
        Done::Reversal { of } => format!("reversal of {}", EntryName::write(of)),
    };
    if entry.code != 0 {
        words.push_str(&format!("  code {}", entry.code));
    }
    if let Some(at) = entry.booked_at {
        words.push_str(&format!("  booked {}", moment(at)));
    }
    if entry.linked {
        words.push_str("  linked");
    }
    words
}

fn as_json(record: &Record<'_>, hash: &str, book: &Book) -> Result<String, Error> {
    let header = record.header();
    let mut events = Vec::new();
    for event in record.events() {
        let (before, event) = event?;
        events.push(json!({ "before_entry": before, "what": event_words(&event, book) }));
    }
    let mut entries = Vec::new();
    for entry in record.entries() {
        let (ordinal, entry) = entry?;
        entries.push(entry_json(ordinal, &entry, book));
    }
    let value = json!({
        "record": header.seq,
        "at": moment(header.at),
        "cell": header.cell,
        "epoch": header.epoch,
        "hash": hash,
        "events": events,
        "entries": entries,
    });
    Ok(value.to_string() + "\n")
}

/// An entry with the paths of its accounts and amounts in major units.
pub(super) fn entry_json(ordinal: u64, entry: &RecordedEntry, book: &Book) -> Value {
    let lines: Vec<Value> = entry
        .lines
        .iter()
        .map(|line| {
            let currency = book.account(line.debit).map(|account| account.spec.currency);
            let text = |minor: u64| {
                currency.map_or_else(|| minor.to_string(), |currency| amount(minor.into(), currency))
            };
            json!({
                "debit": path(book, line.debit),
                "credit": path(book, line.credit),
                "currency": currency.map(|currency| currency.code()),
                "posted": text(line.posted_minor),
                "held": text(line.held_minor),
            })
        })
        .collect();
    let expires_at = match entry.done {
        Done::Hold { expires_at } => expires_at.map(moment),
        _ => None,
    };
    json!({
        "id": EntryName::write(entry.id),
        "ordinal": ordinal,
        "action": entry.done.name(),
        "of": entry.done.target().map(EntryName::write),
        "expires_at": expires_at,
        "code": entry.code,
        "linked": entry.linked,
        "booked_at": entry.booked_at.map(moment),
        "lines": lines,
    })
}

fn path(book: &Book, number: AccountNo) -> &str {
    book.account(number).map_or("an account that is not there", |account| account.spec.path.as_str())
}

/// What a line moved, or set aside.
fn money(book: &Book, line: &Line) -> String {
    let Some(currency) = book.account(line.debit).map(|account| account.spec.currency) else {
        return format!("{} minor units", line.posted_minor);
    };
    let text = |minor: u64| format!("{} {}", amount(minor.into(), currency), currency.code());
    match (line.posted_minor, line.held_minor) {
        (0, held) => format!("held {}", text(held)),
        (posted, 0) => text(posted),
        (posted, held) if posted == held => text(posted),
        (posted, held) => format!("{} of {}", text(posted), text(held)),
    }
}
