//! Measures how fast entries are applied and encoded, and how fast records are replayed, on one core: 10,000
//! accounts, half of the transfers on 20 hot ones, batches of 8,190, all checks on.
//!
//! ```sh
//! cargo run --release -p suanpan-ledger --example apply_rate -- [millions of entries] [entries remembered]
//! ```

#![expect(clippy::print_stdout, reason = "a measurement is for the terminal")]

use std::hint::black_box;
use std::time::{Duration, Instant};
use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::{Book, Draft, Known, Verdict};
use suanpan_ledger::entry::{Action, EntryBatch, EntryHead, EntryId, Posting};
use suanpan_ledger::record::Record;
use suanpan_money::{Currency, Timestamp};

const ACCOUNTS: u32 = 10_000;
const HOT: u32 = 20;
const BATCH: usize = 8_190;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let batches = arguments.next().unwrap_or(5) * 1_000_000 / BATCH as u64 + 1;
    let remembered = arguments.next().unwrap_or(2_000_000);
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let mut book = Book::new(1, 42);
    let mut draft = Draft::default();
    book.begin(&mut draft, Timestamp::from_seconds(1));
    for number in 0..ACCOUNTS {
        // Half of the accounts have a floor, which costs a check with every posting.
        let floor = (number % 2 == 0).then_some(-1_000_000_000_000);
        let limits = Limits { floor, ceiling: None };
        let currency = Currency::parse("CNY").expect("a currency");
        let spec =
            AccountSpec { path: format!("account/{number}"), currency, kind: AccountKind::Liability, limits };
        book.open(&mut draft, spec).expect("a new account");
    }
    let mut records = vec![book.finish(&mut draft, 1).expect("accounts").bytes];
    let [mut gather, mut apply, mut finish, mut replay] = [const { Vec::new() }; 4];
    let mut bytes = 0;
    for batch_number in 0..batches {
        let batch = batch(&mut draw, batch_number);
        book.begin(&mut draft, Timestamp::from_seconds(2 + batch_number as i64));
        let start = Instant::now();
        black_box(book.unknown_ids(&batch));
        gather.push(start.elapsed());
        let known = Known::new(book.remembered_from());
        let start = Instant::now();
        let verdicts = book.apply(&mut draft, &batch, &known).expect("a sound batch");
        apply.push(start.elapsed());
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted { .. })));
        let start = Instant::now();
        let finished = book.finish(&mut draft, 1).expect("entries");
        book.forget_before(finished.head.entries.saturating_sub(remembered));
        finish.push(start.elapsed());
        bytes += finished.bytes.len();
        records.push(finished.bytes);
    }
    let entries = batches * BATCH as u64;
    println!("entries {entries}, bytes each {}", bytes as u64 / entries);
    rate("gather", &gather);
    rate("apply and encode", &apply);
    rate("finish and forget", &finish);
    let mut again = Book::new(1, 43);
    for record in &records {
        let start = Instant::now();
        again.replay(&Record::parse(record).expect("a record")).expect("the next record");
        replay.push(start.elapsed());
        again.forget_before(again.head().entries.saturating_sub(remembered));
    }
    rate("replay", &replay[1..]);
    assert_eq!(again.digest(), book.digest());
}

/// The mean is of the wall clock; the median batch is hardly disturbed by what else the machine does.
fn rate(what: &str, batches: &[Duration]) {
    let each = |took: Duration, batches: u128| took.as_nanos() / batches / BATCH as u128;
    let mean = each(batches.iter().sum(), batches.len() as u128);
    let mut sorted = batches.to_vec();
    sorted.sort_unstable();
    let median = each(sorted[sorted.len() / 2], 1);
    let rate = 1_000_000_000 / median.max(1);
    println!("{what:<18} mean {mean:>4} ns, median batch {median:>4} ns an entry: {rate:>10} entries/s");
}

fn batch(draw: &mut Draw, batch_number: u64) -> EntryBatch {
    let mut batch = EntryBatch::default();
    for place in 0..BATCH as u64 {
        // Ids as clients make them: no order.
        let id = EntryId(u128::from(draw.next()) << 64 | u128::from(batch_number * BATCH as u64 + place + 1));
        batch.heads.push(EntryHead { id, action: Action::Post, code: 1, linked: false, postings: 1 });
        let range = if place % 2 == 0 { HOT } else { ACCOUNTS };
        let debit = draw.next() as u32 % range;
        let credit = (debit + 1 + draw.next() as u32 % (range - 1)) % range;
        let amount_minor = 1 + draw.next() % 100_000;
        batch.postings.push(Posting { debit: AccountNo(debit), credit: AccountNo(credit), amount_minor });
    }
    batch
}

/// Numbers that look random: xorshift64*.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }
}
