//! Keys and the block ciphers of the card world. Real keys belong into a hardware module: this is for
//! simulators, terminals of one's own, and tests.
//!
//! Keys are never shown, are overwritten when dropped, and compare without telling by time where they differ.

use aes::Aes128;
use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// What all keys share: compared in constant time, overwritten when dropped.
macro_rules! secret {
    ($key:ident) => {
        impl PartialEq for $key {
            fn eq(&self, other: &$key) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $key {}

        impl Drop for $key {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }
    };
}

/// A block of DES.
pub type Block = [u8; 8];

/// A double-length key of triple DES. Never shown.
#[derive(Clone)]
pub struct DoubleKey([u8; 16]);

impl std::fmt::Debug for DoubleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DoubleKey(..)")
    }
}

secret!(DoubleKey);

impl DoubleKey {
    /// Takes a key as it is; parity bits do not matter to the cipher.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> DoubleKey {
        DoubleKey(bytes)
    }

    /// Returns the bytes, for who stores or wraps the key.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the key with each byte's last bit set so that its bits are odd in number.
    #[must_use]
    pub fn with_odd_parity(&self) -> DoubleKey {
        DoubleKey(self.0.map(|byte| (byte & 0xFE) | u8::from((byte >> 1).count_ones().is_multiple_of(2))))
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        TdesEde2::new(&self.0.into()).encrypt_block(&mut block);
        block.into()
    }

    /// Decrypts one block.
    #[must_use]
    pub fn decrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        TdesEde2::new(&self.0.into()).decrypt_block(&mut block);
        block.into()
    }

    /// Returns the first three bytes of the encrypted zero block, by which people compare keys.
    #[must_use]
    pub fn check_value(&self) -> [u8; 3] {
        let [a, b, c, ..] = self.encrypt([0; 8]);
        [a, b, c]
    }

    /// Returns the left half as a key of single DES.
    #[must_use]
    pub fn left(&self) -> SingleKey {
        SingleKey(self.0[..8].try_into().expect("eight bytes"))
    }
}

/// A key of single DES. Never shown.
#[derive(Clone)]
pub struct SingleKey([u8; 8]);

impl std::fmt::Debug for SingleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SingleKey(..)")
    }
}

secret!(SingleKey);

impl SingleKey {
    /// Takes a key as it is.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> SingleKey {
        SingleKey(bytes)
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        Des::new(&self.0.into()).encrypt_block(&mut block);
        block.into()
    }
}

/// A key of AES-128. Never shown.
#[derive(Clone)]
pub struct AesKey([u8; 16]);

impl std::fmt::Debug for AesKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AesKey(..)")
    }
}

secret!(AesKey);

impl AesKey {
    /// Takes a key.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> AesKey {
        AesKey(bytes)
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        Aes128::new(&self.0.into()).encrypt_block(&mut block);
        block.into()
    }

    /// Decrypts one block.
    #[must_use]
    pub fn decrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        Aes128::new(&self.0.into()).decrypt_block(&mut block);
        block.into()
    }
}

/// Compares codes without telling by time where they differ. Only the lengths may be told.
#[must_use]
pub fn agrees(own: &[u8], theirs: &[u8]) -> bool {
    own.ct_eq(theirs).into()
}

/// Joins two blocks bit by bit.
pub(crate) fn xor<const N: usize>(a: [u8; N], b: [u8; N]) -> [u8; N] {
    std::array::from_fn(|at| a[at] ^ b[at])
}
