//! Copies of a cell, made while it is written, and their proof.

use super::connect::{Access, connect};
use super::session::{Lite, from};
use super::{File, Kind};
use crate::error::StoreError;
use crate::migrations::Schema;
use crate::read::stream_marks;
use crate::seam::Standing;
use crate::writer::standing;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::path::{Path, PathBuf};

/// Pages that are copied in one step; the file may be written between two of them.
const PAGES_AT_ONCE: i32 = 4096;

/// What a copy holds, after all of it was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Head and lease in the copy; none when the cell never had a lease.
    pub standing: Option<Standing>,
    /// How many journal records were counted.
    pub records: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl File {
    pub(crate) fn backup(
        &self,
        to: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Restored, StoreError> {
        match &self.kind {
            Kind::File { path, .. } => copy(&connect(path, Schema::Cell, Access::Read)?, to, progress),
            Kind::Memory(one) => copy(&one.lock(), to, progress),
        }
    }
}

/// Puts a backup in the place of a cell: copies it, checks the copy and only then gives it its name. The
/// history beside it is made again from the journal.
///
/// # Errors
/// When there is something in that place already, or the backup is not in order.
pub fn restore(backup: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Restored, StoreError> {
    // A stale history would be told by its hashes; one that is not there needs no telling.
    for path in [to.to_owned(), super::beside(to)] {
        refuse_existing(&path)?;
        refuse_logs(&path)?;
    }
    if !backup.exists() {
        return Err(StoreError::Unavailable {
            at: backup.display().to_string(),
            reason: "there is no such backup".to_owned(),
        });
    }
    copy(&connect(backup, Schema::Cell, Access::Read)?, to, progress)
}

fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Err(StoreError::Foreign {
            at: path.display().to_string(),
            found: "a file is there already".to_owned(),
        });
    }
    Ok(())
}

/// Refuses the logs of another file of the same name: SQLite would read them into the new one.
fn refuse_logs(path: &Path) -> Result<(), StoreError> {
    for log in LOGS.map(|end| with_end(path, end)) {
        if log.exists() {
            return Err(StoreError::Foreign {
                at: log.display().to_string(),
                found: "what a database of that name left behind, which would be read into the new file"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

fn copy(from_: &Connection, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Restored, StoreError> {
    refuse_existing(to)?;
    refuse_logs(to)?;
    let partial = with_end(to, ".partial");
    let at = partial.display().to_string();
    let io = |error: std::io::Error| StoreError::Unavailable { at: at.clone(), reason: error.to_string() };
    for left in [partial.clone()].into_iter().chain(LOGS.map(|end| with_end(&partial, end))) {
        if left.exists() {
            std::fs::remove_file(&left).map_err(io)?;
        }
    }
    let copied = pages(from_, &partial, progress).and_then(|()| verify(&partial));
    match copied {
        Ok(_) => {
            std::fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(io)?;
            std::fs::rename(&partial, to).map_err(io)?;
            if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
            }
            // As it will be opened.
            verify(to).inspect_err(|_| drop(std::fs::remove_file(to)))
        }
        Err(error) => {
            // What is left is of no use; that it could not be removed would hide why.
            let _ = std::fs::remove_file(&partial);
            Err(error)
        }
    }
}

/// What SQLite keeps beside a file.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn pages(from_: &Connection, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
    let at = to.display().to_string();
    let fault = |error| from(&at, error);
    let mut copy = Connection::open(to).map_err(fault)?;
    {
        // One state of the cell, whatever is committed meanwhile: else each commit would start the copy anew.
        let state = from_.unchecked_transaction().map_err(fault)?;
        state.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(fault)?;
        let backup = Backup::new(from_, &mut copy).map_err(fault)?;
        loop {
            let step = backup.step(PAGES_AT_ONCE).map_err(fault)?;
            let state = backup.progress();
            let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
            progress(count(state.remaining), count(state.pagecount));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Somebody else has the file for a moment.
                _ => std::thread::sleep(std::time::Duration::from_millis(10)),
            }
        }
    }
    // One file without a log beside it is easier to carry away.
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(fault)
}

/// Proves that a copy is whole: its pages, its head, and a chain without gaps that ends in the head.
fn verify(path: &Path) -> Result<Restored, StoreError> {
    let at = path.display().to_string();
    let damaged = |reason: String| StoreError::Damaged { at: at.clone(), reason };
    let connection = connect(path, Schema::Cell, Access::Read)?;
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| from(&at, error))?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    let mut session = Lite { at: &at, connection: &connection };
    let standing = standing(&mut session, false)?;
    let (mut records, mut entries, mut last) = (0, 0, None);
    stream_marks(&mut session, &mut |mark| {
        records += 1;
        if mark.seq != records || mark.first != entries {
            return Err(damaged(format!("record {records} is missing or does not follow the one before")));
        }
        entries += mark.entries;
        last = Some(mark);
        Ok(())
    })?;
    let (seq, hash) = last.map_or((0, [0; 32]), |mark| (mark.seq, mark.hash));
    if let Some(found) = &standing
        && (found.head.seq, found.head.hash, found.head.entries) != (seq, hash, entries)
    {
        return Err(damaged(format!("the head is at record {}, the newest record is {seq}", found.head.seq)));
    }
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Ok(Restored { standing, records, bytes })
}
