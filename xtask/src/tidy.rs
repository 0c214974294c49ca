//! Rules of the source tree that the compiler does not know.
//!
//! Each rule is a function from texts to findings. Exceptions stand in `xtask/tidy.toml`, each with
//! its reason; an exception that is no longer needed is a finding too.

mod documents;
mod graph;
mod source;

use crate::licences::members_without_licence;
use crate::workspace::{Text, metadata, root, texts};
use std::collections::BTreeMap;

/// Prints what is not tidy and says whether that is nothing.
pub(crate) fn run() -> bool {
    let findings = match all() {
        Ok(findings) => findings,
        Err(error) => vec![error],
    };
    for finding in &findings {
        println!("error: {finding}");
    }
    if findings.is_empty() {
        println!("tidy");
    }
    findings.is_empty()
}

fn all() -> Result<Vec<String>, String> {
    let texts = texts()?;
    let exceptions = Exceptions::load()?;
    let found = metadata(&["--no-deps"])?;
    let mut findings = Vec::new();
    findings.extend(graph::findings(&found, text(&texts, "ARCHITECTURE.md")?));
    findings.extend(
        members_without_licence(&found).into_iter().map(|name| format!("{name}: no licence Apache-2.0")),
    );
    findings.extend(crates_without_lints(&texts));
    findings.extend(source::findings(&texts, &exceptions));
    findings.extend(documents::findings(&texts, &exceptions));
    findings.extend(documents::codes_without_glossary(
        text(&texts, "crates/recon/src/outcome.rs")?,
        text(&texts, "docs/glossary.md")?,
    ));
    Ok(findings)
}

/// Exceptions, each a path with its reason.
#[derive(Default)]
struct Exceptions {
    long_files: BTreeMap<String, String>,
    unsafe_modules: BTreeMap<String, String>,
    links_to_come: BTreeMap<String, String>,
}

impl Exceptions {
    fn load() -> Result<Exceptions, String> {
        let at = "xtask/tidy.toml";
        let text = std::fs::read_to_string(root().join(at)).map_err(|error| format!("{at}: {error}"))?;
        let table: toml::Table = text.parse().map_err(|error| format!("{at}: {error}"))?;
        let mut exceptions = Exceptions::default();
        for (section, entries) in &table {
            let list = match section.as_str() {
                "long_files" => &mut exceptions.long_files,
                "unsafe_modules" => &mut exceptions.unsafe_modules,
                "links_to_come" => &mut exceptions.links_to_come,
                _ => return Err(format!("{at}: unknown section [{section}]")),
            };
            for (path, reason) in entries.as_table().into_iter().flatten() {
                match reason.as_str().filter(|reason| reason.len() >= 10) {
                    Some(reason) => list.insert(path.clone(), reason.to_owned()),
                    None => return Err(format!("{at}: {path}: an exception needs a reason")),
                };
            }
        }
        Ok(exceptions)
    }
}

fn text<'a>(texts: &'a [Text], path: &str) -> Result<&'a str, String> {
    texts
        .iter()
        .find(|text| text.path == path)
        .map(|text| text.text.as_str())
        .ok_or(format!("{path}: missing"))
}

/// Every crate takes the lints of the workspace.
fn crates_without_lints(texts: &[Text]) -> Vec<String> {
    texts
        .iter()
        .filter(|text| text.path.ends_with("/Cargo.toml"))
        .filter(|text| !text.text.contains("[lints]\nworkspace = true"))
        .map(|text| format!("{}: add [lints] workspace = true", text.path))
        .collect()
}
