//! Rules for documents: links lead somewhere, every page can be reached, words are in the glossary.

use super::Exceptions;
use crate::workspace::Text;
use std::collections::{BTreeMap, BTreeSet};

/// The page from which every page of `docs/` must be reachable.
const START: &str = "docs/README.md";

pub(super) fn findings(texts: &[Text], exceptions: &Exceptions) -> Vec<String> {
    let paths: BTreeSet<&str> = texts.iter().map(|text| text.path.as_str()).collect();
    let pages: BTreeMap<&str, &str> = texts
        .iter()
        .filter(|text| text.path.ends_with(".md"))
        .map(|text| (text.path.as_str(), text.text.as_str()))
        .collect();
    let mut findings = Vec::new();
    for (path, text) in &pages {
        for (line, target) in links(text) {
            let Some((to, anchor)) = resolve(path, target) else { continue };
            if !exists(&paths, &to) {
                if !exceptions.links_to_come.contains_key(&to) {
                    findings.push(format!("{path}:{line}: dead link to {target}"));
                }
            } else if let (Some(anchor), Some(page)) = (anchor, pages.get(to.as_str()))
                && !headings(page).any(|heading| heading == anchor)
            {
                findings.push(format!("{path}:{line}: {to} has no heading #{anchor}"));
            }
        }
    }
    let written = exceptions.links_to_come.keys().filter(|path| exists(&paths, path));
    findings.extend(
        written.map(|path| format!("xtask/tidy.toml [links_to_come]: {path}: it is written, take it out")),
    );
    findings.extend(unreachable(&pages));
    findings
}

/// Every code of the vocabulary stands in the glossary.
pub(super) fn codes_without_glossary(outcome: &str, glossary: &str) -> Vec<String> {
    let is_code =
        |word: &&str| word.len() > 4 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let codes: BTreeSet<&str> = outcome.split('"').skip(1).step_by(2).filter(is_code).collect();
    if codes.is_empty() {
        return vec!["crates/recon/src/outcome.rs: no outcome codes found".to_owned()];
    }
    let missing = codes.iter().filter(|code| !glossary.contains(&format!("`{code}`")));
    missing.map(|code| format!("docs/glossary.md: {code} is missing")).collect()
}

fn exists(paths: &BTreeSet<&str>, to: &str) -> bool {
    let folder = format!("{to}/");
    to.is_empty() || paths.contains(to) || paths.iter().any(|path| path.starts_with(&folder))
}

fn unreachable(pages: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![START.to_owned()];
    while let Some(path) = next.pop() {
        let Some(text) = pages.get(path.as_str()) else { continue };
        next.extend(
            links(text)
                .filter_map(|(_, target)| resolve(&path, target).map(|(to, _)| to))
                .filter(|to| !reached.contains(to)),
        );
        reached.insert(path);
    }
    pages
        .keys()
        .filter(|path| path.starts_with("docs/") && !reached.contains(**path))
        .map(|path| format!("{path}: cannot be reached from {START}"))
        .collect()
}

/// Finds the targets of `[text](target)` outside fenced blocks and code, with their line numbers.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().flat_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let line = if fenced || fence { "" } else { line };
        let mut targets = Vec::new();
        // Every second part between backticks is code.
        for part in line.split('`').step_by(2) {
            for (start, _) in part.match_indices("](") {
                if let Some((target, _)) = part[start + 2..].split_once(')') {
                    targets.push((at + 1, target.trim()));
                }
            }
        }
        // `[`code`](target)` spans parts; its target stands at the start of a part.
        for part in line.split('`').skip(2).step_by(2) {
            if let Some(target) = part.strip_prefix("](").and_then(|rest| rest.split_once(')')) {
                targets.push((at + 1, target.0.trim()));
            }
        }
        targets.sort_unstable();
        targets.dedup();
        targets
    })
}

/// Turns a link into a path from the root and a heading, or `None` when it leads outside.
fn resolve<'a>(page: &str, target: &'a str) -> Option<(String, Option<&'a str>)> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    if path.is_empty() {
        return Some((page.to_owned(), anchor));
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), anchor))
}

/// Lists the headings of a page as the anchors that a forge makes of them.
fn headings(page: &str) -> impl Iterator<Item = String> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| {
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Text {
        Text { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn links_are_followed_and_dead_ones_named() {
        let texts = [
            page("docs/README.md", "[a](guide/a.md) [root](../README.md#top-of-it) [web](https://x.test/y)"),
            page(
                "docs/guide/a.md",
                "[`b`](b.md)\n```\n[not](a-link.md)\n```\n`[nor](this.md)` [self](#here)",
            ),
            page("README.md", "# Top of it\n[docs](docs/)"),
            page("docs/lost.md", "# Lost"),
        ];
        assert_eq!(
            findings(&texts, &Exceptions::default()),
            [
                "docs/guide/a.md:1: dead link to b.md",
                "docs/guide/a.md:5: docs/guide/a.md has no heading #here",
                "docs/lost.md: cannot be reached from docs/README.md"
            ]
        );
        let mut exceptions = Exceptions::default();
        exceptions.links_to_come.insert("docs/guide/b.md".to_owned(), "written elsewhere".to_owned());
        assert_eq!(findings(&texts, &exceptions).len(), 2);
    }

    #[test]
    fn a_code_that_is_not_explained_is_found() {
        let outcome = r#"Code::Matched => "MATCHED", Code::Rejected => "REJECTED", "lower""#;
        assert_eq!(
            codes_without_glossary(outcome, "| `MATCHED` | both |"),
            ["docs/glossary.md: REJECTED is missing"]
        );
        assert_eq!(codes_without_glossary("", "").len(), 1);
    }
}
