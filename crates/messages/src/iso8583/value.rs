//! A field where it stands: its place, its bytes, its characters.

use super::coding::{FROM_EBCDIC, character_of, from_hexadecimal, unpack};
use super::{Content, FieldSpec};
use std::borrow::Cow;

/// A field of a message that is read in place.
#[derive(Clone, Copy)]
pub struct Value<'b> {
    spec: &'b FieldSpec,
    at: usize,
    len: usize,
    raw: &'b [u8],
}

impl std::fmt::Debug for Value<'_> {
    /// Shows the number and the length: fields hold card numbers, tracks and PIN blocks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({}, {} characters)", self.spec.number, self.len)
    }
}

impl<'b> Value<'b> {
    pub(super) const fn new(spec: &'b FieldSpec, at: usize, len: usize, raw: &'b [u8]) -> Value<'b> {
        Value { spec, at, len, raw }
    }

    /// Returns what the dialect says of it.
    #[must_use]
    pub const fn spec(&self) -> &'b FieldSpec {
        self.spec
    }

    /// Returns where its content begins, behind its length.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Returns its content as it stands in the message, without its length.
    #[must_use]
    pub const fn raw(&self) -> &'b [u8] {
        self.raw
    }

    /// Returns how many characters, digits or bytes it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Says whether it has no content.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns its characters. Texts and bytes are not copied.
    #[must_use]
    pub fn characters(&self) -> Cow<'b, [u8]> {
        match self.spec.content {
            Content::Text | Content::Binary => Cow::Borrowed(self.raw),
            _ => {
                let mut characters = Vec::with_capacity(self.len + 1);
                self.append_to(&mut characters);
                Cow::Owned(characters)
            }
        }
    }

    /// Appends its characters, and returns the half byte that fills up an odd number of packed digits.
    #[inline]
    pub(super) fn append_to(&self, characters: &mut Vec<u8>) -> u8 {
        match self.spec.content {
            Content::Text | Content::Binary => characters.extend_from_slice(self.raw),
            Content::Ebcdic => {
                characters.extend(self.raw.iter().map(|byte| FROM_EBCDIC[usize::from(*byte)]));
            }
            Content::Hexadecimal => characters
                .extend(self.raw.chunks_exact(2).filter_map(|pair| from_hexadecimal(pair[0], pair[1]))),
            Content::Digits => {
                unpack(self.raw, characters);
                if self.len % 2 == 1 {
                    return characters.pop().unwrap_or_default() & 15;
                }
            }
            Content::DigitsRight => return unpack_right(self.raw, self.len, characters),
            Content::SignedDigits => {
                if let Some((sign, digits)) = self.raw.split_first() {
                    characters.push(*sign);
                    return unpack_right(digits, self.len - 1, characters);
                }
            }
        }
        0
    }
}

/// Appends so many digits that stand on the right, and returns what fills them up.
fn unpack_right(raw: &[u8], len: usize, characters: &mut Vec<u8>) -> u8 {
    match raw.split_first() {
        Some((first, rest)) if len % 2 == 1 => {
            characters.push(character_of(first & 15));
            unpack(rest, characters);
            first >> 4
        }
        _ => {
            unpack(raw, characters);
            0
        }
    }
}
