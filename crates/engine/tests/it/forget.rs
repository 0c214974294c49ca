//! Databases that have forgotten what was acknowledged: nothing is written to them.

use crate::world::CELL;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use suanpan_engine::{BooksCommand, Channels, Clock, Config, Engine, Receipt, Refused, Role};
use suanpan_payments::settings::Settings;
use suanpan_store::open;
use tokio::runtime::Runtime;

struct Running {
    runtime: Option<Runtime>,
    engine: Engine,
}

impl Running {
    /// Starts an engine that keeps what it acknowledged in a file, or beside the database.
    fn start(address: &str, node: &str, kept: Option<PathBuf>) -> Running {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = Config {
            cell: CELL,
            node: node.to_owned(),
            lease: Duration::from_secs(1),
            settings: Settings::with_simulator([7; 32], "http://127.0.0.1"),
            clock: Clock::system(),
        };
        let database = open(address).unwrap();
        let engine = {
            let _within = runtime.enter();
            match kept {
                Some(_) => Engine::start_keeping(&database, Channels::default(), config, kept),
                None => Engine::start(&database, Channels::default(), config),
            }
        };
        Running { runtime: Some(runtime), engine: engine.unwrap() }
    }

    fn until(&self, what: &str, so: impl Fn(&Engine) -> bool) {
        let began = Instant::now();
        while !so(&self.engine) {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {:?}", self.engine.trouble());
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn writes(self) -> Running {
        self.until("writes", |engine| engine.role() == Role::Writer);
        self
    }

    /// Commits something and returns the receipt.
    fn commit(&self) -> Receipt {
        self.engine.books_blocking(BooksCommand::Open(Vec::new())).unwrap().1
    }

    /// Waits until it says that the history is another, and checks that it takes nothing in.
    fn refuses(&self) {
        self.until("a fork", |engine| engine.trouble().is_some_and(|why| why.starts_with("history fork")));
        let refused = self.engine.books_blocking(BooksCommand::Open(Vec::new())).unwrap_err();
        assert!(
            matches!(&refused, Refused::Unavailable(why) if why.starts_with("history fork")),
            "{refused:?}"
        );
        assert_ne!(self.engine.role(), Role::Writer);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Returns the record that a file names.
fn record_in(kept: &Path) -> u64 {
    let text = std::fs::read_to_string(kept).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("record ")?.parse().ok()).unwrap_or(0)
}

fn replace(file: &Path, by: &Path) {
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    std::fs::copy(by, file).unwrap();
}

#[test]
fn a_file_restored_from_an_older_backup_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (file, older, newer) =
        (folder.path().join("cell.sqlite"), folder.path().join("older"), folder.path().join("newer"));
    let address = file.display().to_string();
    let kept = folder.path().join("cell.sqlite.acknowledged");
    let (before, after);
    {
        let running = Running::start(&address, "node-a", None).writes();
        before = running.commit();
        open(&address).unwrap().backup(&older, &mut |_, _| {}).unwrap();
        after = running.commit();
        assert!(running.engine.contains(&after).unwrap());
        assert!(!running.engine.contains(&Receipt { hash: [1; 32], ..after }).unwrap());
        assert!(!running.engine.contains(&Receipt { cell: CELL + 1, ..after }).unwrap());
        assert!(!running.engine.contains(&Receipt { seq: after.seq + 100, ..after }).unwrap());
    }
    open(&address).unwrap().backup(&newer, &mut |_, _| {}).unwrap();
    replace(&file, &older);
    {
        let running = Running::start(&address, "node-a", None);
        running.refuses();
        // The receipts of clients tell the same.
        assert!(running.engine.contains(&before).unwrap());
        assert!(!running.engine.contains(&after).unwrap());
        // The way out is in the words.
        assert!(running.engine.trouble().unwrap().contains(&kept.display().to_string()));
    }
    replace(&file, &newer);
    {
        let running = Running::start(&address, "node-a", None).writes();
        assert!(running.engine.contains(&after).unwrap());
        running.commit();
    }
    // Whoever takes the loss upon himself says so by moving the file away.
    replace(&file, &older);
    std::fs::remove_file(&kept).unwrap();
    let running = Running::start(&address, "node-a", None).writes();
    running.commit();
    assert!(!running.engine.contains(&after).unwrap());
}

#[test]
fn a_file_that_went_on_from_an_older_backup_is_not_written_either() {
    let folder = tempfile::tempdir().unwrap();
    let (file, older) = (folder.path().join("cell.sqlite"), folder.path().join("older"));
    let address = file.display().to_string();
    let kept = folder.path().join("elsewhere");
    let after = {
        let running = Running::start(&address, "node-a", Some(kept.clone())).writes();
        running.commit();
        open(&address).unwrap().backup(&older, &mut |_, _| {}).unwrap();
        running.commit()
    };
    replace(&file, &older);
    {
        // Somebody who knows of nothing goes on, further than what is missing.
        let stranger = Running::start(&address, "node-a", Some(folder.path().join("stranger"))).writes();
        while stranger.commit().seq <= after.seq {}
    }
    Running::start(&address, "node-a", Some(kept)).refuses();
}

#[test]
fn a_standby_keeps_its_evidence_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, older) = (folder.path().join("cell.sqlite"), folder.path().join("older"));
    let address = file.display().to_string();
    let kept = folder.path().join("elsewhere");
    let after = {
        let running = Running::start(&address, "node-a", Some(kept.clone())).writes();
        running.commit();
        open(&address).unwrap().backup(&older, &mut |_, _| {}).unwrap();
        running.commit()
    };
    let evidence = std::fs::read_to_string(&kept).unwrap();
    replace(&file, &older);
    // Somebody who knows of nothing goes on, further than what is missing, and lives.
    let stranger = Running::start(&address, "node-b", Some(folder.path().join("stranger"))).writes();
    while stranger.commit().seq <= after.seq {}
    let standby = Running::start(&address, "node-a", Some(kept.clone()));
    standby.until("a fork", |engine| engine.trouble().is_some_and(|why| why.starts_with("history fork")));
    assert_eq!(standby.engine.role(), Role::Standby);
    // It looks again and again, and takes nothing in.
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(standby.engine.trouble().unwrap().starts_with("history fork"));
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), evidence);
}

#[test]
fn what_is_written_every_second_survives_a_process_that_does_not_stop() {
    let folder = tempfile::tempdir().unwrap();
    let address = folder.path().join("cell.sqlite").display().to_string();
    let kept = folder.path().join("cell.sqlite.acknowledged");
    let running = Running::start(&address, "node-a", None).writes();
    let receipt = running.commit();
    running.until("the file", |_| record_in(&kept) >= receipt.seq);
    // Also while nothing else happens.
    let receipt = running.commit();
    running.until("the file", |_| record_in(&kept) >= receipt.seq);
}

#[test]
fn a_replica_that_lacks_the_end_is_not_written_by_writer_or_standby() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = suanpan_testkit::cluster();
    let address = cluster.database();
    let name = address.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let (kept, watched) = (folder.path().join("node-a"), folder.path().join("node-b"));
    drop(Running::start(&address, "node-a", Some(kept.clone())).writes());
    // What a replica would have that stopped here.
    let replica = format!("{name}_replica");
    cluster.sql("postgres", &format!("CREATE DATABASE {replica} TEMPLATE {name}"));
    {
        let running = Running::start(&address, "node-a", Some(kept.clone())).writes();
        let standby = Running::start(&address, "node-b", Some(watched.clone()));
        standby.until("stands by", |engine| engine.role() == Role::Standby);
        let seq = running.commit().seq;
        standby.until("seen", |_| record_in(&watched) >= seq);
        drop(standby);
    }
    let replica = cluster.address(&replica);
    Running::start(&replica, "node-b", Some(watched)).refuses();
    // The lease of the one that refused is kept: nobody writes by accident.
    std::thread::sleep(Duration::from_millis(1_100));
    Running::start(&replica, "node-a", Some(kept)).refuses();
}
