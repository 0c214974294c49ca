//! Elements without comments, sections, instructions and text between their children: nearly all that a
//! bank sends. They are read from memory in one pass, where the general way costs a call for each token.
//!
//! What this does not understand it leaves to the general way, which also says what is wrong with it; both
//! give the same tree.

use super::name::{KEY_BYTES, key, mark};
use super::tree::{NONE, Node, Part, Tree, position};
use crate::limits::RAW_BYTES_MAX;
use std::ops::Range;

/// Reads a whole element. Returns `false`, with the tree in no useful state, where it is not plain or not
/// well-formed, or nests deeper than `depth_max`.
pub(super) fn read(text: &str, depth_max: usize, tree: &mut Tree) -> bool {
    std::mem::swap(&mut tree.nodes, &mut tree.last);
    tree.clear();
    tree.text.push_str(text);
    tree.raw_len = text.len().min(RAW_BYTES_MAX);
    while !text.is_char_boundary(tree.raw_len) {
        tree.raw_len -= 1;
    }
    let last = std::mem::take(&mut tree.last);
    let mut scan = Scan { text, bytes: text.as_bytes(), at: 0, tree, last };
    let done = scan.element(depth_max).is_some();
    scan.tree.last = scan.last;
    done
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tree: &'a mut Tree,
    /// The nodes of the element before.
    last: Vec<Node>,
}

/// What a byte may be.
const NAME: u8 = 1;
const BLANK: u8 = 2;
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':') || b >= 0x80 {
            classes[byte] = NAME;
        } else if matches!(b, b' ' | b'\t' | b'\n' | b'\r') {
            classes[byte] = BLANK;
        }
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

impl Scan<'_> {
    /// Reads from the first tag to the one that ends it.
    fn element(&mut self, depth_max: usize) -> Option<()> {
        let mut depth = 0;
        let mut current = NONE;
        loop {
            // At the `<` of a tag.
            if self.byte(1)? == b'/' {
                current = self.end_tag(current)?;
                depth -= 1;
                if current == NONE {
                    return (self.at == self.bytes.len()).then_some(());
                }
            } else {
                let (node, empty) = self.start_tag(current)?;
                if depth == depth_max {
                    return None;
                }
                if empty {
                    self.tree.nodes[node as usize].end = node + 1;
                    if current == NONE {
                        return None;
                    }
                } else {
                    current = node;
                    depth += 1;
                    let text = self.text_run()?;
                    if self.byte(1)? == b'/' {
                        self.tree.nodes[node as usize].content = self.content(text)?;
                    } else if !self.is_blank(text) {
                        return None;
                    }
                    continue;
                }
            }
            let between = self.text_run()?;
            if !self.is_blank(between) {
                return None;
            }
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Passes over `</name>` of the current element and returns the one around it.
    fn end_tag(&mut self, current: u32) -> Option<u32> {
        let nodes = position(self.tree.nodes.len());
        let node = self.tree.nodes.get_mut(current as usize)?;
        let name = node.offset as usize + 1..node.name.1 as usize;
        let len = name.len();
        let written = self.bytes.get(self.at + 2..)?;
        // The key of a short name without a prefix is all of it.
        let same = if len <= KEY_BYTES && node.name.0 == node.offset + 1 {
            key(written, len) == node.key
        } else {
            written.starts_with(&self.bytes[name])
        };
        if !same || written.get(len) != Some(&b'>') {
            return None;
        }
        self.at += 2 + len + 1;
        node.end = nodes;
        Some(node.parent)
    }

    /// Finds where the local name that begins at a place, maybe with a prefix, begins and ends, and its key.
    fn name(&self, start: usize) -> Option<(usize, usize, u128)> {
        let written = self.bytes.get(start..)?;
        // Elements of a file are much alike: the same node had most likely the same name in the last one.
        if let Some(last) = self.last.get(self.tree.nodes.len()) {
            let len = (last.name.1 - last.name.0) as usize;
            let ends = written.get(len).is_some_and(|byte| class(*byte) & NAME == 0);
            if len <= KEY_BYTES && ends && key(written, len) == last.key {
                return Some((start, start + len, last.key));
            }
        }
        let len = written.iter().position(|byte| class(*byte) & NAME == 0)?;
        let prefix = memchr::memrchr(b':', &written[..len]).map_or(0, |at| at + 1);
        let local = start + prefix;
        let end = start + len;
        (local < end).then(|| (local, end, key(&self.bytes[local..], end - local)))
    }

    /// Reads a tag that begins an element, and says whether it also ends it.
    fn start_tag(&mut self, parent: u32) -> Option<(u32, bool)> {
        let offset = self.at;
        let (local, end, key) = self.name(offset + 1)?;
        let mut attributes = (end, end);
        let mut at = end;
        if self.bytes[end] != b'>' && self.bytes[end] != b'/' {
            at = self.attributes(end)?;
            attributes.1 = at;
        }
        let empty = self.bytes[at] == b'/';
        at += usize::from(empty);
        if self.bytes.get(at) != Some(&b'>') {
            return None;
        }
        self.at = at + 1;
        if let Some(parent) = self.tree.nodes.get_mut(parent as usize) {
            parent.marks |= mark(key);
        }
        self.tree.nodes.push(Node {
            key,
            name: (position(local), position(end)),
            attributes: (position(attributes.0), position(attributes.1)),
            content: (0, 0),
            offset: position(offset),
            parent,
            end: NONE,
            marks: 0,
        });
        Some((position(self.tree.nodes.len() - 1), empty))
    }

    /// Passes over attributes and returns where the tag ends: at `>` or `/`.
    fn attributes(&self, from: usize) -> Option<usize> {
        if class(self.bytes[from]) & BLANK == 0 {
            return None;
        }
        let mut at = from;
        loop {
            match self.bytes.get(at)? {
                b'>' => return Some(at),
                b'/' => return (self.bytes.get(at + 1) == Some(&b'>')).then_some(at),
                quote @ (b'"' | b'\'') => {
                    let value = &self.bytes[at + 1..];
                    let len = value.iter().position(|byte| byte == quote || *byte == b'<')?;
                    if value[len] == b'<' {
                        return None;
                    }
                    at += len + 2;
                }
                b'<' => return None,
                _ => at += 1,
            }
        }
    }

    /// Passes over text, to the next tag. Texts are too short for a search by vectors to be worth its call.
    fn text_run(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.at += self.bytes.get(start..)?.iter().position(|byte| *byte == b'<')?;
        Some(start..self.at)
    }

    fn is_blank(&self, text: Range<usize>) -> bool {
        self.bytes[text].iter().all(|byte| class(*byte) & BLANK != 0)
    }

    /// Takes a text as the content of an element.
    fn content(&mut self, text: Range<usize>) -> Option<Part> {
        // Entities, and line ends that may have to become others.
        let coded = self.bytes[text.clone()].iter().any(|byte| matches!(byte, b'&' | b'\r'));
        if !coded || self.is_blank(text.clone()) {
            return Some((position(text.start), position(text.end)));
        }
        let text = &self.text[text];
        let ends = if text.contains('\r') {
            text.replace("\r\n", "\n").replace('\r', "\n")
        } else {
            text.to_owned()
        };
        let decoded = quick_xml::escape::unescape(&ends).ok()?;
        Some(self.tree.keep(&decoded))
    }
}
