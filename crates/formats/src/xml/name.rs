//! Names of elements, told apart by whole numbers.

/// The bytes of a name that its key holds.
pub(super) const KEY_BYTES: usize = 16;

/// The local name of an element, as the code that looks for it knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    text: &'static str,
    key: u128,
    mark: u64,
}

impl Name {
    /// Makes a name. In constants only: see `name!`.
    pub(crate) const fn of(text: &'static str) -> Name {
        let bytes = text.as_bytes();
        let mut key = 0;
        let mut at = 0;
        while at < bytes.len() && at < KEY_BYTES {
            key |= (bytes[at] as u128) << (8 * at);
            at += 1;
        }
        Name { text, key, mark: mark(key) }
    }

    /// Returns the name as it is written.
    pub(crate) const fn text(self) -> &'static str {
        self.text
    }

    /// Says whether one of these marks may be of this name.
    pub(super) const fn may_be_in(self, marks: u64) -> bool {
        self.mark & marks != 0
    }

    /// Says whether a name with a key and a length is this one. All but the longest names are told apart by
    /// these; `tail` gives the rest behind the key.
    pub(super) fn is<'n>(self, key: u128, len: usize, tail: impl FnOnce(usize) -> &'n [u8]) -> bool {
        self.key == key
            && self.text.len() == len
            && (len <= KEY_BYTES || self.text.as_bytes()[KEY_BYTES..] == *tail(KEY_BYTES))
    }
}

/// The first bytes of a name as a number; the name is `len` bytes at the beginning of `bytes`.
pub(super) fn key(bytes: &[u8], len: usize) -> u128 {
    match bytes.first_chunk::<KEY_BYTES>() {
        Some(first) if len < KEY_BYTES => u128::from_le_bytes(*first) & ((1 << (8 * len)) - 1),
        Some(first) => u128::from_le_bytes(*first),
        None => bytes.iter().take(len).rev().fold(0, |key, byte| (key << 8) | u128::from(*byte)),
    }
}

/// One of 64 bits for a name. Equal names have equal marks; of others one in 64.
pub(super) const fn mark(key: u128) -> u64 {
    let folded = (key as u64) ^ (key >> 64) as u64;
    // Fibonacci hashing: the upper bits of the product depend on all bits of the key.
    1 << (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
}

/// Makes a name while compiling: `name!("Ntry")`.
macro_rules! name {
    ($name:literal) => {
        const { $crate::xml::Name::of($name) }
    };
}

/// Makes the names on the way to an element while compiling: `way!("Refs" / "EndToEndId")`.
macro_rules! way {
    ($($name:literal)/+) => {
        const { &[$($crate::xml::Name::of($name)),+] }
    };
}

pub(crate) use {name, way};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_where_their_texts_are() {
        const NAMES: [Name; 10] = [
            name!("A"),
            name!("Amt"),
            name!("AmtDtls"),
            name!("SubFmlyC"),
            name!("SubFmlyCd"),
            name!("SubFmlyCx"),
            name!("TtlChrgsAndTaxAm"),
            name!("TtlChrgsAndTaxAmt"),
            name!("TtlChrgsAndTaxAmx"),
            name!("TtlChrgsAndTaxAmtLonger"),
        ];
        for (number, name) in NAMES.iter().enumerate() {
            for (other, text) in NAMES.iter().map(|name| name.text()).enumerate() {
                for tail in ["", ">", " a=\"bcdefgh\">"] {
                    let written = format!("{text}{tail}");
                    let key = key(written.as_bytes(), text.len());
                    let is = name.is(key, text.len(), |from| &text.as_bytes()[from..]);
                    assert_eq!(is, number == other, "{} {written}", name.text());
                }
            }
        }
        assert!(!name!("A").is(key(b"A\0", 2), 2, |_| &[]));
    }
}
