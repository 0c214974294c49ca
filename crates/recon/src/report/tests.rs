//! Tests of the files of a run as a whole: stable bytes, and agreement of the forms.

mod fixture;
mod summary;

use super::*;
use crate::outcome::Code;
use crate::record::Side;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::{Field, Row};
use fixture::{Run, currency, made};
use proptest::prelude::*;
use std::collections::BTreeMap;

const TABLES: [&str; 5] =
    ["breaks.csv", "breaks.parquet", "open_items.parquet", "rejected.csv", "matched.parquet"];

fn contents(out: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    TABLES.into_iter().map(|name| (name, std::fs::read(out.join(name)).unwrap())).collect()
}

#[test]
fn every_code_of_the_vocabulary_is_in_the_test_run() {
    let run = Run::new();
    for code in Code::ALL {
        let there = code == Code::Rejected || run.verdicts.iter().any(|verdict| verdict.code == code);
        assert!(there, "{}", code.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn files_do_not_depend_on_memory_threads_or_arrival(
        memory in prop_oneof![Just(0_usize), 1..20_000_usize], sinks in 1_usize..4,
        deal in Just(Run::new().in_order()).prop_shuffle(),
    ) {
        let run = Run::new();
        let plain = tempfile::tempdir().unwrap();
        let expected = run.write(plain.path(), 1, usize::MAX, &run.in_order());
        let other = tempfile::tempdir().unwrap();
        let written = run.write(other.path(), sinks, memory, &deal);
        prop_assert_eq!(contents(other.path()), contents(plain.path()));
        prop_assert_eq!(written.stats, expected.stats);
        prop_assert_eq!(written.samples, expected.samples);
        prop_assert_eq!(written.largest, expected.largest);
        prop_assert_eq!(written.files, expected.files);
        let names = std::fs::read_dir(other.path()).unwrap().count();
        prop_assert_eq!(names, TABLES.len(), "nothing but the tables is left behind");
    }
}

fn parquet_rows(path: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(column, _)| *column == name).unwrap_or_else(|| panic!("no column {name}")).1
}

fn integer(row: &Row, name: &str) -> Option<i64> {
    match field(row, name) {
        Field::Null => None,
        Field::Long(value) => Some(*value),
        Field::Int(value) => Some(i64::from(*value)),
        other => panic!("{name} is {other:?}"),
    }
}

/// A small reader of CSV, independent of the writer.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let row = rows.last_mut().unwrap();
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            other => row.last_mut().unwrap().push(other),
        }
    }
    assert_eq!(rows.pop(), Some(vec![String::new()]), "the last line ends");
    rows
}

#[test]
fn breaks_read_back_from_parquet_are_those_of_the_csv() {
    let run = Run::new();
    let out = tempfile::tempdir().unwrap();
    run.write(out.path(), 1, usize::MAX, &run.in_order());
    let text = std::fs::read_to_string(out.path().join("breaks.csv")).unwrap();
    let rows = csv_rows(&text);
    let header = &rows[0];
    let parquet = parquet_rows(&out.path().join("breaks.parquet"));
    assert_eq!(parquet.len(), rows.len() - 1);
    assert!(parquet.len() > 25);
    for (csv, row) in rows[1..].iter().zip(&parquet) {
        assert_eq!(csv.len(), header.len());
        let get = |name: &str| csv[header.iter().position(|h| h == name).unwrap()].as_str();
        for (name, csv) in header.iter().zip(csv) {
            let value = match field(row, name) {
                Field::Null => String::new(),
                Field::Str(text) => text.clone(),
                Field::Long(number) => number.to_string(),
                Field::Date(day) => jiff::civil::date(1970, 1, 1)
                    .checked_add(jiff::Span::new().days(*day))
                    .unwrap()
                    .to_string(),
                Field::TimestampMicros(us) => jiff::Timestamp::from_microsecond(*us).unwrap().to_string(),
                Field::Decimal(decimal) => {
                    // The decimal column holds the same number as the minor column, at scale 4.
                    let scaled = i128::from_be_bytes(decimal.data().try_into().unwrap());
                    let side = name.split('_').next().unwrap();
                    let other = if side == "right" { get("right_currency") } else { "" };
                    let code = if other.is_empty() { get("currency") } else { other };
                    let exponent = currency(code).exponent();
                    let unit = 10_i128.pow(4 - u32::from(exponent));
                    assert_eq!(scaled % unit, 0);
                    let minor = integer(row, &format!("{name}_minor")).unwrap();
                    assert_eq!(scaled / unit, i128::from(minor));
                    suanpan_money::format_minor(minor, exponent)
                }
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(&value, csv, "{name}");
        }
    }
}

#[test]
fn every_record_is_in_exactly_one_row_of_one_table() {
    let run = Run::new();
    let out = tempfile::tempdir().unwrap();
    run.write(out.path(), 2, 4_000, &run.in_order());
    let mut seen = Vec::new();
    let mut deltas: BTreeMap<String, i128> = BTreeMap::new();
    for name in ["breaks.parquet", "matched.parquet"] {
        for row in parquet_rows(&out.path().join(name)) {
            for side in ["left", "right"] {
                if let Some(number) = integer(&row, &format!("{side}_row")) {
                    seen.push((side.to_owned(), number));
                }
            }
            if let Some(delta) = integer(&row, "delta_minor") {
                let Field::Str(code) = field(&row, "currency") else { panic!("a delta without a currency") };
                *deltas.entry(code.clone()).or_default() += i128::from(delta);
            }
        }
    }
    // Open items tell the place of their first run, so records of today are found by it.
    let open = parquet_rows(&out.path().join("open_items.parquet"));
    let today = open.iter().filter(|row| integer(row, "age") == Some(1)).count();
    assert_eq!(today + 1, open.len(), "one of the pending records was open before");
    assert_eq!(seen.len() + open.len(), run.records.len());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() + open.len(), run.records.len(), "no place twice");

    // The deltas add up to what the sides differ by, currency mismatches aside.
    let mut expected: BTreeMap<String, i128> = BTreeMap::new();
    for verdict in &run.verdicts {
        if !matches!(verdict.code, Code::CurrencyMismatch | Code::PendingTiming) {
            for id in verdict.left.iter().chain(&verdict.right) {
                let row = run.records.row(*id);
                let sign = if row.side == Side::Left { 1 } else { -1 };
                *expected.entry(row.currency.code().into()).or_default() += sign * i128::from(row.amount);
            }
        }
    }
    deltas.retain(|_, sum| *sum != 0);
    expected.retain(|_, sum| *sum != 0);
    assert_eq!(deltas, expected);
}

#[test]
fn open_items_have_the_columns_that_the_next_run_reads() {
    let run = Run::new();
    let out = tempfile::tempdir().unwrap();
    run.write(out.path(), 1, usize::MAX, &run.in_order());
    let rows = parquet_rows(&out.path().join("open_items.parquet"));
    let names: Vec<_> = rows[0].get_column_iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names.join(" "),
        "side k1 k2 k3 k4 k5 k6 k7 k8 type currency amount_minor fee_minor status time_us date_days batch \
         original account file row first_seen_days age"
    );
    assert_eq!(rows.len(), 4);
    let carried: Vec<_> = rows.iter().filter(|row| integer(row, "age") == Some(2)).collect();
    assert_eq!(carried.len(), 1);
    assert_eq!(*field(carried[0], "file"), Field::Str("books/2026-02-27.csv".into()));
    assert_eq!(integer(carried[0], "row"), Some(77));
    assert_eq!(integer(carried[0], "first_seen_days"), Some(20_511));
    assert_eq!(*field(&rows[3], "side"), Field::Str("right".into()));
    assert_eq!(*field(&rows[3], "k1"), Field::Str("PEND9".into()));
    assert_eq!(integer(&rows[3], "amount_minor"), Some(4_200));
    assert_eq!(integer(&rows[3], "first_seen_days"), Some(20_515));
    assert_eq!(*field(&rows[3], "account"), Field::Str("A\u{1f}1".into()), "texts are kept as they are");
}

#[test]
fn the_largest_differences_are_the_largest() {
    let (run, written) = made();
    let mut sizes: Vec<i128> = Vec::new();
    for verdict in run.verdicts.iter().filter(|verdict| verdict.code.is_difference()) {
        let rows: Vec<_> = verdict.left.iter().chain(&verdict.right).map(|id| run.records.row(*id)).collect();
        if rows.iter().all(|row| row.currency == currency("CNY")) {
            let sign = |side: Side| if side == Side::Left { 1 } else { -1 };
            sizes.push(rows.iter().map(|row| sign(row.side) * i128::from(row.amount)).sum::<i128>().abs());
        }
    }
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let shown: Vec<_> = written.largest["CNY"].iter().map(|row| row.get("delta").replace('-', "")).collect();
    let expected: Vec<_> = sizes[..10].iter().map(|size| suanpan_money::format_sum(*size, 2)).collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_reference_names_every_file_and_column() {
    let (_, written) = made();
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/output.md"))
            .unwrap();
    let run = Run::new();
    let tables = [
        ("breaks.csv", breaks::break_columns(&run.shape)),
        ("matched.parquet", breaks::matched_columns()),
        ("open_items.parquet", breaks::open_item_columns()),
        ("rejected.csv", breaks::rejected_columns()),
    ];
    for (file, columns) in tables {
        let chapter = text.split("\n## ").find(|chapter| chapter.starts_with(&format!("`{file}`"))).unwrap();
        for column in columns {
            // Keys beyond the second are described as `left_kN`.
            let name = column.name.replace("k2", "kN");
            let told = [&column.name, &name].iter().any(|name| chapter.contains(&format!("`{name}`")));
            assert!(told, "{file}: {}", column.name);
        }
    }
    for file in written.files {
        assert!(text.contains(&file.name), "{}", file.name);
    }
    for code in Code::ALL {
        assert!(text.contains(&format!("`{}`", code.name())), "{}", code.name());
    }
}
