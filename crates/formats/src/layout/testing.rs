//! Tests that a layout holds: a piece of a file, and what it must give.

use super::Layout;
use crate::catalogue::Verdict;
use crate::event::{Event, Fault};
use crate::head::TextEncoding;
use crate::input::{Input, Options};
use crate::output::Tally;
use crate::record::Record;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// A test of a layout.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    name: String,
    /// The content of the file.
    text: Option<String>,
    /// Or its name, beside the layout.
    file: Option<String>,
    /// How `text` is encoded.
    encoding: Option<String>,
    records: Option<u64>,
    #[serde(default)]
    faults: u64,
    /// Whether everything that the file declares agrees with its rows.
    ties: Option<bool>,
    /// Expected records, by their number from 1.
    #[serde(default)]
    record: Vec<Expected>,
}

/// A record that is expected: its number, and fields by name.
#[derive(Debug, Deserialize)]
struct Expected {
    at: usize,
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

/// How a test of a layout went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The test's name.
    pub name: String,
    /// What is not as expected; nothing where it passed.
    pub problems: Vec<String>,
}

/// The most problems that are listed for a test.
const PROBLEMS_MAX: usize = 20;

pub(super) fn run(
    layout: &Layout,
    tests: &[Test],
    open: &dyn Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Vec<Outcome> {
    let run = |test: &Test| {
        let mut problems = match bytes_of(test, open) {
            Ok(bytes) => problems(layout, test, &bytes),
            Err(problem) => vec![problem],
        };
        problems.truncate(PROBLEMS_MAX);
        Outcome { name: test.name.clone(), problems }
    };
    tests.iter().map(run).collect()
}

fn bytes_of(test: &Test, open: &dyn Fn(&str) -> std::io::Result<Vec<u8>>) -> Result<Vec<u8>, String> {
    match (&test.text, &test.file) {
        (Some(text), None) => {
            let name = test.encoding.as_deref().unwrap_or("utf-8");
            let encoding = TextEncoding::parse(name).ok_or(format!("{name} is not a known encoding"))?;
            encoded(text, encoding)
        }
        (None, Some(file)) => open(file).map_err(|error| format!("{file}: {error}")),
        _ => Err("a test needs either `text` or `file`".to_owned()),
    }
}

fn encoded(text: &str, encoding: TextEncoding) -> Result<Vec<u8>, String> {
    match encoding {
        TextEncoding::Utf16Le => Ok("\u{feff}"
            .chars()
            .chain(text.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect()),
        TextEncoding::Utf16Be => Ok("\u{feff}"
            .chars()
            .chain(text.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect()),
        other => match other.library().encode(text) {
            (bytes, _, false) => Ok(bytes.into_owned()),
            (_, _, true) => Err(format!("the text has characters that {} lacks", other.name())),
        },
    }
}

fn problems(layout: &Layout, test: &Test, bytes: &[u8]) -> Vec<String> {
    let input = match Input::open(bytes) {
        Ok(input) => input,
        Err(error) => return vec![error.to_string()],
    };
    let mut problems = Vec::new();
    if let Verdict::No(why) = layout.recognise(&input.head) {
        problems.push(format!("the file is not recognised: {why}"));
    }
    let (mut records, mut faults): (Vec<Record>, Vec<Fault>) = (Vec::new(), Vec::new());
    let mut failed = Vec::new();
    let mut output = |event| {
        match event {
            Event::Record(record) => records.push(*record),
            Event::Fault(fault) => faults.push(fault),
            Event::Check(check) if !check.agrees => failed.push(check),
            Event::Check(_) | Event::Statement(_) => {}
        }
        ControlFlow::Continue(())
    };
    let tally = match crate::output::read_layout(layout, input, &Options::default(), &mut output) {
        Ok(tally) => tally,
        Err(error) => {
            problems.push(format!("reading failed: {error}"));
            return problems;
        }
    };
    compare_counts(test, &tally, &faults, &mut problems);
    if test.ties == Some(true) && tally.checks_agreed + tally.checks_failed == 0 {
        problems.push("the test says that it ties, but nothing is declared that could".to_owned());
    }
    if test.ties == Some(true) {
        problems.extend(failed.iter().map(|check| {
            let (what, declared, computed) = (&check.what, &check.declared, &check.computed);
            format!("{}: {what}: the file says {declared}, its rows give {computed}", check.place)
        }));
    } else if test.ties == Some(false) && tally.checks_failed == 0 {
        problems.push("everything ties, though the test says that it does not".to_owned());
    }
    for expected in &test.record {
        match expected.at.checked_sub(1).and_then(|at| records.get(at)) {
            None => problems.push(format!("there is no record {}: there are {}", expected.at, records.len())),
            Some(record) => compare(expected, record, &mut problems),
        }
    }
    problems
}

fn compare_counts(test: &Test, tally: &Tally, faults: &[Fault], problems: &mut Vec<String>) {
    if let Some(count) = test.records
        && count != tally.records
    {
        problems.push(format!("{count} records are expected, {} were read", tally.records));
    }
    if test.faults != tally.faults {
        problems.push(format!("{} faults are expected, {} were found", test.faults, tally.faults));
        problems.extend(faults.iter().take(5).map(Fault::to_string));
    }
}

fn compare(expected: &Expected, record: &Record, problems: &mut Vec<String>) {
    for (name, wanted) in &expected.fields {
        match field(record, name) {
            None => problems.push(format!(
                "record {}: there is no field {name}; fields are {}, and details by their own names",
                expected.at,
                FIELDS.join(", ")
            )),
            Some(found) if found != *wanted => {
                problems.push(format!("record {}: {name} is `{found}`, not `{wanted}`", expected.at));
            }
            Some(_) => {}
        }
    }
}

/// The fields of a record by name.
const FIELDS: [&str; 25] = [
    "line",
    "kind",
    "kind_text",
    "status",
    "status_text",
    "direction",
    "amount",
    "currency",
    "fee",
    "net",
    "balance",
    "id",
    "own_id",
    "order_id",
    "original_id",
    "batch_id",
    "time",
    "booked_on",
    "value_on",
    "account",
    "counterparty",
    "counterparty_account",
    "description",
    "notes",
    "raw",
];

/// Returns a field of a record as text, or a detail of this name.
fn field(record: &Record, name: &str) -> Option<String> {
    fn text<T: ToString>(value: &Option<T>) -> String {
        value.as_ref().map(T::to_string).unwrap_or_default()
    }
    Some(match name {
        "line" => record.place.line.to_string(),
        "kind" => record.kind.name().to_owned(),
        "kind_text" => record.kind_text.clone(),
        "status" => record.status.name().to_owned(),
        "status_text" => record.status_text.clone(),
        "direction" => record.direction.name().to_owned(),
        "amount" => record.amount.to_string(),
        "currency" => record.currency.to_string(),
        "fee" => text(&record.fee),
        "net" => text(&record.net),
        "balance" => text(&record.balance),
        "id" => record.id.clone(),
        "own_id" => record.own_id.clone(),
        "order_id" => record.order_id.clone(),
        "original_id" => record.original_id.clone(),
        "batch_id" => record.batch_id.clone(),
        "time" => text(&record.time),
        "booked_on" => text(&record.booked_on),
        "value_on" => text(&record.value_on),
        "account" => record.account.clone(),
        "counterparty" => record.counterparty.clone(),
        "counterparty_account" => record.counterparty_account.clone(),
        "description" => record.description.clone(),
        "notes" => record.notes.join("; "),
        "raw" => record.raw.clone(),
        other => return record.details.iter().find(|(own, _)| own == other).map(|(_, text)| text.clone()),
    })
}
