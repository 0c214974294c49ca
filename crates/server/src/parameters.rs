//! Parameters as a tree, whatever way they came: a form with brackets, a query or JSON.
//!
//! Values of forms are texts; they become numbers and booleans where the typed request wants them (see
//! [`typed`]). Everything is borrowed from the body where it can be.

pub mod form;
pub mod json;
pub mod typed;

use std::borrow::Cow;
use std::fmt;

/// One value with all that is below it.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// JSON's null.
    Null,
    /// JSON's true or false.
    Boolean(bool),
    /// A whole number of JSON.
    Integer(i128),
    /// A number of JSON that is not whole, or not within 64 bits. No parameter takes one.
    Fraction(f64),
    /// A text of JSON.
    Text(Cow<'a, str>),
    /// A text of a form, which may stand for a number or a boolean.
    Plain(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// Names with values, in the order in which they came. Names are unique.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Returns a map without names.
    #[must_use]
    pub fn empty() -> Node<'a> {
        Node::Map(Vec::new())
    }

    /// Takes a name with its value out of a map.
    pub fn take(&mut self, name: &str) -> Option<Node<'a>> {
        let Node::Map(entries) = self else { return None };
        let at = entries.iter().position(|(key, _)| key == name)?;
        Some(entries.remove(at).1)
    }

    /// Tells whether this is a map without names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Node::Map(entries) if entries.is_empty())
    }
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no parameter of this name.
    Unknown {
        /// The nearest name that there is.
        near: Option<&'static str>,
    },
    /// It must be given.
    Missing,
    /// It was given twice.
    Twice,
    /// It must be a whole number; holds what was given.
    NotInteger(String),
    /// It must be `true` or `false`; holds what was given.
    NotBoolean(String),
    /// It has the wrong shape or a value that is not allowed; holds the reason.
    Invalid(String),
    /// Its name cannot be read, such as `a[b`.
    Malformed,
    /// The body as a whole is not JSON; holds the reason with its place.
    NotJson(String),
    /// A text holds the character U+0000, which no store keeps.
    Zero,
    /// A size or count is beyond its limit; holds which.
    TooMuch(String),
}

/// A fault and the parameter it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterError {
    /// Names from the outermost inwards; empty when it is about the body.
    pub path: Vec<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl ParameterError {
    /// Returns an error about the body as a whole, or one whose path is told by who calls.
    #[must_use]
    pub fn new(fault: Fault) -> Box<ParameterError> {
        Box::new(ParameterError { path: Vec::new(), fault })
    }

    /// Returns an error about one parameter of the outermost level.
    #[must_use]
    pub fn of(name: &str, fault: Fault) -> Box<ParameterError> {
        Box::new(ParameterError { path: vec![name.to_owned()], fault })
    }

    /// Puts a name before the path.
    #[must_use]
    pub(crate) fn under(mut self: Box<Self>, name: &str) -> Box<ParameterError> {
        self.path.insert(0, name.to_owned());
        self
    }

    /// Returns the name as in a form: `metadata[order]`. None when it is about the body.
    #[must_use]
    pub fn parameter(&self) -> Option<String> {
        let (first, rest) = self.path.split_first()?;
        Some(rest.iter().fold(first.clone(), |name, part| format!("{name}[{part}]")))
    }

    /// Returns the JSON pointer of the parameter (RFC 6901): `/metadata/order`.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
    }

    /// Returns the stable code of the fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::Unknown { .. } => "parameter_unknown",
            Fault::Missing => "parameter_missing",
            Fault::Twice => "parameter_given_twice",
            Fault::NotInteger(_) => "parameter_invalid_integer",
            Fault::NotBoolean(_) => "parameter_invalid_boolean",
            Fault::Invalid(_) => "parameter_invalid",
            Fault::Malformed => "parameter_malformed",
            Fault::NotJson(_) => "body_unreadable",
            Fault::Zero => "parameter_invalid_text",
            Fault::TooMuch(_) => "parameters_too_many",
        }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.parameter().unwrap_or_else(|| "the body".to_owned());
        match &self.fault {
            Fault::Unknown { near: Some(near) } => {
                write!(f, "Received unknown parameter: {name}. Did you mean {near}?")
            }
            Fault::Unknown { near: None } => write!(f, "Received unknown parameter: {name}"),
            Fault::Missing => write!(f, "Missing required param: {name}."),
            Fault::Twice => write!(f, "Received parameter twice: {name}"),
            Fault::NotInteger(given) => write!(f, "Invalid integer: {given}"),
            Fault::NotBoolean(given) => write!(f, "Invalid boolean: {given}"),
            Fault::Invalid(reason) => write!(f, "Invalid {name}: {reason}"),
            Fault::Malformed => write!(f, "The name of a parameter cannot be read: {name}"),
            Fault::NotJson(reason) => write!(f, "The body is not JSON: {reason}"),
            Fault::Zero => write!(f, "Invalid {name}: a text holds the character U+0000"),
            Fault::TooMuch(limit) => write!(f, "Too much in {name}: {limit}"),
        }
    }
}

impl std::error::Error for Box<ParameterError> {}

/// What was given, shortened, for messages.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
