//! A run with every code, made without chance, and what the engine would say of it.

use crate::outcome::{Code, Verdict};
use crate::record::{Loc, NewRecord, RecordId, Records, Side, Text, Word, Words};
use crate::report::*;
use std::path::Path;
use suanpan_money::Currency;

/// A small run with every code, made without chance.
pub(super) struct Run {
    pub(super) records: Records,
    pub(super) words: Words,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) shape: Shape,
}

pub(super) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

impl Run {
    pub(super) fn new() -> Run {
        Run::with_largest(i64::MAX)
    }

    pub(super) fn with_largest(largest: i64) -> Run {
        let rules = rules();
        let files = [
            vec!["books/2026-03-01.csv".to_owned(), "open_items.parquet".to_owned()],
            vec!["bank, \"main\".csv".to_owned(), "bank 2.csv".to_owned()],
        ];
        let mut run = Run {
            records: Records::new(),
            words: Words::default(),
            verdicts: Vec::new(),
            shape: Shape::new(&rules, files),
        };
        run.fill(largest);
        run
    }

    fn fill(&mut self, largest: i64) {
        use Code::*;
        use Side::{Left, Right};
        let mut n = 0;
        // The currency, the two amounts, and what the right side has other than the left.
        let mut row = |run: &mut Run, side: Side, key: &str, code: &str, amount: i64, status: &str| {
            n += 1;
            run.add(side, u16::from(n % 5 == 0), n, key, code, amount, status, n)
        };
        for i in 0..12_i64 {
            let key = format!("PAY{i:04}");
            let a = row(self, Left, &key, "CNY", 1_000 + 37 * i, "PAID");
            let b = row(self, Right, &key, "CNY", 1_000 + 37 * i, "PAID");
            self.verdict(Matched, Some(0), &[a], &[b], "all compared fields agree", &[]);
        }
        let a = row(self, Left, "TOL1", "CNY", 10_000, "PAID");
        let b = row(self, Right, "TOL1", "CNY", 9_999, "PAID");
        self.verdict(MatchedTolerance, Some(0), &[a], &[b], "amount within the tolerance", &[]);
        let a = row(self, Left, "AGG1", "KWD", 30_000, "PAID");
        let b = row(self, Right, "AGG1", "KWD", 10_000, "PAID");
        let c = row(self, Right, "AGG1", "KWD", 20_000, "PAID");
        self.verdict(MatchedAggregate, Some(0), &[a], &[b, c], "sums agree", &[]);
        let a = row(self, Left, "LATE1", "CNY", 700, "PAID");
        let b = row(self, Right, "LATE1", "CNY", 700, "PAID");
        self.verdict(MatchedLate, Some(0), &[a], &[b], "open item found its counterpart", &[]);
        let a = row(self, Left, "NET1", "CNY", 500, "PAID");
        let b = row(self, Left, "NET1", "CNY", -500, "REVERSED");
        self.verdict(NettedWithinSide, Some(2), &[a, b], &[], "cancel within the side", &[]);
        for i in 0..3 {
            let a = row(self, Left, &format!("PEND{i}"), "JPY", 120_000 + i, "PAID");
            self.verdict(PendingTiming, None, &[a], &[], "inside the cut-off window", &[]);
        }
        let b = row(self, Right, "PEND9", "CNY", 4_200, "PAID");
        self.verdict(PendingTiming, None, &[], &[b], "inside the cut-off window", &[]);
        for i in 0..9 {
            let a = row(self, Left, &format!("MISSB{i}"), "CNY", 1_234_567 + 99 * i, "PAID");
            self.verdict(MissingInB, None, &[a], &[], "no record of the other side has its keys", &[]);
        }
        let b = row(self, Right, "=HYPERLINK(\"http://x\")", "CNY", 88_800, "PAID");
        self.verdict(MissingInA, None, &[], &[b], "no record of the other side has its keys", &[]);
        let b = row(self, Right, "<script>alert(1)</script>", "USD", 1, "PAID");
        self.verdict(MissingInA, None, &[], &[b], "no record of the other side has its keys", &[]);
        for i in 1..5 {
            let key = format!("AMT{i}");
            let a = row(self, Left, &key, "CNY", 50_000 + i, "PAID");
            let b = row(self, Right, &key, "CNY", 50_000 - 100 * i, "PAID");
            self.verdict(AmountMismatch, Some(0), &[a], &[b], "same key and type, other amount", &[]);
        }
        let a = row(self, Left, "FEE1", "CNY", 20_000, "PAID");
        let b = row(self, Right, "FEE1", "CNY", 20_000, "PAID");
        self.verdict(FeeMismatch, Some(0), &[a], &[b], "equal but for the fee", &[]);
        let a = row(self, Left, "ST1", "CNY", 20_500, "PAID");
        let b = row(self, Right, "ST1", "CNY", 20_500, "FAILED");
        self.verdict(StatusMismatch, Some(0), &[a], &[b], "equal but for the status", &[]);
        let a = row(self, Left, "CUR1", "USD", 10_000, "PAID");
        let b = row(self, Right, "CUR1", "JPY", 10_000, "PAID");
        self.verdict(CurrencyMismatch, Some(0), &[a], &[b], "other currency", &[]);
        let a = row(self, Left, "TYPE1", "CNY", 300, "PAID");
        let b = row(self, Right, "TYPE1", "CNY", 300, "PAID");
        self.verdict(TypeMismatch, Some(0), &[a], &[b], "other type", &[]);
        let a = row(self, Left, "PAY0001", "CNY", 1_037, "PAID");
        self.verdict(DuplicateInA, Some(0), &[a], &[], "a further copy", &[]);
        let b = row(self, Right, "PAY0002", "CNY", 1_074, "PAID");
        self.verdict(DuplicateInB, Some(0), &[], &[b], "a further copy", &[]);
        let a = row(self, Left, "B1-1", "CNY", 700, "PAID");
        let b = row(self, Left, "B1-2", "CNY", 800, "PAID");
        let c = row(self, Left, "B1-3", "CNY", 900, "PAID");
        let d = row(self, Right, "B1", "CNY", 2_300, "PAID");
        self.verdict(BatchTotalMismatch, Some(4), &[a, b, c], &[d], "the lines do not sum to the total", &[]);
        let a = row(self, Left, "AMB1", "CNY", 6_600, "PAID");
        let b = row(self, Right, "AMB2", "CNY", 6_600, "PAID");
        let c = row(self, Right, "AMB3", "CNY", 6_600, "PAID");
        self.verdict(Ambiguous, Some(3), &[a], &[], "two candidates fit equally well", &[b, c]);
        self.verdict(Ambiguous, Some(3), &[], &[b], "two candidates fit equally well", &[a]);
        self.verdict(Ambiguous, Some(3), &[], &[c], "two candidates fit equally well", &[a]);
        let a = row(self, Left, "", "CNY", largest, "PAID");
        self.verdict(Unkeyed, None, &[a], &[], "no usable key", &[]);
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn add(
        &mut self,
        side: Side,
        file: u16,
        row: u64,
        key: &str,
        code: &str,
        amount: i64,
        status: &str,
        salt: u64,
    ) -> RecordId {
        let second = format!("RRN{:09}", salt * 7_919);
        let account = format!("A\u{1f}{}", salt % 3);
        let mut texts = [None; Text::SLOTS];
        texts[0] = Some(key.as_bytes()).filter(|key| !key.is_empty());
        texts[1] = Some(second.as_bytes());
        texts[Text::Batch.slot()] = key.split_once('-').map(|(batch, _)| batch.as_bytes());
        texts[Text::Account.slot()] = Some(account.as_bytes());
        let kind =
            self.words.intern(if key == "TYPE1" && side == Side::Right { "refund" } else { "payment" });
        let fee = (code == "CNY").then_some(if key == "FEE1" && side == Side::Right { 130 } else { 120 });
        self.records.push(&NewRecord {
            side,
            loc: Loc { file, row: row + 1, offset: row * 100 },
            amount,
            fee,
            currency: currency(code),
            kind: kind.unwrap(),
            status: if status.is_empty() { Word::default() } else { self.words.intern(status).unwrap() },
            time: Some(1_772_323_200_000_000 + i64::try_from(salt).unwrap() * 1_234_567_890),
            date: Some(20_513 + i32::try_from(salt / 30).unwrap()),
            age: file * u16::from(side == Side::Left),
            texts,
        })
    }

    pub(super) fn verdict(
        &mut self,
        code: Code,
        pass: Option<u16>,
        left: &[RecordId],
        right: &[RecordId],
        why: &'static str,
        candidates: &[RecordId],
    ) {
        self.verdicts.push(Verdict {
            code,
            pass,
            left: left.to_vec(),
            right: right.to_vec(),
            why,
            candidates: candidates.to_vec(),
            duplicated_on_both_sides: false,
        });
    }

    /// Writes the tables with `sinks` sinks, verdicts dealt out in the order of `deal`.
    pub(super) fn write(&self, out: &Path, sinks: usize, memory_bytes: usize, deal: &[usize]) -> Written {
        let options =
            SinkOptions { spill_dir: out.to_owned(), memory_bytes, matched: true, run_date: Some(20_515) };
        let mut list: Vec<_> = (0..sinks).map(|_| OutcomeSink::new(&self.shape, &options)).collect();
        for (n, at) in deal.iter().enumerate() {
            list[n % sinks].push_carried(&self.records, &self.verdicts[*at], |id| self.carried(id)).unwrap();
        }
        for (n, (side, row)) in [(Side::Right, 9), (Side::Left, 7), (Side::Right, 3)].into_iter().enumerate()
        {
            let raw = format!("x,\"1,234.5\",{row}");
            let rejected = RejectedRow {
                side,
                file: 0,
                row,
                column: "amount",
                reason: "amount_not_plain",
                message: "amount \"1,234.5\" is not a plain decimal number",
                raw: raw.as_bytes(),
            };
            list[n % sinks].reject(&rejected).unwrap();
        }
        list[0].stats_mut().add_matched(currency("CNY"), BULK_PAIRS, BULK_MINOR);
        let mut amounts = [0; AMOUNT_BUCKETS];
        (amounts[4], amounts[5]) = (BULK_PAIRS - 77, 77);
        list[0].stats_mut().add_matched_amounts(&amounts);
        write_tables(out, list, &self.words, sinks).unwrap()
    }

    fn carried(&self, id: RecordId) -> Option<Carried<'static>> {
        let row = self.records.row(id);
        (row.age > 0).then_some(Carried { file: "books/2026-02-27.csv", row: 77, first_seen: Some(20_511) })
    }

    pub(super) fn in_order(&self) -> Vec<usize> {
        (0..self.verdicts.len()).collect()
    }
}

/// Rules with two keys and every field declared.
pub(super) fn rules() -> crate::rule::Rules {
    use crate::rule::*;
    let column = |name: &str| Column(name.to_owned());
    let word = |name: &str| WordField {
        column: Some(column(name)),
        map: Vec::new(),
        unmapped: Unmapped::Keep,
        default: String::new(),
    };
    let amount = |name: &str| AmountField {
        column: column(name),
        unit: AmountUnit::Decimal,
        negate: false,
        negate_when: None,
        group_separator: None,
        decimal_mark: b'.',
    };
    let side = SideRules {
        format: Format::Auto,
        encoding: Encoding::Auto,
        delimiter: b',',
        quote: Some(b'"'),
        header: true,
        skip_lines: 0,
        keys: vec![KeyField { columns: vec![column("id")] }, KeyField { columns: vec![column("rrn")] }],
        kind: Some(word("type")),
        currency: CurrencyField::Column { column: column("currency"), map: Vec::new() },
        amount: amount("amount"),
        fee: Some(amount("fee")),
        status: Some(word("status")),
        time: Some(TimeField { column: column("time"), format: "rfc3339".into(), zone: "UTC".into() }),
        date: Some(DateField::FromTime { zone: "UTC".into(), cut_off_s: None }),
        batch: Some(column("batch")),
        original: None,
        account: Some(column("account")),
        line: None,
        skip: Vec::new(),
    };
    let pass = |name: &str| Pass {
        name: name.to_owned(),
        strength: Strength::Automatic,
        kind: PassKind::Net { eq: Vec::new(), within_s: None },
    };
    Rules {
        name: "card day".into(),
        sides: [side.clone(), side],
        null_keys: Vec::new(),
        fold_key_case: false,
        passes: ["by id", "by rrn", "reversals", "by amount and day", "by batch"].map(pass).to_vec(),
        close: Close::default(),
        expect: Expect::default(),
        flag_duplicates_on_both_sides: false,
    }
}

const BULK_PAIRS: u64 = 1_000_000;
const BULK_MINOR: i128 = 123_456_789_012;

/// What the engine would say of the run: counted here from the records, not from the outcomes.
pub(super) fn facts(run: &Run) -> RunFacts {
    let mut sides: [SideFacts; 2] = Default::default();
    for id in run.records.ids() {
        let row = run.records.row(id);
        let side = &mut sides[row.side.index()];
        let (count, sums) = if row.age > 0 {
            (&mut side.open_items, &mut side.open_item_sums)
        } else {
            (&mut side.records, &mut side.sums)
        };
        *count += 1;
        *sums.entry(row.currency).or_default() += i128::from(row.amount);
    }
    for (side, rejected) in sides.iter_mut().zip([1, 2]) {
        side.records += BULK_PAIRS;
        *side.sums.entry(currency("CNY")).or_default() += BULK_MINOR;
        side.rejected = rejected;
        side.skipped.insert("header lines".to_owned(), 3);
    }
    let input = |side: Side, name: &str, rows: u64| InputFile {
        side: side.name().to_owned(),
        name: name.to_owned(),
        bytes: rows * 107,
        rows,
    };
    let rows = |side: Side| {
        let facts = &sides[side.index()];
        facts.records + facts.rejected + facts.skipped.values().sum::<u64>()
    };
    let phase = |name: &str, ms: u64, rows: Option<u64>| Phase {
        phase: name.to_owned(),
        ms,
        rows,
        bytes: rows.map(|rows| rows * 107),
    };
    RunFacts {
        run_id: "run_2026-03-01_0001".into(),
        started_at: "2026-03-02T01:00:00Z".into(),
        finished_at: "2026-03-02T01:00:01.204Z".into(),
        engine_version: "0.1.0".into(),
        rules_name: "card day".into(),
        rules_digest: format!("blake3:{}", blake3::hash(b"rules").to_hex()),
        inputs: vec![
            input(Side::Left, "books/2026-03-01.csv", rows(Side::Left)),
            input(Side::Right, "bank, \"main\".csv", rows(Side::Right) - 40),
            input(Side::Right, "bank 2.csv", 40),
        ],
        sides,
        missing: Vec::new(),
        timings: vec![
            phase("scan", 420, Some(2_000_000)),
            phase("cascade", 31, None),
            phase("report", 12, None),
        ],
        peak_rss_bytes: 187_654_321,
        threads: 2,
        memory_limit_bytes: Some(2 << 30),
        plan: "sketch of 1 MiB a side; 61 of 1,000,061 keys fetched".into(),
    }
}

/// The run with its tables.
pub(super) fn made() -> (Run, Written) {
    let run = Run::new();
    let out = tempfile::tempdir().unwrap();
    let written = run.write(out.path(), 1, usize::MAX, &run.in_order());
    (run, written)
}
