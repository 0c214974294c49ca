//! Addresses, foreign files, schemas, and what the database itself refuses.

use crate::world::{CELL, Cell, TTL, World};
use rusqlite::Connection;
use suanpan_store::{StoreError, open};

#[test]
fn addresses_that_cannot_be_are_explained() {
    for (address, says) in [
        ("", "path is empty"),
        ("sqlite:", "path is empty"),
        ("mysql://root:secret@host/db", "mysql is not known"),
        ("postgres://me:secret@db.example/x?sslmode=require", "TLS"),
        ("postgres://me:secret@db.example/x?sslmode=verify-full", "TLS"),
        ("postgres://me:secret@db.example/x?sslmode=prefer&password=secret", "TLS"),
        ("postgres://me:secret@db.example:notaport/x", "port"),
        ("postgres:///x", "host"),
    ] {
        let error = open(address).unwrap_err();
        assert!(matches!(error, StoreError::Address { .. }), "{address}: {error}");
        let text = error.to_string();
        assert!(text.contains(says), "{address}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn a_server_that_does_not_answer_is_unavailable() {
    let error = open("postgres://me:s3cr3t@127.0.0.1:1/x").unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.retryable() && !error.to_string().contains("s3cr3t"), "{error}");
    let error = open(&suanpan_testkit::cluster().address("no_such_database")).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("notes.txt"), "no database at all, but long enough to be one: ".repeat(50)).unwrap();
    Connection::open(at("other.sqlite")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let database = open(&at("cell.sqlite")).unwrap();
    drop(database.history().unwrap());
    for (name, says) in [
        ("notes.txt", "no SQLite database"),
        ("other.sqlite", "another program"),
        ("cell-history.sqlite", "the history of a cell"),
    ] {
        let before = std::fs::read(at(name)).unwrap();
        let error = open(&at(name)).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(std::fs::read(at(name)).unwrap(), before);
    }
    let error = open(&at("no/such/folder/cell.sqlite")).unwrap_err();
    assert!(error.to_string().contains("directory"), "{error}");
}

#[test]
fn a_newer_schema_is_refused() {
    let world = World::file();
    let newer = "INSERT INTO suanpan_migrations (version, name, applied_on, checksum)
        VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')";
    Connection::open(&world.address).unwrap().execute_batch(newer).unwrap();
    let error = open(&world.address).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");

    let world = World::postgres();
    suanpan_testkit::cluster().sql(&world.address, newer);
    let error = open(&world.address).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn many_may_open_an_empty_database_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // Many files, because who comes in the way of whom is chance.
    let files = (0..20).map(|number| folder.path().join(format!("{number}.sqlite")).display().to_string());
    for address in files.chain([suanpan_testkit::cluster().database()]) {
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let database = open(&address).unwrap();
                    database.history().unwrap();
                    assert_eq!(database.reader().standing().unwrap(), None);
                });
            }
        });
        let mut writer = open(&address).unwrap().writer().unwrap();
        writer.acquire(CELL, "node", TTL).unwrap();
    }
}

#[test]
fn the_schema_can_be_brought_up_to_date_while_another_serves() {
    for world in [World::file(), World::postgres()] {
        let mut cell = world.cell();
        cell.with(|_| {}).unwrap();
        let second = open(&world.address).unwrap();
        assert_eq!(second.reader().standing().unwrap().unwrap().head, cell.head);
        cell.with(|_| {}).unwrap();
    }
}

/// What must not be done to a cell, in the words of both databases.
const FORBIDDEN: &[(&str, &str)] = &[
    ("UPDATE record SET at = at + 1 WHERE seq = 1", "never changed"),
    ("DELETE FROM record WHERE seq = 1", "never deleted"),
    ("UPDATE cell SET seq = seq - 1, checkpoint = 0", "never goes back"),
    ("UPDATE cell SET epoch = 0", "never goes back"),
    ("DELETE FROM cell", "never deleted"),
    ("DELETE FROM account", "never deleted"),
];

fn filled(world: &World) -> Cell {
    let mut cell = world.cell();
    cell.with(|commit| {
        commit.accounts.push(suanpan_store::commit::AccountRow {
            number: 0,
            path: "a".to_owned(),
            currency: 1,
            body: vec![],
        });
    })
    .unwrap();
    cell
}

#[test]
fn sqlite_itself_refuses_to_change_the_past() {
    let world = World::file();
    let _cell = filled(&world);
    let raw = Connection::open(&world.address).unwrap();
    for (sql, says) in FORBIDDEN {
        let error = raw.execute_batch(sql).unwrap_err().to_string();
        assert!(error.contains(says), "{sql}: {error}");
    }
}

#[test]
fn postgres_itself_refuses_to_change_the_past() {
    let world = World::postgres();
    let _cell = filled(&world);
    let cluster = suanpan_testkit::cluster();
    for (sql, says) in FORBIDDEN.iter().chain(&[("TRUNCATE record", "never deleted")]) {
        let error = cluster.try_sql(&world.address, sql).unwrap_err();
        assert!(error.contains(says), "{sql}: {error}");
    }
}

#[test]
fn settings_that_can_lose_commits_are_refused() {
    let cluster = suanpan_testkit::Cluster::start();
    let world = World::at(&cluster.database());
    cluster.set("fsync = off");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let error = world.database.writer().err().unwrap();
    assert!(matches!(error, StoreError::Unsafe { setting: "fsync", .. }), "{error}");
    // Who only reads is not concerned.
    assert_eq!(world.database.reader().standing().unwrap(), None);
}

#[test]
fn readers_of_an_address_do_not_read_where_nobody_writes() {
    let world = World::postgres();
    let cluster = suanpan_testkit::cluster();
    let name = cluster.sql(&world.address, "SELECT current_database()");
    assert_eq!(world.database.reader().standing().unwrap(), None);
    // What a former primary is after a switch-over.
    cluster.sql(&world.address, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    assert!(matches!(open(&world.address), Err(StoreError::Unavailable { .. })));
    // Whoever wants to read there says so.
    let and = if world.address.contains('?') { '&' } else { '?' };
    let asked = open(&format!("{}{and}target_session_attrs=read-only", world.address)).unwrap();
    assert_eq!(asked.reader().standing().unwrap(), None);
    assert!(matches!(asked.writer().err().unwrap(), StoreError::Unavailable { .. }));
}
