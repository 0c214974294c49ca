//! What can only be seen from inside: which pages are read, and what damaged bytes do.

use super::HistoryIndex;
use super::lines::{Lines, Start, sums_before};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Balance, Limits};
use suanpan_ledger::book::{Book, Draft, FinishedRecord, Known};
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::history::RunId;
use suanpan_ledger::ids::{IdRow, What, seal_ids};
use suanpan_money::{Currency, Timestamp};
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

fn commit(lease: Lease, before: Head, after: Head, record: Vec<u8>) -> Commit {
    Commit {
        lease,
        before,
        after,
        accounts: Vec::new(),
        record,
        root: [2; 32],
        objects: Vec::new(),
        links: Vec::new(),
        events: Vec::new(),
        answers: Vec::new(),
        jobs: Vec::new(),
        jobs_done: Vec::new(),
        checkpoint: None,
    }
}

#[test]
fn ids_that_were_never_used_cost_no_pages_once_the_filters_are_loaded() {
    const IDS: u64 = 10_000;
    let database = open("sqlite::memory:").unwrap();
    let mut store = database.writer().unwrap();
    let (lease, before) = store.acquire(7, "node-a", Duration::from_secs(60)).unwrap();
    let after = Head { seq: 1, hash: [1; 32], entries: IDS, at: 1 };
    store.commit(&commit(lease, before, after, vec![1])).unwrap();
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

/// Two records: one opens accounts, the other posts between them.
fn records() -> [FinishedRecord; 2] {
    let (mut book, mut draft) = (Book::new(7, 0), Draft::default());
    book.begin(&mut draft, Timestamp::from_seconds(1));
    let mut open = |path: &str| {
        let (path, currency) = (path.to_owned(), Currency::parse("CNY").unwrap());
        let limits = Limits { floor: None, ceiling: None };
        book.open(&mut draft, AccountSpec { path, currency, kind: AccountKind::Liability, limits }).unwrap()
    };
    let (debit, credit) = (open("a"), open("b"));
    assert_eq!((debit, credit), (AccountNo(0), AccountNo(1)));
    let opened = book.finish(&mut draft, 1).unwrap();
    let mut entries = EntryBatch::default();
    let postings = [Posting { debit, credit, amount_minor: 5 }];
    for id in 1..=3 {
        let id = EntryId(id);
        entries
            .push(Entry { id, action: Action::Post, code: 1, linked: false, postings: &postings })
            .unwrap();
    }
    book.begin(&mut draft, Timestamp::from_seconds(2));
    book.apply(&mut draft, &entries, &Known::nothing()).unwrap();
    [opened, book.finish(&mut draft, 1).unwrap()]
}

#[test]
fn a_record_of_accounts_that_were_never_opened_is_an_error_and_changes_nothing() {
    let [opened, posted] = records();
    let database = open("sqlite::memory:").unwrap();
    let mut store = database.writer().unwrap();
    let (lease, start) = store.acquire(7, "node-a", Duration::from_secs(60)).unwrap();
    let index = HistoryIndex::open(database.history().unwrap(), database.reader(), 100).unwrap();
    let first = Head { seq: 1, hash: [1; 32], entries: 3, at: 2_000_000 };
    store.commit(&commit(lease, start, first, posted.bytes.clone())).unwrap();
    index.take_over(&lease, &first).unwrap();

    let lines = |sums: Vec<Balance>| Lines::new(lease.epoch, Start { sums, sums_at: 0, ids_at: 0 });
    let tail = |index: &HistoryIndex| {
        let state = index.state.read().unwrap();
        (state.tail.ordinals(), state.tail.rows().len())
    };
    for known in [0, 1] {
        let mut lines = lines(vec![Balance::default(); known]);
        let error = lines.record(&index, &first, &posted.bytes).map(|full| full.is_some()).unwrap_err();
        assert!(error.contains("never opened"), "{error}");
        assert_eq!(tail(&index), ((0, 0), 0));
        assert!(sums_before(&index, &vec![Balance::default(); known], (1, 1), 0).is_err());
        // It goes on as if nothing had been, once the accounts are there.
        lines.record(&index, &Head { entries: 0, ..first }, &opened.bytes).unwrap();
        if known == 0 {
            lines.record(&index, &first, &posted.bytes).unwrap();
            assert_eq!(tail(&index), ((0, 3), 6));
            let state = index.state.read().unwrap();
            assert_eq!(state.tail.rows()[5].after.credits_posted, 15);
            drop(state);
            index.take_over(&lease, &first).unwrap();
        }
    }
    index.stop();
}
