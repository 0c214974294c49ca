//! The values of a message, flat: each with the path of its element. No message of the traces has two of one path.

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_xml_entity};
use quick_xml::events::{BytesRef, BytesStart, Event};
use std::fmt;

/// Bytes of a message; they have some two thousand.
pub(super) const BYTES_MAX: usize = 32 * 1024;
/// Elements within elements; traces have four.
const DEPTH_MAX: usize = 8;
/// Elements of a message; traces have fifty.
const ELEMENTS_MAX: usize = 300;
/// Bytes of a value.
const VALUE_MAX: usize = 4_096;
/// The element that holds all.
const ROOT: &str = "root";
/// What the traces have for a namespace.
const NAMESPACE: &str = "namespace_string";

/// Why a text is none of these messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not well-formed, or cut off.
    #[error("it is not well-formed XML, near byte {0}")]
    Broken(u64),
    /// What these messages do not have: a document type, an instruction, a comment, an attribute, text between elements,
    /// an entity of its own.
    #[error("it has {0}, which no such message has")]
    Foreign(&'static str),
    /// More than anybody sends.
    #[error("it has more than {0}")]
    Large(&'static str),
    /// Two values of one path.
    #[error("it says something twice")]
    Twice,
    /// A character that cannot stand in XML.
    #[error("a value has a character that XML does not have")]
    Character,
}

/// The values of a message by the paths of their elements, such as `TrxInf/TrxId`, in the order of the text. Those that are
/// empty are left out. It does not show its values, because some are secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(path, _)| path)).finish()
    }
}

impl Fields {
    /// Adds a value; paths that begin alike must follow one another.
    pub fn push(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.push((path.into(), text.into()));
    }

    /// Returns the value at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == path).map(|(_, text)| text.as_str())
    }

    /// Returns the values below an element, with their paths from there.
    pub(super) fn below(&self, element: &str) -> Fields {
        let rest = |path: &String| Some(path.strip_prefix(element)?.strip_prefix('/')?.to_owned());
        Fields(self.0.iter().filter_map(|(path, text)| Some((rest(path)?, text.clone()))).collect())
    }

    /// Adds values below an element.
    pub(super) fn push_below(&mut self, element: &str, fields: &Fields) {
        let all = fields.0.iter().map(|(path, text)| (format!("{element}/{path}"), text.clone()));
        self.0.extend(all);
    }

    /// Writes the element `root` with all values.
    pub(super) fn write(&self) -> Result<String, XmlError> {
        let mut text = format!("<{ROOT} xmlns=\"{NAMESPACE}\">");
        let mut open: Vec<&str> = Vec::new();
        for (path, value) in &self.0 {
            if !value.chars().all(crate::iso20022::is_xml) {
                return Err(XmlError::Character);
            }
            let mut names: Vec<&str> = path.split('/').collect();
            let leaf = names.pop().unwrap_or_default();
            let common = open.iter().zip(&names).take_while(|(open, name)| open == name).count();
            close(&mut text, &mut open, common);
            for name in &names[common..] {
                text.push_str(&format!("<{name}>"));
                open.push(name);
            }
            text.push_str(&format!("<{leaf}>{}</{leaf}>", escape(value.as_str())));
        }
        close(&mut text, &mut open, 0);
        text.push_str(&format!("</{ROOT}>"));
        Ok(text)
    }

    /// Reads the element `root`, to the end of the text.
    pub(super) fn read(text: &str) -> Result<Fields, XmlError> {
        if text.len() > BYTES_MAX {
            return Err(XmlError::Large("32 KiB"));
        }
        let mut reader = Reader::from_str(text);
        let mut found = Found::default();
        loop {
            let broken = |reader: &Reader<&[u8]>| XmlError::Broken(reader.buffer_position());
            match reader.read_event().map_err(|_| broken(&reader))? {
                Event::Start(tag) => found.begin(&tag)?,
                Event::Empty(tag) => {
                    found.begin(&tag)?;
                    found.end()?;
                }
                Event::End(_) => found.end()?,
                Event::Text(text) => found.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let character = character(&reference).ok_or(XmlError::Foreign("an entity of its own"))?;
                    found.text(character.encode_utf8(&mut [0; 4]))?;
                }
                Event::Eof if found.ended && found.names.is_empty() => return Ok(Fields(found.values)),
                Event::Eof => return Err(broken(&reader)),
                Event::DocType(_) => return Err(XmlError::Foreign("a document type")),
                Event::CData(_) => return Err(XmlError::Foreign("a section of characters")),
                Event::Comment(_) => return Err(XmlError::Foreign("a comment")),
                Event::PI(_) | Event::Decl(_) => return Err(XmlError::Foreign("an instruction")),
            }
        }
    }
}

fn close(text: &mut String, open: &mut Vec<&str>, depth: usize) {
    while open.len() > depth {
        if let Some(name) = open.pop() {
            text.push_str(&format!("</{name}>"));
        }
    }
}

/// One of the five entities that XML itself has, or a character by its number.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character).filter(|it| crate::iso20022::is_xml(*it)),
        Ok(None) => resolve_xml_entity(reference).and_then(|text| text.chars().next()),
        Err(_) => None,
    }
}

/// What was read so far.
#[derive(Default)]
struct Found {
    names: Vec<String>,
    /// The text of the innermost element, as far as it has any.
    text: String,
    /// Whether the innermost element has elements in it.
    parent: bool,
    values: Vec<(String, String)>,
    elements: usize,
    ended: bool,
}

impl Found {
    fn begin(&mut self, tag: &BytesStart<'_>) -> Result<(), XmlError> {
        let name = tag.name().0.to_owned();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.elements += 1;
        if self.elements > ELEMENTS_MAX || self.names.len() >= DEPTH_MAX {
            return Err(XmlError::Large("300 elements, or eight within one another"));
        }
        let root = self.names.is_empty();
        if self.ended || !plain || root != (name == ROOT) {
            return Err(XmlError::Foreign("another element than root, or a strange name"));
        }
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| XmlError::Foreign("a broken attribute"))?;
            if !root || attribute.key.0 != "xmlns" || *attribute.value != *NAMESPACE {
                return Err(XmlError::Foreign("an attribute"));
            }
        }
        if !self.text.trim().is_empty() {
            return Err(XmlError::Foreign("text between elements"));
        }
        self.text.clear();
        self.parent = false;
        self.names.push(name);
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlError> {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if self.parent && !text.is_empty() {
            return Err(XmlError::Foreign("text between elements"));
        }
        if !self.parent && !text.is_empty() {
            // Below root.
            let path = self.names[1..].join("/");
            if self.values.iter().any(|(other, _)| *other == path) {
                return Err(XmlError::Twice);
            }
            self.values.push((path, text.to_owned()));
        }
        self.names.pop();
        self.parent = true;
        self.ended = self.names.is_empty();
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        if self.names.is_empty() && !text.trim().is_empty() {
            return Err(XmlError::Foreign("text outside of root"));
        }
        self.text.push_str(text);
        if self.text.len() > VALUE_MAX { Err(XmlError::Large("4,096 bytes in a value")) } else { Ok(()) }
    }
}
