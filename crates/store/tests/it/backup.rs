//! Copies of a cell.

use crate::world::{World, job, object};
use std::os::unix::fs::FileExt;
use suanpan_store::{StoreError, open, restore};

#[test]
fn a_cell_is_copied_while_it_is_written_and_comes_back() {
    let world = World::file();
    let mut cell = world.cell();
    for number in 0..200 {
        cell.with(|commit| {
            commit.objects = vec![object(&format!("pi_{number}"), number, 1)];
            commit.record = vec![5; 50_000];
            commit.jobs = vec![job(&number.to_string(), 1)];
        })
        .unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("backup.sqlite");
    let mut steps = 0;
    let done = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for _ in 0..50 {
                cell.with(|_| {}).unwrap();
            }
        });
        let done = world.database.backup(&copy, &mut |left, all| {
            assert!(left <= all);
            steps += 1;
        });
        writing.join().unwrap();
        done.unwrap()
    });
    assert!(steps > 0);
    let standing = done.standing.unwrap();
    assert!(standing.head.seq >= 200 && standing.head.seq <= cell.head.seq, "{}", standing.head.seq);
    assert_eq!(done.records, standing.head.seq);
    assert_eq!(done.bytes, std::fs::metadata(&copy).unwrap().len());
    let names = |folder: &std::path::Path| std::fs::read_dir(folder).unwrap().count();
    assert_eq!(names(folder.path()), 1, "nothing lies beside the copy");

    let back = folder.path().join("restored.sqlite");
    let restored = restore(&copy, &back, &mut |_, _| {}).unwrap();
    assert_eq!(restored.standing, Some(standing.clone()));
    let database = open(&back.display().to_string()).unwrap();
    let (_, head) =
        database.writer().unwrap().acquire(crate::world::CELL, "node-a", crate::world::TTL).unwrap();
    assert_eq!(head, standing.head);
    let found = database.reader().objects(&["pi_199"]).unwrap();
    assert_eq!(found, [Some(object("pi_199", 199, 1))]);

    for target in [&copy, &back] {
        assert!(matches!(world.database.backup(target, &mut |_, _| {}), Err(StoreError::Foreign { .. })));
        assert!(matches!(restore(&copy, target, &mut |_, _| {}), Err(StoreError::Foreign { .. })));
    }
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let world = World::file();
    let mut cell = world.cell();
    for _ in 0..50 {
        cell.with(|commit| commit.record = vec![5; 20_000]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("restored.sqlite");
    let copy = |name: &str| {
        let path = folder.path().join(name);
        world.database.backup(&path, &mut |_, _| {}).unwrap();
        path
    };
    // A page of an index is overwritten.
    let torn = copy("torn.sqlite");
    let file = std::fs::OpenOptions::new().write(true).open(&torn).unwrap();
    let length = file.metadata().unwrap().len();
    for at in (4096..length).step_by(4096) {
        file.write_all_at(&[0xee; 64], at).unwrap();
    }
    assert!(restore(&torn, &target, &mut |_, _| {}).is_err());
    // A record is missing, although every page is in order.
    let gap = copy("gap.sqlite");
    let raw = rusqlite::Connection::open(&gap).unwrap();
    raw.execute_batch("DROP TRIGGER record_kept; DELETE FROM record WHERE seq = 20").unwrap();
    drop(raw);
    let error = restore(&gap, &target, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    // The newest record is missing.
    let short = copy("short.sqlite");
    let raw = rusqlite::Connection::open(&short).unwrap();
    raw.execute_batch("DROP TRIGGER record_kept; DELETE FROM record WHERE seq = 50").unwrap();
    drop(raw);
    let error = restore(&short, &target, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(!target.exists());
    let error = restore(&folder.path().join("none.sqlite"), &target, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("no such backup"), "{error}");
}

#[test]
fn a_log_that_was_left_behind_is_not_read_into_a_restored_cell() {
    let world = World::file();
    let mut cell = world.cell();
    cell.with(|_| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("backup.sqlite");
    world.database.backup(&copy, &mut |_, _| {}).unwrap();
    // The log of another state of the same cell, as it lies there after its file was removed: its commits would be
    // read on top of the backup.
    for _ in 0..20 {
        cell.with(|commit| commit.jobs = vec![job("j", 1)]).unwrap();
    }
    let target = folder.path().join("restored.sqlite");
    let beside = |end: &str| folder.path().join(format!("restored{end}"));
    std::fs::copy(format!("{}-wal", world.address), beside(".sqlite-wal")).unwrap();
    std::fs::copy(beside(".sqlite-wal"), beside(".sqlite.partial-wal")).unwrap();
    for end in [".sqlite-wal", ".sqlite-shm", ".sqlite-journal", "-history.sqlite-wal"] {
        std::fs::write(beside(end), std::fs::read(beside(".sqlite-wal")).unwrap_or_default()).unwrap();
        let error = restore(&copy, &target, &mut |_, _| {}).unwrap_err();
        assert!(matches!(&error, StoreError::Foreign { at, .. } if at.ends_with(end)), "{end}: {error}");
        assert!(error.to_string().contains("move this away"), "{error}");
        assert!(!target.exists());
        std::fs::remove_file(beside(end)).unwrap();
    }
    assert_eq!(restore(&copy, &target, &mut |_, _| {}).unwrap().records, 1);
}

#[test]
fn memory_can_be_copied_and_postgres_names_its_own_tools() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::memory();
    let mut cell = world.cell();
    cell.with(|_| {}).unwrap();
    let copy = folder.path().join("backup.sqlite");
    assert_eq!(world.database.backup(&copy, &mut |_, _| {}).unwrap().records, 1);
    let error = World::postgres().database.backup(&copy, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("pg_basebackup"), "{error}");
}
