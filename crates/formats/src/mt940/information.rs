//! The information to the account owner, `:86:`, in the ways in which banks write it.

use crate::record::Record;

/// References that say that there is none.
const NO_REFERENCE: [&str; 3] = ["NONREF", "NOTPROVIDED", "NOT PROVIDED"];

/// Adds what the lines of `:86:` say.
pub(super) fn describe(lines: &[String], record: &mut Record) {
    if lines.is_empty() {
        return;
    }
    // Structured texts are cut at 65 characters wherever that falls; others are cut at words.
    let joined = lines.concat();
    if let Some((code, separator, rest)) = german(&joined) {
        subfields(code, separator, rest, record);
    } else if let Some(parts) = slashed(&joined) {
        by_words(&parts, record);
    } else {
        let text: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        record.description = text.join(" ");
    }
}

/// Splits `166?00GUTSCHRIFT?20EREF+…`: a code of three digits, then subfields behind a separator.
fn german(text: &str) -> Option<(&str, char, &str)> {
    let text = text.trim_start();
    let code = text.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()))?;
    let separator = text[3..].chars().next().filter(|c| matches!(c, '?' | '<' | '~' | '>' | '^'))?;
    let rest = &text[3 + separator.len_utf8()..];
    let number = rest.get(..2)?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some((code, separator, rest))
}

fn subfields(code: &str, separator: char, rest: &str, record: &mut Record) {
    record.detail("GVC", code);
    let (mut purpose, mut name) = (String::new(), String::new());
    let mut pieces: Vec<(u8, String)> = Vec::new();
    for piece in rest.split(separator) {
        let number = piece.get(..2).and_then(|number| number.parse::<u8>().ok());
        match (number, pieces.last_mut()) {
            (Some(number), _) => pieces.push((number, piece[2..].to_owned())),
            // A separator within a text.
            (None, Some((_, text))) => {
                text.push(separator);
                text.push_str(piece);
            }
            (None, None) => {}
        }
    }
    for (number, text) in &pieces {
        match number {
            0 => record.detail("posting text", text.trim()),
            10 => record.detail("primanota", text.trim()),
            20..=29 | 60..=63 => purpose.push_str(text),
            30 => record.detail("bank", text.trim()),
            31 => record.counterparty_account = text.trim().to_owned(),
            32 | 33 => name.push_str(text),
            other => record.detail(&format!("?{other:02}"), text.trim()),
        }
    }
    record.counterparty = name.trim().to_owned();
    let parts = plus_words(&purpose);
    if parts.is_empty() {
        record.description = purpose.trim().to_owned();
    } else {
        by_words(&parts, record);
    }
}

/// Words before a plus in the purpose of a SEPA payment; `MTLG:` is the bank's own text behind a reference.
const PLUS: [&str; 15] = [
    "EREF+", "KREF+", "MREF+", "CRED+", "DEBT+", "COAM+", "OAMT+", "SVWZ+", "ABWA+", "ABWE+", "IBAN+",
    "BIC+", "PURP+", "RREF+", "MTLG:",
];

/// Words between slashes.
const SLASHES: [&str; 25] = [
    "EREF", "KREF", "MREF", "MARF", "CSID", "CRED", "REMI", "NAME", "BENM", "ORDP", "IBAN", "BBAN", "BIC",
    "TRTP", "ISDT", "RTRN", "PURP", "CNTP", "TRCD", "PREF", "CREF", "ADDR", "ULTD", "ULTB", "SVCL",
];

/// A word and the text behind it.
type Part<'t> = (&'static str, &'t str);

fn plus_words(text: &str) -> Vec<Part<'_>> {
    let mut found: Vec<(usize, &'static str)> =
        PLUS.iter().filter_map(|word| Some((text.find(word)?, *word))).collect();
    found.sort_unstable();
    let mut parts = Vec::new();
    if let Some((first, _)) = found.first().filter(|(first, _)| *first > 0) {
        parts.push(("", text[..*first].trim()));
    }
    for (at, (start, word)) in found.iter().enumerate() {
        let end = found.get(at + 1).map_or(text.len(), |(next, _)| *next);
        parts.push((word.trim_end_matches(['+', ':']), text[start + word.len()..end].trim()));
    }
    if found.is_empty() { Vec::new() } else { parts }
}

fn slashed(text: &str) -> Option<Vec<Part<'_>>> {
    let mut found: Vec<(usize, usize, &'static str)> = Vec::new();
    for (at, _) in text.match_indices('/') {
        let rest = &text[at + 1..];
        let word = SLASHES.iter().find(|word| rest.strip_prefix(**word).is_some_and(|r| r.starts_with('/')));
        if let Some(word) = word {
            found.push((at, at + word.len() + 2, word));
        }
    }
    let first = found.first()?.0;
    let mut parts = Vec::new();
    if first > 0 {
        parts.push(("", text[..first].trim()));
    }
    for (number, (_, start, word)) in found.iter().enumerate() {
        let end = found.get(number + 1).map_or(text.len(), |(next, ..)| *next).max(*start);
        parts.push((*word, text[*start..end].trim().trim_matches('/')));
    }
    Some(parts)
}

/// Says whether a reference is a word of the information, at which the reference itself stands.
fn points_at(reference: &str, word: &str) -> bool {
    !word.is_empty() && reference.strip_suffix('+').unwrap_or(reference) == word
}

fn by_words(parts: &[Part<'_>], record: &mut Record) {
    // What only points at a reference in the information is none.
    let pointer = PLUS
        .iter()
        .map(|word| word.trim_end_matches(['+', ':']))
        .chain(SLASHES)
        .any(|word| points_at(&record.own_id, word));
    if pointer {
        let pointer = std::mem::take(&mut record.own_id);
        let told = parts.iter().find(|(word, text)| {
            points_at(&pointer, word) && !text.is_empty() && !NO_REFERENCE.contains(text)
        });
        if let Some((_, text)) = told {
            (*text).clone_into(&mut record.own_id);
        }
    }
    let mut description: Vec<&str> = Vec::new();
    for (word, text) in parts.iter().filter(|(_, text)| !text.is_empty()) {
        match *word {
            "EREF" => {
                if NO_REFERENCE.contains(text) {
                    continue;
                }
                let before = std::mem::replace(&mut record.own_id, (*text).to_owned());
                if before != *text {
                    record.detail("customer reference", &before);
                }
            }
            // ING says before a text that it is one.
            "REMI" => description.push(text.strip_prefix("USTD//").unwrap_or(text)),
            "SVWZ" | "" => description.push(text),
            "NAME" if record.counterparty.is_empty() => record.counterparty = (*text).to_owned(),
            "IBAN" | "BBAN" if record.counterparty_account.is_empty() => {
                record.counterparty_account = (*text).to_owned();
            }
            "CNTP" => {
                let mut pieces = text.split('/');
                record.counterparty_account = pieces.next().unwrap_or_default().to_owned();
                record.detail("BIC", pieces.next().unwrap_or_default());
                record.counterparty = pieces.next().unwrap_or_default().to_owned();
            }
            other => record.detail(other, text),
        }
    }
    record.description = description.join(" ");
}
