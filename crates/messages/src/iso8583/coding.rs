//! Characters, packed digits and hexadecimal: how contents stand on the wire.

/// Half bytes as characters: digits, then `:` to `?` with which tracks are written (ISO 7813: `=` is D).
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte: usize = 0;
    while byte < 256 {
        pairs[byte] = [b'0' + (byte >> 4) as u8, b'0' + (byte & 15) as u8];
        byte += 1;
    }
    pairs
};

/// Returns the character of a half byte.
pub(super) const fn character_of(nibble: u8) -> u8 {
    b'0' + (nibble & 15)
}

/// Returns the half byte of a character.
const fn nibble_of(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'?' => Some(character - b'0'),
        _ => None,
    }
}

/// Appends both characters of each byte.
pub(super) fn unpack(bytes: &[u8], characters: &mut Vec<u8>) {
    let start = characters.len();
    characters.resize(start + 2 * bytes.len(), 0);
    for (pair, byte) in characters[start..].chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
}

/// Appends an even number of characters, two a byte. Says whether all could be packed.
#[must_use]
pub(super) fn pack(characters: &[u8], bytes: &mut Vec<u8>) -> bool {
    // A character is packed when its upper half is 3: all are looked at together, at the end.
    let mut strange = 0;
    bytes.extend(characters.chunks_exact(2).map(|pair| {
        strange |= (pair[0] ^ 0x30) | (pair[1] ^ 0x30);
        (pair[0] << 4) | (pair[1] & 15)
    }));
    strange < 16
}

/// Returns the byte of two characters.
pub(super) const fn pack_pair(high: u8, low: u8) -> Option<u8> {
    match (nibble_of(high), nibble_of(low)) {
        (Some(high), Some(low)) => Some(high << 4 | low),
        _ => None,
    }
}

/// Returns the byte that two upper-case hexadecimal characters stand for.
pub(super) const fn from_hexadecimal(high: u8, low: u8) -> Option<u8> {
    const fn value(character: u8) -> Option<u8> {
        match character {
            b'0'..=b'9' => Some(character - b'0'),
            b'A'..=b'F' => Some(character - b'A' + 10),
            _ => None,
        }
    }
    match (value(high), value(low)) {
        (Some(high), Some(low)) => Some(high << 4 | low),
        _ => None,
    }
}

/// Returns a byte as two upper-case hexadecimal characters.
pub(super) const fn to_hexadecimal(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

/// Code page 037 as ISO 8859-1. Letters and digits are the same in the pages 500 and 1047.
#[rustfmt::skip]
pub(super) const FROM_EBCDIC: [u8; 256] = [
    0x00, 0x01, 0x02, 0x03, 0x9C, 0x09, 0x86, 0x7F, 0x97, 0x8D, 0x8E, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x9D, 0x85, 0x08, 0x87, 0x18, 0x19, 0x92, 0x8F, 0x1C, 0x1D, 0x1E, 0x1F,
    0x80, 0x81, 0x82, 0x83, 0x84, 0x0A, 0x17, 0x1B, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x05, 0x06, 0x07,
    0x90, 0x91, 0x16, 0x93, 0x94, 0x95, 0x96, 0x04, 0x98, 0x99, 0x9A, 0x9B, 0x14, 0x15, 0x9E, 0x1A,
    0x20, 0xA0, 0xE2, 0xE4, 0xE0, 0xE1, 0xE3, 0xE5, 0xE7, 0xF1, 0xA2, 0x2E, 0x3C, 0x28, 0x2B, 0x7C,
    0x26, 0xE9, 0xEA, 0xEB, 0xE8, 0xED, 0xEE, 0xEF, 0xEC, 0xDF, 0x21, 0x24, 0x2A, 0x29, 0x3B, 0xAC,
    0x2D, 0x2F, 0xC2, 0xC4, 0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xD1, 0xA6, 0x2C, 0x25, 0x5F, 0x3E, 0x3F,
    0xF8, 0xC9, 0xCA, 0xCB, 0xC8, 0xCD, 0xCE, 0xCF, 0xCC, 0x60, 0x3A, 0x23, 0x40, 0x27, 0x3D, 0x22,
    0xD8, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0xAB, 0xBB, 0xF0, 0xFD, 0xFE, 0xB1,
    0xB0, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x72, 0xAA, 0xBA, 0xE6, 0xB8, 0xC6, 0xA4,
    0xB5, 0x7E, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0xA1, 0xBF, 0xD0, 0xDD, 0xDE, 0xAE,
    0x5E, 0xA3, 0xA5, 0xB7, 0xA9, 0xA7, 0xB6, 0xBC, 0xBD, 0xBE, 0x5B, 0x5D, 0xAF, 0xA8, 0xB4, 0xD7,
    0x7B, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0xAD, 0xF4, 0xF6, 0xF2, 0xF3, 0xF5,
    0x7D, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x52, 0xB9, 0xFB, 0xFC, 0xF9, 0xFA, 0xFF,
    0x5C, 0xF7, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0xB2, 0xD4, 0xD6, 0xD2, 0xD3, 0xD5,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xB3, 0xDB, 0xDC, 0xD9, 0xDA, 0x9F,
];

/// ISO 8859-1 as code page 037.
pub(super) const TO_EBCDIC: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte: usize = 0;
    while byte < 256 {
        table[FROM_EBCDIC[byte] as usize] = byte as u8;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_ebcdic_and_back() {
        for byte in 0..=255_u8 {
            assert_eq!(TO_EBCDIC[usize::from(FROM_EBCDIC[usize::from(byte)])], byte);
            let [high, low] = to_hexadecimal(byte);
            assert_eq!(from_hexadecimal(high, low), Some(byte));
            let mut characters = Vec::new();
            unpack(&[byte], &mut characters);
            assert_eq!(pack_pair(characters[0], characters[1]), Some(byte));
        }
        assert_eq!(
            b"AJSZ059 ".map(|byte| TO_EBCDIC[usize::from(byte)]),
            *b"\xC1\xD1\xE2\xE9\xF0\xF5\xF9\x40"
        );
        let mut bytes = Vec::new();
        assert!(pack(b"12=?", &mut bytes) && bytes == [0x12, 0xDF]);
        assert!(!pack(b"1A", &mut bytes) && !pack(b" 1", &mut bytes));
        assert_eq!(from_hexadecimal(b'a', b'0'), None);
    }
}
