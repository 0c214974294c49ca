//! Writing messages.

use super::coding::{TO_EBCDIC, character_of, pack, pack_pair, to_hexadecimal};
use super::message::Field;
use super::{
    Alphabet, Bitmap, Content, Dialect, EncodeError, FieldSpec, Length, LengthDigits, MESSAGE_BYTES_MAX,
    Message,
};

impl Dialect {
    /// Writes a message.
    ///
    /// # Errors
    /// [`EncodeError`] when a field is not of the dialect, or does not fit its specification.
    pub fn encode(&self, message: &Message) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        self.encode_onto(message, &mut bytes)?;
        Ok(bytes)
    }

    /// Appends a message to bytes, which are left as they were when it cannot be written.
    ///
    /// # Errors
    /// As [`Dialect::encode`].
    pub fn encode_onto(&self, message: &Message, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = bytes.len();
        bytes.reserve(message.written_len());
        let written = self.encode_parts(message, bytes).and_then(|()| match bytes.len() - start {
            len @ 0..=MESSAGE_BYTES_MAX => self.check_header(message, &bytes[start..start + len]),
            len => Err(EncodeError::Long { len }),
        });
        if written.is_err() {
            bytes.truncate(start);
        }
        written
    }

    /// What was written must be read with the same header.
    fn check_header(&self, message: &Message, written: &[u8]) -> Result<(), EncodeError> {
        let len = message.header.len();
        if self.header.len_in(written) == len {
            Ok(())
        } else {
            Err(EncodeError::Header { len, dialect: self.name })
        }
    }

    fn encode_parts(&self, message: &Message, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        bytes.extend_from_slice(&message.header);
        let Some(message_type) = message.message_type else { return Ok(()) };
        let [a, b, c, d] = *message_type.digits();
        match self.message_type {
            Alphabet::Packed => bytes.extend([pack_pair(a, b), pack_pair(c, d)].into_iter().flatten()),
            Alphabet::Ascii => bytes.extend([a, b, c, d]),
            Alphabet::Ebcdic => bytes.extend([a, b, c, d].map(|digit| TO_EBCDIC[usize::from(digit)])),
        }
        let mut present = message.present();
        let wide = self.wide || message.second_bitmap_empty || present.0 << 64 != 0;
        if wide {
            present.set(1);
        }
        let bitmap = present.0.to_be_bytes();
        let bitmap = &bitmap[..if wide { 16 } else { 8 }];
        match self.bitmap {
            Bitmap::Binary => bytes.extend_from_slice(bitmap),
            Bitmap::Hexadecimal => bytes.extend(bitmap.iter().flat_map(|byte| to_hexadecimal(*byte))),
        }
        for (number, field) in message.fields_in_order() {
            let unknown = EncodeError::Unknown { number, dialect: self.name };
            let spec = self.fields.get(number).ok_or(unknown)?;
            self.encode_field(spec, field, bytes)?;
        }
        Ok(())
    }

    #[inline]
    fn encode_field(
        &self,
        spec: &FieldSpec,
        field: Field<'_>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let fault = |what| EncodeError::Field { number: spec.number, what };
        let len = field.value.len();
        match spec.length {
            Length::Fixed(fixed) if len != usize::from(fixed) => {
                return Err(fault("does not have its fixed length"));
            }
            Length::Fixed(_) => {}
            Length::Two(max) if len > usize::from(max.min(99)) => {
                return Err(fault("is longer than it may be"));
            }
            Length::Three(max) if len > usize::from(max.min(999)) => {
                return Err(fault("is longer than it may be"));
            }
            Length::Two(_) => self.encode_length(len, false, bytes),
            Length::Three(_) => self.encode_length(len, true, bytes),
        }
        let value = field.value;
        let digits = "holds characters that are not packed digits";
        match spec.content {
            Content::Text | Content::Binary => bytes.extend_from_slice(value),
            Content::Ebcdic => bytes.extend(value.iter().map(|byte| TO_EBCDIC[usize::from(*byte)])),
            Content::Hexadecimal => bytes.extend(value.iter().flat_map(|byte| to_hexadecimal(*byte))),
            Content::Digits => {
                let (even, last) = value.split_at(len - len % 2);
                let last = last.first().map(|last| pack_pair(*last, character_of(field.filling)));
                if !pack(even, bytes) {
                    return Err(fault(digits));
                }
                match last {
                    Some(None) => return Err(fault(digits)),
                    Some(Some(last)) => bytes.push(last),
                    None => {}
                }
            }
            Content::DigitsRight => {
                encode_right(value, field.filling, bytes).ok_or_else(|| fault(digits))?;
            }
            Content::SignedDigits => {
                if let Some((sign, amount)) = value.split_first() {
                    bytes.push(*sign);
                    encode_right(amount, field.filling, bytes).ok_or_else(|| fault(digits))?;
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn encode_length(&self, len: usize, three: bool, bytes: &mut Vec<u8>) {
        let [hundreds, tens, ones] = [len / 100, len / 10, len].map(|part| (part % 10) as u8);
        match self.lengths {
            LengthDigits::Ascii | LengthDigits::Ebcdic => {
                let zero = if self.lengths == LengthDigits::Ascii { b'0' } else { 0xF0 };
                if three {
                    bytes.push(zero + hundreds);
                }
                bytes.extend_from_slice(&[zero + tens, zero + ones]);
            }
            LengthDigits::Packed | LengthDigits::PackedLeft if !three => bytes.push(tens << 4 | ones),
            LengthDigits::Packed => bytes.extend_from_slice(&[hundreds, tens << 4 | ones]),
            LengthDigits::PackedLeft => bytes.extend_from_slice(&[hundreds << 4 | tens, ones << 4]),
        }
    }
}

/// Appends digits, filled on the left where they are odd in number. None where they are no packed digits.
fn encode_right(value: &[u8], filling: u8, bytes: &mut Vec<u8>) -> Option<()> {
    let (first, even) = value.split_at(value.len() % 2);
    if let Some(first) = first.first() {
        bytes.push(pack_pair(character_of(filling), *first)?);
    }
    pack(even, bytes).then_some(())
}
