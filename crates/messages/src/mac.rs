//! Message authentication codes of card networks.

use crate::keys::{Block, DoubleKey, SingleKey, xor};

/// How a text is filled up to whole blocks (ISO/IEC 9797-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Zeros, none where the text fits.
    Zeros,
    /// One byte 80, then zeros.
    Bit,
}

/// Cuts a text into blocks, at least one.
pub(crate) fn blocks<const N: usize>(text: &[u8], padding: Padding) -> Vec<[u8; N]> {
    let mut text = text.to_vec();
    if padding == Padding::Bit {
        text.push(0x80);
    }
    let len = text.len().next_multiple_of(N).max(N);
    text.resize(len, 0);
    text.as_chunks().0.to_vec()
}

/// Computes ANSI X9.9: CBC with single DES, all eight bytes of the last block.
#[must_use]
pub fn x9_9(key: &SingleKey, text: &[u8], padding: Padding) -> Block {
    blocks(text, padding).into_iter().fold([0; 8], |chain, block| key.encrypt(xor(chain, block)))
}

/// Computes ANSI X9.19, which is algorithm 3 of ISO/IEC 9797-1 ("retail MAC"): CBC with the left half of the
/// key, the last block with the whole key.
#[must_use]
pub fn x9_19(key: &DoubleKey, text: &[u8], padding: Padding) -> Block {
    let left = key.left();
    let mut blocks = blocks(text, padding);
    let last = blocks.pop().expect("at least one block");
    let chain = blocks.into_iter().fold([0; 8], |chain, block| left.encrypt(xor(chain, block)));
    key.encrypt(xor(chain, last))
}

/// Computes the MAC of UnionPay terminals ("ECB", DE64) with an encryption of one's own: all blocks joined,
/// written in hexadecimal, the first half encrypted, joined with the second, encrypted again. Its first eight
/// characters in hexadecimal are the field.
#[must_use]
pub fn unionpay_terminal(encrypt: impl Fn(Block) -> Block, text: &[u8]) -> [u8; 8] {
    let joined = blocks(text, Padding::Zeros).into_iter().fold([0; 8], xor);
    let hexadecimal = hexadecimal(joined);
    let (first, second) = hexadecimal.split_at(8);
    let halves: [Block; 2] = [first, second].map(|half| half.try_into().expect("eight bytes"));
    let result = encrypt(xor(encrypt(halves[0]), halves[1]));
    self::hexadecimal(result)[..8].try_into().expect("eight bytes")
}

/// Returns the left four bytes of a MAC as eight characters: DE128 of the UnionPay host dialect.
#[must_use]
pub fn left_half_as_text(mac: Block) -> [u8; 8] {
    hexadecimal(mac)[..8].try_into().expect("eight bytes")
}

fn hexadecimal(block: Block) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    std::array::from_fn(|at| {
        let byte = block[at / 2];
        DIGITS[usize::from(if at % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}
