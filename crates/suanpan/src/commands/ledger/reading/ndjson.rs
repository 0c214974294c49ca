//! Lines of NDJSON.

use super::{Fields, LINE_BYTES_MAX, NAMES, in_row, wrong};
use crate::error::Trouble;
use serde_json::{Map, Value};
use std::io::{BufRead, Read};
use std::path::Path;

/// Lines of a file.
pub(super) struct Rows {
    input: Box<dyn BufRead>,
    line: u64,
    text: Vec<u8>,
}

impl Rows {
    pub(super) fn new(input: Box<dyn BufRead>) -> Rows {
        Rows { input, line: 0, text: Vec::new() }
    }

    /// Returns the next object with its line, and the postings that it lists.
    pub(super) fn next(&mut self, file: &str) -> Result<Option<(u64, Fields, Vec<Fields>)>, Trouble> {
        loop {
            self.text.clear();
            self.line += 1;
            let read = self.input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut self.text);
            let read = read.map_err(|error| Trouble::io("read", Path::new(file), error))?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LINE_BYTES_MAX && self.text.last() != Some(&b'\n') {
                let what = format!("the line is longer than {} MiB", LINE_BYTES_MAX >> 20);
                return Err(in_row(file, self.line, wrong("line", what, "write an object a line")));
            }
            if !self.text.trim_ascii().is_empty() {
                break;
            }
        }
        let row = self.line;
        let object: Map<String, Value> = serde_json::from_slice(&self.text).map_err(|error| {
            Trouble::new("entry", format!("the line is no JSON object: {error}"))
                .at(format!("{file}:{row}:{}", error.column()))
                .next("write an object a line")
        })?;
        let (mut fields, mut postings) = (Fields::default(), Vec::new());
        for (name, value) in object {
            if name == "postings" {
                postings = list(file, row, value)?;
            } else {
                put(file, row, &mut fields, &name, value)?;
            }
        }
        if fields.id.is_none() && fields.reference.is_none() {
            let next = "every line is an entry; further postings stand in its list postings";
            return Err(in_row(file, row, wrong("id", "there is neither id nor reference", next)));
        }
        if !postings.is_empty()
            && (fields.debit.is_some() || fields.credit.is_some() || fields.amount.is_some())
        {
            let what = "the entry has both a list of postings and one of its own";
            return Err(in_row(file, row, wrong("postings", what, "write all of them into the list")));
        }
        Ok(Some((row, fields, postings)))
    }
}

fn list(file: &str, row: u64, value: Value) -> Result<Vec<Fields>, Trouble> {
    let no_list = || {
        in_row(file, row, wrong("postings", "postings are no list of objects", "write [{\"debit\": …}, …]"))
    };
    let Value::Array(values) = value else { return Err(no_list()) };
    let mut postings = Vec::with_capacity(values.len());
    for value in values {
        let Value::Object(members) = value else { return Err(no_list()) };
        let mut fields = Fields::default();
        for (name, value) in members {
            if !matches!(name.as_str(), "debit" | "credit" | "amount" | "currency") {
                let what = format!("no field of a posting is called `{name}`");
                return Err(in_row(
                    file,
                    row,
                    wrong("postings", what, "they are debit, credit, amount, currency"),
                ));
            }
            put(file, row, &mut fields, &name, value)?;
        }
        postings.push(fields);
    }
    Ok(postings)
}

fn put(file: &str, row: u64, fields: &mut Fields, name: &str, value: Value) -> Result<(), Trouble> {
    let Some(place) = fields.place(name) else {
        let next = format!("fields are {}", NAMES.join(", "));
        let what = format!("no field of an entry is called `{name}`");
        return Err(Trouble::new("unknown_field", what).at(format!("{file}:{row}:{name}")).next(next));
    };
    *place = match value {
        Value::Null => None,
        Value::Bool(is) => Some(is.to_string()),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text),
        // Programs read numbers with a point as floats, and lose cents: amounts are texts.
        Value::Number(number) if name != "amount" && (number.is_u64() || number.is_i64()) => {
            Some(number.to_string())
        }
        _ => {
            let what = format!("the value of {name} is no text");
            return Err(Trouble::new("entry", what)
                .at(format!("{file}:{row}:{name}"))
                .next("write it in quotes; amounts as \"12.30\""));
        }
    };
    Ok(())
}
