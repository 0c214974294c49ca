//! XML as a stream of small trees: the parts of a large document, one after the other, in constant memory.

use crate::event::ReadError;
use crate::head::{Head, TextEncoding};
use crate::limits::RAW_BYTES_MAX;
use crate::record::Place;
use crate::transcoded::Transcoded;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{BufRead, BufReader, Read};

/// The deepest nesting of elements. Messages of ISO 20022 have some 15.
const DEPTH_MAX: usize = 64;
/// The largest tree: an entry with 50,000 short details takes some 40 MiB.
const TREE_BYTES_MAX: usize = 64 << 20;

/// The largest single text, tag, comment or instruction.
const TOKEN_BYTES_MAX: usize = 1 << 20;

/// Reads an XML document.
pub(crate) struct Xml<R> {
    reader: Reader<Counted<R>>,
    buffer: Vec<u8>,
    depth: usize,
    /// An empty element was given as a start, and its end is still to come.
    empty: bool,
    name: String,
    attributes: String,
    place: Place,
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

impl<R: BufRead> Xml<R> {
    /// Starts at the beginning of a document in UTF-8.
    pub(crate) fn new(body: R) -> Self {
        let mut reader =
            Reader::from_reader(Counted { inner: body, line: 1, column: 1, raw: None, token_bytes: 0 });
        reader.config_mut().trim_text(false);
        reader.config_mut().check_end_names = true;
        Xml {
            reader,
            buffer: Vec::new(),
            depth: 0,
            empty: false,
            name: String::new(),
            attributes: String::new(),
            place: Place::line(1),
        }
    }

    /// Returns the local name of the element that began last.
    pub(crate) fn name(&self) -> &str {
        &self.name
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
            self.reader.get_mut().token_bytes = 0;
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(start)) => {
                    take_start(&start, &mut self.name, &mut self.attributes);
                    self.depth += 1;
                    return deep(self.depth, place).map(|()| Token::Start);
                }
                Ok(Event::Empty(start)) => {
                    take_start(&start, &mut self.name, &mut self.attributes);
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

    /// Reads the element that has just begun, to its end, into a tree; and its raw text when `raw` is given.
    ///
    /// # Errors
    /// As [`Xml::next`], and when it is too large.
    pub(crate) fn tree(&mut self, tree: &mut Tree, raw: Option<&mut String>) -> Result<(), ReadError> {
        tree.clear();
        let at = self.place;
        if raw.is_some() {
            let mut begun = Vec::with_capacity(1024);
            begun.push(b'<');
            begun.extend_from_slice(self.name.as_bytes());
            begun.extend_from_slice(self.attributes.as_bytes());
            begun.push(b'>');
            self.reader.get_mut().raw = Some(begun);
        }
        let mut open = vec![tree.open(&self.name, &self.attributes, self.place)];
        if std::mem::take(&mut self.empty) {
            self.depth -= 1;
            open.clear();
        }
        while let Some(current) = open.last().copied() {
            self.buffer.clear();
            let place = self.reader.get_ref().place();
            self.reader.get_mut().token_bytes = 0;
            match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(start)) => {
                    take_start(&start, &mut self.name, &mut self.attributes);
                    self.depth += 1;
                    deep(self.depth, place)?;
                    open.push(tree.open_in(current, &self.name, &self.attributes, place));
                }
                Ok(Event::Empty(start)) => {
                    take_start(&start, &mut self.name, &mut self.attributes);
                    tree.open_in(current, &self.name, &self.attributes, place);
                }
                Ok(Event::End(_)) => {
                    self.depth -= 1;
                    open.pop();
                }
                Ok(Event::Text(text)) => tree.add_text(current, &text.xml10_content()),
                Ok(Event::CData(text)) => tree.add_text(current, &text.xml10_content()),
                Ok(Event::GeneralRef(reference)) => {
                    let character = match reference.resolve_char_ref() {
                        Ok(Some(character)) => Some(character),
                        Ok(None) => match &*reference.into_inner() {
                            "lt" => Some('<'),
                            "gt" => Some('>'),
                            "amp" => Some('&'),
                            "quot" => Some('"'),
                            "apos" => Some('\''),
                            _ => None,
                        },
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
            if tree.text.len() + tree.nodes.len() * size_of::<Node>() > TREE_BYTES_MAX {
                let what = "the size of one element with all that is in it, in bytes";
                return Err(ReadError::Limit { place: at, what, max: TREE_BYTES_MAX as u64 });
            }
        }
        if let Some(raw) = raw {
            let bytes = self.reader.get_mut().raw.take().unwrap_or_default();
            raw.clear();
            raw.push_str(&String::from_utf8_lossy(&bytes));
        }
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

fn take_start(start: &BytesStart<'_>, name: &mut String, attributes: &mut String) {
    name.clear();
    name.push_str(start.local_name().as_ref());
    attributes.clear();
    attributes.push_str(start.attributes_raw());
}

/// An element with everything in it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    text: String,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    name: (usize, usize),
    attributes: (usize, usize),
    /// Text directly in the element. Of text in pieces around children only the last is kept in one run.
    content: (usize, usize),
    parent: usize,
    first_child: usize,
    last_child: usize,
    next: usize,
    place: Place,
}

/// No node.
const NONE: usize = usize::MAX;

impl Tree {
    fn clear(&mut self) {
        self.nodes.clear();
        self.text.clear();
    }

    fn keep(&mut self, text: &str) -> (usize, usize) {
        let start = self.text.len();
        self.text.push_str(text);
        (start, self.text.len())
    }

    fn open(&mut self, name: &str, attributes: &str, place: Place) -> usize {
        let (name, attributes) = (self.keep(name), self.keep(attributes));
        let content = (self.text.len(), self.text.len());
        self.nodes.push(Node {
            name,
            attributes,
            content,
            parent: NONE,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
            place,
        });
        self.nodes.len() - 1
    }

    fn open_in(&mut self, parent: usize, name: &str, attributes: &str, place: Place) -> usize {
        let node = self.open(name, attributes, place);
        self.nodes[node].parent = parent;
        match self.nodes[parent].last_child {
            NONE => self.nodes[parent].first_child = node,
            last => self.nodes[last].next = node,
        }
        self.nodes[parent].last_child = node;
        node
    }

    fn add_text(&mut self, node: usize, text: &str) {
        // Indentation between children is nobody's text.
        if self.nodes[node].first_child != NONE && text.trim_ascii().is_empty() {
            return;
        }
        let (start, end) = self.nodes[node].content;
        if end == self.text.len() {
            self.text.push_str(text);
            self.nodes[node].content = (start, self.text.len());
        } else {
            let kept = self.keep(text);
            self.nodes[node].content = kept;
        }
    }

    /// Returns the element itself.
    pub(crate) fn root(&self) -> Element<'_> {
        Element { tree: self, node: 0 }
    }

    fn path(&self, node: usize) -> String {
        let mut names = Vec::new();
        let mut at = node;
        while at != NONE {
            let (start, end) = self.nodes[at].name;
            names.push(&self.text[start..end]);
            at = self.nodes[at].parent;
        }
        names.reverse();
        names.join("/")
    }
}

/// An element of a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'t> {
    tree: &'t Tree,
    node: usize,
}

impl<'t> Element<'t> {
    fn own(self) -> &'t Node {
        &self.tree.nodes[self.node]
    }

    /// Returns its local name.
    pub(crate) fn name(self) -> &'t str {
        let (start, end) = self.own().name;
        &self.tree.text[start..end]
    }

    /// Returns its text without blanks around it.
    pub(crate) fn text(self) -> &'t str {
        let (start, end) = self.own().content;
        self.tree.text[start..end].trim()
    }

    /// Returns where it begins.
    pub(crate) fn place(self) -> Place {
        self.own().place
    }

    /// Returns the value of an attribute, by its local name.
    pub(crate) fn attribute(self, name: &str) -> Option<&'t str> {
        let (start, end) = self.own().attributes;
        attribute(&self.tree.text[start..end], name)
    }

    /// Iterates over its children.
    pub(crate) fn children(self) -> impl Iterator<Item = Element<'t>> {
        let mut at = self.own().first_child;
        std::iter::from_fn(move || {
            let node = (at != NONE).then_some(at)?;
            at = self.tree.nodes[node].next;
            Some(Element { tree: self.tree, node })
        })
    }

    /// Iterates over its children of a name.
    pub(crate) fn all(self, name: &'static str) -> impl Iterator<Item = Element<'t>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// Finds an element by the names on the way to it; the first wherever there are several.
    pub(crate) fn find(self, path: &[&str]) -> Option<Element<'t>> {
        path.iter().try_fold(self, |element, name| element.children().find(|child| child.name() == *name))
    }

    /// Returns the text of an element by the names on the way to it; empty where it is not there.
    pub(crate) fn text_of(self, path: &[&str]) -> &'t str {
        self.find(path).map_or("", Element::text)
    }

    /// Returns the first of some texts that is there.
    pub(crate) fn first_text(self, paths: &[&[&str]]) -> &'t str {
        paths.iter().map(|path| self.text_of(path)).find(|text| !text.is_empty()).unwrap_or("")
    }
}

/// Finds an attribute in the text of a tag, by its local name.
fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = attributes.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, more) = after[1..].split_once(quote)?;
        let key = key.trim();
        if key.rsplit(':').next() == Some(name) {
            return Some(value.trim());
        }
        rest = more.trim_start();
    }
    None
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

/// Counts lines as they are consumed, and keeps what was consumed where that is asked for.
struct Counted<R> {
    inner: R,
    line: u64,
    column: u64,
    raw: Option<Vec<u8>>,
    /// What was consumed of the current token.
    token_bytes: usize,
}

/// A token goes on beyond its limit.
#[derive(Debug, thiserror::Error)]
#[error("a token of the document is too large")]
struct TokenTooLarge;

impl<R> Counted<R> {
    fn place(&self) -> Place {
        Place::line(self.line).at_column(u32::try_from(self.column).unwrap_or(u32::MAX))
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = {
            let chunk = self.fill_buf()?;
            let len = chunk.len().min(out.len());
            out[..len].copy_from_slice(&chunk[..len]);
            len
        };
        self.consume(len);
        Ok(len)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.token_bytes > TOKEN_BYTES_MAX {
            return Err(std::io::Error::other(TokenTooLarge));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed was given by `fill_buf` before, so it is there again without reading.
        if let Ok(chunk) = self.inner.fill_buf() {
            let consumed = &chunk[..amount.min(chunk.len())];
            let ends = memchr::memchr_iter(b'\n', consumed).count() as u64;
            match memchr::memrchr(b'\n', consumed) {
                Some(last) => self.column = (consumed.len() - last) as u64,
                None => self.column += consumed.len() as u64,
            }
            self.line += ends;
            if let Some(raw) = &mut self.raw {
                let room = RAW_BYTES_MAX.saturating_sub(raw.len());
                raw.extend_from_slice(&consumed[..room.min(consumed.len())]);
            }
        }
        self.token_bytes += amount;
        self.inner.consume(amount);
    }
}
