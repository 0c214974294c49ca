//! Fields within fields: how a value is divided, read and written.
//!
//! A [`Layout`] is data, as a dialect is. What it reads it writes to the same characters; of BER-TLV filling
//! bytes and long lengths are lost, as `tlv` says.

use super::Shown;
use crate::tlv::{self, Object, Tag};

/// How a value is divided.
#[derive(Debug, Clone, Copy)]
pub enum Layout {
    /// Not at all.
    Whole,
    /// Into parts of fixed lengths. The value may end behind or within any of them.
    Parts(&'static [Part]),
    /// Into groups of the same parts, again and again to its end.
    Groups(&'static [Part]),
    /// Two characters that say what the rest is for.
    Usage(&'static [Part]),
    /// Two characters of usage, three digits of length, a value; again and again.
    Usages(&'static [Part]),
    /// Three characters of tag, three digits of length, a value; again and again.
    Tagged(&'static [Part]),
    /// Data objects of BER-TLV.
    Objects(&'static [Part]),
}

/// A part of a value.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its number, usage or tag.
    pub id: &'static str,
    /// What it is.
    pub name: &'static str,
    /// How many characters it has, in [`Layout::Parts`] and [`Layout::Groups`]; [`REST`] for all that are left.
    pub len: u16,
    /// How much of it people may see.
    pub shown: Shown,
    /// How it is divided in turn.
    pub layout: Layout,
}

/// The length of a part that takes all that is left.
pub const REST: u16 = u16::MAX;
/// The most parts of one value.
const PARTS_MAX: usize = 1000;

/// A part as it was read.
#[derive(Clone)]
pub struct Subfield<'v> {
    /// Its number, usage or tag.
    pub id: String,
    /// Where it begins, in characters from the begin of the value that was divided.
    pub at: usize,
    /// Its characters.
    pub value: &'v [u8],
    /// What is known of it; nothing of usages and tags that the layout does not have.
    part: Option<&'static Part>,
}

impl std::fmt::Debug for Subfield<'_> {
    /// Shows the id and the length: parts hold card numbers, names and keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subfield({}, {} bytes)", self.id, self.value.len())
    }
}

impl Subfield<'_> {
    /// Returns what it is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.part.map_or("not known", |part| part.name)
    }

    /// Returns how much of it people may see: nothing of what is not known.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.part.map_or(Shown::Hidden, |part| part.shown)
    }

    /// Returns how it is divided in turn.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.part.map_or(Layout::Whole, |part| part.layout)
    }
}

/// Why a value is not divided as its layout says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubfieldError {
    /// It ends within a usage, tag, length or value.
    #[error("the value ends at character {at}, within {part}")]
    Short {
        /// Where it ends.
        at: usize,
        /// What it ends in.
        part: &'static str,
    },
    /// A length that is no number.
    #[error("the length at character {at} is not a number")]
    Length {
        /// Where it is.
        at: usize,
    },
    /// Characters behind the last part.
    #[error("the value goes on behind its last part, from character {at}")]
    Trailing {
        /// Where they begin.
        at: usize,
    },
    /// Data objects that are none.
    #[error("the data objects: {0}")]
    Objects(#[from] tlv::TlvError),
    /// More parts than any value has.
    #[error("more than {PARTS_MAX} parts")]
    TooMany,
    /// A part that cannot be written: out of order, too long, or with an id that its layout cannot have.
    #[error("part {id}: {what}")]
    Part {
        /// Its number, usage or tag.
        id: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Layout {
    /// Divides a value.
    ///
    /// # Errors
    /// [`SubfieldError`], with the place.
    pub fn read<'v>(&self, value: &'v [u8]) -> Result<Vec<Subfield<'v>>, SubfieldError> {
        match *self {
            Layout::Whole => Ok(Vec::new()),
            Layout::Parts(parts) => {
                let (found, end) = read_parts(parts, value);
                if end < value.len() { Err(SubfieldError::Trailing { at: end }) } else { Ok(found) }
            }
            Layout::Groups(parts) => read_groups(parts, value),
            Layout::Usage(parts) => match value {
                [] => Ok(Vec::new()),
                [_] => Err(SubfieldError::Short { at: 1, part: "a usage" }),
                [first, second, rest @ ..] => Ok(vec![found(parts, text(&[*first, *second]), 2, rest)]),
            },
            Layout::Usages(parts) => read_list(parts, 2, value),
            Layout::Tagged(parts) => read_list(parts, 3, value),
            Layout::Objects(parts) => read_objects(parts, value),
        }
    }

    /// Joins parts to a value, each with its id, in order.
    ///
    /// # Errors
    /// [`SubfieldError::Part`] when a part does not fit.
    pub fn write(&self, parts: &[(&str, &[u8])]) -> Result<Vec<u8>, SubfieldError> {
        let fault = |id: &str, what| SubfieldError::Part { id: id.to_owned(), what };
        match *self {
            Layout::Whole => match parts.first() {
                Some((id, _)) => Err(fault(id, "the value is not divided")),
                None => Ok(Vec::new()),
            },
            Layout::Parts(known) => write_parts(known, parts),
            Layout::Groups(known) => write_groups(known, parts),
            Layout::Usage(_) => match parts {
                [] => Ok(Vec::new()),
                [(id, value)] => Ok([&tag_of(id, 2)?, *value].concat()),
                [_, (id, _), ..] => Err(fault(id, "there is only one usage")),
            },
            Layout::Usages(_) => write_list(2, parts),
            Layout::Tagged(_) => write_list(3, parts),
            Layout::Objects(_) => {
                let object = |(id, value): &(&str, &[u8])| {
                    let tag = u32::from_str_radix(id, 16).map_err(|_| fault(id, "is not a tag"))?;
                    Ok(Object { tag: Tag(tag), value: value.to_vec() })
                };
                let objects = parts.iter().map(object).collect::<Result<Vec<Object>, SubfieldError>>()?;
                Ok(tlv::encode(&objects))
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn found<'v>(parts: &'static [Part], id: String, at: usize, value: &'v [u8]) -> Subfield<'v> {
    let part = parts.iter().find(|part| part.id == id);
    Subfield { id, at, value, part }
}

/// Reads parts as far as the value goes, and says how far they go.
fn read_parts<'v>(parts: &'static [Part], value: &'v [u8]) -> (Vec<Subfield<'v>>, usize) {
    let mut subfields = Vec::new();
    let mut at = 0;
    for part in parts {
        let rest = value.get(at..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let len = usize::from(part.len).min(rest.len());
        subfields.push(Subfield { id: part.id.to_owned(), at, value: &rest[..len], part: Some(part) });
        at += len;
    }
    (subfields, at)
}

fn group_len(parts: &[Part]) -> usize {
    parts.iter().map(|part| usize::from(part.len)).sum()
}

/// Ids are those of the group and the part: `2.5`.
fn read_groups<'v>(parts: &'static [Part], value: &'v [u8]) -> Result<Vec<Subfield<'v>>, SubfieldError> {
    let len = group_len(parts).max(1);
    if value.len() / len * parts.len() > PARTS_MAX {
        return Err(SubfieldError::TooMany);
    }
    let mut subfields = Vec::new();
    for (group, value_of_group) in value.chunks(len).enumerate() {
        if value_of_group.len() < len {
            return Err(SubfieldError::Short { at: value.len(), part: "a group" });
        }
        let (found, _) = read_parts(parts, value_of_group);
        subfields.extend(found.into_iter().map(|subfield| Subfield {
            id: format!("{}.{}", group + 1, subfield.id),
            at: group * len + subfield.at,
            ..subfield
        }));
    }
    Ok(subfields)
}

fn read_list<'v>(
    parts: &'static [Part],
    tag_len: usize,
    value: &'v [u8],
) -> Result<Vec<Subfield<'v>>, SubfieldError> {
    let mut subfields = Vec::new();
    let mut at = 0;
    while at < value.len() {
        if subfields.len() == PARTS_MAX {
            return Err(SubfieldError::TooMany);
        }
        let short = |part| SubfieldError::Short { at: value.len(), part };
        let tag = value.get(at..at + tag_len).ok_or(short("a usage"))?;
        at += tag_len;
        let digits = value.get(at..at + 3).ok_or(short("a length"))?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(SubfieldError::Length { at });
        }
        at += 3;
        let len = digits.iter().fold(0, |len, digit| len * 10 + usize::from(digit - b'0'));
        let content = value.get(at..at + len).ok_or(short("a value"))?;
        subfields.push(found(parts, text(tag), at, content));
        at += len;
    }
    Ok(subfields)
}

fn read_objects<'v>(parts: &'static [Part], value: &'v [u8]) -> Result<Vec<Subfield<'v>>, SubfieldError> {
    let objects = tlv::decode(value)?;
    if objects.len() > PARTS_MAX {
        return Err(SubfieldError::TooMany);
    }
    let mut at = 0;
    let mut subfields = Vec::new();
    for Object { tag, value: content } in objects {
        let id = tag.to_string();
        // They were read, so they stand there: filling, tag, length, value.
        at += value.iter().skip(at).take_while(|byte| **byte == 0).count() + id.len() / 2;
        at += match value.get(at) {
            Some(first @ 0x80..) => 1 + usize::from(first & 0x7F),
            _ => 1,
        };
        let place = value.get(at..at + content.len()).unwrap_or_default();
        subfields.push(found(parts, id, at, place));
        at += content.len();
    }
    Ok(subfields)
}

fn write_parts(known: &[Part], parts: &[(&str, &[u8])]) -> Result<Vec<u8>, SubfieldError> {
    let mut value = Vec::new();
    for (at, (id, content)) in parts.iter().enumerate() {
        let fault = |what| SubfieldError::Part { id: (*id).to_owned(), what };
        let part = known.get(at).filter(|part| part.id == *id).ok_or(fault("is not the next part"))?;
        let last = at + 1 == parts.len();
        if content.is_empty() || content.len() > usize::from(part.len) {
            return Err(fault("is empty or longer than it may be"));
        }
        if content.len() < usize::from(part.len) && !last {
            return Err(fault("is shorter than it must be before others"));
        }
        value.extend_from_slice(content);
    }
    Ok(value)
}

fn write_groups(known: &[Part], parts: &[(&str, &[u8])]) -> Result<Vec<u8>, SubfieldError> {
    let mut value = Vec::new();
    for (group, group_parts) in parts.chunks(known.len().max(1)).enumerate() {
        let prefix = format!("{}.", group + 1);
        let fault = |id: &str| SubfieldError::Part { id: id.to_owned(), what: "is not of the next group" };
        let stripped = group_parts
            .iter()
            .map(|(id, content)| Ok((id.strip_prefix(&*prefix).ok_or_else(|| fault(id))?, *content)))
            .collect::<Result<Vec<(&str, &[u8])>, SubfieldError>>()?;
        let written = write_parts(known, &stripped)?;
        if written.len() < group_len(known) {
            return Err(fault(group_parts.last().map_or("", |(id, _)| id)));
        }
        value.extend(written);
    }
    Ok(value)
}

/// The bytes of a usage or tag: characters are those of ISO 8859-1, as they are read.
fn tag_of(id: &str, len: usize) -> Result<Vec<u8>, SubfieldError> {
    let tag: Option<Vec<u8>> = id.chars().map(|character| u8::try_from(character).ok()).collect();
    let what = "its usage or tag has another length";
    tag.filter(|tag| tag.len() == len).ok_or_else(|| SubfieldError::Part { id: id.to_owned(), what })
}

fn write_list(tag_len: usize, parts: &[(&str, &[u8])]) -> Result<Vec<u8>, SubfieldError> {
    let mut value = Vec::new();
    for (id, content) in parts {
        let fault = |what| SubfieldError::Part { id: (*id).to_owned(), what };
        if content.len() > 999 {
            return Err(fault("is longer than 999"));
        }
        value.extend(tag_of(id, tag_len)?);
        value.extend(format!("{:03}", content.len()).into_bytes());
        value.extend_from_slice(content);
    }
    Ok(value)
}
