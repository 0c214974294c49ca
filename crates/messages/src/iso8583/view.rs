//! Reading in place: where each field stands, without copying any.

use super::coding::{FROM_EBCDIC, character_of, from_hexadecimal};
use super::present::Present;
use super::{
    Alphabet, Bitmap, Content, DecodeError, Dialect, FieldSpec, Length, LengthDigits, MESSAGE_BYTES_MAX,
    Message, MessageType, Value,
};

/// A message as it was received, with the places of its fields.
#[derive(Clone, Copy)]
pub struct View<'b> {
    bytes: &'b [u8],
    dialect: &'b Dialect,
    header_len: usize,
    message_type: Option<MessageType>,
    bitmap_at: usize,
    body_at: usize,
    present: Present,
    second_empty: bool,
    spans: [Span; 128],
}

/// Where a field's content begins, and how many characters it has.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    at: u16,
    len: u16,
}

impl std::fmt::Debug for View<'_> {
    /// Shows which fields there are, not what they hold.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("dialect", &self.dialect.name)
            .field("message_type", &self.message_type)
            .field("fields", &self.present.collect::<Vec<u8>>())
            .finish_non_exhaustive()
    }
}

impl Dialect {
    /// Reads a message in place, to its last byte. No field is copied.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn view<'b>(&'b self, bytes: &'b [u8]) -> Result<View<'b>, DecodeError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(DecodeError::Long { len: bytes.len() });
        }
        let mut input = Input { bytes, at: 0 };
        let header_len = input.take(self.header.len_in(bytes), "the header")?.len();
        let mut view = View {
            bytes,
            dialect: self,
            header_len,
            message_type: None,
            bitmap_at: header_len,
            body_at: header_len,
            present: Present::default(),
            second_empty: false,
            spans: [Span::default(); 128],
        };
        if input.at == bytes.len() && header_len > 0 {
            // A header may come alone, to ask whether the line is there.
            return Ok(view);
        }
        view.message_type = Some(self.view_message_type(&mut input)?);
        view.bitmap_at = input.at;
        self.view_bitmap(&mut input, &mut view)?;
        view.body_at = input.at;
        for number in view.present {
            let spec = self.fields.get(number).ok_or(DecodeError::Unknown { number, dialect: self.name })?;
            view.spans[usize::from(number - 1)] = self.view_field(spec, &mut input)?;
        }
        if input.at < bytes.len() {
            return Err(DecodeError::Trailing { at: input.at, count: bytes.len() - input.at });
        }
        Ok(view)
    }

    /// Reads a message to its last byte, and copies it.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Message, DecodeError> {
        self.view(bytes).map(|view| view.to_message())
    }

    fn view_message_type(&self, input: &mut Input<'_>) -> Result<MessageType, DecodeError> {
        let at = input.at;
        let digits = match self.message_type {
            Alphabet::Packed => {
                let [first, second] = input.take_array("the message type")?;
                [first >> 4, first & 15, second >> 4, second & 15].map(character_of)
            }
            Alphabet::Ascii => input.take_array("the message type")?,
            Alphabet::Ebcdic => {
                input.take_array::<4>("the message type")?.map(|byte| FROM_EBCDIC[usize::from(byte)])
            }
        };
        MessageType::new(digits).ok_or(DecodeError::Field {
            number: 0,
            at,
            what: "the message type is not four digits",
        })
    }

    fn view_bitmap(&self, input: &mut Input<'_>, view: &mut View<'_>) -> Result<(), DecodeError> {
        let at = input.at;
        let first = self.view_half(input)?;
        let mut present = u128::from(first) << 64;
        if first >> 63 == 1 {
            let second = self.view_half(input)?;
            view.second_empty = second == 0;
            present |= u128::from(second);
        } else if self.wide {
            return Err(DecodeError::Field { number: 1, at, what: "the first bit of the bitmap is not set" });
        }
        view.present = Present(present);
        view.present.clear(1);
        Ok(())
    }

    fn view_half(&self, input: &mut Input<'_>) -> Result<u64, DecodeError> {
        match self.bitmap {
            Bitmap::Binary => Ok(u64::from_be_bytes(input.take_array("the bitmap")?)),
            Bitmap::Hexadecimal => {
                let at = input.at;
                let digits: [u8; 16] = input.take_array("the bitmap")?;
                let mut half = 0;
                for pair in digits.chunks_exact(2) {
                    let byte = from_hexadecimal(pair[0], pair[1]).ok_or(DecodeError::Field {
                        number: 1,
                        at,
                        what: "the bitmap is not upper-case hexadecimal",
                    })?;
                    half = half << 8 | u64::from(byte);
                }
                Ok(half)
            }
        }
    }

    #[inline]
    fn view_field(&self, spec: &FieldSpec, input: &mut Input<'_>) -> Result<Span, DecodeError> {
        let start = input.at;
        let fault = |what| DecodeError::Field { number: spec.number, at: start, what };
        let len = match spec.length {
            Length::Fixed(len) => len,
            Length::Two(max) | Length::Three(max) => {
                let three = matches!(spec.length, Length::Three(_));
                let len =
                    self.view_length(three, input)?.ok_or_else(|| fault("its length is not a number"))?;
                if len > max {
                    return Err(fault("is longer than it may be"));
                }
                len
            }
        };
        let at = input.at;
        let raw = input.take(spec.content.bytes_of(usize::from(len)), "a field")?;
        if spec.content == Content::Hexadecimal
            && raw.chunks_exact(2).any(|pair| from_hexadecimal(pair[0], pair[1]).is_none())
        {
            return Err(fault("is not upper-case hexadecimal"));
        }
        // Places fit: a message has at most 65,535 bytes.
        Ok(Span { at: u16::try_from(at).unwrap_or(u16::MAX), len })
    }

    /// Reads the length in front of a field; nothing where it is no number.
    #[inline]
    fn view_length(&self, three: bool, input: &mut Input<'_>) -> Result<Option<u16>, DecodeError> {
        const PART: &str = "the length of a field";
        let digits = match self.lengths {
            LengthDigits::Ascii | LengthDigits::Ebcdic => {
                let zero = if self.lengths == LengthDigits::Ascii { b'0' } else { 0xF0 };
                let digits = if three {
                    input.take_array::<3>(PART)?
                } else {
                    let [tens, ones] = input.take_array(PART)?;
                    [zero, tens, ones]
                };
                digits.map(|digit| digit.wrapping_sub(zero))
            }
            LengthDigits::Packed | LengthDigits::PackedLeft if !three => {
                let [byte] = input.take_array(PART)?;
                [0, byte >> 4, byte & 15]
            }
            LengthDigits::Packed | LengthDigits::PackedLeft => {
                let [first, second] = input.take_array(PART)?;
                let digits = [first >> 4, first & 15, second >> 4, second & 15];
                let [filling, digits @ ..] = match (self.lengths, digits) {
                    (LengthDigits::PackedLeft, [a, b, c, filling]) => [filling, a, b, c],
                    (_, digits) => digits,
                };
                // Filled with anything else, it could not be written to the same bytes.
                if filling != 0 {
                    return Ok(None);
                }
                digits
            }
        };
        let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(*digit));
        Ok(digits.iter().all(|digit| *digit < 10).then_some(number))
    }
}

impl<'b> View<'b> {
    /// Returns all bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Returns how it was read.
    #[must_use]
    pub const fn dialect(&self) -> &'b Dialect {
        self.dialect
    }

    /// Returns what stands in front of it, or nothing.
    #[must_use]
    pub fn header(&self) -> &'b [u8] {
        self.bytes.get(..self.header_len).unwrap_or_default()
    }

    /// Returns its type. A header may come alone, to ask whether the line is there: then nothing.
    #[must_use]
    pub const fn message_type(&self) -> Option<MessageType> {
        self.message_type
    }

    /// Returns the bitmap as it stands in the message.
    #[must_use]
    pub fn bitmap(&self) -> &'b [u8] {
        self.bytes.get(self.bitmap_at..self.body_at).unwrap_or_default()
    }

    /// Returns where the first field begins, with its length.
    #[must_use]
    pub const fn body_at(&self) -> usize {
        self.body_at
    }

    /// Returns a field.
    #[must_use]
    pub fn get(&self, number: u8) -> Option<Value<'b>> {
        if !self.present.has(number) {
            return None;
        }
        let spec = self.dialect.fields.get(number)?;
        let span = self.spans.get(usize::from(number).checked_sub(1)?)?;
        let at = usize::from(span.at);
        let len = usize::from(span.len);
        let raw = self.bytes.get(at..at + spec.content.bytes_of(len))?;
        Some(Value::new(spec, at, len, raw))
    }

    /// Iterates over the fields, ascending.
    pub fn fields(&self) -> impl Iterator<Item = Value<'b>> + '_ {
        self.present.filter_map(|number| self.get(number))
    }

    /// Iterates over the fields that hold characters which they may not: such a message is read, so that it can
    /// be answered, but should be refused.
    pub fn strange(&self) -> impl Iterator<Item = Value<'b>> + '_ {
        self.fields().filter(|value| !value.spec().kind.fits(&value.characters()))
    }

    /// Copies it into a message that can be changed.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let mut message = Message::with_capacity(self.message_type, self.present, self.bytes.len());
        message.header = self.header().to_vec();
        message.second_bitmap_empty = self.second_empty && !self.dialect.wide;
        for value in self.fields() {
            message.push(value.spec().number, |values| value.append_to(values));
        }
        message
    }
}

struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Input<'b> {
    #[inline]
    fn take(&mut self, len: usize, part: &'static str) -> Result<&'b [u8], DecodeError> {
        let end = self.at + len;
        let taken = self.bytes.get(self.at..end).ok_or(DecodeError::Short { at: self.bytes.len(), part })?;
        self.at = end;
        Ok(taken)
    }

    #[inline]
    fn take_array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], DecodeError> {
        let short = DecodeError::Short { at: self.bytes.len(), part };
        let taken = *self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()).ok_or(short)?;
        self.at += N;
        Ok(taken)
    }
}
