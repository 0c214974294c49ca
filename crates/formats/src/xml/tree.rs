//! One element of a document with everything in it.

use super::name::{Name, key, mark};
use super::window::advanced;
use crate::record::Place;
use std::ops::Range;

/// An element with everything in it. Its nodes are in the order of the document.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Nodes of the element before, which is most likely built alike.
    pub(super) last: Vec<Node>,
    /// What nodes point into. Of a plain element its raw text, and behind that what had to be decoded.
    pub(super) text: String,
    /// The length of the raw text at the beginning of `text`, cut off at its limit, where it is there.
    pub(super) raw_len: usize,
    /// The raw text otherwise, cut off at its limit.
    pub(super) raw: String,
    /// Where the element begins.
    pub(super) place: Place,
    /// Where each node begins, unless that follows from its offset in the raw text.
    pub(super) places: Vec<Place>,
}

/// A part of the text of a tree.
pub(super) type Part = (u32, u32);

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) key: u128,
    pub(super) name: Part,
    pub(super) attributes: Part,
    /// Text directly in the element. Of text in pieces around children only the last is kept in one run.
    pub(super) content: Part,
    /// Where the element begins in the raw text.
    pub(super) offset: u32,
    pub(super) parent: u32,
    /// The node behind all that is in this one.
    pub(super) end: u32,
    /// The marks of its children's names: most elements that are looked for are not there.
    pub(super) marks: u64,
}

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// A position in a text. Trees have a limit far below 4 GiB.
pub(super) const fn position(at: usize) -> u32 {
    debug_assert!(at < NONE as usize);
    at as u32
}

pub(super) const fn range(part: Part) -> Range<usize> {
    part.0 as usize..part.1 as usize
}

impl Tree {
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.text.clear();
        self.raw.clear();
        self.raw_len = 0;
        self.places.clear();
    }

    /// Returns what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.nodes.len() * (size_of::<Node>() + size_of::<Place>())
    }

    pub(super) fn keep(&mut self, text: &str) -> Part {
        let start = self.text.len();
        self.text.push_str(text);
        (position(start), position(self.text.len()))
    }

    /// Begins an element within another, or within [`NONE`].
    pub(super) fn open(&mut self, parent: u32, name: &str, attributes: &str, place: Place) -> u32 {
        let key = key(name.as_bytes(), name.len());
        if let Some(parent) = self.nodes.get_mut(parent as usize) {
            parent.marks |= mark(key);
        }
        let node = Node {
            key,
            name: self.keep(name),
            attributes: self.keep(attributes),
            content: (position(self.text.len()), position(self.text.len())),
            offset: 0,
            parent,
            end: NONE,
            marks: 0,
        };
        self.nodes.push(node);
        self.places.push(place);
        position(self.nodes.len() - 1)
    }

    /// Ends an element and returns the one around it.
    pub(super) fn close(&mut self, node: u32) -> u32 {
        let end = position(self.nodes.len());
        let node = &mut self.nodes[node as usize];
        node.end = end;
        node.parent
    }

    pub(super) fn add_text(&mut self, node: u32, text: &str) {
        let at = node as usize;
        // Indentation between children is nobody's text.
        if self.nodes.len() > at + 1 && text.trim_ascii().is_empty() {
            return;
        }
        let (start, end) = self.nodes[at].content;
        if end as usize == self.text.len() {
            self.text.push_str(text);
            self.nodes[at].content = (start, position(self.text.len()));
        } else {
            self.nodes[at].content = self.keep(text);
        }
    }

    /// Returns the element itself.
    pub(crate) fn root(&self) -> Element<'_> {
        Element { tree: self, node: 0 }
    }

    /// Returns the raw text of the element, cut off at its limit.
    pub(crate) fn raw(&self) -> &str {
        if self.raw_len > 0 { &self.text[..self.raw_len] } else { &self.raw }
    }

    /// Names an element by the way to it.
    pub(super) fn path(&self, node: u32) -> String {
        let mut names = Vec::new();
        let mut at = node;
        while let Some(node) = self.nodes.get(at as usize) {
            names.push(&self.text[range(node.name)]);
            at = node.parent;
        }
        names.reverse();
        names.join("/")
    }
}

/// An element of a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'t> {
    tree: &'t Tree,
    node: u32,
}

impl<'t> Element<'t> {
    fn own(self) -> &'t Node {
        &self.tree.nodes[self.node as usize]
    }

    #[inline]
    fn is(self, name: Name) -> bool {
        let own = self.own();
        let bytes = || &self.tree.text.as_bytes()[range(own.name)];
        name.is(own.key, (own.name.1 - own.name.0) as usize, |from| &bytes()[from..])
    }

    /// Returns its local name.
    pub(crate) fn name(self) -> &'t str {
        &self.tree.text[range(self.own().name)]
    }

    /// Returns its text without blanks around it.
    pub(crate) fn text(self) -> &'t str {
        let text = &self.tree.text[range(self.own().content)];
        match text.as_bytes() {
            [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
            _ => text.trim(),
        }
    }

    /// Returns where it begins.
    pub(crate) fn place(self) -> Place {
        match self.tree.places.get(self.node as usize) {
            Some(place) => *place,
            None => advanced(self.tree.place, &self.tree.text.as_bytes()[..self.own().offset as usize]),
        }
    }

    /// Returns the value of an attribute, by its local name.
    pub(crate) fn attribute(self, name: &str) -> Option<&'t str> {
        attribute(&self.tree.text[range(self.own().attributes)], name)
    }

    /// Iterates over its children.
    pub(crate) fn children(self) -> impl Iterator<Item = Element<'t>> {
        let own = self.own();
        Children { tree: self.tree, at: self.node + 1, end: own.end }
    }

    /// Iterates over its children of a name.
    pub(crate) fn all(self, name: Name) -> impl Iterator<Item = Element<'t>> {
        let own = self.own();
        // Most elements that are looked for are not there.
        let at = if name.may_be_in(own.marks) { self.node + 1 } else { own.end };
        Children { tree: self.tree, at, end: own.end }.filter(move |child| child.is(name))
    }

    /// Finds an element by the names on the way to it; the first wherever there are several.
    #[inline]
    pub(crate) fn find(self, way: &[Name]) -> Option<Element<'t>> {
        let first = way.first()?;
        if first.may_be_in(self.own().marks) { self.follow(way) } else { None }
    }

    fn follow(self, way: &[Name]) -> Option<Element<'t>> {
        way.iter().try_fold(self, |element, name| element.all(*name).next())
    }

    /// Returns the text of an element by the names on the way to it; empty where it is not there.
    #[inline]
    pub(crate) fn text_of(self, path: &[Name]) -> &'t str {
        self.find(path).map_or("", Element::text)
    }

    /// Returns the first of some texts that is there.
    #[inline]
    pub(crate) fn first_text(self, ways: &[&[Name]]) -> &'t str {
        for way in ways {
            let text = self.text_of(way);
            if !text.is_empty() {
                return text;
            }
        }
        ""
    }
}

/// The elements directly within one.
struct Children<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = Element<'t>;

    #[inline]
    fn next(&mut self) -> Option<Element<'t>> {
        let child = (self.at < self.end).then_some(Element { tree: self.tree, node: self.at })?;
        self.at = child.own().end;
        Some(child)
    }
}

/// Finds an attribute in the text of a tag, by its local name.
pub(super) fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    // As nearly all tags are written: one attribute, whose name has no prefix.
    let only = attributes.strip_prefix(' ').and_then(|rest| rest.strip_prefix(name)?.strip_prefix("=\""));
    if let Some((value, "")) = only.and_then(|rest| rest.split_once('"')) {
        return Some(value.trim());
    }
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
