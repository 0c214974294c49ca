//! `suanpan ledger post`: entries of a file, batch after batch.

mod batch;

pub(super) use batch::{Batch, Batches};

use super::reading::{Entries, FileEntry};
use crate::books::EntryName;
use crate::cli::{BatchArgs, PostArgs, WriteArgs};
use crate::error::{Trouble, status};
use crate::numbers::{duration, grouped, per_second, short};
use crate::progress::{Reading, Watch};
use crate::store::{Embedded, open_existing};
use crate::terminal::Terminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use suanpan_engine::{BooksAnswer, BooksCommand};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::rejection::Rejection;

/// Refusals that are shown; more are counted.
const SHOWN_MAX: usize = 20;

pub(super) fn run(args: &PostArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let entries = Entries::open(&args.file, &args.batches, false)?;
    book(entries, &args.batches, &args.write, terminal, |_, batch| Ok(BooksCommand::PostNamed(batch.named())))
}

/// Counts of what became of entries.
#[derive(Debug, Default)]
struct Counts {
    accepted: u64,
    exist: u64,
    refused: u64,
    shown: Vec<String>,
}

/// Books a file, or only reads it.
pub(super) fn book(
    entries: Entries,
    args: &BatchArgs,
    write: &WriteArgs,
    terminal: Terminal,
    command: impl Fn(&Embedded, &Batch) -> Result<BooksCommand, Trouble>,
) -> Result<u8, Trouble> {
    let file = entries.name().to_owned();
    let mut batches = Batches::new(entries, args.batch as usize, args.each);
    if args.dry_run {
        return read_only(&mut batches, terminal);
    }
    let database = open_existing(&write.store)?;
    let engine = Embedded::start(&database, write.cell, None)?;
    let began = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&done);
    let watch = Watch::start(terminal.progress, move || {
        let rows = counter.load(Ordering::Relaxed);
        Reading { phase: "book", rows, ..Reading::default() }
    });
    let (mut counts, mut seq, mut failed) = (Counts::default(), 0, None);
    loop {
        let batch = match batches.next() {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            // What was booked before the faulty row stands, and is told before the fault is.
            Err(trouble) => {
                failed = Some(trouble);
                break;
            }
        };
        let booked = command(&engine, &batch).and_then(|command| engine.books(command));
        let (answer, receipt) = match booked {
            Ok(booked) => booked,
            Err(trouble) => {
                failed = Some(trouble.at(format!("{file}:{}", batch.entries[0].row)));
                break;
            }
        };
        let BooksAnswer::Posted(verdicts) = answer else { return Err(super::change::other_answer()) };
        seq = receipt.seq;
        count(&mut counts, &file, &batch, &verdicts);
        done.fetch_add(batch.entries.len() as u64, Ordering::Relaxed);
        if counts.refused > 0 && !args.each {
            break;
        }
    }
    drop(watch);
    drop(engine);
    tell(&counts, terminal)?;
    let all = counts.accepted + counts.exist + counts.refused;
    let rate =
        per_second(all, began.elapsed()).map_or(String::new(), |rate| format!(", {} entries/s", short(rate)));
    terminal.hint(&format!("{} entries in {}{rate}; record {seq}", grouped(all), duration(began.elapsed())));
    if counts.refused > 0 && !args.each {
        terminal.hint("the batch with refused entries was not booked, nor anything after it; batches before it stand. Correct the file and send it again: what is there is passed over");
    }
    match failed {
        Some(trouble) => Err(trouble),
        None if counts.refused > 0 => Ok(status::DIFFERENCES),
        None => Ok(status::FINE),
    }
}

fn read_only(batches: &mut Batches, terminal: Terminal) -> Result<u8, Trouble> {
    let (mut entries, mut count) = (0, 0_u64);
    while let Some(batch) = batches.next()? {
        entries += batch.entries.len() as u64;
        count += 1;
    }
    terminal.result(&format!(
        "{} entries in {} batches can be read; nothing was booked\n",
        grouped(entries),
        grouped(count)
    ))?;
    Ok(status::FINE)
}

fn count(counts: &mut Counts, file: &str, batch: &Batch, verdicts: &[Verdict]) {
    for (entry, verdict) in batch.entries.iter().zip(verdicts) {
        match verdict {
            Verdict::Accepted { .. } => counts.accepted += 1,
            Verdict::Exists { .. } => counts.exist += 1,
            Verdict::Rejected { reason, .. } => {
                counts.refused += 1;
                // Of a batch that is booked wholly or not at all, the entries that were refused for others' sake
                // tell nothing.
                let own = *reason != Rejection::LinkedEntryFailed;
                if own && counts.shown.len() < SHOWN_MAX {
                    counts.shown.push(refusal(file, entry, *reason));
                }
            }
        }
    }
}

fn refusal(file: &str, entry: &FileEntry, why: Rejection) -> String {
    let id = EntryName::write(entry.entry.draft.id);
    let more = match why {
        Rejection::LinkedEntryExists => "; give the same --batch as before, or --each",
        Rejection::AccountNotFound => "; suanpan ledger accounts lists those that there are",
        Rejection::ImportInFuture | Rejection::AccountHasLaterPostings => "; see booked_at",
        _ => "",
    };
    format!("refused  {file}:{}  {id}  {why}{more}\n", entry.row)
}

fn tell(counts: &Counts, terminal: Terminal) -> Result<(), Trouble> {
    let mut text = counts.shown.concat();
    text.push_str(&format!("accepted  {}\n", grouped(counts.accepted)));
    text.push_str(&format!("exist     {}\n", grouped(counts.exist)));
    text.push_str(&format!("refused   {}\n", grouped(counts.refused)));
    terminal.result(&text)
}
