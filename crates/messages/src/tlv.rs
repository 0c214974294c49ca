//! BER-TLV as EMV uses it (EMV 4.3, book 3, annex B): data objects of chip cards, DE55 and consumer codes.

/// The deepest nesting of templates. Cards have four.
const DEPTH_MAX: usize = 16;
/// The most objects of one text.
const OBJECTS_MAX: usize = 10_000;

/// A tag of one to four bytes, as a number: `0x9F26`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// Says whether the object holds other objects.
    #[must_use]
    pub const fn is_constructed(self) -> bool {
        self.first() & 0x20 != 0
    }

    const fn first(self) -> u8 {
        let bytes = self.0.to_be_bytes();
        match self.0 {
            0x0100_0000.. => bytes[0],
            0x0001_0000.. => bytes[1],
            0x0000_0100.. => bytes[2],
            _ => bytes[3],
        }
    }

    /// Iterates over the bytes of the tag.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        let skip = (self.0.leading_zeros() / 8).min(3) as usize;
        self.0.to_be_bytes().into_iter().skip(skip)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bytes().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// A data object. The value of a template is its bytes; [`Object::children`] reads them.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    /// Its tag.
    pub tag: Tag,
    /// Its value.
    pub value: Vec<u8>,
}

impl std::fmt::Debug for Object {
    /// Shows the tag and the length: values hold card numbers and cryptograms.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({}, {} bytes)", self.tag, self.value.len())
    }
}

/// Why bytes are not BER-TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlvError {
    /// The bytes end within an object.
    #[error("the bytes end at offset {offset}, within {part}")]
    Short {
        /// Where they end.
        offset: usize,
        /// `a tag`, `a length` or `a value`.
        part: &'static str,
    },
    /// A tag of more than four bytes.
    #[error("the tag at offset {offset} is longer than four bytes")]
    LongTag {
        /// Where it begins.
        offset: usize,
    },
    /// A length of more than four bytes, or the indefinite form, which EMV does not have.
    #[error("the length at offset {offset} is indefinite or longer than four bytes")]
    BadLength {
        /// Where it begins.
        offset: usize,
    },
    /// Too many objects, or too deep.
    #[error("more than {OBJECTS_MAX} objects, or templates nested more than {DEPTH_MAX} deep")]
    TooMany,
}

/// Reads the objects of a text. Bytes 00 before and after objects are filling and passed over.
///
/// # Errors
/// [`TlvError`], with the offset.
pub fn decode(bytes: &[u8]) -> Result<Vec<Object>, TlvError> {
    let mut objects = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == 0 {
            at += 1;
            continue;
        }
        if objects.len() == OBJECTS_MAX {
            return Err(TlvError::TooMany);
        }
        let (tag, after) = read_tag(bytes, at)?;
        at = after;
        let length_at = at;
        let first = *bytes.get(at).ok_or(TlvError::Short { offset: at, part: "a length" })?;
        at += 1;
        let len = match first {
            0..=0x7F => usize::from(first),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7F);
                let end = at + count;
                let digits =
                    bytes.get(at..end).ok_or(TlvError::Short { offset: bytes.len(), part: "a length" })?;
                at = end;
                digits.iter().fold(0, |len, byte| len << 8 | usize::from(*byte))
            }
            _ => return Err(TlvError::BadLength { offset: length_at }),
        };
        // The length is compared before anything of it is allocated.
        let value = at.checked_add(len).and_then(|end| bytes.get(at..end));
        let value = value.ok_or(TlvError::Short { offset: bytes.len(), part: "a value" })?.to_vec();
        at += len;
        objects.push(Object { tag, value });
    }
    Ok(objects)
}

/// Reads the tag at an offset, which is within the bytes; returns it with the offset behind it.
pub(crate) fn read_tag(bytes: &[u8], start: usize) -> Result<(Tag, usize), TlvError> {
    let byte = |at: usize| bytes.get(at).copied().ok_or(TlvError::Short { offset: at, part: "a tag" });
    let mut tag = u32::from(byte(start)?);
    let mut at = start + 1;
    if tag & 0x1F == 0x1F {
        loop {
            let next = byte(at)?;
            if at - start == 4 {
                return Err(TlvError::LongTag { offset: start });
            }
            tag = tag << 8 | u32::from(next);
            at += 1;
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    Ok((Tag(tag), at))
}

/// Writes objects with the shortest lengths.
#[must_use]
pub fn encode(objects: &[Object]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for object in objects {
        bytes.extend(object.tag.bytes());
        let len = object.value.len();
        let digits = len.to_be_bytes();
        match len {
            0..=0x7F => bytes.push(digits[digits.len() - 1]),
            _ => {
                let count = digits.iter().skip_while(|digit| **digit == 0).count();
                bytes.push(0x80 | digits_count(count));
                bytes.extend(&digits[digits.len() - count..]);
            }
        }
        bytes.extend(&object.value);
    }
    bytes
}

fn digits_count(count: usize) -> u8 {
    u8::try_from(count).expect("a length has at most eight digits of 256")
}

impl Object {
    /// Reads the objects in a template.
    ///
    /// # Errors
    /// As [`decode`]; offsets count within the template.
    pub fn children(&self) -> Result<Vec<Object>, TlvError> {
        decode(&self.value)
    }
}

/// Finds the first object of a tag, looking into templates.
///
/// # Errors
/// When a template on the way is not BER-TLV.
pub fn find(objects: &[Object], tag: Tag) -> Result<Option<Object>, TlvError> {
    find_within(objects, tag, 0)
}

fn find_within(objects: &[Object], tag: Tag, depth: usize) -> Result<Option<Object>, TlvError> {
    if depth > DEPTH_MAX {
        return Err(TlvError::TooMany);
    }
    for object in objects {
        if object.tag == tag {
            return Ok(Some(object.clone()));
        }
        if object.tag.is_constructed()
            && let Some(found) = find_within(&object.children()?, tag, depth + 1)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_and_lengths_of_every_size() {
        let bytes = hex::decode("5A0212349F2601FF61045002414200DF8101010A").unwrap();
        let objects = decode(&bytes).unwrap();
        let told: Vec<String> = objects.iter().map(|object| object.tag.to_string()).collect();
        assert_eq!(told, ["5A", "9F26", "61", "DF8101"]);
        assert_eq!(find(&objects, Tag(0x50)).unwrap().unwrap().value, b"AB");
        let long = Object { tag: Tag(0x9F10), value: vec![7; 300] };
        assert_eq!(encode(std::slice::from_ref(&long))[..5], [0x9F, 0x10, 0x82, 0x01, 0x2C]);
        assert_eq!(decode(&encode(std::slice::from_ref(&long))).unwrap(), [long]);
    }

    #[test]
    fn what_is_cut_or_odd_is_refused_with_its_place() {
        for (text, error) in [
            ("9F", TlvError::Short { offset: 1, part: "a tag" }),
            ("5A", TlvError::Short { offset: 1, part: "a length" }),
            ("5A0312", TlvError::Short { offset: 3, part: "a value" }),
            ("5A84FFFFFFFF00", TlvError::Short { offset: 7, part: "a value" }),
            ("5A80", TlvError::BadLength { offset: 1 }),
            ("5A85", TlvError::BadLength { offset: 1 }),
            ("9F8181818101", TlvError::LongTag { offset: 0 }),
        ] {
            assert_eq!(decode(&hex::decode(text).unwrap()), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec((0_usize..6, prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
            let tags = [0x5A, 0x82, 0x9F26, 0x61, 0xDF31, 0xDF_8129];
            let objects: Vec<Object> =
                values.into_iter().map(|(tag, value)| Object { tag: Tag(tags[tag]), value }).collect();
            prop_assert_eq!(decode(&encode(&objects)), Ok(objects));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(objects) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&objects)), Ok(objects.clone()));
                let _ = find(&objects, Tag(0x9F26));
            }
        }
    }
}
