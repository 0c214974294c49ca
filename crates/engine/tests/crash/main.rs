//! Real processes that are killed, stopped and cut off in the middle of their work, over both databases.
//!
//! Slow, so `cargo test` leaves it out: `cargo test -p suanpan-engine --test crash`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "figures, and the lines between child and parent")]

mod audit;
mod child;
mod parent;

use audit::audit;
use parent::{Acks, Child};
use std::process::Command;
use std::time::{Duration, Instant};

const LEASE: Duration = Duration::from_secs(2);
/// Longer than any process needs to get going, or to go on.
const SOON: Duration = Duration::from_secs(15);

/// Not a test: what this program does when it is a child.
#[test]
fn child() {
    if let Ok(address) = std::env::var(child::ADDRESS) {
        child::run(&address);
    }
}

/// Times that follow no rhythm: a kill should hit every part of the work.
struct Chance(u64);

impl Chance {
    fn new() -> Chance {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Chance(since.as_nanos() as u64 | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

fn repeats(acks: &Acks) -> usize {
    acks.all.values().flatten().filter(|ack| ack.repeated).count()
}

#[test]
fn killed_over_a_file_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let address = folder.path().join("cell.sqlite").display().to_string();
    let (mut acks, mut chance) = (Acks::default(), Chance::new());
    let kills = 25;
    for _ in 0..kills {
        let mut child = Child::start(&address, "node-a", LEASE, &acks);
        assert!(child.listen(&mut acks, SOON, |child| child.acked > 0), "{}", child.last_refusal);
        child.listen(&mut acks, chance.millis(1, 300), |_| false);
        child.kill(&mut acks);
    }
    let checked = audit(&address, &acks);
    println!("SQLite: {kills} kills, {checked} acknowledgements checked, {} repeats", repeats(&acks));
    assert!(checked > kills * 5);
}

#[test]
fn killed_and_cut_off_over_postgres_nothing_acknowledged_is_lost() {
    let cluster = suanpan_testkit::Cluster::start();
    let address = cluster.database();
    let (mut acks, mut chance) = (Acks::default(), Chance::new());
    let (mut kills, mut crashes, mut cuts) = (0, 0, 0);
    let mut child = Child::start(&address, "node-a", LEASE, &acks);
    for round in 0..24 {
        let before = child.acked;
        let going = child.listen(&mut acks, SOON, |child| child.acked > before);
        assert!(going, "round {round}: {} {}", child.role, child.last_refusal);
        child.listen(&mut acks, chance.millis(1, 200), |_| false);
        match round % 6 {
            0..4 => {
                child.kill(&mut acks);
                kills += 1;
                child = Child::start(&address, "node-a", LEASE, &acks);
            }
            4 => {
                cuts += 1;
                let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                cluster.sql(&address, all);
            }
            _ => {
                crashes += 1;
                cluster.stop("immediate");
                child.listen(&mut acks, chance.millis(1, 100), |_| false);
                cluster.restart();
            }
        }
    }
    let before = child.acked;
    assert!(child.listen(&mut acks, SOON, |child| child.acked > before), "{}", child.last_refusal);
    child.stop(&mut acks);
    let checked = audit(&address, &acks);
    println!(
        "PostgreSQL: {kills} kills, {cuts} times all connections cut, {crashes} crashes of the database, {checked} \
         acknowledgements checked, {} repeats",
        repeats(&acks)
    );
    assert!(checked > 100);
}

#[test]
fn the_standby_takes_over_from_a_killed_writer() {
    let cluster = suanpan_testkit::Cluster::start();
    let address = cluster.database();
    let (mut acks, mut chance) = (Acks::default(), Chance::new());
    let mut writer = Child::start(&address, "node-0", LEASE, &acks);
    assert!(writer.listen(&mut acks, SOON, |child| child.acked > 0));
    let mut gaps = Vec::new();
    for round in 1..=4 {
        let mut standby = Child::start(&address, &format!("node-{round}"), LEASE, &acks);
        assert!(standby.listen(&mut acks, SOON, |child| child.last_refusal.contains("Standby")));
        writer.listen(&mut acks, chance.millis(100, 600), |_| false);
        let killed = Instant::now();
        writer.kill(&mut acks);
        assert!(standby.listen(&mut acks, SOON, |child| child.acked > 0), "{}", standby.last_refusal);
        gaps.push(killed.elapsed().as_millis());
        writer = standby;
    }
    writer.stop(&mut acks);
    let checked = audit(&address, &acks);
    println!("take-over after {gaps:?} ms of a lease of {LEASE:?}; {checked} acknowledgements checked");
    assert!(gaps.iter().all(|gap| *gap < LEASE.as_millis() + 2_000), "{gaps:?}");
}

#[test]
fn a_paused_writer_that_wakes_up_cannot_commit() {
    let cluster = suanpan_testkit::Cluster::start();
    let address = cluster.database();
    let (mut acks, mut chance) = (Acks::default(), Chance::new());
    let mut writer = Child::start(&address, "node-0", LEASE, &acks);
    assert!(writer.listen(&mut acks, SOON, |child| child.acked > 0));
    for round in 1..=2 {
        let mut other = Child::start(&address, &format!("node-{round}"), LEASE, &acks);
        assert!(other.listen(&mut acks, SOON, |child| child.last_refusal.contains("Standby")));
        writer.listen(&mut acks, chance.millis(50, 400), |_| false);
        writer.signal("STOP");
        let paused = Instant::now();
        assert!(other.listen(&mut acks, SOON, |child| child.acked > 20), "{}", other.last_refusal);
        println!("took over from a paused writer after {} ms", paused.elapsed().as_millis());
        writer.signal("CONT");
        // Its commit is refused, and it stands by.
        let fenced = writer.listen(&mut acks, SOON, |child| child.role == "Standby");
        assert!(fenced, "{} {}", writer.role, writer.last_refusal);
        writer.kill(&mut acks);
        writer = other;
    }
    writer.stop(&mut acks);
    let checked = audit(&address, &acks);
    println!("2 pauses; {checked} acknowledgements checked");
}

#[test]
fn a_full_disk_is_refused_and_recovered_from() {
    let folder = tempfile::tempdir().unwrap();
    let address = folder.path().join("cell.sqlite").display().to_string();
    let mut acks = Acks::default();
    // No file of this process may grow beyond 3 MiB: to SQLite that is like a disk that is full.
    let mut command = Command::new("bash");
    let me = std::env::current_exe().unwrap();
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 3072; exec \"$0\" \"$@\""]).arg(me);
    let mut child = Child::start_by(command, &address, "node-a", LEASE, &acks);
    assert!(child.listen(&mut acks, SOON, |child| child.acked > 0), "{}", child.last_refusal);
    child.last_refusal.clear();
    let full = child.listen(&mut acks, Duration::from_secs(40), |child| !child.last_refusal.is_empty());
    assert!(full, "3 MiB are never used up");
    let refusal = child.last_refusal.clone();
    child.listen(&mut acks, Duration::from_millis(1_500), |_| false);
    let status =
        Command::new("prlimit").args(["--pid", &child.pid().to_string(), "--fsize=unlimited"]).status();
    assert!(status.unwrap().success());
    let before = child.acked;
    let again = child.listen(&mut acks, SOON, |child| child.acked > before + 20);
    assert!(again, "{} {}", child.role, child.last_refusal);
    child.kill(&mut acks);
    let checked = audit(&address, &acks);
    println!("disk full: {}; {checked} acknowledgements checked", refusal.trim());
}
