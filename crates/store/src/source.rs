//! What both databases can do, so that most of the store is written once.

use crate::error::StoreError;
use crate::sql::Sql;
use std::sync::Arc;

/// A value for a parameter. All whole numbers are 64 bits wide in both databases.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Int(i64),
    Bool(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Only PostgreSQL.
    Texts(&'a [&'a str]),
}

/// The columns of a row, by place.
pub(crate) trait Columns {
    fn int(&self, at: usize) -> Result<i64, StoreError>;
    fn int_or_none(&self, at: usize) -> Result<Option<i64>, StoreError>;
    fn bool(&self, at: usize) -> Result<bool, StoreError>;
    fn text(&self, at: usize) -> Result<&str, StoreError>;
    fn bytes(&self, at: usize) -> Result<&[u8], StoreError>;
    fn bytes_or_none(&self, at: usize) -> Result<Option<&[u8]>, StoreError>;
}

/// Which of the two it is, where that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

pub(crate) type Each<'a> = dyn FnMut(&dyn Columns) -> Result<(), StoreError> + 'a;

/// A connection within a transaction.
pub(crate) trait Session {
    /// Which database this is.
    fn engine(&self) -> Engine;
    /// The place, for errors.
    fn at(&self) -> &str;
    /// Shows the rows that a statement gives.
    fn rows(
        &mut self,
        sql: &'static Sql,
        values: &[Value<'_>],
        each: &mut Each<'_>,
    ) -> Result<(), StoreError>;
    /// Runs a statement and says how many rows it changed.
    fn run(&mut self, sql: &'static Sql, values: &[Value<'_>]) -> Result<u64, StoreError>;
}

pub(crate) type Work<'a> = dyn FnMut(&mut dyn Session) -> Result<(), StoreError> + 'a;

/// Where reads go.
pub(crate) trait Source: Send + Sync {
    /// Which database this is.
    fn engine(&self) -> Engine;
    /// Runs reads on one state of the database.
    fn read(&self, work: &mut Work<'_>) -> Result<(), StoreError>;
    /// Runs reads that are one statement, or need not see one state.
    fn peek(&self, work: &mut Work<'_>) -> Result<(), StoreError>;
}

/// Where writes go.
pub(crate) trait Sink: Source {
    /// Runs work in a transaction that ends well only if the work does.
    fn transact(&self, work: &mut Work<'_>) -> Result<(), StoreError>;
}

impl<S: Source + ?Sized> Source for Arc<S> {
    fn engine(&self) -> Engine {
        (**self).engine()
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        (**self).read(work)
    }

    fn peek(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        (**self).peek(work)
    }
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn transact(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        (**self).transact(work)
    }
}

/// Returns a count or number that cannot be negative.
pub(crate) fn whole(at: &str, what: &str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value)
        .map_err(|_| StoreError::Damaged { at: at.to_owned(), reason: format!("{what} is {value}") })
}

/// Returns a number of 32 bits.
pub(crate) fn narrow(at: &str, what: &str, value: i64) -> Result<u32, StoreError> {
    u32::try_from(value)
        .map_err(|_| StoreError::Damaged { at: at.to_owned(), reason: format!("{what} is {value}") })
}

/// Returns a digest of 32 bytes.
pub(crate) fn digest(at: &str, what: &str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged {
        at: at.to_owned(),
        reason: format!("{what} has {} bytes instead of 32", bytes.len()),
    })
}

/// Returns a number as the databases store it.
pub(crate) fn stored(what: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::TooMuch { what, found: usize::MAX, max: i64::MAX as usize })
}

/// Refuses to answer more than the limit at once.
pub(crate) fn at_most(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    if found > max {
        return Err(StoreError::TooMuch { what, found, max });
    }
    Ok(())
}
