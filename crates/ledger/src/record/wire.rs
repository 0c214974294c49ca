//! Numbers and pieces of bytes, written and read. Reading never trusts what it reads.

use crate::error::Error;

/// Appends a varint: 7 bits a byte, lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A few bytes on the stack, so that short entries are written to the record in one step.
pub(crate) struct Short<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Short<N> {
    pub(crate) const fn new() -> Short<N> {
        Short { bytes: [0; N], len: 0 }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    pub(crate) fn fixed<const M: usize>(&mut self, bytes: [u8; M]) {
        self.bytes[self.len..self.len + M].copy_from_slice(&bytes);
        self.len += M;
    }

    pub(crate) fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Reads numbers one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(what: &'static str, bytes: &'a [u8]) -> Reader<'a> {
        Reader { what, bytes, at: 0 }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    pub(crate) const fn malformed(&self, why: &'static str) -> Error {
        Error::Malformed { what: self.what, at: self.at, why }
    }

    /// Gives up on the rest.
    pub(crate) fn skip_rest(&mut self, why: &'static str) -> Error {
        let error = self.malformed(why);
        self.at = self.bytes.len();
        error
    }

    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.is_at_end() { Ok(()) } else { Err(self.malformed("more bytes than expected")) }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..count)) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.malformed("it ends too early")),
        }
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.malformed("it ends too early")),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.fixed().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.fixed().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.fixed().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Error> {
        self.fixed().map(i64::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u128(&mut self) -> Result<u128, Error> {
        self.fixed().map(u128::from_le_bytes)
    }

    /// Reads a varint as `put_varint` writes it, and no longer form of the same number.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0_u64;
        for (place, byte) in self.bytes[self.at..].iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if place == 9 && bits > 1 {
                break;
            }
            number |= bits << (7 * place);
            if byte & 0x80 == 0 {
                if *byte == 0 && place > 0 {
                    break;
                }
                self.at += place + 1;
                return Ok(number);
            }
        }
        Err(self.malformed("a number that is cut off, too large or too long"))
    }

    pub(crate) fn varint_u32(&mut self) -> Result<u32, Error> {
        let number = self.varint()?;
        u32::try_from(number).map_err(|_| self.malformed("a number above 32 bits"))
    }

    pub(crate) fn varint_u16(&mut self) -> Result<u16, Error> {
        let number = self.varint()?;
        u16::try_from(number).map_err(|_| self.malformed("a number above 16 bits"))
    }

    /// Reads a length and as many bytes.
    pub(crate) fn piece(&mut self) -> Result<&'a [u8], Error> {
        let len = self.varint_u32()?;
        self.take(len as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_has_one_form_only() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut long = Vec::new();
            put_varint(&mut long, number);
            let mut short = Short::<10>::new();
            short.varint(number);
            assert_eq!(long, short.as_slice());
            let mut reader = Reader::new("number", &long);
            assert_eq!(reader.varint(), Ok(number));
            assert!(reader.is_at_end());
        }
        let too_large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        for wrong in [&[][..], &[0x80], &[0x80, 0x00], &[0xff, 0x80, 0x00], &too_large, &[0xff; 11]] {
            assert!(Reader::new("number", wrong).varint().is_err(), "{wrong:?}");
        }
    }
}
