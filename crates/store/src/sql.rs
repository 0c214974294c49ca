//! All SQL, written once: `?N` becomes `$N` for PostgreSQL. What is true of one database only stands in
//! [`crate::dialect`].

/// A statement.
#[derive(Debug)]
pub(crate) struct Sql {
    /// Its text, with `?N` for parameters.
    pub text: &'static str,
}

/// Names statements and puts them into a table, so that a test can prepare them all.
macro_rules! statements {
    ($table:ident: $($name:ident = $text:expr;)+) => {
        $(pub(crate) static $name: Sql = Sql { text: $text };)+
        /// All statements of this group.
        #[cfg(test)]
        pub(crate) static $table: &[(&str, &Sql)] = &[$((stringify!($name), &$name)),+];
    };
}
pub(crate) use statements;

statements! { SHARED:
    STANDING = "SELECT cell, epoch, node, expires, seq, hash, entries, at, checkpoint FROM cell WHERE one = 1";
    SCHEMA = "SELECT CAST(COALESCE(MAX(version), 0) AS bigint) FROM suanpan_migrations";
    FOUND_CELL = "INSERT INTO cell (one, cell, epoch, node, expires, seq, hash, entries, at, checkpoint)
        VALUES (1, ?1, 0, '', 0, 0, ?2, 0, 0, 0) ON CONFLICT (one) DO NOTHING";
    TAKE = "UPDATE cell SET epoch = epoch + 1, node = ?1, expires = ?2 WHERE one = 1 AND cell = ?3 AND epoch = ?4";
    RENEW = "UPDATE cell SET expires = ?1 WHERE one = 1 AND cell = ?2 AND epoch = ?3";
    // The fence: it changes the one row only while the cell stands where the writer believes it to stand.
    MOVE = "UPDATE cell SET seq = ?1, hash = ?2, entries = ?3, at = ?4 WHERE one = 1 AND cell = ?5 AND epoch = ?6
        AND seq = ?7 AND hash = ?8 AND entries = ?9";
    CHECKPOINT = "UPDATE cell SET checkpoint = ?1 WHERE one = 1";
    ADD_RECORD = "INSERT INTO record (seq, first, entries, at, epoch, hash, root, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

    ACCOUNTS = "SELECT number, path, currency, body FROM account ORDER BY number";
    PAGES = "SELECT number, body FROM balance_page ORDER BY number";
    HOLDS = "SELECT id, body FROM hold ORDER BY id";

    RECORD = "SELECT seq, first, entries, at, epoch, hash, root, body FROM record WHERE seq = ?1";
    RECORD_OF = "SELECT seq, first, entries, at, epoch, hash, root, body FROM record WHERE first <= ?1
        ORDER BY first DESC, seq DESC LIMIT 1";
    RECORDS = "SELECT seq, first, entries, at, epoch, hash, root, body FROM record WHERE seq >= ?1
        ORDER BY seq LIMIT ?2";
    MARKS = "SELECT seq, first, entries, at, epoch, hash, root FROM record WHERE seq >= ?1 AND seq < ?2
        ORDER BY seq";

    LIST = "SELECT id, kind, merchant, live, created, version, body FROM object
        WHERE kind = ?1 AND merchant = ?2 AND live = ?3 AND (created, id) < (?4, ?5) AND (created, id) > (?6, ?7)
        ORDER BY created DESC, id DESC LIMIT ?8";
    LIST_BACK = "SELECT id, kind, merchant, live, created, version, body FROM object
        WHERE kind = ?1 AND merchant = ?2 AND live = ?3 AND (created, id) < (?4, ?5) AND (created, id) > (?6, ?7)
        ORDER BY created, id LIMIT ?8";
    LIST_LINKED = "SELECT o.id, o.kind, o.merchant, o.live, o.created, o.version, o.body
        FROM link l JOIN object o ON o.id = l.id
        WHERE l.name = ?9 AND l.key = ?10 AND (l.created, l.id) < (?4, ?5) AND (l.created, l.id) > (?6, ?7)
        AND o.kind = ?1 AND o.merchant = ?2 AND o.live = ?3
        ORDER BY l.created DESC, l.id DESC LIMIT ?8";
    LIST_LINKED_BACK = "SELECT o.id, o.kind, o.merchant, o.live, o.created, o.version, o.body
        FROM link l JOIN object o ON o.id = l.id
        WHERE l.name = ?9 AND l.key = ?10 AND (l.created, l.id) < (?4, ?5) AND (l.created, l.id) > (?6, ?7)
        AND o.kind = ?1 AND o.merchant = ?2 AND o.live = ?3
        ORDER BY l.created, l.id LIMIT ?8";
    LINKED = "SELECT id FROM link WHERE name = ?1 AND key = ?2 ORDER BY created DESC, id DESC LIMIT ?3";

    EVENT_BLOCK = "SELECT first, last, body FROM event_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
    EVENTS = "SELECT b.first, b.body FROM event_name n JOIN event_block b ON b.first = n.first
        WHERE n.merchant = ?1 AND n.live = ?2 AND n.kind = ?3 AND n.first < ?4 AND n.first >= ?5
        ORDER BY n.first DESC LIMIT ?6";
    EVENTS_BACK = "SELECT b.first, b.body FROM event_name n JOIN event_block b ON b.first = n.first
        WHERE n.merchant = ?1 AND n.live = ?2 AND n.kind = ?3 AND n.first < ?4 AND n.first >= ?5
        ORDER BY n.first LIMIT ?6";
    OLD_EVENTS = "SELECT first, body FROM event_block WHERE last < ?1 AND first <= ?1 ORDER BY first LIMIT ?2";

    UNIQUE = "SELECT id FROM link_unique WHERE name = ?1 AND key = ?2";
    ANSWER = "SELECT scope, key, digest, status, body, created, event, event_from, event_to FROM answer
        WHERE scope = ?1 AND key = ?2";

    JOBS_DUE = "SELECT id, kind, due, body FROM job WHERE kind = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?3";
    JOBS_BETWEEN = "SELECT id, kind, due, body FROM job WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
    COUNT_JOBS = "SELECT count(*) FROM job";
    COUNT_ACCOUNTS = "SELECT count(*) FROM account";
}

statements! { HISTORY:
    RUNS = "SELECT id, kind, level, first, past, seq, hash, pages, directory FROM history_run
        WHERE kind = ?1 AND state = 1 ORDER BY first";
    RUN_SPAN = "SELECT kind, first, past FROM history_run WHERE id = ?1 AND state = 1";
    RUN_PAGES = "SELECT pages FROM history_run WHERE id = ?1 AND state = 1";
    LAST_RUN = "SELECT COALESCE(MAX(id), 0) FROM history_run";
    SEALED = "SELECT COALESCE(MAX(past), 0) FROM history_run WHERE kind = ?1 AND state = 1";
    BEGIN_RUN = "INSERT INTO history_run (id, kind, level, first, past, seq, hash, pages, directory, state)
        VALUES (?1, ?2, 0, 0, 1, 1, ?3, 0, ?4, 0)";
    FINISH_RUN = "UPDATE history_run SET level = ?1, first = ?2, past = ?3, seq = ?4, hash = ?5, pages = ?6,
        directory = ?7, state = 1 WHERE id = ?8 AND kind = ?9 AND state = 0";
    ADD_PAGE = "INSERT INTO history_page (run, number, body) VALUES (?1, ?2, ?3)";
    PAGE = "SELECT body FROM history_page WHERE run = ?1 AND number = ?2";
    COUNT_PAGES = "SELECT COUNT(*) FROM history_page WHERE run = ?1";
    REPLACE_RUN = "UPDATE history_run SET state = 2 WHERE id = ?1";
    REPLACE_ALL = "UPDATE history_run SET state = 2 WHERE state <> 2";
    REPLACE_UNFINISHED = "UPDATE history_run SET state = 2 WHERE state = 0";
    REPLACED = "SELECT COALESCE(MIN(id), 0) FROM history_run WHERE state = 2";
    LAST_PAGE = "SELECT COALESCE(MAX(number), -1) FROM history_page WHERE run = ?1";
    DROP_PAGES = "DELETE FROM history_page WHERE run = ?1 AND number >= ?2";
    DROP_RUN = "DELETE FROM history_run WHERE id = ?1";
    HISTORY_EPOCH = "SELECT epoch FROM history_writer WHERE one = 1";
    CLAIM_HISTORY = "UPDATE history_writer SET epoch = ?1 WHERE one = 1";
    // The fence: as long as its transaction lasts, nobody else can claim the history.
    HOLD_HISTORY = "UPDATE history_writer SET epoch = ?1 WHERE one = 1 AND epoch = ?1";
}

#[cfg(test)]
mod tests {
    use super::{HISTORY, SHARED, Sql};
    use crate::dialect::{POSTGRES, SQLITE, for_postgres};
    use crate::open;
    use crate::postgres::PLANS;
    use std::collections::BTreeSet;

    type Table = &'static [(&'static str, &'static Sql)];

    #[test]
    fn every_statement_can_be_prepared_on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.sqlite");
        let database = open(&path.display().to_string()).unwrap();
        drop(database.history().unwrap());
        let cell = rusqlite::Connection::open(&path).unwrap();
        let history = rusqlite::Connection::open(folder.path().join("cell-history.sqlite")).unwrap();
        let groups: [(&rusqlite::Connection, Table); 3] =
            [(&cell, SHARED), (&cell, SQLITE), (&history, HISTORY)];
        for (connection, group) in groups {
            for (name, sql) in group {
                connection.prepare(sql.text).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }

    #[test]
    fn every_statement_can_be_prepared_on_postgres() {
        let address = suanpan_testkit::cluster().database();
        let database = open(&address).unwrap();
        drop(database.history().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            for (name, sql) in SHARED.iter().chain(HISTORY).chain(POSTGRES) {
                let text = for_postgres(sql.text);
                client.prepare(&text).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        });
    }

    /// Those that ask for all of a table.
    const WHOLE: [&str; 4] = ["COUNT_JOBS", "COUNT_ACCOUNTS", "PG_SIZES", "SCHEMA"];

    #[test]
    fn no_statement_reads_a_whole_table_on_postgres() {
        let address = suanpan_testkit::cluster().database();
        drop(open(&address).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(PLANS).await.unwrap();
            for (name, sql) in SHARED.iter().chain(POSTGRES).filter(|(name, _)| !WHOLE.contains(name)) {
                let text = for_postgres(sql.text);
                let count = client.prepare(&text).await.unwrap().params().len();
                let given =
                    if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
                let explain = format!("PREPARE s_{name} AS {text}; EXPLAIN EXECUTE s_{name}{given}");
                let rows = client.simple_query(&explain).await.unwrap();
                let plan: Vec<&str> = rows
                    .iter()
                    .filter_map(|row| match row {
                        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                        _ => None,
                    })
                    .collect();
                let plan = plan.join("\n");
                assert!(!plan.is_empty() && !plan.contains("Seq Scan"), "{name}:\n{plan}");
            }
        });
    }

    #[test]
    fn no_two_statements_are_the_same() {
        let all: Vec<&str> = [SHARED, HISTORY, SQLITE, POSTGRES]
            .iter()
            .flat_map(|group| group.iter().map(|(_, sql)| sql.text))
            .collect();
        let different: BTreeSet<&&str> = all.iter().collect();
        assert_eq!(all.len(), different.len());
    }

    #[test]
    fn lists_are_read_from_an_index() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        for (_, step) in crate::migrations::Schema::Cell.steps(crate::source::Engine::Sqlite) {
            database.execute_batch(step).unwrap();
        }
        for sql in [
            &super::LIST,
            &super::LIST_BACK,
            &super::LIST_LINKED,
            &super::LIST_LINKED_BACK,
            &super::JOBS_DUE,
            &super::JOBS_BETWEEN,
            &super::RECORD_OF,
            &super::EVENT_BLOCK,
            &super::EVENTS,
            &super::EVENTS_BACK,
            &super::OLD_EVENTS,
            &crate::dialect::LITE_DROP_EVENT_NAME,
        ] {
            let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text)).unwrap();
            let count = plan.parameter_count();
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(vec![1; count]), |row| row.get(3))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let steps = steps.join("; ");
            assert!(!steps.contains("SCAN") && !steps.contains("TEMP B-TREE"), "{}: {steps}", sql.text);
        }
    }
}
