//! Made-up books, and answers found by looking at every row.

use std::collections::BTreeMap;
use suanpan_ledger::{
    account::{Balance, Side},
    history::{
        Merge, Order, PageSource, Range, Row, RowKind, Run, RunId, StatementQuery, Tail, page::Page, seal,
    },
};
use suanpan_money::Timestamp;

/// Pages in memory, with a count of reads.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pages: BTreeMap<(RunId, u32), Vec<u8>>,
    pub(crate) reads: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoPage;

impl PageSource for Memory {
    type Page = Vec<u8>;
    type Error = NoPage;

    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, NoPage> {
        self.reads += 1;
        self.pages.get(&(run, index)).cloned().ok_or(NoPage)
    }
}

impl Memory {
    pub(crate) fn keep(&mut self, run: RunId, page: Vec<u8>) {
        let index = self.pages.range((run, 0)..=(run, u32::MAX)).count() as u32;
        self.pages.insert((run, index), page);
    }

    pub(crate) fn replace(&mut self, run: RunId, index: u32, page: Vec<u8>) {
        self.pages.insert((run, index), page);
    }

    pub(crate) fn merge(&mut self, id: u64, runs: Vec<Run>) -> Run {
        let mut merge = Merge::new(RunId(id), runs).unwrap();
        while let Some(page) = merge.next_page(self).unwrap() {
            self.keep(RunId(id), page);
        }
        let run = merge.finish().unwrap();
        let again = Run::parse(RunId(id), &run.write()).unwrap();
        assert_eq!(run, again);
        assert_eq!(run.page_count() as usize, self.pages_of(&run).len());
        run
    }

    pub(crate) fn pages_of(&self, run: &Run) -> Vec<&Vec<u8>> {
        self.pages.range((run.id, 0)..=(run.id, u32::MAX)).map(|(_, page)| page).collect()
    }

    pub(crate) fn all_rows(&self, run: &Run) -> Vec<Row> {
        let mut rows = Vec::new();
        for (info, bytes) in run.pages.iter().zip(self.pages_of(run)) {
            let page = Page::open(info, bytes).unwrap();
            for at in 0..page.blocks() {
                rows.extend(page.block(at).unwrap().iter().map(Result::unwrap));
            }
        }
        rows
    }
}

pub(crate) fn sealed(memory: &mut Memory, id: u64, tail: &Tail) -> Run {
    let run = seal(RunId(id), tail, |page| memory.keep(RunId(id), page)).unwrap();
    Run::parse(RunId(id), &run.write()).unwrap()
}

/// Books with random entries.
pub(crate) struct World {
    state: u64,
    accounts: u32,
    sums: Vec<Balance>,
    rows: Vec<Row>,
    // The time of each entry.
    times: Vec<Timestamp>,
    now: i64,
}

impl World {
    pub(crate) fn new(seed: u64, accounts: u32) -> World {
        let sums = vec![Balance::default(); accounts as usize];
        World { state: seed | 1, accounts, sums, rows: Vec::new(), times: Vec::new(), now: 1_000 }
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    pub(crate) fn entries(&self) -> u64 {
        self.times.len() as u64
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The time of an entry; later than all for those to come.
    pub(crate) fn time_of(&self, ordinal: u64) -> Timestamp {
        self.times.get(ordinal as usize).copied().unwrap_or(Timestamp::from_micros(self.now + 7))
    }

    /// Makes so many records and returns them as a tail.
    pub(crate) fn tail(&mut self, records: usize) -> Tail {
        let mut tail = Tail::new(self.entries());
        for at in 0..records {
            let entries = if at == 0 { 1 } else { self.random(4) as u32 };
            self.now += self.random(3) as i64;
            let at = Timestamp::from_micros(self.now);
            tail.begin_record(at, entries).unwrap();
            for _ in 0..entries {
                let ordinal = self.entries();
                self.times.push(at);
                for _ in 0..1 + self.random(3) {
                    for row in self.posting(ordinal) {
                        self.rows.push(row);
                        tail.push(row).unwrap();
                    }
                }
            }
        }
        tail
    }

    fn posting(&mut self, ordinal: u64) -> [Row; 2] {
        let debit = self.random(u64::from(self.accounts)) as u32;
        let credit = self.random(u64::from(self.accounts)) as u32;
        let bits = self.random(40);
        let amount_minor = self.random(1 << bits);
        let kind = RowKind::from_number(self.random(7) as u8).unwrap();
        let mut row = |account: u32, counterparty: u32, side: Side, wanted: RowKind| {
            let sums = &mut self.sums[account as usize];
            let (posted, held) = match side {
                Side::Debit => (&mut sums.debits_posted, &mut sums.debits_held),
                Side::Credit => (&mut sums.credits_posted, &mut sums.credits_held),
            };
            // Only what is held can be captured or set free.
            let frees =
                matches!(wanted, RowKind::Capture | RowKind::Release | RowKind::Void | RowKind::Expiry);
            let kind = if frees && *held < amount_minor { RowKind::Hold } else { wanted };
            match kind {
                RowKind::Post | RowKind::Reversal => *posted += amount_minor,
                RowKind::Hold => *held += amount_minor,
                RowKind::Capture => {
                    *held -= amount_minor;
                    *posted += amount_minor;
                }
                RowKind::Release | RowKind::Void | RowKind::Expiry => *held -= amount_minor,
            }
            Row { ordinal, after: *sums, amount_minor, account, counterparty, side, kind }
        };
        [row(debit, credit, Side::Debit, kind), row(credit, debit, Side::Credit, kind)]
    }

    pub(crate) fn statement(&self, query: &StatementQuery) -> Vec<(Row, Timestamp)> {
        let inside = |ordinal: u64, at: Timestamp| match query.range {
            Range::All => true,
            Range::Ordinals { from, to } => (from..to).contains(&ordinal),
            Range::Times { from, to } => (from..to).contains(&at),
        };
        let dated = self.rows.iter().map(|row| (*row, self.times[row.ordinal as usize]));
        let mut rows: Vec<(Row, Timestamp)> =
            dated.filter(|(row, at)| row.account == query.account && inside(row.ordinal, *at)).collect();
        if query.order == Order::NewestFirst {
            rows.reverse();
        }
        rows
    }

    pub(crate) fn balance_before(&self, account: u32, end: u64) -> Balance {
        let rows = self.rows.iter().rev();
        let last = rows.filter(|row| row.account == account).find(|row| row.ordinal < end);
        last.map(|row| row.after).unwrap_or_default()
    }

    pub(crate) fn balance_at(&self, account: u32, moment: Timestamp) -> Balance {
        let end = self.times.iter().filter(|at| **at <= moment).count() as u64;
        self.balance_before(account, end)
    }

    pub(crate) fn entries_before(&self, moment: Timestamp) -> u64 {
        self.times.iter().filter(|at| **at < moment).count() as u64
    }
}
