//! Every file of `tests/cases`: cases in the small language of `script.rs`.

use crate::script::Script;
use std::collections::BTreeSet;
use std::path::Path;
use suanpan_ledger::rejection::Rejection;

#[test]
fn every_case_does_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    let mut cases = 0;
    let mut seen = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for case in text.split("\ncase ").skip(1) {
            cases += 1;
            let (name, lines) = case.split_once('\n').unwrap();
            if let Err(error) = run(lines, &mut seen) {
                wrong.push(format!("{}: {name}: {error}", file.file_name().unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 60, "{cases} cases are too few: were the files read?");
    // These two need a book that is too large for a table.
    let beyond = [Rejection::TooManyAccounts, Rejection::RecordFull];
    let missing: Vec<_> = Rejection::ALL.iter().filter(|reason| !seen.contains(reason)).collect();
    assert_eq!(missing, beyond.iter().collect::<Vec<_>>(), "reasons without a case");
}

fn run(lines: &str, seen: &mut BTreeSet<Rejection>) -> Result<(), String> {
    let mut script = Script::new();
    for line in lines.lines() {
        let bare = line.split('#').next().unwrap().trim();
        if !bare.is_empty() {
            script.line(bare).map_err(|error| format!("{bare}: {error}"))?;
        }
    }
    seen.extend(script.seen.iter().copied());
    script.end().map_err(|error| format!("at its end: {error}"))
}
