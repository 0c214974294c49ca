//! Entries per second through the engine: `ledger_load ADDRESS [seconds] [batch] [accounts] [under way]`.
//!
//! All checks are on: limits, unique ids, hash chain, and the history of each account, which is built behind the
//! commits. Half of the transfers touch 20 hot accounts. Prints the rate, how far history lags behind, and how long
//! statements take at the end.

#![allow(clippy::print_stdout, reason = "an example says what it measured")]

use std::time::{Duration, Instant};
use suanpan_engine::{BooksAnswer, BooksCommand, Channels, Clock, Config, Engine, Role};
use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::history::{Order, Range, StatementQuery};
use suanpan_money::Currency;
use suanpan_payments::settings::Settings;

/// A small generator of numbers, good enough to choose accounts.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: u64| words.get(at).map_or(default, |word| word.parse().expect("a number"));
    let address = words.first().expect("an address: a path or postgres://…");
    let (seconds, batch, accounts) = (number(1, 10), number(2, 8_190), number(3, 10_000));
    let under_way = number(4, 3) as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let database = suanpan_store::open(address).expect("a database");
    let config = Config {
        cell: 1,
        node: "bench".to_owned(),
        lease: Duration::from_secs(10),
        settings: Settings::with_simulator([7; 32], "http://127.0.0.1"),
        clock: Clock::system(),
    };
    let began = Instant::now();
    let inside = runtime.enter();
    let engine = Engine::start(&database, Channels::default(), config).expect("an engine");
    drop(inside);
    while engine.role() != Role::Writer {
        std::thread::sleep(Duration::from_millis(1));
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", engine.trouble());
    }
    println!("started in {} ms", began.elapsed().as_millis());
    let currency = Currency::parse("CNY").expect("known");
    for first in (0..accounts).step_by(5_000) {
        let specs = (first..accounts.min(first + 5_000)).map(|at| AccountSpec {
            path: format!("bench/{at}"),
            currency,
            kind: AccountKind::Liability,
            limits: Limits { floor: Some(-1_000_000_000_000), ceiling: None },
        });
        engine.books_blocking(BooksCommand::Open(specs.collect())).expect("accounts");
    }
    let start =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut next_id = start << 80;
    let mut pending = std::collections::VecDeque::new();
    let (mut done, mut lag_max, mut latencies) = (0_u64, 0, Vec::new());
    let began = Instant::now();
    let (send, receive) = std::sync::mpsc::sync_channel::<(Instant, BooksCommand)>(under_way.min(64));
    let maker = std::thread::spawn(move || {
        while began.elapsed() < Duration::from_secs(seconds) {
            let mut entries = EntryBatch::default();
            for _ in 0..batch {
                let hot = numbers.below(2) == 0;
                let debit = if hot { numbers.below(20.min(accounts)) } else { numbers.below(accounts) };
                let credit = (debit + 1 + numbers.below(accounts - 1)) % accounts;
                next_id += 1;
                let posting = Posting {
                    debit: AccountNo(debit as u32),
                    credit: AccountNo(credit as u32),
                    amount_minor: 1 + numbers.below(10_000),
                };
                let entry = Entry {
                    id: EntryId(next_id),
                    action: Action::Post,
                    code: 1,
                    linked: false,
                    postings: &[posting],
                };
                entries.push(entry).expect("it fits");
            }
            if send.send((Instant::now(), BooksCommand::Post(entries))).is_err() {
                return;
            }
        }
    });
    loop {
        match receive.recv() {
            Ok((sent, command)) => pending.push_back((sent, engine.books_later(command).expect("room"))),
            Err(_) if pending.is_empty() => break,
            Err(_) => {}
        }
        while pending.len() >= under_way
            || (!pending.is_empty() && began.elapsed() >= Duration::from_secs(seconds))
        {
            let (sent, answer) = pending.pop_front().expect("not empty");
            let (answer, _) = answer.blocking_recv().expect("an answer").expect("booked");
            latencies.push(sent.elapsed());
            let BooksAnswer::Posted(verdicts) = answer else { panic!("{answer:?}") };
            done += verdicts.iter().filter(|v| matches!(v, Verdict::Accepted { .. })).count() as u64;
            lag_max = lag_max.max(engine.history().lag());
        }
    }
    maker.join().expect("the maker");
    let took = began.elapsed();
    latencies.sort_unstable();
    println!(
        "{done} transfers in {:.1} s: {} transfers/s, batch {batch}, p50 {:?}, p99 {:?}, history at most {lag_max} behind, now {}",
        took.as_secs_f64(),
        u128::from(done) * 1_000 / took.as_millis().max(1),
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 99 / 100],
        engine.history().lag(),
    );
    let caught_up = Instant::now();
    while engine.history().lag() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("history caught up after {} ms", caught_up.elapsed().as_millis());
    for account in [0, 7, (accounts / 2) as u32, (accounts - 1) as u32] {
        let asked = Instant::now();
        let query =
            StatementQuery { account, range: Range::All, order: Order::NewestFirst, limit: 100, after: None };
        let statement = engine.history().statement(&query).expect("a statement");
        println!("statement of account {account}: {} rows in {:?}", statement.rows.len(), asked.elapsed());
    }
    let stopping = Instant::now();
    engine.stop();
    println!("stopped in {} ms", stopping.elapsed().as_millis());
}
