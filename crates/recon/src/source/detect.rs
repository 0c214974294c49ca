//! The kind of file, told from its first bytes.

use super::{SourceError, is_parquet};
use crate::rule::Format;

/// A kind of file, never [`Format::Auto`], with the separator of delimited text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// The kind.
    pub format: Format,
    /// The separator; `,` where the kind has none.
    pub delimiter: u8,
}

/// Separators that are tried, the more usual first, which wins a tie.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Lines of the beginning that are looked at. Bills begin with up to some ten lines of prose.
const LINES_MAX: usize = 64;

/// Tells the kind of a file from the beginning of its text. `name` decides only where the text says
/// nothing (a single column).
///
/// # Errors
/// For a JSON document that is not one object a line.
pub fn detect_format(head: &[u8], name: &str) -> Result<Detected, SourceError> {
    if is_parquet(head) {
        return Ok(Detected { format: Format::Parquet, delimiter: b',' });
    }
    if is_ndjson(head, name)? {
        return Ok(Detected { format: Format::Ndjson, delimiter: b',' });
    }
    let delimiter = delimiter(head).unwrap_or_else(|| {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".tsv") || name.contains(".tsv.") { b'\t' } else { b',' }
    });
    let format = if delimiter == b'\t' { Format::Tsv } else { Format::Csv };
    Ok(Detected { format, delimiter })
}

fn is_ndjson(head: &[u8], name: &str) -> Result<bool, SourceError> {
    let Some(start) = head.iter().position(|b| !b.is_ascii_whitespace()) else { return Ok(false) };
    let text = &head[start..];
    let document = |what| SourceError::Unsupported {
        name: name.to_owned(),
        what,
        advice: "write one object a line, for instance with `jq -c '.[]'`",
    };
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    match text[0] {
        b'{' => match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
            Ok(_) => Ok(true),
            // A first line longer than the head, or an object over several lines.
            Err(error) if error.is_eof() && line.len() == text.len() => Ok(true),
            Err(error) if error.is_eof() => Err(document("a JSON document spread over several lines")),
            Err(_) => Ok(false),
        },
        b'[' => {
            let inner = text[1..].iter().find(|b| !b.is_ascii_whitespace());
            if inner == Some(&b'{') { Err(document("a JSON array")) } else { Ok(false) }
        }
        _ => Ok(false),
    }
}

/// Finds the separator on which the most lines agree, and among those the one with the most columns.
fn delimiter(head: &[u8]) -> Option<u8> {
    let lines = lines(head);
    let score = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| count_unquoted(line, delimiter)).collect();
        let agreeing = |count: usize| counts.iter().filter(|c| **c == count).count();
        counts.iter().filter(|count| **count > 0).map(|count| (agreeing(*count), *count)).max()
    };
    let scored = DELIMITERS.iter().rev().filter_map(|d| score(*d).map(|score| (score, *d)));
    // The last of equal maxima wins, so the order above is reversed.
    scored.max_by_key(|(score, _)| *score).map(|(_, delimiter)| delimiter)
}

/// Splits the head into lines, keeping line ends within quotes. The last line is left out when there
/// are others, since it may be cut off.
fn lines(head: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in head.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                if at > start {
                    lines.push(&head[start..at]);
                }
                start = at + 1;
                if lines.len() == LINES_MAX {
                    return lines;
                }
            }
            _ => {}
        }
    }
    if lines.is_empty() && start < head.len() {
        // One line, or a stray quote that seems to hold everything: look at plain lines then.
        return head.split(|b| *b == b'\n').filter(|line| !line.is_empty()).take(LINES_MAX).collect();
    }
    lines
}

fn count_unquoted(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    line.iter()
        .filter(|byte| {
            quoted ^= **byte == b'"';
            !quoted && **byte == delimiter
        })
        .count()
}
