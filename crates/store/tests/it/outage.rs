//! PostgreSQL stops, loses connections, and leaves commits unknown.

use crate::world::{CELL, Cell, TTL, World, job};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use suanpan_store::commit::CommitError;
use suanpan_store::{StoreError, open};
use suanpan_testkit::Cluster;

fn world(cluster: &Cluster) -> (World, Cell) {
    let world = World::at(&cluster.database());
    let mut cell = world.cell();
    cell.with(|_| {}).unwrap();
    (world, cell)
}

/// Makes commits wait for a standby that does not exist. Backends and the checkpointer take the setting up a moment
/// after the reload; before that a commit would not wait.
fn wait_for_nobody(cluster: &Cluster) {
    cluster.set("synchronous_standby_names = 'nobody'");
    thread::sleep(Duration::from_secs(1));
}

/// Waits until a backend of ours waits for something, and returns its process id.
fn waiting(cluster: &Cluster, event: &str) -> String {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        let pid = cluster.sql(
            "postgres",
            &format!(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'suanpan' \
                 AND wait_event = '{event}' ORDER BY backend_start LIMIT 1"
            ),
        );
        if !pid.is_empty() {
            return pid;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("no backend waits for {event}");
}

#[test]
fn a_restart_under_an_open_writer_is_survived() {
    let cluster = Cluster::start();
    for how in ["fast", "immediate"] {
        let (world, mut cell) = world(&cluster);
        let reader = world.database.reader();
        assert!(reader.standing().unwrap().is_some());
        cluster.stop(how);
        let error = cell.with(|_| {}).unwrap_err();
        assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
        assert!(matches!(cell.store.head(), Err(StoreError::Unavailable { .. })));
        assert!(matches!(reader.standing(), Err(StoreError::Unavailable { .. })));
        cluster.restart();
        assert_eq!(cell.store.head().unwrap(), cell.head);
        cell.with(|_| {}).unwrap();
        assert_eq!(reader.standing().unwrap().unwrap().head, cell.head);
    }
}

#[test]
fn a_backend_killed_before_the_commit_leaves_nothing() {
    let cluster = Cluster::start();
    let (world, mut cell) = world(&cluster);
    let (ready, locked) = channel();
    thread::scope(|scope| {
        let address = world.address.clone();
        let cluster = &cluster;
        let lock = scope.spawn(move || {
            ready.send(()).unwrap();
            cluster.sql(&address, "BEGIN; LOCK TABLE job; SELECT pg_sleep(2); COMMIT");
        });
        locked.recv().unwrap();
        // Until the lock is there.
        while cluster.sql(
            &world.address,
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'job'::regclass",
        ) == "0"
        {
            thread::sleep(Duration::from_millis(5));
        }
        let commit = {
            let mut commit = cell.next(1);
            commit.jobs = vec![job("j", 1)];
            commit
        };
        let killer = scope.spawn(move || {
            let pid = waiting(cluster, "relation");
            cluster.sql("postgres", &format!("SELECT pg_terminate_backend({pid})"));
        });
        let error = cell.store.commit(&commit).unwrap_err();
        assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
        killer.join().unwrap();
        lock.join().unwrap();
        assert_eq!(cell.store.head().unwrap(), cell.head);
        cell.put(&commit).unwrap();
    });
}

#[test]
fn a_commit_whose_wait_for_the_standby_ends_is_unknown() {
    let cluster = Cluster::start();
    for how in ["pg_cancel_backend", "pg_terminate_backend"] {
        let (_world, mut cell) = world(&cluster);
        wait_for_nobody(&cluster);
        let commit = cell.next(3);
        let error = thread::scope(|scope| {
            let cluster = &cluster;
            scope.spawn(move || {
                let pid = waiting(cluster, "SyncRep");
                cluster.sql("postgres", &format!("SELECT {how}({pid})"));
            });
            cell.store.commit(&commit).unwrap_err()
        });
        assert!(matches!(error, CommitError::Unknown(_)), "{how}: {error}");
        // It is there, but not where it would survive: the head is not answered before it is.
        let (head, waited) = thread::scope(|scope| {
            let cluster = &cluster;
            let healer = scope.spawn(move || {
                waiting(cluster, "SyncRep");
                cluster.set("synchronous_standby_names = ''");
                Instant::now()
            });
            let head = cell.store.head().unwrap();
            let answered = Instant::now();
            (head, answered >= healer.join().unwrap() - Duration::from_millis(200))
        });
        assert!(waited, "{how}");
        assert_eq!(head, commit.after, "{how}");
        cell.head = head;
        cell.with(|_| {}).unwrap();
    }
}

#[test]
fn a_commit_in_flight_is_seen_by_who_takes_over() {
    let cluster = Cluster::start();
    let (world, mut cell) = world(&cluster);
    wait_for_nobody(&cluster);
    let commit = cell.next(3);
    let mut other = world.database.writer().unwrap();
    let (taken, committed) = thread::scope(|scope| {
        let cluster = &cluster;
        let (store, commit) = (&mut cell.store, &commit);
        let committing = scope.spawn(move || store.commit(commit));
        waiting(cluster, "SyncRep");
        let taking = scope.spawn(move || other.seize(CELL, "node-b", TTL));
        waiting(cluster, "transactionid");
        cluster.set("synchronous_standby_names = ''");
        (taking.join().unwrap().unwrap(), committing.join().unwrap())
    });
    committed.unwrap();
    assert_eq!(taken.1, commit.after);
    cell.head = commit.after;
    let late = cell.with(|_| {}).unwrap_err();
    assert!(matches!(late, CommitError::Fenced { .. }), "{late}");
}

#[test]
fn a_server_that_starts_again_is_found_by_its_address() {
    let cluster = Cluster::start();
    let (world, cell) = world(&cluster);
    drop(cell.store);
    cluster.stop("immediate");
    assert!(matches!(open(&world.address), Err(StoreError::Unavailable { .. })));
    cluster.restart();
    let again = World::at(&world.address).cell();
    assert_eq!(again.head, cell.head);
}
