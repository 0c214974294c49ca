//! Tests of the summary and the page, and the golden files.

use super::fixture::{Run, currency, facts, made};
use crate::outcome::Code;
use crate::report::*;
use std::collections::BTreeSet;
use std::path::Path;

fn golden(name: &str, content: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("SUANPAN_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_default();
    assert!(
        expected == content,
        "{name} differs from {}: look at the difference, then run with SUANPAN_UPDATE_GOLDEN=1",
        path.display()
    );
}

#[test]
fn golden_files() {
    let run = Run::new();
    let out = tempfile::tempdir().unwrap();
    let written = run.write(out.path(), 1, usize::MAX, &run.in_order());
    let summary = Summary::new(&facts(&run), &written).unwrap();
    write_json(out.path(), "summary.json", &summary).unwrap();
    write_html(out.path(), &summary, &written, Lang::En).unwrap();
    for name in ["breaks.csv", "rejected.csv", "summary.json", "report.html"] {
        golden(name, &std::fs::read(out.path().join(name)).unwrap());
    }
    golden("report.zh.html", render_html(&summary, &written, Lang::Zh).as_bytes());
}

#[test]
fn the_summary_proves_itself_and_reads_back() {
    let (run, written) = made();
    let summary = Summary::new(&facts(&run), &written).unwrap();
    assert_eq!(summary.verdict, RunVerdict::Breaks);
    for (currency, bridge) in &summary.bridge {
        assert_eq!(bridge.residual.minor, "0", "{currency}");
        let lines: i128 =
            bridge.lines.iter().map(|line| line.contribution.minor.parse::<i128>().unwrap()).sum();
        assert_eq!(lines.to_string(), bridge.difference.minor, "{currency}");
    }
    assert_eq!(summary.bridge["JPY"].residual.amount, "0");
    assert_eq!(summary.bridge["CNY"].residual.amount, "0.00");
    assert_eq!(summary.bridge["KWD"].residual.amount, "0.000");
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
}

#[test]
fn a_run_whose_books_do_not_balance_has_no_summary() {
    let (run, written) = made();
    let mut wrong = facts(&run);
    wrong.sides[0].records += 1;
    *wrong.sides[1].sums.get_mut(&currency("CNY")).unwrap() += 1;
    wrong.sides[1].rejected = 0;
    let findings = Summary::new(&wrong, &written).unwrap_err().findings;
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(findings[0].starts_with("left records with open items: read "), "{findings:?}");
    assert!(findings[1].starts_with("right rejected rows: read 0, decided 2"), "{findings:?}");
    assert!(findings[2].starts_with("right sum in minor units of CNY: read "), "{findings:?}");
}

#[test]
fn the_verdict_is_the_worst_of_what_happened() {
    let of = |codes: &[Code], missing: &[&str]| {
        let run = Run::new();
        let out = tempfile::tempdir().unwrap();
        let options = SinkOptions {
            spill_dir: out.path().to_owned(),
            memory_bytes: usize::MAX,
            matched: false,
            run_date: None,
        };
        let mut sink = OutcomeSink::new(&run.shape, &options);
        let mut facts = RunFacts {
            missing: missing.iter().map(|name| (*name).to_owned()).collect(),
            ..RunFacts::default()
        };
        for code in codes {
            let verdict = run.verdicts.iter().find(|verdict| verdict.code == *code).unwrap();
            sink.push(&run.records, verdict).unwrap();
            for id in verdict.left.iter().chain(&verdict.right) {
                let row = run.records.row(*id);
                facts.sides[row.side.index()].records += 1;
                *facts.sides[row.side.index()].sums.entry(row.currency).or_default() +=
                    i128::from(row.amount);
            }
        }
        let written = write_tables(out.path(), vec![sink], &run.words, 1).unwrap();
        let summary = Summary::new(&facts, &written).unwrap();
        let page = render_html(&summary, &written, Lang::En);
        (summary.verdict, page)
    };
    use Code::*;
    for (codes, missing, verdict, headline) in [
        (&[][..], &[][..], RunVerdict::Reconciled, "Reconciled: the two sides agree"),
        (&[Matched, NettedWithinSide], &[], RunVerdict::Reconciled, "Reconciled: the two sides agree"),
        (
            &[Matched, PendingTiming],
            &[],
            RunVerdict::ReconciledWithPending,
            "Reconciled, with 1 still pending",
        ),
        (&[PendingTiming, MissingInA], &[], RunVerdict::Breaks, "1 difference to look at"),
        (
            &[MissingInA],
            &["right: bank-*.csv"],
            RunVerdict::Incomplete,
            "Incomplete: an expected input is missing",
        ),
    ] {
        let (got, page) = of(codes, missing);
        assert_eq!(got, verdict);
        assert!(page.contains(headline), "{headline}");
        assert!(missing.iter().all(|name| page.contains(name)));
    }
}

#[test]
fn the_digest_tells_outcomes_apart_and_ignores_how_they_came_about() {
    let (run, written) = made();
    let digest = |facts: &RunFacts, written: &Written| Summary::new(facts, written).unwrap().digest;
    let first = digest(&facts(&run), &written);
    let mut other = facts(&run);
    other.timings.clear();
    other.threads = 64;
    other.plan = "another plan".into();
    other.run_id = "another run".into();
    other.peak_rss_bytes = 1;
    assert_eq!(digest(&other, &written), first);
    let mut without = written.clone();
    without.files.retain(|file| file.name != "matched.parquet");
    assert_eq!(digest(&facts(&run), &without), first, "the optional table is not part of it");

    let mut changed = facts(&run);
    changed.rules_digest = "blake3:0".into();
    assert_ne!(digest(&changed, &written), first);
    let mut changed = written.clone();
    changed.files[0].digest = "blake3:0".into();
    assert_ne!(digest(&facts(&run), &changed), first);
}

/// The part of JSON Schema that `summary.schema.json` uses.
fn check(
    schema: &serde_json::Value,
    root: &serde_json::Value,
    value: &serde_json::Value,
    at: &str,
) -> Vec<String> {
    use serde_json::Value;
    let mut wrong = Vec::new();
    if let Some(name) = schema["$ref"].as_str() {
        return check(&root["$defs"][name.strip_prefix("#/$defs/").unwrap()], root, value, at);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.is_empty() && !types.contains(&actual) {
        wrong.push(format!("{at}: {actual} instead of {types:?}"));
    }
    if let Some(list) = schema["enum"].as_array()
        && !list.contains(value)
    {
        wrong.push(format!("{at}: {value} is not one of {list:?}"));
    }
    if schema.get("const").is_some_and(|constant| constant != value) {
        wrong.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            wrong.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                wrong.extend(check(schema, root, value, &at));
            }
            (None, Some(Value::Bool(false))) => wrong.push(format!("{at} is not in the schema")),
            _ => (),
        }
    }
    for (n, value) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(schema) = schema.get("items") {
            wrong.extend(check(schema, root, value, &format!("{at}/{n}")));
        }
    }
    wrong
}

/// Notes which fields of which definitions of the schema the value has.
fn fields_met(
    schema: &serde_json::Value,
    root: &serde_json::Value,
    value: &serde_json::Value,
    at: &str,
    met: &mut BTreeSet<String>,
) {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        return fields_met(&root["$defs"][name], root, value, name, met);
    }
    for (name, value) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        if schema["properties"].get(name).is_some() {
            met.insert(format!("{at}.{name}"));
        }
        let schema = schema["properties"].get(name).or(schema.get("additionalProperties"));
        fields_met(schema.unwrap_or(&serde_json::Value::Null), root, value, at, met);
    }
    for value in value.as_array().into_iter().flatten() {
        fields_met(&schema["items"], root, value, at, met);
    }
}

#[test]
fn the_summary_is_as_its_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/summary.schema.json");
    let schema: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (run, written) = made();
    let summary = serde_json::to_value(Summary::new(&facts(&run), &written).unwrap()).unwrap();
    assert_eq!(check(&schema, &schema, &summary, ""), Vec::<String>::new());

    // The schema is strict: it names every field, requires it, and knows every code.
    let listed: Vec<_> = schema["$defs"]["outcomes"]["required"].as_array().unwrap().iter().collect();
    assert_eq!(listed, Code::ALL.map(|code| serde_json::Value::from(code.name())).iter().collect::<Vec<_>>());
    for name in summary.as_object().unwrap().keys() {
        let mut without = summary.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(check(&schema, &schema, &without, "").len(), 1, "{name} is required");
    }
    // And it names nothing that no run fills.
    let mut met = BTreeSet::new();
    fields_met(&schema, &schema, &summary, "", &mut met);
    let defs = schema["$defs"].as_object().unwrap().iter().map(|(name, def)| (name.as_str(), def));
    for (at, def) in defs.chain([("", &schema)]) {
        for field in def["properties"].as_object().into_iter().flatten().map(|(field, _)| field) {
            assert!(met.contains(&format!("{at}.{field}")), "{at}.{field} is never there");
        }
    }
    let mut more = summary.clone();
    more["surprise"] = true.into();
    more["left"]["records"] = "12".into();
    more["verdict"] = "FINE".into();
    assert_eq!(check(&schema, &schema, &more, "").len(), 3);
}

#[test]
fn the_page_escapes_all_text_and_loads_nothing() {
    let (run, written) = made();
    let mut facts = facts(&run);
    let evil = "<script>alert('x')</script>\" onload=\"x";
    facts.run_id = evil.into();
    facts.rules_name = evil.into();
    facts.plan = evil.into();
    facts.missing = vec![evil.into()];
    facts.inputs[0].name = evil.into();
    facts.timings[0].phase = evil.into();
    facts.sides[0].skipped = [(evil.to_owned(), 3)].into();
    let summary = Summary::new(&facts, &written).unwrap();
    for lang in [Lang::En, Lang::Zh] {
        let page = render_html(&summary, &written, lang);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "the hostile key is shown as text");
        assert!(!page.contains("<script"), "no script");
        assert!(!page.contains("\" onload"), "no way out of an attribute");
        for outside in ["http://", "https://", "url(http", "@import", "<link", "src="] {
            let found = page.replace("HYPERLINK(&quot;http://x&quot;)", "");
            assert!(!found.contains(outside), "{outside}");
        }
        let figures = page.matches("<figure>").count();
        assert_eq!(figures, 4);
        assert_eq!(page.matches("<figcaption>").count(), figures);
        assert_eq!(page.matches("role=\"img\"").count(), figures);
        let as_table = if lang == Lang::En { "View as table" } else { "查看表格" };
        assert_eq!(page.matches(as_table).count(), figures);
        assert_eq!(page.matches("<h1>").count(), 1);
        assert!(!page.contains("{0}") && !page.contains("{1}"), "every gap is filled");
    }
}
