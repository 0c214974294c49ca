//! Runs the examples of the documents and compares what comes out with what the documents say.
//!
//! An example is a folder of `docs/examples` with `rules.toml`, its inputs, and `expected.toml`.

use crate::workspace::root;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs all examples with a built `suanpan` and says whether all came out as written.
pub(crate) fn run(binary: &Path) -> bool {
    let examples = match folders(&root().join("docs/examples")) {
        Ok(examples) => examples,
        Err(error) => {
            println!("error: docs/examples: {error}");
            return false;
        }
    };
    let mut passed = !examples.is_empty();
    for example in &examples {
        let name = example.file_name().unwrap_or_default().to_string_lossy();
        match run_example(binary, example, &root().join("target/examples").join(&*name)) {
            Ok(runs) => println!("{name}: {runs} runs as expected"),
            Err(error) => {
                println!("error: {name}: {error}");
                passed = false;
            }
        }
    }
    passed
}

fn folders(parent: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(parent)? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the runs of an example one after the other; each may take over the open items of the last.
fn run_example(binary: &Path, example: &Path, out: &Path) -> Result<usize, String> {
    match std::fs::remove_dir_all(out) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    let text =
        std::fs::read_to_string(example.join("expected.toml")).map_err(|e| format!("expected.toml: {e}"))?;
    let table: toml::Table = text.parse().map_err(|error| format!("expected.toml: {error}"))?;
    let runs = table.get("runs").and_then(toml::Value::as_array).ok_or("expected.toml: no [[runs]]")?;
    let mut before: Option<PathBuf> = None;
    for (number, run) in (1..).zip(runs) {
        let out = out.join(number.to_string());
        let expected = Expected::read(run).ok_or(format!("expected.toml: cannot read run {number}"))?;
        let mut command = Command::new(binary);
        command.current_dir(example).args([
            "reconcile",
            &expected.left,
            &expected.right,
            "--rules",
            "rules.toml",
        ]);
        command.args(["--quiet", "--out"]).arg(&out);
        if let Some(before) = before.filter(|_| expected.open_items) {
            command.arg("--open-items").arg(before.join("open_items.parquet"));
        }
        let output = command.output().map_err(|error| format!("{}: {error}", binary.display()))?;
        if output.status.code() != Some(expected.exit) {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "run {number}: {} instead of {}: {}",
                output.status,
                expected.exit,
                said.trim()
            ));
        }
        let found = outcomes(&out.join("summary.json"))?;
        if found != expected.outcomes {
            return Err(format!("run {number}: {found:?} instead of {:?}", expected.outcomes));
        }
        before = Some(out);
    }
    Ok(runs.len())
}

struct Expected {
    left: String,
    right: String,
    open_items: bool,
    exit: i32,
    outcomes: BTreeMap<String, u64>,
}

impl Expected {
    fn read(run: &toml::Value) -> Option<Expected> {
        let text = |name: &str| Some(run.get(name)?.as_str()?.to_owned());
        let outcomes = run.get("outcomes")?.as_table()?.iter();
        Some(Expected {
            left: text("left")?,
            right: text("right")?,
            open_items: run.get("open_items").is_some_and(|value| value.as_bool() == Some(true)),
            exit: i32::try_from(run.get("exit")?.as_integer()?).ok()?,
            outcomes: outcomes
                .map(|(code, count)| Some((code.clone(), u64::try_from(count.as_integer()?).ok()?)))
                .collect::<Option<_>>()?,
        })
    }
}

/// Reads the counts of a summary, without the codes that did not occur.
fn outcomes(summary: &Path) -> Result<BTreeMap<String, u64>, String> {
    let say = |error: String| format!("{}: {error}", summary.display());
    let bytes = std::fs::read(summary).map_err(|error| say(error.to_string()))?;
    let summary: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| say(error.to_string()))?;
    let outcomes = summary["outcomes"].as_object().ok_or_else(|| say("no outcomes".to_owned()))?;
    Ok(outcomes
        .iter()
        .filter_map(|(code, outcome)| Some((code.clone(), outcome["count"].as_u64()?)))
        .filter(|(_, count)| *count > 0)
        .collect())
}
