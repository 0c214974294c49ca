//! XML as a stream of small trees: the parts of a large document, one after the other, in constant memory.

mod name;
mod plain;
mod tree;
mod window;

pub(crate) use name::{Name, name, way};
pub(crate) use tree::{Element, Tree};

use crate::event::ReadError;
use crate::head::{Head, TextEncoding};
use crate::limits::HEAD_BYTES;
use crate::record::Place;
use crate::transcoded::Transcoded;
use memchr::memmem::Finder;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufRead, BufReader, Read};
use tree::{NONE, attribute};
use window::{TOKEN_BYTES_MAX, TokenTooLarge, WINDOW_BYTES_MAX, Window};

/// The deepest nesting of elements. Messages of ISO 20022 have some 15.
const DEPTH_MAX: usize = 64;
/// The largest tree: an entry with 50,000 short details takes some 40 MiB.
const TREE_BYTES_MAX: usize = 64 << 20;

/// Reads an XML document.
pub(crate) struct Xml<R> {
    reader: Reader<Window<R>>,
    buffer: Vec<u8>,
    depth: usize,
    /// An empty element was given as a start, and its end is still to come.
    empty: bool,
    tag: Tag,
    place: Place,
    alike: Option<Alike>,
}

/// The tag that began an element.
#[derive(Debug, Default)]
struct Tag {
    /// With its prefix.
    full_name: String,
    /// Where the name begins behind the prefix.
    local: usize,
    attributes: String,
}

impl Tag {
    fn take(&mut self, start: &BytesStart<'_>) {
        self.full_name.clear();
        self.full_name.push_str(start.name().as_ref());
        self.local = self.full_name.len() - start.local_name().as_ref().len();
        self.attributes.clear();
        self.attributes.push_str(start.attributes_raw());
    }

    fn name(&self) -> &str {
        &self.full_name[self.local..]
    }

    fn begin(&mut self, tree: &mut Tree, parent: u32, place: Place) -> u32 {
        tree.open(parent, self.name(), &self.attributes, place)
    }
}

/// How elements like the last tree begin and end.
struct Alike {
    begin: Vec<u8>,
    end: Finder<'static>,
}

impl Alike {
    fn of(full_name: &str) -> Alike {
        let end = format!("</{full_name}>");
        Alike { begin: format!("<{full_name}>").into_bytes(), end: Finder::new(end.as_bytes()).into_owned() }
    }
}

/// What comes next in a document. Text between elements is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// An element begins; its local name is in [`Xml::name`].
    Start,
    /// The element that began last ends.
    End,
    /// The document ends.
    Eof,
}

impl<R: Read> Xml<R> {
    /// Starts at the beginning of a document in UTF-8.
    pub(crate) fn new(body: R) -> Self {
        let mut reader = Reader::from_reader(Window::new(body));
        reader.config_mut().trim_text(false);
        reader.config_mut().check_end_names = true;
        Xml {
            reader,
            buffer: Vec::new(),
            depth: 0,
            empty: false,
            tag: Tag::default(),
            place: Place::line(1),
            alike: None,
        }
    }

    /// Returns the local name of the element that began last.
    pub(crate) fn name(&self) -> &str {
        self.tag.name()
    }

    /// Returns where the last token began.
    pub(crate) const fn place(&self) -> Place {
        self.place
    }

    /// Reads on to the next token.
    ///
    /// # Errors
    /// When the document is not well-formed, has a document type, or nests too deeply.
    pub(crate) fn next(&mut self) -> Result<Token, ReadError> {
        if std::mem::take(&mut self.empty) {
            self.depth -= 1;
            return Ok(Token::End);
        }
        loop {
            self.buffer.clear();
            self.place = self.reader.get_ref().place();
            let place = self.place;
            self.reader.get_mut().begin_token();
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(start)) => {
                    self.tag.take(&start);
                    self.depth += 1;
                    return deep(self.depth, place).map(|()| Token::Start);
                }
                Ok(Event::Empty(start)) => {
                    self.tag.take(&start);
                    self.depth += 1;
                    self.empty = true;
                    return deep(self.depth, place).map(|()| Token::Start);
                }
                Ok(Event::End(_)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Token::End);
                }
                Ok(Event::Eof) if self.depth > 0 => {
                    return Err(ReadError::broken(place, "the file ends within an element: it was cut off"));
                }
                Ok(Event::Eof) => return Ok(Token::Eof),
                Ok(Event::DocType(_)) => {
                    return Err(ReadError::broken(place, "a document type is not accepted in a statement"));
                }
                Ok(_) => {}
                Err(error) => return Err(self.broken(error, place)),
            }
        }
    }

    /// Reads one more element like the one of the last tree, where it comes next and is plain. Returns
    /// `false` otherwise: [`Xml::next`] goes on from there.
    ///
    /// # Errors
    /// When bytes cannot be had.
    pub(crate) fn again(&mut self, tree: &mut Tree) -> Result<bool, ReadError> {
        let Some(alike) = self.alike.as_ref().filter(|_| !self.empty) else { return Ok(false) };
        let window = self.reader.get_mut();
        window.begin_token();
        window.pass_blanks()?;
        let mut searched = 0;
        let len = loop {
            let bytes = window.held();
            let begins = bytes.iter().zip(&alike.begin).all(|(byte, expected)| byte == expected);
            if !begins {
                return Ok(false);
            }
            match alike.end.find(&bytes[searched..]) {
                Some(at) => break searched + at + alike.end.needle().len(),
                None => searched = bytes.len().saturating_sub(alike.end.needle().len()),
            }
            if bytes.len() >= WINDOW_BYTES_MAX || !window.more()? {
                return Ok(false);
            }
        };
        let Ok(text) = std::str::from_utf8(&window.held()[..len]) else { return Ok(false) };
        if !plain::read(text, DEPTH_MAX - self.depth, tree) {
            return Ok(false);
        }
        tree.place = window.place();
        self.place = tree.place;
        window.consume(len);
        Ok(true)
    }

    /// Reads the element that has just begun, to its end, into a tree.
    ///
    /// # Errors
    /// As [`Xml::next`], and when it is too large.
    pub(crate) fn tree(&mut self, tree: &mut Tree) -> Result<(), ReadError> {
        tree.clear();
        // What comes this way may be large, and is not what the next plain element will be like.
        tree.last = Vec::new();
        let at = self.place;
        let empty = std::mem::take(&mut self.empty);
        let end = if empty { "/>" } else { ">" };
        let begun = format!("<{}{}{end}", self.tag.full_name, self.tag.attributes);
        self.reader.get_mut().keep_raw(begun.into_bytes());
        self.alike = Some(Alike::of(&self.tag.full_name));
        let mut current = self.tag.begin(tree, NONE, self.place);
        if empty {
            self.depth -= 1;
            current = tree.close(current);
        }
        while current != NONE {
            self.buffer.clear();
            let place = self.reader.get_ref().place();
            self.reader.get_mut().begin_token();
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(start)) => {
                    self.tag.take(&start);
                    self.depth += 1;
                    deep(self.depth, place)?;
                    current = self.tag.begin(tree, current, place);
                }
                Ok(Event::Empty(start)) => {
                    self.tag.take(&start);
                    let node = self.tag.begin(tree, current, place);
                    tree.close(node);
                }
                Ok(Event::End(_)) => {
                    self.depth -= 1;
                    current = tree.close(current);
                }
                Ok(Event::Text(text)) => tree.add_text(current, &text.xml10_content()),
                Ok(Event::CData(text)) => tree.add_text(current, &text.xml10_content()),
                Ok(Event::GeneralRef(reference)) => {
                    let character = match reference.resolve_char_ref() {
                        Ok(Some(character)) => Some(character),
                        Ok(None) => resolve_xml_entity(&reference).and_then(|text| text.chars().next()),
                        Err(_) => None,
                    };
                    let Some(character) = character else {
                        return Err(ReadError::broken(place, "refers to an entity that XML does not have"));
                    };
                    tree.add_text(current, character.encode_utf8(&mut [0; 4]));
                }
                Ok(Event::Eof) => {
                    let path = tree.path(current);
                    return Err(ReadError::broken(
                        place,
                        format!("the file ends within {path}: it was cut off"),
                    ));
                }
                Ok(Event::DocType(_)) => {
                    return Err(ReadError::broken(place, "a document type is not accepted in a statement"));
                }
                Ok(_) => {}
                Err(error) => return Err(self.broken(error, place)),
            }
            if tree.bytes() > TREE_BYTES_MAX {
                let what = "the size of one element with all that is in it, in bytes";
                return Err(ReadError::Limit { place: at, what, max: TREE_BYTES_MAX as u64 });
            }
        }
        // All of it has been read as UTF-8; only where it is cut off may a character be in pieces.
        let raw = self.reader.get_mut().take_raw();
        tree.raw.push_str(raw.utf8_chunks().next().map_or("", |chunk| chunk.valid()));
        Ok(())
    }

    /// What ended reading, in the token that began at `begun`.
    fn broken(&self, error: quick_xml::Error, begun: Place) -> ReadError {
        let place = self.reader.get_ref().place();
        match error {
            quick_xml::Error::Io(error)
                if error.get_ref().is_some_and(|inner| inner.is::<TokenTooLarge>()) =>
            {
                let what = "the size of one text, tag or comment, in bytes";
                ReadError::Limit { place: begun, what, max: TOKEN_BYTES_MAX as u64 }
            }
            quick_xml::Error::Io(error) => {
                ReadError::Io(std::io::Error::new(error.kind(), error.to_string()))
            }
            other => ReadError::broken(place, format!("is not well-formed XML: {other}")),
        }
    }
}

fn deep(depth: usize, place: Place) -> Result<(), ReadError> {
    if depth > DEPTH_MAX {
        return Err(ReadError::Limit { place, what: "the nesting of elements", max: DEPTH_MAX as u64 });
    }
    Ok(())
}

/// Says whether a file begins as XML.
pub(crate) fn begins_as_xml(head: &Head) -> bool {
    head.text.trim_start().starts_with('<')
}

/// Finds the first tag that begins an element of this local name, with whatever prefix.
pub(crate) fn element_at(head: &Head, element: &str) -> Option<usize> {
    let begins = |text: &str| text.starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '/'));
    let mut all = head.text.match_indices(element).map(|(at, _)| at);
    all.find(|at| {
        let before = head.text[..*at].rsplit(['<', ' ', '\n']).next().unwrap_or_default();
        begins(&head.text[at + element.len()..]) && (before.is_empty() || before.ends_with(':'))
    })
}

/// Tells by which element a file is of a message.
pub(crate) fn evidence(head: &Head, at: usize, element: &str, message: &str) -> String {
    let line = head.text[..at].matches('\n').count() + 1;
    format!("line {line} begins the element {element} of {message}")
}

/// Says that an element is not there, as far as was looked.
pub(crate) fn lacks(head: &Head, element: &str) -> String {
    match head.whole {
        true => format!("has no element {element}"),
        false => format!("has no element {element} in its first {HEAD_BYTES} bytes"),
    }
}

/// Opens the body of an XML file as UTF-8, whatever its encoding is: by its byte order mark, else by its
/// declaration; a file that is not the UTF-8 that it claims to be is read as Windows 1252.
pub(crate) fn utf8_body<'a>(head: &Head, body: Box<dyn BufRead + 'a>) -> Box<dyn BufRead + 'a> {
    let declared = head
        .bytes
        .iter()
        .position(|byte| *byte == b'>')
        .and_then(|end| std::str::from_utf8(&head.bytes[..end]).ok())
        .and_then(|declaration| {
            attribute(declaration.split_once("<?xml")?.1.trim_end_matches('?'), "encoding")
        })
        .and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    let told = head.encoding;
    let encoding = match (told, declared) {
        (TextEncoding::Utf16Le | TextEncoding::Utf16Be, _) | (_, None) => told.library(),
        (TextEncoding::Utf8, Some(declared)) if declared == encoding_rs::UTF_8 => declared,
        (_, Some(declared)) if declared == encoding_rs::UTF_8 => told.library(),
        (_, Some(declared)) => declared,
    };
    if encoding == encoding_rs::UTF_8 {
        return body;
    }
    Box::new(BufReader::with_capacity(64 << 10, Transcoded::new(body, encoding)))
}

#[cfg(test)]
mod tests;
