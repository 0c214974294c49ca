//! Statements on a connection to PostgreSQL.

use super::connect::{Runner, Wire};
use crate::dialect::for_postgres;
use crate::error::StoreError;
use crate::source::{Columns, Each, Engine, Session, Value, Work};
use crate::sql::Sql;
use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres::{Row, Statement};

/// Begins a transaction that sees one state of the database.
pub(super) const ONE_STATE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Begins a transaction that writes.
pub(super) const WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// A connection, perhaps within a transaction.
pub(super) struct Remote<'a> {
    pub at: &'a str,
    pub runner: &'a Runner,
    pub wire: &'a mut Wire,
}

/// Why a transaction did not end well.
#[derive(Debug)]
pub(super) struct Failed {
    pub error: StoreError,
    /// It may have ended well all the same.
    pub unknown: bool,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed { error, unknown: false }
    }
}

/// Runs work in a transaction, which is rolled back unless the work ends well.
pub(super) fn within(
    (at, runner): (&str, &Runner),
    wire: &mut Wire,
    begin: &str,
    work: &mut Work<'_>,
) -> Result<(), Failed> {
    if let Err(error) = runner.wait(wire.client.batch_execute(begin)) {
        wire.broken = true;
        return Err(from(at, &error).into());
    }
    if let Err(error) = work(&mut Remote { at, runner, wire }) {
        wire.broken |= runner.wait(wire.client.batch_execute("ROLLBACK")).is_err();
        return Err(error.into());
    }
    runner.wait(commit(at, wire)).map_err(|reason| {
        let error = StoreError::Unknown { at: at.to_owned(), reason };
        Failed { error, unknown: begin == WRITING }
    })
}

/// Commits. An error, or a warning such as that the wait for a standby was cancelled, leaves the end unknown;
/// the connection is not used again.
pub(super) async fn commit(at: &str, wire: &mut Wire) -> Result<(), String> {
    wire.warnings();
    if let Err(error) = wire.client.batch_execute("COMMIT").await {
        wire.broken = true;
        return Err(from(at, &error).to_string());
    }
    let warnings = wire.warnings();
    if warnings.is_empty() {
        return Ok(());
    }
    wire.broken = true;
    Err(warnings.join("; "))
}

/// Returns a prepared statement.
pub(super) async fn prepared(at: &str, wire: &mut Wire, sql: &'static Sql) -> Result<Statement, StoreError> {
    if let Some(statement) = wire.prepared.get(sql.text) {
        return Ok(statement.clone());
    }
    let statement = wire.client.prepare(&for_postgres(sql.text)).await.map_err(|error| from(at, &error))?;
    wire.prepared.insert(sql.text, statement.clone());
    Ok(statement)
}

impl Session for Remote<'_> {
    fn engine(&self) -> Engine {
        Engine::Postgres
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
        let (at, wire) = (self.at, &mut *self.wire);
        let rows = self.runner.wait(async {
            let statement = prepared(at, wire, sql).await?;
            wire.client.query(&statement, &parameters(values)).await.map_err(|error| from(at, &error))
        })?;
        rows.iter().try_for_each(|row| each(&Line { at, row }))
    }

    fn run(&mut self, sql: &'static Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let (at, wire) = (self.at, &mut *self.wire);
        self.runner.wait(async {
            let statement = prepared(at, wire, sql).await?;
            wire.client.execute(&statement, &parameters(values)).await.map_err(|error| from(at, &error))
        })
    }
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int(value) => value.to_sql(kind, out),
            Value::Bool(value) => value.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
            Value::Texts(texts) => texts.to_sql(kind, out),
        }
    }

    /// Which type it is shows when the value does: the test of all statements compares them.
    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Int(value) => value.to_sql_checked(kind, out),
            Value::Bool(value) => value.to_sql_checked(kind, out),
            Value::Text(text) => text.to_sql_checked(kind, out),
            Value::Bytes(bytes) => bytes.to_sql_checked(kind, out),
            Value::Texts(texts) => texts.to_sql_checked(kind, out),
        }
    }
}

struct Line<'a> {
    at: &'a str,
    row: &'a Row,
}

impl<'a> Line<'a> {
    fn get<T: FromSql<'a>>(&self, at: usize) -> Result<T, StoreError> {
        self.row.try_get(at).map_err(|error| StoreError::Damaged {
            at: self.at.to_owned(),
            reason: format!("column {at}: {error}"),
        })
    }
}

impl Columns for Line<'_> {
    fn int(&self, at: usize) -> Result<i64, StoreError> {
        self.get(at)
    }

    fn int_or_none(&self, at: usize) -> Result<Option<i64>, StoreError> {
        self.get(at)
    }

    fn bool(&self, at: usize) -> Result<bool, StoreError> {
        self.get(at)
    }

    fn text(&self, at: usize) -> Result<&str, StoreError> {
        self.get(at)
    }

    fn bytes(&self, at: usize) -> Result<&[u8], StoreError> {
        self.get(at)
    }

    fn bytes_or_none(&self, at: usize) -> Result<Option<&[u8]>, StoreError> {
        self.get(at)
    }
}

/// Returns the error of the driver as ours, with what the server said.
pub(super) fn from(at: &str, error: &tokio_postgres::Error) -> StoreError {
    let at = at.to_owned();
    let Some(said) = error.as_db_error() else {
        let source = std::error::Error::source(error).map_or(String::new(), |source| format!(": {source}"));
        return StoreError::Unavailable { at, reason: format!("{error}{source}") };
    };
    let code = said.code().code();
    let detail = said.detail().map_or(String::new(), |detail| format!(", {detail}"));
    let reason = format!("{}{detail} ({code})", said.message());
    match code {
        "XX001" | "XX002" => StoreError::Damaged { at, reason },
        "53100" => StoreError::Unavailable { at, reason: format!("{reason}; make room on its disk") },
        "55P03" => StoreError::Unavailable {
            at,
            reason: format!("{reason}; somebody holds a lock for too long, see pg_stat_activity"),
        },
        _ => StoreError::Unavailable { at, reason },
    }
}
