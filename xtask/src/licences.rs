//! Checks licences, duplicates and sources of dependencies against `deny.toml`, without network.
//!
//! `cargo deny` reads the same file and also knows advisories, but takes minutes to install and
//! must fetch a database; this check needs only `cargo metadata`, so every CI run has it.

use crate::workspace::{metadata, root, strings};
use serde_json::Value;
use std::collections::BTreeMap;

/// Prints what `deny.toml` does not allow and says whether that is nothing.
pub(crate) fn run() -> bool {
    let findings = match policy().and_then(|policy| findings(&policy)) {
        Ok(findings) => findings,
        Err(error) => vec![error],
    };
    for finding in &findings {
        println!("error: {finding}");
    }
    findings.is_empty()
}

struct Policy {
    allowed: Vec<String>,
    /// Crate and version prefix of duplicates that are known.
    skipped: Vec<(String, String)>,
    targets: Vec<String>,
}

fn policy() -> Result<Policy, String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).map_err(|e| format!("deny.toml: {e}"))?;
    let table: toml::Table = text.parse().map_err(|error| format!("deny.toml: {error}"))?;
    let list = |section: &str, key: &str| -> Result<Vec<toml::Value>, String> {
        let found = table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
        found.cloned().ok_or_else(|| format!("deny.toml: {section}.{key} is not a list"))
    };
    let texts =
        |values: Vec<toml::Value>| values.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    let mut skipped = Vec::new();
    for entry in list("bans", "skip")? {
        let spec = entry.get("crate").and_then(toml::Value::as_str).unwrap_or_default();
        let Some((name, version)) = spec.split_once('@') else {
            return Err(format!("deny.toml: bans.skip: expected crate = \"name@version\", found {entry}"));
        };
        skipped.push((name.to_owned(), version.to_owned()));
    }
    Ok(Policy {
        allowed: texts(list("licenses", "allow")?),
        skipped,
        targets: texts(list("graph", "targets")?),
    })
}

fn findings(policy: &Policy) -> Result<Vec<String>, String> {
    let mut packages: BTreeMap<(String, String), Value> = BTreeMap::new();
    for target in &policy.targets {
        let found = metadata(&["--filter-platform", target])?;
        let used: Vec<&str> = found["resolve"]["nodes"]
            .as_array()
            .map(|nodes| nodes.iter().filter_map(|node| node["id"].as_str()).collect())
            .unwrap_or_default();
        for package in found["packages"].as_array().into_iter().flatten() {
            if package["id"].as_str().is_some_and(|id| used.contains(&id)) {
                let name = package["name"].as_str().unwrap_or_default().to_owned();
                let version = package["version"].as_str().unwrap_or_default().to_owned();
                packages.insert((name, version), package.clone());
            }
        }
    }
    if packages.len() < 10 {
        return Err(format!(
            "only {} packages in cargo metadata: it cannot have been read right",
            packages.len()
        ));
    }
    println!("{} packages for {}", packages.len(), policy.targets.join(" and "));
    let mut findings = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((name, version), package) in &packages {
        let licence = package["license"].as_str().unwrap_or_default();
        if !permitted(licence, &policy.allowed) {
            findings.push(format!("{name} {version}: licence `{licence}` is not among those of deny.toml"));
        }
        // A path dependency has no source; a registry one names its registry; git is not allowed.
        if package["source"].as_str().is_some_and(|source| !source.starts_with("registry+")) {
            findings.push(format!("{name} {version}: comes from {}, not from a registry", package["source"]));
        }
        if !policy.skipped.iter().any(|(skip, prefix)| skip == name && version_begins(version, prefix)) {
            versions.entry(name).or_default().push(version);
        }
    }
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        findings.push(format!(
            "{name} stands side by side in versions {}: use one, or list the older in deny.toml, bans.skip, with a reason",
            versions.join(" and ")
        ));
    }
    Ok(findings)
}

fn version_begins(version: &str, prefix: &str) -> bool {
    version.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Says whether an SPDX expression can be met with allowed licences. `/` is an old way to write OR.
fn permitted(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Spdx { words: &words, allowed };
    parser.any().unwrap_or(false) && parser.words.is_empty()
}

struct Spdx<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl<'a> Spdx<'a> {
    fn next_is(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.next_is("OR") {
            met |= self.all()?;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.next_is("AND") {
            met &= self.one()?;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        if self.next_is("(") {
            let met = self.any()?;
            return self.next_is(")").then_some(met);
        }
        let (name, rest) = self.words.split_first()?;
        self.words = rest;
        let licence = if self.next_is("WITH") {
            let (exception, rest) = self.words.split_first()?;
            self.words = rest;
            format!("{name} WITH {exception}")
        } else {
            (*name).to_owned()
        };
        Some(self.allowed.contains(&licence))
    }
}

/// Lists the licences that workspace crates declare, for `tidy`.
pub(crate) fn members_without_licence(found: &Value) -> Vec<String> {
    let members: Vec<&str> = strings(&found["workspace_members"]).collect();
    found["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package["id"].as_str().is_some_and(|id| members.contains(&id)))
        .filter(|package| package["license"] != "Apache-2.0")
        .map(|package| package["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_by_any_alternative_and_all_conjuncts() {
        let allowed = ["MIT".to_owned(), "Zlib".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND Zlib", true),
            ("(GPL-3.0-only OR MIT) AND Zlib", true),
            ("GPL-3.0-only OR MIT AND GPL-2.0-only", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(permitted(expression, &allowed), met, "{expression}");
        }
    }

    #[test]
    fn a_version_prefix_ends_at_a_dot() {
        assert!(version_begins("2.0.119", "2"));
        assert!(version_begins("0.4.2", "0.4"));
        assert!(!version_begins("0.42.0", "0.4"));
    }
}
