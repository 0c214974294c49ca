//! Power cuts, simulated: everything that SQLite writes and syncs is noted while a cell is written, and then the disk is
//! put together as it may look after a cut at some moment. What was synced is there; of what was not, any sectors may
//! be, in any order. A cell must come out of it with all that was acknowledged, and nothing half.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod vfs;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use suanpan_store::commit::{Answer, Commit, Head, Job, Lease, Link, Object};
use suanpan_store::events::{Event, EventPacker};
use suanpan_store::{Cursor, open};
use vfs::Op;

/// What a disk writes at once or not at all.
const SECTOR: usize = 512;
const COMMITS: u64 = 200;
const CUTS: usize = 100;
const TTL: Duration = Duration::from_secs(60);

/// Numbers that come again with their seed (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn chance(&mut self, of_a_hundred: usize) -> bool {
        self.below(100) < of_a_hundred
    }
}

fn hash_of(seq: u64) -> [u8; 32] {
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&seq.to_le_bytes());
    hash
}

/// A commit with a record of some size, an object, a name, an event, an answer and a job, all of them told by its number.
fn commit(lease: Lease, before: Head, packer: &mut EventPacker, numbers: &mut Numbers) -> Commit {
    let seq = before.seq + 1;
    let id = format!("pi_{seq:05}");
    let record: Vec<u8> = (0..numbers.below(9_000)).map(|_| numbers.next().to_le_bytes()[0]).collect();
    // The same job again and again, so that the log grows and is moved, and the file stays small.
    let filler = format!("{seq} ").repeat(numbers.below(250_000));
    let event = Event {
        place: i64::try_from(seq).unwrap(),
        id: format!("evt_{seq}"),
        kind: "charge.succeeded",
        merchant: "acct_1".to_owned(),
        live: false,
        body: format!(r#"{{"n":{seq}}}"#),
    };
    Commit {
        lease,
        before,
        after: Head { seq, hash: hash_of(seq), entries: before.entries + 1, at: before.at + 1 },
        record,
        root: [2; 32],
        accounts: Vec::new(),
        objects: vec![Object {
            id: id.clone(),
            kind: "payment_intent",
            merchant: "acct_1".to_owned(),
            live: false,
            created: i64::try_from(seq).unwrap(),
            version: 1,
            body: "{}".to_owned(),
        }],
        links: vec![Link { name: "by", key: seq.to_string(), id, unique: true }],
        events: packer.pack(&[event]),
        answers: vec![Answer {
            scope: "acct_1/test".to_owned(),
            key: seq.to_string(),
            digest: [3; 32],
            answered: Some((200, b"{}".to_vec())),
            within: None,
            created: 1,
        }],
        jobs: [(format!("job_{seq}"), "{}".to_owned()), ("filler".to_owned(), filler)]
            .map(|(id, body)| Job { id, kind: "webhook", due: 1, body })
            .to_vec(),
        jobs_done: Vec::new(),
        checkpoint: None,
    }
}

/// What was done to the files, and after how many operations which commit was acknowledged.
struct Recorded {
    ops: Vec<(String, Op)>,
    acknowledged: Vec<(usize, u64)>,
}

fn record(seed: u64) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    vfs::watch(folder.path());
    let mut numbers = Numbers(seed);
    let mut packer = EventPacker::new().unwrap();
    let database = open(&folder.path().join("cell.sqlite").display().to_string()).unwrap();
    let mut store = database.writer().unwrap();
    let (lease, mut head) = store.acquire(1, "node", TTL).unwrap();
    let mut acknowledged = Vec::new();
    for _ in 0..COMMITS {
        let commit = commit(lease, head, &mut packer, &mut numbers);
        store.commit(&commit).unwrap();
        head = commit.after;
        acknowledged.push((vfs::noted(), head.seq));
        if numbers.chance(5) {
            // Time for the log to be moved.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let ops = vfs::taken();
    Recorded { ops, acknowledged }
}

/// A file as the disk has it, and what was written since it was last synced.
#[derive(Debug, Clone, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Op>,
}

fn apply(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { at, bytes: written } => {
            let end = at + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at..end].copy_from_slice(written);
        }
        Op::Truncate { to } => bytes.resize(*to, 0),
        Op::Sync | Op::Delete => {}
    }
}

impl File {
    fn take(&mut self, op: &Op, honest: bool) {
        match op {
            Op::Sync if honest => {
                for op in std::mem::take(&mut self.since) {
                    apply(&mut self.synced, &op);
                }
            }
            Op::Sync => {}
            op => self.since.push(op.clone()),
        }
    }

    /// What may be left of it: of what was not synced, each sector with a chance of so many in a hundred.
    fn after_a_cut(&self, numbers: &mut Numbers, kept: usize) -> Vec<u8> {
        let mut left = self.synced.clone();
        for op in &self.since {
            match op {
                Op::Write { at, bytes } => {
                    let mut from = *at;
                    while from < at + bytes.len() {
                        let to = ((from / SECTOR + 1) * SECTOR).min(at + bytes.len());
                        if numbers.chance(kept) {
                            let part = bytes[from - at..to - at].to_vec();
                            apply(&mut left, &Op::Write { at: from, bytes: part });
                        }
                        from = to;
                    }
                }
                op => {
                    if numbers.chance(kept) {
                        apply(&mut left, op);
                    }
                }
            }
        }
        left
    }
}

/// Cuts the power at many moments and returns what is wrong with what is left.
fn cut(recorded: &Recorded, seed: u64, cuts: usize, honest: bool) -> Vec<String> {
    let mut numbers = Numbers(seed);
    // Nothing is asked of a file before it is a cell.
    let first = recorded.acknowledged[0].0;
    let mut moments: Vec<usize> =
        (0..cuts).map(|_| first + numbers.below(recorded.ops.len() + 1 - first)).collect();
    moments.sort_unstable();
    let mut files: BTreeMap<&str, File> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut done = 0;
    for moment in moments {
        for (name, op) in &recorded.ops[done..moment] {
            if matches!(op, Op::Delete) {
                files.remove(name.as_str());
            } else {
                files.entry(name).or_default().take(op, honest);
            }
        }
        done = moment;
        let acknowledged =
            recorded.acknowledged.iter().rev().find(|(ops, _)| *ops <= moment).map_or(0, |it| it.1);
        let kept = [0, 50, 50, 90, 100][numbers.below(5)];
        let folder = tempfile::tempdir().unwrap();
        for (name, file) in &files {
            std::fs::write(folder.path().join(name), file.after_a_cut(&mut numbers, kept)).unwrap();
        }
        if let Err(why) = audit(folder.path(), acknowledged) {
            wrong.push(format!("cut after {moment} operations, {kept} % of the rest kept: {why}"));
        }
    }
    wrong
}

/// Opens what is left, and looks whether it holds all that was acknowledged and nothing half.
fn audit(folder: &Path, acknowledged: u64) -> Result<(), String> {
    let path = folder.join("cell.sqlite");
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let database = open(&path.display().to_string()).map_err(|error| told(&error))?;
    let mut store = database.writer().map_err(|error| told(&error))?;
    let (lease, head) = store.acquire(1, "node", TTL).map_err(|error| told(&error))?;
    if head.seq < acknowledged {
        return Err(format!("{acknowledged} commits were acknowledged, {} are there", head.seq));
    }
    let reader = database.reader();
    for seq in 1..=head.seq + 1 {
        let there = seq <= head.seq;
        let number = seq.to_string();
        let (pi, job, event) = (format!("pi_{seq:05}"), format!("job_{seq}"), format!("evt_{seq}"));
        let found = [
            reader
                .record(seq)
                .map_err(|error| told(&error))?
                .is_some_and(|record| record.mark.hash == hash_of(seq)),
            reader.objects(&[&pi]).map_err(|error| told(&error))?[0].is_some(),
            reader.unique(&[("by", &number)]).map_err(|error| told(&error))?[0].is_some(),
            reader
                .events(&[Cursor { created: i64::try_from(seq).unwrap(), id: &event }])
                .map_err(|error| told(&error))?[0]
                .is_some(),
            reader.answers(&[("acct_1/test", &number)]).map_err(|error| told(&error))?[0].is_some(),
            reader.jobs(&[&job]).map_err(|error| told(&error))?[0].is_some(),
        ];
        if found != [there; 6] {
            return Err(format!(
                "commit {seq} of {}: record, object, name, event, answer, job: {found:?}",
                head.seq
            ));
        }
    }
    let raw = rusqlite::Connection::open(&path).map_err(|error| told(&error))?;
    let sound: String =
        raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(|error| told(&error))?;
    if sound != "ok" {
        return Err(sound);
    }
    let next = commit(lease, head, &mut EventPacker::new().unwrap(), &mut Numbers(1));
    store.commit(&next).map_err(|error| told(&error))
}

/// One test, since what is watched is one for the process.
#[test]
fn what_was_acknowledged_outlasts_a_power_cut() {
    for seed in [1, 2] {
        let recorded = record(seed);
        // The log was moved into the file while it was written, or the test says nothing of that.
        let moved =
            recorded.ops.iter().filter(|(name, op)| name == "cell.sqlite" && matches!(op, Op::Sync)).count();
        assert!(moved > 3, "the log was moved {moved} times");
        let large = recorded.ops.iter().any(|(name, op)| {
            name == "cell.sqlite-wal" && matches!(op, Op::Write { bytes, .. } if bytes.len() > 1 << 16)
        });
        assert!(large, "what is written to the log was not gathered");
        let wrong = cut(&recorded, seed, CUTS, true);
        assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
        // A disk that says it has synced and has not is found out, or the cuts above would find nothing.
        let lies = cut(&recorded, seed, CUTS / 5, false);
        assert!(lies.len() > CUTS / 10, "{} of {} cuts of a lying disk were found out", lies.len(), CUTS / 5);
    }
}
