//! A fresh database for a test, and commits to put into it.

use std::time::Duration;
use suanpan_store::commit::{Answer, Commit, CommitError, Head, Job, Lease, Link, Object};
use suanpan_store::{Database, Store, open};

pub(crate) const CELL: u32 = 7;
pub(crate) const TTL: Duration = Duration::from_secs(20);
/// A moment of the tests, microseconds since the epoch.
pub(crate) const NOON: i64 = 1_700_000_000_000_000;

pub(crate) struct World {
    pub database: Database,
    pub address: String,
    /// Keeps the file until the end of the test.
    _folder: Option<tempfile::TempDir>,
}

impl World {
    pub(crate) fn file() -> World {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("cell.sqlite").display().to_string();
        World { database: open(&address).unwrap(), address, _folder: Some(folder) }
    }

    pub(crate) fn memory() -> World {
        let address = "sqlite::memory:".to_owned();
        World { database: open(&address).unwrap(), address, _folder: None }
    }

    pub(crate) fn postgres() -> World {
        World::at(&suanpan_testkit::cluster().database())
    }

    pub(crate) fn at(address: &str) -> World {
        World { database: open(address).unwrap(), address: address.to_owned(), _folder: None }
    }

    pub(crate) fn cell(&self) -> Cell {
        Cell::take(self.database.writer().unwrap(), "node-a")
    }
}

/// A writer with its lease, and where it believes the journal to stand.
pub(crate) struct Cell {
    pub store: Box<dyn Store>,
    pub lease: Lease,
    pub head: Head,
}

impl Cell {
    pub(crate) fn take(mut store: Box<dyn Store>, node: &str) -> Cell {
        let (lease, head) = store.acquire(CELL, node, TTL).unwrap();
        Cell { store, lease, head }
    }

    /// Returns a commit that follows the head, with so many entries and nothing else.
    pub(crate) fn next(&self, entries: u64) -> Commit {
        let seq = self.head.seq + 1;
        let after = Head {
            seq,
            hash: hash_of(seq, self.lease.epoch),
            entries: self.head.entries + entries,
            at: NOON + i64::try_from(seq).unwrap(),
        };
        Commit {
            lease: self.lease,
            before: self.head,
            after,
            record: format!("record {seq} with {entries} entries").into_bytes(),
            root: hash_of(seq, 1_000_000),
            accounts: Vec::new(),
            objects: Vec::new(),
            links: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            jobs: Vec::new(),
            jobs_done: Vec::new(),
            checkpoint: None,
        }
    }

    /// Writes a commit, and follows it when it is done.
    pub(crate) fn put(&mut self, commit: &Commit) -> Result<(), CommitError> {
        self.store.commit(commit)?;
        self.head = commit.after;
        Ok(())
    }

    /// Writes a commit with what `fill` puts into it.
    pub(crate) fn with(&mut self, fill: impl FnOnce(&mut Commit)) -> Result<(), CommitError> {
        let mut commit = self.next(1);
        fill(&mut commit);
        self.put(&commit)
    }
}

/// Some digest that depends on both numbers.
pub(crate) fn hash_of(seq: u64, salt: u64) -> [u8; 32] {
    let mut hash = [0xa5; 32];
    hash[..8].copy_from_slice(&seq.to_be_bytes());
    hash[24..].copy_from_slice(&salt.to_be_bytes());
    hash
}

pub(crate) fn object(id: &str, created: i64, version: u32) -> Object {
    Object {
        id: id.to_owned(),
        kind: "payment_intent",
        merchant: "acct_1".to_owned(),
        live: false,
        created,
        version,
        body: format!("{{\"id\":\"{id}\",\"version\":{version},\"name\":\"算盘\"}}"),
    }
}

pub(crate) fn link(name: &'static str, key: &str, id: &str, unique: bool) -> Link {
    Link { name, key: key.to_owned(), id: id.to_owned(), unique }
}

pub(crate) fn answer(key: &str, answered: Option<(u16, Vec<u8>)>) -> Answer {
    Answer {
        scope: "acct_1/test".to_owned(),
        key: key.to_owned(),
        digest: hash_of(9, 9),
        answered,
        within: None,
        created: NOON,
    }
}

pub(crate) fn job(id: &str, due: i64) -> Job {
    Job { id: id.to_owned(), kind: "webhook", due, body: format!("{{\"job\":\"{id}\"}}") }
}
