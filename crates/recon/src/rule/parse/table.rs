//! A table of the text as the reader sees it: settings taken one by one, each checked for its type.

use super::SETTINGS;
use super::fault::{Added, FaultCode, Faults};
use crate::limits::{RULE_ENTRIES_MAX, RULE_TEXT_BYTES_MAX};
use crate::time::DateReader;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads the settings of one table.
pub(super) struct Reader<'f, 't, 'i> {
    table: &'t DeTable<'i>,
    path: String,
    pub(super) faults: &'f mut Faults,
}

/// A value with its place.
#[derive(Clone, Copy)]
pub(super) struct Value<'t, 'i> {
    pub(super) value: &'t DeValue<'i>,
    pub(super) at: usize,
}

impl<'f, 't, 'i> Reader<'f, 't, 'i> {
    /// Opens the table of the whole file.
    pub(super) fn top(table: &'t DeTable<'i>, known: &[&str], faults: &'f mut Faults) -> Self {
        Reader::open(table, String::new(), known, faults)
    }

    fn open(table: &'t DeTable<'i>, path: String, known: &[&str], faults: &'f mut Faults) -> Self {
        let mut reader = Reader { table, path, faults };
        for key in table.keys() {
            let name: &str = key.get_ref();
            let path = reader.path_of(name);
            reader.faults.place(&path, key.span().start);
            if !known.is_empty() && !known.contains(&name) {
                reader.unknown(name, key.span().start, known);
            }
        }
        reader
    }

    fn unknown(&mut self, name: &str, at: usize, known: &[&str]) {
        let path = self.path_of(name);
        let added =
            self.faults.add(FaultCode::UnknownSetting, &path, at, format!("unknown setting `{name}`"));
        if let Some(word) = nearest(name, known.iter().copied()) {
            return added.help(format!("did you mean `{word}`?"));
        }
        // A setting of another table was perhaps written into the wrong one.
        let mut owners = SETTINGS.iter().filter(|(_, names)| names.contains(&name));
        match (owners.next(), owners.next()) {
            (Some((table, _)), None) if !table.is_empty() => {
                let side = self.path.split('.').next().filter(|side| matches!(*side, "left" | "right"));
                let table = table.replacen("side", side.unwrap_or("left"), 1);
                added.help(format!("`{name}` belongs in `{table}`"));
            }
            _ => added.help(format!("known are {}", list_words(known))),
        }
    }

    /// Returns the path of a setting of this table.
    pub(super) fn path_of(&self, name: &str) -> String {
        match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (_, true) => self.path.clone(),
            _ => format!("{}.{name}", self.path),
        }
    }

    /// Says whether a setting is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Returns a setting as it stands.
    pub(super) fn value(&self, name: &str) -> Option<Value<'t, 'i>> {
        self.table.get(name).map(Value::of)
    }

    /// Returns all settings in the order of the text.
    pub(super) fn in_order(&self) -> Vec<(&'t str, Value<'t, 'i>)> {
        let mut all: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| (key.span().start, key.get_ref().as_ref(), Value::of(value)))
            .collect();
        all.sort_by_key(|(at, ..)| *at);
        all.into_iter().map(|(_, key, value)| (key, value)).collect()
    }

    /// Adds a fault at a setting of this table (or at the table, for the empty name).
    pub(super) fn fault(&mut self, name: &str, code: FaultCode, message: String) -> Added<'_> {
        let path = self.path_of(name);
        let at = self.place_of(name);
        self.faults.add(code, &path, at, message)
    }

    /// Where a setting stands: its value when there is one, else the table.
    fn place_of(&self, name: &str) -> usize {
        let (name, index) = match name.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (name, None),
        };
        let Some(value) = self.value(name) else { return self.faults.place_at(&self.path) };
        match (value.value.as_array(), index.and_then(|n| n.checked_sub(1))) {
            (Some(array), Some(index)) => array.get(index).map_or(value.at, |item| item.span().start),
            _ => value.at,
        }
    }

    /// Adds the fault that a setting without a default is not there.
    pub(super) fn missing(&mut self, name: &str, help: &str) {
        self.fault(name, FaultCode::MissingSetting, format!("`{name}` is missing")).help(help);
    }

    /// The same, unless the setting is there and its fault was told already.
    pub(super) fn missing_unless_there(&mut self, name: &str, help: &str) {
        if !self.has(name) {
            self.missing(name, help);
        }
    }

    fn wrong_type(&mut self, name: &str, value: Value<'_, '_>, wanted: &str) {
        let found = value.value.type_str();
        self.fault(name, FaultCode::WrongType, format!("wanted {wanted}, found {}", with_article(found)));
    }

    /// Opens a table below this one. No known settings means that any may stand there.
    pub(super) fn table<'s>(&'s mut self, name: &str, known: &[&str]) -> Option<Reader<'s, 't, 'i>> {
        let value = self.value(name)?;
        match value.value.as_table() {
            Some(table) => Some(Reader::open(table, self.path_of(name), known, self.faults)),
            None => {
                self.wrong_type(name, value, "a table");
                None
            }
        }
    }

    /// Opens the table at a place of a list.
    pub(super) fn item<'s>(
        &'s mut self,
        name: &str,
        index: usize,
        known: &[&str],
    ) -> Option<Reader<'s, 't, 'i>> {
        let item = self.value(name)?.value.as_array()?.get(index)?;
        let path = format!("{}[{}]", self.path_of(name), index + 1);
        self.faults.place(&path, item.span().start);
        match item.get_ref().as_table() {
            Some(table) => Some(Reader::open(table, path, known, self.faults)),
            None => {
                self.wrong_type(&format!("{name}[{}]", index + 1), Value::of(item), "a table");
                None
            }
        }
    }

    /// Returns the length of a list of tables, checked against a limit.
    pub(super) fn items(&mut self, name: &str, max: usize) -> Option<usize> {
        let value = self.value(name)?;
        let Some(list) = value.value.as_array() else {
            self.wrong_type(name, value, "a list of tables");
            return None;
        };
        let count = list.iter().count();
        if count > max {
            self.fault(name, FaultCode::Limit, format!("{count} entries, and the limit is {max}"));
            return None;
        }
        Some(count)
    }

    /// Reads a text of at most [`RULE_TEXT_BYTES_MAX`] bytes.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        self.text_of(name, value)
    }

    /// Reads a value as text, under the name of its setting.
    pub(super) fn text_of(&mut self, name: &str, value: Value<'_, '_>) -> Option<String> {
        let Some(text) = value.value.as_str() else {
            self.wrong_type(name, value, "text in quotes");
            return None;
        };
        if text.len() > RULE_TEXT_BYTES_MAX {
            self.fault(name, FaultCode::Limit, format!("more than {RULE_TEXT_BYTES_MAX} bytes"));
            return None;
        }
        Some(text.to_owned())
    }

    /// Reads a text that must not be empty.
    pub(super) fn nonempty(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.is_empty() {
            self.fault(name, FaultCode::BadValue, "is empty".to_owned());
            return None;
        }
        Some(text)
    }

    /// Reads a list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        let Some(list) = value.value.as_array() else {
            self.wrong_type(name, value, "a list of texts");
            return None;
        };
        let items: Vec<_> = list.iter().map(Value::of).collect();
        if items.len() > RULE_ENTRIES_MAX {
            self.fault(
                name,
                FaultCode::Limit,
                format!("{} entries, and the limit is {RULE_ENTRIES_MAX}", items.len()),
            );
            return None;
        }
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            texts.push(self.text_of(&format!("{name}[{}]", at + 1), item)?);
        }
        Some(texts)
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = self.value(name)?;
        let boolean = value.value.as_bool();
        if boolean.is_none() {
            self.wrong_type(name, value, "`true` or `false`");
        }
        boolean
    }

    /// Reads a whole number between two bounds.
    pub(super) fn integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let value = self.value(name)?;
        let Some(integer) = value.value.as_integer() else {
            self.wrong_type(name, value, "a whole number");
            return None;
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                let message = match max {
                    i64::MAX => format!("{integer} is below {min}"),
                    _ => format!("{integer} is not within {min} to {max}"),
                };
                self.fault(name, FaultCode::BadValue, message);
                None
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{text}` is not one of {}", list_words(&known));
            let added = self.fault(name, FaultCode::BadValue, message);
            if let Some(word) = nearest(&text, known.iter().copied()) {
                added.help(format!("did you mean `{word}`?"));
            }
        }
        found
    }

    /// Reads a date, as text (`"2026-11-11"`) or as a TOML date. Returns days since 1970-01-01.
    pub(super) fn date(&mut self, name: &str) -> Option<i32> {
        let value = self.value(name)?;
        let text = match value.value {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => {
                self.wrong_type(name, value, "a date such as \"2026-11-11\"");
                return None;
            }
        };
        let days = DateReader::compile("%Y-%m-%d").ok()?.read(text.as_bytes());
        match days {
            Ok(days) => Some(days),
            Err(error) => {
                self.fault(name, FaultCode::BadValue, format!("`{text}`: {error}"))
                    .help("write a date such as \"2026-11-11\"");
                None
            }
        }
    }
}

impl<'t, 'i> Value<'t, 'i> {
    fn of(spanned: &'t Spanned<DeValue<'i>>) -> Value<'t, 'i> {
        Value { value: spanned.get_ref(), at: spanned.span().start }
    }
}

/// Returns the known word nearest to a written one, if one is near enough to have been meant.
pub(in crate::rule) fn nearest<'w>(written: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let lower = written.to_lowercase();
    let near = 1 + written.chars().count() / 4;
    known
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= near && *distance < word.chars().count())
        .min()
        .map(|(_, word)| word)
}

/// Writes words as "`a`, `b` and `c`".
pub(in crate::rule) fn list_words(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn with_article(type_name: &str) -> String {
    match type_name {
        "integer" | "array" => format!("an {type_name}"),
        _ => format!("a {type_name}"),
    }
}
