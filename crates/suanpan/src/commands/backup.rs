//! `suanpan backup` and `suanpan restore`.

use crate::cli::{BackupArgs, RestoreArgs, moment};
use crate::error::{Trouble, status};
use crate::numbers::{duration, grouped, size};
use crate::progress::{Reading, Watch};
use crate::store::{at_store, open_existing};
use crate::terminal::Terminal;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use suanpan_money::Timestamp;
use suanpan_store::{Restored, StoreError};

pub(crate) fn backup(args: &BackupArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let began = Instant::now();
    let copied = watched(terminal, |progress| database.backup(&args.dest, progress));
    let copied = copied.map_err(|error| refused(error, &args.dest))?;
    tell(&args.dest, &copied, args.json, terminal)?;
    terminal.hint(&format!("copied and verified in {}", duration(began.elapsed())));
    terminal.hint("the master key and the signing key are not in it: keep copies of them apart");
    Ok(status::FINE)
}

pub(crate) fn restore(args: &RestoreArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let began = Instant::now();
    let restored = watched(terminal, |progress| suanpan_store::restore(&args.backup, &args.dest, progress));
    let restored = restored.map_err(|error| refused(error, &args.dest))?;
    tell(&args.dest, &restored, args.json, terminal)?;
    terminal.hint(&format!("verified and put in place in {}", duration(began.elapsed())));
    let kept = format!("{}.acknowledged", args.dest.display());
    if Path::new(&kept).exists() {
        terminal.hint(&format!(
            "{kept} says what was acknowledged under this name: when the backup is older, it is not written until you \
             take the loss upon yourself and move that file away"
        ));
    }
    terminal
        .hint(&format!("everything that is stored: suanpan ledger verify --store {}", args.dest.display()));
    Ok(status::FINE)
}

/// Shows how far a copy is.
fn watched<T>(terminal: Terminal, copy: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T) -> T {
    let (done, all) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (pages, total) = (Arc::clone(&done), Arc::clone(&all));
    let watch = Watch::start(terminal.progress, move || {
        let (done, total) = (pages.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
        Reading { phase: "copy", rows: done, done, total, ..Reading::default() }
    });
    let copied = copy(&mut |left, of| {
        all.store(of, Ordering::Relaxed);
        done.store(of.saturating_sub(left), Ordering::Relaxed);
    });
    drop(watch);
    copied
}

fn tell(dest: &Path, copied: &Restored, as_json: bool, terminal: Terminal) -> Result<(), Trouble> {
    let head = copied.standing.as_ref().map(|standing| standing.head);
    let at = head.filter(|head| head.seq > 0).map(|head| moment(Timestamp::from_micros(head.at)));
    if as_json {
        let value = json!({
            "path": dest.display().to_string(),
            "bytes": copied.bytes,
            "records": copied.records,
            "entries": head.map(|head| head.entries),
            "newest_record_at": at,
        });
        return terminal.result(&(value.to_string() + "\n"));
    }
    let newest = at.map_or(String::new(), |at| format!(", the newest of {at}"));
    terminal.result(&format!(
        "{}  {}, {} records{newest}\n",
        dest.display(),
        size(copied.bytes),
        grouped(copied.records)
    ))
}

fn refused(error: StoreError, dest: &Path) -> Trouble {
    match error {
        StoreError::Foreign { ref at, .. } => {
            let at = at.clone();
            let what = format!("{at} is there already, and nothing is overwritten");
            Trouble::new("file_exists", what).at(at).next("give another name, or move it away").because(error)
        }
        StoreError::Unsupported { ref at, ref reason } => {
            let (at, what) = (at.clone(), reason.clone());
            Trouble::new("backup_postgres", what)
                .at(at)
                .next("pg_basebackup -D DIR -X stream -c fast; docs/guide/backup.md has the whole procedure")
                .because(error)
        }
        StoreError::Damaged { .. } => {
            let trouble = at_store(error);
            trouble.next(format!(
                "nothing was left at {}; suanpan ledger verify names what is wrong",
                dest.display()
            ))
        }
        other => at_store(other),
    }
}
