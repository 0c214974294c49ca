//! From an address to a database.

use crate::error::StoreError;
use crate::postgres::Server;
use crate::seam::{History, Read, Store};
use crate::sqlite::{File, Restored};
use std::path::Path;
use std::sync::Arc;

/// An open database of a cell.
#[derive(Debug)]
pub struct Database {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sqlite(File),
    Postgres(Server),
}

/// Opens a database, and brings its schema up to date; another process may serve from it meanwhile.
///
/// The address is a path or `sqlite:path` for a file of SQLite, `sqlite::memory:` for one that lives as long
/// as the [`Database`], or `postgres://user:password@host:port/name` with the options of libpq. TLS is not
/// spoken: reach a server elsewhere by a Unix socket, a private network or a tunnel.
///
/// # Errors
/// When the address is wrong, the database does not answer, holds something else, comes from a newer
/// program, or is set up so that it can lose what it acknowledged.
pub fn open(address: &str) -> Result<Database, StoreError> {
    let kind = if address.starts_with("postgres://") || address.starts_with("postgresql://") {
        Kind::Postgres(Server::open(address)?)
    } else if let Some((scheme, _)) = address.split_once("://") {
        return Err(StoreError::Address {
            address: crate::postgres::without_password(address),
            reason: format!("{scheme} is not known; give a path, sqlite:path or postgres://…"),
        });
    } else {
        match address.strip_prefix("sqlite:").unwrap_or(address) {
            "" => {
                return Err(StoreError::Address {
                    address: address.to_owned(),
                    reason: "the path is empty; give a path, sqlite:path or postgres://…".to_owned(),
                });
            }
            ":memory:" => Kind::Sqlite(File::memory()?),
            path => Kind::Sqlite(File::open(Path::new(path))?),
        }
    };
    Ok(Database { kind })
}

impl Database {
    /// Returns a writer with a connection of its own. It may write once it has the lease.
    ///
    /// # Errors
    /// When the database does not answer, or could lose what it acknowledges.
    pub fn writer(&self) -> Result<Box<dyn Store>, StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.writer(),
            Kind::Postgres(server) => server.writer(),
        }
    }

    /// Returns the reader; all readers share one pool of connections.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn Read> {
        match &self.kind {
            Kind::Sqlite(file) => file.reader(),
            Kind::Postgres(server) => server.reader(),
        }
    }

    /// Opens the history: a file beside that of the cell, or tables in the same database. A file that is
    /// damaged or of another program's version is put aside by [`History::clear`] or by deleting it.
    ///
    /// # Errors
    /// When the database does not answer, or the file is something else.
    pub fn history(&self) -> Result<Arc<dyn History>, StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.history(),
            Kind::Postgres(server) => server.history(),
        }
    }

    /// Returns which database it is: `sqlite` or `postgres`.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match &self.kind {
            Kind::Sqlite(_) => "sqlite",
            Kind::Postgres(_) => "postgres",
        }
    }

    /// Returns where it is, without a password.
    #[must_use]
    pub fn place(&self) -> &str {
        match &self.kind {
            Kind::Sqlite(file) => file.place(),
            Kind::Postgres(server) => server.place(),
        }
    }

    /// Copies the file of the cell to another place while it is being written, and verifies the copy.
    /// `progress` is told how many pages are left, of how many. The history is not copied: it is made again.
    ///
    /// # Errors
    /// When the copy exists already or cannot be written; on PostgreSQL, which has its own tools.
    pub fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Restored, StoreError> {
        match &self.kind {
            Kind::Sqlite(file) => file.backup(to, progress),
            Kind::Postgres(server) => Err(StoreError::Unsupported {
                at: server.place().to_owned(),
                reason: "PostgreSQL is backed up by its own tools: pg_basebackup and archived WAL give \
                         every moment back (point-in-time recovery); pgBackRest does both"
                    .to_owned(),
            }),
        }
    }
}
