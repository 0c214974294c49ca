//! `suanpan ledger verify`: everything that is stored, held against everything else.
//!
//! The journal is read once, from its first record on. Each invariant is told by one line, with what it looked at and
//! how long that took; what is wrong is named below it.

mod accounts;
mod check;
mod history;
mod journal;
mod sums;

use crate::books::Books;
use crate::cli::VerifyArgs;
use crate::error::{Trouble, status};
use crate::numbers::grouped;
use crate::progress::{Reading, Watch};
use crate::store::{at_store, open_existing};
use crate::terminal::Terminal;
use accounts::Accounts;
use check::Check;
use history::{History, Ids};
use journal::Journal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use suanpan_ledger::book::Book;
use suanpan_ledger::record::Record;
use suanpan_ledger::trial::{Difference, Recount};
use suanpan_money::{Currency, format_sum};
use suanpan_store::{Database, Kept, StoreError};
use sums::Sums;

pub(super) fn run(args: &VerifyArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let kept = match crate::books::kept(&database) {
        Ok(kept) => kept,
        // What cannot even be loaded is damage too, and the rest may still be looked at.
        Err(trouble) if trouble.faults[0].code == "store_damaged" => {
            let standing = database.reader().standing().map_err(at_store)?;
            Kept { head: standing.map(|standing| standing.head), ..Kept::default() }
        }
        Err(trouble) => return Err(trouble),
    };
    let Some(head) = kept.head else {
        terminal.result("the store holds no books yet\n")?;
        return Ok(status::FINE);
    };
    let done = Arc::new(AtomicU64::new(0));
    let (counter, total) = (Arc::clone(&done), head.entries);
    let watch = Watch::start(terminal.progress, move || {
        let rows = counter.load(Ordering::Relaxed);
        Reading { phase: "verify", rows, done: rows, total, ..Reading::default() }
    });
    let checks = Audit::new(&database, &kept)?.run(&done)?;
    drop(watch);
    let violated = checks.iter().filter(|check| check.is_violated()).count();
    let lines: String = checks.iter().map(|check| check.write(args.json, terminal)).collect();
    terminal.result(&lines)?;
    if !args.json {
        let verdict = match violated {
            0 => format!("all {} invariants hold up to record {}\n", checks.len(), grouped(head.seq)),
            _ => format!("{violated} of {} invariants are violated\n", checks.len()),
        };
        terminal.result(&verdict)?;
    }
    Ok(if violated == 0 { status::FINE } else { status::DIFFERENCES })
}

/// All that is counted while the journal is read.
struct Audit<'a> {
    database: &'a Database,
    kept: &'a Kept,
    journal: Journal,
    rules: Check,
    recount: Recount,
    accounts: Accounts,
    sums: Sums<'a>,
    history: History,
    ids: Ids,
    /// Why nothing that follows from the whole journal can be said any more.
    broken: Option<String>,
}

impl<'a> Audit<'a> {
    fn new(database: &'a Database, kept: &'a Kept) -> Result<Audit<'a>, Trouble> {
        let cell = database.reader().standing().map_err(at_store)?.map_or(0, |standing| standing.lease.cell);
        let sealed = crate::books::Sealed::read(database).map_err(at_store)?;
        Ok(Audit {
            database,
            kept,
            journal: Journal::new(cell),
            rules: Check::new("rules", "no id is used twice, no hold ends twice, no limit is passed"),
            recount: Recount::default(),
            accounts: Accounts::new(),
            sums: Sums::new(kept),
            history: History::new(&sealed),
            ids: Ids::new(sealed),
            broken: None,
        })
    }

    fn run(mut self, done: &AtomicU64) -> Result<Vec<Check>, Trouble> {
        let head = self.kept.head.unwrap_or(suanpan_store::commit::Head {
            seq: 0,
            hash: [0; 32],
            entries: 0,
            at: 0,
        });
        let reader = self.database.reader();
        let mut from = 1;
        while from <= head.seq {
            let read = reader.records(from, &mut |stored| {
                if stored.mark.seq > head.seq {
                    return ControlFlow::Break(());
                }
                self.record(&stored);
                from = stored.mark.seq + 1;
                done.store(stored.mark.first + stored.mark.entries, Ordering::Relaxed);
                ControlFlow::Continue(())
            });
            match read {
                Ok(()) if from <= head.seq => {
                    // The stream ended before the head: the newest records are not there.
                    self.journal.missing(from, head.seq + 1);
                    self.broken.get_or_insert_with(|| format!("record {from} is missing"));
                    break;
                }
                Ok(()) => {}
                // A gap is gone over, so that the rest of the chain is looked at.
                Err(StoreError::Damaged { reason, .. }) => {
                    self.broken.get_or_insert_with(|| reason.clone());
                    self.journal.unreadable(&reason);
                    from += 1;
                }
                Err(error) => return Err(at_store(error)),
            }
        }
        self.journal.end(&head);
        self.finish()
    }

    fn record(&mut self, stored: &suanpan_store::Record) {
        if let Some(gap) = self.journal.gap(stored.mark.seq) {
            self.broken.get_or_insert(gap);
        }
        let record = match Record::parse(&stored.body) {
            Ok(record) => record,
            Err(error) => {
                self.journal.no_record(stored, &error);
                self.broken.get_or_insert_with(|| format!("record {} cannot be read", stored.mark.seq));
                return;
            }
        };
        self.journal.add(stored, &record);
        if self.broken.is_some() {
            return;
        }
        let began = Instant::now();
        if let Err(error) = self.recount.add(&record) {
            self.rules.found(format!("record {}: {error}", stored.mark.seq));
            self.broken = Some(format!("record {} cannot be read", stored.mark.seq));
        }
        self.rules.took(began);
        self.accounts.add(&record);
        let at = record.header().at;
        let history = &mut self.history;
        if let Err(why) =
            self.sums.add(&record, |ordinal, moved, after| history.add(ordinal, at, moved, after))
        {
            self.broken = Some(format!("record {}: {why}", stored.mark.seq));
        }
        self.ids.add(self.database, &record);
    }

    fn finish(self) -> Result<Vec<Check>, Trouble> {
        let Audit { database, kept, journal, mut rules, recount, accounts, sums, history, ids, broken } =
            self;
        let mut checks = journal.into_checks();
        let mut books = Check::new("books", "what a start would load is what the records add up to");
        let mut currencies = Check::new("currencies", "debits are credits in every currency");
        let began = Instant::now();
        let loaded = match Books::replayed(database, kept) {
            Ok(loaded) => Some(loaded.book),
            Err(trouble) => {
                books.found(trouble.faults[0].what.clone());
                None
            }
        };
        let counts = sums.counts();
        rules.counted(format!("{} entries", grouped(counts.entries)));
        books.counted(format!("{} accounts, {} holds", grouped(counts.accounts), grouped(counts.holds)));
        sums.totals(&mut currencies, accounts.currencies());
        for difference in recount.compare(loaded.as_ref().unwrap_or(&Book::new(0, 0))) {
            match &difference {
                Difference::Entry { ordinal, why } => rules.found(format!("entry {ordinal}: {why}")),
                Difference::Event { seq, why } => rules.found(format!("record {seq}: {why}")),
                Difference::Unbalanced { currency, by } => {
                    let currency = Currency::from_numeric(*currency);
                    let by = format_sum(*by, currency.map_or(0, Currency::exponent));
                    let code = currency.map_or("?", Currency::code);
                    currencies.found(format!("{code}: debits are {by} more than credits"));
                }
                Difference::Sums { number, counted, booked } if loaded.is_some() => {
                    let name = accounts.name(number.0);
                    books.found(format!("{name}: the records add up to {counted:?}, loaded are {booked:?}"));
                }
                Difference::Accounts { counted, booked } if loaded.is_some() => {
                    books.found(format!("the records open {counted} accounts, loaded are {booked}"));
                }
                Difference::Holds { counted, booked } if loaded.is_some() => {
                    books.found(format!("the records leave {counted} holds open, loaded are {booked}"));
                }
                // Against books that could not be loaded nothing can be held.
                Difference::Sums { .. } | Difference::Accounts { .. } | Difference::Holds { .. } => {}
            }
        }
        books.took(began);
        let [pages, holds] = sums.finish(&accounts);
        let mut derived = vec![
            rules,
            accounts.finish(&kept.accounts),
            pages,
            holds,
            currencies,
            books,
            history.finish(database)?,
            ids.finish(database),
        ];
        if let Some(why) = broken {
            for check in &mut derived {
                check.skip(&why);
            }
        }
        checks.append(&mut derived);
        Ok(checks)
    }
}
