//! JSON bodies.

use super::{Fault, Node, ParameterError, shown};
use crate::limits::{DEPTH_MAX, NAME_BYTES_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// Reads a JSON object of at most `values_max` values. An empty body counts as one without names.
///
/// # Errors
/// What is not JSON or no object, names given twice, texts with U+0000, and what is beyond a limit.
pub fn parse(bytes: &[u8], values_max: usize) -> Result<Node<'_>, Box<ParameterError>> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Node::empty());
    }
    let state = State { left: Cell::new(values_max), fault: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Value { state: &state, depth: 0 }.deserialize(&mut reader);
    let read = read.and_then(|node| reader.end().map(|()| node));
    match (read, state.fault.take()) {
        (Ok(node @ Node::Map(_)), None) => Ok(node),
        (Ok(_), None) => Err(ParameterError::new(Fault::Invalid("it must be a JSON object".to_owned()))),
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(ParameterError::new(Fault::NotJson(error.to_string()))),
    }
}

struct State {
    /// Values that may still come.
    left: Cell<usize>,
    /// What was wrong, when it was not the syntax.
    fault: Cell<Option<Box<ParameterError>>>,
}

impl State {
    fn fail<E: Error>(&self, error: Box<ParameterError>) -> E {
        self.fault.set(Some(error));
        E::custom("refused")
    }

    fn text<'a, E: Error>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, E> {
        if text.contains('\0') { Err(self.fail(ParameterError::new(Fault::Zero))) } else { Ok(text) }
    }

    /// Puts a name before the path of a fault below it.
    fn under(&self, name: &str) {
        if let Some(error) = self.fault.take() {
            self.fault.set(Some(error.under(name)));
        }
    }
}

#[derive(Clone, Copy)]
struct Value<'s> {
    state: &'s State,
    depth: usize,
}

impl Value<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            let limit = format!("parameters may stand {DEPTH_MAX} levels deep");
            return Err(self.state.fail(ParameterError::new(Fault::TooMuch(limit))));
        }
        Ok(Value { state: self.state, depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        let Some(left) = self.state.left.get().checked_sub(1) else {
            let limit = "there are more values than are taken".to_owned();
            return Err(self.state.fail(ParameterError::new(Fault::TooMuch(limit))));
        };
        self.state.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Fraction(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(self.state.text(Cow::Owned(text.to_owned()))?))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(self.state.text(Cow::Borrowed(text))?))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let below = self.deeper()?;
        let mut elements = Vec::new();
        loop {
            match access.next_element_seed(below) {
                Ok(Some(element)) => elements.push(element),
                Ok(None) => return Ok(Node::List(elements)),
                Err(error) => {
                    self.state.under(&elements.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let below = self.deeper()?;
        let mut entries: Vec<(Cow<'de, str>, Node<'de>)> = Vec::new();
        while let Some(name) = access.next_key_seed(Name(self.state))? {
            if entries.iter().any(|(key, _)| *key == name) {
                return Err(self.state.fail(ParameterError::of(&shown(&name), Fault::Twice)));
            }
            // A search among the siblings is linear, so that their number is bounded too.
            if entries.len() >= crate::limits::PARAMETERS_MAX {
                let limit = "there are more names in one object than are taken".to_owned();
                return Err(self.state.fail(ParameterError::new(Fault::TooMuch(limit))));
            }
            match access.next_value_seed(below) {
                Ok(value) => entries.push((name, value)),
                Err(error) => {
                    self.state.under(&name);
                    return Err(error);
                }
            }
        }
        Ok(Node::Map(entries))
    }
}

struct Name<'s>(&'s State);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Name<'_> {
    fn checked<'a, E: Error>(self, name: Cow<'a, str>) -> Result<Cow<'a, str>, E> {
        if name.len() > NAME_BYTES_MAX {
            return Err(self.0.fail(ParameterError::of(&shown(&name), Fault::Malformed)));
        }
        self.0.text(name)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Cow<'de, str>, E> {
        self.checked(Cow::Owned(name.to_owned()))
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        self.checked(Cow::Borrowed(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let error = parse(json.as_bytes(), 20).unwrap_err();
        format!("{} {}", error.code(), error.parameter().unwrap_or_default())
    }

    #[test]
    fn objects_are_read() {
        assert_eq!(parse(b" \n", 9), Ok(Node::empty()));
        let node = parse(br#"{"a":1,"b":[true,null,"x","\n"],"c":1.5}"#, 9).unwrap();
        let list = vec![Node::Boolean(true), Node::Null, Node::Text("x".into()), Node::Text("\n".into())];
        let entries = [("a", Node::Integer(1)), ("b", Node::List(list)), ("c", Node::Fraction(1.5))];
        assert_eq!(node, Node::Map(entries.map(|(name, value)| (name.into(), value)).into()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert_eq!(refused("[1]"), "parameter_invalid ");
        assert_eq!(refused("{"), "body_unreadable ");
        assert_eq!(refused("{} x"), "body_unreadable ");
        assert_eq!(refused("\u{feff}{}"), "body_unreadable ");
        assert_eq!(refused(r#"{"a":1e400}"#), "body_unreadable ");
        assert_eq!(refused(r#"{"a":{"b":1,"b":2}}"#), "parameter_given_twice a[b]");
        assert_eq!(refused(r#"{"a":{"b":["x","\u0000"]}}"#), "parameter_invalid_text a[b][1]");
        assert_eq!(refused(r#"{"a\u0000":1}"#), "parameter_invalid_text ");
        let deep = format!("{{\"a\":{}}}", "[".repeat(5_000));
        assert_eq!(refused(&deep), "parameters_too_many a[0][0][0][0][0][0][0][0][0]");
        assert_eq!(refused(&format!("{{\"a\":[{}1]}}", "1,".repeat(20))), "parameters_too_many a[18]");
    }
}
