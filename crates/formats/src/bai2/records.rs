//! Logical records: a record with its continuations, however the lines are broken.

use crate::event::ReadError;
use crate::input::Lines;
use crate::limits::LINE_BYTES_MAX;
use crate::record::Place;
use std::collections::VecDeque;

/// A record with all that its continuations (88) add.
#[derive(Debug, Clone, Default)]
pub(super) struct Logical {
    pub(super) fields: Vec<String>,
    /// Physical records that it takes.
    pub(super) records: u64,
    pub(super) place: Place,
    pub(super) raw: String,
    /// Texts of continuations, which go on where the last field ended.
    more: Vec<String>,
}

impl Logical {
    /// Returns a field without blanks around it; empty where it is not there.
    pub(super) fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", |field| field.trim())
    }

    /// Returns the field behind a funds type and what that brings along: S three amounts, V a date and a
    /// time, D as many pairs as it says.
    pub(super) fn after_funds(&self, at: usize) -> usize {
        at + match self.field(at) {
            "S" => 4,
            "V" => 3,
            "D" => 2 + 2 * self.field(at + 1).parse::<usize>().unwrap_or(0).min(1_000),
            _ => 1,
        }
    }

    /// Returns the text from a field on: a text may hold commas, and goes on in continuations.
    pub(super) fn text_from(&self, at: usize) -> String {
        let own = self.fields.get(at..).unwrap_or_default().join(",");
        let mut parts: Vec<&str> = vec![own.trim()];
        parts.extend(self.more.iter().map(|text| text.trim()));
        parts.retain(|part| !part.is_empty());
        parts.join("; ")
    }
}

/// Reads logical records.
pub(super) struct Records<'a> {
    lines: Lines<'a>,
    /// Physical records that were cut out of a line and are still to be given.
    waiting: VecDeque<(String, Place)>,
}

impl<'a> Records<'a> {
    pub(super) fn new(lines: Lines<'a>) -> Records<'a> {
        Records { lines, waiting: VecDeque::new() }
    }

    /// Reads the next record with its continuations.
    pub(super) fn next(&mut self) -> Result<Option<Logical>, ReadError> {
        let Some((text, place)) = self.physical()? else { return Ok(None) };
        let mut record = Logical { records: 1, place, raw: text.clone(), ..Logical::default() };
        let is_text = text.starts_with("16");
        let mut open = !text.ends_with('/');
        record.fields = body(&text).split(',').map(str::to_owned).collect();
        while let Some((text, place)) = self.physical()? {
            // A text that was broken into lines of its own goes on where no record has begun or ended.
            let broken = is_text && open && !begins_record(&text);
            if !broken && !text.starts_with("88") {
                self.waiting.push_front((text, place));
                break;
            }
            open = !text.ends_with('/');
            record.records += u64::from(!broken);
            record.raw.push('\n');
            record.raw.push_str(&text);
            if record.raw.len() > LINE_BYTES_MAX {
                let what = "the length of a record with its continuations";
                return Err(ReadError::Limit { place, what, max: LINE_BYTES_MAX as u64 });
            }
            let rest = if broken { body(&text) } else { body(&text).get(2..).unwrap_or_default() };
            let rest = rest.strip_prefix(',').unwrap_or(rest);
            if is_text {
                record.more.push(rest.to_owned());
            } else {
                record.fields.extend(rest.split(',').map(str::to_owned));
            }
        }
        Ok(Some(record))
    }

    /// Reads the next physical record. Several may stand on one line, each ended by `/`.
    fn physical(&mut self) -> Result<Option<(String, Place)>, ReadError> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Ok(Some(found));
            }
            let Some(line) = self.lines.next_line()? else { return Ok(None) };
            let (text, place) = (line.text(), line.place());
            let mut rest = text.trim_end();
            let mut offset = 0;
            while !rest.trim().is_empty() {
                let end = cut(rest).unwrap_or(rest.len());
                let record = rest[..end].trim_start();
                let column = u32::try_from(offset + end - record.len() + 1).unwrap_or(u32::MAX);
                self.waiting.push_back((record.trim_end().to_owned(), place.at_column(column)));
                offset += end;
                rest = &rest[end..];
            }
        }
    }
}

/// Codes of records that may follow another one on its line.
const CODES: [&str; 7] = ["02", "03", "16", "88", "49", "98", "99"];

/// Says whether a text begins as a record does: two digits and a comma, or a code that banks end otherwise.
fn begins_record(text: &str) -> bool {
    text.get(..2).is_some_and(|code| match text.as_bytes().get(2) {
        Some(b',') => code.bytes().all(|b| b.is_ascii_digit()),
        None | Some(b'/' | b':') => CODES.contains(&code),
        _ => false,
    })
}

/// Finds where a record ends within a line: behind a `/` that the code of a record and a comma follow, with
/// or without blanks before them.
fn cut(text: &str) -> Option<usize> {
    text.match_indices('/').map(|(at, _)| at + 1).find(|at| {
        let next = text[*at..].trim_start();
        CODES.iter().any(|code| next.strip_prefix(code).is_some_and(|rest| rest.starts_with(',')))
    })
}

/// Takes the end of a record off.
fn body(text: &str) -> &str {
    let text = text.trim_end();
    text.strip_suffix('/').unwrap_or(text)
}
