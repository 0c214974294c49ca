//! What a writer's session is set to, seen from within.

use super::connect::{Address, Runner, Wire};
use super::{Own, Server};
use crate::dialect::PG_TOUCH;
use crate::error::StoreError;
use crate::source::Sink;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TTL: Duration = Duration::from_millis(500);

#[test]
fn commits_of_writers_wait_for_the_standbys_whatever_is_set_elsewhere() {
    let cluster = suanpan_testkit::cluster();
    let text = cluster.database();
    let name = cluster.sql(&text, "SELECT current_database()");
    for (set, used) in [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ] {
        cluster.sql(&text, &format!("ALTER DATABASE {name} SET synchronous_commit = {set}"));
        let address = Address::parse(&text).unwrap();
        let runner = Runner::own(&address).unwrap();
        let found: String = runner.wait(async {
            let wire = Wire::connect(&address, true).await.unwrap();
            wire.client.query_one("SHOW synchronous_commit", &[]).await.unwrap().get(0)
        });
        assert_eq!(found, used, "{set}");
    }
}

#[test]
fn a_writer_that_is_paused_within_a_transaction_does_not_keep_others_from_taking_over() {
    let text = suanpan_testkit::cluster().database();
    let server = Server::open(&text).unwrap();
    server.writer().unwrap().acquire(7, "paused", TTL).unwrap();
    let address = Arc::new(Address::parse(&text).unwrap());
    let own = Own { runner: Runner::own(&address).unwrap(), address, state: Mutex::default() };
    let (locked, lock) = channel();
    let (go_on, paused) = channel::<()>();
    std::thread::scope(|scope| {
        let pausing = scope.spawn(move || {
            own.transact(&mut |session| {
                session.run(&PG_TOUCH, &[])?;
                locked.send(()).unwrap();
                paused.recv().unwrap();
                Ok(())
            })
        });
        lock.recv().unwrap();
        std::thread::sleep(TTL);
        let began = Instant::now();
        let mut other = server.writer().unwrap();
        // As an engine does: again and again, a little later.
        while let Err(error) = other.acquire(7, "other", TTL) {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
            assert!(began.elapsed() < Duration::from_secs(20));
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        go_on.send(()).unwrap();
        // It wakes up, and finds that its transaction was ended.
        assert!(pausing.join().unwrap().is_err());
    });
}
