//! `suanpan ledger archive`.

use crate::books::Books;
use crate::cli::ArchiveArgs;
use crate::error::{Trouble, status};
use crate::numbers::{duration, grouped, size};
use crate::progress::{Reading, Watch};
use crate::store::{at_store, open_existing};
use crate::terminal::Terminal;
use serde_json::json;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use suanpan_archive::{Archive, ArchiveError, Checked, Committed, Stretch, check};
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::book::Book;
use suanpan_store::Database;

pub(super) fn run(args: &ArchiveArgs, terminal: Terminal) -> Result<u8, Trouble> {
    if args.check { checked(args, terminal) } else { written(args, terminal) }
}

fn checked(args: &ArchiveArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let began = Instant::now();
    let done = Counter::default();
    let watch = done.watch("check", terminal);
    let found = check(&args.dir, &mut |entries, all| done.tell(entries, all));
    drop(watch);
    let Checked { cell, stretches, records, entries, lines, hash } = match found {
        Ok(checked) => checked,
        Err(error @ ArchiveError::Changed { .. }) => {
            return Err(at_archive(error, &args.dir).ends_with(status::DIFFERENCES));
        }
        Err(error) => return Err(at_archive(error, &args.dir)),
    };
    let hash = hex::encode(hash);
    if args.json {
        let value = json!({
            "cell": cell, "stretches": stretches, "records": records, "entries": entries, "lines": lines, "hash": hash,
        });
        terminal.result(&format!("{value}\n"))?;
    } else {
        terminal.result(&format!(
            "all of it holds: {} records, {} entries, {} lines of cell {cell}\nthe chain ends with {hash}\n",
            grouped(records),
            grouped(entries),
            grouped(lines),
        ))?;
        terminal.hint(&format!("read in {}", duration(began.elapsed())));
    }
    Ok(status::FINE)
}

fn written(args: &ArchiveArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let cell = database.reader().standing().map_err(at_store)?.map_or(0, |standing| standing.lease.cell);
    let mut archive = Archive::open(&args.dir, cell).map_err(|error| at_archive(error, &args.dir))?;
    same_past(&archive, &database).map_err(|error| at_archive(error, &args.dir))?;
    let last = args.until.unwrap_or(u64::MAX).min(books.head.seq);
    let began = archive.manifest().stretches.last().map_or(0, |last| last.first_entry + last.entries);
    let done = Counter::default();
    let watch = done.watch("archive", terminal);
    let mut added = Vec::new();
    while archive.manifest().end().0 < last {
        let stretch = next_stretch(&mut archive, &database, &books.book, last, &|entry| {
            done.tell(entry.saturating_sub(began), books.head.entries - began);
        });
        match stretch? {
            Some(stretch) => added.push(stretch),
            None => break,
        }
    }
    drop(watch);
    tell(args, &archive, &added, terminal)
}

/// Makes sure that the store has the record with which the archive ends: it may have been restored from a backup that
/// is older, or be another one.
fn same_past(archive: &Archive, database: &Database) -> Result<(), ArchiveError> {
    let (seq, hash) = archive.manifest().end();
    let stored = database.reader().record(seq).map(|record| record.map(|record| record.mark.hash));
    let reason = match stored {
        _ if seq == 0 => return Ok(()),
        Ok(Some(stored)) if stored == hash => return Ok(()),
        Ok(Some(_)) => "the archive ends with it, and the store has another one".to_owned(),
        Ok(None) => "the archive ends with it, and the store has none".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(ArchiveError::Fork { seq, reason })
}

/// Writes one stretch of the journal.
fn next_stretch(
    archive: &mut Archive,
    database: &Database,
    book: &Book,
    last: u64,
    progress: &dyn Fn(u64),
) -> Result<Option<Stretch>, Trouble> {
    let name = |number: AccountNo| {
        let account = book.account(number)?;
        Some((account.spec.path.clone(), account.spec.currency))
    };
    let from = archive.manifest().end().0 + 1;
    let place = database.place().to_owned();
    let trouble = |error| at_archive(error, Path::new(&place));
    let mut stretch = archive.stretch(&name).map_err(trouble)?;
    let mut failed = None;
    let read = database.reader().records(from, &mut |stored| {
        let mark = stored.mark;
        if mark.seq > last || stretch.is_full() {
            return ControlFlow::Break(());
        }
        progress(mark.first + mark.entries);
        let committed = Committed { seq: mark.seq, hash: mark.hash, body: &stored.body };
        match stretch.push(&committed) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    read.map_err(at_store)?;
    match failed {
        Some(error) => Err(trouble(error)),
        None => stretch.finish().map_err(trouble),
    }
}

fn tell(args: &ArchiveArgs, archive: &Archive, added: &[Stretch], terminal: Terminal) -> Result<u8, Trouble> {
    let (last, hash) = archive.manifest().end();
    let entries: u64 = added.iter().map(|stretch| stretch.entries).sum();
    let bytes: u64 = added.iter().map(|stretch| stretch.records.bytes + stretch.plain.bytes).sum();
    if args.json {
        let value = json!({
            "dir": args.dir.display().to_string(),
            "stretches_added": added.len(),
            "entries_added": entries,
            "bytes_added": bytes,
            "last_record": last,
            "hash": hex::encode(hash),
        });
        terminal.result(&format!("{value}\n"))?;
    } else if added.is_empty() {
        terminal.result(&format!(
            "{}  up to date: it ends with record {}\n",
            args.dir.display(),
            grouped(last)
        ))?;
    } else {
        terminal.result(&format!(
            "{}  {} entries added, {}; it ends with record {}\n",
            args.dir.display(),
            grouped(entries),
            size(bytes),
            grouped(last)
        ))?;
        terminal.hint(&format!("prove it alone: suanpan ledger archive {} --check", args.dir.display()));
    }
    Ok(status::FINE)
}

#[derive(Clone, Default)]
struct Counter {
    done: Arc<AtomicU64>,
    all: Arc<AtomicU64>,
}

impl Counter {
    fn tell(&self, done: u64, all: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.all.store(all, Ordering::Relaxed);
    }

    fn watch(&self, phase: &'static str, terminal: Terminal) -> Watch {
        let counter = self.clone();
        Watch::start(terminal.progress, move || {
            let (done, total) = (counter.done.load(Ordering::Relaxed), counter.all.load(Ordering::Relaxed));
            Reading { phase, rows: done, done, total, ..Reading::default() }
        })
    }
}

fn at_archive(error: ArchiveError, place: &Path) -> Trouble {
    let next = match &error {
        ArchiveError::Io { .. } => "see that the folder is there, may be written, and has room",
        ArchiveError::Parquet { .. } => "the file is damaged or of another program; restore it from a copy",
        ArchiveError::Manifest { .. } => "restore archive.json from a copy, or begin a new archive elsewhere",
        ArchiveError::OtherCell { .. } => "give another folder, or the store of that cell",
        ArchiveError::Fork { .. } => {
            "archive and store have different pasts, or one was changed: suanpan ledger verify, and ledger archive DIR \
             --check, tell which"
        }
        ArchiveError::Changed { .. } => {
            "restore the file from a copy, or make the archive anew from the store"
        }
    };
    Trouble::new(error.code(), error.to_string()).at(place.display().to_string()).next(next).because(error)
}
