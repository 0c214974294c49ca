//! Statements on a connection of SQLite.

use crate::error::StoreError;
use crate::source::{Columns, Each, Engine, Session, Value, Work};
use crate::sql::Sql;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, TransactionBehavior, params_from_iter};

/// A connection, perhaps within a transaction.
pub(crate) struct Lite<'a> {
    pub at: &'a str,
    pub connection: &'a Connection,
}

impl Session for Lite<'_> {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn at(&self) -> &str {
        self.at
    }

    fn rows(
        &mut self,
        sql: &'static Sql,
        values: &[Value<'_>],
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let fault = |error| from(self.at, error);
        let mut statement = self.connection.prepare_cached(sql.text).map_err(fault)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            each(&Line { at: self.at, row })?;
        }
        Ok(())
    }

    fn run(&mut self, sql: &'static Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let fault = |error| from(self.at, error);
        let mut statement = self.connection.prepare_cached(sql.text).map_err(fault)?;
        let changed = statement.execute(params_from_iter(values)).map_err(fault)?;
        Ok(changed as u64)
    }
}

/// Runs work in a transaction, which is rolled back unless the work ends well.
pub(crate) fn within(
    at: &str,
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: &mut Work<'_>,
) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(behavior).map_err(|error| from(at, error))?;
    work(&mut Lite { at, connection: &transaction })?;
    transaction.commit().map_err(|error| from(at, error))
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Int(value) => ToSqlOutput::from(*value),
            Value::Bool(value) => ToSqlOutput::from(*value),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Texts(_) => {
                return Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no arrays".into()));
            }
        })
    }
}

struct Line<'a, 'r> {
    at: &'a str,
    row: &'a Row<'r>,
}

impl Line<'_, '_> {
    fn value(&self, at: usize) -> Result<ValueRef<'_>, StoreError> {
        self.row.get_ref(at).map_err(|error| from(self.at, error))
    }

    fn wrong<T>(&self, at: usize, found: &ValueRef<'_>) -> Result<T, StoreError> {
        Err(StoreError::Damaged {
            at: self.at.to_owned(),
            reason: format!("column {at} holds a value of type {}", found.data_type()),
        })
    }
}

impl Columns for Line<'_, '_> {
    fn int(&self, at: usize) -> Result<i64, StoreError> {
        match self.value(at)? {
            ValueRef::Integer(value) => Ok(value),
            other => self.wrong(at, &other),
        }
    }

    fn int_or_none(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.value(at)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(value) => Ok(Some(value)),
            other => self.wrong(at, &other),
        }
    }

    fn bool(&self, at: usize) -> Result<bool, StoreError> {
        Ok(self.int(at)? != 0)
    }

    fn text(&self, at: usize) -> Result<&str, StoreError> {
        match self.value(at)? {
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).or_else(|_| self.wrong(at, &ValueRef::Blob(bytes)))
            }
            other => self.wrong(at, &other),
        }
    }

    fn bytes(&self, at: usize) -> Result<&[u8], StoreError> {
        match self.value(at)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            other => self.wrong(at, &other),
        }
    }

    fn bytes_or_none(&self, at: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.value(at)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            other => self.wrong(at, &other),
        }
    }
}

/// Returns the error of SQLite as ours, with what to do about it.
pub(crate) fn from(at: &str, error: rusqlite::Error) -> StoreError {
    let at = at.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { at, reason: error.to_string() },
        Some(ErrorCode::NotADatabase) => {
            StoreError::Foreign { at, found: "a file that is no SQLite database".to_owned() }
        }
        Some(ErrorCode::DiskFull) => {
            StoreError::Unavailable { at, reason: format!("{error}; make room on the disk") }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable {
            at,
            reason: format!("{error}; another process has been writing for too long"),
        },
        Some(ErrorCode::CannotOpen) => StoreError::Unavailable {
            at,
            reason: format!("{error}; does the directory exist, and may this user write there?"),
        },
        _ => StoreError::Unavailable { at, reason: error.to_string() },
    }
}
