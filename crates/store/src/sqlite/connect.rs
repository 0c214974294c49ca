//! Connections to files of SQLite: settings, whose file it is, and its schema.

use super::log_writes;
use super::session::from;
use crate::error::StoreError;
use crate::limits::LOCK_MS;
use crate::migrations::Schema;
use crate::source::Engine;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Pages of the file. A commit of payments changes a row here and there in several indexes, and each page that
/// it touches is written whole.
const PAGE_BYTES: u32 = 4096;
/// Pages in the log after which its content goes into the file: 32 MiB take about 60 ms. For the history, within a
/// commit; for a cell, beside the commits ([`super::log`]).
pub(super) const LOG_PAGES: u32 = 8192;
/// The log file is cut to this length when it starts anew.
const LOG_BYTES_MAX: u32 = 64 << 20;
/// Memory for pages, in KiB: the writer's indexes, and what a reader reads. Each commit walks over all pages in memory
/// once, and what is not there is in the system's memory most of the time.
const WRITER_CACHE_KIB: u32 = 16 << 10;
const READER_CACHE_KIB: u32 = 4 << 10;
/// Statements that stay prepared; there are fewer of them.
const STATEMENTS: usize = 64;

/// Opens a file; makes it and brings its schema up to date where that is wanted.
pub(crate) fn connect(path: &Path, schema: Schema, access: Access) -> Result<Connection, StoreError> {
    let at = path.display().to_string();
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fault = |error| from(&at, error);
    // Its commits are synced, as the layer needs.
    let layer = (access == Access::Write && schema == Schema::Cell).then(log_writes::name).flatten();
    let opened = match layer {
        Some(layer) => Connection::open_with_flags_and_vfs(path, flags, layer),
        None => Connection::open_with_flags(path, flags),
    };
    let mut connection = opened.map_err(fault)?;
    connection.busy_timeout(Duration::from_millis(LOCK_MS.into())).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let new = ours(&connection, &at, schema)?;
    if access == Access::Read {
        set(&connection, &at, &[("cache_size", format!("-{READER_CACHE_KIB}"))])?;
        return Ok(connection);
    }
    if new {
        set(&connection, &at, &[("page_size", PAGE_BYTES.to_string())])?;
    }
    // The history can be made again from the journal; a cell cannot.
    let synchronous = if schema == Schema::Cell { "FULL" } else { "NORMAL" };
    set(
        &connection,
        &at,
        &[
            ("journal_mode", "WAL".to_owned()),
            ("synchronous", synchronous.to_owned()),
            ("wal_autocheckpoint", LOG_PAGES.to_string()),
            ("journal_size_limit", LOG_BYTES_MAX.to_string()),
            ("cache_size", format!("-{WRITER_CACHE_KIB}")),
            ("foreign_keys", "ON".to_owned()),
            ("temp_store", "MEMORY".to_owned()),
        ],
    )?;
    migrate(&mut connection, &at, schema)?;
    Ok(connection)
}

/// Opens a file that was opened before, to move its log into it and for nothing else.
pub(super) fn connect_log(path: &Path) -> Result<Connection, StoreError> {
    let at = path.display().to_string();
    let fault = |error| from(&at, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(Duration::from_millis(LOCK_MS.into())).map_err(fault)?;
    set(&connection, &at, &[("synchronous", "FULL".to_owned()), ("wal_autocheckpoint", "0".to_owned())])?;
    Ok(connection)
}

/// Opens a database in memory.
pub(crate) fn connect_memory(schema: Schema) -> Result<Connection, StoreError> {
    let at = ":memory:";
    let mut connection = Connection::open_in_memory().map_err(|error| from(at, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    set(&connection, at, &[("foreign_keys", "ON".to_owned())])?;
    migrate(&mut connection, at, schema)?;
    Ok(connection)
}

/// Sets what a connection works with. A change to the log of a new file needs the file alone, and SQLite refuses it at
/// once, without waiting, while another process opens the file just now: so it is tried again here.
fn set(connection: &Connection, at: &str, settings: &[(&str, String)]) -> Result<(), StoreError> {
    let until = Instant::now() + Duration::from_millis(LOCK_MS.into());
    for (name, value) in settings {
        loop {
            match connection.pragma_update_and_check(None, name, value, |_| Ok(())) {
                // Some of them answer with nothing.
                Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => break,
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && Instant::now() < until =>
                {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(from(at, error)),
            }
        }
    }
    Ok(())
}

/// The mark by which a file is known: `Sunp` and `Sunq`.
const fn mark(schema: Schema) -> i64 {
    match schema {
        Schema::Cell => 0x5375_6e70,
        Schema::History => 0x5375_6e71,
    }
}

/// How often a file with tables and without a mark is looked at again.
const LOOKS: u32 = 20;
/// The wait before something is tried again that another process may be doing just now.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes sure that the file is ours, or empty; says whether it is empty. Another process may be making it ours just
/// now, and its tables are there a moment before its mark.
fn ours(connection: &Connection, at: &str, schema: Schema) -> Result<bool, StoreError> {
    for _ in 1..LOOKS {
        match ours_now(connection, at, schema) {
            Err(StoreError::Foreign { .. }) => std::thread::sleep(PAUSE),
            other => return other,
        }
    }
    ours_now(connection, at, schema)
}

fn ours_now(connection: &Connection, at: &str, schema: Schema) -> Result<bool, StoreError> {
    let fault = |error| from(at, error);
    let found: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fault)?;
    if found == mark(schema) {
        return Ok(false);
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
    let found = match found {
        0 if tables == 0 => return Ok(true),
        found if found == mark(Schema::Cell) => "a cell, not a history".to_owned(),
        found if found == mark(Schema::History) => "the history of a cell, not a cell".to_owned(),
        found => format!("a SQLite database of another program (application_id {found}, {tables} tables)"),
    };
    Err(StoreError::Foreign { at: at.to_owned(), found })
}

/// The newest step that was done; 0 for none.
pub(super) fn schema_found(connection: &Connection, at: &str, schema: Schema) -> Result<i64, StoreError> {
    let fault = |error| from(at, error);
    let there: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = ?1", [schema.table()], |row| row.get(0))
        .map_err(fault)?;
    if there == 0 {
        return Ok(0);
    }
    let newest = format!("SELECT COALESCE(MAX(version), 0) FROM {}", schema.table());
    connection.query_row(&newest, [], |row| row.get(0)).map_err(fault)
}

/// Brings the schema up to date. Two processes may try at once: one of them finds it done.
fn migrate(connection: &mut Connection, at: &str, schema: Schema) -> Result<(), StoreError> {
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let mut tries = 0;
    while schema.compare(at, schema_found(connection, at, schema)?)? {
        let done = schema.runner(at, Engine::Sqlite)?.run(connection);
        if let Err(error) = done {
            tries += 1;
            if tries > 2 {
                return Err(StoreError::Migration { at: at.to_owned(), reason: error.to_string() });
            }
        }
    }
    connection.set_transaction_behavior(TransactionBehavior::Deferred);
    Ok(())
}

/// Says whether an error leaves open what is on the disk.
pub(super) fn uncertain(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure))
}
