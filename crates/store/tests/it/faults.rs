//! A process that is killed while it commits: what it acknowledged is there.

use crate::world::{CELL, Cell, TTL, World, job, object};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use suanpan_store::open;

/// In a process of its own, which the tests below start with an address: commits as fast as it can, and says what
/// was acknowledged.
#[test]
fn child() {
    let Ok(address) = std::env::var("SUANPAN_TEST_ADDRESS") else { return };
    let mut cell = Cell::take(open(&address).unwrap().writer().unwrap(), "child");
    let mut out = std::io::stdout().lock();
    loop {
        let seq = cell.head.seq + 1;
        cell.with(|commit| {
            commit.record = vec![7; 30_000];
            commit.objects = vec![object(&format!("pi_{seq}"), 1, 1)];
            commit.jobs = vec![job(&format!("job_{seq}"), 1)];
        })
        .unwrap();
        writeln!(out, "acknowledged {seq}").unwrap();
    }
}

/// Runs the child until it has acknowledged some more, kills it, and returns the last it acknowledged.
fn killed_after(address: &str, more: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::child", "--nocapture", "--test-threads=1"])
        .env("SUANPAN_TEST_ADDRESS", address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut number =
        || lines.find_map(|line| line.strip_prefix("acknowledged ").and_then(|seq| seq.parse::<u64>().ok()));
    let mut last = 0;
    for _ in 0..more {
        last = number().unwrap();
    }
    child.kill().unwrap();
    while let Some(seq) = number() {
        last = seq;
    }
    child.wait().unwrap();
    last
}

fn nothing_acknowledged_is_lost(world: World) {
    for round in [1, 40, 7, 23, 90] {
        let last = killed_after(&world.address, round);
        let mut writer = open(&world.address).unwrap().writer().unwrap();
        let (lease, head) = writer.seize(CELL, "auditor", TTL).unwrap();
        writer.release(&lease).unwrap();
        // At most the one that was being written is there too.
        assert!(head.seq == last || head.seq == last + 1, "{last} acknowledged, {} stored", head.seq);
        let reader = world.database.reader();
        let marks = reader.marks(1..u64::MAX).unwrap();
        assert!(marks.iter().map(|mark| mark.seq).eq(1..=head.seq));
        assert_eq!(marks.last().unwrap().hash, head.hash);
        let jobs = reader.jobs_due("webhook", 1, 60_000).unwrap();
        assert_eq!(jobs.len() as u64, head.seq, "a commit is whole or not at all");
        let ids: Vec<String> = (1..=head.seq + 1).map(|seq| format!("pi_{seq}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let there = reader.objects(&ids).unwrap().iter().flatten().count();
        assert_eq!(there as u64, head.seq);
    }
}

#[test]
fn nothing_acknowledged_is_lost_on_sqlite() {
    nothing_acknowledged_is_lost(World::file());
}

#[test]
fn nothing_acknowledged_is_lost_on_postgres() {
    nothing_acknowledged_is_lost(World::postgres());
}
