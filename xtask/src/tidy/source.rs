//! Rules for source files: length, leftovers, `unsafe`, and names that must not appear.

use super::Exceptions;
use crate::workspace::Text;
use std::collections::{BTreeMap, BTreeSet};

/// A file with more lines holds a second story.
const LINES_MAX: usize = 900;

pub(super) fn findings(texts: &[Text], exceptions: &Exceptions) -> Vec<String> {
    let mut findings = Vec::new();
    let mut long = BTreeSet::new();
    let mut with_unsafe = BTreeSet::new();
    for Text { path, text } in texts {
        findings.extend(registry_hosts(path, text));
        if !path.ends_with(".rs") {
            continue;
        }
        if text.lines().count() >= LINES_MAX {
            long.insert(path.as_str());
        }
        let code = code_only(text);
        if words(&code).any(|(_, word)| word == "unsafe") {
            with_unsafe.insert(path.as_str());
        }
        findings.extend(leftovers(path, text, &code));
    }
    findings.extend(compare(&long, &exceptions.long_files, "long_files", "has 900 lines or more"));
    findings.extend(compare(&with_unsafe, &exceptions.unsafe_modules, "unsafe_modules", "uses `unsafe`"));
    findings
}

fn compare(found: &BTreeSet<&str>, listed: &BTreeMap<String, String>, list: &str, what: &str) -> Vec<String> {
    let unlisted = found.iter().filter(|path| !listed.contains_key(**path));
    let stale = listed.keys().filter(|path| !found.contains(path.as_str()));
    unlisted
        .map(|path| {
            format!("{path}: {what}; change that, or list it in xtask/tidy.toml [{list}] with a reason")
        })
        .chain(stale.map(|path| format!("xtask/tidy.toml [{list}]: {path}: no longer needed, take it out")))
        .collect()
}

/// Finds unfinished work.
fn leftovers(path: &str, text: &str, code: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, word) in words(code) {
        if matches!(word, "todo" | "unimplemented") {
            findings.push(format!("{path}:{line}: {word}: finish it"));
        }
    }
    for (at, line) in text.lines().enumerate() {
        // Written in two halves, so that this file does not find itself.
        for mark in [concat!("FIX", "ME"), concat!("XX", "X:"), concat!("#[ig", "nore")] {
            if line.contains(mark) {
                findings.push(format!("{path}:{}: {mark}: finish it, or open an issue", at + 1));
            }
        }
    }
    findings
}

/// Package registries are reached through the configuration of their clients, not by name.
fn registry_hosts(path: &str, text: &str) -> Vec<String> {
    if path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let hosts: [&[&str]; 4] =
        [&["crates", "io"], &["pypi", "org"], &["registry", "npmjs", "org"], &["deb", "debian", "org"]];
    hosts
        .iter()
        .map(|parts| parts.join("."))
        .filter(|host| text.contains(host.as_str()))
        .map(|host| format!("{path}: names the package registry {host}"))
        .collect()
}

/// Splits code into words with their line numbers.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(at, line)| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .map(move |word| (at + 1, word))
    })
}

/// Blanks comments, strings and characters of Rust source, keeping line breaks.
fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = at + token_to_blank(&bytes[at..], at > 0 && is_word(bytes[at - 1]));
        if end == at {
            code.push(char::from(bytes[at]));
            at += 1;
        } else {
            code.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Returns the length of the comment, string or character that starts here, or 0.
fn token_to_blank(rest: &[u8], after_word: bool) -> usize {
    match rest {
        [b'/', b'/', ..] => find(rest, 2, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, 1),
        [b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 1),
        [b'b', b'"', ..] if !after_word => quoted(rest, 2),
        [b'b', b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 2),
        // A character, as against a lifetime, which has no closing quote after one character.
        [b'\'', b'\\', _, tail @ ..] => tail.iter().position(|b| *b == b'\'').map_or(0, |more| more + 4),
        [b'\'', ..] => {
            let width = rest[1..].iter().skip(1).take_while(|byte| **byte & 0xC0 == 0x80).count() + 1;
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (1, 2);
    while depth > 0 && at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted(rest: &[u8], opening: usize) -> usize {
    let mut at = opening;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], opening: usize) -> usize {
    let hashes = rest[opening..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(opening + hashes) != Some(&b'"') {
        return 0; // a raw identifier
    }
    let mut closing = vec![b'"'];
    closing.resize(hashes + 1, b'#');
    find(rest, opening + hashes + 1, &closing).map_or(rest.len(), |at| at + closing.len())
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes[from..].windows(what.len()).position(|window| window == what).map(|at| at + from)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Text {
        Text { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn comments_strings_and_characters_are_not_code() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"x("a\"b") y"#, r#"x(      ) y"#),
            (r##"r#"a"b"# z"##, "         z"),
            ("for b\"x\" r#fn", "for      r#fn"),
            ("'a' 'b '\\n' '\\'' <'a>", "    'b           <'a>"),
            ("'é' x", "     x"),
        ] {
            assert_eq!(code_only(source), code, "{source}");
        }
    }

    #[test]
    fn unsafe_and_length_must_be_listed_and_lists_must_be_needed() {
        let mut exceptions = Exceptions::default();
        let texts = [
            file("a.rs", "unsafe { f() }"),
            file("b.rs", "// unsafe\n\"unsafe\""),
            file("c.rs", &"x\n".repeat(LINES_MAX)),
            file("d.rs", &"x\n".repeat(LINES_MAX - 1)),
        ];
        let found = findings(&texts, &exceptions);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("c.rs: has 900") && found[1].starts_with("a.rs: uses"), "{found:?}");
        exceptions.unsafe_modules.insert("a.rs".to_owned(), "why".to_owned());
        exceptions.long_files.insert("c.rs".to_owned(), "why".to_owned());
        assert_eq!(findings(&texts, &exceptions), Vec::<String>::new());
        exceptions.long_files.insert("d.rs".to_owned(), "why".to_owned());
        let found = findings(&texts, &exceptions);
        assert!(found.len() == 1 && found[0].contains("d.rs: no longer needed"), "{found:?}");
    }

    #[test]
    fn leftovers_and_registries_are_found_with_their_line() {
        let mark = concat!("FIX", "ME");
        let texts = [
            file(
                "a.rs",
                &format!("fn f() {{\n    {0}()\n}}\n// {mark} later\n\"{0}()\"", concat!("to", "do!")),
            ),
            file("b.md", &["see pypi", "org"].join(".")),
        ];
        let found = findings(&texts, &Exceptions::default());
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("a.rs:2: todo") && found[1].starts_with("a.rs:4:"), "{found:?}");
        assert!(found[2].starts_with("b.md: names"), "{found:?}");
    }
}
