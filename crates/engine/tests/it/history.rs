//! The history and the index of ids behind the commits: writers that change, histories that are damaged, lost or
//! taken away, with tails that are sealed after few entries.

use crate::world::CELL;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use suanpan_engine::{BooksAnswer, BooksCommand, Channels, Clock, Config, Engine, Receipt, Refused, Role};
use suanpan_ledger::account::{AccountKind, AccountSpec, Limits};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::history::{Order, Range as Rows, RunId, StatementQuery};
use suanpan_ledger::ids::{IdRow, What, seal_ids};
use suanpan_money::Currency;
use suanpan_payments::settings::Settings;
use suanpan_store::commit::Lease;
use suanpan_store::{Database, NewRun, RunKind, open};
use tokio::runtime::Runtime;

const SOON: Duration = Duration::from_secs(30);
/// Entries after which a tail is sealed in most of these tests.
const TAIL: u64 = 64;

struct Running {
    runtime: Option<Runtime>,
    engine: Engine,
}

impl Running {
    fn start(address: &str, node: &str, tail: u64) -> Running {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = Config {
            cell: CELL,
            node: node.to_owned(),
            lease: Duration::from_secs(2),
            settings: Settings::with_simulator([7; 32], "http://127.0.0.1"),
            clock: Clock::system(),
        };
        let database = open(address).unwrap();
        let engine = {
            let _within = runtime.enter();
            Engine::start_sealing(&database, Channels::default(), config, None, tail)
        };
        Running { runtime: Some(runtime), engine: engine.unwrap() }
    }

    fn until(&self, what: &str, mut so: impl FnMut(&Engine) -> bool) {
        let began = Instant::now();
        while !so(&self.engine) {
            let history = self.engine.history().trouble();
            assert!(began.elapsed() < SOON, "{what}: {:?}, {history:?}", self.engine.trouble());
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    fn writes(self) -> Running {
        self.until("writes", |engine| engine.role() == Role::Writer);
        self
    }

    /// Opens the two accounts of the tests, of which nobody need know the numbers: 0 and 1.
    fn open_accounts(&self) {
        let specs = ["bench/a", "bench/b"].map(|path| AccountSpec {
            path: path.to_owned(),
            currency: Currency::parse("CNY").unwrap(),
            kind: AccountKind::Liability,
            limits: Limits { floor: None, ceiling: None },
        });
        self.engine.books_blocking(BooksCommand::Open(specs.to_vec())).unwrap();
    }

    /// Posts one cent under each id.
    fn try_post(&self, ids: impl IntoIterator<Item = u64>) -> Result<(Vec<Verdict>, Receipt), Refused> {
        match self.engine.books_blocking(batch(ids))? {
            (BooksAnswer::Posted(verdicts), receipt) => Ok((verdicts, receipt)),
            (other, _) => panic!("{other:?}"),
        }
    }

    /// Posts ids that were never used, 16 at once, and returns the last receipt.
    fn post(&self, ids: std::ops::Range<u64>) -> Receipt {
        let mut last = None;
        for first in ids.clone().step_by(16) {
            let (verdicts, receipt) = self.try_post(first..ids.end.min(first + 16)).unwrap();
            assert!(
                verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted { .. })),
                "{verdicts:?}"
            );
            last = Some(receipt);
        }
        last.unwrap()
    }

    /// Checks that ids below a number, which were used in this order from 1 on, are known as what they were.
    fn repeats(&self, ids: std::ops::Range<u64>) {
        for first in ids.clone().step_by(50) {
            let ids = first..ids.end.min(first + 50);
            let (verdicts, _) = self.try_post(ids.clone()).unwrap();
            let expected: Vec<Verdict> = ids.map(|id| Verdict::Exists { ordinal: id - 1 }).collect();
            assert_eq!(verdicts, expected);
        }
    }

    /// Checks that the statement of an account has so many rows with the right sums.
    fn statement(&self, entries: u64) {
        let query =
            |order| StatementQuery { account: 0, range: Rows::All, order, limit: 10_000, after: None };
        let rows = self.engine.history().statement(&query(Order::OldestFirst)).unwrap().rows;
        let sums: Vec<(u64, u64)> =
            rows.iter().map(|row| (row.row.ordinal, row.row.after.debits_posted)).collect();
        let expected: Vec<(u64, u64)> = (0..entries).map(|ordinal| (ordinal, ordinal + 1)).collect();
        assert_eq!(sums, expected);
        let newest = self.engine.history().statement(&query(Order::NewestFirst)).unwrap().rows;
        assert!(newest.iter().rev().map(|row| row.row).eq(rows.iter().map(|row| row.row)));
    }

    fn remembered_from(&self) -> u64 {
        let ask = self.engine.query(|book| book.remembered_from());
        self.runtime.as_ref().unwrap().block_on(ask).unwrap().0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.stop();
        if let Some(runtime) = self.runtime.take() {
            // Until nobody has the files open any more: tests take them away, and SQLite deletes the log of a file by its
            // name when the last connection closes.
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }
}

/// Ids as random ones are: their order says nothing about their age.
fn id(number: u64) -> EntryId {
    EntryId(u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64 | u128::from(number))
}

fn batch(ids: impl IntoIterator<Item = u64>) -> BooksCommand {
    use suanpan_ledger::account::AccountNo;
    let mut entries = EntryBatch::default();
    let postings = [Posting { debit: AccountNo(0), credit: AccountNo(1), amount_minor: 1 }];
    for number in ids {
        let (id, action) = (id(number), Action::Post);
        entries.push(Entry { id, action, code: 9, linked: false, postings: &postings }).unwrap();
    }
    BooksCommand::Post(entries)
}

fn sealed(database: &Database, kind: RunKind) -> u64 {
    database.history().unwrap().sealed(kind).unwrap()
}

/// Waits until all full tails are sealed, and merged where eight of a level are.
fn until_sealed(running: &Running, database: &Database, entries: u64) {
    let history = database.history().unwrap();
    let began = Instant::now();
    for kind in [RunKind::History, RunKind::Ids] {
        loop {
            let runs = history.runs(kind).unwrap();
            if runs.len() < 15 && runs.last().is_some_and(|run| run.entries.end + 2 * TAIL > entries) {
                break;
            }
            let engine = &running.engine;
            assert!(
                began.elapsed() < SOON,
                "{kind:?} of {entries} entries: {:?}, {:?}, {:?}, {} behind; {:?}",
                runs.iter().map(|run| (run.level, run.entries.clone())).collect::<Vec<_>>(),
                engine.role(),
                engine.history().trouble(),
                engine.history().lag(),
                database.reader().standing(),
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn file(folder: &Path) -> String {
    folder.join("cell.sqlite").display().to_string()
}

fn a_standby_goes_on_from_what_others_sealed_and_merged(address: &str) {
    let database = open(address).unwrap();
    let a = Running::start(address, "node-a", TAIL).writes();
    // It knows only how the history was when it started: empty.
    let b = Running::start(address, "node-b", TAIL);
    a.open_accounts();
    a.post(1..1_281);
    until_sealed(&a, &database, 1_280);
    let merged = database.history().unwrap().runs(RunKind::Ids).unwrap();
    assert!(merged.iter().any(|run| run.level > 0), "{merged:?}");
    drop(a);
    let b = b.writes();
    assert!(b.remembered_from() >= 1_280 - TAIL, "{}", b.remembered_from());
    b.repeats(1..1_281);
    b.statement(1_280);
    b.post(1_281..2_401);
    until_sealed(&b, &database, 2_400);
    b.repeats(1..2_401);
    b.statement(2_400);
    assert_eq!((b.engine.history().trouble(), b.engine.history().lag()), (None, 0));
}

#[test]
fn a_standby_goes_on_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    a_standby_goes_on_from_what_others_sealed_and_merged(&file(folder.path()));
}

#[test]
fn a_standby_goes_on_on_postgres() {
    a_standby_goes_on_from_what_others_sealed_and_merged(&suanpan_testkit::cluster().database());
}

#[test]
fn writers_that_are_fenced_and_come_back_go_on_from_what_the_other_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(folder.path());
    let database = open(&address).unwrap();
    let running = ["node-a", "node-b"].map(|node| Running::start(&address, node, TAIL));
    let mut next = 1;
    for turn in 0..6 {
        let began = Instant::now();
        let writer = loop {
            assert!(began.elapsed() < SOON, "nobody writes");
            // The one whose turn it is, so that both write again and again.
            match running.iter().position(|running| running.engine.role() == Role::Writer) {
                Some(at) => match running[at].try_post([next]) {
                    Ok(_) => break &running[at],
                    Err(Refused::Books(_)) => panic!("refused"),
                    Err(_) => {}
                },
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        if turn == 0 {
            writer.open_accounts();
            writer.post(1..2);
        }
        writer.post(next + 1..next + 300);
        next += 300;
        until_sealed(writer, &database, next - 1);
        writer.repeats(1..next);
        writer.statement(next - 1);
        let mut operator = database.writer().unwrap();
        let (lease, _) = operator.seize(CELL, "operator", Duration::from_secs(1)).unwrap();
        operator.release(&lease).unwrap();
        // Who wrote last finds out, and stands by a while.
        let _ = writer.try_post([1]);
    }
}

#[test]
fn a_standby_does_not_drop_what_it_cannot_read_and_the_next_writer_builds_it_again() {
    /// More than can wait, each a full tail.
    const RECORDS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let address = file(folder.path());
    let database = open(&address).unwrap();
    let a = Running::start(&address, "node-a", TAIL).writes();
    a.open_accounts();
    let receipt = a.post(1..1_001);
    until_sealed(&a, &database, 1_000);
    let history = database.history().unwrap();
    let end = history.sealed(RunKind::History).unwrap();
    let strange = NewRun {
        kind: RunKind::History,
        level: 0,
        entries: &(end..end + 1),
        seq: receipt.seq,
        hash: receipt.hash,
        directory: b"of a version that nobody knows",
        pages: &[],
    };
    history.put(&Lease { cell: CELL, epoch: receipt.epoch }, &strange, &[]).unwrap();
    let before = history.runs(RunKind::History).unwrap();
    let b = Running::start(&address, "node-b", TAIL);
    b.until("stands by", |engine| engine.role() == Role::Standby);
    assert_eq!(history.runs(RunKind::History).unwrap(), before);
    assert!(!history.runs(RunKind::Ids).unwrap().is_empty());

    // The writer cannot seal any more. That shows, and what waits for it is bounded.
    let (engine, committed) = (a.engine.clone(), Arc::new(AtomicUsize::new(0)));
    let poster = std::thread::spawn({
        let committed = committed.clone();
        move || {
            for first in (1_001..).step_by(64).take(RECORDS) {
                if engine.books_blocking(batch(first..first + 64)).is_err() {
                    return;
                }
                committed.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    a.until("a trouble", |engine| engine.history().trouble().is_some_and(|why| why.contains("sealed")));
    let began = Instant::now();
    let (mut count, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_millis(400) {
        assert!(began.elapsed() < SOON, "it never waits");
        std::thread::sleep(Duration::from_millis(5));
        let now = committed.load(Ordering::SeqCst);
        if now != count {
            (count, since) = (now, Instant::now());
        }
    }
    assert!(count < RECORDS, "all {count} were taken in");

    let began = Instant::now();
    a.engine.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    poster.join().unwrap();
    let b = b.writes();
    assert_eq!(b.engine.history().trouble(), None);
    b.repeats(1..1_001);
    assert!(sealed(&database, RunKind::Ids) >= 1_000 - TAIL);
    assert!(history.runs(RunKind::History).unwrap().iter().all(|run| run.directory != strange.directory));
}

#[test]
fn a_history_that_was_taken_away_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(folder.path());
    let database = open(&address).unwrap();
    let a = Running::start(&address, "node-a", TAIL).writes();
    a.open_accounts();
    a.post(1..301);
    // As by a writer that was paused between taking the lease and looking at the history.
    database.history().unwrap().claim(&Lease { cell: CELL, epoch: 1_000 }).unwrap();
    a.post(301..1_001);
    until_sealed(&a, &database, 1_000);
    a.until("no trouble", |engine| engine.history().trouble().is_none());
    a.repeats(1..1_001);
    a.statement(1_000);
}

#[test]
fn an_id_that_only_the_index_knows_is_an_error_and_not_new() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(folder.path());
    let a = Running::start(&address, "node-a", 1_000_000).writes();
    a.open_accounts();
    let receipt = a.post(1..6);
    drop(a);
    // An index that is wrong about ids 3 and 4.
    let row = |number: u64, ordinal: u64| IdRow { id: id(number).0, ordinal, what: What::Entry };
    let rows = vec![row(1, 0), row(2, 1), row(3, 3), row(4, 1_000_000), row(5, 4)];
    let mut pages = Vec::new();
    let run = seal_ids(RunId(0), (0, 5), rows, |page| pages.push(page)).unwrap();
    let entries = 0..5;
    let new = NewRun {
        kind: RunKind::Ids,
        level: 0,
        entries: &entries,
        seq: receipt.seq,
        hash: receipt.hash,
        directory: &run.write(),
        pages: &pages,
    };
    let history = open(&address).unwrap().history().unwrap();
    let lease = Lease { cell: CELL, epoch: receipt.epoch };
    history.put(&lease, &new, &[]).unwrap();

    let a = Running::start(&address, "node-a", 1_000_000).writes();
    assert_eq!(a.remembered_from(), 5);
    a.repeats(1..3);
    for wrong in [3, 4] {
        let refused = a.try_post([wrong]).unwrap_err();
        assert!(matches!(&refused, Refused::Unavailable(why) if why.contains("journal")), "{refused:?}");
    }
    let (verdicts, _) = a.try_post([6]).unwrap();
    assert_eq!(verdicts, [Verdict::Accepted { ordinal: 5 }]);
    a.statement(6);
}

#[test]
fn a_history_that_is_lost_is_sealed_again_before_the_books_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(folder.path());
    {
        let a = Running::start(&address, "node-a", TAIL).writes();
        a.open_accounts();
        a.post(1..1_001);
        drop(a);
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("cell-history.sqlite{end}")));
    }
    let database = open(&address).unwrap();
    assert_eq!(sealed(&database, RunKind::Ids), 0);
    {
        let a = Running::start(&address, "node-a", TAIL).writes();
        assert!(a.remembered_from() > 1_000 - 2 * TAIL, "{}", a.remembered_from());
        a.statement(1_000);
        a.repeats(1..1_001);
    }
    // It falls behind by much although something is sealed.
    let behind = sealed(&database, RunKind::Ids);
    {
        let a = Running::start(&address, "node-a", 1_000_000).writes();
        a.post(1_001..3_001);
        a.statement(3_000);
    }
    assert_eq!(sealed(&database, RunKind::Ids), behind);
    let a = Running::start(&address, "node-a", TAIL).writes();
    assert!(a.remembered_from() > 3_000 - 2 * TAIL, "{}", a.remembered_from());
    a.statement(3_000);
    a.repeats(1..3_001);
    assert_eq!(a.engine.history().trouble(), None);
}

#[test]
fn runs_of_many_pages_are_merged_while_more_is_posted() {
    let folder = tempfile::tempdir().unwrap();
    let address = file(folder.path());
    let database = open(&address).unwrap();
    let a = Running::start(&address, "node-a", 16_000).writes();
    a.open_accounts();
    for first in (1..=136_001).step_by(8_000) {
        let (verdicts, _) = a.try_post(first..first + 8_000).unwrap();
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted { .. })));
    }
    let history = database.history().unwrap();
    let merged = |kind| {
        let runs = history.runs(kind).unwrap();
        runs.iter().any(|run| run.level == 1 && run.entries == (0..128_000)).then(|| runs[0].pages)
    };
    a.until("merged", |_| merged(RunKind::Ids).is_some() && merged(RunKind::History).is_some());
    assert!(merged(RunKind::Ids).unwrap() > 64, "more than are written at once");
    a.repeats(1..500);
    a.repeats(127_900..136_100);
}
