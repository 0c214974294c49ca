//! Patterns, and words that stand for something else.

use super::definition::Names;
use crate::record::{Direction, Kind, Status};
use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error};
use std::sync::OnceLock;

/// The largest compiled pattern.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// The most patterns of a layout: so many of the largest take 50 MiB.
const PATTERNS_MAX: usize = 200;

thread_local! {
    /// Patterns made since a layout began to be read. They are compiled where they stand, so that an error
    /// points there, and so must be counted before the whole is known.
    static PATTERNS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Begins to count the patterns of a layout.
pub(super) fn count_patterns_anew() {
    PATTERNS.set(0);
}

/// A regular expression. They never take more than linear time. It is compiled to see that it can be, and
/// again when it is first used: most layouts are only asked for their columns.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    names: Vec<String>,
    has_group: bool,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    fn new(text: String) -> Result<Pattern, String> {
        let compiled = compile(&text)?;
        let names = compiled.capture_names().flatten().map(str::to_owned).collect();
        let has_group = compiled.captures_len() > 1;
        Ok(Pattern { text, names, has_group, compiled: OnceLock::new() })
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| compile(&self.text).expect("what was compiled once can be again"))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex().is_match(text)
    }

    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<regex::Captures<'t>> {
        self.regex().captures(text)
    }

    /// Iterates over the names of its groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Says whether it has a group beside the whole.
    pub(super) const fn has_group(&self) -> bool {
        self.has_group
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    let built = regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build();
    built.map_err(|error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("`{text}` is not a pattern: {last}")
    })
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        let text = String::deserialize(deserializer)?;
        if PATTERNS.replace(PATTERNS.get() + 1) >= PATTERNS_MAX {
            return Err(D::Error::custom(format!("a layout may have {PATTERNS_MAX} patterns")));
        }
        Pattern::new(text).map_err(D::Error::custom)
    }
}

/// Something that words in files stand for.
pub(super) trait Meaning: Copy {
    /// What is expected where a name is none.
    const EXPECTED: &'static str;

    /// Finds it by its name in layouts.
    fn named(name: &str) -> Option<Self>;
}

impl Meaning for Kind {
    const EXPECTED: &'static str = "payment, refund, chargeback, chargeback_reversal, fee, payout, top_up, \
        withdrawal, transfer, return, conversion, interest, reserve, adjustment, notice or other";

    fn named(name: &str) -> Option<Kind> {
        Kind::parse(name)
    }
}

impl Meaning for Status {
    const EXPECTED: &'static str = "booked, pending, failed or information";

    fn named(name: &str) -> Option<Status> {
        Status::parse(name)
    }
}

impl Meaning for Direction {
    const EXPECTED: &'static str = "in, out or neutral";

    fn named(name: &str) -> Option<Direction> {
        [Direction::In, Direction::Out, Direction::Neutral].into_iter().find(|d| d.name() == name)
    }
}

impl Meaning for u8 {
    const EXPECTED: &'static str = "a number of decimals from 0 to 9";

    fn named(name: &str) -> Option<u8> {
        name.parse().ok().filter(|decimals| *decimals <= 9)
    }
}

/// What the words of a column stand for. A word may have `*` for any characters. A word without a star
/// goes before those with one, and of these the longer before the shorter.
#[derive(Debug, Clone)]
pub(super) struct Words<M> {
    pub(super) column: Names,
    otherwise: Option<M>,
    words: Vec<(String, M)>,
}

impl<M: Meaning> Words<M> {
    /// Finds what a text stands for.
    pub(super) fn meaning(&self, text: &str) -> Option<M> {
        let found = self.words.iter().find(|(word, _)| fits(word, text));
        found.map(|(_, meaning)| *meaning).or(self.otherwise)
    }
}

impl<'de, M: Meaning> Deserialize<'de> for Words<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words<M>, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            column: Names,
            otherwise: Option<toml::Value>,
            #[serde(default)]
            words: std::collections::BTreeMap<String, Vec<String>>,
        }
        let written = Written::deserialize(deserializer)?;
        let named = |name: &str| {
            M::named(name).ok_or_else(|| D::Error::custom(format!("`{name}` is none of {}", M::EXPECTED)))
        };
        let otherwise = match written.otherwise {
            None => None,
            Some(toml::Value::String(name)) => Some(named(&name)?),
            Some(other) => Some(named(&other.to_string())?),
        };
        let mut words = Vec::new();
        for (name, list) in written.words {
            let meaning = named(&name)?;
            words.extend(list.into_iter().map(|word| (word, meaning)));
        }
        words.sort_by_key(|(word, _)| (word.contains('*'), std::cmp::Reverse(word.chars().count())));
        if let Some(pair) = words.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(D::Error::custom(format!("the word `{}` stands for two things", pair[0].0)));
        }
        Ok(Words { column: written.column, otherwise, words })
    }
}

/// Says whether a text is a word, in which `*` stands for any characters.
pub(super) fn fits(word: &str, text: &str) -> bool {
    let mut parts = word.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (word, text, fit) in [
            ("退款", "退款", true),
            ("退款", "退款成功", false),
            ("退款*", "退款成功", true),
            ("*-退款", "商家-退款", true),
            ("*退*", "已退款", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "abxc", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("ab*ab", "ab", false),
        ] {
            assert_eq!(fits(word, text), fit, "{word} {text}");
        }
    }

    #[test]
    fn exact_words_go_first_and_long_ones_before_short() {
        let words: Words<Kind> = toml::from_str(
            "column = \"x\"\notherwise = \"other\"\n[words]\nrefund = [\"*退款\"]\nfee = [\"退*\", \"手续费\"]\n\
             payout = [\"退款\"]",
        )
        .unwrap();
        for (text, kind) in [
            ("退款", Kind::Payout),
            ("商家退款", Kind::Refund),
            ("退票", Kind::Fee),
            ("退票退款", Kind::Refund),
            ("?", Kind::Other),
        ] {
            assert_eq!(words.meaning(text), Some(kind), "{text}");
        }
    }
}
