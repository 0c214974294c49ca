//! Recall and precision: on generated days with known faults, every strategy must report exactly
//! the seeded outcomes, code by code and row by row.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use suanpan_recon::outcome::Code;
use suanpan_recon::report::write_tables;
use suanpan_recon::rule::Rules;
use suanpan_recon::run::{Options, Progress, Strategy, run};
use suanpan_recon::source::expand;
use suanpan_sim::day::{DayFormat, DayOptions, DayReport, Fault, Faults, KeyShape, RowOrder, generate};

const STRATEGIES: [Strategy; 4] = [Strategy::Full, Strategy::Memory, Strategy::Sketch, Strategy::Spill];

/// So many faults of every code, in four currencies.
fn every_fault(count: u64) -> Faults {
    let list: String = Fault::ALL.iter().map(|fault| format!("{} = {count}\n", fault.name())).collect();
    let text = format!("currencies = [\"USD\", \"JPY\", \"KWD\"]\n[faults]\n{list}");
    Faults::parse(&text, "every").unwrap()
}

#[test]
fn every_code_is_found_in_every_format() {
    for format in [DayFormat::Csv, DayFormat::Ndjson, DayFormat::Parquet] {
        check("every code", 20_000, &|options| {
            options.faults = every_fault(40);
            options.format = format;
        });
    }
}

#[test]
fn the_basic_classes_are_found_at_any_rate() {
    check("default", 100_000, &|_| {});
    for rate in ["3%", "30%", "100%"] {
        let text = format!("[faults]\ndifferences = \"{rate}\"");
        check(rate, 20_000, &|options| options.faults = Faults::parse(&text, rate).unwrap());
    }
}

#[test]
fn adversarial_days_have_the_same_outcomes() {
    for keys in [KeyShape::Zipf, KeyShape::OneHot { copies: 12_000 }] {
        check("shared keys", 20_000, &|options| {
            options.faults = every_fault(20);
            options.keys = keys;
        });
    }
    check("null keys", 20_000, &|options| options.keys = KeyShape::Null);
    check("sorted", 20_000, &|options| {
        options.faults = every_fault(20);
        options.order = RowOrder::Sorted;
    });
}

#[test]
fn the_smallest_days() {
    for records in [0, 1, 2] {
        check("small", records, &|_| {});
    }
    check("one of each", 18, &|options| options.faults = every_fault(1));
    check("nothing matches", 60, &|options| {
        options.faults =
            Faults::parse("[faults]\nMISSING_IN_A = 30\nMISSING_IN_B = 30", "one-sided").unwrap();
    });
}

/// Generates a day, reconciles it by every strategy and compares.
fn check(label: &str, records: u64, change: &dyn Fn(&mut DayOptions)) {
    let dir = tempfile::tempdir().unwrap();
    let mut options = DayOptions::new(records, 11, dir.path().join("day"));
    change(&mut options);
    let day = generate(&options, &|_| {}).unwrap();
    for strategy in STRATEGIES {
        reconcile(&format!("{label}, {records} records, {strategy:?}"), &options, &day, strategy, dir.path());
    }
}

fn reconcile(label: &str, day_options: &DayOptions, day: &DayReport, strategy: Strategy, dir: &Path) {
    let rules = std::fs::read_to_string(&day.rules).unwrap();
    let files = |path: &Path| expand(&[path.to_str().unwrap().to_owned()], dir).unwrap();
    let inputs = [files(&day.left.path), files(&day.right.path)];
    let mut options = Options::new(Rules::from_toml(&rules).unwrap(), inputs, dir.to_owned());
    options.open_items = day.open_items.as_deref().map(|path| files(path).remove(0));
    options.threads = 2;
    options.strategy = Some(strategy);
    let decided = run(&options, &Progress::default()).unwrap_or_else(|error| panic!("{label}: {error}"));
    let out = dir.join("out");
    std::fs::create_dir_all(&out).unwrap();
    let written = write_tables(&out, decided.sinks, &decided.words, options.threads).unwrap();

    for truth in &day.outcomes {
        let outcome = written.stats.outcome(Code::parse(truth.code).unwrap());
        assert_eq!(
            (outcome.groups, outcome.records[0], outcome.records[1]),
            (truth.groups, truth.left, truth.right),
            "{label}: {}: groups, left and right records",
            truth.code
        );
    }
    if day_options.keys != KeyShape::Null {
        let (found, seeded) = (reported_rows(&out), seeded_rows(&day_options.dir));
        let missed = seeded.difference(&found).next();
        let invented = found.difference(&seeded).next();
        assert!(missed.is_none() && invented.is_none(), "{label}: missed {missed:?}, invented {invented:?}");
    }
}

/// A difference: its code, its rows on the left and on the right.
type Difference = (String, BTreeSet<u64>, BTreeSet<u64>);

/// Reads the differences of `truth.csv`.
fn seeded_rows(dir: &Path) -> BTreeSet<Difference> {
    let rows =
        |text: &str| text.split(';').filter(|row| !row.is_empty()).map(|row| row.parse().unwrap()).collect();
    read_csv(&dir.join("truth.csv"))
        .iter()
        .filter(|line| Code::parse(&line["code"]).unwrap().is_difference())
        .map(|line| (line["code"].clone(), rows(&line["left_rows"]), rows(&line["right_rows"])))
        .collect()
}

/// Reads the differences of `breaks.csv`, whose groups take several lines, and of `rejected.csv`.
fn reported_rows(out: &Path) -> BTreeSet<Difference> {
    let mut breaks: BTreeMap<String, Difference> = BTreeMap::new();
    for line in read_csv(&out.join("breaks.csv")) {
        if !Code::parse(&line["code"]).unwrap().is_difference() {
            continue;
        }
        let group = breaks
            .entry(line["break_number"].clone())
            .or_insert_with(|| (line["code"].clone(), BTreeSet::new(), BTreeSet::new()));
        group.1.extend(line["left_row"].parse::<u64>());
        group.2.extend(line["right_row"].parse::<u64>());
    }
    let rejected = read_csv(&out.join("rejected.csv")).into_iter().map(|line| {
        let row = BTreeSet::from([line["row"].parse().unwrap()]);
        let [left, right] =
            if line["side"] == "left" { [row, BTreeSet::new()] } else { [BTreeSet::new(), row] };
        ("REJECTED".to_owned(), left, right)
    });
    breaks.into_values().chain(rejected).collect()
}

/// Reads a CSV file by column names. Quoted fields may hold anything.
fn read_csv(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = vec![vec![String::new()]];
    let mut quoted = false;
    for character in text.trim_end_matches(['\r', '\n']).chars() {
        let line = lines.last_mut().unwrap();
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(String::new()),
            '\n' if !quoted => lines.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => line.last_mut().unwrap().push(other),
        }
    }
    let header = lines.remove(0);
    lines.into_iter().map(|line| header.iter().cloned().zip(line).collect()).collect()
}
