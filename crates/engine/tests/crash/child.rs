//! The process that is killed: an engine under load that prints each acknowledgement as it has it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use suanpan_channels::card_sim::{CardSim, Host, HostSettings};
use suanpan_engine::{
    Asker, BooksAnswer, BooksCommand, Call, Caller, Channels, Clock, Config, Engine, IdempotencyKey, Receipt,
    Refused, Way,
};
use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_money::Currency;
use suanpan_payments::command::Command;
use suanpan_payments::settings::Settings;

pub(crate) const CELL: u32 = 7;
pub(crate) const MERCHANT: &str = "acct_m";
/// Accounts that entries move between.
pub(crate) const ACCOUNTS: u32 = 50;
/// Entries of a batch.
pub(crate) const BATCH: u64 = 40;
/// Workers that book entries; the others pay.
pub(crate) const BOOKERS: usize = 2;
pub(crate) const WORKERS: usize = 5;

/// What a child is told by its environment.
pub(crate) const ADDRESS: &str = "SUANPAN_CRASH_ADDRESS";
pub(crate) const NODE: &str = "SUANPAN_CRASH_NODE";
pub(crate) const LEASE: &str = "SUANPAN_CRASH_LEASE_MS";
pub(crate) const NEXT: &str = "SUANPAN_CRASH_NEXT";

/// The entry with a place in the work of a worker: all of it follows from the place.
pub(crate) fn entry(worker: usize, n: u64, at: u64) -> (EntryId, Posting) {
    let place = n * BATCH + at + 1;
    let id = EntryId(u128::from(worker as u64 + 1) << 64 | u128::from(place));
    let debit = u32::try_from(place % u64::from(ACCOUNTS)).expect("below 50");
    let credit = (debit + 1 + u32::try_from(worker).expect("few")) % ACCOUNTS;
    let posting =
        Posting { debit: AccountNo(debit), credit: AccountNo(credit), amount_minor: 1 + place % 1_000 };
    (id, posting)
}

pub(crate) fn key(worker: usize, n: u64) -> String {
    format!("key-{worker}-{n}")
}

/// Prints a line in one piece.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // When nobody listens any more, the parent is gone.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(3);
    }
}

fn rest(receipt: &Receipt) -> String {
    let mut text = format!("{} {} ", receipt.epoch, receipt.seq);
    for byte in receipt.hash {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Runs until it is killed, or its input ends.
pub(crate) fn run(address: &str) {
    let text = |name: &str| std::env::var(name).unwrap_or_default();
    let lease = Duration::from_millis(text(LEASE).parse().expect("a lease"));
    let next: Vec<u64> = text(NEXT).split(',').map(|n| n.parse().expect("a number")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let database = suanpan_store::open(address).unwrap();
    let host = Arc::new(Host::new(HostSettings::default()));
    let way = Way::Near(Arc::new(CardSim), host);
    let config = Config {
        cell: CELL,
        node: text(NODE),
        lease,
        settings: Settings::with_simulator([7; 32], "http://127.0.0.1"),
        clock: Clock::system(),
    };
    let engine = {
        let _within = runtime.enter();
        Engine::start(&database, Channels::new(vec![way]), config).unwrap()
    };
    let ends = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for (worker, next) in next.into_iter().enumerate() {
        let (engine, ends, handle) = (engine.clone(), ends.clone(), runtime.handle().clone());
        threads.push(std::thread::spawn(move || {
            let mut n = next;
            while !ends.load(Ordering::Relaxed) {
                let done = if worker < BOOKERS {
                    book(&engine, worker, n)
                } else {
                    handle.block_on(pay(&engine, worker, n))
                };
                match done {
                    Ok(line) => {
                        say(&line);
                        n += 1;
                    }
                    Err(refused) => {
                        say(&format!("no {worker} {refused:?}"));
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        }));
    }
    let watched = engine.clone();
    std::thread::spawn(move || {
        let mut last = None;
        loop {
            let role = watched.role();
            if last.replace(role) != Some(role) {
                say(&format!("role {role:?}"));
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    ends.store(true, Ordering::Relaxed);
    for thread in threads {
        let _ = thread.join();
    }
    engine.stop();
}

fn book(engine: &Engine, worker: usize, n: u64) -> Result<String, Refused> {
    if n == 0 {
        let specs = (0..ACCOUNTS).map(|at| AccountSpec {
            path: format!("crash/{at}"),
            currency: Currency::parse("CNY").expect("known"),
            kind: AccountKind::Liability,
            limits: Limits::default(),
        });
        engine.books_blocking(BooksCommand::Open(specs.collect()))?;
    }
    let mut entries = EntryBatch::default();
    for at in 0..BATCH {
        let (id, posting) = entry(worker, n, at);
        let entry = Entry { id, action: Action::Post, code: 100, linked: false, postings: &[posting] };
        entries.push(entry).expect("a small batch");
    }
    let (answer, receipt) = engine.books_blocking(BooksCommand::Post(entries))?;
    let BooksAnswer::Posted(verdicts) = answer else { panic!("another answer") };
    let there = |verdict: &Verdict| matches!(verdict, Verdict::Accepted { .. } | Verdict::Exists { .. });
    assert!(verdicts.iter().all(there), "worker {worker}, {n}: {verdicts:?}");
    let repeated = matches!(verdicts[0], Verdict::Exists { .. });
    Ok(format!("booked {worker} {n} {} {repeated}", rest(&receipt)))
}

async fn pay(engine: &Engine, worker: usize, n: u64) -> Result<String, Refused> {
    let key = key(worker, n);
    let value = serde_json::json!({
        "amount": 100 + n % 1_000, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa",
        "metadata": {"key": key},
    });
    let request = serde_json::from_value(value).expect("a good request");
    let call = Call {
        caller: Caller { merchant: MERCHANT.to_owned(), live: false },
        idempotency: Some(IdempotencyKey {
            asker: Asker::Server,
            digest: *blake3::hash(key.as_bytes()).as_bytes(),
            key,
        }),
        request_id: None,
        command: Command::CreatePaymentIntent { request: Box::new(request) },
    };
    let answered = engine.call(call).await?;
    let digest = blake3::hash(&answered.body).to_hex();
    Ok(format!("paid {worker} {n} {} {} {digest}", rest(&answered.receipt), answered.replayed))
}
