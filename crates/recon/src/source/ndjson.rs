//! NDJSON: one JSON object a line. Only the fields that rules name are taken out, each exactly as
//! it is written: a number keeps its digits and never becomes a float.

use super::batch::{RowPlace, TextBatch};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A line that gave no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Zero-based line within the chunk.
    pub line: u32,
    /// Byte offset of the line's first byte in the text.
    pub offset: u64,
    /// Byte of the line at which it went wrong, counted from 1.
    pub column: u32,
    /// What is wrong, in a few words.
    pub message: String,
}

/// Reads chosen fields of JSON objects.
///
/// A column is named by its key, or by a dotted path: `payer.account` is the field `account` of the
/// object `payer`, or a field whose key is the seven letters and dot themselves. A field that is
/// missing or `null` is null. A key that comes twice, where it matters, makes the line an error,
/// since JSON does not say which of the two counts.
#[derive(Debug)]
pub struct LineReader {
    fields: Vec<Field>,
    columns: usize,
    seen: Vec<bool>,
    /// What stood at each position of the line before. Lines of a file are mostly alike, so one
    /// comparison per key replaces a search.
    positions: Vec<Position>,
}

/// A key of interest: a column, the way to deeper columns, or both.
#[derive(Debug, Default)]
struct Field {
    key: String,
    /// Index into the flags that tell which fields a line has had.
    number: usize,
    columns: Vec<usize>,
    fields: Vec<Field>,
}

#[derive(Debug, Default)]
struct Position {
    /// `false` where the key was too long to remember.
    known: bool,
    key: String,
    field: Option<usize>,
}

/// Keys remembered per line, and bytes of a key that is remembered.
const POSITIONS_MAX: usize = 256;
const POSITION_KEY_BYTES_MAX: usize = 128;

impl LineReader {
    /// Makes a reader of these columns, in this order.
    #[must_use]
    pub fn new(columns: &[String]) -> LineReader {
        let mut fields = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            find_or_add(&mut fields, column).columns.push(at);
            if let Some((first, rest)) = column.split_once('.') {
                let mut field = find_or_add(&mut fields, first);
                for key in rest.split('.') {
                    field = find_or_add(&mut field.fields, key);
                }
                field.columns.push(at);
            }
        }
        let mut seen = 0;
        number(&mut fields, &mut seen);
        LineReader { fields, columns: columns.len(), seen: vec![false; seen], positions: Vec::new() }
    }

    /// Reads whole lines into `out`, which is cleared first, and returns the number of lines, blank
    /// and wrong ones counted. `offset` is where the chunk starts in the text. Lines that are wrong
    /// are added to `errors`, and the others go on.
    ///
    /// # Panics
    /// When the chunk is 4 GiB or larger, or `out` was made for another number of columns.
    pub fn read_lines(
        &mut self,
        chunk: &[u8],
        offset: u64,
        out: &mut TextBatch,
        errors: &mut Vec<LineError>,
    ) -> u32 {
        assert!(u32::try_from(chunk.len()).is_ok(), "a chunk is below 4 GiB");
        assert_eq!(out.columns().len(), self.columns, "a batch made for these columns");
        out.clear();
        let mut slots: Vec<Option<&str>> = vec![None; self.columns];
        // Validated as a whole where possible: that is far faster than line by line.
        let text = std::str::from_utf8(chunk).ok();
        let (mut at, mut line) = (0, 0);
        while at < chunk.len() {
            let end = memchr::memchr(b'\n', &chunk[at..]).map_or(chunk.len(), |len| at + len);
            let place = RowPlace { offset: offset + at as u64, len: line_len(&chunk[at..end]), line };
            let bytes = &chunk[at..end];
            let read = match text {
                Some(text) => self.read_line(&text[at..end], &mut slots, out),
                None => match std::str::from_utf8(bytes) {
                    Ok(text) => self.read_line(text, &mut slots, out),
                    Err(error) => {
                        Err((error.valid_up_to() + 1, "these bytes are not valid UTF-8".to_owned()))
                    }
                },
            };
            match read {
                Ok(true) => out.end_row(place),
                Ok(false) => {}
                Err((column, message)) => {
                    out.drop_unfinished();
                    let column = u32::try_from(column.max(1)).unwrap_or(u32::MAX);
                    errors.push(LineError { line, offset: place.offset, column, message });
                }
            }
            line += 1;
            at = end + 1;
        }
        line
    }

    /// Pushes the texts of one line. Returns `false` for a blank line.
    fn read_line<'a>(
        &mut self,
        line: &'a str,
        slots: &mut [Option<&'a str>],
        out: &mut TextBatch,
    ) -> Result<bool, (usize, String)> {
        slots.fill(None);
        self.seen.fill(false);
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let object = Object {
            fields: &self.fields,
            slots,
            seen: &mut self.seen,
            positions: Some(&mut self.positions),
        };
        if let Err(error) = object.deserialize(&mut deserializer).and_then(|()| deserializer.end()) {
            if line.trim_ascii().is_empty() {
                return Ok(false);
            }
            return Err((error.column(), message(&error)));
        }
        for (slot, column) in slots.iter().zip(out.columns_mut()) {
            match slot {
                None | Some("null") => column.push_null(),
                Some(raw) => match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
                    None => column.push(raw.as_bytes()),
                    Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => {
                        column.push(plain.as_bytes());
                    }
                    Some(_) => {
                        let text: String = serde_json::from_str(raw).map_err(|error| {
                            let start = raw.as_ptr().addr() - line.as_ptr().addr();
                            (start + error.column(), message(&error))
                        })?;
                        column.push(text.as_bytes());
                    }
                },
            }
        }
        Ok(true)
    }
}

/// Lists the names of columns that the first lines have, nested ones as dotted paths, in order of
/// first appearance: for guesses, and for "did you mean".
#[must_use]
pub fn columns(head: &[u8]) -> Vec<String> {
    fn walk(prefix: &str, object: serde_json::Map<String, serde_json::Value>, names: &mut Vec<String>) {
        for (key, value) in object {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                serde_json::Value::Object(inner) => walk(&name, inner, names),
                _ if names.len() < COLUMNS_MAX && !names.contains(&name) => names.push(name),
                _ => {}
            }
        }
    }
    let mut names = Vec::new();
    for line in head.split(|b| *b == b'\n').take(HEAD_LINES_MAX) {
        if let Ok(object) = serde_json::from_slice(line) {
            walk("", object, &mut names);
        }
    }
    names
}

const COLUMNS_MAX: usize = 4096;
const HEAD_LINES_MAX: usize = 256;

fn find_or_add<'a>(fields: &'a mut Vec<Field>, key: &str) -> &'a mut Field {
    let at = fields.iter().position(|field| field.key == key).unwrap_or_else(|| {
        fields.push(Field { key: key.to_owned(), ..Field::default() });
        fields.len() - 1
    });
    &mut fields[at]
}

fn number(fields: &mut [Field], next: &mut usize) {
    for field in fields {
        field.number = *next;
        *next += 1;
        number(&mut field.fields, next);
    }
}

fn line_len(line: &[u8]) -> u32 {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    u32::try_from(line.len()).expect("a line of a chunk below 4 GiB")
}

/// Takes off the place that serde_json writes behind its messages: it counts lines from the start of
/// the line.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Visits one object and puts the raw values of wanted fields into slots.
struct Object<'r, 'a> {
    fields: &'r [Field],
    slots: &'r mut [Option<&'a str>],
    seen: &'r mut [bool],
    positions: Option<&'r mut Vec<Position>>,
}

impl<'a> DeserializeSeed<'a> for Object<'_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Object<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut position = 0;
        loop {
            let key = Key { fields: self.fields, positions: self.positions.as_deref_mut(), position };
            match map.next_key_seed(key)? {
                None => return Ok(()),
                Some(None) => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(Some(field)) => {
                    let raw: &RawValue = map.next_value()?;
                    self.take(&self.fields[field], raw.get())?;
                }
            }
            position += 1;
        }
    }
}

impl<'a> Object<'_, 'a> {
    fn take<E: serde::de::Error>(&mut self, field: &Field, raw: &'a str) -> Result<(), E> {
        if std::mem::replace(&mut self.seen[field.number], true) {
            return Err(E::custom(format_args!("the key `{}` comes twice", field.key)));
        }
        let is_object = raw.starts_with('{');
        if !field.columns.is_empty() {
            if is_object || raw.starts_with('[') {
                let what = if is_object { "an object" } else { "a list" };
                return Err(E::custom(format_args!(
                    "`{}` is {what}, where a text or number is needed",
                    field.key
                )));
            }
            for column in &field.columns {
                if self.slots[*column].replace(raw).is_some() {
                    return Err(E::custom(format_args!(
                        "`{}` stands both as a dotted key and as a nested field",
                        field.key
                    )));
                }
            }
        }
        if is_object && !field.fields.is_empty() {
            let inner = Object { fields: &field.fields, slots: self.slots, seen: self.seen, positions: None };
            let mut deserializer = serde_json::Deserializer::from_str(raw);
            inner.deserialize(&mut deserializer).map_err(|error| E::custom(message(&error)))?;
        }
        Ok(())
    }
}

/// Finds which wanted field a key is, without keeping the key.
struct Key<'r> {
    fields: &'r [Field],
    positions: Option<&'r mut Vec<Position>>,
    position: usize,
}

impl<'a> DeserializeSeed<'a> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Option<usize>, E> {
        let find = || self.fields.iter().position(|field| field.key == key);
        let Some(positions) = self.positions else { return Ok(find()) };
        if self.position == positions.len() && positions.len() < POSITIONS_MAX {
            positions.push(Position::default());
        }
        let Some(position) = positions.get_mut(self.position) else { return Ok(find()) };
        if !position.known || position.key != key {
            position.field = find();
            position.known = key.len() <= POSITION_KEY_BYTES_MAX;
            position.key.clear();
            position.key.push_str(if position.known { key } else { "" });
        }
        Ok(position.field)
    }
}

#[cfg(test)]
mod tests;
