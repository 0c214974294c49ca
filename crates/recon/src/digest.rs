//! Keyed hashes of keys and compared values, and fast exact numbers.
//!
//! A run draws a secret at random, so that nobody who writes an input file can make keys collide on
//! purpose. Keys hash to 128 bits by two layers of wide multiplications, each operand whitened by a
//! part of the secret; compared values hash to 64 bits that also depend on the key's upper half.
//! The plain-Rust code is the only implementation: every machine computes the same.

/// The secret of a run.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub(crate) words: [u64; 12],
    /// Set for hashes that leave this machine: those are made with BLAKE3 keyed by this, so that
    /// nobody without the secret learns anything from them or can forge them.
    strong: Option<[u8; 32]>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Draws a secret from the operating system.
    ///
    /// # Errors
    /// When the operating system has no random source.
    pub fn random() -> std::io::Result<Secret> {
        let mut bytes = [0_u8; 96];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Derives a secret from a pass phrase or key file shared by two parties.
    #[must_use]
    pub fn shared(text: &[u8]) -> Secret {
        let mut bytes = [0_u8; 128];
        blake3::Hasher::new_derive_key("suanpan reconcile sketch secret 1")
            .update(text)
            .finalize_xof()
            .fill(&mut bytes);
        let mut secret = Self::from_bytes(bytes[..96].try_into().expect("96 bytes"));
        secret.strong = Some(bytes[96..].try_into().expect("32 bytes"));
        secret
    }

    /// Takes 96 bytes as a secret.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 96]) -> Secret {
        let mut words = [0; 12];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
        }
        Secret { words, strong: None }
    }

    /// Returns the secret as bytes, for a sealed state file.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 96] {
        let mut bytes = [0; 96];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Hashes a key of up to 32 bytes given as zero-padded words.
    #[inline(always)]
    #[must_use]
    pub fn key32(&self, words: [u64; 4], len: usize) -> KeyHash {
        let s = &self.words;
        let a = wide(words[0] ^ s[0], words[1] ^ s[1]);
        let b = wide(words[2] ^ s[2] ^ (len as u64), words[3] ^ s[3]);
        Self::finish(s, a, b)
    }

    /// Says whether hashes are made by the slower way that may leave this machine.
    #[inline(always)]
    #[must_use]
    pub const fn is_strong(&self) -> bool {
        self.strong.is_some()
    }

    /// Hashes a key of any length.
    #[must_use]
    pub fn key(&self, key: &[u8]) -> KeyHash {
        if let Some(strong) = &self.strong {
            let hash = blake3::keyed_hash(strong, key);
            let word =
                |at: usize| u64::from_le_bytes(hash.as_bytes()[at..at + 8].try_into().expect("eight bytes"));
            return KeyHash { lo: word(0), hi: word(8) };
        }
        if key.len() <= 32 {
            return self.key32(padded(key), key.len());
        }
        // Longer keys are chained: each chunk is hashed together with the hash so far.
        let mut chain = KeyHash { lo: self.words[10], hi: self.words[11] };
        for chunk in key.chunks(16) {
            let words = padded(chunk);
            chain = self.key32([words[0], words[1], chain.lo, chain.hi], 32 + key.len());
        }
        chain
    }

    #[inline(always)]
    fn finish(s: &[u64; 12], a: (u64, u64), b: (u64, u64)) -> KeyHash {
        let lo = fold(a.0 ^ b.1 ^ s[4], b.0 ^ a.1 ^ s[5]);
        let hi =
            fold(a.0.wrapping_add(b.0.rotate_left(32)) ^ s[6], a.1.wrapping_add(b.1.rotate_left(32)) ^ s[7]);
        KeyHash { lo, hi }
    }

    /// Hashes what is compared of a record. `words` stands for type, status and currency.
    #[inline(always)]
    #[must_use]
    pub fn value(&self, key: KeyHash, amount: i64, words: u64, more: u64) -> u64 {
        if let Some(strong) = &self.strong {
            return strong_value(strong, [key.lo, key.hi, amount as u64, words, more]);
        }
        let s = &self.words;
        let inner = fold((amount as u64) ^ s[8], words ^ s[9]);
        fold(inner ^ more ^ s[10], key.hi ^ inner.rotate_left(29) ^ s[11])
    }

    /// Hashes a word of a vocabulary; stable for a secret, unlike its number.
    #[must_use]
    pub fn word(&self, word: &str) -> u64 {
        if word.is_empty() { 0 } else { self.key(word.as_bytes()).hi }
    }
}

/// The 128-bit keyed hash of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash {
    /// Lower half; its upper bits choose the partition.
    pub lo: u64,
    /// Upper half.
    pub hi: u64,
}

/// Combines further compared values into one word.
#[inline(always)]
#[must_use]
pub fn combine(a: u64, b: u64) -> u64 {
    fold(a ^ 0x9E37_79B9_7F4A_7C15, b ^ 0xD1B5_4A32_D192_ED03)
}

#[cold]
fn strong_value(strong: &[u8; 32], parts: [u64; 5]) -> u64 {
    let mut bytes = [0; 40];
    for (chunk, part) in bytes.chunks_exact_mut(8).zip(parts) {
        chunk.copy_from_slice(&part.to_le_bytes());
    }
    let hash = blake3::keyed_hash(strong, &bytes);
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"))
}

#[inline(always)]
fn wide(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    (product as u64, (product >> 64) as u64)
}

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let (lo, hi) = wide(a, b);
    lo ^ hi
}

fn padded(bytes: &[u8]) -> [u64; 4] {
    let mut all = [0_u8; 32];
    all[..bytes.len()].copy_from_slice(bytes);
    words_of(&all)
}

/// Reads 32 bytes as four words.
#[inline(always)]
#[must_use]
pub fn words_of(bytes: &[u8; 32]) -> [u64; 4] {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    [word(0), word(8), word(16), word(24)]
}

const KEEP: [[u64; 4]; 33] = {
    let mut table = [[0_u64; 4]; 33];
    let mut len = 0;
    while len <= 32 {
        let mut word = 0;
        while word < 4 {
            let bytes = if len > word * 8 { if len - word * 8 > 8 { 8 } else { len - word * 8 } } else { 0 };
            table[len][word] = if bytes == 8 { u64::MAX } else { (1 << (bytes * 8)) - 1 };
            word += 1;
        }
        len += 1;
    }
    table
};

/// Zeroes all but the first `len` bytes of four words. `len` is at most 32.
#[inline(always)]
#[must_use]
pub fn keep_first(words: [u64; 4], len: usize) -> [u64; 4] {
    let keep = &KEEP[len];
    [words[0] & keep[0], words[1] & keep[1], words[2] & keep[2], words[3] & keep[3]]
}

/// Reads up to 16 digits that end at the end of `tail` (the 16 bytes up to the number's end), or
/// `None` when one of the last `len` bytes is not a digit. `len` is 1 to 16.
#[inline(always)]
#[must_use]
pub fn digits16(tail: [u8; 16], len: usize) -> Option<u64> {
    let text = u128::from_le_bytes(tail);
    let digits = (text ^ ASCII_ZEROS) & (u128::MAX << ((16 - len) * 8));
    digits_value(digits)
}

/// Reads a decimal of `len` bytes that ends at the end of `tail`, with its point before the last
/// `decimals` digits, as a whole number without the point. `None` when it does not look like that.
/// `decimals` is 1 to 4 and `len` is `decimals + 2` to 16.
#[inline(always)]
#[must_use]
pub fn decimal16(tail: [u8; 16], len: usize, decimals: usize) -> Option<u64> {
    if tail[15 - decimals] != b'.' {
        return None;
    }
    let text = (u128::from_le_bytes(tail) ^ ASCII_ZEROS) & (u128::MAX << ((16 - len) * 8));
    // The digits before the point move up by one byte, over the point.
    let after = u128::MAX << ((16 - decimals) * 8);
    digits_value(text & after | (text << 8) & !after)
}

const ASCII_ZEROS: u128 = u128::from_le_bytes([b'0'; 16]);

#[inline(always)]
fn digits_value(digits: u128) -> Option<u64> {
    const HIGH: u128 = u128::from_le_bytes([0x80; 16]);
    const LIMIT: u128 = u128::from_le_bytes([0x76; 16]);
    // A byte above 9 carries into its top bit, or has it set already.
    if (digits.wrapping_add(LIMIT) | digits) & HIGH != 0 {
        return None;
    }
    Some(eight_digits(digits as u64) * 100_000_000 + eight_digits((digits >> 64) as u64))
}

#[inline(always)]
fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tail(text: &str) -> [u8; 16] {
        let mut all = [b'#'; 16];
        all[16 - text.len()..].copy_from_slice(text.as_bytes());
        all
    }

    proptest! {
        #[test]
        fn digits_are_read_exactly(value in 0_u64..10_000_000_000_000_000) {
            let text = value.to_string();
            prop_assert_eq!(digits16(tail(&text), text.len()), Some(value));
        }

        #[test]
        fn decimals_are_read_exactly(value in 0_u64..100_000_000_000_000, decimals in 1_usize..=4) {
            let text = suanpan_money::format_minor(value as i64, decimals as u8);
            prop_assume!(text.len() <= 16);
            prop_assert_eq!(decimal16(tail(&text), text.len(), decimals), Some(value));
        }

        #[test]
        fn anything_but_digits_is_refused(value in 0_u64..100_000_000, at in 0_usize..8, byte in any::<u8>()) {
            prop_assume!(!byte.is_ascii_digit());
            let mut all = tail(&format!("{value:08}"));
            all[8 + at] = byte;
            prop_assert_eq!(digits16(all, 8), None);
        }

        #[test]
        fn keys_differ_by_length_and_content(a in proptest::collection::vec(any::<u8>(), 0..70), b in proptest::collection::vec(any::<u8>(), 0..70)) {
            let secret = Secret::shared(b"test");
            prop_assert_eq!(secret.key(&a) == secret.key(&b), a == b);
            let mut longer = a.clone();
            longer.push(0);
            prop_assert_ne!(secret.key(&a), secret.key(&longer));
        }
    }

    #[test]
    fn masks_keep_the_first_bytes() {
        let words = words_of(&[0xAB; 32]);
        for len in 0..=32 {
            let mut want = [0_u8; 32];
            want[..len].fill(0xAB);
            assert_eq!(keep_first(words, len), words_of(&want), "{len}");
        }
    }
}
