//! Measures history in memory: how fast rows are pushed, sealed and merged, how many bytes they take, and how
//! long a statement takes afterwards.
//!
//! `cargo run --release -p suanpan-ledger --example history_rate -- [transfers] [accounts]`: 10,000,000 transfers
//! over 10,000 accounts unless said, half of the rows on 20 hot accounts.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal")]
#![allow(clippy::float_arithmetic, reason = "figures for people, no money")]

use std::{
    collections::BTreeMap,
    convert::Infallible,
    time::{Duration, Instant},
};
use suanpan_ledger::{
    account::{Balance, Side},
    history::{
        Merge, Order, PageSource, Range, Row, RowKind, Run, RunId, RunLevel, StatementQuery, Tail, View,
        plan, seal,
    },
};
use suanpan_money::Timestamp;

const TAIL_ENTRIES: u64 = 262_144;
const BATCH: u64 = 8_190;
const HOT: u64 = 20;

#[derive(Default)]
struct Memory {
    runs: BTreeMap<RunId, Vec<Vec<u8>>>,
    reads: usize,
}

impl PageSource for Memory {
    type Page = Vec<u8>;
    type Error = Infallible;

    // A copy stands for what a database does.
    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, Infallible> {
        self.reads += 1;
        Ok(self.runs[&run][index as usize].clone())
    }
}

#[derive(Default)]
struct Spent {
    push: Duration,
    seal: Duration,
    merge: Duration,
    merged_rows: u64,
    sealed_bytes: u64,
    written_bytes: u64,
}

struct Books {
    state: u64,
    accounts: u64,
    sums: Vec<Balance>,
    transfers: u64,
}

impl Books {
    fn random(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        ((self.state >> 32) * below) >> 32
    }

    // Half of the transfers have a hot account on either side, so that half of all rows are on one.
    fn account(&mut self, hot: bool) -> u32 {
        if hot { self.random(HOT) as u32 } else { (HOT + self.random(self.accounts - HOT)) as u32 }
    }

    fn transfer(&mut self) -> [Row; 2] {
        let hot = self.random(2) == 0;
        let debit = self.account(hot);
        let credit = self.account(!hot);
        let amount_minor = 1 + self.random(100_000);
        let ordinal = self.transfers;
        self.transfers += 1;
        self.sums[debit as usize].debits_posted += amount_minor;
        self.sums[credit as usize].credits_posted += amount_minor;
        let row = |account: u32, counterparty, side| Row {
            ordinal,
            after: self.sums[account as usize],
            amount_minor,
            account,
            counterparty,
            side,
            kind: RowKind::Post,
        };
        [row(debit, credit, Side::Debit), row(credit, debit, Side::Credit)]
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap());
    let transfers = arguments.next().unwrap_or(10_000_000);
    let accounts = arguments.next().unwrap_or(10_000);
    let sums = vec![Balance::default(); accounts as usize];
    let mut books = Books { state: 88_172_645_463_325_252, accounts, sums, transfers: 0 };
    let (mut memory, mut runs, mut spent) = (Memory::default(), Vec::<Run>::new(), Spent::default());
    let mut next_id = 0;
    while books.transfers < transfers {
        let tail = fill(&mut books, &mut spent, transfers);
        if books.transfers >= transfers {
            ask(&runs, &tail, &mut memory, &books, &spent);
            return;
        }
        seal_and_merge(&mut runs, &tail, &mut memory, &mut next_id, &mut spent);
    }
}

fn fill(books: &mut Books, spent: &mut Spent, transfers: u64) -> Tail {
    let entries = TAIL_ENTRIES.min(transfers - books.transfers);
    let first = books.transfers;
    let mut tail = Tail::with_capacity(first, 2 * entries as usize);
    let mut rows = Vec::with_capacity(2 * BATCH as usize);
    while books.transfers < first + entries {
        let count = BATCH.min(first + entries - books.transfers);
        rows.clear();
        let at = Timestamp::from_micros(1_700_000_000_000_000 + books.transfers as i64 * 2);
        (0..count).for_each(|_| rows.extend(books.transfer()));
        let begun = Instant::now();
        tail.begin_record(at, count as u32).unwrap();
        for row in &rows {
            tail.push(*row).unwrap();
        }
        spent.push += begun.elapsed();
    }
    tail
}

fn seal_and_merge(
    runs: &mut Vec<Run>,
    tail: &Tail,
    memory: &mut Memory,
    next_id: &mut u64,
    spent: &mut Spent,
) {
    let begun = Instant::now();
    *next_id += 1;
    let id = RunId(*next_id);
    let mut pages = Vec::new();
    let run = seal(id, tail, |page| pages.push(page)).unwrap();
    spent.seal += begun.elapsed();
    spent.sealed_bytes += run.bytes();
    spent.written_bytes += run.bytes();
    memory.runs.insert(id, pages);
    runs.push(run);
    while let Some(plan) = plan(&runs.iter().map(RunLevel::from).collect::<Vec<_>>()) {
        let at = runs.iter().position(|run| run.id == plan.runs[0]).unwrap();
        let olds: Vec<Run> = runs[at..at + plan.runs.len()].to_vec();
        let begun = Instant::now();
        *next_id += 1;
        let id = RunId(*next_id);
        let mut merge = Merge::new(id, olds.clone()).unwrap();
        let mut pages = Vec::new();
        while let Some(page) = merge.next_page(memory).unwrap() {
            pages.push(page);
        }
        let run = merge.finish().unwrap();
        spent.merge += begun.elapsed();
        spent.merged_rows += run.rows;
        spent.written_bytes += run.bytes();
        memory.runs.insert(id, pages);
        olds.iter().for_each(|old| drop(memory.runs.remove(&old.id)));
        runs.splice(at..at + plan.runs.len(), [run]);
    }
}

fn ask(runs: &[Run], tail: &Tail, memory: &mut Memory, books: &Books, spent: &Spent) {
    let rows = runs.iter().map(|run| run.rows).sum::<u64>() as f64;
    let bytes = runs.iter().map(Run::bytes).sum::<u64>() as f64;
    let pushed = (books.transfers * 2) as f64;
    let million = 1e6;
    let busy = spent.seal + spent.merge;
    println!("{} transfers, {} accounts", books.transfers, books.accounts);
    println!("push:  {:.1} M rows/s", pushed / spent.push.as_secs_f64() / million);
    println!(
        "seal:  {:.1} M rows/s, {:.2} bytes/row",
        rows / spent.seal.as_secs_f64() / million,
        spent.sealed_bytes as f64 / rows
    );
    println!(
        "merge: {:.1} M rows/s, each row merged {:.1} times",
        spent.merged_rows as f64 / spent.merge.as_secs_f64() / million,
        spent.merged_rows as f64 / rows
    );
    println!(
        "seal and merge: {:.2} M rows/s of one core, so 1 M rows/s take {:.0} %",
        rows / busy.as_secs_f64() / million,
        100.0 * busy.as_secs_f64() * million / rows
    );
    println!(
        "{} runs (levels {:?}), {:.2} bytes/row, {:.1} bytes written for each row",
        runs.len(),
        runs.iter().map(|run| run.level).collect::<Vec<_>>(),
        bytes / rows,
        spent.written_bytes as f64 / rows
    );
    let view = View::new(runs, [tail]).unwrap();
    let (cold, end) = (books.accounts as u32 - 1, books.transfers);
    let sum = view.balance_before(3, end, memory).unwrap();
    assert_eq!(sum, books.sums[3], "the balance of history is that of the books");
    for (name, account, to, order) in [
        ("newest 100, hot account", 3, end, Order::NewestFirst),
        ("newest 100, cold account", cold, end, Order::NewestFirst),
        ("oldest 100, hot account", 3, end, Order::OldestFirst),
        ("oldest 100, cold account", cold, end, Order::OldestFirst),
        ("100 from the middle, hot account", 3, end / 2, Order::NewestFirst),
        ("100 from the middle, cold account", cold, end / 2, Order::NewestFirst),
    ] {
        let query = StatementQuery {
            account,
            range: Range::Ordinals { from: 0, to },
            order,
            limit: 100,
            after: None,
        };
        measure(name, memory, |memory| view.statement(&query, memory).unwrap().rows.len());
    }
    let moment = Timestamp::from_micros(1_700_000_000_000_000 + end as i64);
    measure("balance at a past moment, hot account", memory, |memory| {
        usize::from(view.balance_at(3, moment, memory).unwrap().debits_posted > 0)
    });
    measure("balance at a past moment, cold account", memory, |memory| {
        usize::from(view.balance_at(cold, moment, memory).unwrap().debits_posted > 0)
    });
}

fn measure(name: &str, memory: &mut Memory, mut question: impl FnMut(&mut Memory) -> usize) {
    const TIMES: u32 = 50;
    memory.reads = 0;
    let begun = Instant::now();
    let mut answered = 0;
    for _ in 0..TIMES {
        answered = question(memory);
    }
    let each = begun.elapsed() / TIMES;
    println!(
        "{name}: {answered} in {:.3} ms, {} pages",
        each.as_secs_f64() * 1e3,
        memory.reads / TIMES as usize
    );
}
