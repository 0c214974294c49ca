//! What can only be seen from inside: which pages are read.

use super::HistoryIndex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::history::RunId;
use suanpan_ledger::ids::{IdRow, What, seal_ids};
use suanpan_store::commit::{Commit, Head, Lease};
use suanpan_store::{History, NewRun, Run, RunKind, StoreError, open};

/// Counts the pages that are read.
struct Counting(Arc<dyn History>, AtomicUsize);

impl History for Counting {
    fn claim(&self, lease: &Lease) -> Result<(), StoreError> {
        self.0.claim(lease)
    }

    fn put(&self, lease: &Lease, run: &NewRun<'_>, replaced: &[u64]) -> Result<u64, StoreError> {
        self.0.put(lease, run, replaced)
    }

    fn begin_run(&self, lease: &Lease, kind: RunKind) -> Result<u64, StoreError> {
        self.0.begin_run(lease, kind)
    }

    fn add_pages(&self, lease: &Lease, run: u64, from: u32, pages: &[Vec<u8>]) -> Result<(), StoreError> {
        self.0.add_pages(lease, run, from, pages)
    }

    fn finish_run(
        &self,
        lease: &Lease,
        number: u64,
        run: &NewRun<'_>,
        replaced: &[u64],
    ) -> Result<(), StoreError> {
        self.0.finish_run(lease, number, run, replaced)
    }

    fn sweep(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.0.sweep(lease)
    }

    fn runs(&self, kind: RunKind) -> Result<Vec<Run>, StoreError> {
        self.0.runs(kind)
    }

    fn pages(&self, run: u64, pages: &[u32]) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        self.1.fetch_add(pages.len(), Ordering::SeqCst);
        self.0.pages(run, pages)
    }

    fn sealed(&self, kind: RunKind) -> Result<u64, StoreError> {
        self.0.sealed(kind)
    }

    fn clear(&self, lease: &Lease) -> Result<(), StoreError> {
        self.0.clear(lease)
    }
}

#[test]
fn ids_that_were_never_used_cost_no_pages_once_the_filters_are_loaded() {
    const IDS: u64 = 10_000;
    let database = open("sqlite::memory:").unwrap();
    let mut store = database.writer().unwrap();
    let (lease, before) = store.acquire(7, "node-a", Duration::from_secs(60)).unwrap();
    let after = Head { seq: 1, hash: [1; 32], entries: IDS, at: 1 };
    let commit = Commit {
        lease,
        before,
        after,
        accounts: Vec::new(),
        record: vec![1],
        root: [2; 32],
        objects: Vec::new(),
        links: Vec::new(),
        answers: Vec::new(),
        jobs: Vec::new(),
        jobs_done: Vec::new(),
        checkpoint: None,
    };
    store.commit(&commit).unwrap();
    let used = |number: u64| u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64;
    let rows = (0..IDS).map(|ordinal| IdRow { id: used(ordinal), ordinal, what: What::Entry }).collect();
    let mut pages = Vec::new();
    let run = seal_ids(RunId(0), (0, IDS), rows, |page| pages.push(page)).unwrap();
    let new = NewRun {
        kind: RunKind::Ids,
        level: 0,
        entries: &(0..IDS),
        seq: 1,
        hash: after.hash,
        directory: &run.write(),
        pages: &pages,
    };
    let history = database.history().unwrap();
    history.claim(&lease).unwrap();
    history.put(&lease, &new, &[]).unwrap();

    let counting = Arc::new(Counting(history, AtomicUsize::new(0)));
    let index = HistoryIndex::open(counting.clone(), database.reader(), IDS * 10).unwrap();
    let absent: Vec<EntryId> = (0..1_000).map(|number| EntryId(used(number) | 1)).collect();
    let read = |index: &HistoryIndex| {
        let before = counting.1.load(Ordering::SeqCst);
        assert_eq!(index.known(&absent, IDS).unwrap().iter().count(), 0);
        counting.1.load(Ordering::SeqCst) - before
    };
    assert!(read(&index) >= 4, "a page for each id, and each page once");
    index.take_over(&lease, &after).unwrap();
    let began = Instant::now();
    let loaded = || index.state.read().unwrap().id_runs.iter().all(|run| run.has_filters());
    while !loaded() {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", index.trouble());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(read(&index) <= 3, "one absent id in a thousand passes");
    // Reading the runs again keeps them.
    index.reload().unwrap();
    assert!(loaded());
    index.stop();
}
