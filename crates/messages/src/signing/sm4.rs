//! SM4 (GB/T 32907): blocks, ECB and CBC (GB/T 17964), and the code by CBC (GB/T 15852.1, algorithm 1) that
//! UnionPay uses with national keys.

use crate::mac::Padding;
use ::sm4::Sm4;
use ::sm4::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use std::fmt;

/// A block of SM4.
pub type Block = [u8; 16];

/// How a text is filled up to whole blocks before it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// Not at all: the text must be whole blocks.
    None,
    /// As many bytes as are missing, each telling how many (PKCS#7).
    Counted,
}

/// Why a text cannot be encrypted or decrypted.
///
/// Whoever answers a stranger must not tell these apart, and should check a code before decrypting: otherwise
/// the answers give the text away byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not whole blocks of 16 bytes, or its filling is not what it should be")]
pub struct Sm4Error;

/// A key of SM4. Never shown, overwritten when dropped.
#[derive(Clone)]
pub struct Sm4Key(Sm4);

impl fmt::Debug for Sm4Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm4Key(..)")
    }
}

impl Sm4Key {
    /// Takes a key.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Sm4Key {
        Sm4Key(Sm4::new(&bytes.into()))
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// Decrypts one block.
    #[must_use]
    pub fn decrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        self.0.decrypt_block(&mut block);
        block.into()
    }

    /// Encrypts a text block by block (ECB). Equal blocks stay equal: good for keys, not for texts.
    ///
    /// # Errors
    /// When the text is not whole blocks and is not to be filled up.
    pub fn encrypt_ecb(&self, text: &[u8], filling: Filling) -> Result<Vec<u8>, Sm4Error> {
        Ok(filled(text, filling)?.into_iter().flat_map(|block| self.encrypt(block)).collect())
    }

    /// Decrypts a text block by block (ECB).
    ///
    /// # Errors
    /// When the text is not whole blocks, or its filling is wrong.
    pub fn decrypt_ecb(&self, text: &[u8], filling: Filling) -> Result<Vec<u8>, Sm4Error> {
        let clear = whole(text)?.iter().flat_map(|block| self.decrypt(*block)).collect();
        unfilled(clear, filling)
    }

    /// Encrypts a text, each block joined with the one before it (CBC). The first is joined with a block that
    /// must be random and new each time.
    ///
    /// # Errors
    /// When the text is not whole blocks and is not to be filled up.
    pub fn encrypt_cbc(&self, first: Block, text: &[u8], filling: Filling) -> Result<Vec<u8>, Sm4Error> {
        let mut chain = first;
        let mut sealed = Vec::with_capacity(text.len() + 16);
        for block in filled(text, filling)? {
            chain = self.encrypt(crate::keys::xor(chain, block));
            sealed.extend(chain);
        }
        Ok(sealed)
    }

    /// Decrypts a text that was encrypted by [`Sm4Key::encrypt_cbc`].
    ///
    /// # Errors
    /// When the text is not whole blocks, or its filling is wrong.
    pub fn decrypt_cbc(&self, first: Block, text: &[u8], filling: Filling) -> Result<Vec<u8>, Sm4Error> {
        let mut chain = first;
        let mut clear = Vec::with_capacity(text.len());
        for block in whole(text)? {
            clear.extend(crate::keys::xor(chain, self.decrypt(*block)));
            chain = *block;
        }
        unfilled(clear, filling)
    }

    /// Computes a message authentication code by CBC from a block of zeros. Compare it by
    /// [`keys::agrees`](crate::keys::agrees); the field of a message often has its first four or eight bytes.
    ///
    /// With [`Padding::Zeros`] texts that differ only in zeros at their end get the same code. Either is sound
    /// only for texts whose length is fixed or stands at their beginning, as that of ISO 8583 does.
    #[must_use]
    pub fn mac(&self, text: &[u8], padding: Padding) -> Block {
        crate::mac::blocks(text, padding)
            .into_iter()
            .fold([0; 16], |chain, block| self.encrypt(crate::keys::xor(chain, block)))
    }
}

fn whole(text: &[u8]) -> Result<&[Block], Sm4Error> {
    match text.as_chunks::<16>() {
        (blocks, []) => Ok(blocks),
        _ => Err(Sm4Error),
    }
}

fn filled(text: &[u8], filling: Filling) -> Result<Vec<Block>, Sm4Error> {
    let (blocks, rest) = text.as_chunks::<16>();
    let mut blocks = blocks.to_vec();
    match filling {
        Filling::None if rest.is_empty() => {}
        Filling::None => return Err(Sm4Error),
        Filling::Counted => {
            let mut last = [u8::try_from(16 - rest.len()).expect("1 to 16"); 16];
            last[..rest.len()].copy_from_slice(rest);
            blocks.push(last);
        }
    }
    Ok(blocks)
}

fn unfilled(mut clear: Vec<u8>, filling: Filling) -> Result<Vec<u8>, Sm4Error> {
    if filling == Filling::Counted {
        let count = clear.last().copied().filter(|count| (1..=16).contains(count)).ok_or(Sm4Error)?;
        let end = clear.len().checked_sub(usize::from(count)).ok_or(Sm4Error)?;
        // All bytes are looked at, whichever of them is wrong.
        let differs = clear[end..].iter().fold(0, |differs, byte| differs | (byte ^ count));
        if differs != 0 {
            return Err(Sm4Error);
        }
        clear.truncate(end);
    }
    Ok(clear)
}
