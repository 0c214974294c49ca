//! PIN blocks of ISO 9564-1, formats 0, 3 and 4.

use crate::keys::{AesKey, Block, agrees, xor};
use zeroize::Zeroize;

/// A PIN of four to twelve digits. Never shown.
#[derive(Clone)]
pub struct Pin(Vec<u8>);

impl PartialEq for Pin {
    fn eq(&self, other: &Pin) -> bool {
        self.agrees(other)
    }
}

impl Eq for Pin {}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// A PIN block under a key. Never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PinBlock(pub Block);

impl std::fmt::Debug for PinBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinBlock(..)")
    }
}

/// Why a PIN block cannot be made or read. Says nothing of the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// A PIN has 4 to 12 digits.
    #[error("a PIN has 4 to 12 digits")]
    Pin,
    /// A card number has 12 to 19 digits here.
    #[error("a card number has 12 to 19 digits")]
    CardNumber,
    /// The block does not have the format: another key, card number or format.
    #[error("is not a PIN block of format {0} for this card number")]
    Block(u8),
    /// Filling of format 3 is A to F.
    #[error("the filling of format 3 is ten digits from A to F")]
    Filling,
}

impl Pin {
    /// Takes the digits of a PIN.
    ///
    /// # Errors
    /// When there are not 4 to 12 digits.
    pub fn new(digits: &str) -> Result<Pin, PinError> {
        let fits = (4..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Pin(digits.bytes().map(|b| b - b'0').collect())) } else { Err(PinError::Pin) }
    }

    /// Compares with another PIN without telling by time where they differ.
    #[must_use]
    pub fn agrees(&self, other: &Pin) -> bool {
        agrees(&self.0, &other.0)
    }
}

/// Puts half bytes together.
fn packed<const N: usize>(nibbles: impl IntoIterator<Item = u8>) -> [u8; N] {
    let mut bytes = [0; N];
    for (at, nibble) in nibbles.into_iter().enumerate().take(2 * N) {
        bytes[at / 2] |= if at % 2 == 0 { nibble << 4 } else { nibble & 15 };
    }
    bytes
}

fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

fn card_digits(card_number: &str) -> Result<Vec<u8>, PinError> {
    let fits = (12..=19).contains(&card_number.len()) && card_number.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(card_number.bytes().map(|b| b - b'0').collect()) } else { Err(PinError::CardNumber) }
}

/// Four zeros and the twelve digits before the check digit.
fn account_field(card_number: &str) -> Result<Block, PinError> {
    let digits = card_digits(card_number)?;
    let end = digits.len() - 1;
    let twelve = &digits[end.saturating_sub(12)..end];
    let zeros = std::iter::repeat_n(0, 16 - twelve.len());
    Ok(packed(zeros.chain(twelve.iter().copied())))
}

fn pin_field(format: u8, pin: &Pin, filling: impl IntoIterator<Item = u8>) -> Block {
    let length = u8::try_from(pin.0.len()).expect("at most twelve digits");
    packed([format, length].into_iter().chain(pin.0.iter().copied()).chain(filling))
}

fn read(format: u8, field: &[u8], filled: impl Fn(u8) -> bool) -> Result<Pin, PinError> {
    let nibbles = nibbles(&field[..8]);
    let length = usize::from(nibbles[1]);
    let sound = nibbles[0] == format
        && (4..=12).contains(&length)
        && nibbles[2..2 + length].iter().all(|digit| *digit <= 9)
        && nibbles[2 + length..].iter().all(|nibble| filled(*nibble));
    if sound { Ok(Pin(nibbles[2..2 + length].to_vec())) } else { Err(PinError::Block(format)) }
}

/// Makes a clear block of format 0: it is to be encrypted before it leaves.
///
/// # Errors
/// When the card number has another length.
pub fn format_0(pin: &Pin, card_number: &str) -> Result<Block, PinError> {
    Ok(xor(pin_field(0, pin, std::iter::repeat(15)), account_field(card_number)?))
}

/// Reads a clear block of format 0.
///
/// # Errors
/// When it is none for this card number.
pub fn read_format_0(block: Block, card_number: &str) -> Result<Pin, PinError> {
    read(0, &xor(block, account_field(card_number)?), |nibble| nibble == 15)
}

/// Makes a clear block of format 3, with random filling of ten digits from 10 to 15.
///
/// # Errors
/// When the card number has another length, or the filling other digits.
pub fn format_3(pin: &Pin, card_number: &str, filling: [u8; 10]) -> Result<Block, PinError> {
    if filling.iter().any(|digit| !(10..=15).contains(digit)) {
        return Err(PinError::Filling);
    }
    Ok(xor(pin_field(3, pin, filling), account_field(card_number)?))
}

/// Reads a clear block of format 3.
///
/// # Errors
/// When it is none for this card number.
pub fn read_format_3(block: Block, card_number: &str) -> Result<Pin, PinError> {
    read(3, &xor(block, account_field(card_number)?), |nibble| nibble >= 10)
}

/// Makes an encrypted block of format 4 with eight random bytes.
///
/// # Errors
/// When the card number has another length.
pub fn format_4(key: &AesKey, pin: &Pin, card_number: &str, random: [u8; 8]) -> Result<[u8; 16], PinError> {
    let field = pin_field(4, pin, std::iter::repeat(10));
    let mut clear = [0; 16];
    clear[..8].copy_from_slice(&field);
    clear[8..].copy_from_slice(&random);
    let account = account_field_4(card_number)?;
    Ok(key.encrypt(xor(key.encrypt(clear), account)))
}

/// Reads an encrypted block of format 4.
///
/// # Errors
/// When it is none for this key and card number.
pub fn read_format_4(key: &AesKey, block: [u8; 16], card_number: &str) -> Result<Pin, PinError> {
    let clear = key.decrypt(xor(key.decrypt(block), account_field_4(card_number)?));
    read(4, &clear, |nibble| nibble == 10)
}

/// How many digits are over twelve, the card number, zeros.
fn account_field_4(card_number: &str) -> Result<[u8; 16], PinError> {
    let digits = card_digits(card_number)?;
    let over = u8::try_from(digits.len() - 12).expect("at most seven");
    Ok(packed([over].into_iter().chain(digits)))
}
