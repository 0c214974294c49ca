//! The keeper and its writer over stores that are slow, gone, or in other hands.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::*;
use crate::writer::{Ended, Writer};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_money::Currency;
use suanpan_store::commit::{Commit, CommitError, Head};
use suanpan_store::{Kept, Record, open};

const CELL: u32 = 7;

/// What is wrong with a store.
#[derive(Default)]
struct Wrong {
    down: AtomicBool,
    /// The next commit is done, and its connection ends before that is told.
    unknown: AtomicBool,
    load_takes: Duration,
}

struct Faulty {
    store: Box<dyn Store>,
    wrong: Arc<Wrong>,
}

impl Faulty {
    fn answers(&self) -> Result<(), StoreError> {
        if self.wrong.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable { at: "here".to_owned(), reason: "down".to_owned() });
        }
        Ok(())
    }
}

impl Store for Faulty {
    fn acquire(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError> {
        self.answers()?;
        self.store.acquire(cell, node, ttl)
    }

    fn seize(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError> {
        self.answers()?;
        self.store.seize(cell, node, ttl)
    }

    fn renew(&mut self, lease: &Lease, ttl: Duration) -> Result<(), StoreError> {
        self.answers()?;
        self.store.renew(lease, ttl)
    }

    fn release(&mut self, lease: &Lease) -> Result<(), StoreError> {
        self.store.release(lease)
    }

    fn head(&mut self) -> Result<Head, StoreError> {
        self.answers()?;
        self.store.head()
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        self.answers()?;
        self.store.commit(commit)?;
        if self.wrong.unknown.swap(false, Ordering::SeqCst) {
            self.wrong.down.store(true, Ordering::SeqCst);
            return Err(CommitError::Unknown("the connection ended".to_owned()));
        }
        Ok(())
    }

    fn load(&mut self) -> Result<Kept, StoreError> {
        self.answers()?;
        sleep(self.wrong.load_takes);
        self.store.load()
    }

    fn records(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.answers()?;
        self.store.records(from, each)
    }

    fn forget_answers(&mut self, lease: &Lease, before: i64, limit: u32) -> Result<u64, StoreError> {
        self.answers()?;
        self.store.forget_answers(lease, before, limit)
    }

    fn forget_events(&mut self, lease: &Lease, before: i64, limit: u32) -> Result<u64, StoreError> {
        self.answers()?;
        self.store.forget_events(lease, before, limit)
    }
}

/// A database, what the threads of an engine share, and a store that goes wrong.
struct World {
    database: Database,
    shared: Arc<Shared>,
    wrong: Arc<Wrong>,
    ttl: Duration,
}

impl World {
    fn new(ttl: Duration, wrong: Wrong) -> World {
        let database = open("sqlite::memory:").unwrap();
        let reader = database.reader();
        let history = HistoryIndex::without_threads(database.history().unwrap(), reader.clone()).unwrap();
        let shared = Shared::new(
            reader,
            history,
            (Clock::system(), Settings::with_simulator([7; 32], ""), Channels::default()),
            (Jobs::new().0, Arc::new(Outbox::new())),
            HighWater::holding(None, None),
        );
        World { database, shared: Arc::new(shared), wrong: Arc::new(wrong), ttl }
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(Faulty { store: self.database.writer().unwrap(), wrong: self.wrong.clone() })
    }

    fn writer(&self) -> Writer {
        let mut store = self.store();
        let held = store.acquire(CELL, "node-a", self.ttl).unwrap();
        load(self.shared.clone(), store, held, self.ttl).map_err(|(error, _)| error).unwrap()
    }

    /// Starts the threads that an engine has.
    fn start(&self) -> Engine {
        let config = Config {
            cell: CELL,
            node: "node-a".to_owned(),
            lease: self.ttl,
            settings: self.shared.settings.clone(),
            clock: Clock::system(),
        };
        let (renewal, second, ttl) = (self.shared.renewal.clone(), self.database.writer().unwrap(), self.ttl);
        std::thread::spawn(move || renewal.run(second, ttl));
        let (keeper, store) = (Keeper { shared: self.shared.clone(), config }, self.store());
        let thread = std::thread::spawn(move || keeper.run(store));
        Engine { shared: self.shared.clone(), thread: Arc::new(Mutex::new(Some(thread))) }
    }

    fn set_down(&self, down: bool) {
        self.wrong.down.store(down, Ordering::SeqCst);
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// A question about the books, and where its answer comes.
fn question() -> (Envelope, oneshot::Receiver<Receipt>) {
    let (reply, answer) = oneshot::channel();
    (
        Envelope::Query(Box::new(move |committed| {
            let receipt = committed.receipt;
            Box::new(move || {
                let _ = reply.send(receipt);
            })
        })),
        answer,
    )
}

/// An entry that the books refuse, so that nothing is committed.
fn refused_entry() -> (Envelope, BooksPromise) {
    let mut entries = EntryBatch::default();
    let postings = [Posting { debit: AccountNo(8), credit: AccountNo(9), amount_minor: 1 }];
    let entry = Entry { id: EntryId(1), action: Action::Post, code: 9, linked: false, postings: &postings };
    entries.push(entry).unwrap();
    let (reply, answer) = oneshot::channel();
    (Envelope::Books { command: BooksCommand::Post(entries), reply }, answer)
}

#[test]
fn a_writer_past_its_lease_answers_nothing_from_memory() {
    let ttl = Duration::from_millis(200);
    let world = World::new(ttl, Wrong::default());
    let mut writer = world.writer();
    let ((ask, mut asked), (post, mut posted)) = (question(), refused_entry());
    writer.batch(vec![ask, post]).unwrap();
    assert_eq!(asked.try_recv().unwrap().seq, 0);
    let (answer, _) = posted.try_recv().unwrap().unwrap();
    let BooksAnswer::Posted(verdicts) = answer else { panic!("{answer:?}") };
    assert!(matches!(verdicts[..], [Verdict::Rejected { .. }]), "{verdicts:?}");

    // The lease is over, and nobody knows who writes: nothing was done, and nothing is told.
    sleep(ttl);
    world.set_down(true);
    let ((ask, mut asked), (post, mut posted)) = (question(), refused_entry());
    writer.batch(vec![ask, post]).unwrap();
    assert!(asked.try_recv().is_err());
    assert!(matches!(posted.try_recv().unwrap(), Err(Refused::Unavailable(_))));

    // Nobody has taken it.
    world.set_down(false);
    let (ask, mut asked) = question();
    writer.batch(vec![ask]).unwrap();
    assert_eq!(asked.try_recv().unwrap().seq, 0);

    // Somebody has.
    sleep(ttl);
    world.database.writer().unwrap().acquire(CELL, "node-b", ttl).unwrap();
    let ((ask, mut asked), (post, mut posted)) = (question(), refused_entry());
    assert!(matches!(writer.batch(vec![ask, post]), Err(Ended::Fenced(_))));
    assert!(asked.try_recv().is_err());
    assert_eq!(posted.try_recv().unwrap().unwrap_err(), Refused::Standby);
}

/// An entry of two accounts that are opened with it.
fn entry(id: u128) -> (Envelope, BooksPromise) {
    let mut entries = EntryBatch::default();
    let postings = [Posting { debit: AccountNo(0), credit: AccountNo(1), amount_minor: 1 }];
    let entry = Entry { id: EntryId(id), action: Action::Post, code: 9, linked: false, postings: &postings };
    entries.push(entry).unwrap();
    let (reply, answer) = oneshot::channel();
    (Envelope::Books { command: BooksCommand::Post(entries), reply }, answer)
}

fn opened() -> Envelope {
    let open = |path: &str| AccountSpec {
        path: path.to_owned(),
        currency: Currency::parse("CNY").unwrap(),
        kind: AccountKind::Asset,
        limits: Limits::default(),
    };
    let (reply, _) = oneshot::channel();
    Envelope::Books { command: BooksCommand::Open(vec![open("a"), open("b")]), reply }
}

#[test]
fn who_rests_on_a_commit_whose_end_is_not_known_is_not_told_that_nothing_was_done() {
    let ttl = Duration::from_millis(200);
    let world = World::new(ttl, Wrong::default());
    let mut writer = world.writer();
    writer.batch(vec![opened()]).unwrap();
    let ((first, mut told_first), (again, mut told_again), (new, mut told_new)) =
        (entry(1), entry(1), entry(2));
    writer.batch_ahead(vec![first]).unwrap();
    assert!(told_first.try_recv().is_err(), "it is decided, and not committed");
    world.wrong.unknown.store(true, Ordering::SeqCst);
    // The entry is there already when these two are decided: the first of them repeats it, the second is new.
    assert!(matches!(writer.batch_ahead(vec![again, new]), Err(Ended::Reload(_))));
    assert!(matches!(told_first.try_recv().unwrap(), Err(Refused::Unknown(_))));
    assert!(matches!(told_again.try_recv().unwrap(), Err(Refused::Unknown(_))));
    assert!(matches!(told_new.try_recv().unwrap(), Err(Refused::Unavailable(_))));
    world.set_down(false);
    assert_eq!(world.database.reader().standing().unwrap().unwrap().head.entries, 1, "it was done");
}

#[test]
fn a_load_that_takes_longer_than_the_lease_ends_in_a_writer() {
    let ttl = Duration::from_secs(1);
    let world = World::new(ttl, Wrong { load_takes: ttl * 5 / 2, ..Wrong::default() });
    let engine = world.start();
    let mut other = world.database.writer().unwrap();
    until("loading", || engine.role() == Role::Loading);
    until("writes", || {
        let taken = other.acquire(CELL, "node-b", ttl);
        assert!(matches!(taken, Err(StoreError::Held { .. })), "{taken:?}");
        engine.role() == Role::Writer
    });
    engine.books_blocking(BooksCommand::Open(Vec::new())).unwrap();
    engine.stop();
    // It gives the lease back, and nobody renews it any more.
    other.acquire(CELL, "node-b", ttl).unwrap();
}

#[test]
fn those_who_wait_for_a_database_that_is_gone_are_told() {
    let world = World::new(Duration::from_secs(1), Wrong::default());
    let engine = world.start();
    until("writes", || engine.role() == Role::Writer);
    world.set_down(true);
    // The first fails at its commit; then the lease cannot be taken again.
    for _ in 0..3 {
        let mut answer = engine.books_later(BooksCommand::Open(Vec::new())).unwrap();
        until("an answer", || match answer.try_recv() {
            Ok(told) => {
                assert!(matches!(told, Err(Refused::Unavailable(_))), "{told:?}");
                true
            }
            Err(_) => false,
        });
    }
    assert_eq!(engine.role(), Role::Loading);
    assert!(engine.trouble().unwrap().contains("down"));
    world.set_down(false);
    until("writes again", || engine.role() == Role::Writer);
    engine.books_blocking(BooksCommand::Open(Vec::new())).unwrap();
    engine.stop();
}

#[test]
fn what_ends_something_goes_before_new_payments() {
    let request = |value| serde_json::from_value(value).unwrap();
    let id = || "pi_1".to_owned();
    let capture = Command::CapturePaymentIntent {
        id: id(),
        request: serde_json::from_value(serde_json::json!({})).unwrap(),
    };
    let cancel = Command::CancelPaymentIntent {
        id: id(),
        request: serde_json::from_value(serde_json::json!({})).unwrap(),
    };
    let action = Command::Action { attempt: id(), proven: true };
    let expire = Command::Expire { payment_intent: id(), attempt: id() };
    for command in [capture, cancel, action, expire] {
        assert_eq!(priority(&command), Priority::High, "{command:?}");
    }
    let create = serde_json::json!({"amount": 1, "currency": "cny"});
    assert_eq!(priority(&Command::CreatePaymentIntent { request: request(create) }), Priority::Normal);
}
