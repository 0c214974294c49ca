//! ISO 8583 messages: a table-driven codec, with dialects as data.
//!
//! A dialect says how the message type and the bitmap are written and what each field is. Values are kept as
//! they are sent: texts as bytes in the network's encoding, packed digits as ASCII digits, binary as bytes; so that
//! what was decoded is encoded to the same bytes.

mod dialects;

pub use dialects::{UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL};
use std::collections::BTreeMap;

/// How a field's characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A byte a character.
    Text,
    /// Two digits a byte; an odd number is filled on the right.
    Digits,
    /// Two digits a byte; an odd number is filled on the left.
    DigitsRight,
    /// Bytes.
    Binary,
}

/// How long a field is, in characters, digits or bytes of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Always as long.
    Fixed(usize),
    /// As its first two digits say, at most so long.
    Two(usize),
    /// As its first three digits say, at most so long.
    Three(usize),
}

/// A field of a dialect.
#[derive(Debug, Clone, Copy)]
pub struct FieldSpec {
    /// Its number, 2 to 128.
    pub number: u8,
    /// How long it is.
    pub length: Length,
    /// How it is written.
    pub content: Content,
}

/// How a network writes its messages.
#[derive(Debug)]
pub struct Dialect {
    /// Its name.
    pub name: &'static str,
    /// Whether message type and lengths are packed digits rather than characters.
    pub packed: bool,
    /// Whether the bitmap always has sixteen bytes, its first bit set.
    pub wide: bool,
    /// Bytes in front of the message type when there is a header, with how its first byte tells.
    pub header: Header,
    /// The fields, ascending.
    pub fields: &'static [FieldSpec],
}

/// What stands in front of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// A header that begins with its own length, such as 46; without it the message type comes first.
    OwnLength(u8),
    /// Eleven bytes that begin with 60, the address and header of a terminal.
    Terminal,
}

/// A field as it was read or is to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its content: bytes, or ASCII digits where they are packed.
    pub value: Vec<u8>,
    /// The half byte that fills up an odd number of packed digits; 0 by custom.
    pub filling: u8,
}

impl std::fmt::Debug for Field {
    /// Shows the length only: fields hold card numbers, tracks and PIN blocks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({} bytes)", self.value.len())
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What stands in front of it, or nothing.
    pub header: Vec<u8>,
    /// Its type, four digits. A header may come alone, to ask whether the line is there: then nothing.
    pub message_type: Option<[u8; 4]>,
    fields: BTreeMap<u8, Field>,
}

/// Why bytes are no message, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end early.
    #[error("the message ends at byte {at}, within {part}")]
    Short {
        /// How many bytes there are.
        at: usize,
        /// What they end in: `the header`, `the bitmap`, `a field`.
        part: &'static str,
    },
    /// A field that the dialect does not have.
    #[error("field {number} is not one of {dialect}")]
    Unknown {
        /// Its number.
        number: u8,
        /// The dialect.
        dialect: &'static str,
    },
    /// A field whose length or content is wrong.
    #[error("field {number} at byte {at}: {what}")]
    Field {
        /// Its number; 0 for the message type, 1 for the bitmap.
        number: u8,
        /// Bytes before it.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Bytes behind the last field.
    #[error("{count} bytes stand behind the last field, from byte {at}")]
    Trailing {
        /// Where they begin.
        at: usize,
        /// How many.
        count: usize,
    },
}

/// Why a message cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A field that the dialect does not have.
    #[error("field {0} is not one of the dialect")]
    Unknown(u8),
    /// A value that is too long, too short, or holds what its content cannot.
    #[error("field {number}: {what}")]
    Field {
        /// Its number; 0 for the message type.
        number: u8,
        /// What is wrong.
        what: &'static str,
    },
}

impl Message {
    /// Makes a message without header and fields.
    #[must_use]
    pub fn new(message_type: [u8; 4]) -> Message {
        Message { header: Vec::new(), message_type: Some(message_type), fields: BTreeMap::new() }
    }

    /// Returns the content of a field.
    #[must_use]
    pub fn get(&self, number: u8) -> Option<&[u8]> {
        self.fields.get(&number).map(|field| field.value.as_slice())
    }

    /// Sets a field.
    pub fn set(&mut self, number: u8, value: impl Into<Vec<u8>>) {
        self.fields.insert(number, Field { value: value.into(), filling: 0 });
    }

    /// Iterates over the fields, ascending.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &Field)> {
        self.fields.iter().map(|(number, field)| (*number, field))
    }
}

impl Dialect {
    fn spec(&self, number: u8) -> Option<&FieldSpec> {
        self.fields.binary_search_by_key(&number, |spec| spec.number).ok().map(|at| &self.fields[at])
    }

    /// Reads a message to its last byte.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Message, DecodeError> {
        let mut input = Input { bytes, at: 0 };
        let header = input.take(self.header_len(bytes), "the header")?.to_vec();
        if input.at == bytes.len() && !header.is_empty() {
            return Ok(Message { header, message_type: None, fields: BTreeMap::new() });
        }
        let at = input.at;
        let digits = if self.packed {
            unpacked(input.take(2, "the message type")?)
        } else {
            input.take(4, "the message type")?.to_vec()
        };
        let message_type: [u8; 4] = digits.try_into().expect("four digits");
        if !message_type.iter().all(u8::is_ascii_digit) {
            return Err(DecodeError::Field { number: 0, at, what: "the message type is not four digits" });
        }
        let at = input.at;
        let first = input.take(8, "the bitmap")?;
        let mut bitmap = [0; 16];
        bitmap[..8].copy_from_slice(first);
        if first[0] & 0x80 != 0 {
            bitmap[8..].copy_from_slice(input.take(8, "the bitmap")?);
        } else if self.wide {
            return Err(DecodeError::Field { number: 1, at, what: "the first bit of the bitmap is not set" });
        }
        let mut fields = BTreeMap::new();
        for number in 2..=128_u8 {
            let bit = usize::from(number - 1);
            if bitmap[bit / 8] & (0x80 >> (bit % 8)) != 0 {
                let spec = self.spec(number).ok_or(DecodeError::Unknown { number, dialect: self.name })?;
                fields.insert(number, self.decode_field(spec, &mut input)?);
            }
        }
        if input.at < bytes.len() {
            return Err(DecodeError::Trailing { at: input.at, count: bytes.len() - input.at });
        }
        Ok(Message { header, message_type: Some(message_type), fields })
    }

    fn header_len(&self, bytes: &[u8]) -> usize {
        match (self.header, bytes.first()) {
            (Header::OwnLength(len), Some(first)) if *first == len => usize::from(len),
            (Header::Terminal, Some(0x60)) => 11,
            _ => 0,
        }
    }

    fn decode_field(&self, spec: &FieldSpec, input: &mut Input<'_>) -> Result<Field, DecodeError> {
        let at = input.at;
        let fault = |what| DecodeError::Field { number: spec.number, at, what };
        let len = match spec.length {
            Length::Fixed(len) => len,
            Length::Two(max) | Length::Three(max) => {
                let count = if matches!(spec.length, Length::Two(_)) { 2 } else { 3 };
                let digits = if self.packed {
                    unpacked(input.take(usize::midpoint(count, 1), "the length of a field")?)
                } else {
                    input.take(count, "the length of a field")?.to_vec()
                };
                if !digits.iter().all(u8::is_ascii_digit) {
                    return Err(fault("its length is not a number"));
                }
                let len = digits.iter().fold(0, |len, digit| len * 10 + usize::from(digit - b'0'));
                if len > max {
                    return Err(fault("is longer than it may be"));
                }
                len
            }
        };
        match spec.content {
            Content::Text | Content::Binary => {
                Ok(Field { value: input.take(len, "a field")?.to_vec(), filling: 0 })
            }
            Content::Digits | Content::DigitsRight => {
                let mut value = unpacked(input.take(len.div_ceil(2), "a field")?);
                let mut filling = 0;
                if len % 2 == 1 {
                    let character =
                        if spec.content == Content::Digits { value.pop() } else { Some(value.remove(0)) };
                    filling = character.and_then(nibble_of).unwrap_or_default();
                }
                Ok(Field { value, filling })
            }
        }
    }

    /// Writes a message.
    ///
    /// # Errors
    /// [`EncodeError`] when a field is not of the dialect, or does not fit its specification.
    pub fn encode(&self, message: &Message) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = message.header.clone();
        let Some(message_type) = message.message_type else { return Ok(bytes) };
        if !message_type.iter().all(u8::is_ascii_digit) {
            return Err(EncodeError::Field { number: 0, what: "the message type is not four digits" });
        }
        if self.packed {
            bytes.extend(packed(&message_type).expect("digits"));
        } else {
            bytes.extend(message_type);
        }
        let mut bitmap = [0_u8; 16];
        for number in message.fields.keys() {
            let bit = usize::from(
                number
                    .checked_sub(1)
                    .filter(|bit| (1..128).contains(bit))
                    .ok_or(EncodeError::Unknown(*number))?,
            );
            bitmap[bit / 8] |= 0x80 >> (bit % 8);
        }
        let wide = self.wide || bitmap[8..].iter().any(|byte| *byte != 0);
        if wide {
            bitmap[0] |= 0x80;
        }
        bytes.extend(&bitmap[..if wide { 16 } else { 8 }]);
        for (number, field) in &message.fields {
            let spec = self.spec(*number).ok_or(EncodeError::Unknown(*number))?;
            self.encode_field(spec, field, &mut bytes)?;
        }
        Ok(bytes)
    }

    fn encode_field(&self, spec: &FieldSpec, field: &Field, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        let fault = |what| EncodeError::Field { number: spec.number, what };
        let len = field.value.len();
        match spec.length {
            Length::Fixed(fixed) if len != fixed => return Err(fault("does not have its fixed length")),
            Length::Two(max) | Length::Three(max) if len > max => {
                return Err(fault("is longer than it may be"));
            }
            Length::Fixed(_) => {}
            Length::Two(_) | Length::Three(_) => {
                let count = if matches!(spec.length, Length::Two(_)) { 2 } else { 3 };
                let digits = format!("{len:0count$}");
                if self.packed {
                    let even = if count == 3 { format!("0{digits}") } else { digits };
                    bytes.extend(packed(even.as_bytes()).expect("digits"));
                } else {
                    bytes.extend(digits.as_bytes());
                }
            }
        }
        match spec.content {
            Content::Text | Content::Binary => bytes.extend(&field.value),
            Content::Digits | Content::DigitsRight => {
                let mut digits = field.value.clone();
                if len % 2 == 1 {
                    let filling = character_of(field.filling & 15);
                    let at = if spec.content == Content::Digits { len } else { 0 };
                    digits.insert(at, filling);
                }
                bytes.extend(
                    packed(&digits).ok_or_else(|| fault("holds characters that are not packed digits"))?,
                );
            }
        }
        Ok(())
    }
}

struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Input<'b> {
    fn take(&mut self, len: usize, part: &'static str) -> Result<&'b [u8], DecodeError> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(DecodeError::Short { at: self.bytes.len(), part })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}

/// Half bytes as characters: digits, then `:` to `?` with which tracks are written (ISO 7813: `=` is D).
const CHARACTERS: &[u8; 16] = b"0123456789:;<=>?";

fn character_of(nibble: u8) -> u8 {
    CHARACTERS[usize::from(nibble & 15)]
}

fn nibble_of(character: u8) -> Option<u8> {
    let place = CHARACTERS.iter().position(|known| *known == character)?;
    u8::try_from(place).ok()
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [character_of(byte >> 4), character_of(byte & 15)]).collect()
}

fn packed(characters: &[u8]) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| Some(nibble_of(pair[0])? << 4 | nibble_of(*pair.get(1)?)?);
    characters.chunks(2).map(pair).collect()
}
