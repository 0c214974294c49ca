//! From what clients write to values: texts of forms and values of JSON read the same.

use crate::rejection::{Rejection, shorten};
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use suanpan_money::Currency;

// Faults that serde carries as text, told apart by their first word when they come out again.
const INTEGER: &str = "not-integer:";
const BOOLEAN: &str = "not-boolean:";
const INVALID: &str = "invalid:";

/// Reads the body of a request: a JSON object, or a form as the server nested it, all leaves texts.
///
/// # Errors
/// [`Rejection`] that names the parameter in the writing of forms, `card[number]`.
pub fn read_request<T: DeserializeOwned>(body: Value) -> Result<T, Rejection> {
    if !body.is_object() {
        return Err(Rejection::BodyUnreadable { why: "it is not an object of parameters".to_owned() });
    }
    serde_path_to_error::deserialize(body).map_err(|error| {
        let param = param_of(error.path());
        let text = error.inner().to_string();
        if let Some(value) = text.strip_prefix(INTEGER) {
            return Rejection::IntegerInvalid { param, value: shorten(value) };
        }
        if let Some(value) = text.strip_prefix(BOOLEAN) {
            return Rejection::BooleanInvalid { param, value: shorten(value) };
        }
        if let Some(why) = text.strip_prefix(INVALID) {
            return Rejection::ParameterInvalid { param, why: why.to_owned() };
        }
        if let Some(rest) = text.strip_prefix("unknown field `") {
            let name = rest.split('`').next().unwrap_or_default();
            return Rejection::ParameterUnknown { param: with_last(&param, name) };
        }
        if let Some(rest) = text.strip_prefix("missing field `") {
            let name = rest.split('`').next().unwrap_or_default();
            return Rejection::ParameterMissing { param: with_last(&param, name) };
        }
        Rejection::ParameterInvalid { param, why: shorten(&text) }
    })
}

/// Appends a name to a path, unless the path ends with it already.
fn with_last(path: &str, name: &str) -> String {
    let name = shorten(name);
    if path.is_empty() {
        name
    } else if path == name || path.ends_with(&format!("[{name}]")) {
        path.to_owned()
    } else {
        format!("{path}[{name}]")
    }
}

fn param_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        let word = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => shorten(key),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        if text.is_empty() {
            text = word;
        } else {
            text.push_str(&format!("[{word}]"));
        }
    }
    text
}

/// Reads a whole number: `100` or `"100"`. An empty text is no number given.
///
/// # Errors
/// What serde takes for an error; [`read_request`] tells it apart.
pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => {
            number.as_i64().map(Some).ok_or_else(|| D::Error::custom(format!("{INTEGER}{number}")))
        }
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => match suanpan_money::parse_minor(text.as_bytes()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(D::Error::custom(format!("{INTEGER}{text}"))),
        },
        other => Err(D::Error::custom(format!("{INTEGER}{}", kind_of(&other)))),
    }
}

/// Reads true or false: `true` or `"true"`. An empty text is nothing given.
///
/// # Errors
/// What serde takes for an error; [`read_request`] tells it apart.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(value)),
        Value::String(text) => match text.as_str() {
            "" => Ok(None),
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(D::Error::custom(format!("{BOOLEAN}{text}"))),
        },
        other => Err(D::Error::custom(format!("{BOOLEAN}{}", kind_of(&other)))),
    }
}

/// Reads a text. JSON's null is an empty text, which means: take away what is there.
///
/// # Errors
/// What serde takes for an error; [`read_request`] tells it apart.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Some(String::new())),
        Value::String(text) => Ok(Some(text)),
        other => Err(D::Error::custom(format!("{INVALID}a text is expected, not {}", kind_of(&other)))),
    }
}

/// Reads digits that JSON clients write as numbers or as texts: card numbers, years, security codes.
///
/// # Errors
/// What serde takes for an error; [`read_request`] tells it apart.
pub fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) if number.is_u64() => Ok(Some(number.to_string())),
        _ => Err(D::Error::custom(format!("{INVALID}digits are expected"))),
    }
}

/// Reads a list of texts: an array, or what forms make of `expand[0]=…`. An empty text is an empty list.
///
/// # Errors
/// What serde takes for an error; [`read_request`] tells it apart.
pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let members: Vec<Value> = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Array(members) => members,
        Value::Object(members) => {
            let mut numbered = BTreeMap::new();
            for (key, value) in members {
                let Ok(place) = key.parse::<u32>() else {
                    return Err(D::Error::custom(format!("{INVALID}a list is expected")));
                };
                numbered.insert(place, value);
            }
            numbered.into_values().collect()
        }
        other => {
            return Err(D::Error::custom(format!("{INVALID}a list is expected, not {}", kind_of(&other))));
        }
    };
    let texts = members.into_iter().map(|member| match member {
        Value::String(text) => Ok(text),
        other => {
            Err(D::Error::custom(format!("{INVALID}a list of texts is expected, not {}", kind_of(&other))))
        }
    });
    texts.collect::<Result<_, _>>().map(Some)
}

/// What a request does to the metadata of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetadataPatch {
    /// Takes all of it away.
    Clear,
    /// Sets keys; one with an empty value is taken away.
    Set(BTreeMap<String, String>),
}

/// Reads metadata: an object of texts, numbers and booleans; an empty text clears it.
///
/// # Errors
/// What serde takes for an error; [`read_request`] tells it apart.
pub fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MetadataPatch>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Some(MetadataPatch::Clear)),
        Value::String(text) if text.is_empty() => Ok(Some(MetadataPatch::Clear)),
        Value::Object(members) => {
            let mut map = BTreeMap::new();
            for (key, value) in members {
                let text = match value {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Bool(value) => value.to_string(),
                    other => {
                        let kind = kind_of(&other);
                        return Err(D::Error::custom(format!("{INVALID}the value of a key is {kind}")));
                    }
                };
                map.insert(key, text);
            }
            Ok(Some(MetadataPatch::Set(map)))
        }
        other => Err(D::Error::custom(format!("{INVALID}an object is expected, not {}", kind_of(&other)))),
    }
}

/// Writes a currency as clients of the API expect it, in small letters, and reads it back.
pub mod currency {
    use super::*;

    /// Writes the letter code in small letters.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(lower(*currency).as_str())
    }

    /// Reads a letter code.
    ///
    /// # Errors
    /// When there is no such currency.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Currency::parse(&text).ok_or_else(|| D::Error::custom("no such currency"))
    }
}

/// Returns the letter code in small letters.
#[must_use]
pub fn lower(currency: Currency) -> String {
    currency.code().to_ascii_lowercase()
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
