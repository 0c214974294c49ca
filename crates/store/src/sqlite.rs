//! Cells in files of SQLite: write-ahead log, every commit synced to disk.

mod backup;
mod connect;
mod log;
mod log_writes;
mod session;
#[cfg(test)]
mod tests;
mod write;

pub use backup::{Restored, restore};

use crate::error::StoreError;
use crate::history::Runs;
use crate::migrations::Schema;
use crate::pool::Pool;
use crate::read::Reader;
use crate::seam::{History, Read, Store};
use crate::source::{Engine, Sink, Source, Work};
use crate::writer::Writer;
use connect::{Access, connect, connect_memory};
use log::Mover;
use rusqlite::{Connection, TransactionBehavior};
use session::{Lite, within};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file of a cell, or one in memory.
#[derive(Debug)]
pub(crate) struct File {
    at: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The writer has a connection of its own, readers share some.
    File { path: PathBuf, reads: Arc<Readers> },
    /// The writer and all readers take turns on one connection.
    Memory(Arc<One>),
}

impl File {
    pub(crate) fn open(path: &Path) -> Result<File, StoreError> {
        let at = path.display().to_string();
        // Brings the schema up to date, and is closed again.
        drop(connect(path, Schema::Cell, Access::Write)?);
        let reads = Arc::new(Readers::new(at.clone(), path.to_owned(), Schema::Cell));
        Ok(File { at, kind: Kind::File { path: path.to_owned(), reads } })
    }

    pub(crate) fn memory() -> Result<File, StoreError> {
        let at = ":memory:".to_owned();
        let one = Arc::new(One::new(at.clone(), connect_memory(Schema::Cell)?));
        Ok(File { at, kind: Kind::Memory(one) })
    }

    pub(crate) fn place(&self) -> &str {
        &self.at
    }

    pub(crate) fn writer(&self) -> Result<Box<dyn Store>, StoreError> {
        let ledger = match &self.kind {
            Kind::Memory(one) => Arc::clone(one),
            Kind::File { path, .. } => {
                let mut connection = connect(path, Schema::Cell, Access::Write)?;
                let log = Mover::of(&mut connection, path)?;
                Arc::new(One { _log: Some(log), ..One::new(self.at.clone(), connection) })
            }
        };
        Ok(Box::new(Writer { ledger, at: self.at.clone() }))
    }

    pub(crate) fn reader(&self) -> Arc<dyn Read> {
        match &self.kind {
            Kind::Memory(one) => Arc::new(Reader(Arc::clone(one))),
            Kind::File { reads, .. } => Arc::new(Reader(Arc::clone(reads))),
        }
    }

    pub(crate) fn history(&self) -> Result<Arc<dyn History>, StoreError> {
        let Kind::File { path, .. } = &self.kind else {
            let one = Arc::new(One::new(self.at.clone(), connect_memory(Schema::History)?));
            let reads: Arc<dyn Source> = one.clone();
            return Ok(Arc::new(Runs { reads, writes: one, at: self.at.clone() }));
        };
        let path = beside(path);
        let at = path.display().to_string();
        let writes = Arc::new(One::new(at.clone(), connect(&path, Schema::History, Access::Write)?));
        let reads = Arc::new(Readers::new(at.clone(), path, Schema::History));
        Ok(Arc::new(Runs { reads, writes, at }))
    }
}

/// Returns where the history of a cell is: `cell.sqlite` has it in `cell-history.sqlite`.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-history.sqlite"))
}

/// One connection, used by one at a time.
#[derive(Debug)]
pub(crate) struct One {
    pub(crate) at: String,
    connection: Mutex<Connection>,
    /// The end of a commit is not known: the log may hold it although nobody sees it.
    pub(crate) unsettled: AtomicBool,
    /// Moves the log of a cell into its file, until this is dropped.
    _log: Option<Mover>,
}

impl One {
    pub(crate) fn new(at: String, connection: Connection) -> One {
        One { at, connection: Mutex::new(connection), unsettled: AtomicBool::new(false), _log: None }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for One {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        within(&self.at, &mut self.lock(), TransactionBehavior::Deferred, work)
    }

    fn peek(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        work(&mut Lite { at: &self.at, connection: &self.lock() })
    }
}

impl Sink for One {
    fn transact(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        within(&self.at, &mut self.lock(), TransactionBehavior::Immediate, work)
    }
}

/// Read-only connections to a file.
#[derive(Debug)]
pub(crate) struct Readers {
    at: String,
    path: PathBuf,
    schema: Schema,
    idle: Pool<Connection>,
}

impl Readers {
    fn new(at: String, path: PathBuf, schema: Schema) -> Readers {
        Readers { at, path, schema, idle: Pool::default() }
    }

    /// Lends a connection for some work. One that failed is closed.
    fn lend(&self, work: impl FnOnce(&mut Connection) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut lent = self.idle.take(|| connect(&self.path, self.schema, Access::Read))?;
        let done = work(&mut lent);
        if done.is_ok() {
            lent.keep();
        }
        done
    }
}

impl Source for Readers {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.lend(|connection| within(&self.at, connection, TransactionBehavior::Deferred, work))
    }

    fn peek(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.lend(|connection| work(&mut Lite { at: &self.at, connection }))
    }
}
