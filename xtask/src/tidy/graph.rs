//! The crates of the workspace may depend on one another only as ARCHITECTURE.md says.

use serde_json::Value;
use std::collections::BTreeSet;

/// Compares the edges in `cargo metadata` with those listed.
pub(super) fn findings(metadata: &Value, architecture: &str) -> Vec<String> {
    let allowed = match listed(architecture) {
        Ok(allowed) => allowed,
        Err(error) => return vec![error],
    };
    let mut findings = Vec::new();
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let names: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut used = BTreeSet::new();
    for package in &packages {
        let from = package["name"].as_str().unwrap_or_default();
        if !allowed.iter().any(|(crate_, _)| crate_ == from) {
            findings.push(format!("ARCHITECTURE.md: crate {from} is not in the list of edges"));
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            if names.contains(to) {
                let tests = if dependency["kind"] == "dev" { " (tests)" } else { "" };
                used.insert((from.to_owned(), format!("{to}{tests}")));
            }
        }
    }
    let listed: BTreeSet<(String, String)> =
        allowed.into_iter().flat_map(|(from, to)| to.into_iter().map(move |to| (from.clone(), to))).collect();
    findings.extend(
        used.difference(&listed)
            .map(|(from, to)| format!("{from} depends on {to}: no such edge in ARCHITECTURE.md")),
    );
    findings.extend(
        listed.difference(&used).map(|(from, to)| {
            format!("ARCHITECTURE.md lists {from} -> {to}, which nothing uses: take it out")
        }),
    );
    findings
}

/// Reads lines such as `recon -> money, sim (tests)` from the block fenced as `edges`.
fn listed(architecture: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let block = architecture
        .split_once("```edges\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(block, _)| block)
        .ok_or("ARCHITECTURE.md: no block fenced as `edges`")?;
    block
        .lines()
        .map(|line| {
            let (from, to) =
                line.split_once("->").ok_or(format!("ARCHITECTURE.md: edges: cannot read `{line}`"))?;
            let to =
                to.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
            Ok((from.trim().to_owned(), to))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(architecture: &str) -> Vec<String> {
        let metadata = json!({"packages": [
            {"name": "money", "dependencies": [{"name": "serde"}]},
            {"name": "recon", "dependencies": [{"name": "money", "kind": null}]},
            {"name": "sim", "dependencies": [{"name": "recon", "kind": "dev"}]},
        ]});
        findings(&metadata, architecture)
    }

    #[test]
    fn an_edge_must_be_listed_and_used() {
        let sim = "sim -> recon (tests)";
        let found = |edges: &str| found(&format!("```edges\n{edges}\n```"));
        assert_eq!(found(&format!("money ->\nrecon -> money\n{sim}")), Vec::<String>::new());
        assert_eq!(
            found(&format!("money ->\nrecon ->\n{sim}")),
            ["recon depends on money: no such edge in ARCHITECTURE.md"]
        );
        assert_eq!(
            found(&format!("money -> recon\nrecon -> money\n{sim}")),
            ["ARCHITECTURE.md lists money -> recon, which nothing uses: take it out"]
        );
        assert_eq!(
            found(&format!("recon -> money\n{sim}")),
            ["ARCHITECTURE.md: crate money is not in the list of edges"]
        );
        assert_eq!(
            found("money ->\nrecon -> money\nsim -> recon"),
            [
                "sim depends on recon (tests): no such edge in ARCHITECTURE.md",
                "ARCHITECTURE.md lists sim -> recon, which nothing uses: take it out"
            ]
        );
    }

    #[test]
    fn the_list_must_be_there() {
        assert_eq!(found("no block"), ["ARCHITECTURE.md: no block fenced as `edges`"]);
    }
}
