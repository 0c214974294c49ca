//! Application cryptograms: keys of the card and of one payment, ARQC and ARPC (EMV 4.3, book 2, annex A1).

use crate::emv::data::ChipData;
use crate::keys::{self, Block, DoubleKey, xor};
use crate::mac::{self, Padding};
use crate::tlv::Tag;
use sha1::{Digest, Sha1};

/// Why a key cannot be derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Card numbers have 8 to 19 digits, sequence numbers two.
    #[error("a card number has 8 to 19 digits, and its sequence number two")]
    CardNumber,
}

/// Derives the master key of a card from that of its issuer: option A for card numbers of up to 16 digits,
/// option B for longer ones.
///
/// # Errors
/// When the card number or its sequence number has another length or other characters.
pub fn card_key(issuer: &DoubleKey, card_number: &str, sequence: &str) -> Result<DoubleKey, KeyError> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !(8..=19).contains(&card_number.len())
        || !digits(card_number)
        || sequence.len() != 2
        || !digits(sequence)
    {
        return Err(KeyError::CardNumber);
    }
    let joined = format!("{card_number}{sequence}");
    Ok(if card_number.len() <= 16 { option_a(issuer, &joined) } else { derived(issuer, option_b(&joined)) })
}

/// Derives the master key by option A whatever the length of the card number, as issuers of UnionPay cards do.
///
/// # Errors
/// As [`card_key`].
pub fn card_key_option_a(
    issuer: &DoubleKey,
    card_number: &str,
    sequence: &str,
) -> Result<DoubleKey, KeyError> {
    card_key(issuer, card_number, sequence)?;
    Ok(option_a(issuer, &format!("{card_number}{sequence}")))
}

fn option_a(issuer: &DoubleKey, joined: &str) -> DoubleKey {
    let last = &joined[joined.len().saturating_sub(16)..];
    let mut block = [0; 8];
    for (at, digit) in format!("{last:0>16}").bytes().enumerate() {
        block[at / 2] |= if at % 2 == 0 { (digit - b'0') << 4 } else { digit - b'0' };
    }
    derived(issuer, block)
}

/// The first sixteen decimal digits of a SHA-1, then its letters as digits.
fn option_b(joined: &str) -> Block {
    let padded = if joined.len().is_multiple_of(2) { joined.to_owned() } else { format!("0{joined}") };
    let packed: Vec<u8> =
        padded.as_bytes().chunks_exact(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect();
    let nibbles: Vec<u8> = Sha1::digest(&packed).iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
    let digits = nibbles.iter().copied().filter(|nibble| *nibble <= 9);
    let letters = nibbles.iter().copied().filter(|nibble| *nibble > 9).map(|nibble| nibble - 10);
    let mut block = [0; 8];
    for (at, digit) in digits.chain(letters).take(16).enumerate() {
        block[at / 2] |= if at % 2 == 0 { digit << 4 } else { digit };
    }
    block
}

/// Encrypts a block and its complement: the two halves of a new key.
fn derived(key: &DoubleKey, block: Block) -> DoubleKey {
    halves(key.encrypt(block), key.encrypt(block.map(|byte| !byte)))
}

fn halves(left: Block, right: Block) -> DoubleKey {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&left);
    bytes[8..].copy_from_slice(&right);
    DoubleKey::new(bytes)
}

/// Derives the key of one payment by the common method of EMV (CSK): from a text of eight bytes, which is
/// the counter and zeros, or the counter, zeros and the unpredictable number.
#[must_use]
pub fn session_key_common(card: &DoubleKey, text: Block) -> DoubleKey {
    let with = |byte: u8| {
        let mut block = text;
        block[2] = byte;
        card.encrypt(block)
    };
    halves(with(0xF0), with(0x0F))
}

/// Derives the key of one payment by the method of PBOC and UICS: from the counter and its complement.
#[must_use]
pub fn session_key_pboc(card: &DoubleKey, counter: u16) -> DoubleKey {
    let block = |counter: u16| {
        let [high, low] = counter.to_be_bytes();
        [0, 0, 0, 0, 0, 0, high, low]
    };
    halves(card.encrypt(block(counter)), card.encrypt(block(!counter)))
}

/// The text of [`session_key_common`] for a counter alone (Visa CVN 18).
#[must_use]
pub fn counter_text(counter: u16) -> Block {
    let [high, low] = counter.to_be_bytes();
    [high, low, 0, 0, 0, 0, 0, 0]
}

/// The text of [`session_key_common`] for a counter and an unpredictable number (M/Chip).
#[must_use]
pub fn counter_and_number_text(counter: u16, unpredictable: [u8; 4]) -> Block {
    let [high, low] = counter.to_be_bytes();
    let [a, b, c, d] = unpredictable;
    [high, low, 0, 0, a, b, c, d]
}

/// Computes an application cryptogram (ARQC, TC, AAC) over the data that the version of the cryptogram names:
/// CVN 10 fills with zeros and uses the card's key, CVN 18 and PBOC 01 fill with 80 and use the payment's.
#[must_use]
pub fn application_cryptogram(key: &DoubleKey, data: &[u8], padding: Padding) -> Block {
    mac::x9_19(key, data, padding)
}

/// What version 01 of PBOC's cryptogram stands over, in its order, before the card verification results of 9F10.
const PBOC_01: [(u32, usize); 10] = [
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
    (0x82, 2),
    (0x9F36, 2),
];

/// Joins what version 01 of PBOC's cryptogram stands over; none where a value is missing or has another length.
#[must_use]
pub fn data_pboc_01(data: &ChipData) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(37);
    for (tag, length) in PBOC_01 {
        text.extend(data.get(Tag(tag)).filter(|value| value.len() == length)?);
    }
    text.extend(data.issuer_data().ok()??.card_results);
    Some(text)
}

/// Compares cryptograms without telling by time where they differ.
#[must_use]
pub fn agrees(own: Block, theirs: Block) -> bool {
    keys::agrees(&own, &theirs)
}

/// Computes the issuer's answer by method 1: over the cryptogram joined with the response code.
#[must_use]
pub fn answer_1(key: &DoubleKey, cryptogram: Block, response: [u8; 2]) -> Block {
    let [a, b] = response;
    key.encrypt(xor(cryptogram, [a, b, 0, 0, 0, 0, 0, 0]))
}

/// Computes the issuer's answer by method 2: over the cryptogram, the card status update and data of the
/// issuer's own, of at most eight bytes.
#[must_use]
pub fn answer_2(key: &DoubleKey, cryptogram: Block, status_update: [u8; 4], own_data: &[u8]) -> [u8; 4] {
    let text = [&cryptogram[..], &status_update, own_data].concat();
    let [a, b, c, d, ..] = mac::x9_19(key, &text, Padding::Bit);
    [a, b, c, d]
}
