//! A message as a pull of elements, with the place and the path of each.

use super::limits;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use std::collections::HashMap;
use std::fmt;

/// Where something stands in a text, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The byte within the line.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Something in a message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {path} {message}{}", quoted(.found))]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// The element, by the names on the way to it: `Document/FIToFICstmrCdtTrf/GrpHdr/CreDtTm`.
    pub path: String,
    /// What is wrong: `is not a date`.
    pub message: String,
    /// What stands there, cut off after 200 characters; may be empty.
    pub found: String,
}

fn quoted(found: &str) -> String {
    if found.is_empty() { String::new() } else { format!(": `{}`", found.escape_debug()) }
}

/// An element that was passed over, because what we write does not have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its names on the way from the document.
    pub path: String,
    /// Where it stands first.
    pub place: Place,
    /// How many there are.
    pub count: u64,
}

/// The bytes of a transaction, from its first `<` to its last `>`, and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub place: Place,
    /// Its first byte in the text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// Why reading does not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// A value is not what it should be; what follows can be read.
    Value(Box<Fault>),
    /// Nothing after this can be read.
    Broken(Box<Fault>),
}

/// An element that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag<'a> {
    /// Its local name.
    pub(crate) name: &'a str,
    /// Its prefix; empty where it has none.
    pub(crate) prefix: &'a str,
    /// The text of its attributes.
    pub(crate) attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Returns the value of an attribute by its whole name. References in it are not resolved.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes.trim_start();
        while let Some((key, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, more) = after.get(1..)?.split_once(quote)?;
            if key.trim() == name {
                return Some(value.trim());
            }
            rest = more.trim_start();
        }
        None
    }
}

/// How far lines are counted.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    /// Up to this byte.
    at: usize,
    /// Lines before it.
    line: u64,
    /// The byte that begins its line.
    begin: usize,
}

/// Pulls the elements of a text. Whoever is given an element reads it to its end.
pub(crate) struct Source<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    path: Vec<&'a str>,
    /// The last element was empty: its end is still to be given.
    empty: bool,
    /// Where the last tag began.
    start: usize,
    /// How far lines are counted.
    counted: Counted,
    /// The same at the beginning of the last part that is read by itself: its faults are not before it.
    base: Counted,
    elements: u64,
    /// Whether the current element is in a transaction.
    inside: bool,
    unknown: HashMap<String, (Place, u64)>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) transactions: Vec<Span>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        Source {
            reader,
            text,
            path: Vec::new(),
            empty: false,
            start: 0,
            counted: Counted::default(),
            base: Counted::default(),
            elements: 0,
            inside: false,
            unknown: HashMap::new(),
            faults: Vec::new(),
            transactions: Vec::new(),
        }
    }

    /// Returns the next element within the current one, or `None` at the end of the current one. At the end
    /// of the text nothing is current any more, and `None` is returned for ever.
    pub(crate) fn child(&mut self) -> Result<Option<Tag<'a>>, Halt> {
        if std::mem::take(&mut self.empty) {
            self.path.pop();
            return Ok(None);
        }
        loop {
            self.start = self.position();
            match self.event()? {
                Event::Start(tag) => return self.opened(tag.name().0.len(), false).map(Some),
                Event::Empty(tag) => return self.opened(tag.name().0.len(), true).map(Some),
                Event::End(_) => {
                    self.path.pop();
                    return Ok(None);
                }
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// Returns the text of the current element to its end. Elements in it are passed over.
    pub(crate) fn content(&mut self) -> Result<String, Halt> {
        let mut content = String::new();
        if std::mem::take(&mut self.empty) {
            self.path.pop();
            return Ok(content);
        }
        loop {
            let start = self.position();
            match self.event()? {
                Event::Text(text) => content.push_str(&text.xml10_content()),
                Event::CData(text) => content.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref() {
                        Ok(Some(character)) => Some(character).filter(|c| is_xml(*c)),
                        Ok(None) => resolve_xml_entity(&reference).and_then(|text| text.chars().next()),
                        Err(_) => None,
                    };
                    match character {
                        Some(character) => content.push(character),
                        None => return Err(self.broken(start, "refers to an entity that XML does not have")),
                    }
                }
                Event::Start(tag) => {
                    self.start = start;
                    self.opened(tag.name().0.len(), false)?;
                    self.pass_over()?;
                }
                Event::Empty(tag) => {
                    self.start = start;
                    self.opened(tag.name().0.len(), true)?;
                    self.pass_over()?;
                }
                Event::End(_) | Event::Eof => break,
                _ => {}
            }
        }
        self.path.pop();
        let trimmed = content.trim_ascii();
        Ok(if trimmed.len() == content.len() { content } else { trimmed.to_owned() })
    }

    /// Notes that the current element is not known, and goes to its end.
    pub(crate) fn pass_over(&mut self) -> Result<(), Halt> {
        self.note();
        self.leave(self.path.len())
    }

    /// Notes the current element by its name, once for each path.
    fn note(&mut self) {
        let path = self.path();
        if let Some((_, count)) = self.unknown.get_mut(&path) {
            *count += 1;
        } else if self.unknown.len() < limits::UNKNOWN_MAX {
            let place = self.place();
            self.unknown.insert(path, (place, 1));
        }
    }

    /// Returns the elements that were passed over so far, in the order of the text, and forgets them.
    pub(crate) fn take_unknown(&mut self) -> Vec<Unknown> {
        let all = std::mem::take(&mut self.unknown).into_iter();
        let mut all: Vec<_> = all.map(|(path, (place, count))| Unknown { path, place, count }).collect();
        all.sort_by_key(|unknown| unknown.place);
        all
    }

    /// Goes on until the element at this depth of the path has ended.
    fn leave(&mut self, depth: usize) -> Result<(), Halt> {
        while self.path.len() >= depth && depth > 0 {
            if self.child()?.is_none() && self.path.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Reads a transaction, which is the current element. One that cannot be read is noted as a fault, and
    /// does not lose the others.
    pub(crate) fn transaction<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Halt>,
    ) -> Result<Option<T>, Halt> {
        let (start, place) = (self.start, self.place());
        self.inside = true;
        let value = self.recover(read);
        self.inside = false;
        let value = value?;
        if value.is_some() {
            if self.transactions.len() >= limits::TRANSACTIONS_MAX {
                let message = format!("more than {} transactions in one file", limits::TRANSACTIONS_MAX);
                return Err(self.broken(start, &message));
            }
            let end = self.position();
            self.transactions.push(Span { place, start, end });
        }
        Ok(value)
    }

    /// Reads another part, which is the current element. Within a transaction a fault is the transaction's;
    /// around them it loses only that part.
    pub(crate) fn part<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Halt>,
    ) -> Result<Option<T>, Halt> {
        if self.inside { read(self).map(Some) } else { self.recover(read) }
    }

    fn recover<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Halt>) -> Result<Option<T>, Halt> {
        let (depth, start) = (self.path.len(), self.start);
        self.place();
        self.base = self.counted;
        match read(self) {
            Ok(value) => Ok(Some(value)),
            Err(Halt::Value(fault)) => {
                self.faults.push(*fault);
                if self.faults.len() >= limits::FAULTS_MAX {
                    let message = format!("more than {} values cannot be read", limits::FAULTS_MAX);
                    return Err(self.broken(start, &message));
                }
                self.leave(depth).map(|()| None)
            }
            Err(broken) => Err(broken),
        }
    }

    /// Returns where the current element began.
    pub(crate) fn place(&mut self) -> Place {
        self.place_of(self.start)
    }

    /// Returns the names on the way to the current element.
    pub(crate) fn path(&self) -> String {
        self.path.join("/")
    }

    /// Reads the text of the current element as a value.
    pub(crate) fn value<T>(
        &mut self,
        tag: Tag<'_>,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, Halt> {
        let start = self.start;
        let text = self.content()?;
        parse(&text).map_err(|message| self.fault(start, tag, message, &text))
    }

    /// Says whether the current element, which has just begun, begins with text and not with an element.
    pub(crate) fn begins_with_text(&self) -> bool {
        let rest = self.text.get(self.position()..).unwrap_or_default().trim_ascii_start();
        !self.empty && !rest.starts_with('<')
    }

    /// Returns the first byte of the tag that was given last.
    pub(crate) fn tag_start(&self) -> usize {
        self.start
    }

    /// Makes a fault of an element that has ended and began at this byte.
    pub(crate) fn fault(&mut self, start: usize, tag: Tag<'_>, message: &str, found: &str) -> Halt {
        let place = self.place_of(start);
        let path = format!("{}/{}", self.path(), tag.name);
        let found = found.chars().take(200).collect();
        Halt::Value(Box::new(Fault { place, path, message: message.to_owned(), found }))
    }

    /// Says whether the text has ended.
    pub(crate) fn is_at_end(&self) -> bool {
        self.path.is_empty() && self.text.get(self.position()..).is_none_or(|rest| rest.trim().is_empty())
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    /// Counts lines from the last place before this, so that all places together take one pass.
    fn place_of(&mut self, at: usize) -> Place {
        let behind = at < self.counted.at;
        let from = match (behind, self.base.at <= at) {
            (false, _) => self.counted,
            (true, true) => self.base,
            (true, false) => Counted::default(),
        };
        let mut found = Counted { at, ..from };
        for (offset, byte) in self.text.as_bytes().iter().enumerate().take(at).skip(from.at) {
            if *byte == b'\n' {
                found.line += 1;
                found.begin = offset + 1;
            }
        }
        if !behind {
            self.counted = found;
        }
        Place { line: found.line + 1, column: (at - found.begin) as u64 + 1 }
    }

    fn opened(&mut self, name_len: usize, empty: bool) -> Result<Tag<'a>, Halt> {
        // Names and attributes are taken from the text itself, which outlives the event.
        let text = self.text;
        let tag = text.get(self.start..self.position()).unwrap_or_default();
        let tag = tag.strip_prefix('<').unwrap_or(tag);
        let (whole, attributes) = tag.split_at_checked(name_len).unwrap_or((tag, ""));
        let attributes = attributes.trim_end_matches(['>', '/']);
        let (prefix, name) = whole.split_once(':').unwrap_or(("", whole));
        self.path.push(name);
        self.empty = empty;
        self.elements += 1;
        if self.path.len() > limits::DEPTH_MAX {
            let message = format!("nests deeper than {} elements", limits::DEPTH_MAX);
            return Err(self.broken(self.start, &message));
        }
        if self.elements > limits::ELEMENTS_MAX {
            let message = format!("is one of more than {} elements", limits::ELEMENTS_MAX);
            return Err(self.broken(self.start, &message));
        }
        Ok(Tag { name, prefix, attributes })
    }

    fn event(&mut self) -> Result<Event<'a>, Halt> {
        let at = self.position();
        match self.reader.read_event() {
            Ok(Event::DocType(_)) => Err(self.broken(at, "a document type is not accepted in a message")),
            Ok(Event::Eof) if !self.path.is_empty() => {
                Err(self.broken(at, "is not ended: the text was cut off"))
            }
            Ok(event) => Ok(event),
            Err(error) => {
                let at = usize::try_from(self.reader.error_position()).unwrap_or(at).min(self.text.len());
                Err(self.broken(at, &format!("is not well-formed XML: {error}")))
            }
        }
    }

    /// Makes the fault that ends all reading.
    pub(crate) fn broken(&mut self, at: usize, message: &str) -> Halt {
        let place = self.place_of(at);
        let path = if self.path.is_empty() { "the text".to_owned() } else { self.path() };
        Halt::Broken(Box::new(Fault { place, path, message: message.to_owned(), found: String::new() }))
    }

    /// Makes the fault that ends all reading, at the current element.
    pub(crate) fn broken_here(&mut self, message: &str) -> Halt {
        self.broken(self.start, message)
    }
}

/// Says whether a character may stand in a document (XML 1.0, section 2.2).
pub(crate) fn is_xml(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}
