//! A generated day is read back and reconciled by a small oracle; both must agree on every row.

mod oracle;
mod reading;

use super::*;
use oracle::{Decision, reconcile};
use proptest::prelude::*;
use reading::{read_cells, read_sides};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A day in a directory of its own.
struct Day {
    report: DayReport,
    options: DayOptions,
    _dir: tempfile::TempDir,
}

fn day(records: u64, faults: &str, change: impl FnOnce(&mut DayOptions)) -> Day {
    let dir = tempfile::tempdir().unwrap();
    let mut options = DayOptions::new(records, 7, dir.path());
    options.faults = match faults {
        "default" | "none" => Faults::from_argument(faults).unwrap(),
        text => Faults::parse(text, "faults.toml").unwrap(),
    };
    change(&mut options);
    let report = generate(&options, &|_| {}).unwrap();
    Day { report, options, _dir: dir }
}

/// A faults file with so many faults of every code.
fn every_fault(count: u64) -> String {
    let mut text = "currencies = [\"USD\", \"JPY\", \"KWD\"]\n[faults]\n".to_owned();
    for fault in Fault::ALL {
        writeln!(text, "{} = {count}", fault.name()).unwrap();
    }
    text
}

impl Day {
    fn file(&self, name: &str) -> PathBuf {
        self.options.dir.join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    fn rules(&self) -> toml::Table {
        self.text("rules.toml").parse().unwrap()
    }

    /// Reads `truth.csv`.
    fn listed_faults(&self) -> Vec<Decision> {
        let rows = |text: &String| text.split(';').filter(|row| !row.is_empty()).map(str::to_owned).collect();
        let mut list: Vec<Decision> = read_cells(&self.file("truth.csv"), DayFormat::Csv)
            .into_iter()
            .map(|cells| {
                let cells = cells.unwrap();
                (cells["code"].clone(), rows(&cells["left_rows"]), rows(&cells["right_rows"]))
            })
            .collect();
        list.sort();
        list
    }

    /// Reconciles the files by the oracle and compares all that the generator says of them.
    fn check(&self) {
        let sides = read_sides(&self.report, self.options.format);
        let (decisions, matched) = reconcile(&self.rules(), &sides);
        if self.options.keys != KeyShape::Null {
            let listed = self.listed_faults();
            if let Some((decided, listed)) = decisions.iter().zip(&listed).find(|(one, other)| one != other) {
                panic!("decided {decided:?}, listed {listed:?}");
            }
            assert_eq!(decisions.len(), listed.len(), "decisions and lines of truth.csv");
        }

        let mut counts: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
        counts.insert("MATCHED", [matched; 3]);
        for (code, left, right) in &decisions {
            let count = counts.entry(code).or_default();
            count[0] += 1;
            count[1] += left.len() as u64;
            count[2] += right.len() as u64;
        }
        let truth: serde_json::Value = serde_json::from_str(&self.text("truth.json")).unwrap();
        assert_eq!(self.report.outcomes.len(), 1 + Fault::COUNT);
        for outcome in &self.report.outcomes {
            let count = counts.get(outcome.code).copied().unwrap_or_default();
            assert_eq!([outcome.groups, outcome.left, outcome.right], count, "{}", outcome.code);
            let written = &truth["outcomes"][outcome.code];
            assert_eq!([&written["groups"], &written["left"], &written["right"]], count, "{written}");
        }

        for (side, (name, written)) in
            [("left", &self.report.left), ("right", &self.report.right)].iter().enumerate()
        {
            let read = &sides[side];
            let rows =
                read.records.iter().filter(|record| !record.is_open_item).count() + read.rejected.len();
            assert_eq!(written.rows, rows as u64, "{name}");
            assert_eq!(written.bytes, std::fs::metadata(&written.path).unwrap().len(), "{name}");
            assert_eq!(truth[name]["rows"], rows, "{name}");
            let open_items = read.records.iter().filter(|record| record.is_open_item).count();
            assert_eq!(truth[name]["open_items"], open_items, "{name}");
            let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
            for record in read.records.iter().filter(|record| !record.is_open_item) {
                *sums.entry(&record.currency).or_default() += i128::from(record.amount);
            }
            sums.retain(|_, sum| *sum != 0);
            let written: BTreeMap<&str, i128> = truth[name]["amount_minor"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(code, sum)| (code.as_str(), sum.as_str().unwrap().parse().unwrap()))
                .collect();
            assert_eq!(sums, written, "sums of {name}");
        }
    }
}

#[test]
fn every_seeded_fault_is_there_and_no_other() {
    for format in [DayFormat::Csv, DayFormat::Ndjson, DayFormat::Parquet] {
        for (records, count) in [(1000, 14), (14 * 18, 14), (20_000, 40)] {
            day(records, &every_fault(count), |options| options.format = format).check();
        }
    }
}

#[test]
fn each_fault_alone_is_found_by_the_rules_written_for_it() {
    for fault in Fault::ALL {
        for count in [1, 13] {
            day(100, &format!("[faults]\n{} = {count}", fault.name()), |_| {}).check();
        }
    }
}

#[test]
fn days_of_any_size() {
    for records in [0, 1, 2, 10, 18, 1000, 4096, 5000, 30_000] {
        day(records, "default", |_| {}).check();
        day(records, "none", |options| options.format = DayFormat::Parquet).check();
        if records >= 18 {
            day(records, &every_fault(1), |_| {}).check();
        }
    }
    day(7, "[faults]\nMISSING_IN_A = \"100%\"", |_| {}).check();
    day(50_000, "[faults]\ndifferences = \"30%\"", |_| {}).check();
}

#[test]
fn the_default_day_has_the_basic_columns_and_value_shapes() {
    let day = day(100_000, "default", |_| {});
    let ledger = day.text("ledger.csv");
    let channel = day.text("channel.csv");
    assert_eq!(
        ledger.lines().next(),
        Some("order_id,merchant_id,channel_ref,amount,currency,status,created_at,fee")
    );
    assert_eq!(channel.lines().next(), Some("channel_ref,order_id,amount,currency,status,settled_at,fee"));
    let field = |line: &str, at: usize| line.split(',').nth(at).unwrap().to_owned();
    for line in ledger.lines().skip(1) {
        assert!(field(line, 0).len() == 25 && line.starts_with("P20261111"), "{line}");
        assert!(field(line, 1).len() == 11 && field(line, 1).starts_with('M'), "{line}");
        assert!(field(line, 2).len() == 22 && field(line, 2).starts_with("4200"), "{line}");
        assert_eq!((field(line, 4).as_str(), field(line, 6).len()), ("CNY", 19), "{line}");
    }
    for line in channel.lines().skip(1) {
        assert!(field(line, 0).len() == 22 && field(line, 1).len() == 25, "{line}");
        assert_eq!((field(line, 3).as_str(), field(line, 4).len()), ("156", 2), "{line}");
    }
    // About as many bytes as in earlier measurements: 9.64 GB for 50 million rows a side.
    let bytes_a_pair = (day.report.left.bytes + day.report.right.bytes) / 100_000;
    assert!((185..200).contains(&bytes_a_pair), "{bytes_a_pair}");
    // The ledger is nearly in order of time, the channel is not.
    let time = |line: &str, at: usize| field(line, at)[11..13].parse::<u32>().unwrap();
    let late = |text: &str, at: usize| {
        let hours: Vec<u32> = text.lines().skip(1).map(|line| time(line, at)).collect();
        hours.windows(2).filter(|pair| pair[0] > pair[1] + 1).count()
    };
    assert!(late(&ledger, 6) < 2_000 && late(&channel, 5) > 20_000);
    day.check();
}

#[test]
fn equal_options_give_equal_bytes_and_another_seed_does_not() {
    for format in [DayFormat::Csv, DayFormat::Ndjson, DayFormat::Parquet] {
        let files = |seed: u64| {
            let day = day(3000, &every_fault(9), |options| {
                options.seed = seed;
                options.format = format;
            });
            let mut files: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(&day.options.dir)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .map(|path| (PathBuf::from(path.file_name().unwrap()), std::fs::read(path).unwrap()))
                .collect();
            files.sort();
            assert_eq!(files.len(), 6);
            files
        };
        let first = files(1);
        assert!(first == files(1), "{format:?}");
        for ((name, one), (_, other)) in first.iter().zip(files(2)) {
            assert_eq!(*one == other, name.as_os_str() == "rules.toml", "{}", name.display());
        }
    }
}

#[test]
fn adversarial_keys_keep_their_truth() {
    let most_frequent = |day: &Day| {
        let mut counts: BTreeMap<Option<String>, [u64; 2]> = BTreeMap::new();
        for (side, read) in read_sides(&day.report, DayFormat::Csv).into_iter().enumerate() {
            for record in read.records {
                counts.entry(record.key).or_default()[side] += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).unwrap()
    };
    for faults in ["none", "default", &every_fault(20)] {
        let zipf = day(20_000, faults, |options| options.keys = KeyShape::Zipf);
        zipf.check();
        let (_, [left, right]) = most_frequent(&zipf);
        assert!(left == right && (2200..3000).contains(&left), "{left} {right}");

        let hot = day(20_000, faults, |options| options.keys = KeyShape::OneHot { copies: 15_000 });
        hot.check();
        assert_eq!(most_frequent(&hot).1, [15_000; 2]);
    }
    for faults in ["none", "default", "[faults]\nREJECTED = 9\nUNKEYED = 4\nMISSING_IN_B = 30"] {
        let null = day(20_000, faults, |options| options.keys = KeyShape::Null);
        null.check();
        assert_eq!(most_frequent(&null).0, None);
    }
}

#[test]
fn sorted_days_are_in_order_of_their_keys() {
    for faults in ["none", "default", &every_fault(20)] {
        let day = day(20_000, faults, |options| options.order = RowOrder::Sorted);
        day.check();
        for read in read_sides(&day.report, DayFormat::Csv) {
            let records = read.records.into_iter().filter(|record| !record.is_open_item);
            let keys: Vec<String> = records.filter_map(|record| record.key).collect();
            assert!(keys.len() > 19_000 && keys.is_sorted());
        }
    }
}

#[test]
fn a_grouped_amount_is_quoted_and_a_short_row_is_short() {
    let day = day(100, "[faults]\nREJECTED = 14", |_| {});
    let ledger = day.text("ledger.csv");
    assert!(ledger.lines().any(|line| line.contains(",\"1,")));
    assert!(ledger.lines().any(|line| line.split(',').count() == 3));
    day.check();
}

#[test]
fn rules_name_only_columns_that_exist() {
    let day = day(1000, &every_fault(10), |_| {});
    let rules = day.rules();
    for (side, file) in [("left", "ledger.csv"), ("right", "channel.csv")] {
        let header = day.text(file).lines().next().unwrap().to_owned();
        let fields = rules[side]["fields"].as_table().unwrap();
        for field in [
            "k1", "type", "currency", "amount", "fee", "status", "time", "date", "batch", "original",
            "account",
        ] {
            let value = &fields[field];
            let column = value.as_str().or_else(|| value["column"].as_str()).unwrap();
            assert!(header.split(',').any(|name| name == column), "{side}.{field}");
        }
    }
    assert_eq!(rules["keys"]["null"].as_array().unwrap()[0].as_str(), Some("N/A"));
}

#[test]
fn the_codes_are_those_of_the_vocabulary_in_its_order() {
    let vocabulary = "MATCHED MATCHED_TOLERANCE MATCHED_AGGREGATE MATCHED_LATE NETTED_WITHIN_SIDE \
         PENDING_TIMING MISSING_IN_B MISSING_IN_A AMOUNT_MISMATCH FEE_MISMATCH STATUS_MISMATCH \
         CURRENCY_MISMATCH TYPE_MISMATCH DUPLICATE_IN_A DUPLICATE_IN_B BATCH_TOTAL_MISMATCH AMBIGUOUS \
         UNKEYED REJECTED";
    let day = day(10, "none", |_| {});
    let codes: Vec<&str> = day.report.outcomes.iter().map(|outcome| outcome.code).collect();
    assert_eq!(codes.join(" "), vocabulary);
    for fault in Fault::ALL {
        assert_eq!(Fault::parse(fault.name()), Some(fault));
        assert_eq!(Fault::ALL[fault.index()], fault);
    }
}

#[test]
fn progress_rises_to_the_number_of_rows() {
    let dir = tempfile::tempdir().unwrap();
    let seen = RefCell::new(Vec::new());
    let report =
        generate(&DayOptions::new(200_000, 1, dir.path()), &|rows| seen.borrow_mut().push(rows)).unwrap();
    let seen = seen.into_inner();
    assert!(seen.len() > 4 && seen.is_sorted());
    assert_eq!(seen.last(), Some(&(report.left.rows + report.right.rows)));
}

#[test]
fn impossible_days_are_refused() {
    let refused = |faults: &str, change: &dyn Fn(&mut DayOptions)| {
        let dir = tempfile::tempdir().unwrap();
        let mut options = DayOptions::new(100, 1, dir.path().join("day"));
        options.faults = Faults::parse(faults, "f.toml").unwrap();
        change(&mut options);
        let message = generate(&options, &|_| {}).unwrap_err().to_string();
        assert!(!options.dir.exists(), "nothing is written: {message}");
        message
    };
    for (message, faults, change) in [
        (
            "f.toml: 101 faults do not fit into 100 records",
            "[faults]\nUNKEYED = 101",
            &(|_: &mut DayOptions| {}) as &dyn Fn(&mut DayOptions),
        ),
        ("2000000001 records are too many: at most 2000000000", "", &|o| o.records = 2_000_000_001),
        ("one key cannot come 100 times: only 99", "[faults]\nUNKEYED = 1", &|o| {
            o.keys = KeyShape::OneHot { copies: 100 };
        }),
        ("one key cannot come 0 times", "", &|o| o.keys = KeyShape::OneHot { copies: 0 }),
        ("--keys zipf and --order sorted exclude", "", &|o| {
            o.keys = KeyShape::Zipf;
            o.order = RowOrder::Sorted;
        }),
        ("AMBIGUOUS cannot be seeded together with --keys null", "[faults]\nAMBIGUOUS = 1", &|o| {
            o.keys = KeyShape::Null;
        }),
    ] {
        let error = refused(faults, change);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = generate(&DayOptions::new(1, 1, &file), &|_| {}).unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains("file"), "{error}");
    let error = Faults::from_argument("no/such/file.toml").unwrap_err().to_string();
    assert!(error.contains("cannot read no/such/file.toml"), "{error}");
    // A side that fails stops the other and is reported.
    std::fs::create_dir_all(dir.path().join("day/channel.csv")).unwrap();
    let error =
        generate(&DayOptions::new(1_000_000, 1, dir.path().join("day")), &|_| {}).unwrap_err().to_string();
    assert!(error.contains("channel.csv"), "{error}");
}

#[test]
fn options_are_read_and_wrong_ones_named() {
    assert_eq!("one-hot:12".parse::<KeyShape>().unwrap(), KeyShape::OneHot { copies: 12 });
    assert_eq!("zipf".parse::<KeyShape>().unwrap(), KeyShape::Zipf);
    assert_eq!("null".parse::<KeyShape>().unwrap(), KeyShape::Null);
    assert_eq!("sorted".parse::<RowOrder>().unwrap(), RowOrder::Sorted);
    assert_eq!("parquet".parse::<DayFormat>().unwrap(), DayFormat::Parquet);
    for wrong in ["", "one-hot", "one-hot:", "one-hot:0", "one-hot:-1", "Zipf"] {
        let error = wrong.parse::<KeyShape>().unwrap_err().to_string();
        assert!(error.contains("--keys") && error.contains("one-hot:COUNT"), "{error}");
    }
    assert!("xml".parse::<DayFormat>().unwrap_err().to_string().contains("csv, ndjson or parquet"));
    assert!("random".parse::<RowOrder>().unwrap_err().to_string().contains("shuffled or sorted"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_mix_of_faults_keeps_its_truth(
        seed: u64,
        counts in prop::collection::vec(0_u64..7, Fault::COUNT),
        more in 0_u64..300,
        zipf: bool,
    ) {
        let mut text = "currencies = [\"JPY\"]\n[faults]\n".to_owned();
        for (fault, count) in Fault::ALL.into_iter().zip(&counts) {
            writeln!(text, "{} = {count}", fault.name()).unwrap();
        }
        day(counts.iter().sum::<u64>() + more, &text, |options| {
            options.seed = seed;
            options.keys = if zipf { KeyShape::Zipf } else { KeyShape::Unique };
        })
        .check();
    }
}
