//! A message for people: each field and part with its name, its place in the dump and what may be seen of it.
//!
//! Card and account numbers are masked; tracks, PINs, keys, names and whatever nothing is known of are hidden.

use super::coding::to_hexadecimal;
use super::{Content, Layout, Shown, Value, View};

/// A message as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The rows, in the order of the bytes.
    pub rows: Vec<Row>,
}

/// A field, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number, `2`, or that of a part, `60.2.1`, `55.9F26`; `header`, `type` and `bitmap` in front.
    pub field: String,
    /// What it is.
    pub name: String,
    /// Where its content begins in the message.
    pub at: usize,
    /// How many bytes its content takes there.
    pub len: usize,
    /// What may be seen of it.
    pub value: String,
}

/// How deep parts are divided in turn; no layout goes deeper than four.
const DEPTH_MAX: usize = 8;

impl View<'_> {
    /// Describes the message.
    #[must_use]
    pub fn describe(&self) -> Description {
        let mut rows = Vec::new();
        let header = self.header();
        if !header.is_empty() {
            rows.push(row("header", "header", 0, header.len(), hexadecimal(header)));
            let place = Place { at: 0, skipped: 0, packed: (1, 1) };
            describe_parts("header", self.dialect().header_layout, header, 0, &place, &mut rows, DEPTH_MAX);
        }
        if let Some(message_type) = self.message_type() {
            let bitmap_len = self.bitmap().len();
            let bitmap_at = self.body_at() - bitmap_len;
            let about = format!("{message_type} {:?} {:?}", message_type.class(), message_type.function());
            rows.push(row("type", "message type", header.len(), bitmap_at - header.len(), about));
            let numbers: Vec<String> = self.fields().map(|value| value.spec().number.to_string()).collect();
            rows.push(row("bitmap", "fields", bitmap_at, bitmap_len, numbers.join(" ")));
        }
        for value in self.fields() {
            describe_field(&value, &mut rows);
        }
        Description { rows }
    }
}

fn row(field: &str, name: &str, at: usize, len: usize, value: String) -> Row {
    Row { field: field.to_owned(), name: name.to_owned(), at, len, value }
}

fn describe_field(value: &Value<'_>, rows: &mut Vec<Row>) {
    let spec = value.spec();
    let number = spec.number.to_string();
    let characters = value.characters();
    let whole = rows.len();
    rows.push(row(&number, spec.name, value.at(), value.raw().len(), shown(spec.shown, &characters)));
    // An odd number of digits on the right begins in the middle of a byte.
    let skipped = usize::from(spec.content == Content::DigitsRight) * (value.len() % 2);
    let place = Place { at: value.at(), skipped, packed: packing(spec.content) };
    describe_parts(&number, spec.layout, &characters, 0, &place, rows, DEPTH_MAX);
    if let Some(row) = rows.get_mut(whole)
        && !spec.kind.fits(&characters)
    {
        row.value.push_str(" (not what it may hold)");
    }
}

/// Where the characters of a field stand in the message.
struct Place {
    at: usize,
    /// Characters in front of the first that are filling.
    skipped: usize,
    /// How many characters a byte has, and how many bytes a character.
    packed: (usize, usize),
}

const fn packing(content: Content) -> (usize, usize) {
    match content {
        Content::Digits | Content::DigitsRight | Content::SignedDigits => (2, 1),
        Content::Hexadecimal => (1, 2),
        Content::Text | Content::Ebcdic | Content::Binary => (1, 1),
    }
}

impl Place {
    /// Returns the first byte of some characters, and how many bytes they touch.
    fn bytes(&self, at: usize, len: usize) -> (usize, usize) {
        let (characters, bytes) = self.packed;
        let at = self.skipped + at;
        let (first, end) = (at * bytes / characters, ((at + len) * bytes).div_ceil(characters));
        (self.at + first, end - first)
    }
}

/// Adds rows for the parts of a value behind the row of the value itself, which is the last one.
fn describe_parts(
    id: &str,
    layout: Layout,
    characters: &[u8],
    offset: usize,
    place: &Place,
    rows: &mut Vec<Row>,
    depth: usize,
) {
    let Some(left) = depth.checked_sub(1) else { return };
    let parts = match layout.read(characters) {
        Ok(parts) if parts.is_empty() => return,
        parts => parts,
    };
    if let Some(whole) = rows.last_mut() {
        match &parts {
            // What is shown of its parts need not be shown twice.
            Ok(_) => whole.value = "(below)".to_owned(),
            Err(_) => whole.value.push_str(" (not divided as it should be)"),
        }
    }
    for part in parts.into_iter().flatten() {
        // Usages come from outside, and are to be seen on a terminal.
        let part_id = format!("{id}.{}", part.id.escape_default());
        let (at, len) = place.bytes(offset + part.at, part.value.len());
        rows.push(row(&part_id, part.name(), at, len, shown(part.shown(), part.value)));
        describe_parts(&part_id, part.layout(), part.value, offset + part.at, place, rows, left);
    }
}

fn shown(shown: Shown, characters: &[u8]) -> String {
    match shown {
        Shown::Bytes => hexadecimal(characters),
        Shown::Plain => text_or_hexadecimal(characters),
        Shown::Masked => masked(characters),
        Shown::Hidden => format!("({} hidden)", characters.len()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| to_hexadecimal(*byte)).map(char::from).collect()
}

/// Shows the first six and the last four characters; of fewer than thirteen the last four, of fewer than nine none.
fn masked(characters: &[u8]) -> String {
    let len = characters.len();
    let (first, last) = match len {
        13.. => (6, 4),
        9.. => (0, 4),
        _ => (0, 0),
    };
    let seen = |(at, byte): (usize, &u8)| match at {
        // Only digits are known to be a number's.
        _ if (at < first || at >= len - last) && byte.is_ascii_digit() => char::from(*byte),
        _ => '*',
    };
    characters.iter().enumerate().map(seen).collect()
}

/// Shows a text (GBK and ASCII), in quotes where spaces stand around it; what is no text as hexadecimal.
fn text_or_hexadecimal(bytes: &[u8]) -> String {
    let decoded = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    match decoded {
        Some(text) if text.chars().any(is_strange) => hexadecimal(bytes),
        Some(text) if text.trim().len() < text.len() => format!("\"{text}\""),
        Some(text) => text.into_owned(),
        None => hexadecimal(bytes),
    }
}

/// Says whether a character does something else than being seen: controls, marks of direction and joining, private
/// use.
fn is_strange(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..)
}

impl std::fmt::Display for Description {
    /// Writes the table, a row a line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = |of: fn(&Row) -> usize, least| self.rows.iter().map(of).max().unwrap_or(0).max(least);
        let field = width(|row| row.field.chars().count(), "field".len());
        let name = width(|row| row.name.chars().count(), "name".len());
        writeln!(f, "{:field$}  {:name$}  {:>5}  {:>5}  value", "field", "name", "at", "bytes")?;
        for row in &self.rows {
            let Row { field: id, name: what, at, len, value } = row;
            writeln!(f, "{id:field$}  {what:name$}  {at:5}  {len:5}  {value}")?;
        }
        Ok(())
    }
}
