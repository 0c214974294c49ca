//! A run for programs: one JSON document, or NDJSON whose last line is the summary.

use crate::cli::OutputForm;
use crate::error::Trouble;
use crate::terminal::Terminal;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;
use suanpan_recon::report::{RunVerdict, Summary};
use suanpan_recon::run::Plan;

/// Writes the summary as one document, the same as `summary.json`.
pub(super) fn json(summary: &Summary) -> Result<String, Trouble> {
    Ok(format!("{:#}\n", value(summary)?))
}

/// Prints a line for each input, break, rejected row, outcome, bridge and file, and last the summary.
pub(super) fn ndjson(summary: &Summary, out: &Path, terminal: Terminal) -> Result<(), Trouble> {
    let mut lines = Lines { text: String::new(), terminal };
    for input in &summary.inputs {
        lines.push("input", value(input)?)?;
    }
    lines.table("break", &out.join("breaks.csv"))?;
    lines.table("rejected", &out.join("rejected.csv"))?;
    for (code, outcome) in &summary.outcomes.0 {
        lines.push("outcome", with("code", code, value(outcome)?))?;
    }
    for (currency, bridge) in &summary.bridge {
        lines.push("bridge", with("currency", currency, value(bridge)?))?;
    }
    for file in &summary.files {
        lines.push("file", value(file)?)?;
    }
    lines.push("summary", value(summary)?)?;
    lines.flush()
}

/// Writes what is known of a run that `--max-differences` stopped.
pub(super) fn stopped_early(most: Option<u64>, form: OutputForm) -> String {
    let fields = json!({ "verdict": RunVerdict::Breaks.name(), "stopped_at_differences": most });
    one(&tagged("summary", fields), form)
}

/// Writes a plan.
pub(super) fn plan(plan: &Plan, missing: &[String], form: OutputForm) -> Result<String, Trouble> {
    Ok(one(&tagged("plan", with("missing", missing, value(plan)?)), form))
}

/// Writes one value as a document or as a line.
pub(super) fn one(value: &Value, form: OutputForm) -> String {
    match form {
        OutputForm::Ndjson => format!("{value}\n"),
        OutputForm::Json | OutputForm::Human => format!("{value:#}\n"),
    }
}

/// Puts type and version in front of the fields of a value.
pub(super) fn tagged(kind: &str, fields: Value) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), kind.into());
    object.insert("v".to_owned(), 1.into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

fn with(name: &str, first: impl Serialize, fields: Value) -> Value {
    let mut object = Map::new();
    object.insert(name.to_owned(), serde_json::to_value(first).unwrap_or_default());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

fn value(from: &impl Serialize) -> Result<Value, Trouble> {
    serde_json::to_value(from).map_err(|error| {
        Trouble::new("json", "a result has no JSON form")
            .next("this is a fault of suanpan: please report it")
            .because(error)
    })
}

/// Bytes that are gathered before they are printed.
const BUFFER_BYTES: usize = 256 << 10;

struct Lines {
    text: String,
    terminal: Terminal,
}

impl Lines {
    fn push(&mut self, kind: &str, fields: Value) -> Result<(), Trouble> {
        self.text.push_str(&tagged(kind, fields).to_string());
        self.text.push('\n');
        if self.text.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Prints the rows of a table that was written: its columns by name, as texts, without empty ones.
    fn table(&mut self, kind: &str, path: &Path) -> Result<(), Trouble> {
        let trouble = |error: csv::Error| {
            Trouble::new("read_back", format!("cannot read back {}", path.display()))
                .at(path.display().to_string())
                .next("somebody else changed it: run again")
                .because(error)
        };
        let mut reader = csv::Reader::from_path(path).map_err(trouble)?;
        let header = reader.headers().map_err(trouble)?.clone();
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row).map_err(trouble)? {
            let cells = header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
            let fields = cells.map(|(name, cell)| (name.to_owned(), cell.into())).collect();
            self.push(kind, Value::Object(fields))?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        self.terminal.result(&std::mem::take(&mut self.text))
    }
}
