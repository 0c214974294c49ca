//! From the tree to typed requests, by serde. An error knows the parameter it is about.

use super::{Fault, Node, ParameterError, shown};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use std::borrow::Cow;
use std::fmt::Display;

type Read<T> = Result<T, Box<ParameterError>>;

/// Makes a typed request of a tree. Names that the type does not have are refused if it says
/// `deny_unknown_fields`, as all requests do.
///
/// # Errors
/// The first fault found, with the parameter it is about.
pub fn from_node<T: DeserializeOwned>(node: Node<'_>) -> Result<T, Box<ParameterError>> {
    T::deserialize(node)
}

impl Error for Box<ParameterError> {
    fn custom<T: Display>(message: T) -> Self {
        let text = message.to_string();
        // How the readers of `suanpan_payments::wire` tell their faults apart.
        let marked = |mark: &str| text.strip_prefix(mark).map(shown);
        ParameterError::new(if let Some(given) = marked("not-integer:") {
            Fault::NotInteger(given)
        } else if let Some(given) = marked("not-boolean:") {
            Fault::NotBoolean(given)
        } else if let Some(reason) = marked("invalid:") {
            Fault::Invalid(reason)
        } else {
            Fault::Invalid(text)
        })
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        ParameterError::new(Fault::Invalid(format!("it must be {expected}, not {}", kind(unexpected))))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let reason = format!("{} must be one of {}", shown(variant), expected.join(", "));
        ParameterError::new(Fault::Invalid(reason))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        // The name itself is put before the path by the map.
        let near = expected.iter().map(|name| (strsim::damerau_levenshtein(field, name), *name)).min();
        let near = near.filter(|(distance, name)| distance * 3 <= name.len()).map(|(_, name)| name);
        ParameterError::new(Fault::Unknown { near })
    }

    fn missing_field(field: &'static str) -> Self {
        ParameterError::of(field, Fault::Missing)
    }

    fn duplicate_field(field: &'static str) -> Self {
        ParameterError::of(field, Fault::Twice)
    }
}

fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number",
        Unexpected::Float(_) => "a number with decimals",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// Reads whole numbers of any width, from JSON's numbers and from the texts of forms.
macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
            let given = match &self {
                Node::Plain(text) => match text.parse::<$number>() {
                    Ok(number) => return visitor.$visit(number),
                    Err(_) => shown(text),
                },
                Node::Integer(number) => match <$number>::try_from(*number) {
                    Ok(number) => return visitor.$visit(number),
                    Err(_) => number.to_string(),
                },
                Node::Fraction(number) => number.to_string(),
                Node::Text(text) => shown(text),
                _ => return self.deserialize_any(visitor),
            };
            Err(ParameterError::new(Fault::NotInteger(given)))
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Box<ParameterError>;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self {
            Node::Null => visitor.visit_unit(),
            Node::Boolean(value) => visitor.visit_bool(value),
            Node::Integer(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => visitor.visit_i64(value),
                (_, Ok(value)) => visitor.visit_u64(value),
                _ => Err(ParameterError::new(Fault::NotInteger(value.to_string()))),
            },
            Node::Fraction(value) => visitor.visit_f64(value),
            Node::Text(Cow::Borrowed(text)) | Node::Plain(Cow::Borrowed(text)) => {
                visitor.visit_borrowed_str(text)
            }
            Node::Text(Cow::Owned(text)) | Node::Plain(Cow::Owned(text)) => visitor.visit_string(text),
            Node::List(elements) => visitor.visit_seq(Elements { rest: elements.into_iter(), at: 0 }),
            Node::Map(entries) => visitor.visit_map(Entries { rest: entries.into_iter(), value: None }),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        let given = match &self {
            Node::Plain(text) if text == "true" => return visitor.visit_bool(true),
            Node::Plain(text) if text == "false" => return visitor.visit_bool(false),
            Node::Plain(text) | Node::Text(text) => shown(text),
            Node::Integer(number) => number.to_string(),
            _ => return self.deserialize_any(visitor),
        };
        Err(ParameterError::new(Fault::NotBoolean(given)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self {
            Node::Null => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self {
            // `items[0][price]`: a list when that is what is wanted.
            Node::Map(entries) => visitor.visit_seq(Elements { rest: numbered(entries)?.into_iter(), at: 0 }),
            // `items=`: how a form says that a list is empty.
            Node::Plain(text) if text.is_empty() => {
                visitor.visit_seq(Elements { rest: Vec::new().into_iter(), at: 0 })
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self {
            // `metadata=`: how a form says that a map is empty.
            Node::Plain(text) if text.is_empty() => {
                visitor.visit_map(Entries { rest: Vec::new().into_iter(), value: None })
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        match self {
            Node::Text(text) | Node::Plain(text) => visitor.visit_enum(Variant { name: text, value: None }),
            Node::Map(entries) if entries.len() == 1 => match entries.into_iter().next() {
                Some((name, value)) => visitor.visit_enum(Variant { name, value: Some(value) }),
                None => Err(Error::custom("it must not be empty")),
            },
            other => other.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Box<ParameterError>> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Puts the values of `0`, `1`, … in order.
fn numbered<'a>(entries: Vec<(Cow<'a, str>, Node<'a>)>) -> Read<Vec<Node<'a>>> {
    let mut elements = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        match name.parse::<u32>() {
            Ok(place) => elements.push((place, value)),
            Err(_) => return Err(ParameterError::of(&name, Fault::Malformed)),
        }
    }
    elements.sort_by_key(|(place, _)| *place);
    Ok(elements.into_iter().map(|(_, value)| value).collect())
}

struct Elements<'a> {
    rest: std::vec::IntoIter<Node<'a>>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Box<ParameterError>;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        let Some(element) = self.rest.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(element).map(Some).map_err(|error| error.under(&at.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'a> {
    rest: std::vec::IntoIter<(Cow<'a, str>, Node<'a>)>,
    value: Option<(Cow<'a, str>, Node<'a>)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Box<ParameterError>;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        let read: Read<K::Value> = seed.deserialize(StrDeserializer::new(&name));
        match read {
            Ok(key) => {
                self.value = Some((name, value));
                Ok(Some(key))
            }
            Err(error) => Err(error.under(&shown(&name))),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Read<V::Value> {
        let Some((name, value)) = self.value.take() else {
            return Err(Error::custom("a value without its name"));
        };
        seed.deserialize(value).map_err(|error| error.under(&name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Variant<'a> {
    name: Cow<'a, str>,
    value: Option<Node<'a>>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Box<ParameterError>;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Read<(V::Value, Content<'de>)> {
        let read: Read<V::Value> = seed.deserialize(StrDeserializer::new(&self.name));
        Ok((read?, Content { name: self.name, value: self.value }))
    }
}

struct Content<'a> {
    name: Cow<'a, str>,
    value: Option<Node<'a>>,
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = Box<ParameterError>;

    fn unit_variant(self) -> Read<()> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(ParameterError::of(&self.name, Fault::Unknown { near: None })),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Read<T::Value> {
        let Some(value) = self.value else { return Err(ParameterError::of(&self.name, Fault::Missing)) };
        seed.deserialize(value).map_err(|error| error.under(&self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        let Some(value) = self.value else { return Err(ParameterError::of(&self.name, Fault::Missing)) };
        value.deserialize_seq(visitor).map_err(|error| error.under(&self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Read<V::Value> {
        let Some(value) = self.value else { return Err(ParameterError::of(&self.name, Fault::Missing)) };
        value.deserialize_any(visitor).map_err(|error| error.under(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{form, json};
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        amount: i64,
        #[serde(default)]
        confirm: bool,
        #[serde(default)]
        metadata: BTreeMap<String, String>,
        #[serde(default)]
        items: Vec<Item>,
        capture_method: Option<Capture>,
        description: Option<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        price: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Capture {
        Automatic,
        Manual,
    }

    fn from_form(text: &str) -> Read<Order> {
        from_node(form::parse(text.as_bytes()).unwrap())
    }

    fn from_json(text: &str) -> Read<Order> {
        from_node(json::parse(text.as_bytes(), 99).unwrap())
    }

    #[test]
    fn forms_and_json_give_the_same_request() {
        let form = "amount=100&confirm=true&metadata[order]=7&items[1][price]=6&items[0][price]=5&capture_method=manual";
        let json = r#"{"amount":100,"confirm":true,"metadata":{"order":"7"},"items":[{"price":5},{"price":6}],
            "capture_method":"manual","description":null}"#;
        let order = from_form(form).unwrap();
        assert_eq!(order, from_json(json).unwrap());
        assert_eq!(order.items, [Item { price: 5 }, Item { price: 6 }]);
        assert_eq!(order.capture_method, Some(Capture::Manual));
        assert_eq!(from_form("amount=-1&metadata=&items=").unwrap().amount, -1);
    }

    #[test]
    fn faults_of_forms_name_the_parameter() {
        for (form, expected) in [
            ("", "parameter_missing: Missing required param: amount."),
            ("amount=1x", "parameter_invalid_integer: Invalid integer: 1x"),
            ("amount=1.5", "parameter_invalid_integer: Invalid integer: 1.5"),
            ("amount=9223372036854775808", "parameter_invalid_integer: Invalid integer: 9223372036854775808"),
            ("amount=", "parameter_invalid_integer: Invalid integer: "),
            ("amount[a]=1", "parameter_invalid: Invalid amount: it must be i64, not an object"),
            ("amount=1&confirm=yes", "parameter_invalid_boolean: Invalid boolean: yes"),
            ("amount=1&foo=1", "parameter_unknown: Received unknown parameter: foo"),
            ("amout=1", "parameter_unknown: Received unknown parameter: amout. Did you mean amount?"),
            (
                "amount=1&items[0][prize]=2",
                "parameter_unknown: Received unknown parameter: items[0][prize]. Did you mean price?",
            ),
            ("amount=1&items[0][price]=x", "parameter_invalid_integer: Invalid integer: x"),
            (
                "amount=1&items[a][price]=1",
                "parameter_malformed: The name of a parameter cannot be read: items[a]",
            ),
            (
                "amount=1&metadata[a][b]=2",
                "parameter_invalid: Invalid metadata[a]: it must be a string, not an object",
            ),
            ("amount=1&metadata=2", "parameter_invalid: Invalid metadata: it must be a map, not a string"),
            (
                "amount=1&capture_method=x",
                "parameter_invalid: Invalid capture_method: x must be one of automatic, manual",
            ),
        ] {
            let error = from_form(form).unwrap_err();
            assert_eq!(format!("{}: {error}", error.code()), expected, "{form}");
        }
        let error = from_form("amount=1&items[0][price]=x").unwrap_err();
        assert_eq!(error.parameter().as_deref(), Some("items[0][price]"));
        assert_eq!(error.pointer(), "/items/0/price");
    }

    #[test]
    fn faults_of_json_name_the_parameter() {
        for (json, expected) in [
            (r#"{"amount":"1"}"#, "parameter_invalid_integer: Invalid integer: 1"),
            (r#"{"amount":1.5}"#, "parameter_invalid_integer: Invalid integer: 1.5"),
            (r#"{"amount":null}"#, "parameter_invalid: Invalid amount: it must be i64, not null"),
            (
                r#"{"amount":1,"metadata":{"a":5}}"#,
                "parameter_invalid: Invalid metadata[a]: it must be a string, not a number",
            ),
            (r#"{"amount":1,"items":{"0":{"price":-1}}}"#, "parameter_invalid_integer: Invalid integer: -1"),
            (r#"{"amount":1,"confirm":"true"}"#, "parameter_invalid_boolean: Invalid boolean: true"),
        ] {
            let error = from_json(json).unwrap_err();
            assert_eq!(format!("{}: {error}", error.code()), expected, "{json}");
        }
    }
}
