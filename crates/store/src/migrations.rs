//! The schemas, step by step: same numbers and names for both databases, forward only.

use crate::error::StoreError;
use crate::source::Engine;
use refinery::{Migration, Runner};

/// Which of the two schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The cell with its journal and objects.
    Cell,
    /// The runs of the history.
    History,
}

const CELL_SQLITE: &[(&str, &str)] = &[
    ("V1__cell", include_str!("../migrations/sqlite/V1__cell.sql")),
    ("V2__events", include_str!("../migrations/sqlite/V2__events.sql")),
];
const CELL_POSTGRES: &[(&str, &str)] = &[
    ("V1__cell", include_str!("../migrations/postgres/V1__cell.sql")),
    ("V2__events", include_str!("../migrations/postgres/V2__events.sql")),
];
const HISTORY_SQLITE: &[(&str, &str)] = &[
    ("V1__runs", include_str!("../migrations/history_sqlite/V1__runs.sql")),
    ("V2__writer", include_str!("../migrations/history_sqlite/V2__writer.sql")),
];
const HISTORY_POSTGRES: &[(&str, &str)] = &[
    ("V1__runs", include_str!("../migrations/history_postgres/V1__runs.sql")),
    ("V2__writer", include_str!("../migrations/history_postgres/V2__writer.sql")),
];

impl Schema {
    pub(crate) const fn steps(self, engine: Engine) -> &'static [(&'static str, &'static str)] {
        match (self, engine) {
            (Schema::Cell, Engine::Sqlite) => CELL_SQLITE,
            (Schema::Cell, Engine::Postgres) => CELL_POSTGRES,
            (Schema::History, Engine::Sqlite) => HISTORY_SQLITE,
            (Schema::History, Engine::Postgres) => HISTORY_POSTGRES,
        }
    }

    /// Where refinery notes what was done.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Schema::Cell => "suanpan_migrations",
            Schema::History => "suanpan_history_migrations",
        }
    }

    /// The newest schema known here.
    pub(crate) const fn known(self) -> i64 {
        self.steps(Engine::Sqlite).len() as i64
    }

    /// Returns what runs the steps: all that are missing in one transaction.
    pub(crate) fn runner(self, at: &str, engine: Engine) -> Result<Runner, StoreError> {
        let steps: Result<Vec<Migration>, refinery::Error> =
            self.steps(engine).iter().map(|(name, sql)| Migration::unapplied(name, sql)).collect();
        let steps =
            steps.map_err(|error| StoreError::Migration { at: at.to_owned(), reason: error.to_string() })?;
        let mut runner = Runner::new(&steps).set_grouped(true);
        runner.set_migration_table_name(self.table());
        Ok(runner)
    }

    /// Compares the newest step that was done with those known here: whether there is something to do.
    pub(crate) fn compare(self, at: &str, found: i64) -> Result<bool, StoreError> {
        if found > self.known() {
            return Err(StoreError::Newer { at: at.to_owned(), found, known: self.known() });
        }
        Ok(found < self.known())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_take_the_same_steps() {
        for schema in [Schema::Cell, Schema::History] {
            let names = |engine| -> Vec<&str> { schema.steps(engine).iter().map(|step| step.0).collect() };
            assert_eq!(names(Engine::Sqlite), names(Engine::Postgres));
            for (number, name) in (1..).zip(names(Engine::Sqlite)) {
                assert!(name.starts_with(&format!("V{number}__")), "{name} is step {number}");
            }
        }
    }
}
