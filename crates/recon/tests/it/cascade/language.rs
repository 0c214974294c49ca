//! The small language of the table tests.
//!
//! ```text
//! ## Title of a case
//! pass exact k1 compare kind status fee tolerance 0.05 aggregate
//! A k1=o1 pay CNY 10.00 ok fee=0.10 on=03-05 at=3600
//! B k1=o1 pay CNY 10.00 ok fee=0.10
//! => MATCHED A1 B1
//! ```
//!
//! A line of `A` or `B` is a record: type, currency, amount and status in this order, everything else
//! by name. The first record of A is `A1`. Every outcome must be listed; `~` comes before the
//! candidates of a suggestion and `copies` says that both sides hold the same copies.

use super::world::{Line, World, currency, pass, rules};
use suanpan_recon::outcome::{Code, Verdict};
use suanpan_recon::record::{Side, Text};
use suanpan_recon::rule::{Field, Pass, PassKind, Rules, Strength, Tolerance};

pub(super) struct Case {
    pub(super) title: String,
    pub(super) world: World,
    /// Sorted.
    pub(super) expected: Vec<String>,
}

/// Reads all cases of a file.
pub(super) fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            ["##", title @ ..] => cases.push(Case {
                title: title.join(" "),
                world: World::new(rules(Vec::new()), Vec::new()),
                expected: Vec::new(),
            }),
            [word, ..] if word.starts_with("--") => {}
            words => read(words, cases.last_mut().expect("a title first")),
        }
    }
    for case in &mut cases {
        case.expected.sort();
    }
    cases
}

fn read(words: &[&str], case: &mut Case) {
    let rules = &mut case.world.rules;
    match words {
        ["pass", rest @ ..] => rules.passes.push(read_pass(rest)),
        ["close", rest @ ..] => read_close(rest, rules),
        ["flag-copies"] => rules.flag_duplicates_on_both_sides = true,
        ["fold-case"] => rules.fold_key_case = true,
        ["no-times"] => rules.sides.iter_mut().for_each(|side| side.time = None),
        ["A", rest @ ..] => push(case, Side::Left, rest),
        ["B", rest @ ..] => push(case, Side::Right, rest),
        ["=>", rest @ ..] => case.expected.push(rest.join(" ")),
        other => panic!("{}: cannot read {other:?}", case.title),
    }
}

fn push(case: &mut Case, side: Side, words: &[&str]) {
    case.world.lines.push(read_line(side, words));
    case.world.files.push(0);
}

fn read_line(side: Side, words: &[&str]) -> Line {
    let mut line = Line {
        side,
        keys: [None, None],
        kind: String::new(),
        currency: currency("CNY"),
        amount: 0,
        status: String::new(),
        fee: None,
        date: None,
        time: None,
        batch: None,
        original: None,
        account: None,
        age: 0,
    };
    let mut plain = words.iter().filter(|word| !word.contains('='));
    line.kind = (*plain.next().unwrap()).to_owned();
    line.currency = currency(plain.next().unwrap());
    let exponent = line.currency.exponent();
    line.amount = money(plain.next().unwrap(), exponent);
    line.status = plain.next().copied().unwrap_or_default().to_owned();
    for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
        let text = Some(value.to_owned());
        match name {
            "k1" => line.keys[0] = text,
            "k2" => line.keys[1] = text,
            "batch" => line.batch = text,
            "original" => line.original = text,
            "account" => line.account = text,
            "fee" => line.fee = Some(money(value, exponent)),
            "on" => line.date = Some(day(value)),
            "at" => line.time = Some(value.parse().unwrap()),
            "age" => line.age = value.parse().unwrap(),
            other => panic!("no field {other}"),
        }
    }
    line
}

fn read_pass(words: &[&str]) -> Pass {
    let mut rest = words[1..].iter().copied().peekable();
    let mut fields = Vec::new();
    let mut keys = Vec::new();
    let (mut tolerance, mut days, mut within_s, mut one) = (Tolerance::default(), (0, 0), None, Side::Left);
    let (mut aggregate, mut net_of_fees, mut strength) = (false, false, Strength::Automatic);
    let (mut candidates_max, mut steps_max) = (30, 5_000_000);
    while let Some(word) = rest.next() {
        let mut number = || rest.next().unwrap().to_owned();
        match word {
            "compare" => {}
            "k1" => keys.push(0),
            "k2" => keys.push(1),
            "kind" => fields.push(Field::Kind),
            "status" => fields.push(Field::Status),
            "fee" => fields.push(Field::Fee),
            "date" => fields.push(Field::Date),
            "account" => fields.push(Field::Text(Text::Account)),
            "original" => fields.push(Field::Text(Text::Original)),
            "tolerance" => tolerance.minor = money(&number(), 2),
            "ppm" => tolerance.ppm = number().parse().unwrap(),
            "days" => days = (number().parse().unwrap(), number().parse().unwrap()),
            "within" => within_s = Some(number().parse().unwrap()),
            "one" => one = if number() == "A" { Side::Left } else { Side::Right },
            "candidates" => candidates_max = number().parse().unwrap(),
            "steps" => steps_max = number().parse().unwrap(),
            "aggregate" => aggregate = true,
            "net-of-fees" => net_of_fees = true,
            "suggest" => strength = Strength::Suggest,
            other => panic!("no pass option {other}"),
        }
    }
    let (days_min, days_max) = days;
    let kind = match words[0] {
        "exact" => PassKind::Exact { key: keys[0], compare: fields, tolerance, aggregate },
        "net" => {
            fields.extend(keys.into_iter().map(|key| Field::Text(Text::Key(key))));
            PassKind::Net { eq: fields, within_s }
        }
        "window" => PassKind::Window { eq: fields, tolerance, days_min, days_max },
        "batch" => PassKind::Batch { eq: fields, net_of_fees, tolerance },
        "subset" => {
            PassKind::Subset { eq: fields, one, candidates_max, steps_max, tolerance, days_min, days_max }
        }
        other => panic!("no pass {other}"),
    };
    Pass { strength, ..pass(kind) }
}

fn read_close(words: &[&str], rules: &mut Rules) {
    for pair in words.chunks(2) {
        match pair {
            ["pending", days] => rules.close.pending_days = Some(days.parse().unwrap()),
            ["as-of", date] => rules.close.as_of = Some(day(date)),
            ["runs", runs] => rules.close.runs_max = Some(runs.parse().unwrap()),
            other => panic!("no close option {other:?}"),
        }
    }
}

fn money(text: &str, exponent: u8) -> i64 {
    suanpan_money::parse_decimal(text.as_bytes(), exponent).unwrap()
}

/// Days since the epoch of `MM-DD` in 2026.
fn day(text: &str) -> i32 {
    let date: jiff::civil::Date = format!("2026-{text}").parse().unwrap();
    date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days()
}

/// Writes verdicts as the cases expect them, sorted.
pub(super) fn print(world: &World, verdicts: &[Verdict]) -> Vec<String> {
    let mut names = Vec::new();
    let mut counts = [0; 2];
    for line in &world.lines {
        counts[line.side.index()] += 1;
        names.push(format!("{}{}", ["A", "B"][line.side.index()], counts[line.side.index()]));
    }
    let name = |id: &suanpan_recon::record::RecordId| format!(" {}", names[id.0 as usize]);
    let row = |verdict: &Verdict| {
        let mut row = Code::name(verdict.code).to_owned();
        row.extend(verdict.left.iter().chain(&verdict.right).map(name));
        if !verdict.candidates.is_empty() {
            row.push_str(" ~");
            row.extend(verdict.candidates.iter().map(name));
        }
        if verdict.duplicated_on_both_sides {
            row.push_str(" copies");
        }
        row
    };
    let mut rows: Vec<String> = verdicts.iter().map(row).collect();
    rows.sort();
    rows
}
