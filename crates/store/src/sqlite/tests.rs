//! What needs a hand on the connection: a crash before the end of a commit, and a full disk.

use super::connect::{Access, connect};
use super::{One, write};
use crate::commit::{Commit, CommitError, Head, Job, Lease};
use crate::migrations::Schema;
use crate::plan::Plan;
use crate::seam::Store;
use crate::writer::Writer;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn writer(path: &Path) -> (Writer<Arc<One>>, Lease, Head) {
    let connection = connect(path, Schema::Cell, Access::Write).unwrap();
    let at = path.display().to_string();
    let mut writer = Writer { ledger: Arc::new(One::new(at.clone(), connection)), at };
    let (lease, head) = writer.acquire(1, "node", Duration::from_secs(9)).unwrap();
    (writer, lease, head)
}

fn commit(lease: Lease, before: Head, record: Vec<u8>) -> Commit {
    let seq = before.seq + 1;
    let mut hash = [1; 32];
    hash[..8].copy_from_slice(&seq.to_le_bytes());
    Commit {
        lease,
        before,
        after: Head { seq, hash, entries: before.entries + 1, at: 5 },
        record,
        root: [2; 32],
        accounts: Vec::new(),
        objects: Vec::new(),
        links: Vec::new(),
        events: Vec::new(),
        answers: Vec::new(),
        jobs: vec![Job { id: format!("job_{seq}"), kind: "webhook", due: 1, body: "{}".to_owned() }],
        jobs_done: Vec::new(),
        checkpoint: None,
    }
}

/// More than the memory for pages, so that much of it is in the log before the end, and is read there again.
#[test]
fn a_commit_larger_than_the_memory_is_read_back_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.sqlite");
    let connection = connect(&path, Schema::Cell, Access::Write).unwrap();
    let reader = connect(&path, Schema::Cell, Access::Read).unwrap();
    let count = |connection: &rusqlite::Connection| -> (i64, i64) {
        let sums = "SELECT count(*), COALESCE(sum(length(body)), 0) FROM job WHERE body LIKE '%' || id";
        connection.query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let fill = |from: i64, to: i64| {
        for number in from..to {
            let id = format!("{number:08}");
            let body = format!("{}{id}", "x".repeat(50_000));
            let job = (&id, "webhook", 1, &body);
            connection.execute("INSERT INTO job (id, kind, due, body) VALUES (?1, ?2, ?3, ?4)", job).unwrap();
        }
    };
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    fill(0, 600);
    assert_eq!(count(&connection), (600, 600 * 50_008));
    connection.execute_batch("SAVEPOINT half").unwrap();
    fill(600, 1_200);
    assert_eq!(count(&connection), (1_200, 1_200 * 50_008));
    connection.execute_batch("ROLLBACK TO half").unwrap();
    assert_eq!((count(&connection).0, count(&reader).0), (600, 0));
    fill(600, 700);
    connection.execute_batch("COMMIT").unwrap();
    assert_eq!(count(&reader), (700, 700 * 50_008));
    let sound: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn a_connection_that_goes_before_the_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.sqlite");
    let (mut first, lease, head) = writer(&path);
    let whole = commit(lease, head, vec![7; 100_000]);
    first.commit(&whole).unwrap();
    let half = commit(lease, whole.after, vec![8; 100_000]);
    {
        let connection = connect(&path, Schema::Cell, Access::Write).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        write::rows("here", &connection, &Plan::of(&half).unwrap()).unwrap();
        let seen: i64 = connection.query_row("SELECT seq FROM cell", [], |row| row.get(0)).unwrap();
        assert_eq!(seen, 2, "it was written, but not committed");
    }
    assert_eq!(first.head().unwrap(), whole.after);
    first.commit(&half).unwrap();
}

#[test]
fn a_full_disk_leaves_nothing_half_written_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, lease, mut head) = writer(&folder.path().join("cell.sqlite"));
    let limit = |pages: i64| {
        let connection = writer.ledger.lock();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    let pages: i64 = writer.ledger.lock().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    limit(pages + 40);
    let mut written = 0;
    let error = loop {
        let next = commit(lease, head, vec![9; 100_000]);
        match writer.commit(&next) {
            Ok(()) => (head, written) = (next.after, written + 1),
            Err(error) => break error,
        }
    };
    assert!(written > 0);
    assert!(matches!(&error, CommitError::Unavailable(text) if text.contains("room")), "{error}");
    assert_eq!(writer.head().unwrap(), head);
    let jobs: i64 = writer.ledger.lock().query_row("SELECT count(*) FROM job", [], |row| row.get(0)).unwrap();
    assert_eq!(jobs, written);
    let connection = writer.ledger.lock();
    connection.pragma_update_and_check(None, "max_page_count", pages + 1000, |_| Ok(())).unwrap();
    drop(connection);
    writer.commit(&commit(lease, head, vec![9; 100_000])).unwrap();
}

#[test]
fn after_an_unknown_end_the_log_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.sqlite");
    let (mut writer, lease, head) = writer(&path);
    let next = commit(lease, head, vec![9; 100_000]);
    writer.commit(&next).unwrap();
    let log = folder.path().join("cell.sqlite-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 100_000);
    writer.ledger.unsettled.store(true, std::sync::atomic::Ordering::Release);
    assert_eq!(writer.head().unwrap(), next.after);
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
}

#[test]
fn every_commit_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, ..) = writer(&folder.path().join("cell.sqlite"));
    let connection = writer.ledger.lock();
    let ask = |name: &str| -> String {
        connection
            .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(ask("synchronous"), "2", "FULL");
    assert_eq!(ask("journal_mode"), "wal");
}

/// What a power cut may leave behind the last sync of the log: nothing, a part, sectors that were never written,
/// sectors of something else. Each of them gives the commits that were synced, whole, and nothing else.
#[test]
fn a_torn_log_gives_whole_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.sqlite");
    let (mut writer, lease, mut head) = writer(&path);
    let log_of = |path: &Path| path.with_file_name("cell.sqlite-wal");
    let mut synced = vec![(std::fs::metadata(log_of(&path)).unwrap().len(), head)];
    for size in [10, 3_000, 20_000, 100, 60_000] {
        let next = commit(lease, head, vec![9; size]);
        writer.commit(&next).unwrap();
        head = next.after;
        synced.push((std::fs::metadata(log_of(&path)).unwrap().len(), head));
    }
    let whole = std::fs::read(log_of(&path)).unwrap();
    let mut cases = 0;
    for pair in synced.windows(2) {
        let ((kept, before), (end, _)) = (pair[0], pair[1]);
        let (kept, end) = (usize::try_from(kept).unwrap(), usize::try_from(end).unwrap());
        for cut in (kept..end).step_by((end - kept) / 7).chain([kept + 1, end - 1]) {
            let mut zeros = whole[..end].to_vec();
            zeros[cut..].fill(0);
            let mut others = whole[..end].to_vec();
            others[cut..].fill(0xa7);
            // One sector is missing, all after it are there.
            let mut hole = whole[..end].to_vec();
            let sector = (cut + 512).min(end);
            hole[cut..sector].fill(0x55);
            for log in [&whole[..cut], &zeros, &others, &hole] {
                let crashed = tempfile::tempdir().unwrap();
                let copy = crashed.path().join("cell.sqlite");
                std::fs::copy(&path, &copy).unwrap();
                std::fs::write(log_of(&copy), log).unwrap();
                let connection = connect(&copy, Schema::Cell, Access::Write).unwrap();
                let found: (i64, Vec<u8>, i64) = connection
                    .query_row("SELECT seq, hash, (SELECT count(*) FROM job) FROM cell", [], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .unwrap();
                let seq = i64::try_from(before.seq).unwrap();
                assert_eq!(found, (seq, before.hash.to_vec(), seq), "cut at {cut} of {kept}..{end}");
                cases += 1;
            }
        }
    }
    assert!(cases > 100);
}

#[test]
fn the_log_of_a_busy_cell_begins_anew_and_nothing_waits_for_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.sqlite");
    let file = super::File::open(&path).unwrap();
    let mut writer = file.writer().unwrap();
    let (lease, mut head) = writer.acquire(1, "node", Duration::from_secs(9)).unwrap();
    let log = || std::fs::metadata(folder.path().join("cell.sqlite-wal")).unwrap().len() >> 20;
    let mut write = |commits: u32| {
        for _ in 0..commits {
            let next = commit(lease, head, vec![7; 1 << 20]);
            writer.commit(&next).unwrap();
            head = next.after;
        }
    };
    write(200);
    assert!(log() < 120, "{} MiB of 200", log());
    // A reader that stays keeps the log, and holds no commit up.
    let reader = connect(&path, Schema::Cell, Access::Read).unwrap();
    reader.execute_batch("BEGIN; SELECT seq FROM cell").unwrap();
    let began = std::time::Instant::now();
    write(100);
    assert!(log() >= 100, "{} MiB", log());
    assert!(began.elapsed() < Duration::from_secs(30));
    drop(reader);
    std::thread::sleep(Duration::from_millis(300));
    write(100);
    let kept = log();
    write(400);
    // It begins anew from time to time, whichever of the two is faster just now; else it would have all 400 MiB.
    assert!(log() < kept + 300, "it grows no more: {} MiB, then {}", kept, log());
    assert_eq!(file.reader().standing().unwrap().unwrap().head, head);
}
