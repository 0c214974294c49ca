//! Small worlds to reconcile: lines as plain values, rules, and what came of it.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use suanpan_money::Currency;
use suanpan_recon::cascade::{self, AlreadyMatched, CloseContext};
use suanpan_recon::outcome::{Code, Verdict};
use suanpan_recon::record::{Loc, NewRecord, RecordId, Records, Side, Text, Words};
use suanpan_recon::rule::{
    AmountField, AmountUnit, Close, Column, CurrencyField, Encoding, Expect, Field, Format, Pass, PassKind,
    Rules, SideRules, Strength, TimeField, Tolerance,
};

/// One line of a file, as a value that can be compared and mapped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub(super) side: Side,
    pub(super) keys: [Option<String>; 2],
    pub(super) kind: String,
    pub(super) currency: Currency,
    pub(super) amount: i64,
    pub(super) status: String,
    pub(super) fee: Option<i64>,
    pub(super) date: Option<i32>,
    /// Seconds.
    pub(super) time: Option<i64>,
    pub(super) batch: Option<String>,
    pub(super) original: Option<String>,
    pub(super) account: Option<String>,
    pub(super) age: u16,
}

impl Line {
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let [k1, k2] = &mut self.keys;
        [k1, k2, &mut self.batch, &mut self.original, &mut self.account].into_iter().flatten()
    }
}

/// Lines and the rules to reconcile them by. Locations follow the order of lines.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) lines: Vec<Line>,
    /// The file of each line.
    pub(super) files: Vec<u16>,
}

/// A world in the engine's form.
pub(super) struct Table {
    pub(super) records: Records,
    pub(super) words: Words,
}

impl World {
    pub(super) fn new(rules: Rules, lines: Vec<Line>) -> World {
        let files = vec![0; lines.len()];
        World { rules, lines, files }
    }

    pub(super) fn table(&self) -> Table {
        let (mut records, mut words) = (Records::new(), Words::default());
        let mut rows = [1_u64; 2];
        for (line, file) in self.lines.iter().zip(&self.files) {
            let row = &mut rows[line.side.index()];
            *row += 1;
            let mut texts = [None; Text::SLOTS];
            let named = [
                (Text::Key(0), &line.keys[0]),
                (Text::Key(1), &line.keys[1]),
                (Text::Batch, &line.batch),
                (Text::Original, &line.original),
                (Text::Account, &line.account),
            ];
            for (text, value) in named {
                texts[text.slot()] = value.as_deref().map(str::as_bytes);
            }
            records.push(&NewRecord {
                side: line.side,
                loc: Loc { file: *file, row: *row, offset: *row * 100 },
                amount: line.amount,
                fee: line.fee,
                currency: line.currency,
                kind: words.intern(&line.kind).unwrap(),
                status: words.intern(&line.status).unwrap(),
                time: line.time.map(|time| time * 1_000_000),
                date: line.date,
                age: line.age,
                texts,
            });
        }
        Table { records, words }
    }

    pub(super) fn run(&self) -> Vec<Verdict> {
        self.run_with_threads(1)
    }

    pub(super) fn run_with_threads(&self, threads: usize) -> Vec<Verdict> {
        let table = self.table();
        let context = CloseContext::of(&table.records);
        let already = AlreadyMatched::new();
        cascade::run(&self.rules, &context, &table.records, &table.words, &already, threads)
    }

    pub(super) fn line(&self, id: RecordId) -> &Line {
        &self.lines[id.0 as usize]
    }

    /// Verdicts by the content of their lines, so that worlds with other locations can be compared.
    pub(super) fn by_content(&self, verdicts: &[Verdict]) -> Vec<(Code, Vec<Line>, Vec<Line>)> {
        self.by(verdicts, Line::clone)
    }

    /// Verdicts by a projection of their lines, sorted.
    pub(super) fn by<T: Ord>(
        &self,
        verdicts: &[Verdict],
        view: impl Fn(&Line) -> T,
    ) -> Vec<(Code, Vec<T>, Vec<T>)> {
        let contents = |ids: &[RecordId]| {
            let mut contents: Vec<T> = ids.iter().map(|id| view(self.line(*id))).collect();
            contents.sort();
            contents
        };
        let row = |verdict: &Verdict| (verdict.code, contents(&verdict.left), contents(&verdict.right));
        let mut all: Vec<_> = verdicts.iter().map(row).collect();
        all.sort();
        all
    }

    /// The code of each line.
    pub(super) fn codes(&self, verdicts: &[Verdict]) -> Vec<Code> {
        let mut codes = vec![Code::Rejected; self.lines.len()];
        for verdict in verdicts {
            for id in verdict.left.iter().chain(&verdict.right) {
                codes[id.0 as usize] = verdict.code;
            }
        }
        codes
    }
}

pub(super) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

pub(super) fn rules(passes: Vec<Pass>) -> Rules {
    let side = SideRules {
        format: Format::Auto,
        encoding: Encoding::Auto,
        delimiter: b',',
        quote: Some(b'"'),
        header: true,
        skip_lines: 0,
        keys: Vec::new(),
        kind: None,
        currency: CurrencyField::Fixed(currency("CNY")),
        amount: AmountField {
            column: Column("amount".into()),
            unit: AmountUnit::Minor,
            negate: false,
            negate_when: None,
            group_separator: None,
            decimal_mark: b'.',
        },
        fee: None,
        status: None,
        time: Some(TimeField { column: Column("time".into()), format: "unix".into(), zone: "UTC".into() }),
        date: None,
        batch: None,
        original: None,
        account: None,
        line: None,
        skip: Vec::new(),
    };
    Rules {
        name: "test".into(),
        sides: [side.clone(), side],
        null_keys: Vec::new(),
        fold_key_case: false,
        passes,
        close: Close::default(),
        expect: Expect::default(),
        flag_duplicates_on_both_sides: false,
    }
}

pub(super) fn pass(kind: PassKind) -> Pass {
    Pass { name: "pass".into(), strength: Strength::Automatic, kind }
}

pub(super) fn exact(key: u8, tolerance: i64, aggregate: bool) -> Pass {
    pass(PassKind::Exact {
        key,
        compare: vec![Field::Kind, Field::Currency, Field::Amount, Field::Status, Field::Fee, Field::Date],
        tolerance: Tolerance { minor: tolerance, ppm: 0 },
        aggregate,
    })
}

pub(super) fn window(tolerance: i64, days_min: i32, days_max: i32) -> Pass {
    pass(PassKind::Window {
        eq: vec![Field::Text(Text::Account)],
        tolerance: Tolerance { minor: tolerance, ppm: 0 },
        days_min,
        days_max,
    })
}

pub(super) fn subset(one: Side, tolerance: i64, days_min: i32, days_max: i32) -> Pass {
    pass(PassKind::Subset {
        eq: vec![Field::Text(Text::Account)],
        one,
        candidates_max: 30,
        steps_max: 5_000_000,
        tolerance: Tolerance { minor: tolerance, ppm: 0 },
        days_min,
        days_max,
    })
}

pub(super) fn batch(net_of_fees: bool, tolerance: i64) -> Pass {
    pass(PassKind::Batch { eq: Vec::new(), net_of_fees, tolerance: Tolerance { minor: tolerance, ppm: 0 } })
}

pub(super) fn net(within_s: Option<u64>) -> Pass {
    pass(PassKind::Net { eq: vec![Field::Text(Text::Original)], within_s })
}

/// The same cases in every run, unless `PROPTEST_CASES` asks for a wider search with fresh seeds.
pub(super) fn config(cases: u32) -> ProptestConfig {
    let own = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => own,
        None => ProptestConfig { cases, rng_seed: RngSeed::Fixed(2026), ..own },
    }
}

/// How rich the lines of a random world are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domain {
    pub(super) keys: usize,
    pub(super) amounts: i64,
    pub(super) days: i32,
    pub(super) statuses: usize,
    pub(super) fees: i64,
    pub(super) accounts: usize,
    pub(super) lines_max: usize,
}

pub(super) const KEYED: Domain =
    Domain { keys: 3, amounts: 4, days: 2, statuses: 2, fees: 2, accounts: 2, lines_max: 14 };
pub(super) const WINDOWED: Domain =
    Domain { keys: 30, amounts: 3, days: 4, statuses: 1, fees: 1, accounts: 1, lines_max: 12 };

fn text(prefix: &'static str, count: usize) -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        5 => (0..count).prop_map(move |n| Some(format!("{prefix}{n}"))),
    ]
}

pub(super) fn any_line(domain: Domain) -> impl Strategy<Value = Line> {
    let words = (
        prop_oneof![Just(Side::Left), Just(Side::Right)],
        text("o", domain.keys),
        text("r", domain.keys),
        prop_oneof![3 => Just("pay"), 1 => Just("refund")],
        prop_oneof![4 => Just("CNY"), 1 => Just("USD")],
        (0..domain.statuses).prop_map(|n| ["ok", "failed", "pending"][n]),
    );
    let numbers = (
        (1..=domain.amounts, prop_oneof![4 => Just(1_i64), 1 => Just(-1), 1 => Just(0)]),
        prop_oneof![1 => Just(None), 3 => (0..domain.fees).prop_map(Some)],
        prop_oneof![1 => Just(None), 9 => (100..100 + domain.days).prop_map(Some)],
        prop_oneof![1 => Just(None), 9 => (0..4_i64).prop_map(Some)],
        prop_oneof![9 => Just(0_u16), 1 => 1..4_u16],
    );
    let groups = (text("b", 3), text("o", domain.keys), text("acc", domain.accounts));
    (words, numbers, groups).prop_map(
        |(
            (side, k1, k2, kind, code, status),
            ((size, sign), fee, date, time, age),
            (batch, original, account),
        )| {
            Line {
                side,
                keys: [k1, k2],
                kind: kind.into(),
                currency: currency(code),
                amount: size * sign,
                status: status.into(),
                fee,
                date,
                time,
                batch,
                original,
                account,
                age,
            }
        },
    )
}

/// Lines with some copied to the other side and some doubled, so that matches are frequent.
pub(super) fn any_lines(domain: Domain) -> impl Strategy<Value = Vec<Line>> {
    let one = (any_line(domain), 0..6_u8).prop_map(|(line, fate)| {
        let mut other = line.clone();
        other.side = line.side.other();
        match fate {
            0 | 1 => vec![line, other],
            2 => vec![line.clone(), line, other],
            _ => vec![line],
        }
    });
    prop::collection::vec(one, 0..domain.lines_max)
        .prop_map(move |lines| lines.into_iter().flatten().take(domain.lines_max).collect())
        .prop_shuffle_lines()
}

trait ShuffleLines: Strategy<Value = Vec<Line>> + Sized {
    fn prop_shuffle_lines(self) -> impl Strategy<Value = Vec<Line>> {
        self.prop_flat_map(|lines| Just(lines).prop_shuffle())
    }
}

impl<S: Strategy<Value = Vec<Line>>> ShuffleLines for S {}

/// All kinds of passes in the order of the design, some left out, some only suggesting.
pub(super) fn any_rules() -> impl Strategy<Value = Rules> {
    let options =
        (0..3_i64, any::<bool>(), any::<bool>(), prop_oneof![Just(None), (0..3_u64).prop_map(Some)]);
    let close = (prop_oneof![Just(None), (0..3_u32).prop_map(Some)], prop_oneof![Just(None), Just(Some(2))]);
    let kept = prop::collection::vec(prop_oneof![1 => Just(0), 6 => Just(1), 1 => Just(2)], 7);
    (options, close, kept, any::<bool>(), any::<bool>()).prop_map(
        |((tolerance, aggregate, net_of_fees, within), (pending_days, runs_max), kept, flag, one_left)| {
            let one = if one_left { Side::Left } else { Side::Right };
            let mut all = vec![
                exact(0, tolerance, aggregate),
                exact(1, 0, aggregate),
                net(within),
                window(tolerance, -1, 1),
                batch(net_of_fees, tolerance),
                subset(one, 0, -1, 2),
                subset(one.other(), tolerance, 0, 1),
            ];
            for (pass, kept) in all.iter_mut().zip(&kept) {
                pass.strength = if *kept == 2 { Strength::Suggest } else { Strength::Automatic };
            }
            let passes =
                all.into_iter().zip(kept).filter(|(_, kept)| *kept > 0).map(|(pass, _)| pass).collect();
            let mut rules = rules(passes);
            rules.close = Close { pending_days, as_of: None, runs_max };
            rules.flag_duplicates_on_both_sides = flag;
            rules
        },
    )
}

pub(super) fn any_world(domain: Domain) -> impl Strategy<Value = World> {
    (any_rules(), any_lines(domain)).prop_map(|(rules, lines)| World::new(rules, lines))
}
